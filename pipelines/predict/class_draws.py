"""Draws of the cells of a map, for the intervals of what its classes hold."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox
from minerisk.features.grid import cell_of
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.joint_draws import Wholes
from minerisk.models.calibration.region_spread import fit_region_spread
from minerisk.models.estimate import finite
from minerisk.models.inputs import COORDINATES
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.predict.class_table import codes_of
from minerisk.pipelines.prioritize.joint_draws import draw_cells, number_blocks
from minerisk.pipelines.records.rasters import ClassCuts, RegionOff
from minerisk.pipelines.run.readers import held_out_cells, load_model
from minerisk.pipelines.run.row_blocks import values_at

Array = NDArray[np.float64]

STREAM = 11
"""Of the random numbers, beside those of tasks."""


@dataclass(frozen=True)
class ClassDraws:
    """Draws cells of a run jointly: what members, blocks and regions do moves many at once.

    Attributes
    ----------
    model, cube
        Of the run, and of the hazard class.
    middles
        Of the regions that were left out, by easting and northing.
    region_sd
        How far whole regions lie off the model, log-odds.
    block_m
        Side of the blocks, metres.
    """

    model: RiskModel
    cube: xr.Dataset
    middles: pd.DataFrame
    region_sd: float
    block_m: float
    seed: int

    def __call__(self, cells: pd.DataFrame) -> Array:
        """Draw the probabilities of cells, shape (draws, n)."""
        values = self._features(cells)
        wholes = Wholes(number_blocks(values, self.block_m), self._regions(cells), self.region_sd)
        rng = np.random.default_rng([self.seed, STREAM])
        probability = cells["probability"].to_numpy(dtype=np.float64)
        return draw_cells(self.model, values, probability, wholes, rng=rng)

    def _features(self, cells: pd.DataFrame) -> pd.DataFrame:
        """Read what the model sees of the cells of the cube in which places lie, in rising rows."""
        geobox = cube_geobox(self.cube)
        easting, northing = (cells[name].to_numpy(dtype=np.float64) for name in COORDINATES)
        row, column = cell_of(geobox, easting, northing)
        rows, columns = np.clip(row, 0, geobox.height - 1), np.clip(column, 0, geobox.width - 1)
        known = {name: values_at(self.cube[name], rows, columns) for name in self.model.features}
        return pd.DataFrame({"easting": easting, "northing": northing, **known})

    def _regions(self, cells: pd.DataFrame) -> NDArray[np.int64]:
        """Find the region left out whose middle lies nearest to each cell."""
        if self.middles.empty:
            return np.zeros(len(cells), dtype=np.int64)
        easting, northing = (
            np.subtract.outer(cells[name].to_numpy(), self.middles[name].to_numpy())
            for name in COORDINATES
        )
        return np.asarray(np.argmin(easting**2 + northing**2, axis=1), dtype=np.int64)


def unsearched(labels: xr.Dataset, rows: slice, columns: slice) -> NDArray[np.float32]:
    """Read 1 for cells of a run that nobody has searched and no record names, else 0."""
    return (labels["state"][rows, columns].to_numpy() < 0).astype(np.float32)


def left_out(home: Path) -> pd.DataFrame:
    """Read the labelled cells of a run or hazard class that were left out by region."""
    cells = held_out_cells(home, ["far_probability", "fold_far"])
    return cells[(cells["state"] >= 0) & (cells["fold_far"] >= 0)].reset_index(drop=True)


def regions_off(
    scaler: IntervalScaler, cells: pd.DataFrame, cuts: ClassCuts, *, block_m: float, seed: int
) -> RegionOff:
    """Learn how far whole regions lie off the model, from cells that were left out by region."""
    probability = cells["far_probability"].to_numpy(dtype=np.float64)
    found = fit_region_spread(
        scaler,
        probability,
        cells["state"].to_numpy() == 1,
        number_blocks(cells, block_m),
        cells["fold_far"],
        codes_of(probability, cuts),
        seed=seed,
    )
    return RegionOff(sd=found.sd, sums=found.sums, cover=finite(found.cover))


def class_draws(
    home: Path, cube: xr.Dataset, regions: RegionOff, *, block_m: float, seed: int
) -> ClassDraws:
    """Open what draws the cells of a run, or of one of its hazard classes, in the folder `home`."""
    middles = left_out(home).groupby("fold_far")[list(COORDINATES)].mean()
    return ClassDraws(load_model(home), cube, middles, regions.sd, block_m, seed)
