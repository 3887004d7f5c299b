"""How the error on held-out land grows with novelty: the expected error of a cell, from its own."""

from dataclasses import dataclass
from typing import ClassVar, NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Novelty
from minerisk.models.plain_values import PlainRecord

Array = NDArray[np.float64]

WINDOWS = 50
"""Held-out rows are averaged in so many windows of equal size before a curve is drawn."""
_ROUNDS = 20


@dataclass(frozen=True)
class ErrorProfile(PlainRecord):
    """Expected error as one curve rising with dissimilarity plus one falling with density.

    Attributes
    ----------
    dissimilarity, by_dissimilarity
        Knots, rising, and expected error there at the density of held-out rows.
    density, by_density
        Knots, rising, and what is added, falling, 0 on average over held-out rows.

    Notes
    -----
    After errorProfiles of the R package CAST (Meyer and Pebesma 2021, doi
    10.1111/2041-210X.13650); its shape-constrained spline is a monotone staircase of windows
    here, and both measures are taken together by backfitting (Bacchetti 1989, doi
    10.1080/01621459.1989.10478753).

    Examples
    --------
    >>> seen = Novelty(np.float32([0.1, 0.2, 0.4, 0.8]), np.float32([9, 9, 3, 1]))
    >>> profile = ErrorProfile.fit(seen, [0.1, 0.1, 0.3, 0.5])
    >>> profile.expected(Novelty(np.float32([0.1, 0.8]), np.float32([9, 1])))
    array([0.1, 0.5], dtype=float32)
    """

    dissimilarity: Array
    by_dissimilarity: Array
    density: Array
    by_density: Array

    kind: ClassVar[str] = "error_profile"

    @classmethod
    def fit(cls, novelty: Novelty, error: ArrayLike) -> Self:
        """Learn from rows held out.

        Parameters
        ----------
        novelty
            Of `minerisk.models.applicability.area_of_applicability.Applicability.held_out_novelty`.
        error
            Error of each row's held-out prediction, in any measure whose mean has a meaning, such
            as squared error or log loss; NaN rows are left out. Shape (n,).

        Raises
        ------
        InputError
            If fewer than two rows have both.
        """
        errors = np.asarray(error, dtype=np.float64)
        known = np.isfinite(errors) & np.isfinite(novelty.dissimilarity)
        if errors.shape != novelty.dissimilarity.shape or known.sum() < 2:
            raise InputError(
                f"{int(known.sum())} rows have an error and a dissimilarity (errors of shape "
                f"{errors.shape}, cells of shape {novelty.dissimilarity.shape}); expected 2 or "
                "more. Use rows that a fold tests."
            )
        error_known = errors[known]
        di = novelty.dissimilarity[known].astype(np.float64)
        density = novelty.density[known].astype(np.float64)
        by_di, by_density = _Windows.of(di), _Windows.of(density)
        added = np.zeros(error_known.size)
        for _ in range(_ROUNDS):
            curve_di = by_di.curve(error_known - added, rising=True)
            rest = error_known - np.interp(di, by_di.knots, curve_di)
            curve_density = by_density.curve(rest, rising=False)
            added = np.interp(density, by_density.knots, curve_density)
            curve_density = curve_density - added.mean()
            added = added - added.mean()
        return cls(by_di.knots, curve_di, by_density.knots, curve_density)

    def expected(self, novelty: Novelty) -> NDArray[np.float32]:
        """Return the expected error of cells, shape (n,); NaN where novelty is.

        Beyond the knots the value at the last one holds: nothing was seen there, and
        `Applicability.applicable` says so.
        """
        by_di = np.interp(novelty.dissimilarity, self.dissimilarity, self.by_dissimilarity)
        by_density = np.interp(novelty.density, self.density, self.by_density)
        return np.asarray(by_di + by_density, dtype=np.float32)

    def check(self) -> None:
        """Refuse curves that do not run as stated; see `PlainRecord.check`."""
        fits = self.dissimilarity.shape == self.by_dissimilarity.shape
        fits = fits and self.density.shape == self.by_density.shape
        rising = (self.dissimilarity, self.by_dissimilarity, self.density, -self.by_density)
        if not (fits and all((np.diff(values) >= 0).all() for values in rising)):
            raise InputError(
                "The error profile does not rise with dissimilarity and fall with density; the "
                "model file is damaged."
            )


def log_loss_above_prevalence(y: ArrayLike, p: ArrayLike) -> Array:
    """Compute each row's log loss minus that of the prevalence, shape (n,).

    Below 0 the model says more than the prevalence; 0 means that it may as well be silent. Unlike
    the log loss it does not rise where land is merely more contaminated.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    p
        Held-out probabilities, shape (n,), NaN where there is none.
    """
    labels = np.asarray(y, dtype=np.float64)
    probability = np.clip(np.asarray(p, dtype=np.float64), 1e-7, 1 - 1e-7)
    known = np.isfinite(probability)
    share = np.clip(labels[known].mean(), 1e-7, 1 - 1e-7)
    own = np.where(labels == 1, -np.log(probability), -np.log1p(-probability))
    return np.asarray(own - np.where(labels == 1, -np.log(share), -np.log1p(-share)))


class _Windows(NamedTuple):
    """Rows in windows of equal numbers by a value, put in order once for any error.

    ``rows`` are those of each window, ``size`` their number; ``knots`` the different means of the
    value, rising, and ``where`` the knot of each window.
    """

    rows: list[NDArray[np.int64]]
    size: Array
    knots: Array
    where: NDArray[np.int64]

    @classmethod
    def of(cls, values: Array) -> Self:
        order = np.argsort(values, kind="stable")
        rows = np.array_split(order, min(WINDOWS, values.size))
        middle = np.array([values[own].mean() for own in rows])
        knots, where = np.unique(middle, return_inverse=True)
        return cls(rows, np.array([float(own.size) for own in rows]), knots, where)

    def curve(self, error: Array, *, rising: bool) -> Array:
        """Draw a monotone staircase through the means of the windows; return it at the knots."""
        from sklearn.isotonic import IsotonicRegression

        mean = np.array([error[own].mean() for own in self.rows])
        weight = np.bincount(self.where, self.size)
        level = np.bincount(self.where, self.size * mean) / weight
        monotone = IsotonicRegression(increasing=rising)
        fitted = monotone.fit_transform(self.knots, level, sample_weight=weight)
        return np.asarray(fitted, dtype=np.float64)
