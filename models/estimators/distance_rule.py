"""The rule of thumb that a model has to beat: the nearest known line or position first."""

from collections.abc import Sequence
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.estimators.ensemble import Ensemble, column_names
from minerisk.models.estimators.members import FAR_M, NearestMembers
from minerisk.models.estimators.remembered import Remembered


class DistanceRule(Ensemble):
    """The rule of thumb: the nearer to a known line or position, the likelier.

    Of several distances, the rule goes by the nearest of all or by one of them alone, whichever
    ranks the training rows best (ROC-AUC): what a model is held against is the strongest plain
    rule that the layers allow. Nothing else is learned, so scores of all folds rank by distance
    alone; what they mean as probabilities is left to the calibration that every model passes
    through.

    Parameters
    ----------
    columns
        Names of the distance columns, metres; NaN where a layer says nothing. A column that is
        not there is an error.
    slope, intercept
        As for `LightGBMEnsemble`.
    threads
        Not used; every ensemble has it.

    Examples
    --------
    >>> import pandas as pd
    >>> X = pd.DataFrame({"front_distance_m": [500.0, 20_000.0, 3_000.0]})
    >>> rule = DistanceRule(["front_distance_m"]).fit(X, [1, 0, 0])
    >>> np.argsort(-rule.predict_proba(X)[:, 1])
    array([0, 2, 1])
    """

    def __init__(
        self,
        columns: Sequence[str],
        *,
        slope: float = 1.0,
        intercept: float = 0.0,
        threads: int = 1,
    ) -> None:
        self.columns = columns
        self.slope = slope
        self.intercept = intercept
        self.threads = threads

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        known: Remembered | None = None,
    ) -> Self:
        """Look up the columns, and choose among them; the log-odds fall by 1 every 10 km."""
        names = column_names(X, self.columns)
        missing = [name for name in self.columns if name not in names]
        if missing or not self.columns:
            raise InputError(
                f"The distance rule needs the columns {missing or 'of distances'}; the table has "
                f"{names}."
            )
        places = [names.index(name) for name in self.columns]
        chosen = tuple(places)
        if len(places) > 1:
            ways = [chosen, *((place,) for place in places)]
            chosen = _strongest(np.asarray(X, dtype=np.float64), y, sample_weight, ways)
        self.classes_ = np.array([0, 1])
        self.columns_ = [names[place] for place in chosen]
        self.members_ = self._scaled(NearestMembers(columns=chosen, width=len(names)))
        return self


def _strongest(
    matrix: NDArray[np.float64],
    y: ArrayLike,
    weight: ArrayLike | None,
    ways: Sequence[tuple[int, ...]],
) -> tuple[int, ...]:
    """Return the columns whose nearest ranks best; of equals, the first."""
    known = np.where(np.isnan(matrix), FAR_M, matrix)
    if len(np.unique(np.asarray(y))) < 2:
        return ways[0]
    scores = [
        roc_auc_score(y, -known[:, list(way)].min(axis=1), sample_weight=weight) for way in ways
    ]
    return ways[int(np.argmax(scores))]
