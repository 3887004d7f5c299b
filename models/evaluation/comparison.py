"""By how much one model is better than another on the same land."""

import numpy as np
from numpy.typing import ArrayLike

from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.metrics import Interval, bootstrap_draws, score

LEVEL = 0.9


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
    one, other = (score(y, value, cell_ha=cell_ha) for value in (p, q))
    drawn, beside = (
        bootstrap_draws(y, value, blocks, cell_ha=cell_ha, draws=draws) for value in (p, q)
    )
    differences = {}
    for name, value in one.items():
        difference = value - other[name]
        low, high = percentile_interval(drawn[name] - beside[name], level=LEVEL)
        differences[name] = (
            difference,
            float(np.fmin(low, difference)),
            float(np.fmax(high, difference)),
        )
    return differences
