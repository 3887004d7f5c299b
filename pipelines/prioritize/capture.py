"""Do tasks beat rules of thumb? What each finds on regions left out, for the same land."""

import math
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from minerisk.features.cube.store import cube_geobox, line_columns, open_cube
from minerisk.features.grid import cell_hectares
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.score_groups import block_draws, block_numbers
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.tasks.selection import Limits, best_tasks
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.tasks import Capture, CaptureCode, Rule
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.folder import Run

Array = NDArray[np.float64]

SHARES = (0.05, 0.10, 0.20)
DRAWS, LEVEL = 400, 0.9


def capture_of_run(run: Run) -> Capture | Notice[CaptureCode]:
    """Compare tasks with rules of thumb on the regions that a run left out.

    Reads ``held_out.parquet`` (every cell's score by a model that did not see its region),
    ``metrics.json`` and the cube. Tasks are cut and chosen from those scores as on new land, with
    the sizes of the configuration; the rules pick cells one by one, which flatters them.

    Returns
    -------
    Capture or Notice
        Intervals are of a block bootstrap; a notice where the run kept no such scores.
    """
    block_m = run.metrics().block_m
    held = run.held_out("fold_far")
    score = f"far_{MODEL}"
    if score not in held or not math.isfinite(block_m):
        return Notice[CaptureCode](code=CaptureCode.NOT_MEASURED)
    held = held[held["state"] >= 0].reset_index(drop=True)
    cube = open_cube(run.files.cube)
    coordinates = held[["easting", "northing"]].to_numpy(dtype=np.float64)
    place = _rows_and_columns(cube, coordinates)
    rules = {
        Rule.HIGHEST_CELLS: held[score].to_numpy(dtype=np.float64),
        Rule.NEAREST_FIND: -_to_find(held, coordinates),
    }
    line = _to_line(cube)
    if line is not None:
        rules[Rule.NEAREST_LINE] = -line[place]
    blocks = assign_blocks(coordinates, block_m=block_m)
    tasked = run.config.tasks
    cell_ha = cell_hectares(cube_geobox(cube))
    sizes = (
        max(math.ceil(round(tasked.min_ha / cell_ha, 6)), 1),
        max(math.floor(round(tasked.max_ha / cell_ha, 6)), 1),
    )
    return compare_capture(
        (held["state"] == 1).to_numpy(),
        rules,
        place,
        blocks,
        sizes=sizes,
        seed=run.config.model.seed,
    )


def compare_capture(
    positive: NDArray[np.bool_],
    rules: Mapping[Rule, Array],
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    blocks: NDArray[Any],
    *,
    sizes: tuple[int, int],
    seed: int,
) -> Capture:
    """Compare what tasks and rules find on the first 5, 10 and 20 % of land.

    Parameters
    ----------
    positive
        Whether a cell has a find, shape ``(n,)``.
    rules
        Rule to a value of each cell, greatest first; `Rule.HIGHEST_CELLS` is the score that tasks
        are made from.
    place
        Row and column of each cell on the grid.
    blocks
        Block of each cell, drawn whole for the intervals.
    sizes
        Least and greatest cells of a task.
    """
    score = rules[Rule.HIGHEST_CELLS]
    block = block_numbers(blocks, positive.size)
    times = block_draws(int(block.max()) + 1, draws=DRAWS, seed=seed)
    everything = _sums(block, positive.astype(np.float64))
    found: dict[Rule, list[Estimate]] = {name: [] for name in (Rule.TASKS, *rules)}
    minus: dict[Rule, list[Estimate]] = {name: [] for name in rules}
    with ThreadPoolExecutor(max_workers=2) as pool:
        tasked = list(
            pool.map(
                lambda share: tasks_on(
                    score, place, cells=round(share * positive.size), sizes=sizes
                ),
                SHARES,
            )
        )
    for in_tasks in tasked:
        picked = {Rule.TASKS: in_tasks}
        # Tasks may leave a rest: rules get no more land than they take.
        land = float(in_tasks.sum())
        picked |= {name: first_cells(values, land) for name, values in rules.items()}
        caught = {
            name: _drawn(_sums(block, taken * positive), everything, times)
            for name, taken in picked.items()
        }
        for name, values in caught.items():
            found[name].append(_interval(values))
        for name in rules:
            minus[name].append(_interval(caught[Rule.TASKS] - caught[name]))
    return Capture(
        shares=SHARES,
        cells=int(positive.size),
        positive=int(positive.sum()),
        found={name: tuple(values) for name, values in found.items()},
        tasks_minus={name: tuple(values) for name, values in minus.items()},
    )


def tasks_on(
    score: Array,
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    cells: int,
    sizes: tuple[int, int],
) -> Array:
    """Choose tasks on scattered cells; return 1 for each cell in a task, else 0."""
    rows, columns = (axis - axis.min() for axis in place)
    shape = (int(rows.max()) + 1, int(columns.max()) + 1)
    benefit, land = np.zeros(shape), np.zeros(shape, dtype=bool)
    benefit[rows, columns], land[rows, columns] = np.nan_to_num(score), True
    chosen = best_tasks(
        benefit,
        land,
        np.ones(shape, dtype=np.int32),
        limits=Limits(cells, min(sizes[0], max(cells, 1)), max(sizes)),
        days=np.ones(shape),
    )
    return np.asarray(chosen.owner[rows, columns] > 0, dtype=np.float64)


def first_cells(values: Array, land: float) -> Array:
    """Take the cells of greatest value, as many as `land`; of the last equal ones a share."""
    ascending, inverse, counts = np.unique(values, return_inverse=True, return_counts=True)
    before = np.concatenate([np.cumsum(counts[::-1])[::-1][1:], [0]])
    return np.clip((land - before) / counts, 0.0, 1.0)[inverse]


def _drawn(caught: Array, everything: Array, times: Array) -> Array:
    """Return the share of finds caught: the estimate, then one for each draw of blocks."""
    whole = np.vstack([np.ones(len(everything)), times])
    return np.asarray((whole @ caught) / np.maximum(whole @ everything, 1e-12))


def _sums(block: NDArray[np.int64], amount: Array) -> Array:
    return np.asarray(np.bincount(block, weights=amount), dtype=np.float64)


def _interval(values: Array) -> Estimate:
    low, high = np.quantile(values[1:], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return Estimate.of(round(float(value), 6) for value in (values[0], low, high))


def _rows_and_columns(
    cube: xr.Dataset, coordinates: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    transform = cube_geobox(cube).transform
    columns = np.floor((coordinates[:, 0] - transform.c) / transform.a).astype(np.int64)
    rows = np.floor((coordinates[:, 1] - transform.f) / transform.e).astype(np.int64)
    return rows, columns


def _to_line(cube: xr.Dataset) -> Array | None:
    """Compute the metres to the nearest known front line; None where the cube has none."""
    lines = line_columns(cube)
    if not lines:
        return None
    metres = [cube[name].to_numpy().astype(np.float64) for name in lines]
    return np.asarray(np.nan_to_num(np.fmin.reduce(metres), nan=np.inf))


def _to_find(held: pd.DataFrame, coordinates: Array) -> Array:
    """Compute the metres to the nearest find of another fold of regions."""
    metres = np.full(len(held), np.inf)
    fold, found = held["fold_far"].to_numpy(), (held["state"] == 1).to_numpy()
    for number in np.unique(fold):
        known, asked = coordinates[found & (fold != number)], fold == number
        if len(known):
            metres[asked] = cKDTree(known).query(coordinates[asked])[0]
    return metres
