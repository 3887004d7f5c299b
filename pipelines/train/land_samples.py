"""Samples of a run's land: what nobody surveyed, and what the model can speak for."""

import numpy as np
from numpy.typing import NDArray

from minerisk.features.cube.store import open_cube
from minerisk.features.grid import RowMask, mask_strips, strips
from minerisk.models.risk_model import RiskModel
from minerisk.models.table import CellTable
from minerisk.pipelines.records.manifest import BuildFacts
from minerisk.pipelines.records.metrics import CellCounts
from minerisk.pipelines.run.contents import read_places
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import open_labels
from minerisk.pipelines.run.row_blocks import draw_cells


def land_to_predict(run: Run) -> NDArray[np.float64] | None:
    """Return places of the study area that nobody surveyed, shape ``(m, 2)``; none if all was."""
    table = unsurveyed_sample(run, sample=5_000)
    return None if table is None else table.coordinates


def unsurveyed_sample(run: Run, *, sample: int = 20_000) -> CellTable | None:
    """Read a sample of the cells that nobody surveyed; none if there are none."""
    inside = open_cube(run.files.cube)["inside"]
    state = open_labels(run.folder)["state"]
    unsurveyed = RowMask(
        state.shape, lambda rows: (inside[rows].to_numpy() == 1) & (state[rows].to_numpy() < 0)
    )
    if not any(part.any() for _, part in mask_strips(unsurveyed)):
        return None
    rng = np.random.default_rng([run.config.model.seed, 4])
    return read_places(run, *draw_cells(unsurveyed, sample, rng=rng))


def run_cells(run: Run) -> int:
    """Count the cells of the study area."""
    return run.manifest().facts("build", BuildFacts).cells


def count_cells(run: Run, drawn: CellTable) -> CellCounts:
    """Count the labelled cells of a run, all of them; and those drawn, if they are fewer."""
    state = open_labels(run.folder)["state"]
    found = np.zeros(2, dtype=np.int64)
    for block in strips(state.shape):
        part = state[block].to_numpy()
        found += np.bincount(part[part >= 0], minlength=2)
    negative, positive = map(int, found)
    total, fewer = run_cells(run), len(drawn.state) < negative + positive
    return CellCounts(
        total=total,
        positive=positive,
        negative=negative,
        unlabelled=total - negative - positive,
        drawn=len(drawn.state) if fewer else None,
        drawn_positive=int((drawn.state == 1).sum()) if fewer else None,
    )


def applicable_share(run: Run, model: RiskModel, *, sample: int = 20_000) -> float:
    """Estimate the share of the study area that the model can speak for, from a sample."""
    stored = open_cube(run.files.cube)["inside"]
    inside = RowMask(stored.shape, lambda rows: stored[rows].to_numpy().view(np.bool_))
    rng = np.random.default_rng([run.config.model.seed, 3])
    table = read_places(run, *draw_cells(inside, sample, rng=rng))
    columns = model.columns(table.cells)
    return float(model.applicability.applicable(model.applicability.dissimilarity(columns)).mean())
