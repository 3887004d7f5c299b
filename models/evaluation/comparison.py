"""By how much one model is better than another on the same land."""

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.metrics import (
    Interval,
    Part,
    bootstrap_draws,
    rank_score,
    score,
)

LEVEL = 0.9
Name = TypeVar("Name")
Measured = tuple[dict[str, float], dict[str, NDArray[np.float64]]]
"""Each measure, and its draws."""


def compare(
    y: ArrayLike,
    p: ArrayLike,
    q: ArrayLike,
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
) -> dict[str, Interval]:
    """Measure by how much `p` differs from `q` on the same rows, with paired intervals.

    Both are measured on the same draws of blocks, so that what makes a draw easy or hard for
    both cancels out: two models can differ clearly though their own intervals overlap.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    p, q
        Probabilities of two models, 0 to 1, shape (n,).
    blocks
        Block of every row, shape (n,).
    cell_ha
        Area of a row, hectares.
    draws
        How often blocks are drawn.

    Returns
    -------
    dict
        Measure of `score`: (measure of `p` minus measure of `q`, low and high end of its 90 %
        interval); NaN where either has no value. Whether more is better depends on the measure.
    """
    return compare_each(y, p, {"": q}, blocks, cell_ha=cell_ha, draws=draws)[""]


def compare_each(
    y: ArrayLike,
    p: ArrayLike,
    others: Mapping[Name, ArrayLike],
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
    part: Part = "all",
) -> dict[Name, dict[str, Interval]]:
    """Compare one model with each of several, as `compare` does; it is measured once."""
    drawn = partial(_measured, y, blocks=blocks, cell_ha=cell_ha, draws=draws, part=part)
    one = drawn(p)
    return {name: _differences(one, drawn(q)) for name, q in others.items()}


def _measured(
    y: ArrayLike, p: ArrayLike, *, blocks: ArrayLike, cell_ha: float, draws: int, part: Part
) -> Measured:
    exact = (rank_score if part == "ranks" else score)(y, p, cell_ha=cell_ha)
    return exact, bootstrap_draws(y, p, blocks, cell_ha=cell_ha, draws=draws, part=part)


def _differences(one: Measured, other: Measured) -> dict[str, Interval]:
    differences = {}
    for name, drawn in one[1].items():
        difference = one[0][name] - other[0][name]
        low, high = percentile_interval(drawn - other[1][name], level=LEVEL)
        differences[name] = (
            difference,
            float(np.fmin(low, difference)),
            float(np.fmax(high, difference)),
        )
    return differences
