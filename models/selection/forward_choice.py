"""Which families of features a model reads: added one by one, inside the training land."""

import logging
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError

log = logging.getLogger(__name__)

LEAST_REGIONS = 3  # of fewer, a standard error says nothing
Score = Callable[[tuple[str, ...]], NDArray[np.float64]]
"""ROC-AUC of a model of some families, of the positives of each region left out; NaN: not known."""


def choose_families(
    names: Sequence[str], score: Score, *, fits: int, fits_each: int
) -> tuple[str, ...]:
    """Add the family that gains most, until the best is within a standard error of no gain.

    A column that is constant within a region, and says nothing else, gains nothing on regions left
    out, however well it names those that were trained on (Meyer et al. 2018, doi
    10.1016/j.envsoft.2017.12.001).

    Parameters
    ----------
    names
        Families, of equals the first is taken.
    score
        Fits and measures a model of some families.
    fits
        How many models may be fitted; a step that would take more is not begun.
    fits_each
        How many are fitted for each call of `score`.

    Returns
    -------
    tuple of str
        In the order in which they were taken, at least one. All of them where fewer than three
        regions can be measured: nothing can be chosen there.

    Raises
    ------
    InputError
        If the models that may be fitted do not do for the first step.

    Examples
    --------
    Three regions; the slope tells in all of them, the wells in one by chance.

    >>> gains = {"slope": [0.8, 0.7, 0.8], "wells": [0.5, 0.6, 0.4], "slope wells": [0.8, 0.7, 0.8]}
    >>> choose_families(
    ...     ["wells", "slope"], lambda names: np.array(gains[" ".join(names)]), fits=9, fits_each=3
    ... )
    ('slope',)
    """
    if fits < len(names) * fits_each:
        raise InputError(
            f"model.choice.forward_fits allows {fits} models; the first step alone, of "
            f"{len(names)} families, fits {len(names) * fits_each}. Allow more, or 0 for every "
            "column."
        )
    chosen: tuple[str, ...] = ()
    reached: NDArray[np.float64] | None = None
    left, spent = list(names), 0
    while left and spent + len(left) * fits_each <= fits:
        tried = {name: score((*chosen, name)) for name in left}
        spent += len(left) * fits_each
        best = max(left, key=lambda name: float(np.nanmean(tried[name])))
        if np.isfinite(tried[best]).sum() < LEAST_REGIONS:
            log.warning("Fewer than three regions can be measured: every family is read.")
            return tuple(names)
        if reached is not None and _no_gain(tried[best] - reached):
            break
        chosen, reached = (*chosen, best), tried[best]
        left.remove(best)
    return chosen


def _no_gain(gain: NDArray[np.float64]) -> bool:
    """Tell whether the mean gain over regions is at most its standard error."""
    known = gain[np.isfinite(gain)]
    return bool(known.mean() <= known.std(ddof=1) / np.sqrt(len(known)))
