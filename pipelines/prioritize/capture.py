"""Do tasks beat rules of thumb? What each finds on regions left out, for the same land."""

import json
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.grid import resolution
from minerisk.models.evaluation.metrics import block_draws, block_numbers
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.tasks.selection import Limits, best_tasks
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.folder import Run

Array = NDArray[np.float64]

SHARES = (0.05, 0.10, 0.20)
DRAWS, LEVEL = 400, 0.9
TASKS = "tasks"
RULES: Mapping[str, str] = {
    TASKS: "tasks, as chosen here",
    "highest_cells": "highest cells, one by one (no task around them)",
    "nearest_line": "cells nearest to the line",
    "nearest_find": "cells nearest to a find of another region",
}


def capture_of_run(run: Run) -> dict[str, Any]:
    """Compare tasks with rules of thumb on the regions that a run left out.

    Reads ``held_out.parquet`` (every cell's score by a model that did not see its region),
    ``metrics.json`` and the cube. Tasks are cut and chosen from those scores as on new land, with
    the sizes of the configuration; the rules pick cells one by one, which flatters them.

    Returns
    -------
    dict
        ``shares`` of land, ``found`` by rule: at each share estimate, low and high of a block
        bootstrap; ``tasks_minus`` by rule: paired differences; ``words``: what follows from them.
    """
    metrics = json.loads((run.files.metrics).read_text(encoding="utf-8"))
    held = pd.read_parquet(run.files.held_out)
    score = f"far_{MODEL}"
    if score not in held or not math.isfinite(float(metrics["block_m"])):
        return {"words": ["Not measured: the run kept no scores of regions left out."]}
    held = held[held["state"] >= 0].reset_index(drop=True)
    cube = open_cube(run.files.cube)
    coordinates = held[["easting", "northing"]].to_numpy(dtype=np.float64)
    place = _rows_and_columns(cube, coordinates)
    rules = {
        "highest_cells": held[score].to_numpy(dtype=np.float64),
        "nearest_find": -_to_find(held, coordinates),
    }
    line = _to_line(cube)
    if line is not None:
        rules["nearest_line"] = -line[place]
    blocks = assign_blocks(coordinates, block_m=float(metrics["block_m"]))
    tasked = run.config.tasks
    cell_ha = resolution(cube_geobox(cube)) ** 2 / 10_000
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
    rules: Mapping[str, Array],
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    blocks: NDArray[Any],
    *,
    sizes: tuple[int, int],
    seed: int,
) -> dict[str, Any]:
    """Compare what tasks and rules find on the first 5, 10 and 20 % of land.

    Parameters
    ----------
    positive
        Whether a cell has a find, shape ``(n,)``.
    rules
        Name to a value of each cell, greatest first; ``highest_cells`` is the score that tasks are
        made from.
    place
        Row and column of each cell on the grid.
    blocks
        Block of each cell, drawn whole for the intervals.
    sizes
        Least and greatest cells of a task.
    """
    score = rules["highest_cells"]
    block = block_numbers(blocks, positive.size)
    times = block_draws(int(block.max()) + 1, draws=DRAWS, seed=seed)
    everything = _sums(block, positive.astype(np.float64))
    found: dict[str, list[list[float]]] = {TASKS: [], **{name: [] for name in rules}}
    minus: dict[str, list[list[float]]] = {name: [] for name in rules}
    for share in SHARES:
        picked = {TASKS: tasks_on(score, place, cells=round(share * positive.size), sizes=sizes)}
        land = float(picked[TASKS].sum())  # tasks may leave a rest: rules get no more than they
        picked |= {name: first_cells(values, land) for name, values in rules.items()}
        caught = {
            name: _drawn(_sums(block, taken * positive), everything, times)
            for name, taken in picked.items()
        }
        for name, values in caught.items():
            found[name].append(_interval(values))
        for name in rules:
            minus[name].append(_interval(caught[TASKS] - caught[name]))
    return {
        "shares": list(SHARES),
        "cells": int(positive.size),
        "positive": int(positive.sum()),
        "found": found,
        "tasks_minus": minus,
        "words": verdicts(minus),
    }


def tasks_on(
    score: Array,
    place: tuple[NDArray[np.int64], NDArray[np.int64]],
    *,
    cells: int,
    sizes: tuple[int, int],
) -> Array:
    """Choose tasks on scattered cells; give 1 for each cell in a task, else 0."""
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


def verdicts(minus: Mapping[str, Sequence[Sequence[float]]]) -> list[str]:
    """Say against which rules tasks find more, and against which that is not shown."""
    lines = []
    for name, rows in minus.items():
        better = [_share(s) for s, row in zip(SHARES, rows, strict=True) if row[1] > 0]
        worse = [_share(s) for s, row in zip(SHARES, rows, strict=True) if row[2] < 0]
        even = [_share(s) for s in SHARES if _share(s) not in {*better, *worse}]
        parts = [
            f"{words} at {', '.join(given)} of land"
            for words, given in (
                ("tasks find more", better),
                ("tasks find less", worse),
                ("no difference is shown", even),
            )
            if given
        ]
        lines.append(f"Against {RULES[name]}: {'; '.join(parts)}.")
    return lines


def _share(share: float) -> str:
    return f"{share:.0%}".replace("%", " %")


def _drawn(caught: Array, everything: Array, times: Array) -> Array:
    """Give the share of finds caught: the estimate, then one for each draw of blocks."""
    whole = np.vstack([np.ones(len(everything)), times])
    return np.asarray((whole @ caught) / np.maximum(whole @ everything, 1e-12))


def _sums(block: NDArray[np.int64], amount: Array) -> Array:
    return np.asarray(np.bincount(block, weights=amount), dtype=np.float64)


def _interval(values: Array) -> list[float]:
    low, high = np.quantile(values[1:], [0.5 - LEVEL / 2, 0.5 + LEVEL / 2])
    return [round(float(value), 6) for value in (values[0], low, high)]


def _rows_and_columns(
    cube: xr.Dataset, coordinates: Array
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    transform = cube_geobox(cube).transform
    columns = np.floor((coordinates[:, 0] - transform.c) / transform.a).astype(np.int64)
    rows = np.floor((coordinates[:, 1] - transform.f) / transform.e).astype(np.int64)
    return rows, columns


def _to_line(cube: xr.Dataset) -> Array | None:
    lines = [
        name
        for name in cube.attrs["variables"]
        if cube[name].attrs.get("family") == "front_line" and name.endswith("distance_m")
    ]
    if not lines:
        return None
    metres = [cube[name].to_numpy().astype(np.float64) for name in lines]
    return np.asarray(np.nan_to_num(np.minimum.reduce(metres), nan=np.inf))


def _to_find(held: pd.DataFrame, coordinates: Array) -> Array:
    """Give the metres to the nearest find of another fold of regions."""
    metres = np.full(len(held), np.inf)
    fold, found = held["fold_far"].to_numpy(), (held["state"] == 1).to_numpy()
    for number in np.unique(fold):
        known, asked = coordinates[found & (fold != number)], fold == number
        if len(known):
            metres[asked] = cKDTree(known).query(coordinates[asked])[0]
    return metres


def read_tasks_json(folder: Path) -> dict[str, Any]:
    """Read ``tasks.json`` of a run; empty where there is none."""
    path = RunFolder(folder).tasks_json
    return json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
