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
    measured_draws,
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
    drawn = partial(measured_draws, y, blocks=blocks, cell_ha=cell_ha, draws=draws, part=part)
    one = drawn(p)
    return {name: _differences(one, drawn(q)) for name, q in others.items()}


def measure_beside(
    y: ArrayLike,
    p: ArrayLike,
    others: Mapping[Name, ArrayLike],
    blocks: ArrayLike,
    *,
    measure: str,
    cell_ha: float,
    draws: int = 200,
) -> tuple[Interval, dict[Name, Interval], dict[Name, Interval]]:
    """Measure one model and several others, and compare it with each, on the same draws of blocks.

    Parameters
    ----------
    measure
        One of `rank_score`.

    Returns
    -------
    own, levels, differences
        Measure of `p`, that of each other, and that of `p` minus that of each other, as `compare`.
    """
    drawn = partial(measured_draws, y, blocks=blocks, cell_ha=cell_ha, draws=draws, part="ranks")
    one = drawn(p)
    levels: dict[Name, Interval] = {}
    differences: dict[Name, Interval] = {}
    for name, q in others.items():
        other = drawn(q)
        levels[name] = _level(other, measure)
        differences[name] = _differences(one, other)[measure]
    return _level(one, measure), levels, differences


def _level(measured: Measured, name: str) -> Interval:
    value = measured[0][name]
    low, high = percentile_interval(measured[1][name], level=LEVEL)
    return value, float(np.fmin(low, value)), float(np.fmax(high, value))


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
