"""Draws of the probabilities of cells: what moves them together stays together."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit

Array = NDArray[np.float64]


def draw_jointly(
    scaler: IntervalScaler,
    probability: ArrayLike,
    deviations: ArrayLike,
    blocks: ArrayLike,
    *,
    noise: tuple[Array, Array],
) -> Array:
    """Draw probabilities of cells jointly.

    The members of the ensemble differ over all cells alike, and whole blocks lie off the model
    together. Each cell by itself scatters as `IntervalScaler.log_odds_sd` says.

    Parameters
    ----------
    scaler
        Of the model.
    probability
        Calibrated, shape (n,).
    deviations
        Log-odds of each member minus their mean, before calibration, shape (n, members).
    blocks
        Number of the block of each cell, from 0, shape (n,).
    noise
        Standard normal draws: shape (draws, members), and shape (draws, blocks).

    Returns
    -------
    ndarray, shape (draws, n)
    """
    apart = np.asarray(deviations, dtype=np.float64)
    members, off = noise
    own = members @ apart.T / np.sqrt(max(apart.shape[1] - 1, 1))
    moved = scaler.scale * own + scaler.block_sd * off[:, np.asarray(blocks)]
    centre = logit(np.asarray(probability, dtype=np.float64))
    return np.asarray(expit(centre + scaler.stretch * moved))
