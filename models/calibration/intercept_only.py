"""The simplest calibrator: every log-odds moved by one amount."""

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from minerisk.models.calibration.score_bins import as_scores, logit
from minerisk.models.inputs import checked_scores
from minerisk.models.plain_values import Plain, expect_kind, number

Array = NDArray[np.float64]

_FURTHEST = 40.0


@dataclass
class ShiftCalibrator:
    """``logit p = intercept + logit score``: the number found is right, the slope is kept.

    A slope learned from a handful of regions can be further off on the next than no slope at
    all; this kind has none to learn.

    Notes
    -----
    Cox 1958, doi 10.2307/2333203: recalibration in the large.
    """

    intercept: float = 0.0
    words: str = ""

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `LogisticCalibrator.fit`."""
        from scipy.optimize import brentq

        labels, score, weights = checked_scores(y, scores, weight)
        log_odds, found = logit(score), float((weights * labels).sum())

        def surplus(shift: float) -> float:
            return float((weights * expit(log_odds + shift)).sum()) - found

        self.intercept = float(brentq(surplus, -_FURTHEST, _FURTHEST, xtol=1e-10))
        self.words = ""
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Give probabilities, the shape of `scores`; NaN where the score is NaN."""
        return np.asarray(expit(self.intercept + logit(as_scores(scores))))

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Give the calibrator as plain values."""
        return {"kind": "shift", "intercept": self.intercept, "words": self.words}

    @classmethod
    def from_dict(cls, plain: Plain) -> Self:
        """Rebuild what `to_dict` gave."""
        expect_kind(plain, "shift")
        return cls(number(plain, "intercept"), str(plain.get("words", "")))
