"""What a run folder holds: labels, cells, model, metrics."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, families_of
from minerisk.features.grid import cell_centres, resolution
from minerisk.models.table import MARKS, CellTable
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import draw_cells, row_blocks, values_at

MODEL = "model"

log = logging.getLogger(__name__)


def read_cells(run: Run, chosen: NDArray[np.bool_] | None = None) -> CellTable:
    """Read cells of a run with features, labels and marks of what was found there.

    Parameters
    ----------
    run
        A run whose cube and labels are built.
    chosen
        Cells to read, shape ``(height, width)``; by default the labelled ones, and past
        `model.most_cells` of them a sample.
    """
    if chosen is not None:
        return read_places(run, *np.nonzero(chosen))
    state = run.labels()["state"]
    labelled = np.empty(state.shape, dtype=bool)
    for block in row_blocks(len(labelled)):
        labelled[block] = state[block].to_numpy() >= 0
    count, most = int(np.count_nonzero(labelled)), run.config.model.most_cells
    if count <= most:
        return read_places(run, *np.nonzero(labelled))
    log.warning(
        "%s cells are labelled; the model is trained and scored on %s of them, drawn at random, "
        "each as likely as the others whatever its label, so that shares and probabilities hold. "
        "model.most_cells sets how many.",
        f"{count:,}",
        f"{most:,}",
    )
    rng = np.random.default_rng([run.config.model.seed, 5])
    drawn = read_places(run, *draw_cells(labelled, most, rng=rng))
    # Each represents the land of all: hectares to be surveyed are those of the land.
    return replace(drawn, cell_ha=drawn.cell_ha * count / most)


def read_places(run: Run, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> CellTable:
    """Read the cells at rows (ascending) and columns of the grid, as `read_cells`."""
    cube, labels = run.cube(), run.labels()
    geobox = cube_geobox(cube)
    easting, northing = cell_centres(geobox)
    data: dict[str, Any] = {"easting": easting[columns], "northing": northing[rows]}
    for name in (*cube.attrs["variables"], *cube.attrs["covers"]):
        data[name] = values_at(cube[name], rows, columns)
    for mark, name in zip(MARKS, ("hazard", "evidence", "last_date"), strict=True):
        data[mark] = values_at(labels[name], rows, columns)
    return CellTable(
        cells=pd.DataFrame(data),
        state=values_at(labels["state"], rows, columns),
        weight=values_at(labels["weight"], rows, columns),
        region=values_at(labels["region"], rows, columns),
        cell_ha=resolution(geobox) ** 2 / 10_000,
    )


def covered_columns(run: Run) -> list[str]:
    """Name the features of a run's cube that are nodata where a layer does not speak."""
    cube = run.cube()
    return [name for name in cube.attrs["variables"] if cube[name].attrs["covered"]]


def feature_families(run: Run) -> dict[str, list[str]]:
    """Group the features of a run's cube by family."""
    return families_of(run.cube())
