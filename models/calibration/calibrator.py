"""What every calibrator can do."""

from abc import ABC, abstractmethod
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.plain_values import PlainRecord


class Calibrator(PlainRecord, ABC):
    """From score to probability, never decreasing."""

    @abstractmethod
    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores.

        Parameters
        ----------
        scores
            Uncalibrated probabilities, 0 to 1, shape (n,).
        y
            Labels 0 and 1, shape (n,).
        weight
            Weight of every row, shape (n,).

        Raises
        ------
        InputError
            If shapes differ, a score is out of range, or a class is missing.
        """

    @abstractmethod
    def transform(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
