"""Draws of the probabilities of cells: what moves them together stays together."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit

Array = NDArray[np.float64]

_NODES, _WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_WEIGHTS = _WEIGHTS / _WEIGHTS.sum()
_STEPS, _EXACT = 100, 1e-6


@dataclass(frozen=True)
class Wholes:
    """Which cells lie off the model as one.

    Attributes
    ----------
    blocks, regions
        Number of the block, and of the region, of each cell, from 0, shape (n,).
    region_sd
        Standard deviation of whole regions from the model, log-odds; see
        `minerisk.models.calibration.region_spread`. It is a part of that of blocks, where blocks
        deviate as far.
    """

    blocks: NDArray[np.int64]
    regions: NDArray[np.int64]
    region_sd: float = 0.0


def draw_jointly(
    scaler: IntervalScaler,
    probability: ArrayLike,
    deviations: ArrayLike,
    wholes: Wholes,
    *,
    draws: int,
    rng: np.random.Generator,
) -> Array:
    """Draw probabilities of cells jointly.

    The members of the ensemble differ over all cells alike, and whole blocks and regions lie off
    the model together. The mean over draws of a cell is its probability: calibration promises
    that of many blocks as many hold something as is said, so that a sum over them must not drift
    from the sum of the probabilities, as it would were these the medians of the draws.

    Parameters
    ----------
    scaler
        Of the model.
    probability
        Calibrated, shape (n,).
    deviations
        Log-odds of each member minus their mean, before calibration, shape (n, members).
    wholes
        Which cells move together.

    Returns
    -------
    ndarray, shape (draws, n)
    """
    cells = max(np.size(probability), 1)
    ((_, drawn),) = draw_in_pieces(
        scaler, probability, deviations, wholes, draws=draws, rng=rng, cells=cells
    )
    return drawn


def draw_in_pieces(
    scaler: IntervalScaler,
    probability: ArrayLike,
    deviations: ArrayLike,
    wholes: Wholes,
    *,
    draws: int,
    rng: np.random.Generator,
    cells: int,
) -> Iterator[tuple[slice, Array]]:
    """Draw as `draw_jointly`, so many `cells` at a time: what moves them together is drawn once.

    Yields
    ------
    slice, ndarray of shape (draws, cells)
        Which cells, and their draws; where there are no cells, none of them once.
    """
    mean = np.asarray(probability, dtype=np.float64)
    apart = np.asarray(deviations, dtype=np.float64)
    steepness = scaler.stretch * scaler.scale / np.sqrt(max(apart.shape[1] - 1, 1))
    sds = whole_sds(scaler, wholes.region_sd)
    of_members = rng.normal(size=(draws, apart.shape[1]))
    numbers = (wholes.blocks, wholes.regions)
    off = [
        sd * rng.normal(size=(draws, int(number.max(initial=0)) + 1))
        for sd, number in zip(sds, numbers, strict=True)
    ]
    for begin in range(0, max(mean.size, 1), cells):
        piece = slice(begin, begin + cells)
        moved = of_members @ apart[piece].T * steepness
        for moves, number in zip(off, numbers, strict=True):
            moved += moves[:, number[piece]]
        own = steepness * np.sqrt((apart[piece] ** 2).sum(axis=1))
        moved += keep_mean(mean[piece], np.hypot(own, np.hypot(*sds)))
        yield piece, np.asarray(expit(moved))


def whole_sds(scaler: IntervalScaler, region_sd: float) -> tuple[float, float]:
    """Split how far blocks lie off into what they do alone and what regions do, log-odds."""
    block_sd = scaler.stretch * scaler.block_sd
    return float(np.sqrt(max(block_sd**2 - region_sd**2, 0.0))), region_sd


def keep_mean(probability: ArrayLike, sd: ArrayLike) -> Array:
    """Find the log-odds about which normal draws of that `sd` have `probability` as their mean.

    Examples
    --------
    >>> centre = keep_mean([0.05], [1.0])
    >>> drawn = np.random.default_rng(0).normal(centre, 1.0, 100_000)
    >>> print(f"{np.exp(-np.logaddexp(0, -drawn)).mean():.3f}")
    0.050
    """
    wanted = np.asarray(probability, dtype=np.float64)
    centre = logit(wanted)
    steps = np.broadcast_to(np.asarray(sd, dtype=np.float64), wanted.shape)[:, None] * _NODES
    for _ in range(_STEPS):
        values = expit(centre[:, None] + steps)
        slope = np.maximum((values * (1 - values)) @ _WEIGHTS, 1e-12)
        step = np.clip((wanted - values @ _WEIGHTS) / slope, -1.0, 1.0)
        centre = centre + step
        if not step.size or np.abs(step).max() < _EXACT:
            break
    return np.asarray(centre)
