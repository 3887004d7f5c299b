"""A way to hold land out: its name, what splits the land, and its folds."""

import datetime as dt
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from minerisk.models.folds.facts import Fold


class ProtocolName(StrEnum):
    """Ways to hold land out, by what their scores are for."""

    FAR = "far"
    NEAR = "near"
    LATER = "later"
    RANDOM = "random"
    BLOCKS = "blocks"
    INNER = "inner"


class Splitter(StrEnum):
    """What makes the folds of a protocol.

    ``regions``: regions left out whole. ``kNNDM``: test rows as far from training as the land to
    be predicted is from surveyed land. ``blocks``: blocks wider than the autocorrelation range.
    ``dates``: trained on finds up to a date, tested on finds after it. ``random``: rows.
    """

    REGIONS = "regions"
    KNNDM = "kNNDM"
    BLOCKS = "blocks"
    DATES = "dates"
    RANDOM = "random"


@dataclass(frozen=True)
class Protocol:
    """A way to hold land out.

    Attributes
    ----------
    name, splitter
        What its scores are for, and what makes the folds.
    folds
        (training rows, test rows) of each.
    until
        Last date of training finds, where folds are split by dates.
    """

    name: ProtocolName
    splitter: Splitter
    folds: Sequence[Fold]
    until: dt.date | None = None

    def fold_of_row(self, rows: int) -> NDArray[np.int64]:
        """Return the fold that tests each row, -1 for none, shape ``(rows,)``."""
        fold = np.full(rows, -1, dtype=np.int64)
        for number, (_, test) in enumerate(self.folds):
            fold[test] = number
        return fold
