"""The arms of survey tasks beside the ranked one: drawn blind, and chosen to learn from."""

import math

import numpy as np
from numpy.typing import NDArray

from minerisk.models.tasks.selection import Limits
from minerisk.models.tasks.shapes import BARRED, DEAD, OPEN, grow_tasks, ranked_starts

Array = NDArray[np.float64]

MOST_NOVEL = 3.0  # dissimilarity beyond this adds nothing: it is past any training cell
LEARN_SIZES = 4  # candidates to learn from are grown up to this many times the least size


def control_tasks(
    open_land: NDArray[np.bool_],
    parcel: NDArray[np.int32],
    *,
    days: Array,
    limits: Limits,
    share: float,
    seed: int,
) -> NDArray[np.int32]:
    """Draw tasks blind: starts at random, compact, as many as a share of the limits pays for.

    Parameters
    ----------
    open_land
        True where a task may lie, shape ``(height, width)``.
    parcel
        Number of the parcel of each cell, which no task leaves; same shape.
    days
        Team-days for each cell.
    limits
        Of all tasks of all arms; a task drawn blind has the least size.
    share
        Of the limits that this arm may take, 0 to 1.
    seed
        Of the draw.

    Returns
    -------
    ndarray of int32, same shape
        Number of the task of each cell from 1, 0 for none.
    """
    owner = np.where(open_land, OPEN, BARRED).astype(np.int32)
    starts = np.flatnonzero(open_land)
    np.random.default_rng(seed).shuffle(starts)
    wanted = math.floor(round(share * limits.cells / limits.least, 6))
    sizes = (limits.least, limits.least, wanted * limits.least)
    grow_tasks(np.ones(owner.shape), owner, parcel, starts, sizes, 0.0, 0)
    owner[owner < 0] = 0
    spent = np.cumsum(np.bincount(owner.ravel(), weights=days.ravel())[1:])
    affordable = int(np.count_nonzero(spent <= share * limits.days + 1e-9))
    return np.where(owner <= affordable, owner, 0).astype(np.int32)


def learning_tasks(
    dissimilarity: Array | None,
    silent: NDArray[np.bool_],
    parcel: NDArray[np.int32],
    *,
    days: Array,
    limits: Limits,
    share: float,
) -> NDArray[np.int32]:
    """Choose cannot-say land to learn most from: by dissimilarity times area, spread out.

    Parameters
    ----------
    dissimilarity
        To the training land over its limit, shape ``(height, width)``; none: equal everywhere.
    silent
        True on open land of which the model cannot say, same shape.
    parcel, days, limits, share
        As in `control_tasks`; a task to learn from has up to four times the least size.

    Returns
    -------
    ndarray of int32, same shape
        Number of the task of each cell from 1, most to learn first; 0 for none.
    """
    novelty = np.ones(silent.shape)
    if dissimilarity is not None:
        novelty = np.clip(np.nan_to_num(dissimilarity, nan=MOST_NOVEL), 0.0, MOST_NOVEL)
    cells = share * limits.cells
    owner = np.where(silent, OPEN, BARRED).astype(np.int32)
    if cells < limits.least:
        return np.zeros_like(owner)
    greatest = min(LEARN_SIZES * limits.least, limits.greatest)
    starts = ranked_starts(novelty * silent, owner, limits.least)
    made = grow_tasks(
        novelty, owner, parcel, starts, (limits.least, greatest, owner.size), math.inf, 0
    )
    owner[owner == DEAD] = 0
    owner = np.maximum(owner, 0)
    taken = _spread(owner, made, novelty, days, (cells, share * limits.days))
    number = np.zeros(made + 1, dtype=np.int32)
    number[taken] = np.arange(1, len(taken) + 1)
    return np.asarray(number[owner], dtype=np.int32)


def _spread(
    owner: NDArray[np.int32],
    made: int,
    novelty: Array,
    days: Array,
    budget: tuple[float, float],
) -> list[int]:
    """Take, one by one, the candidate with most to learn that lies far from those taken."""
    rows, columns = np.nonzero(owner)
    mine = owner[rows, columns]
    size = np.maximum(np.bincount(mine, minlength=made + 1), 1)
    place = np.column_stack(
        [np.bincount(mine, weights=axis, minlength=made + 1) / size for axis in (rows, columns)]
    )
    worth = np.bincount(mine, weights=novelty[rows, columns], minlength=made + 1)
    effort = np.bincount(mine, weights=days[rows, columns], minlength=made + 1)
    worth[0] = 0.0
    apart = math.sqrt(max(len(rows), 1) / max(budget[0] / max(float(np.median(size)), 1.0), 1.0))
    nearest = np.full(made + 1, np.inf)
    left, left_days = budget
    taken: list[int] = []
    while True:
        fits = (size <= left) & (effort <= left_days) & (worth > 0)
        if not fits.any():
            return taken
        value = np.where(fits, worth * -np.expm1(-nearest / apart), -1.0)
        task = int(np.argmax(np.round(value, 9)))
        taken.append(task)
        left, left_days, worth[task] = left - size[task], left_days - effort[task], 0.0
        nearest = np.minimum(nearest, np.hypot(*(place - place[task]).T))
