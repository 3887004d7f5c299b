"""What a run folder holds: labels, cells, model, metrics."""

import logging
from dataclasses import replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, families_of
from minerisk.features.grid import RowMask, cell_centres, cell_hectares, count_marked
from minerisk.models.folds.regions import join_thin_regions
from minerisk.models.table import KINDS, MARKS, CellTable
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.row_blocks import draw_cells, values_at

MODEL = "model"
BANDS = ("hazard", "evidence", "last_date", "kinds")
"""Bands of the labels that become marks of a table, in their order."""

log = logging.getLogger(__name__)


def read_cells(run: Run) -> CellTable:
    """Read the labelled cells of a run with features, labels and marks of what was found there.

    Past `model.most_cells` of them a sample is read. A region of which it holds no find is joined
    to the nearest that has one, so that each can be left out.
    """
    rows, columns, cell_ha = labelled_cells(run)
    table = read_places(run, rows, columns)
    region = join_thin_regions(table.region, table.state == 1, table.coordinates)
    return replace(table, cell_ha=cell_ha, region=region.astype(table.region.dtype))


def labelled_cells(run: Run) -> tuple[NDArray[np.int64], NDArray[np.int64], float]:
    """Find the labelled cells of a run; past `model.most_cells` of them a sample is drawn.

    Returns
    -------
    rows, columns, cell_ha
        In the order of the grid, shape ``(n,)``; and the hectares of land that each stands for.
    """
    state, cell_ha = run.labels()["state"], cell_hectares(cube_geobox(run.cube()))
    labelled = RowMask(state.shape, lambda rows: state[rows].to_numpy() >= 0)
    count, most = count_marked(labelled), run.config.model.most_cells
    rng = np.random.default_rng([run.config.model.seed, 5])
    rows, columns = draw_cells(labelled, most, rng=rng)
    if count <= most:
        return rows, columns, cell_ha
    log.warning(
        "%s cells are labelled; %s of them are read, drawn at random, each as likely as the others "
        "whatever its label, so that shares and probabilities hold. model.most_cells sets how "
        "many.",
        f"{count:,}",
        f"{most:,}",
    )
    # Each represents the land of all: hectares to be surveyed are those of the land.
    return rows, columns, cell_ha * count / most


def read_places(run: Run, rows: NDArray[np.int64], columns: NDArray[np.int64]) -> CellTable:
    """Read the cells at rows (ascending) and columns of the grid, as `read_cells`."""
    cube, labels = run.cube(), run.labels()
    geobox = cube_geobox(cube)
    easting, northing = cell_centres(geobox)
    data: dict[str, Any] = {"easting": easting[columns], "northing": northing[rows]}
    for name in (*cube.attrs["variables"], *cube.attrs["covers"]):
        data[name] = values_at(cube[name], rows, columns)
    for mark, name in zip((*MARKS, KINDS), BANDS, strict=True):
        data[mark] = values_at(labels[name], rows, columns)
    return CellTable(
        cells=pd.DataFrame(data),
        state=values_at(labels["state"], rows, columns),
        weight=values_at(labels["weight"], rows, columns),
        region=values_at(labels["region"], rows, columns),
        cell_ha=cell_hectares(geobox),
    )


def covered_columns(run: Run) -> list[str]:
    """Name the features of a run's cube that are nodata where a layer does not speak."""
    cube = run.cube()
    return [name for name in cube.attrs["variables"] if cube[name].attrs["covered"]]


def feature_families(run: Run) -> dict[str, list[str]]:
    """Group the features of a run's cube by family."""
    return families_of(run.cube())
