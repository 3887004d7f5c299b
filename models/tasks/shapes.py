"""Where one survey task ends and the next begins: parcels, and compact pieces grown inside them."""

import heapq
import math

import numba
import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, label, uniform_filter

OPEN, BARRED, DEAD = 0, -1, -2


def parcels(land: NDArray[np.bool_], walls: NDArray[np.bool_], *, least: int) -> NDArray[np.int32]:
    """Cut land into parcels along walls, such as rivers and roads.

    Parameters
    ----------
    land
        Cells that a task may take, shape ``(height, width)``.
    walls
        Cells that a river or a road runs through. They are land too: each goes to the parcel
        nearest to it.
    least
        A piece of fewer cells is no parcel of its own; it goes to the nearest.

    Returns
    -------
    ndarray of int32, shape (height, width)
        Number of the parcel, from 1; 0 where there is no land.
    """
    pieces, made = label(land & ~walls)
    size = np.bincount(pieces.ravel(), minlength=made + 1)
    kept = size >= least
    kept[0] = False
    if not kept.any():  # nothing but walls and slivers: all of it is one parcel
        return land.astype(np.int32)
    whole = (np.cumsum(kept) * kept)[pieces]
    rows, columns = distance_transform_edt(whole == 0, return_distances=False, return_indices=True)
    return np.where(land, whole[rows, columns], 0).astype(np.int32)


def ranked_starts(
    values: NDArray[np.float64], owner: NDArray[np.int32], cells: int
) -> NDArray[np.int64]:
    """Order open cells by the value around them, in a window of about `cells` cells."""
    side = 2 * (math.isqrt(max(cells - 1, 0)) // 2) + 1
    around = uniform_filter(np.where(owner == OPEN, values, 0.0), side, mode="constant")
    cell = np.flatnonzero(owner == OPEN)
    order = np.lexsort((-values.ravel()[cell], -np.round(around.ravel()[cell], 12)))
    return cell[order]


def least_worth(values: NDArray[np.float64], budget: int) -> float:
    """Return the value of the last cell reached, if cells were surveyed one by one."""
    if budget >= values.size or budget < 1:
        return 0.0
    return float(np.partition(values, values.size - budget)[values.size - budget])


def compactness(owner: NDArray[np.int32], count: int) -> NDArray[np.float64]:
    """Compute the Polsby-Popper compactness of tasks 1 to `count`.

    It is 4 pi area over perimeter squared, along cell edges: pi / 4 for a square, the most there
    can be.

    Examples
    --------
    A square and a strip of three cells:

    >>> owner = np.array([[1, 1, 0, 0, 0], [1, 1, 0, 0, 0], [0, 0, 2, 2, 2]], dtype=np.int32)
    >>> compactness(owner, 2).round(2)
    array([0.79, 0.59])
    """
    padded = np.pad(owner, 1)
    edges = np.zeros(count + 1, dtype=np.int64)
    for axis in (0, 1):
        for step in (1, -1):
            other = np.roll(padded, step, axis=axis)
            mine = (padded > 0) & (padded != other)
            edges += np.bincount(padded[mine], minlength=count + 1)[: count + 1]
    area = np.bincount(owner[owner > 0], minlength=count + 1)
    shape = 4.0 * math.pi * area[1:] / np.maximum(edges[1:], 1) ** 2
    return np.asarray(shape, dtype=np.float64)


@numba.njit(cache=True, nogil=True)
def grow_tasks(
    values: NDArray[np.float64],
    owner: NDArray[np.int32],
    parcel: NDArray[np.int32],
    starts: NDArray[np.int64],
    sizes: tuple[int, int, int],
    worth: float,
    first: int,
) -> int:
    """Fill `owner` with tasks first + 1, first + 2, …; return how many were made.

    A task takes the neighbouring cell of its parcel with the highest value, discounted by distance
    from its start and raised by shared edges, so that it stays compact. Up to the least size it
    takes what is there; beyond, only cells of `worth` or more (or gaps closed on three sides).

    sizes: least and greatest cells of a task, and cells of all tasks together.
    """
    least, greatest, left = sizes
    width = owner.shape[1]
    made = 0
    for start in starts:
        if left < least:
            break
        row, column = start // width, start % width
        if owner[row, column] != OPEN:
            continue
        number = first + made + 1
        limit = min(greatest, left)
        taken = _grow(values, owner, parcel, (row, column), (least, limit), worth, number)
        if len(taken) >= least:
            made += 1
            left -= len(taken)
        else:
            for cell in taken:
                owner[cell // width, cell % width] = DEAD
    return made


@numba.njit(cache=True, nogil=True)
def _grow(
    values: NDArray[np.float64],
    owner: NDArray[np.int32],
    parcel: NDArray[np.int32],
    start: tuple[int, int],
    sizes: tuple[int, int],
    worth: float,
    number: int,
) -> list[int]:
    """Grow one task from `start` over cell edges; return its cells as flat indices."""
    height, width = owner.shape
    home = parcel[start[0], start[1]]
    reach = sizes[1] / math.pi
    frontier = [(-1.0, start[0] * width + start[1])]
    taken = [start[0] * width + start[1]]
    taken.clear()
    while frontier and len(taken) < sizes[1]:
        _, cell = heapq.heappop(frontier)
        row, column = cell // width, cell % width
        if owner[row, column] != OPEN:
            continue
        owner[row, column] = number
        taken.append(cell)
        for turn in range(4):
            down, across = row + (1, -1, 0, 0)[turn], column + (0, 0, 1, -1)[turn]
            if not (0 <= down < height and 0 <= across < width) or owner[down, across] != OPEN:
                continue
            if parcel[down, across] != home:
                continue
            edges = 0
            for side in range(4):
                y, x = down + (1, -1, 0, 0)[side], across + (0, 0, 1, -1)[side]
                if 0 <= y < height and 0 <= x < width and owner[y, x] == number:
                    edges += 1
            far = (down - start[0]) ** 2 + (across - start[1]) ** 2
            score = (values[down, across] + 1e-9) * (0.75 + 0.25 * edges) / (1.0 + far / reach)
            extra = values[down, across] < worth and edges < 3
            key = 1.0 / (score + 1e-300) if extra else -score
            heapq.heappush(frontier, (key, down * width + across))
        if len(taken) >= sizes[0] and frontier and frontier[0][0] > 0:
            break
    return taken
