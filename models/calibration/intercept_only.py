"""The simplest calibrator: the same amount is added to every log-odds."""

from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import as_scores, logit
from minerisk.models.inputs import checked_scores

Array = NDArray[np.float64]

_FURTHEST = 40.0


@dataclass
class InterceptCalibrator(Calibrator):
    """``logit p = intercept + logit score``: the number found is right, the slope is kept.

    A slope learned from a handful of regions can be further off on the next than no slope at
    all; this kind has none to learn.

    Notes
    -----
    Cox 1958, doi 10.2307/2333203: recalibration in the large.

    Examples
    --------
    Two of four cells held something, and the probabilities sum to two:

    >>> scores = [0.1, 0.2, 0.3, 0.4]
    >>> p = InterceptCalibrator().fit(scores, [0, 1, 0, 1]).transform(scores)
    >>> p.round(3), float(p.sum().round(9))
    (array([0.27 , 0.454, 0.588, 0.689]), 2.0)
    """

    intercept: float = 0.0

    kind: ClassVar[str] = "intercept_only"

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `Calibrator.fit`."""
        from scipy.optimize import brentq

        labels, score, weights = checked_scores(y, scores, weight)
        log_odds, found = logit(score), float((weights * labels).sum())

        def surplus(intercept: float) -> float:
            return float((weights * expit(log_odds + intercept)).sum()) - found

        self.intercept = float(brentq(surplus, -_FURTHEST, _FURTHEST, xtol=1e-10))
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
        return expit(self.intercept + logit(as_scores(scores)))
