"""Rasters whose columns and rows run along those of the grid: each place is found once a line."""

from collections.abc import Callable

import numba
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

Floats = NDArray[np.float64]
_EDGE = 1e-9


def runs_along(grid: Affine, source: Affine, transform: str) -> bool:
    """Return whether source columns depend on grid columns only, and rows on rows.

    Parameters
    ----------
    grid, source
        Column and row to easting and northing.
    transform
        PROJ's definition of the way from the grid's CRS to the source's.
    """
    return transform.startswith("proj=noop") and not any(
        (grid.b, grid.d, source.b, source.d, (~source).b, (~source).d)
    )


def source_lines(grid: GeoBox, source: Affine) -> tuple[Floats, Floats]:
    """Return the fractional source column of every grid column, and row of every row.

    The same numbers as from every cell by itself: what the other axis adds there is zero.
    """
    to_place, back = grid.transform, ~source
    across = np.round(to_place.a * (np.arange(grid.width) + 0.5) + to_place.c, 7)
    down = np.round(to_place.e * (np.arange(grid.height) + 0.5) + to_place.f, 7)
    return back.a * across + back.c, back.e * down + back.f


def take(
    lines: tuple[Floats, Floats],
    shape: tuple[int, int],
    read: Callable[[slice, slice], Floats],
    *,
    bilinear: bool,
) -> NDArray[np.float32]:
    """Return the values at the crossings of lines.

    Parameters
    ----------
    lines
        From `source_lines`.
    shape
        Height and width of the source.
    read
        Gives rows and columns of the source as float64, NaN where there is nothing.
    bilinear
        Mix the four nearest cell centres; otherwise the cell under the place.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        As from `minerisk.features.layers.warp.warp`, to the last bit.
    """
    column, row = lines
    out = np.full((row.size, column.size), np.nan, dtype=np.float32)
    columns, rows = _held(column, shape[1]), _held(row, shape[0])
    column, row = column[columns], row[rows]
    if not (column.size and row.size):
        return out
    across, down = _near_cells(column, shape[1]), _near_cells(row, shape[0])
    left, right = max(int(across.min()) - 1, 0), min(int(across.max()) + 2, shape[1])
    top, bottom = max(int(down.min()) - 1, 0), min(int(down.max()) + 2, shape[0])
    values = read(slice(top, bottom), slice(left, right))
    if bilinear:
        origin = (top, left)
        _take_bilinear(values, column, row, across, down, origin, shape, out[rows, columns])
    else:
        out[rows, columns] = values[down[:, None] - top, across - left]
    return out


def _held(places: Floats, length: int) -> slice:
    """Return the stretch of places that lie on the source."""
    inside = np.flatnonzero((places >= -_EDGE) & (places <= length + _EDGE))
    return slice(int(inside[0]), int(inside[-1]) + 1) if inside.size else slice(0, 0)


def _near_cells(places: Floats, length: int) -> NDArray[np.int64]:
    """Return the source cell under each place."""
    return np.clip(np.floor(places), 0, length - 1).astype(np.int64)


@numba.njit(cache=True, error_model="numpy")
def _take_bilinear(values, column, row, near_column, near_row, origin, shape, out):  # type: ignore[no-untyped-def]
    """Mix the four nearest cell centres into `out`, as `layers.warp` does cell by cell."""
    width = column.size
    west, east = np.empty(width, dtype=np.int64), np.empty(width, dtype=np.int64)
    right = np.empty(width)
    for j in range(width):
        across = min(max(column[j] - 0.5, 0.0), shape[1] - 1.0)
        start = min(int(np.floor(across)), max(shape[1] - 2, 0))
        west[j], right[j] = start - origin[1], across - start
        east[j] = min(start + 1, shape[1] - 1) - origin[1]
    for i in range(row.size):
        down = min(max(row[i] - 0.5, 0.0), shape[0] - 1.0)
        north = min(int(np.floor(down)), max(shape[0] - 2, 0))
        below = down - north
        upper = values[north - origin[0]]
        lower = values[min(north + 1, shape[0] - 1) - origin[0]]
        near = values[near_row[i] - origin[0]]
        for j in range(width):
            a, b, c, d = upper[west[j]], upper[east[j]], lower[west[j]], lower[east[j]]
            left = 1 - right[j]
            p, q, r, s = (1 - below) * left, (1 - below) * right[j], below * left, below * right[j]
            p, a = (p, a) if a == a else (0.0, 0.0)
            q, b = (q, b) if b == b else (0.0, 0.0)
            r, c = (r, c) if c == c else (0.0, 0.0)
            s, d = (s, d) if d == d else (0.0, 0.0)
            total = ((a * p + b * q) + c * r) + d * s
            weight = ((p + q) + r) + s
            centre = near[near_column[j] - origin[1]]
            out[i, j] = total / weight if weight > 0 and centre == centre else np.nan
