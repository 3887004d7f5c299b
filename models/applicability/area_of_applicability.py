"""Area of applicability: where new land is too unlike the training land to say anything."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.applicability.feature_distance import Reference, nearest_and_near
from minerisk.models.applicability.training_land import (
    across_folds,
    centre_and_scale,
    checked_folds,
    drawn_rows,
    refuse_one_fold,
    upper_whisker,
    used_features,
)

Array = NDArray[np.float64]

LACKING = 3.0  # a missing value is put at so many standard deviations from the mean
MAX_POINTS = 5_000
_CHUNK_ROWS = 50_000
_ARRAYS = (
    "features",
    "scaling",
    "reference",
    "reference_fold",
    "training_dissimilarity",
    "limits",
)


@dataclass(frozen=True)
class Novelty:
    """How unlike training a cell is, each of shape (n,), float32, NaN where a feature is missing.

    Attributes
    ----------
    dissimilarity
        0 on a training point, about 1 at the mean distance between them.
    density
        Local point density: training points within the threshold of dissimilarity. One lone
        neighbour supports a statement less than a crowd does.
    """

    dissimilarity: NDArray[np.float32]
    density: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Applicability:
    """The training land in the space of weighted features, and how far from it is too far.

    Features are scaled by their standard deviation in training and weighted by their importance.
    The dissimilarity of a cell is its distance to the nearest training point over the mean
    distance of training points from each other. Beyond the dissimilarity that training points
    have to the nearest point of another fold, the cross-validated quality of the model is not
    known to hold.

    Attributes
    ----------
    features
        Names of the features with importance, d of them, in this order.
    centre, scale, weight
        Mean, standard deviation and importance (sum 1) of each, shape (d,).
    missing
        What a missing value of each reads as, NaN where it may not be missing, shape (d,).
    reference
        Training points, centred, scaled and weighted, shape (m, d).
    reference_fold
        Fold of each, shape (m,).
    mean_distance
        Mean distance between training points.
    training_dissimilarity
        Dissimilarity of training points to the nearest point of another fold, ascending.
    threshold
        Upper whisker of `training_dissimilarity`: third quartile plus 1.5 interquartile ranges,
        but no more than its greatest value; above 0.
    reference_row
        Row of the training table that each point is, shape (m,); none in a model that was read.

    Notes
    -----
    Meyer and Pebesma 2021, doi 10.1111/2041-210X.13650; for the local point density Schumacher et
    al. 2025, doi 10.5194/gmd-18-10185-2025.

    Examples
    --------
    The training land is flat or steep; land steeper than any of it is beyond the area of
    applicability, and so is land with a missing feature.

    >>> X = pd.DataFrame({"slope_deg": [0, 1, 2, 3, 10, 11, 12, 13], "front_m": [0, 1, 2, 3] * 2})
    >>> importance = {"slope_deg": 2.0, "front_m": 1.0}
    >>> area = Applicability.fit(X, importance, folds=[0, 1] * 4)
    >>> new = pd.DataFrame({"slope_deg": [1, 11, 40, np.nan], "front_m": [1, 1.5, 1, 1]})
    >>> area.dissimilarity(new).round(2)
    array([0.  , 0.15, 3.48,  nan], dtype=float32)
    >>> area.applicable(area.dissimilarity(new))
    array([ True,  True, False, False])
    """

    features: tuple[str, ...]
    centre: Array
    scale: Array
    weight: Array
    missing: Array
    reference: Array
    reference_fold: NDArray[np.int64]
    mean_distance: float
    training_dissimilarity: Array
    threshold: float
    reference_row: NDArray[np.int64] | None = None

    @classmethod
    def fit(
        cls,
        X: pd.DataFrame,
        importance: Mapping[str, float] | pd.Series,
        folds: ArrayLike,
        *,
        may_lack: Collection[str] = (),
        seed: int = 0,
        max_points: int = MAX_POINTS,
    ) -> Self:
        """Learn the training land.

        Parameters
        ----------
        X
            Features of the training rows, shape (n, p); rows with NaN in a used feature are
            left out, unless it may lack.
        importance
            Importance by feature name; zero, negative or absent leaves a feature out, and so
            does a feature that is constant in training.
        folds
            Fold of every row, shape (n,), those of the cross-validation whose quality is
            claimed; negative for rows that no fold tests.
        may_lack
            Features whose value may be missing for a known reason: land that a layer says nothing
            of is like other such land, and unlike land that it speaks for.
        seed
            Seed of the draw of training points.
        max_points
            Training points kept at most.

        Raises
        ------
        InputError
            If no feature has importance, or the complete rows hold fewer than two folds.
        """
        from scipy.spatial.distance import pdist

        fold = checked_folds(folds, len(X))
        names = used_features(X, importance)
        silent = np.array([name in may_lack for name in names])
        rows = np.arange(len(X))
        complete = np.flatnonzero(
            np.concatenate(
                [np.isfinite(part[:, ~silent]).all(axis=1) for part in _parts(X, names, rows)]
            )
        )
        centre, scale = centre_and_scale(partial(_parts, X, names, complete), len(names))
        varied = scale > 1e-12 * np.maximum(np.abs(centre), 1e-300)
        if not varied.any():
            raise InputError(
                f"No feature with importance varies over the {complete.size} complete training "
                f"rows (features {names[:5]}); expected at least one. Check the features for NaN."
            )
        names = [name for name, kept in zip(names, varied, strict=True) if kept]
        centre, scale, silent = centre[varied], scale[varied], silent[varied]
        missing = np.where(silent, centre + LACKING * scale, np.nan)
        weight = np.array([float(importance[name]) for name in names])
        weight /= weight.sum()
        rows = drawn_rows(complete, seed, max_points)
        reference = (_filled(_taken(X, names, rows), missing) - centre) / scale * weight
        mean_distance = float(pdist(reference).mean())
        training = across_folds(reference, fold[rows], _nearest) / mean_distance
        return cls(
            features=tuple(names),
            centre=centre,
            scale=scale,
            weight=weight,
            missing=missing,
            reference=reference,
            reference_fold=fold[rows].astype(np.int64),
            mean_distance=mean_distance,
            training_dissimilarity=training,
            threshold=upper_whisker(training),
            reference_row=rows,
        )

    def known_by(self, folds: ArrayLike) -> Self:
        """Return the same training land, its points known by other folds of the rows of `fit`.

        Parameters
        ----------
        folds
            Fold of every row that it was fitted on, shape (n,).

        Raises
        ------
        InputError
            If the points lie in fewer than two folds, none of them is tested, or the rows are not
            known, as of a model that was read.
        """
        if self.reference_row is None:
            raise InputError(
                "The area of applicability was read from files, which do not say what rows its "
                "training points are. Use the one that was fitted."
            )
        fold = np.asarray(folds)[self.reference_row].astype(np.int64)
        refuse_one_fold(fold)
        return replace(self, reference_fold=fold)

    def dissimilarity(self, X: pd.DataFrame, *, workers: int = 2) -> NDArray[np.float32]:
        """Compute the dissimilarity index of cells.

        Parameters
        ----------
        X
            Features, shape (n, p), the used ones among them by name.
        workers
            Threads; the result does not depend on them, nor on how rows are cut into batches.

        Returns
        -------
        ndarray of float32, shape (n,)
            0 on a training point, about 1 at the mean distance between them; NaN where a used
            feature has no value.
        """
        return self.novelty(X, workers=workers).dissimilarity

    def novelty(self, X: pd.DataFrame, *, workers: int = 2) -> Novelty:
        """Compute dissimilarity and local point density of cells; see `dissimilarity`."""
        return self._novelty(X, np.ones(len(self.reference), dtype=bool), workers)

    def held_out_novelty(self, X: pd.DataFrame, folds: ArrayLike, *, workers: int = 2) -> Novelty:
        """Compute both against the training points of other folds only, for rows held out.

        With the errors of the cross-validation this tells how error grows with novelty: see
        `minerisk.models.applicability.error_profiles.ErrorProfile`.

        Parameters
        ----------
        X
            Features of labelled rows, shape (n, p).
        folds
            Fold of every row, numbered as in `fit`, shape (n,); NaN is given for negative ones.
        """
        fold = np.asarray(folds)
        out = np.full((2, len(X)), np.nan, dtype=np.float32)
        for one in np.unique(fold[fold >= 0]):
            own = fold == one
            found = self._novelty(X.loc[own], self.reference_fold != one, workers)
            out[:, own] = found.dissimilarity, found.density
        return Novelty(out[0], out[1])

    def _novelty(self, X: pd.DataFrame, kept: NDArray[np.bool_], workers: int) -> Novelty:
        missing = [name for name in self.features if name not in X]
        if missing:
            raise InputError(f"The cells lack the features {missing}; rebuild the feature cube.")
        out = np.full((2, len(X)), np.nan, dtype=np.float32)
        radius = self.threshold * self.mean_distance
        reference = Reference.of(self.reference[kept])
        for start in range(0, len(X), _CHUNK_ROWS):
            rows = slice(start, start + _CHUNK_ROWS)
            values = _filled(_taken(X, self.features, rows), self.missing)
            known = np.isfinite(values).all(axis=1)
            points = (values[known] - self.centre) / self.scale * self.weight
            distance, near = nearest_and_near(points, reference, radius=radius, workers=workers)
            out[0, rows][known] = distance / self.mean_distance
            out[1, rows][known] = near
        return Novelty(out[0], out[1])

    def applicable(self, dissimilarity: ArrayLike) -> NDArray[np.bool_]:
        """Return where the dissimilarity is known and within the threshold."""
        return np.asarray(np.asarray(dissimilarity) <= np.float32(self.threshold))

    def values(self) -> Array:
        """Return the values of the training points, shape (m, d); NaN where one is missing."""
        values = self.reference / self.weight * self.scale + self.centre
        return np.where(np.isclose(values, self.missing), np.nan, values)

    def without(self, names: Collection[str]) -> Self:
        """Return the same training land in the features that are left.

        Distances between training points, and the threshold, are those in these features.

        Raises
        ------
        InputError
            If none is left.
        """
        kept = np.array([name not in names for name in self.features])
        if kept.all():
            return self
        if not kept.any():
            raise InputError(
                f"No feature is left of {list(self.features)}; expected one with importance."
            )
        from scipy.spatial.distance import pdist

        reference = np.ascontiguousarray(self.reference[:, kept])
        mean_distance = float(pdist(reference).mean())
        training = across_folds(reference, self.reference_fold, _nearest) / mean_distance
        return replace(
            self,
            features=tuple(name for name in self.features if name not in names),
            centre=self.centre[kept],
            scale=self.scale[kept],
            weight=self.weight[kept],
            missing=self.missing[kept],
            reference=reference,
            mean_distance=mean_distance,
            training_dissimilarity=training,
            threshold=upper_whisker(training),
        )

    def to_arrays(self) -> dict[str, NDArray[np.generic]]:
        """Return the whole as plain arrays of numbers and one of names; no pickles."""
        return {
            "features": np.array(self.features, dtype=np.str_),
            "scaling": np.stack([self.centre, self.scale, self.weight, self.missing], axis=1),
            "reference": self.reference,
            "reference_fold": self.reference_fold.astype(np.float64),
            "training_dissimilarity": self.training_dissimilarity,
            "limits": np.array([self.mean_distance, self.threshold]),
        }

    @classmethod
    def from_arrays(cls, arrays: Mapping[str, ArrayLike]) -> Self:
        """Rebuild what `to_arrays` returned; vectors may come back as one column.

        Raises
        ------
        InputError
            If an array is missing, or shapes do not fit each other.
        """
        missing = set(_ARRAYS) - set(arrays)
        if missing:
            raise InputError(f"The area of applicability lacks {sorted(missing)}; train again.")
        names = tuple(str(name) for name in np.asarray(arrays["features"]).ravel())
        scaling = np.asarray(arrays["scaling"], dtype=np.float64)
        reference = np.ascontiguousarray(arrays["reference"], dtype=np.float64)
        fold = np.asarray(arrays["reference_fold"], dtype=np.float64).ravel().astype(np.int64)
        limits = np.asarray(arrays["limits"], dtype=np.float64).ravel()
        fits = scaling.shape == (len(names), 4) and limits.shape == (2,)
        fits = fits and len(fold) == len(reference)
        if not (fits and reference.ndim == 2 and reference.shape[1] == len(names)):
            raise InputError(
                f"The area of applicability has {len(names)} features, scaling {scaling.shape} "
                f"and training points {reference.shape}; they do not fit. Train again."
            )
        return cls(
            features=names,
            centre=scaling[:, 0],
            scale=scaling[:, 1],
            weight=scaling[:, 2],
            missing=scaling[:, 3],
            reference=reference,
            reference_fold=fold,
            mean_distance=float(limits[0]),
            training_dissimilarity=np.asarray(
                arrays["training_dissimilarity"], dtype=np.float64
            ).ravel(),
            threshold=float(limits[1]),
        )


def _taken(X: pd.DataFrame, names: Sequence[str], rows: NDArray[np.int64] | slice) -> Array:
    """Return the values of some rows, shape (rows, names)."""
    return np.stack([X[name].to_numpy()[rows] for name in names], axis=1).astype(np.float64)


def _parts(X: pd.DataFrame, names: Sequence[str], rows: NDArray[np.int64]) -> Iterator[Array]:
    """Yield the values of some rows so many at a time, once at least."""
    for start in range(0, max(len(rows), 1), _CHUNK_ROWS):
        yield _taken(X, names, rows[start : start + _CHUNK_ROWS])


def _filled(values: Array, missing: Array) -> Array:
    """Put in what a missing value reads as; it stays NaN where it may not be missing."""
    return np.where(np.isnan(values), missing, values)


def _nearest(points: Array, others: Array) -> Array:
    return nearest_and_near(points, others, radius=0.0)[0]
