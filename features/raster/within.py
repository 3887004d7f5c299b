"""Which cells lie within a distance of marked ones, strip by strip, however far that reaches.

Rows are gone over twice: `rows_since_mark` downwards, and upwards once what it found is on disk;
the lesser of the two is the way to the nearest mark of the column, by which `cells_within` tells
a row by itself.
"""

import math

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError

FAR = np.int32(2**30)
"""Rows to a mark that is not there."""


def rows_since_mark(marked: NDArray[np.bool_], before: NDArray[np.int32]) -> NDArray[np.int32]:
    """Count the rows from the last mark of each column, in the order in which rows are given.

    Parameters
    ----------
    marked
        A strip, shape ``(rows, width)``; turned over to count upwards.
    before
        The row that came before it, as this function gives it, shape ``(width,)``; `FAR` if there
        was none.

    Returns
    -------
    ndarray of int32, shape (rows, width)
        0 in marked cells, `FAR` where no mark came before.

    Examples
    --------
    >>> marked = np.array([[False, True], [False, False]])
    >>> rows_since_mark(marked, np.array([3, FAR], dtype=np.int32)).tolist()
    [[4, 0], [5, 1]]
    """
    found = np.empty(marked.shape, dtype=np.int32)
    last = before
    for row, own in enumerate(marked):
        found[row] = np.where(own, 0, np.minimum(last, FAR - 1) + 1)
        last = found[row]
    return found


def squared_reach(distance_m: float, *, resolution_m: float, longest: int) -> int:
    """Compute the greatest square of cells whose root is no farther than a distance.

    Parameters
    ----------
    longest
        Square of the longest way there is, cells: no more is given.
    """
    if not distance_m >= 0:
        raise InputError(f"The distance is {distance_m} m; expected 0 or more.")
    if math.sqrt(longest) * resolution_m <= distance_m:
        return longest
    found = int((distance_m / resolution_m) ** 2) + 1
    while math.sqrt(found) * resolution_m > distance_m:
        found -= 1
    return found


def cells_within(rows: NDArray[np.int32], squared: int) -> NDArray[np.bool_]:
    """Mark the cells whose centre lies within a distance of the nearest marked one.

    Parameters
    ----------
    rows
        Rows to the nearest mark of the column, above or below, shape ``(rows, width)``.
    squared
        Of the distance, in cells; see `squared_reach`.

    Examples
    --------
    A mark two rows below the middle column, within the root of five cells.

    >>> cells_within(np.array([[FAR, FAR, 2, FAR, FAR]], dtype=np.int32), 5)
    array([[False,  True,  True,  True, False]])
    """
    height, width = rows.shape
    row, column = np.nonzero(rows <= math.isqrt(squared))
    own = rows[row, column].astype(np.int64)
    # Along the row, a mark so many rows away reaches as many columns to each side.
    reach = np.sqrt(squared - own * own).astype(np.int64)
    change = np.zeros((height, width + 1), dtype=np.int32)
    np.add.at(change, (row, np.maximum(column - reach, 0)), 1)
    np.add.at(change, (row, np.minimum(column + reach + 1, width)), -1)
    return np.cumsum(change, axis=1)[:, :-1] > 0
