"""Turn held-out scores into probabilities that mean what they say."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit

from minerisk.features.errors import InputError
from minerisk.models.calibration.intercept_only import ShiftCalibrator
from minerisk.models.calibration.maximum_likelihood import (
    fit_logistic,
    platt_targets,
    prevalence_logit,
)
from minerisk.models.calibration.score_bins import SCORE_CLIP, as_scores, logit
from minerisk.models.calibration.venn_abers import VennAbersCalibrator
from minerisk.models.inputs import checked_scores
from minerisk.models.plain_values import Plain, expect_kind, not_negative, number, numbers, rising

Array = NDArray[np.float64]

log = logging.getLogger(__name__)


class Calibrator(Protocol):
    """From score to probability, never decreasing."""

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Learn from held-out scores."""
        ...

    def transform(self, scores: ArrayLike) -> Array:
        """Give probabilities; NaN where the score is NaN."""
        ...

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Give the calibrator as plain values."""
        ...


@dataclass
class LogisticCalibrator:
    """Platt scaling on the logit: ``logit p = intercept + slope * logit score``.

    Fitted by maximum likelihood without regularisation, with Platt's smoothed targets, so that
    perfectly separated classes still have a finite fit. A slope that is not above zero means
    that the scores carry no information; the calibrator then gives the prevalence and says so
    in ``words``.

    Notes
    -----
    Platt 1999, in Advances in Large Margin Classifiers, MIT Press.
    """

    smooth: bool = True
    slope: float = 1.0
    intercept: float = 0.0
    words: str = ""

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
        """
        labels, score, weights = checked_scores(y, scores, weight)
        log_odds = logit(score)
        columns = np.column_stack([np.ones_like(log_odds), log_odds])
        targets = platt_targets(labels, weights) if self.smooth else labels
        found = None if np.ptp(log_odds) == 0 else fit_logistic(columns, targets, weights)
        if found is None or not found[1] > 0:
            self.intercept, self.slope = prevalence_logit(labels, weights), 0.0
            self.words = _no_information(labels, weights)
        else:
            self.intercept, self.slope, self.words = float(found[0]), float(found[1]), ""
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Give probabilities, the shape of `scores`; NaN where the score is NaN."""
        return np.asarray(expit(self.intercept + self.slope * logit(as_scores(scores))))

    def flattened(self, factor: float) -> Self:
        """Give the curve with its slope times `factor`, and no intercept."""
        return replace(self, slope=factor * self.slope, intercept=0.0)

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Give the calibrator as plain values."""
        return {
            "kind": "logistic",
            "slope": self.slope,
            "intercept": self.intercept,
            "words": self.words,
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> Self:
        """Rebuild what `to_dict` gave."""
        expect_kind(plain, "logistic")
        return cls(
            slope=not_negative(plain, "slope"),
            intercept=number(plain, "intercept"),
            words=str(plain.get("words", "")),
        )


@dataclass
class BetaCalibrator:
    """Beta calibration: ``logit p = intercept + a ln(score) - b ln(1 - score)``, a and b >= 0.

    Logistic calibration is the case a = b; beta can bend the two ends apart. A negative
    coefficient is set to 0 and the rest fitted again, as in the source.

    Notes
    -----
    Kull, Silva Filho and Flach 2017, AISTATS, PMLR 54:623-631.
    """

    a: float = 1.0
    b: float = 1.0
    intercept: float = 0.0
    words: str = ""

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `LogisticCalibrator.fit`."""
        labels, score, weights = checked_scores(y, scores, weight)
        clipped = np.clip(score, SCORE_CLIP, 1 - SCORE_CLIP)
        ends = np.column_stack([np.log(clipped), -np.log1p(-clipped)])
        targets = platt_targets(labels, weights)
        for kept in ([0, 1], [0], [1]):
            columns = np.column_stack([np.ones_like(score), ends[:, kept]])
            found = None if np.ptp(score) == 0 else fit_logistic(columns, targets, weights)
            if found is not None and (found[1:] > 0).all():
                ab = np.zeros(2)
                ab[kept] = found[1:]
                self.intercept, self.a, self.b = float(found[0]), float(ab[0]), float(ab[1])
                self.words = ""
                return self
        self.intercept, self.a, self.b = prevalence_logit(labels, weights), 0.0, 0.0
        self.words = _no_information(labels, weights)
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Give probabilities, the shape of `scores`; NaN where the score is NaN."""
        clipped = np.clip(as_scores(scores), SCORE_CLIP, 1 - SCORE_CLIP)
        value = self.intercept + self.a * np.log(clipped) - self.b * np.log1p(-clipped)
        return np.asarray(expit(value))

    def flattened(self, factor: float) -> Self:
        """Give the curve with both coefficients times `factor`, and no intercept."""
        return replace(self, a=factor * self.a, b=factor * self.b, intercept=0.0)

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Give the calibrator as plain values."""
        return {
            "kind": "beta",
            "a": self.a,
            "b": self.b,
            "intercept": self.intercept,
            "words": self.words,
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> Self:
        """Rebuild what `to_dict` gave."""
        expect_kind(plain, "beta")
        return cls(
            a=not_negative(plain, "a"),
            b=not_negative(plain, "b"),
            intercept=number(plain, "intercept"),
            words=str(plain.get("words", "")),
        )


@dataclass
class IsotonicCalibrator:
    """A rising staircase, straight between its steps; equal probabilities where it is flat.

    Probabilities stay inside ``1 / (W + 2)`` and ``1 - 1 / (W + 2)``, with W the sum of weights:
    no number of cells without a find proves a probability of 0.

    Notes
    -----
    Zadrozny and Elkan 2002, doi 10.1145/775047.775151.
    """

    scores: tuple[float, ...] = (0.0, 1.0)
    probabilities: tuple[float, ...] = (0.0, 1.0)
    words: str = ""

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `LogisticCalibrator.fit`."""
        labels, score, weights = checked_scores(y, scores, weight)
        from sklearn.isotonic import IsotonicRegression

        found = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
            score, labels, sample_weight=weights
        )
        edge = 1.0 / (weights.sum() + 2.0)
        steps = np.clip(np.maximum.accumulate(found.y_thresholds_), edge, 1.0 - edge)
        self.scores = tuple(float(value) for value in found.X_thresholds_)
        self.probabilities = tuple(float(value) for value in steps)
        flat = steps[0] == steps[-1]
        self.words = _no_information(labels, weights) if flat else ""
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Give probabilities, the shape of `scores`; NaN where the score is NaN."""
        value = np.interp(as_scores(scores), self.scores, self.probabilities)
        return np.asarray(value, dtype=np.float64)

    def to_dict(self) -> dict[str, str | float | list[float]]:
        """Give the calibrator as plain values."""
        return {
            "kind": "isotonic",
            "scores": list(self.scores),
            "probabilities": list(self.probabilities),
            "words": self.words,
        }

    @classmethod
    def from_dict(cls, plain: Plain) -> Self:
        """Rebuild what `to_dict` gave."""
        expect_kind(plain, "isotonic")
        scores, steps = numbers(plain, "scores"), numbers(plain, "probabilities")
        if not (len(scores) == len(steps) and rising(scores) and rising(steps)):
            raise InputError(
                "The isotonic calibrator's scores and probabilities do not rise together; "
                "expected two rising lists of equal length. The model file is damaged."
            )
        return cls(tuple(scores), tuple(steps), str(plain.get("words", "")))


CALIBRATORS: dict[str, Callable[[], Calibrator]] = {
    "shift": ShiftCalibrator,
    "logistic": LogisticCalibrator,
    "beta": BetaCalibrator,
    "isotonic": IsotonicCalibrator,
    "venn_abers": VennAbersCalibrator,
}


def calibrator_from_dict(plain: Plain) -> Calibrator:
    """Rebuild any calibrator from what its `to_dict` gave.

    Raises
    ------
    InputError
        If the kind is unknown, or a value is missing or no number.
    """
    kind = plain.get("kind")
    if kind == "shift":
        return ShiftCalibrator.from_dict(plain)
    if kind == "logistic":
        return LogisticCalibrator.from_dict(plain)
    if kind == "beta":
        return BetaCalibrator.from_dict(plain)
    if kind == "isotonic":
        return IsotonicCalibrator.from_dict(plain)
    if kind == "venn_abers":
        return VennAbersCalibrator.from_dict(plain)
    raise InputError(f"The calibrator's kind is {kind!r}; expected one of {sorted(CALIBRATORS)}.")


def correct_prior(p: ArrayLike, *, from_prior: float, to_prior: float) -> Array:
    """Carry probabilities from land with one prevalence to land with another.

    Holds where the features of positives, and those of negatives, are alike on both.

    Parameters
    ----------
    p
        Probabilities calibrated where the prevalence is `from_prior`, any shape.
    from_prior, to_prior
        Prevalences, between 0 and 1 exclusive.

    Returns
    -------
    ndarray
        The shape of `p`; NaN stays NaN.

    Notes
    -----
    Saerens, Latinne and Decaestecker 2002, doi 10.1162/089976602753284446.
    """
    if not (0 < from_prior < 1 and 0 < to_prior < 1):
        raise InputError(
            f"The prevalences are {from_prior} and {to_prior}; expected both between 0 and 1."
        )
    probability = np.asarray(p, dtype=np.float64)
    positive = probability * (to_prior / from_prior)
    negative = (1.0 - probability) * ((1.0 - to_prior) / (1.0 - from_prior))
    return np.asarray(positive / (positive + negative))


def _no_information(labels: Array, weights: Array) -> str:
    share = float(np.average(labels, weights=weights))
    words = f"The scores carry no information on held-out land; every cell is given {share:.4g}."
    log.info(words)
    return words
