"""How far the values of a feature on new land are from those a model was trained on."""

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.estimate import finite

Array = NDArray[np.float64]


class FeatureShift(NamedTuple):
    """One feature on training land and on new land; None where a side has no value.

    Attributes
    ----------
    mean_trained, mean_there
        Mean of the values that are known.
    difference
        Standardised mean difference: that of the means over the root of the mean of both variances.
    distance
        Kolmogorov-Smirnov distance: the greatest difference of both distributions, 0 to 1.
    outside
        Share of the new land, of what is known of it, below the least or above the greatest value
        in training.
    missing_trained, missing_there
        Share of land without a value.
    """

    mean_trained: float | None
    mean_there: float | None
    difference: float | None
    distance: float | None
    outside: float | None
    missing_trained: float
    missing_there: float

    @classmethod
    def of(cls, trained: ArrayLike, there: ArrayLike) -> Self:
        """Compare the values of a feature, NaN where there is none.

        Examples
        --------
        Half of the new land is steeper than any of the old:

        >>> shift = FeatureShift.of([0.0, 10.0], [5.0, 5.0, 20.0, 20.0])
        >>> shift.mean_there, shift.outside, shift.distance
        (12.5, 0.5, 0.5)
        """
        old, new = np.asarray(trained, dtype=np.float64), np.asarray(there, dtype=np.float64)
        known, seen = old[np.isfinite(old)], new[np.isfinite(new)]
        missing = [
            1.0 - part.size / whole.size if whole.size else 0.0
            for part, whole in ((known, old), (seen, new))
        ]
        if not (known.size and seen.size):
            means = [float(part.mean()) if part.size else None for part in (known, seen)]
            return cls(means[0], means[1], None, None, None, missing[0], missing[1])
        spread = float(np.sqrt((known.var() + seen.var()) / 2))
        apart = float(seen.mean() - known.mean())
        return cls(
            mean_trained=float(known.mean()),
            mean_there=float(seen.mean()),
            difference=(0.0 if apart == 0 else None) if spread == 0 else finite(apart / spread),
            distance=_greatest_gap(np.sort(known), np.sort(seen)),
            outside=float(((seen < known.min()) | (seen > known.max())).mean()),
            missing_trained=missing[0],
            missing_there=missing[1],
        )


def _greatest_gap(one: Array, two: Array) -> float:
    """Return the greatest difference of two empirical distributions, each sorted."""
    places = np.concatenate([one, two])
    shares = [np.searchsorted(each, places, side="right") / each.size for each in (one, two)]
    return float(np.abs(shares[0] - shares[1]).max())
