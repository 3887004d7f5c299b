"""Log-odds set right on inner folds, so that scores of several training sets can be pooled."""

import numpy as np
from numpy.typing import NDArray

from minerisk.models.calibration.calibrators import LogisticCalibrator

STEEPEST = 5.0  # a steeper curve has learned from scores that hardly differ
FLATTEST = 1.0 / STEEPEST  # a flatter one from folds that differ in their share of positives
Floats = NDArray[np.float64]


def common_scale(score: Floats, y: NDArray[np.int8], weight: Floats) -> tuple[float, float]:
    """Return slope and intercept of Platt's curve, those of no change if it is not believed.

    Where folds are few, a fold with many positives is scored by a model of land with few, and one
    with few by a model of land with many: the pooled curve is then nearly flat, or falls, however
    well each fold is ranked, and would take from the scores what they have to say.

    Parameters
    ----------
    score, y, weight
        Held-out scores of 0 to 1, labels and weights, shape ``(n,)``.
    """
    curve = LogisticCalibrator().fit(score, y, weight)
    if not FLATTEST <= curve.slope <= STEEPEST:
        return 1.0, 0.0
    return float(curve.slope), float(curve.intercept)
