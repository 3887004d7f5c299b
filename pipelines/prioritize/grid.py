"""The grid that survey tasks are cut on: that of a run, or blocks of its cells on a large area."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import M2_PER_HA, strip_rows
from minerisk.models.tasks.survey_tasks import SurveyTasks
from minerisk.pipelines.formats.cog import read_raster_like
from minerisk.pipelines.formats.palette import CANNOT_SAY, OUTSIDE

MOST_CELLS = 4_000_000
"""Cells that tasks are grown on: about 1.5 GB."""
LEAST_BLOCKS = 8
"""Blocks of the smallest task, at least, so that it can have a shape."""
COUNTS = ("cells", "expected_finds", "expected_finds_per_ha", "benefit", "benefit_per_day")

Read = Callable[[slice], NDArray[Any]]
Reduce = Callable[[NDArray[Any]], NDArray[Any]]


@dataclass(frozen=True)
class TaskGrid:
    """Blocks of cells, whole ones only: what is left over at the south and east has no task.

    Attributes
    ----------
    cells
        The grid of the run.
    side
        Cells to a side of a block; 1 is the grid itself.
    """

    cells: GeoBox
    side: int

    @property
    def geobox(self) -> GeoBox:
        """The grid of the blocks."""
        if self.side == 1:
            return self.cells
        height, width = (size // self.side * self.side for size in self.cells.shape)
        return self.cells[:height, :width].zoom_out(self.side)

    def centres(
        self, rows: NDArray[np.int64], columns: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Return row and column of the cell in the middle of each block."""
        middle = self.side // 2
        return rows * self.side + middle, columns * self.side + middle


def task_grid(cells: GeoBox, *, min_ha: float) -> TaskGrid:
    """Take the cells of a run, or blocks of them where there are more than `MOST_CELLS`.

    Raises
    ------
    InputError
        If the smallest task would hold too few blocks.
    """
    side = math.ceil(math.sqrt(cells.height * cells.width / MOST_CELLS))
    side_m = side * abs(float(cells.transform.a))
    if side > 1 and min_ha < LEAST_BLOCKS * side_m**2 / M2_PER_HA:
        raise InputError(
            f"On {cells.height * cells.width:,} cells tasks are cut from blocks of {side_m:g} m, "
            f"of which {min_ha:g} ha holds fewer than {LEAST_BLOCKS}. Raise the least task size to "
            f"{LEAST_BLOCKS * side_m**2 / M2_PER_HA:g} ha, or make a run of a part of the land."
        )
    return TaskGrid(cells, max(side, 1))


def block_stores(
    stores: tuple[xr.Dataset, xr.Dataset], grid: TaskGrid, closed: Sequence[int]
) -> tuple[xr.Dataset, xr.Dataset]:
    """Reduce cube and labels to blocks, as far as tasks need them.

    A block is inside if all of its cells are, and searched or held by evidence of the codes
    `closed` if any of them is.
    """
    if grid.side == 1:
        return stores
    cube, labels = stores
    found = {"inside": by_blocks(_rows_of(cube["inside"]), grid, lambda block: block.min((1, 3)))}
    if "slope_deg" in cube:
        found["slope_deg"] = by_blocks(_rows_of(cube["slope_deg"]), grid, mean_of_blocks)
    known = by_blocks(lambda rows: np.isin(labels["evidence"][rows].to_numpy(), closed), grid, _any)
    searched = by_blocks(lambda rows: labels["state"][rows].to_numpy() == 0, grid, _any)
    marks = {
        "evidence": np.where(known, closed[0], 0).astype(np.uint8),
        "state": np.where(searched, 0, -1).astype(np.int8),
    }
    return _dataset(found), _dataset(marks)


def block_raster(path: Path, grid: TaskGrid) -> NDArray[Any]:
    """Read a raster by block: means, or of classes the greatest.

    A block is outside if any of its cells is, and cannot_say if any other of its cells is. Of
    ``dissimilarity`` the greatest counts.
    """
    if grid.side == 1:
        return read_raster_like(path, grid.cells)
    reduce = {"risk_class": _classes, "dissimilarity": lambda block: block.max((1, 3))}
    return by_blocks(
        lambda rows: read_raster_like(path, grid.cells[rows, :]),
        grid,
        reduce.get(path.stem, mean_of_blocks),
    )


def by_blocks(read: Read, grid: TaskGrid, reduce: Reduce) -> NDArray[Any]:
    """Read rows of cells, some at a time, and reduce axes 1 and 3 of ``(y, side, x, side)``."""
    height, width = grid.geobox.shape
    several = max(strip_rows(width * grid.side) // grid.side, 1)
    parts = []
    for row in range(0, height, several):
        rows = slice(row * grid.side, min(row + several, height) * grid.side)
        block = read(rows)[:, : width * grid.side]
        parts.append(reduce(block.reshape(-1, grid.side, width, grid.side)))
    return np.concatenate(parts)


def mean_of_blocks(block: NDArray[Any]) -> NDArray[np.float32]:
    """Return the mean of each block over the cells that have a value; NaN where none has."""
    known = np.isfinite(block)
    total = np.where(known, block, 0).sum((1, 3), dtype=np.float64)
    with np.errstate(invalid="ignore"):
        return np.asarray(total / known.sum((1, 3)), dtype=np.float32)


def count_cells(tasks: SurveyTasks, grid: TaskGrid) -> SurveyTasks:
    """Count finds, benefit and cells by cell, where tasks were made of blocks."""
    times = grid.side**2
    if times == 1:
        return tasks
    table = tasks.table.assign(**{name: tasks.table[name] * times for name in COUNTS})
    known = tasks.summary
    summary = replace(
        known,
        expected_finds_all=known.expected_finds_all * times,
        expected_finds_ranked=known.expected_finds_ranked * times,
        benefit=known.benefit * times,
        one_by_one=known.one_by_one * times,
    )
    return replace(tasks, table=table, summary=summary)


def _any(block: NDArray[Any]) -> NDArray[np.bool_]:
    return np.asarray(block.any((1, 3)))


def _classes(block: NDArray[np.uint8]) -> NDArray[np.uint8]:
    silent = np.where((block == CANNOT_SAY).any((1, 3)), CANNOT_SAY, block.max((1, 3)))
    return np.where((block == OUTSIDE).any((1, 3)), OUTSIDE, silent).astype(np.uint8)


def _rows_of(variable: xr.DataArray) -> Read:
    return lambda rows: variable[rows].to_numpy()


def _dataset(arrays: dict[str, NDArray[Any]]) -> xr.Dataset:
    return xr.Dataset({name: (("y", "x"), values) for name, values in arrays.items()})
