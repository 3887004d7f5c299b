"""Area of applicability of a table whose features hold classes, by Gower's distance."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import pdist

from minerisk.models.applicability.area_of_applicability import MAX_POINTS, Novelty
from minerisk.models.applicability.training_land import (
    across_folds,
    checked_folds,
    drawn_rows,
    upper_whisker,
    used_features,
)
from minerisk.models.gower import GowerSpace

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class GowerApplicability:
    """What `Applicability` is for numbers, for tables with columns of classes as well.

    A run has no such columns: its cube holds numbers, classes of land cover as one indicator each.
    This one is for tables of one's own.

    Attributes
    ----------
    space
        Ranges, classes and weights of the features, weighted by their importance.
    reference
        Training points in that space, shape (m, d).
    mean_distance
        Mean distance between training points.
    threshold
        Upper whisker of the dissimilarity of training points to the nearest of another fold.

    Notes
    -----
    Meyer and Pebesma 2021, doi 10.1111/2041-210X.13650, with Gower 1971, doi 10.2307/2528823, in
    place of the straight distance between standardised numbers.

    Examples
    --------
    Trained in woods and on fields; a bog is unlike both, however flat it is.

    >>> X = pd.DataFrame({"slope_deg": [0.0, 1, 2, 3] * 2, "cover": ["wood"] * 4 + ["field"] * 4})
    >>> area = GowerApplicability.fit(X, {"slope_deg": 1.0, "cover": 1.0}, folds=[0, 1] * 4)
    >>> new = pd.DataFrame({"slope_deg": [1.0, 1.0], "cover": ["wood", "bog"]})
    >>> area.applicable(area.novelty(new).dissimilarity)
    array([ True, False])
    """

    space: GowerSpace
    reference: Array
    mean_distance: float
    threshold: float

    @classmethod
    def fit(
        cls,
        X: pd.DataFrame,
        importance: Mapping[str, float] | pd.Series,
        folds: ArrayLike,
        *,
        seed: int = 0,
        max_points: int = MAX_POINTS,
    ) -> Self:
        """Learn the training land; arguments as in `Applicability.fit`, but no feature may lack.

        Raises
        ------
        InputError
            If no feature has importance, or the complete rows hold fewer than two folds.
        """
        fold = checked_folds(folds, len(X))
        names = used_features(X, importance)
        space = GowerSpace.fit(X, {name: float(importance[name]) for name in names})
        points = space.points(X)
        complete = np.flatnonzero(np.isfinite(points).all(axis=1))
        rows = drawn_rows(complete, seed, max_points)
        reference = points[rows]
        mean_distance = float(pdist(reference, "cityblock").mean())
        across = across_folds(reference, fold[rows], _nearest)
        return cls(space, reference, mean_distance, upper_whisker(across / mean_distance))

    def novelty(self, X: pd.DataFrame) -> Novelty:
        """Compute dissimilarity and local point density of rows, NaN where a feature is missing."""
        points = self.space.points(X)
        known = np.isfinite(points).all(axis=1)
        out = np.full((2, len(X)), np.nan, dtype=np.float32)
        tree = cKDTree(self.reference)
        out[0, known] = tree.query(points[known], p=1)[0] / self.mean_distance
        radius = self.threshold * self.mean_distance
        out[1, known] = tree.query_ball_point(points[known], radius, p=1, return_length=True)
        return Novelty(out[0], out[1])

    def applicable(self, dissimilarity: ArrayLike) -> NDArray[np.bool_]:
        """Return where the dissimilarity is known and within the threshold."""
        return np.asarray(np.asarray(dissimilarity) <= np.float32(self.threshold))


def _nearest(points: Array, others: Array) -> Array:
    return np.asarray(cKDTree(others).query(points, p=1)[0])
