"""Exact distances on a grid, and whole-number sums within a radius."""

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError

# Squared distances in cells stay whole numbers that float32 holds exactly up to 2**24.
MAX_CAP_CELLS = 4_096
_STRIP = 512
_ROWS = 64
# Where one cell in so many holds something, sums are made cell by cell that holds it.
_SPARSE = 40


def distance_to(
    mask: NDArray[np.bool_], *, resolution_m: float, cap_m: float
) -> NDArray[np.float32]:
    """Compute the distance from each cell centre to the nearest centre of a marked cell.

    Parameters
    ----------
    mask
        True where the thing is, shape ``(height, width)``.
    resolution_m
        Cell size, metres.
    cap_m
        Greater distances read as this, metres; the halo that makes tiles equal the whole.

    Returns
    -------
    ndarray of float32, shape (height, width)
        Metres: 0 in marked cells, `cap_m` everywhere if no cell is marked.

    Raises
    ------
    InputError
        If the cap is more than 4,096 cells.

    Notes
    -----
    Exact Euclidean transform by lower envelopes of parabolas; Felzenszwalb and Huttenlocher
    (2012), doi:10.4086/toc.2012.v008a019, in whole numbers as of Meijster, Roerdink and Hesselink
    (2000), doi:10.1007/0-306-47025-X_36. Columns without a mark within the cap take no part.

    Examples
    --------
    >>> import numpy as np
    >>> mask = np.array([[True, False, False, False]])
    >>> distance_to(mask, resolution_m=100, cap_m=250)
    array([[  0., 100., 200., 250.]], dtype=float32)
    """
    if cap_m / resolution_m > MAX_CAP_CELLS:
        raise InputError(
            f"The cap of {cap_m:,g} m is {cap_m / resolution_m:,.0f} cells of {resolution_m:,g} m; "
            f"at most {MAX_CAP_CELLS:,} are exact. Lower cap_m or use a coarser resolution."
        )
    if not mask.any():
        return np.full(mask.shape, cap_m, dtype=np.float32)
    # One cell more than the cap, so that what reads as far away is beyond it.
    far = int(np.ceil(cap_m / resolution_m)) + 1
    marked = np.ascontiguousarray(mask).view(np.uint8)
    return _nearest_metres(marked, far, float(resolution_m), float(cap_m))


def signed_distance(
    distance: NDArray[np.float32], inside: NDArray[np.bool_]
) -> NDArray[np.float32]:
    """Turn a distance to a boundary negative inside.

    Parameters
    ----------
    distance
        Metres to the boundary, shape ``(height, width)``.
    inside
        True on the side that is to be negative, same shape.

    Returns
    -------
    ndarray of float32, shape (height, width)

    Examples
    --------
    >>> import numpy as np
    >>> metres = np.array([100.0, 0.0, 100.0], dtype=np.float32)
    >>> signed_distance(metres, np.array([True, False, False]))
    array([-100.,    0.,  100.], dtype=float32)
    """
    return np.where(inside, -distance, distance).astype(np.float32)


def disc_half_widths(radius_m: float, *, resolution_m: float) -> NDArray[np.int64]:
    """Return the cells to each side of the centre for every row of a disc.

    Returns
    -------
    ndarray of int64, shape (2 k + 1,)
        The disc holds the cells whose centre is no farther than `radius_m`.

    Examples
    --------
    A disc of two cells: one cell wide at its north and south ends, five across the middle.

    >>> disc_half_widths(200, resolution_m=100)
    array([0, 1, 2, 1, 0])
    """
    radius = radius_m / resolution_m
    reach = int(np.floor(radius + 1e-9))
    rows = np.arange(-reach, reach + 1, dtype=np.float64)
    inside = np.maximum(radius**2 - rows**2, 0.0)
    return np.floor(np.sqrt(inside) + 1e-9).astype(np.int64)


def disc_sum(values: NDArray[np.int64], half_widths: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum whole numbers over the disc around each cell.

    Parameters
    ----------
    values
        Whole numbers, shape ``(height, width)``. Whole, because their sum has no rounding and
        so cannot depend on where a tile begins.
    half_widths
        From `disc_half_widths`.

    Returns
    -------
    ndarray of int64, shape (height, width)
        Cells outside the array add nothing.

    Examples
    --------
    >>> import numpy as np
    >>> values = np.array([[0, 0, 0], [0, 5, 0], [0, 0, 2]])
    >>> disc_sum(values, disc_half_widths(100, resolution_m=100))
    array([[0, 5, 0],
           [5, 5, 7],
           [0, 7, 2]])
    """
    half_widths = np.ascontiguousarray(half_widths)
    marked = np.count_nonzero(values)
    if marked * _SPARSE <= values.size:
        out = np.empty(values.shape, dtype=np.int64)
        rows, columns, whole = _marks(values, marked, 1.0)
        _few_sums(rows, columns, whole, half_widths, out)
        return out
    reach = len(half_widths) // 2
    height, width = values.shape
    # Differences of sums modulo 2**32 are exact where no disc can hold more, in half the time.
    most = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    most *= int((2 * half_widths + 1).sum())
    kind = np.int32 if most < 2**31 else np.int64
    running = np.zeros((height, width + 2 * reach + 1), dtype=kind)
    np.cumsum(values, axis=1, dtype=kind, out=running[:, reach + 1 : reach + 1 + width])
    running[:, reach + 1 + width :] = running[:, [reach + width]]
    return _disc_sum(running, half_widths, width).astype(np.int64, copy=False)


def disc_density(
    amounts: NDArray[np.float64], half_widths: NDArray[np.int64], *, steps: float, per: float
) -> NDArray[np.float32]:
    """Sum amounts over the disc around each cell, as whole numbers of small steps.

    Parameters
    ----------
    amounts
        Shape ``(height, width)``; each is taken to the nearest 1 / `steps`.
    half_widths
        From `disc_half_widths`.
    steps
        Steps to one.
    per
        What sums of steps are divided by.

    Returns
    -------
    ndarray of float32, shape (height, width)

    Examples
    --------
    Two kilometres of road in the middle cell, in metres per square kilometre within 100 m.

    >>> import numpy as np
    >>> metres = np.array([[0.0, 2_000.0, 0.0]])
    >>> disc = disc_half_widths(100, resolution_m=100)
    >>> square_km = (2 * disc + 1).sum() * 0.01
    >>> disc_density(metres, disc, steps=1_000, per=1_000 * square_km)
    array([[40000., 40000., 40000.]], dtype=float32)
    """
    marked = np.count_nonzero(amounts)
    if marked * _SPARSE > amounts.size:
        many = np.rint(amounts * steps).astype(np.int64)
        return (disc_sum(many, half_widths) / per).astype(np.float32)
    rows, columns, whole = _marks(amounts, marked, steps)
    out = np.empty(amounts.shape, dtype=np.float32)
    _few_density(rows, columns, whole, np.ascontiguousarray(half_widths), per, out)
    return out


@numba.njit(cache=True)
def _marks(values, marked, steps):  # type: ignore[no-untyped-def]
    """List the cells that are not zero: row, column, amount in whole steps; north to south."""
    rows, columns = np.empty(marked, dtype=np.int64), np.empty(marked, dtype=np.int64)
    amounts = np.empty(marked, dtype=np.int64)
    found = 0
    for i in range(values.shape[0]):
        for j in range(values.shape[1]):
            if values[i, j] != 0:
                rows[found], columns[found] = i, j
                # Whole numbers as they are: above 2**53 a float would round them.
                amounts[found] = values[i, j] if steps == 1.0 else np.rint(values[i, j] * steps)
                found += 1
    return rows, columns, amounts


@numba.njit(cache=True)
def _few_sums(rows, columns, amounts, half_widths, out):  # type: ignore[no-untyped-def]
    ends = np.empty((_ROWS, out.shape[1] + 1), dtype=np.int64)
    for top in range(0, out.shape[0], _ROWS):
        _mark_ends(rows, columns, amounts, half_widths, top, ends)
        for row in range(top, min(top + _ROWS, out.shape[0])):
            _add_up(ends[row - top], out[row])


@numba.njit(cache=True)
def _few_density(rows, columns, amounts, half_widths, per, out):  # type: ignore[no-untyped-def]
    ends = np.empty((_ROWS, out.shape[1] + 1), dtype=np.int64)
    whole = np.empty(out.shape[1], dtype=np.int64)
    for top in range(0, out.shape[0], _ROWS):
        _mark_ends(rows, columns, amounts, half_widths, top, ends)
        for row in range(top, min(top + _ROWS, out.shape[0])):
            _add_up(ends[row - top], whole)
            out[row] = whole / per


@numba.njit(cache=True)
def _add_up(ends, out):  # type: ignore[no-untyped-def]
    """Add up what begins and ends along a row, to the sum in each of its cells."""
    total = np.int64(0)
    for column in range(out.size):
        total += ends[column]
        out[column] = total


@numba.njit(cache=True)
def _mark_ends(rows, columns, amounts, half_widths, top, ends):  # type: ignore[no-untyped-def]
    """In a strip of rows, add an amount where a row of its disc begins, and take it off after."""
    reach, width = half_widths.size // 2, ends.shape[1] - 1
    ends[:] = 0
    first = np.searchsorted(rows, top - reach)
    last = np.searchsorted(rows, top + ends.shape[0] + reach)
    for mark in range(first, last):
        above = max(rows[mark] - reach, top)
        for row in range(above, min(rows[mark] + reach + 1, top + ends.shape[0])):
            half = half_widths[row - rows[mark] + reach]
            ends[row - top, max(columns[mark] - half, 0)] += amounts[mark]
            ends[row - top, min(columns[mark] + half + 1, width)] -= amounts[mark]


@numba.njit(cache=True)
def _nearest_metres(marked, far, resolution_m, cap_m):  # type: ignore[no-untyped-def]
    height, width = marked.shape
    gap = _gaps_along_columns(marked, far)
    out = np.empty((height, width), dtype=np.float32)
    squared, most = np.empty(width, dtype=np.int64), np.int64(far) * far
    source, start = np.empty(width, dtype=np.int64), np.empty(width + 1, dtype=np.int64)
    for i in range(height):
        count = _envelope(gap[i], far, source, start)
        if count == 0:
            out[i] = cap_m
            continue
        for number in range(count):
            column = source[number]
            own = np.int64(gap[i, column]) ** 2
            for j in range(start[number], start[number + 1]):
                squared[j] = (j - column) * (j - column) + own
        for j in range(width):
            metres = np.sqrt(np.float64(min(squared[j], most))) * resolution_m
            out[i, j] = min(metres, cap_m)
    return out


@numba.njit(cache=True)
def _gaps_along_columns(marked, far):  # type: ignore[no-untyped-def]
    """Compute how many rows the nearest mark of the column is away, at most `far`."""
    height, width = marked.shape
    gap = np.empty((height, width), dtype=np.int16)
    for j in range(width):
        gap[0, j] = 0 if marked[0, j] else far
    for i in range(1, height):
        for j in range(width):
            gap[i, j] = 0 if marked[i, j] else min(gap[i - 1, j] + 1, far)
    for i in range(height - 2, -1, -1):
        for j in range(width):
            gap[i, j] = min(gap[i, j], gap[i + 1, j] + 1)
    return gap


@numba.njit(cache=True)
def _envelope(gap, far, source, start):  # type: ignore[no-untyped-def]
    """List the columns whose marks are the nearest of some stretch of a row, and the stretches."""
    width, count = gap.size, 0
    for column in range(width):
        if gap[column] >= far:
            continue
        own = np.int64(gap[column]) ** 2
        begin = 0
        while count > 0:
            other, at = source[count - 1], start[count - 1]
            theirs = np.int64(gap[other]) ** 2
            if (at - column) ** 2 + own <= (at - other) ** 2 + theirs:
                count -= 1
                continue
            # First column at which this one is no farther than the other.
            apart = column * column + own - other * other - theirs
            begin = -(-apart // (2 * (column - other)))
            break
        if begin < width:
            source[count], start[count] = column, begin
            count += 1
    start[count] = width
    return count


@numba.njit(cache=True)
def _disc_sum(running, half_widths, width):  # type: ignore[no-untyped-def]
    height = running.shape[0]
    reach = half_widths.shape[0] // 2
    out = np.zeros((height, width), dtype=running.dtype)
    holds = np.empty(height, dtype=np.bool_)
    # Strips of columns, so that the rows of a disc stay in the processor's cache.
    for left in range(0, width, _STRIP):
        right = min(left + _STRIP, width)
        for row in range(height):
            part = running[row, left : right + 2 * reach + 1]
            holds[row] = part[-1] != part[0] or (part != part[0]).any()
        for row in range(height):
            total = out[row, left:right]
            for other in range(max(row - reach, 0), min(row + reach + 1, height)):
                if holds[other]:
                    half = half_widths[other - row + reach]
                    ends = running[other, left + reach + half + 1 : right + reach + half + 1]
                    starts = running[other, left + reach - half : right + reach - half]
                    for column in range(right - left):
                        total[column] += ends[column] - starts[column]
    return out
