"""How good the map is on the land of a run that nobody surveyed: from held-out land like it."""

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.coverage import LINES_KNOWN, NO_LINE
from minerisk.features.cube.store import cube_geobox
from minerisk.features.grid import Mask, RowMask, cell_of, mask_strips
from minerisk.models.elsewhere.like_land import HeldOut, like_land
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import model_home
from minerisk.pipelines.run.readers import held_out_cells
from minerisk.pipelines.run.row_blocks import values_at
from minerisk.pipelines.train.land_samples import count_cells

if TYPE_CHECKING:
    from minerisk.models.selection.held_out_scores import HeldOutScores

FAR = ProtocolName.FAR
PROBABILITY, FOLD = "far_probability", "fold_far"
"""Columns of ``held_out.parquet``."""


def like_unsurveyed(run: Run, scores: "HeldOutScores") -> LikeLand:
    """State how good the map of a run is on land like what nobody surveyed of its study area.

    Where all was surveyed it is the whole study area. From the regions left out, as
    `minerisk.pipelines.evaluate.like_land` reads them back for an area.
    """
    table = scores.table
    region = scores.protocols[FAR].fold_of_row(len(table.state))
    probability = scores.probability[FAR].astype(np.float32).astype(np.float64)  # as it is kept
    tested = np.isfinite(probability) & (region >= 0)
    points = table.coordinates[tested]
    held = HeldOut(
        found=table.state[tested],
        probability=probability[tested],
        region=region[tested],
        block=assign_blocks(points, block_m=scores.block_m),
        cover=_lines_known_at(run.cube(), points),
    )
    cover, cells = lines_known_of(run.cube(), _unsurveyed(run))
    counted = count_cells(run, table)
    surveyed = (counted.positive + counted.negative) / max(len(np.unique(held.region)), 1)
    return like_land(
        held, cover, as_large_as=cells / max(surveyed, 1.0), seed=run.config.model.seed
    )


def held_out_of(run: Run, hazard: str | None) -> HeldOut:
    """Read the cells that were held out with their regions, once for a run that is kept open.

    Parameters
    ----------
    run
        A trained run.
    hazard
        Class whose model is asked; none is any hazard.
    """
    home = RunFolder(model_home(run.folder, hazard))
    return run.kept(home.held_out, lambda: _read(run, hazard, home))


def _read(run: Run, hazard: str | None, home: RunFolder) -> HeldOut:
    cells = held_out_cells(home.path, [PROBABILITY, FOLD])
    cells = cells[np.isfinite(cells[PROBABILITY].to_numpy()) & (cells[FOLD].to_numpy() >= 0)]
    points = cells[["easting", "northing"]].to_numpy()
    return HeldOut(
        found=cells["state"].to_numpy(),
        probability=cells[PROBABILITY].to_numpy(dtype=np.float64),
        region=cells[FOLD].to_numpy(),
        block=assign_blocks(points, block_m=run.metrics(hazard).block_m),
        cover=_lines_known_at(run.cube(), points),
    )


def _lines_known_at(cube: xr.Dataset, points: NDArray[np.float64]) -> NDArray[np.int64]:
    """Look up what is known of the lines at cells, in the order of `points`."""
    if LINES_KNOWN not in cube:
        return np.full(len(points), NO_LINE)
    rows, columns = cell_of(cube_geobox(cube), *points.T)
    return np.asarray(values_at(cube[LINES_KNOWN], rows, columns), dtype=np.int64)


def lines_known_of(
    cube: xr.Dataset, asked: Mask, *, row: int = 0, column: int = 0
) -> tuple[dict[int, float], int]:
    """Return the share of each code of cover in the cells asked for, and how many these are.

    Parameters
    ----------
    cube
        Of the run.
    asked
        Cells, shape ``(height, width)``.
    row, column
        Where the first of them lies in the cube.
    """
    counts = Counter[int]()
    for rows, marked in mask_strips(asked):
        codes = np.full(int(marked.sum()), NO_LINE)
        if LINES_KNOWN in cube:
            top = row + rows.start
            width = slice(column, column + marked.shape[1])
            part = cube[LINES_KNOWN][top : top + len(marked), width]
            codes = part.to_numpy()[marked].astype(np.int64)
        counts.update(dict(zip(*np.unique(codes, return_counts=True), strict=True)))
    total = sum(counts.values())
    return {int(code): float(count / max(total, 1)) for code, count in counts.items()}, int(total)


def _unsurveyed(run: Run) -> Mask:
    """Mark the cells that nobody surveyed; all of the study area where there are none."""
    inside, state = run.cube()["inside"], run.labels()["state"]
    left = RowMask(
        state.shape, lambda rows: (inside[rows].to_numpy() == 1) & (state[rows].to_numpy() < 0)
    )
    if any(part.any() for _, part in mask_strips(left)):
        return left
    return RowMask(state.shape, lambda rows: inside[rows].to_numpy() == 1)
