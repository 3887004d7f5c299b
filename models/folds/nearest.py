"""Distances to the nearest row that may be used: of another cell, another fold, any other row."""

from dataclasses import dataclass
from typing import Literal

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree
from scipy.spatial.distance import cdist

Array = NDArray[np.float64]
Order = Literal[1, 2]
_MEASURED: dict[Order, Literal["cityblock", "sqeuclidean"]] = {1: "cityblock", 2: "sqeuclidean"}

TREE_DIMENSIONS = 8
"""Up to so many dimensions a tree beats comparing all pairs."""
PLANE = 2
_CHUNK_PAIRS = 5_000_000


@dataclass(frozen=True, eq=False)
class Neighbours:
    """What folds are judged by: distances of some rows to the others.

    Attributes
    ----------
    rows
        Rows measured, shape (r,).
    to_cell
        Distance to the nearest row of each cell, shape (r, cells). Folds made of whole cells
        are judged from this alone, without loss.
    to_any
        Distance to the nearest other row, shape (r,).
    to_other_fold
        Distance to the nearest row of another of the folds given, shape (r,).
    """

    rows: NDArray[np.int64]
    to_cell: Array
    to_any: Array
    to_other_fold: Array


def nearest_distance(queries: Array, points: Array, *, order: Order = 2) -> Array:
    """Return the distance from each query, shape (m, d), to the nearest point, shape (n, d).

    It is the straight distance, or with ``order=1`` the sum of absolute differences.
    """
    if points.shape[1] <= TREE_DIMENSIONS:
        return np.asarray(cKDTree(points).query(queries, p=order)[0], dtype=np.float64)
    out = np.empty(len(queries))
    for part in _chunks(len(queries), len(points)):
        out[part] = cdist(queries[part], points, _MEASURED[order]).min(axis=1)
    return out if order == 1 else np.sqrt(out)


def nearest_index(queries: Array, points: Array, *, order: Order = 2) -> NDArray[np.int64]:
    """Return the row of the nearest point to each query; the first of equals in many dimensions."""
    if points.shape[1] <= TREE_DIMENSIONS:
        return np.asarray(cKDTree(points).query(queries, p=order)[1], dtype=np.int64)
    out = np.empty(len(queries), dtype=np.int64)
    for part in _chunks(len(queries), len(points)):
        out[part] = cdist(queries[part], points, _MEASURED[order]).argmin(axis=1)
    return out


def measure_neighbours(
    points: Array,
    cell: NDArray[np.int64],
    fold: NDArray[np.int64],
    *,
    rows: NDArray[np.int64],
    order: Order = 2,
) -> Neighbours:
    """Measure the distances of some rows to each cell, to any other row, and across folds.

    Parameters
    ----------
    points
        Places or scaled features of all rows, shape (n, d).
    cell
        Cell of every row, 0 to the number of cells less 1, none of them empty, shape (n,).
    fold
        Fold of every row, shape (n,), such as random ones.
    rows
        Rows to measure, shape (r,).
    order
        1 for sums of absolute differences, 2 for straight distances.
    """
    by_cell = np.argsort(cell, kind="stable")
    place = np.empty_like(by_cell)
    place[by_cell] = np.arange(by_cell.size)
    cells = int(cell.max()) + 1
    ordered, ordered_cell, ordered_fold = points[by_cell], cell[by_cell], fold[by_cell]
    to_cell = np.empty((rows.size, cells))
    to_any, to_other = np.empty(rows.size), np.empty(rows.size)
    if points.shape[1] == PLANE and order == 2:
        easting, northing = np.ascontiguousarray(ordered.T)
        starts = np.searchsorted(ordered_cell, np.arange(cells + 1))
        _least_in_plane(
            easting, northing, place[rows], starts, ordered_fold, to_cell, to_any, to_other
        )
    else:
        for part in _chunks(rows.size, len(points)):
            apart = cdist(points[rows[part]], ordered, _MEASURED[order])
            _least(
                apart, place[rows[part]], ordered_cell, ordered_fold,
                to_cell[part], to_any[part], to_other[part],
            )  # fmt: skip
    if order == 2:
        for out in (to_cell, to_any, to_other):
            np.sqrt(out, out=out)
    return Neighbours(rows, to_cell, to_any, to_other)


def across_folds(to_cell: Array, own: NDArray[np.int64], fold: NDArray[np.int64]) -> Array:
    """Return the distance to the nearest row of another fold, of folds made of whole cells.

    Parameters
    ----------
    to_cell
        Distance from each row to each cell, shape (r, cells).
    own
        Cell of each row, shape (r,).
    fold
        Fold of each cell, shape (cells,).
    """
    out = np.empty(own.size)
    _least_across(to_cell, own, fold, out)
    return out


def _chunks(rows: int, points: int) -> list[slice]:
    size = max(1, _CHUNK_PAIRS // max(points, 1))
    return [slice(start, min(start + size, rows)) for start in range(0, rows, size)]


@numba.njit(cache=True, fastmath={"nnan", "nsz"})  # least values are the same in any order
def _least_in_plane(
    easting: Array,
    northing: Array,
    place: NDArray[np.int64],
    starts: NDArray[np.int64],
    fold: NDArray[np.int64],
    to_cell: Array,
    to_any: Array,
    to_other: Array,
) -> None:
    """Write the least squares of distances without holding those of all pairs."""
    for i in range(place.size):
        own = place[i]
        x, y, own_fold = easting[own], northing[own], fold[own]
        any_least, other_least = np.inf, np.inf
        for cell in range(starts.size - 1):
            first, last = starts[cell], starts[cell + 1]
            least = np.inf
            for j in range(first, last):
                across, up = x - easting[j], y - northing[j]
                least = min(least, across * across + up * up)
            to_cell[i, cell] = least
            if least < other_least:
                for j in range(first, last):
                    across, up = x - easting[j], y - northing[j]
                    value = across * across + up * up
                    other_least = min(other_least, value if fold[j] != own_fold else np.inf)
            if least < any_least:
                for j in range(first, last):
                    across, up = x - easting[j], y - northing[j]
                    value = across * across + up * up
                    any_least = min(any_least, value if j != own else np.inf)
        to_any[i], to_other[i] = any_least, other_least


@numba.njit(cache=True)
def _least(
    apart: Array,
    place: NDArray[np.int64],
    cell: NDArray[np.int64],
    fold: NDArray[np.int64],
    to_cell: Array,
    to_any: Array,
    to_other: Array,
) -> None:
    for i in range(apart.shape[0]):
        own, own_fold = place[i], fold[place[i]]
        any_least, other_least = np.inf, np.inf
        to_cell[i, :] = np.inf
        for j in range(apart.shape[1]):
            value = apart[i, j]
            if value < to_cell[i, cell[j]]:
                to_cell[i, cell[j]] = value
            if value < any_least and j != own:
                any_least = value
            if value < other_least and fold[j] != own_fold:
                other_least = value
        to_any[i], to_other[i] = any_least, other_least


@numba.njit(cache=True)
def _least_across(
    to_cell: Array, own: NDArray[np.int64], fold: NDArray[np.int64], out: Array
) -> None:
    for i in range(to_cell.shape[0]):
        own_fold = fold[own[i]]
        least = np.inf
        for j in range(to_cell.shape[1]):
            if fold[j] != own_fold and to_cell[i, j] < least:
                least = to_cell[i, j]
        out[i] = least
