"""Values that mean "nothing was measured" and are not declared so: recognised by how they lie."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

HEIGHTS_M = (-11_500.0, 9_000.0)
"""Least and greatest height of the ground, metres: the deepest sea, and Mount Everest."""
LOWEST_LAND_M = -500.0
"""Below the shore of the Dead Sea there is only sea, which goes down step by step."""

_FLOAT_MAX = float(np.finfo(np.float32).max)
_ALWAYS = (
    *(-32768.0, -32767.0, -2147483648.0, 2147483647.0, 4294967295.0),
    *(-9999.0, -99999.0, -999999.0, -9999999.0, -9999.9, -99.99, -999.99, -999.9),
    *(99999.0, 999999.0, 9999999.0),
    *(-_FLOAT_MAX, _FLOAT_MAX, -1.7976931348623157e308, 1.7976931348623157e308),
    *(1e20, -1e20, 1e30, -1e30, 1e10, -1e10, 1e34, -1e34, 1e36, -1e36),
    *(9.969209968386869e36, -np.inf, np.inf),
)
"""Hardly ever a true value, the default fills of GDAL, Esri, netCDF and others."""
_IN_FLOAT32 = {float(np.float32(value)) for value in _ALWAYS if abs(value) <= _FLOAT_MAX}
"""What 1e20 or -9999.9 is once it was stored in four bytes."""
_SOMETIMES = (
    *(-128.0, 127.0, 255.0, 32767.0, 65534.0, 65535.0),
    *(-99.0, -999.0, 99.0, 999.0, 9999.0),
)
"""True values as often: judged by how far they lie from all others."""
_DISTINCT = 8
_SAMPLED = 97
_NEAR_SHARE = 0.05
_FAR_SPANS = 20.0
_FAR_TIMES = 3
_FAR_OTHERS = 4


@dataclass(frozen=True)
class Extremes:
    """The least and the greatest distinct values of a raster, with how often each occurs.

    Attributes
    ----------
    low, high
        From the outermost inwards: value and count.
    """

    low: tuple[tuple[float, int], ...] = ()
    high: tuple[tuple[float, int], ...] = ()

    def with_values(self, values: NDArray[np.float64]) -> "Extremes":
        """Return the extremes of what was seen before and these values; NaN counts as none."""
        low = _merged(self.low, _outermost(values, 1.0))
        high = _merged([(-v, n) for v, n in self.high], _outermost(values, -1.0))
        return Extremes(low, tuple((-value, count) for value, count in high))


def _outermost(values: NDArray[np.float64], sign: float) -> Iterator[tuple[float, int]]:
    """Give the least distinct values times a sign, with their counts."""
    rest = sign * values[~np.isnan(values)].ravel()
    few = np.unique(rest[::_SAMPLED])
    if few.size >= _DISTINCT:  # the least values of a sample bound the least of all
        rest = rest[rest <= few[_DISTINCT - 1]]
    for _ in range(_DISTINCT):
        if rest.size == 0:
            return
        least = rest.min()
        others = rest[rest > least]
        yield float(least), rest.size - others.size
        rest = others


def _merged(
    one: Iterable[tuple[float, int]], other: Iterable[tuple[float, int]]
) -> tuple[tuple[float, int], ...]:
    counts: dict[float, int] = {}
    for value, count in (*one, *other):
        counts[value] = counts.get(value, 0) + count
    return tuple(sorted(counts.items())[:_DISTINCT])


@dataclass(frozen=True)
class Suspect:
    """A value that looks like undeclared nodata."""

    value: float
    count: int
    least: float
    greatest: float


def suspects(
    extremes: Extremes,
    *,
    declared: Iterable[float] = (),
    bounds: tuple[float, float] | None = None,
    doubtful_below: float = -np.inf,
    classes: bool = False,
) -> list[Suspect]:
    """Name the values that look like undeclared nodata.

    A value that is hardly ever true, such as -32768, is one unless others lie close to it. One
    that is true as often, such as 255, is one where it is farther from all others than these are
    from each other. So is any value of a surface that occurs several times, 20 such spans away.

    Parameters
    ----------
    extremes
        Of the raster on and around the study area.
    declared
        Values that the file declares as nodata while its mask says that they were measured.
    bounds
        Least and greatest value that is possible at all.
    doubtful_below
        Values below it are true only where others lie close to them.
    classes
        Whether the values are codes, between which distances mean little.

    Returns
    -------
    list of Suspect
        Each with its count, and the least and greatest of the other values.
    """
    usual = {*_ALWAYS, *_IN_FLOAT32, *declared}
    usual |= {value for value, _ in (*extremes.low, *extremes.high) if value < doubtful_below}
    found: list[tuple[float, int]] = []
    for side, other in ((extremes.low, extremes.high), (extremes.high, extremes.low)):
        core, opposite = _core(side, usual), _core(other, usual)
        for place, (value, count) in enumerate(side):
            impossible = bounds is not None and not bounds[0] <= value <= bounds[1]
            if impossible or _is_fill(value, core, opposite, usual):
                found.append((value, count))
            elif classes or not _is_far(side[place:], opposite):
                break
            else:
                found.append((value, count))
    named = dict(found)
    others = [value for value, _ in (*extremes.low, *extremes.high) if value not in named]
    least, greatest = min(others, default=np.nan), max(others, default=np.nan)
    return [Suspect(value, count, least, greatest) for value, count in sorted(named.items())]


def _core(side: tuple[tuple[float, int], ...], usual: set[float]) -> float | None:
    """Return the outermost value that is no usual nodata; None where there is none.

    Where all of those that are known are doubtful, there are more behind the innermost.
    """
    fills = {*usual, *_SOMETIMES}
    behind = side[-1][0] if len(side) == _DISTINCT else None
    return next((value for value, _ in side if value not in fills), behind)


def _is_fill(value: float, near: float | None, far: float | None, usual: set[float]) -> bool:
    if near is None or far is None:
        return value in usual
    span, gap = abs(near - far), abs(value - near)
    if value in usual:
        return gap > _NEAR_SHARE * span
    return value in _SOMETIMES and 0 < span < gap


def _is_far(side: tuple[tuple[float, int], ...], opposite: float | None) -> bool:
    """Return whether the first value occurs several times, far from several others."""
    if opposite is None or len(side) <= _FAR_OTHERS or side[0][1] < _FAR_TIMES:
        return False
    span, gap = abs(side[1][0] - opposite), abs(side[0][0] - side[1][0])
    return 0 < _FAR_SPANS * span < gap
