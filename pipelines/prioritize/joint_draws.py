"""Draws of the probabilities of cells as the model means them: what moves together, together."""

import math
from collections.abc import Iterator

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.models.calibration.joint_draws import Wholes, draw_in_pieces, draw_jointly
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.inputs import COORDINATES
from minerisk.models.risk_model import RiskModel
from minerisk.models.tasks.rank_intervals import DRAWS
from minerisk.models.tasks.survey_tasks import JointDraws
from minerisk.pipelines.prioritize.reasons import Cells

Array = NDArray[np.float64]
PIECE = 16_384
"""Cells drawn at a time: 500 draws of so many take 66 MB."""


def joint_draws(
    model: RiskModel, cells: Cells, probability: Array, *, block_m: float, seed: int
) -> JointDraws:
    """Return what draws cells jointly, by their rows and columns.

    Parameters
    ----------
    cells
        Reads coordinates and features of cells by row and column of the grid.
    probability
        Of the cells of that grid.
    block_m
        Side of the blocks, metres; not finite: all cells are one block.
    """

    def draw(rows: NDArray[np.int64], columns: NDArray[np.int64]) -> Iterator[tuple[slice, Array]]:
        values = cells(rows, columns)
        blocks = number_blocks(values, block_m)
        return draw_in_pieces(
            model.interval,
            probability[rows, columns],
            _members_apart(model, values),
            Wholes(blocks, np.zeros_like(blocks)),
            draws=DRAWS,
            rng=np.random.default_rng([seed, 7]),
            cells=PIECE,
        )

    return draw


def draw_cells(
    model: RiskModel,
    values: pd.DataFrame,
    probability: Array,
    wholes: Wholes,
    *,
    rng: np.random.Generator,
) -> Array:
    """Draw cells jointly, shape (draws, n): the members move all cells alike, and wholes theirs.

    See `minerisk.models.calibration.joint_draws`.

    Parameters
    ----------
    values
        Coordinates and features of the cells.
    probability
        Of the cells, calibrated.
    """
    apart = _members_apart(model, values)
    return draw_jointly(model.interval, probability, apart, wholes, draws=DRAWS, rng=rng)


def _members_apart(model: RiskModel, values: pd.DataFrame) -> Array:
    """Return how far the log-odds of each member lie from their mean, shape (n, members)."""
    matrix = model.columns(values).to_numpy(dtype=np.float32)
    log_odds = model.members.log_odds(matrix, threads=model.threads)
    return np.asarray(log_odds - log_odds.mean(axis=1, keepdims=True), dtype=np.float64)


def number_blocks(values: pd.DataFrame, block_m: float) -> NDArray[np.int64]:
    """Return the number of the block of each cell, from 0; without a finite side all are one."""
    if not math.isfinite(block_m) or values.empty:
        return np.zeros(len(values), dtype=np.int64)
    coordinates = values[list(COORDINATES)].to_numpy(dtype=np.float64)
    return np.unique(assign_blocks(coordinates, block_m=block_m), return_inverse=True)[1]
