"""Each cell of a height model against the discs around it, by exact sums of whole centimetres."""

from collections.abc import Sequence

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.features.raster.proximity import disc_half_widths

# Sums of whole centimetres have no rounding, so they do not depend on where a tile begins.
_STEPS_PER_METRE = 100.0
_STRIP, _ROWS = 512, 4

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

    Examples
    --------
    >>> import numpy as np
    >>> ground = np.float32([[10, 10, 40, 10, 10]])
    >>> position, roughness = position_and_roughness(ground, radius_m=100, resolution_m=100)
    >>> position
    array([[  0., -10.,  20., -10.,   0.]], dtype=float32)
    >>> roughness.round(2)
    array([[ 0.  , 14.14, 14.14, 14.14,  0.  ]], dtype=float32)
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
    # One block, so large that its memory goes back to the system when it is no longer needed.
    made = np.empty((len(discs), 2, *z.shape), dtype=np.float32)
    for disc, (position, roughness) in zip(discs, made, strict=True):
        _compare(z, base, (totals, squares, counts), pad, disc, position, roughness)
    return [(position, roughness) for position, roughness in made]


@numba.njit(cache=True)
def _levels(z):  # type: ignore[no-untyped-def]
    """Compute the middle of the heights, how far others lie from it, and whether any is missing."""
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
def _compare(z, base, sums, pad, half_widths, position, roughness):  # type: ignore[no-untyped-def]
    totals, squares, counts = sums
    height, width = z.shape
    # Blocks of few rows, so that what is summed stays in the processor's nearest cache.
    for left in range(0, width, _STRIP):
        size = min(_STRIP, width - left)
        total, square = np.empty((_ROWS, size), totals.dtype), np.empty((_ROWS, size), np.int64)
        count = np.empty((_ROWS, size), dtype=np.int32)
        for top in range(0, height, _ROWS):
            rows = min(_ROWS, height - top)
            _sum_discs(total, totals, top, rows, left + pad, half_widths)
            _sum_discs(square, squares, top, rows, left + pad, half_widths)
            if counts.shape[0] > 0:
                _sum_discs(count, counts, top, rows, left + pad, half_widths)
            else:
                _count_held(count, top, rows, left, z.shape, half_widths)
            for row in range(rows):
                i, at = top + row, slice(left, left + size)
                found = total[row], square[row], count[row]
                _finish(z[i, at], base, *found, position[i, at], roughness[i, at])


@numba.njit(cache=True)
def _sum_discs(total, running, top, rows, at, half_widths):  # type: ignore[no-untyped-def]
    """Sum the discs of a block of cells, two rows of them at a time."""
    height, discs = running.shape[0], half_widths.size
    reach = discs // 2
    total[:] = 0
    first, last = max(top - reach, 0), min(top + rows + reach, height)
    for k in range(first, last, 2):
        for row in range(rows):
            number = k - top - row + reach
            one = 0 <= number < discs
            two = 0 <= number + 1 < discs and k + 1 < last
            if one and two:
                halves = half_widths[number], half_widths[number + 1]
                _add_two(total[row], running[k], running[k + 1], at, halves)
            elif one:
                _add(total[row], running[k], at, half_widths[number])
            elif two:
                _add(total[row], running[k + 1], at, half_widths[number + 1])


@numba.njit(cache=True)
def _add(total, running, at, half):  # type: ignore[no-untyped-def]
    ends, starts = running[at + half + 1 :], running[at - half :]
    for j in range(total.size):
        total[j] += ends[j] - starts[j]


@numba.njit(cache=True)
def _add_two(total, running, following, at, halves):  # type: ignore[no-untyped-def]
    one, two = halves
    ends, starts = running[at + one + 1 :], running[at - one :]
    next_ends, next_starts = following[at + two + 1 :], following[at - two :]
    for j in range(total.size):
        total[j] += (ends[j] - starts[j]) + (next_ends[j] - next_starts[j])


@numba.njit(cache=True)
def _count_held(count, top, rows, left, shape, half_widths):  # type: ignore[no-untyped-def]
    """Count the cells of discs that lie on the grid, where none is missing."""
    reach = half_widths.size // 2
    for row in range(rows):
        i = top + row
        # The same for all rows away from the edges in the north and south: filled by the first
        # block of them.
        if top >= reach + _ROWS and i + reach < shape[0]:
            continue
        count[row] = 0
        for k in range(max(i - reach, 0), min(i + reach + 1, shape[0])):
            half = half_widths[k - i + reach]
            for j in range(count.shape[1]):
                held = min(left + j + half, shape[1] - 1) - max(left + j - half, 0) + 1
                count[row, j] += held


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
