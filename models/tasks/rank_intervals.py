"""How firm the rank of a survey task is: its spread when probabilities or weights vary."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

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


def ranks_under_intervals(
    worth: NDArray[np.float64],
    probability: NDArray[np.float64],
    interval: tuple[NDArray[np.float64], NDArray[np.float64]],
    *,
    level: float,
    seed: int,
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Compute the ranks that 90 % of draws of the probabilities keep to.

    Each task is drawn by itself, all its cells together: what shifts every task alike changes no
    rank. The draw is normal on either side of the mean, so that the interval holds `level` of it.

    Parameters
    ----------
    worth
        What tasks are ranked by, shape ``(tasks,)``; it grows in proportion to the probability.
    probability, interval
        Means over each task.
    level
        Stated cover of the interval.

    Returns
    -------
    low, high
        Best and worst rank, shape ``(tasks,)``.
    """
    lower, upper = interval
    z = np.random.default_rng([seed, 5]).normal(size=(DRAWS, worth.size))
    reach = float(norm.ppf(0.5 + level / 2))
    side = np.where(z < 0, probability - lower, upper - probability)
    drawn = np.clip(probability + side * z / reach, 0.0, 1.0)
    return _ends(worth / np.maximum(probability, 1e-12) * drawn)


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
    rng = np.random.default_rng([seed, 6])
    log = rng.uniform(-math.log(FACTOR), math.log(FACTOR), size=(DRAWS, len(weights)))
    drawn = np.asarray(weights) * np.exp(log)
    return _ends(drawn / drawn.sum(axis=1, keepdims=True) @ np.asarray(sums) / days)


def undecided(low: NDArray[np.int64], high: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Mark the tasks whose ranks span more than half of all places.

    Their rank is not distinguishable from that of their neighbours.
    """
    return np.asarray(high - low > 0.5 * low.size)


def _ends(worth: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    if worth.shape[1] == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    ranks = ranks_of(worth)
    low = np.quantile(ranks, ENDS[0], axis=0, method="lower")
    high = np.quantile(ranks, ENDS[1], axis=0, method="higher")
    return low.astype(np.int64), high.astype(np.int64)
