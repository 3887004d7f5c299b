"""Exact distances on a grid, and whole-number sums within a radius."""

import edt
import numba
import numpy as np
from numpy.typing import NDArray

from features.errors import InputError

# Squared distances in cells stay whole numbers that float32 holds exactly up to 2**24.
MAX_CAP_CELLS = 4_096
_STRIP = 512


def distance_to(
    mask: NDArray[np.bool_], *, resolution_m: float, cap_m: float
) -> NDArray[np.float32]:
    """Give the distance from each cell centre to the nearest centre of a marked cell.

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
    (2012), doi:10.4086/toc.2012.v008a019.
    """
    if cap_m / resolution_m > MAX_CAP_CELLS:
        raise InputError(
            f"The cap of {cap_m:g} m is {cap_m / resolution_m:,.0f} cells of {resolution_m:g} m; "
            f"at most {MAX_CAP_CELLS:,} are exact. Lower cap_m or use a coarser resolution."
        )
    if not mask.any():
        return np.full(mask.shape, cap_m, dtype=np.float32)
    squared = edt.edtsq(np.ascontiguousarray(~mask, dtype=np.uint8), black_border=False, parallel=1)
    return _metres(squared, float(resolution_m), float(cap_m))


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
    """
    return np.where(inside, -distance, distance).astype(np.float32)


def disc_half_widths(radius_m: float, *, resolution_m: float) -> NDArray[np.int64]:
    """Give the cells to each side of the centre for every row of a disc.

    Returns
    -------
    ndarray of int64, shape (2 k + 1,)
        The disc holds the cells whose centre is no farther than `radius_m`.
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
    """
    reach = len(half_widths) // 2
    height, width = values.shape
    # Differences of sums modulo 2**32 are exact where no disc can hold more, in half the time.
    most = max(int(values.max(initial=0)), -int(values.min(initial=0)))
    most *= int((2 * half_widths + 1).sum())
    kind = np.int32 if most < 2**31 else np.int64
    running = np.zeros((height, width + 2 * reach + 1), dtype=kind)
    np.cumsum(values, axis=1, dtype=kind, out=running[:, reach + 1 : reach + 1 + width])
    running[:, reach + 1 + width :] = running[:, [reach + width]]
    return _disc_sum(running, np.ascontiguousarray(half_widths), width).astype(np.int64, copy=False)


@numba.njit(cache=True)
def _metres(squared, resolution_m, cap_m):  # type: ignore[no-untyped-def]
    """Turn squared cells into metres in one pass, in float64."""
    out = np.empty(squared.shape, dtype=np.float32)
    for row in range(squared.shape[0]):
        for column in range(squared.shape[1]):
            out[row, column] = min(np.sqrt(np.float64(squared[row, column])) * resolution_m, cap_m)
    return out


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
