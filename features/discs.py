"""Each cell of a height model against the discs around it, by exact sums of whole centimetres."""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from features.proximity import disc_half_widths

# Sums of whole centimetres have no rounding, so they do not depend on where a tile begins.
_STEPS_PER_METRE = 100.0
_STRIP = 512

Compared = tuple[NDArray[np.float32], NDArray[np.float32]]


def position_and_roughness(
    elevation: NDArray[np.float32], *, radius_m: float, resolution_m: float
) -> Compared:
    """Compare each cell with the disc around it.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``; summed to the nearest centimetre.
    radius_m, resolution_m
        Radius of the disc and cell size, metres.

    Returns
    -------
    position, roughness
        Metres, float32: height above the mean of the disc (topographic position index, Weiss
        2001) and standard deviation of the height in it, over the cells that have a value.
        NaN where the cell itself has none.
    """
    return positions_and_roughnesses(elevation, radii_m=[radius_m], resolution_m=resolution_m)[0]


def positions_and_roughnesses(
    elevation: NDArray[np.float32], *, radii_m: Sequence[float], resolution_m: float
) -> list[Compared]:
    """Compare each cell with several discs, as `position_and_roughness` does with one.

    Sums along the rows are made once for all radii.
    """
    if not len(radii_m):
        return []
    z = np.asarray(elevation, dtype=np.float32)
    discs = [disc_half_widths(radius, resolution_m=resolution_m) for radius in radii_m]
    pad = max(len(disc) // 2 for disc in discs)
    base, most, gaps = _levels(z)
    # Differences of sums modulo 2**32 are exact where no disc can hold more, in half the time.
    most *= max(int((2 * disc + 1).sum()) for disc in discs)
    shape = (z.shape[0], z.shape[1] + 2 * pad + 1)
    totals = np.empty(shape, dtype=np.int32 if most < 2**31 else np.int64)
    squares = np.empty(shape, dtype=np.int64)
    counts = np.empty(shape if gaps else (0, 0), dtype=np.int32)
    _run_along(z, base, totals, squares, counts, pad)
    return [_compared(z, base, (totals, squares, counts), pad, disc) for disc in discs]


@numba.njit(cache=True)
def _levels(z):  # type: ignore[no-untyped-def]
    """Give the middle of the heights, how far others lie from it, and whether any is missing."""
    least, most, gaps = np.inf, -np.inf, False
    for height in z.flat:
        if np.isfinite(height):
            least, most = min(least, np.float64(height)), max(most, np.float64(height))
        else:
            gaps = True
    if least > most:
        return np.int64(0), np.int64(0), gaps
    base = np.int64((least + most) / 2 * _STEPS_PER_METRE)
    return base, np.int64((most - least) / 2 * _STEPS_PER_METRE) + 2, gaps


@numba.njit(cache=True)
def _run_along(z, base, totals, squares, counts, pad):  # type: ignore[no-untyped-def]
    """Add up centimetres above the base, their squares and known cells along each row."""
    height, width = z.shape
    gaps = counts.shape[0] > 0
    for i in range(height):
        total, square, count = np.int64(0), np.int64(0), np.int64(0)
        totals[i, : pad + 1] = 0
        squares[i, : pad + 1] = 0
        for j in range(width):
            if np.isfinite(z[i, j]):
                step = np.int64(np.rint(np.float64(z[i, j]) * _STEPS_PER_METRE)) - base
                total += step
                square += step * step
                count += 1
            totals[i, pad + 1 + j] = total
            squares[i, pad + 1 + j] = square
            if gaps:
                counts[i, pad + 1 + j] = count
        totals[i, pad + 1 + width :] = total
        squares[i, pad + 1 + width :] = square
        if gaps:
            counts[i, : pad + 1] = 0
            counts[i, pad + 1 + width :] = count


@numba.njit(cache=True, error_model="numpy")
def _compared(z, base, sums, pad, half_widths):  # type: ignore[no-untyped-def]
    totals, squares, counts = sums
    height, width = z.shape
    position = np.empty(z.shape, dtype=np.float32)
    roughness = np.empty(z.shape, dtype=np.float32)
    reach = half_widths.size // 2
    # Strips of columns, so that the rows of a disc stay in the processor's cache.
    for left in range(0, width, _STRIP):
        size = min(_STRIP, width - left)
        count = np.zeros(size, dtype=np.int32)
        total, square = np.empty(size, dtype=totals.dtype), np.empty(size, dtype=np.int64)
        for i in range(height):
            first, last = max(i - reach, 0), min(i + reach + 1, height)
            total[:] = 0
            square[:] = 0
            for k in range(first, last):
                half = half_widths[k - i + reach]
                _add(total, totals[k], left + pad, half)
                _add(square, squares[k], left + pad, half)
            if counts.shape[0] > 0:
                count[:] = 0
                for k in range(first, last):
                    _add(count, counts[k], left + pad, half_widths[k - i + reach])
            elif i <= reach or i >= height - reach:
                _count_held(count, left, width, half_widths[first - i + reach : last - i + reach])
            at = slice(left, left + size)
            _finish(z[i, at], base, total, square, count, position[i, at], roughness[i, at])
    return position, roughness


@numba.njit(inline="always")
def _add(total, running, at, half):  # type: ignore[no-untyped-def]
    size = total.size
    ends, starts = running[at + half + 1 : at + half + 1 + size], running[at - half :]
    for j in range(size):
        total[j] += ends[j] - starts[j]


@numba.njit(cache=True)
def _count_held(count, left, width, half_widths):  # type: ignore[no-untyped-def]
    """Count the cells of a disc that lie on the grid, where none is missing."""
    count[:] = 0
    for half in half_widths:
        for j in range(count.size):
            count[j] += min(left + j + half, width - 1) - max(left + j - half, 0) + 1


@numba.njit(cache=True, error_model="numpy")
def _finish(z, base, total, square, count, position, roughness):  # type: ignore[no-untyped-def]
    for j in range(z.size):
        cells, above = np.int64(count[j]), np.int64(total[j])
        mean = (above + base * cells) / cells
        whole = np.int64(square[j]) + 2 * base * above + base * base * cells
        variance = max(whole / cells - mean * mean, 0.0)
        height = np.rint(np.float64(z[j]) * _STEPS_PER_METRE)
        known = np.isfinite(z[j])
        position[j] = (height - mean) / _STEPS_PER_METRE if known else np.nan
        roughness[j] = np.sqrt(variance) / _STEPS_PER_METRE if known else np.nan
