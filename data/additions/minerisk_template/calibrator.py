"""Prevalence: scores are moved until they add up to what was found."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.calibration import Calibrator


@dataclass
class PrevalenceCalibrator(Calibrator):
    """Multiply the odds by one number, so that the mean probability is the share that was found.

    A calibrator is a dataclass of numbers: they are what a model file keeps of it.
    """

    factor: float = 1.0

    kind: ClassVar[str] = "prevalence"  # the name of the entry point

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Find the factor by bisection; see `Calibrator.fit`."""
        score, labels = np.asarray(scores, dtype=float), np.asarray(y, dtype=float)
        weights = np.ones(score.size) if weight is None else np.asarray(weight, dtype=float)
        found = np.average(labels, weights=weights)
        low, high = -20.0, 20.0
        for _ in range(60):
            self.factor = float(np.exp((low + high) / 2))
            said = np.average(self.transform(score), weights=weights)
            low, high = (low, (low + high) / 2) if said > found else ((low + high) / 2, high)
        return self

    def transform(self, scores: ArrayLike) -> NDArray[np.float64]:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
        score = np.clip(np.asarray(scores, dtype=float), 1e-9, 1 - 1e-9)
        odds = self.factor * score / (1 - score)
        return np.asarray(odds / (1 + odds))
