"""What finds on other land say of the probabilities of a model that was trained elsewhere."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.metrics import block_bootstrap

FACTOR = 1.5
"""Odds are to be known to within this factor, by a 90 % interval."""
SLOPES = (0.85, 1.15)
"""Calibration slopes that are right enough, as `docs/validity.md` asks of regions left out."""
LEAST_BLOCKS = math.ceil((1.6449 / math.log(FACTOR)) ** 2)
"""Blocks with a find, at least: the intercept of n independent rare finds has a standard error of
about 1 / sqrt(n), so that its 90 % interval is within `FACTOR` from (1.645 / ln 1.5)² = 16.5 on."""


@dataclass(frozen=True)
class InterceptThere:
    """The intercept that finds of new land ask for, and whether they allow it to be set.

    Attributes
    ----------
    finds, searched
        Cells with a find, and cells searched without one, for which the model can speak.
    blocks
        Blocks with a find.
    intercept, slope
        What is added to every log-odds so that as much is predicted as was found, and the slope of
        what was found on what is predicted; None where there is nothing to tell them from. 90 %
        intervals from resampled blocks.
    """

    finds: int
    searched: int
    blocks: int
    intercept: Estimate | None
    slope: Estimate | None

    @property
    def enough(self) -> bool:
        """Whether there are blocks enough with a find, and land that was searched without one."""
        return self.blocks >= LEAST_BLOCKS and self.searched > 0

    @property
    def narrow(self) -> bool:
        """Whether the odds are known to within `FACTOR`."""
        found = self.intercept
        if found is None or found.low is None or found.high is None:
            return False
        return (found.high - found.low) / 2 <= math.log(FACTOR)

    @property
    def steep_as_there(self) -> bool:
        """Whether finds allow that the slope is one of `SLOPES`."""
        found = self.slope
        if found is None or found.low is None or found.high is None:
            return False
        return found.low <= SLOPES[1] and found.high >= SLOPES[0]

    @property
    def allowed(self) -> bool:
        """Whether probabilities may be given there."""
        return self.enough and self.narrow and self.steep_as_there


def intercept_there(y: ArrayLike, p: ArrayLike, blocks: ArrayLike) -> InterceptThere:
    """Compute what finds say of probabilities that were calibrated on other land.

    Parameters
    ----------
    y
        1 where something was found, 0 where was searched and nothing found, shape (n,).
    p
        Probabilities, shape (n,).
    blocks
        Block of every row, shape (n,).
    """
    labels, block = np.asarray(y), np.asarray(blocks)
    finds = int((labels == 1).sum())
    facts = (finds, int((labels == 0).sum()), int(np.unique(block[labels == 1]).size))
    if not all(facts):
        return InterceptThere(*facts, None, None)
    found = block_bootstrap(labels, p, block, cell_ha=1.0, part="probabilities")
    return InterceptThere(
        *facts,
        Estimate.of(found["calibration_intercept"]),
        Estimate.of(found["calibration_slope"]),
    )
