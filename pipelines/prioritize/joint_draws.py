"""Draws of the probabilities of cells as the model means them: what moves together, together."""

import math

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.models.calibration.joint_draws import draw_jointly
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.risk_model import RiskModel
from minerisk.models.tasks.rank_intervals import DRAWS
from minerisk.models.tasks.survey_tasks import JointDraws
from minerisk.pipelines.prioritize.reasons import Cells


def joint_draws(
    model: RiskModel,
    cells: Cells,
    probability: NDArray[np.float64],
    *,
    block_m: float,
    seed: int,
) -> JointDraws:
    """Return what draws cells jointly, by their rows and columns.

    The members of the ensemble move all cells alike, and each block lies off the model as a whole;
    see `minerisk.models.calibration.joint_draws`.

    Parameters
    ----------
    cells
        Reads coordinates and features of cells by row and column of the grid.
    probability
        Of the cells of that grid.
    block_m
        Side of the blocks, metres; not finite: all cells are one block.
    """

    def draw(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> NDArray[np.float64]:
        values = cells(rows, columns)
        matrix = model.columns(values).to_numpy(dtype=np.float32)
        log_odds = model.members.log_odds(matrix, threads=model.threads)
        apart = log_odds - log_odds.mean(axis=1, keepdims=True)
        blocks = _blocks(values, block_m)
        rng = np.random.default_rng([seed, 7])
        noise = (
            rng.normal(size=(DRAWS, apart.shape[1])),
            rng.normal(size=(DRAWS, int(blocks.max(initial=0)) + 1)),
        )
        centre = probability[rows, columns]
        return np.asarray(draw_jointly(model.interval, centre, apart, blocks, noise=noise))

    return draw


def _blocks(values: pd.DataFrame, block_m: float) -> NDArray[np.int64]:
    if not math.isfinite(block_m) or values.empty:
        return np.zeros(len(values), dtype=np.int64)
    coordinates = values[["easting", "northing"]].to_numpy(dtype=np.float64)
    return np.unique(assign_blocks(coordinates, block_m=block_m), return_inverse=True)[1]
