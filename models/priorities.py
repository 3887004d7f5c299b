"""From probabilities to survey tasks: contiguous land, under a budget, with a blind control arm."""

import heapq
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numba
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.ndimage import uniform_filter

from features.errors import InputError

RANKED, CONTROL = "ranked", "control"
FREE, BARRED, DEAD = 0, -1, -2


@dataclass(frozen=True)
class Tasks:
    """Survey tasks on a grid.

    Attributes
    ----------
    owner
        int32, shape ``(height, width)``: the number of the task each cell belongs to, 0 for none.
    table
        One row per task, in order of its number (1, 2, …): ``task``, ``arm`` (``ranked`` or
        ``control``), ``rank`` (missing for control), ``cells``, ``hectares``, ``expected_finds``
        (expected number of cells with a recordable finding), ``expected_finds_per_ha``,
        ``probability``, ``lower``, ``upper`` (means over the task) and ``applicable_share``.
        What the model says is taken over applicable cells only, and missing where there are none.
    summary
        Hectares and expected finds of the whole land, of each arm, and of cannot-say land.
    """

    owner: NDArray[np.int32]
    table: pd.DataFrame
    summary: dict[str, float]


def make_tasks(
    probability: NDArray[np.floating],
    lower: NDArray[np.floating],
    upper: NDArray[np.floating],
    applicable: NDArray[np.bool_],
    inside: NDArray[np.bool_],
    *,
    cell_ha: float,
    budget_ha: float,
    min_ha: float,
    max_ha: float,
    random_share: float,
    seed: int,
    exclude: NDArray[np.bool_] | None = None,
) -> Tasks:
    """Group cells into survey tasks.

    The control arm is drawn first, from all land, cannot-say land included, without a look at
    the model: it is the only unbiased check of it. The ranked arm then grows tasks, each from the
    free cell with the most expected finds around it. A task takes the neighbouring cell with the
    highest probability, discounted by distance from its start and raised by shared edges, so that
    it stays compact. Up to `min_ha` it takes what is there; beyond, only cells that the budget
    would reach if cells were surveyed one by one (or gaps closed on three sides), up to `max_ha`.
    Tasks are ranked by expected finds per hectare.

    Parameters
    ----------
    probability, lower, upper
        Of contamination, 0 to 1, shape ``(height, width)``; NaN where there is none.
    applicable
        True where the data support a statement. Other land is never in the ranked arm.
    inside
        True in the study area.
    cell_ha
        Hectares of a cell.
    budget_ha
        Hectares of all tasks together, at most.
    min_ha, max_ha
        Hectares of a ranked task. Control tasks have `min_ha`.
    random_share
        Share of the budget for the control arm, at most.
    seed
        Of the control draw.
    exclude
        True where no task may lie, such as land that is already surveyed.

    Returns
    -------
    Tasks
        Contiguous over cell edges, disjoint, and the same for the same input.

    Raises
    ------
    InputError
        If shapes differ, probabilities leave 0 to 1, or the sizes cannot be met.
    """
    arrays = (probability, lower, upper, applicable, inside)
    _check(arrays, cell_ha, budget_ha, min_ha, max_ha)
    sizes = (
        max(math.ceil(round(min_ha / cell_ha, 6)), 1),
        math.floor(round(max_ha / cell_ha, 6)),
        math.floor(round(budget_ha / cell_ha, 6)),
    )
    land = inside.astype(bool) if exclude is None else inside & ~exclude
    known = land & applicable & np.isfinite(probability)
    owner = np.where(land, FREE, BARRED).astype(np.int32)
    wanted = math.floor(round(random_share * sizes[2] / sizes[0], 6))
    starts = np.flatnonzero(land)
    np.random.default_rng(seed).shuffle(starts)
    drawn = _grow_tasks(
        np.ones(owner.shape), owner, starts, (sizes[0], sizes[0], wanted * sizes[0]), 0.0, 0
    )
    owner[(owner <= FREE) & ~known] = BARRED
    owner[owner == DEAD] = FREE
    values = np.where(known, probability, 0.0).astype(np.float64)
    left = sizes[2] - int(np.count_nonzero(owner > 0))
    ranked = _grow_tasks(
        values,
        owner,
        _ranked_starts(values, owner, sizes[0]),
        (sizes[0], sizes[1], left),
        _least_worth(values[owner == FREE], left),
        drawn,
    )
    owner[owner < 0] = 0
    table, numbers = _table((probability, lower, upper), known, owner, drawn, cell_ha)
    renumber = np.zeros(drawn + ranked + 1, dtype=np.int32)
    renumber[numbers] = np.arange(1, numbers.size + 1, dtype=np.int32)
    summary = _summary(table, values, inside, known, cell_ha) | {"budget_ha": float(budget_ha)}
    return Tasks(renumber[owner], table, summary)


def _check(
    arrays: Sequence[NDArray],  # type: ignore[type-arg]
    cell_ha: float,
    budget_ha: float,
    min_ha: float,
    max_ha: float,
) -> None:
    shapes = {array.shape for array in arrays}
    if len(shapes) != 1 or arrays[0].ndim != 2:
        raise InputError(f"Arrays have shapes {sorted(shapes)}; expected one (height, width).")
    known = arrays[0][np.isfinite(arrays[0])]
    if known.size and (known.min() < 0 or known.max() > 1):
        raise InputError(
            f"Probabilities run from {known.min():g} to {known.max():g}; expected 0 to 1."
        )
    if not 0 < min_ha <= max_ha or not cell_ha > 0 or not budget_ha > 0:
        raise InputError(
            f"Task sizes are {min_ha:g} to {max_ha:g} ha of a budget of {budget_ha:g} ha, cells "
            f"{cell_ha:g} ha; expected all above zero and the least size not above the greatest."
        )
    if math.floor(round(max_ha / cell_ha, 6)) < max(math.ceil(round(min_ha / cell_ha, 6)), 1):
        raise InputError(
            f"No whole number of cells of {cell_ha:g} ha lies between {min_ha:g} and "
            f"{max_ha:g} ha. Raise the greatest task size."
        )


def _ranked_starts(
    values: NDArray[np.float64], owner: NDArray[np.int32], cells: int
) -> NDArray[np.int64]:
    """Order free cells by the expected finds around them, in a window of about `cells` cells."""
    side = 2 * (math.isqrt(max(cells - 1, 0)) // 2) + 1
    around = uniform_filter(np.where(owner == FREE, values, 0.0), side, mode="constant")
    free = np.flatnonzero(owner == FREE)
    order = np.lexsort((-values.ravel()[free], -np.round(around.ravel()[free], 12)))
    return free[order]


def _least_worth(values: NDArray[np.float64], budget: int) -> float:
    """Give the probability of the last cell reached, if cells were surveyed one by one."""
    if budget >= values.size or budget < 1:
        return 0.0
    return float(np.partition(values, values.size - budget)[values.size - budget])


@numba.njit(cache=True)
def _grow_tasks(
    values: NDArray[np.float64],
    owner: NDArray[np.int32],
    starts: NDArray[np.int64],
    sizes: tuple[int, int, int],
    least_worth: float,
    first: int,
) -> int:
    """Fill `owner` with tasks first + 1, first + 2, …; give how many were made.

    sizes: least and greatest cells of a task, and cells of all tasks together.
    """
    least, greatest, left = sizes
    width = owner.shape[1]
    made = 0
    for start in starts:
        if left < least:
            break
        row, column = start // width, start % width
        if owner[row, column] != FREE:
            continue
        number = first + made + 1
        limit = min(greatest, left)
        taken = _grow(values, owner, (row, column), (least, limit), least_worth, number)
        if len(taken) >= least:
            made += 1
            left -= len(taken)
        else:
            for cell in taken:
                owner[cell // width, cell % width] = DEAD
    return made


@numba.njit(cache=True)
def _grow(
    values: NDArray[np.float64],
    owner: NDArray[np.int32],
    start: tuple[int, int],
    sizes: tuple[int, int],
    least_worth: float,
    number: int,
) -> list[int]:
    """Grow one task from `start` over cell edges; give its cells as flat indices."""
    height, width = owner.shape
    reach = sizes[1] / math.pi
    frontier = [(-1.0, start[0] * width + start[1])]
    taken = [start[0] * width + start[1]]
    taken.clear()
    while frontier and len(taken) < sizes[1]:
        _, cell = heapq.heappop(frontier)
        row, column = cell // width, cell % width
        if owner[row, column] != FREE:
            continue
        owner[row, column] = number
        taken.append(cell)
        for turn in range(4):
            down, across = row + (1, -1, 0, 0)[turn], column + (0, 0, 1, -1)[turn]
            if not (0 <= down < height and 0 <= across < width) or owner[down, across] != FREE:
                continue
            edges = 0
            for side in range(4):
                y, x = down + (1, -1, 0, 0)[side], across + (0, 0, 1, -1)[side]
                if 0 <= y < height and 0 <= x < width and owner[y, x] == number:
                    edges += 1
            worth = values[down, across]
            far = (down - start[0]) ** 2 + (across - start[1]) ** 2
            score = (worth + 1e-9) * (0.75 + 0.25 * edges) / (1.0 + far / reach)
            extra = worth < least_worth and edges < 3
            key = 1.0 / (score + 1e-300) if extra else -score
            heapq.heappush(frontier, (key, down * width + across))
        if len(taken) >= sizes[0] and frontier and frontier[0][0] > 0:
            break
    return taken


def _table(
    layers: tuple[NDArray[np.floating], NDArray[np.floating], NDArray[np.floating]],
    known: NDArray[np.bool_],
    owner: NDArray[np.int32],
    drawn: int,
    cell_ha: float,
) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    """Describe the tasks, ranked ones first; also give their old numbers in that order."""
    count = max(int(owner.max(initial=0)), 0)
    mine = owner > 0
    cells = np.bincount(owner[mine], minlength=count + 1)[1:]
    supported = mine & known
    support = np.bincount(owner[supported], minlength=count + 1)[1:]
    with np.errstate(invalid="ignore"):
        means = [
            np.bincount(owner[supported], weights=layer[supported], minlength=count + 1)[1:]
            / support
            for layer in layers
        ]
    table = pd.DataFrame(
        {
            "arm": np.where(np.arange(1, count + 1) <= drawn, CONTROL, RANKED),
            "cells": cells,
            "hectares": cells * cell_ha,
            "expected_finds": means[0] * support,
            "expected_finds_per_ha": means[0] / cell_ha,
            "probability": means[0],
            "lower": means[1],
            "upper": means[2],
            "applicable_share": support / np.maximum(cells, 1),
        }
    )
    table["number"] = np.arange(1, count + 1)
    worth = table["expected_finds_per_ha"].where(table["arm"] == RANKED, -np.inf)
    order = np.lexsort((table["number"], -worth.to_numpy()))
    table = table.iloc[order].reset_index(drop=True)
    ranked = (table["arm"] == RANKED).to_numpy()
    place = pd.array(np.arange(1, count + 1), dtype="Int64")
    table.insert(0, "task", np.arange(1, count + 1))
    table.insert(2, "rank", pd.Series(place).where(pd.Series(ranked)))
    return table.drop(columns="number"), table["number"].to_numpy()


def _summary(
    table: pd.DataFrame,
    values: NDArray[np.float64],
    inside: NDArray[np.bool_],
    known: NDArray[np.bool_],
    cell_ha: float,
) -> dict[str, float]:
    ranked = table[table["arm"] == RANKED]
    everything = float(values.sum())
    expected = float(ranked["expected_finds"].sum())
    silent = int(np.count_nonzero(inside & ~known))
    return {
        "land_ha": int(np.count_nonzero(inside)) * cell_ha,
        "statement_ha": int(np.count_nonzero(known)) * cell_ha,
        "no_statement_ha": silent * cell_ha,
        "ranked_ha": float(ranked["hectares"].sum()),
        "control_ha": float(table["hectares"].sum() - ranked["hectares"].sum()),
        "expected_finds_all": everything,
        "expected_finds_ranked": expected,
        "share_of_expected_finds": expected / everything if everything else math.nan,
    }
