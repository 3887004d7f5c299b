"""One number with its interval, as all measures are reported."""

import math
from collections.abc import Iterable
from typing import NamedTuple, Self


class Estimate(NamedTuple):
    """A measure and its interval; None where a part has no value.

    Examples
    --------
    >>> Estimate.of([0.7, 0.6, float("nan")])
    Estimate(value=0.7, low=0.6, high=None)
    """

    value: float | None
    low: float | None
    high: float | None

    @classmethod
    def of(cls, values: Iterable[float]) -> Self:
        """Make an estimate of three numbers; what is not finite has no value."""
        value, low, high = (finite(number) for number in values)
        return cls(value, low, high)


def finite(number: float) -> float | None:
    """Return a plain float, None where the number is not finite."""
    return float(number) if math.isfinite(number) else None
