"""How firm the rank of a survey task is: its spread when probabilities or weights vary."""

import math
from collections.abc import Mapping, Sequence
from statistics import NormalDist

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError

DRAWS = 500
ENDS = (0.05, 0.95)
FACTOR = 2.0  # a weight is drawn between its half and its double
HAZARD = "hazard"
"""Weight of the hazard itself, beside those of the criteria."""


def impact_of(
    criteria: Mapping[str, NDArray[np.float64]], weights: Mapping[str, float]
) -> NDArray[np.float64] | float:
    """Weigh the criteria into an impact of 0 to 1; `HAZARD` counts 1 everywhere.

    Raises
    ------
    InputError
        If a weight is missing or negative, or all are 0.
    """
    names = (HAZARD, *criteria)
    wrong = [name for name in names if not weights.get(name, -1.0) >= 0]
    total = sum(weights.get(name, 0.0) for name in names)
    if wrong or not total > 0:
        raise InputError(
            f"The weights are {dict(weights)}; expected one of 0 or more for each of {names}, not "
            "all 0. Correct them in tasks.criteria."
        )
    shares = [(weights[name] / total) * criteria[name] for name in criteria]
    return sum(shares, start=weights[HAZARD] / total)


def ranks_of(worth: NDArray[np.float64]) -> NDArray[np.int64]:
    """Rank along the last axis, 1 for the greatest; equal ones in their order."""
    order = np.argsort(-worth, axis=-1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.arange(1, worth.shape[-1] + 1), axis=-1)
    return ranks


def drawn_alone(
    probability: NDArray[np.float64],
    interval: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    level: float,
    seed: int,
) -> NDArray[np.float64]:
    """Draw the probability of each task by itself, all its cells together.

    What shifts every task alike changes no rank. The draw is normal on either side of the mean, so
    that the interval holds `level` of it. Draws of cells jointly are better where there are any.

    Parameters
    ----------
    probability, interval
        Means over each task, shape ``(tasks,)``.
    level
        Stated cover of the interval.

    Returns
    -------
    ndarray, shape (draws, tasks)
    """
    lower, upper = interval
    z = np.random.default_rng([seed, 5]).normal(size=(DRAWS, probability.size))
    reach = NormalDist().inv_cdf(0.5 + level / 2)
    side = np.where(z < 0, probability - lower, upper - probability)
    return np.asarray(np.clip(probability + side * z / reach, 0.0, 1.0))


def ranks_under_intervals(
    worth: NDArray[np.float64],
    probability: NDArray[np.float64],
    interval: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    level: float,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the ranks that 90 % of draws of the probabilities keep to.

    Parameters
    ----------
    worth
        What tasks are ranked by, shape ``(tasks,)``; it grows in proportion to the probability.
    probability, interval, level
        As in `drawn_alone`.

    Returns
    -------
    low, high
        Best and worst rank, shape ``(tasks,)``.
    """
    drawn = drawn_alone(probability, interval, level=level, seed=seed)
    return rank_ends(worth / np.maximum(probability, 1e-12) * drawn)


def ranks_under_weights(
    sums: Sequence[NDArray[np.float64]],
    days: NDArray[np.float64],
    weights: Sequence[float],
    *,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the ranks that 90 % of draws of the weights keep to, each between half and double.

    Parameters
    ----------
    sums
        For each weight: hazard times criterion, summed over each task.
    days
        Team-days of each task.
    weights
        As given.
    """
    return rank_ends(weight_draws(weights, seed=seed) @ np.asarray(sums) / days)


def rank_ends(worth: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the ranks that 90 % of draws keep to: best and worst, shape ``(tasks,)``.

    Parameters
    ----------
    worth
        What tasks are ranked by, drawn jointly, shape ``(draws, tasks)``.
    """
    if worth.shape[1] == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ranks = ranks_of(worth)
    low = np.quantile(ranks, ENDS[0], axis=0, method="lower")
    high = np.quantile(ranks, ENDS[1], axis=0, method="higher")
    return low.astype(np.int64), high.astype(np.int64)


def rank_bands(worth: NDArray[np.float64], drawn: NDArray[np.float64]) -> NDArray[np.int64]:
    """Gather tasks into bands that cannot be told apart, 1 for the first.

    In order of their worth, a task begins a band if the first task of the band before is worth more
    than it in at least 95 % of the draws. Within a band no order is meant; where there is one band
    only, the whole order is no better than a draw.

    Parameters
    ----------
    worth
        What tasks are ranked by, shape ``(tasks,)``.
    drawn
        The same in joint draws, shape ``(draws, tasks)``.

    Returns
    -------
    ndarray
        Band of each task, shape ``(tasks,)``.
    """
    bands = np.zeros(worth.size, dtype=np.int64)
    first, band = -1, 0
    for task in np.argsort(-worth, kind="stable"):
        if first < 0 or float((drawn[:, first] > drawn[:, task]).mean()) >= ENDS[1]:
            first, band = int(task), band + 1
        bands[task] = band
    return bands


def weight_draws(weights: Sequence[float], *, seed: int) -> NDArray[np.float64]:
    """Draw weights between their half and their double; each draw adds up to 1."""
    rng = np.random.default_rng([seed, 6])
    log = rng.uniform(-math.log(FACTOR), math.log(FACTOR), size=(DRAWS, len(weights)))
    drawn = np.asarray(weights) * np.exp(log)
    return np.asarray(drawn / drawn.sum(axis=1, keepdims=True))


def undecided(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the tasks whose ranks span more than half of all places.

    Their rank is not distinguishable from that of their neighbours.
    """
    return np.asarray(high - low > 0.5 * low.size)
