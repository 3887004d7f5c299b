"""Which survey tasks to take: the best set of candidates that a budget pays for, with its gap."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from minerisk.models.tasks.shapes import BARRED, OPEN, grow_tasks, least_worth, ranked_starts

GAP = 0.001
NODES = 500  # of the search, not seconds: the same input gives the same tasks
SPARE = 1.5  # candidates cover this many times the budget


@dataclass(frozen=True)
class Limits:
    """What tasks may take.

    Attributes
    ----------
    cells
        Of all tasks together.
    least, greatest
        Cells of one task.
    days
        Team-days of all tasks together.
    """

    cells: int
    least: int
    greatest: int
    days: float = math.inf


@dataclass(frozen=True)
class Chosen:
    """Tasks that were chosen.

    Attributes
    ----------
    owner
        int32, shape ``(height, width)``: number of the task, from 1; 0 for none.
    benefit
        Of all of them.
    gap
        How much better a choice among the same candidates could be, at most, as a share.
    one_by_one
        What the best cells would bring within the same hectares, picked one by one with no task
        around them: no tasks whatever can bring more.
    candidates
        How many there were.
    """

    owner: NDArray[np.int32]
    benefit: float
    gap: float
    one_by_one: float
    candidates: int


def best_tasks(
    benefit: NDArray[np.float64],
    open_land: NDArray[np.bool_],
    parcel: NDArray[np.int32],
    *,
    limits: Limits,
    days: NDArray[np.float64],
) -> Chosen:
    """Choose contiguous tasks with the most benefit within hectares and team-days.

    Candidates are grown several times over the same land, at several sizes; a candidate may
    overlap another, but no two that overlap are chosen. The choice among them is a knapsack with
    conflicts, solved by HiGHS to a stated gap.

    Parameters
    ----------
    benefit
        Of each cell, not negative, shape ``(height, width)``.
    open_land
        Cells that a task may take.
    parcel
        A task keeps to one parcel (`minerisk.models.tasks.shapes.parcels`).
    limits
        Budget and sizes.
    days
        Team-days for each cell.

    Notes
    -----
    HiGHS: Huangfu and Hall 2018, doi 10.1007/s12532-017-0130-5.
    """
    values = np.where(open_land, benefit, 0.0)
    known = values[open_land]
    budget = min(limits.cells, known.size)
    best = np.partition(known, known.size - budget)[known.size - budget :] if budget else known[:0]
    owners = [
        _grown(kind, open_land, parcel, limits=limits, greatest=greatest)
        for kind in _kinds(values, days, limits)
        for greatest in _sizes(limits)
    ]
    counts = [int(owner.max(initial=0)) for owner in owners]
    taken, gap = _pick(owners, counts, (values, days), limits)
    owner = np.zeros(open_land.shape, dtype=np.int32)
    for number, (grid, task) in enumerate(taken, start=1):
        owner[owners[grid] == task] = number
    total = float(values[owner > 0].sum())
    return Chosen(owner, total, gap, float(best.sum()), sum(counts))


def _kinds(
    values: NDArray[np.float64], days: NDArray[np.float64], limits: Limits
) -> list[NDArray[np.float64]]:
    """List what candidates are grown by: benefit by land and, if days are short, by day."""
    if not math.isfinite(limits.days):
        return [values]
    by_day = values / np.where(days > 0, days, 1.0)
    return [values, by_day * (values.max(initial=0.0) / max(by_day.max(initial=0.0), 1e-300))]


def _sizes(limits: Limits) -> list[int]:
    sizes = {limits.greatest, limits.greatest // 2, limits.greatest // 4}
    return sorted({max(size, limits.least) for size in sizes}, reverse=True)


def _grown(
    values: NDArray[np.float64],
    open_land: NDArray[np.bool_],
    parcel: NDArray[np.int32],
    *,
    limits: Limits,
    greatest: int,
) -> NDArray[np.int32]:
    owner = np.where(open_land, OPEN, BARRED).astype(np.int32)
    grow_tasks(
        values,
        owner,
        parcel,
        ranked_starts(values, owner, limits.least),
        (limits.least, min(greatest, limits.cells), math.ceil(SPARE * limits.cells)),
        least_worth(values[open_land], limits.cells),
        0,
    )
    owner[owner < 0] = 0
    return owner


def _pick(
    owners: Sequence[NDArray[np.int32]],
    counts: Sequence[int],
    cells: tuple[NDArray[np.float64], NDArray[np.float64]],
    limits: Limits,
) -> tuple[list[tuple[int, int]], float]:
    """Choose among the candidates of all grids; return (grid, task) of each, and the gap."""
    names = [(grid, task + 1) for grid, count in enumerate(counts) for task in range(count)]
    if not names:
        return [], 0.0

    def sums(weights: NDArray[np.float64] | None) -> NDArray[np.float64]:
        parts = [
            np.bincount(
                owner.ravel(),
                weights=None if weights is None else weights.ravel(),
                minlength=count + 1,
            )[1:]
            for owner, count in zip(owners, counts, strict=True)
        ]
        return np.concatenate(parts).astype(np.float64)

    gain, land, days = sums(cells[0]), sums(None), sums(cells[1])
    rows, most = [csr_array(land[None, :])], [float(limits.cells)]
    if math.isfinite(limits.days):
        rows.append(csr_array(days[None, :]))
        most.append(limits.days)
    conflicts = _conflicts(owners, counts)
    matrix = vstack([*rows, conflicts], format="csr")
    upper = np.concatenate([most, np.ones(conflicts.shape[0])])
    # A trifle for land left out: of equal choices, the one with fewer hectares.
    cost = -gain + 1e-9 * max(float(gain.max()), 1e-12) * land
    result = milp(
        cost,
        constraints=LinearConstraint(matrix, -np.inf, upper),
        integrality=np.ones(len(names)),
        bounds=Bounds(0, 1),
        options={"mip_rel_gap": GAP, "node_limit": NODES},
    )
    if result.x is None:  # not within the nodes: take none rather than guess
        return [], math.inf
    chosen = np.flatnonzero(result.x > 0.5)
    value = float(gain[chosen].sum())
    bound = -float(result.mip_dual_bound)
    gap = max(bound - value, 0.0) / value if value > 0 else 0.0
    return [names[index] for index in chosen], gap


def _conflicts(owners: Sequence[NDArray[np.int32]], counts: Sequence[int]) -> csr_array:
    """Return one row for each set of candidates that share a cell."""
    shift = np.concatenate([[0], np.cumsum(counts)[:-1]])
    stack = np.stack([owner.ravel() for owner in owners], axis=1)
    stack = np.unique(stack[(stack > 0).sum(axis=1) > 1], axis=0)
    row, grid = np.nonzero(stack)
    column = shift[grid] + stack[row, grid] - 1
    shape = (len(stack), int(sum(counts)))
    return csr_array((np.ones(len(row)), (row, column)), shape=shape)
