"""Samples of a run's land: what nobody surveyed, and what the model can speak for."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from features.cube import open_cube
from features.errors import InputError
from models.risk_model import RiskModel
from models.table import CellTable
from pipelines.build import read_cells
from pipelines.context import Run
from pipelines.manifest import read_manifest, stage_named


def land_to_predict(run: Run) -> NDArray[np.float64] | None:
    """Give places of the study area that nobody surveyed, shape ``(m, 2)``; none if all was."""
    table = unsurveyed_sample(run, sample=5_000)
    return None if table is None else table.coordinates


def unsurveyed_sample(run: Run, *, sample: int = 20_000) -> CellTable | None:
    """Read a sample of the cells that nobody surveyed; none if there are none."""
    cube = open_cube(run.folder / "cube.zarr")
    labels = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)
    unsurveyed = (cube["inside"].to_numpy() == 1) & (labels["state"].to_numpy() < 0)
    if not unsurveyed.any():
        return None
    rng = np.random.default_rng([run.config.model.seed, 4])
    chosen = np.zeros(unsurveyed.size, dtype=bool)
    chosen[rng.permutation(np.flatnonzero(unsurveyed))[:sample]] = True
    return read_cells(run, chosen.reshape(unsurveyed.shape))


def run_cells(run: Run) -> int:
    """Count the cells of the study area."""
    build = stage_named(read_manifest(run.folder), "build")
    if build is None:
        raise InputError(
            f"{run.folder} has no finished stage `build`. Run `minerisk run` to go on."
        )
    return int(build["facts"]["cells"])


def applicable_share(run: Run, model: RiskModel, *, sample: int = 20_000) -> float:
    """Estimate the share of the study area that the model can speak for, from a sample."""
    inside = open_cube(run.folder / "cube.zarr")["inside"].to_numpy().astype(bool)
    cells = np.flatnonzero(inside)
    rng = np.random.default_rng([run.config.model.seed, 3])
    chosen = np.zeros(inside.size, dtype=bool)
    chosen[rng.permutation(cells)[:sample]] = True
    table = read_cells(run, chosen.reshape(inside.shape))
    columns = model.columns(table.cells)
    return float(model.applicability.applicable(model.applicability.dissimilarity(columns)).mean())
