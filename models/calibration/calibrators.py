"""From held-out scores to probabilities that agree with how often something is found."""

import logging
from dataclasses import dataclass, replace
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.additions import load_added
from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.intercept_only import InterceptCalibrator
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.maximum_likelihood import (
    fit_logistic,
    platt_targets,
    prevalence_logit,
)
from minerisk.models.calibration.score_bins import as_scores, logit, off_the_ends
from minerisk.models.calibration.venn_abers import VennAbersCalibrator
from minerisk.models.inputs import checked_scores
from minerisk.models.plain_values import Plain, refuse_negative, rising

Array = NDArray[np.float64]

log = logging.getLogger(__name__)


@dataclass
class LogisticCalibrator(Calibrator):
    """Platt scaling on the logit: ``logit p = intercept + slope * logit score``.

    Fitted by maximum likelihood without regularisation, with Platt's smoothed targets, so that
    perfectly separated classes still have a finite fit. A slope that is not above zero means
    that the scores carry no information; the calibrator then returns the prevalence and is not
    `informative`.

    Notes
    -----
    Platt 1999, in Advances in Large Margin Classifiers, MIT Press.

    Examples
    --------
    Of 100 cells at each score, 5, 20 and 40 held something; Platt's curve comes near that.

    >>> scores = np.repeat([0.1, 0.3, 0.5], 100)
    >>> y = np.concatenate([np.arange(100) < found for found in (5, 20, 40)])
    >>> LogisticCalibrator().fit(scores, y).transform([0.1, 0.3, 0.5]).round(3)
    array([0.053, 0.202, 0.396])
    """

    smooth: bool = True
    slope: float = 1.0
    intercept: float = 0.0

    kind: ClassVar[str] = "logistic"

    @property
    def informative(self) -> bool:
        """Whether a higher score means a higher probability."""
        return self.slope > 0

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `Calibrator.fit`."""
        labels, score, weights = checked_scores(y, scores, weight)
        log_odds = logit(score)
        columns = np.column_stack([np.ones_like(log_odds), log_odds])
        targets = platt_targets(labels, weights) if self.smooth else labels
        found = None if np.ptp(log_odds) == 0 else fit_logistic(columns, targets, weights)
        if found is None or not found[1] > 0:
            self.intercept, self.slope = prevalence_logit(labels, weights), 0.0
            _log_no_information(labels, weights)
        else:
            self.intercept, self.slope = float(found[0]), float(found[1])
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
        return off_the_ends(expit(self.intercept + self.slope * logit(as_scores(scores))))

    def flattened(self, factor: float) -> Self:
        """Return the curve with its slope times `factor`, and no intercept."""
        return replace(self, slope=factor * self.slope, intercept=0.0)

    def check(self) -> None:
        """Refuse a curve that falls; see `PlainRecord.check`."""
        refuse_negative(slope=self.slope)


@dataclass
class BetaCalibrator(Calibrator):
    """Beta calibration: ``logit p = intercept + a ln(score) - b ln(1 - score)``, a and b >= 0.

    Logistic calibration is the case a = b; beta can bend the two ends apart. A negative
    coefficient is set to 0 and the rest fitted again, as in the source.

    Notes
    -----
    Kull, Silva Filho and Flach 2017, AISTATS, PMLR 54:623-631.

    Examples
    --------
    >>> scores = np.repeat([0.1, 0.3, 0.5], 100)
    >>> y = np.concatenate([np.arange(100) < found for found in (5, 20, 40)])
    >>> BetaCalibrator().fit(scores, y).transform([0.1, 0.3, 0.5]).round(3)
    array([0.053, 0.2  , 0.397])
    """

    a: float = 1.0
    b: float = 1.0
    intercept: float = 0.0

    kind: ClassVar[str] = "beta"

    @property
    def informative(self) -> bool:
        """Whether a higher score means a higher probability."""
        return self.a > 0 or self.b > 0

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `Calibrator.fit`."""
        labels, score, weights = checked_scores(y, scores, weight)
        clipped = off_the_ends(score)
        ends = np.column_stack([np.log(clipped), -np.log1p(-clipped)])
        targets = platt_targets(labels, weights)
        for kept in ([0, 1], [0], [1]):
            columns = np.column_stack([np.ones_like(score), ends[:, kept]])
            found = None if np.ptp(score) == 0 else fit_logistic(columns, targets, weights)
            if found is not None and (found[1:] > 0).all():
                ab = np.zeros(2)
                ab[kept] = found[1:]
                self.intercept, self.a, self.b = float(found[0]), float(ab[0]), float(ab[1])
                return self
        self.intercept, self.a, self.b = prevalence_logit(labels, weights), 0.0, 0.0
        _log_no_information(labels, weights)
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
        clipped = off_the_ends(as_scores(scores))
        value = self.intercept + self.a * np.log(clipped) - self.b * np.log1p(-clipped)
        return off_the_ends(expit(value))

    def flattened(self, factor: float) -> Self:
        """Return the curve with both coefficients times `factor`, and no intercept."""
        return replace(self, a=factor * self.a, b=factor * self.b, intercept=0.0)

    def check(self) -> None:
        """Refuse a curve that falls; see `PlainRecord.check`."""
        refuse_negative(a=self.a, b=self.b)


@dataclass
class IsotonicCalibrator(Calibrator):
    """A rising staircase, straight between its steps; equal probabilities where it is flat.

    Probabilities stay inside ``1 / (W + 2)`` and ``1 - 1 / (W + 2)``, with W the sum of weights:
    no number of cells without a find proves a probability of 0.

    Notes
    -----
    Zadrozny and Elkan 2002, doi 10.1145/775047.775151.

    Examples
    --------
    Neighbours that fall are pooled; with six cells the ends stay 1/8 away from 0 and 1.

    >>> fitted = IsotonicCalibrator().fit([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 1, 0, 1, 0, 1])
    >>> fitted.transform([0.1, 0.2, 0.5, 0.6])
    array([0.125, 0.5  , 0.5  , 0.875])
    """

    scores: tuple[float, ...] = (0.0, 1.0)
    probabilities: tuple[float, ...] = (0.0, 1.0)

    kind: ClassVar[str] = "isotonic"

    @property
    def informative(self) -> bool:
        """Whether a higher score can mean a higher probability."""
        return self.probabilities[0] < self.probabilities[-1]

    def fit(self, scores: ArrayLike, y: ArrayLike, weight: ArrayLike | None = None) -> Self:
        """Fit to held-out scores; see `Calibrator.fit`."""
        labels, score, weights = checked_scores(y, scores, weight)
        from sklearn.isotonic import IsotonicRegression

        found = IsotonicRegression(y_min=0.0, y_max=1.0, out_of_bounds="clip").fit(
            score, labels, sample_weight=weights
        )
        edge = 1.0 / (weights.sum() + 2.0)
        steps = np.clip(np.maximum.accumulate(found.y_thresholds_), edge, 1.0 - edge)
        self.scores = tuple(float(value) for value in found.X_thresholds_)
        self.probabilities = tuple(float(value) for value in steps)
        if not self.informative:
            _log_no_information(labels, weights)
        return self

    def transform(self, scores: ArrayLike) -> Array:
        """Return probabilities, the shape of `scores`; NaN where the score is NaN."""
        value = np.interp(as_scores(scores), self.scores, self.probabilities)
        return np.asarray(value, dtype=np.float64)

    def check(self) -> None:
        """Refuse a staircase that falls; see `PlainRecord.check`."""
        scores, steps = self.scores, self.probabilities
        if not (len(scores) == len(steps) and rising(scores) and rising(steps)):
            raise InputError(
                "The isotonic calibrator's scores and probabilities do not rise together; "
                "expected two rising lists of equal length. The model file is damaged."
            )


CALIBRATORS: dict[str, type[Calibrator]] = {
    calibrator.kind: calibrator
    for calibrator in (
        InterceptCalibrator,
        LogisticCalibrator,
        BetaCalibrator,
        IsotonicCalibrator,
        VennAbersCalibrator,
    )
}


def calibrator_from_dict(plain: Plain) -> Calibrator:
    """Rebuild any calibrator from what its `to_dict` returned.

    Raises
    ------
    InputError
        If the kind is unknown, or a value is missing or no number.
    """
    kind = plain.get("kind")
    if not isinstance(kind, str):
        raise InputError(
            f"The calibrator's kind is {kind!r}; expected one of {sorted(CALIBRATORS)}."
        )
    return calibrator_class(kind).from_dict(plain)


def calibrator_class(kind: str) -> type[Calibrator]:
    """Return a kind of calibrator, of `CALIBRATORS` or added by an installed package.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if kind in CALIBRATORS:
        return CALIBRATORS[kind]
    found = load_added("minerisk.calibrators", kind, own=tuple(sorted(CALIBRATORS)))
    if not (isinstance(found, type) and issubclass(found, Calibrator) and found.kind == kind):
        raise InputError(
            f"The calibrator {kind!r} that a package adds is {found!r}; expected a subclass of "
            f"minerisk.models.calibration.Calibrator whose kind is {kind!r}."
        )
    return found


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

    Examples
    --------
    A model fitted on as many positives as negatives, used where 2 % of cells are positive:

    >>> correct_prior([0.5, 0.9], from_prior=0.5, to_prior=0.02).round(3)
    array([0.02 , 0.155])
    """
    if not (0 < from_prior < 1 and 0 < to_prior < 1):
        raise InputError(
            f"The prevalences are {from_prior} and {to_prior}; expected both between 0 and 1."
        )
    probability = np.asarray(p, dtype=np.float64)
    positive = probability * (to_prior / from_prior)
    negative = (1.0 - probability) * ((1.0 - to_prior) / (1.0 - from_prior))
    return np.asarray(positive / (positive + negative))


def _log_no_information(labels: Array, weights: Array) -> None:
    share = float(np.average(labels, weights=weights))
    log.info("The scores carry no information on held-out land; every cell gets %.4g.", share)
