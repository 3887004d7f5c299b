"""By how much one model is better than another on the same land."""

from collections.abc import Mapping
from functools import partial
from typing import TypeVar

import numpy as np
from numpy.typing import ArrayLike

from minerisk.models.evaluation.drawn_blocks import Measured, Part
from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.metrics import Interval, measured_draws

LEVEL = 0.9
Name = TypeVar("Name")


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
    return {name: differences_of(one, drawn(q)) for name, q in others.items()}


def level_of(measured: Measured, name: str) -> Interval:
    """Give one measure with the interval of its draws."""
    value = measured[0][name]
    low, high = percentile_interval(measured[1][name], level=LEVEL)
    return value, float(np.fmin(low, value)), float(np.fmax(high, value))


def differences_of(one: Measured, other: Measured) -> dict[str, Interval]:
    """Give each measure of one model minus that of another on the same draws, with its interval."""
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
