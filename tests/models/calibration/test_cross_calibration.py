"""Calibration on folds left out: nothing calibrates itself, and what is in doubt stays simple."""

import numpy as np
import pytest
from scipy.special import expit, logit

from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrators import (
    CALIBRATORS,
    BetaCalibrator,
    IsotonicCalibrator,
    LogisticCalibrator,
)
from minerisk.models.calibration.cross_calibration import (
    calibration_losses,
    choose_kind,
    cross_calibrate,
    fit_kind,
)
from minerisk.models.evaluation.metrics import score

KINDS = sorted(CALIBRATORS)
STAIRS = ("isotonic", "venn_abers")


def world(seed=0, n=60_000, truth=lambda s: expit(-1.0 + 0.6 * logit(s))):
    rng = np.random.default_rng(seed)
    scores = expit(rng.normal(-3, 1.5, n))
    y = (rng.random(n) < truth(scores)).astype(int)
    return scores, y, rng.integers(0, 5, n)


def few_finds(seed, n=6_000):
    """Eight regions whose slope and prevalence differ, with a hundred finds or a few."""
    rng = np.random.default_rng(seed)
    fold = rng.integers(0, 8, n)
    scores = expit(rng.normal(-4, 0.8, n))
    slope, shift = rng.normal(0.8, 0.4, 8)[fold], rng.normal(0, 0.4, 8)[fold]
    y = (rng.random(n) < expit(-4 + shift + slope * (logit(scores) + 4))).astype(int)
    return scores, y, fold


def test_the_simplest_is_chosen_where_it_is_true_and_another_where_it_is_not():
    assert choose_kind(*world()) == "shrunk"
    assert isinstance(fit_kind(*world()), LogisticCalibrator)
    step = world(truth=lambda s: np.where(s > 0.1, 0.4, 0.02))
    assert isinstance(fit_kind(*step), IsotonicCalibrator)
    losses = calibration_losses(*step)
    assert losses["isotonic"] < losses["logistic"]


@pytest.mark.parametrize("kind", KINDS)
def test_gathering_scores_into_bins_hardly_moves_a_probability(kind, monkeypatch):
    scores, y, fold = world(n=30_000)
    exact = cross_calibrate(scores, y, fold, kind=kind)
    monkeypatch.setattr("minerisk.models.calibration.cross_calibration.GATHER_ABOVE", 0)
    binned = cross_calibrate(scores, y, fold, kind=kind)
    away = np.abs(logit(binned) - logit(exact))
    assert np.quantile(away, 0.99) < (0.2 if kind in STAIRS else 1e-3)
    assert binned.sum() == pytest.approx(exact.sum(), rel=2e-3)


@pytest.mark.parametrize("kind", ["logistic", "shrunk", "chosen"])
def test_no_fold_calibrates_itself(kind):
    scores, y, fold = world(n=4_000)
    p = cross_calibrate(scores, y, fold, kind=kind)
    turned = cross_calibrate(scores, np.where(fold == 2, 1 - y, y), fold, kind=kind)
    np.testing.assert_array_equal(turned[fold == 2], p[fold == 2])
    assert (turned[fold != 2] != p[fold != 2]).all()


def test_the_slope_is_shrunk_by_what_it_was_worth_on_folds_left_out():
    scores, y, fold = few_finds(3)
    plain = LogisticCalibrator().fit(scores, y)
    worth = score(y, cross_calibrate(scores, y, fold), cell_ha=1)["calibration_slope"]
    assert 0.5 < worth < 1
    shrunk = fit_kind(scores, y, fold, kind="shrunk")
    assert shrunk.slope == pytest.approx(plain.slope * worth, rel=1e-6)
    assert shrunk.transform(scores).sum() == pytest.approx(y.sum(), rel=1e-8)


def test_two_folds_cannot_tell_what_a_slope_is_worth():
    scores, y, _ = world(n=4_000)
    fold = np.arange(y.size) % 2
    assert fit_kind(scores, y, fold, kind="shrunk") == LogisticCalibrator().fit(scores, y)


def bent(seed, n=12_000):
    """Eight regions that differ, with beta's curve: steep where scores are high, flat below."""
    rng = np.random.default_rng(seed)
    fold = rng.integers(0, 8, n)
    scores = expit(rng.normal(-3.6, 1.2, n))
    curve = 0.35 * np.log(scores) - 3.5 * np.log1p(-scores)
    slope, shift = rng.normal(1, 0.25, 8)[fold], rng.normal(-3.1, 0.4, 8)[fold]
    y = (rng.random(n) < expit(shift + slope * (curve - curve.mean()))).astype(int)
    return scores, y, fold


def test_beta_is_shrunk_where_it_is_chosen():
    assert choose_kind(*bent(0, n=24_000)) == "shrunk_beta"
    slopes = {"beta": [], "shrunk_beta": []}
    for seed in range(6):
        scores, y, fold = bent(seed)
        for kind, found in slopes.items():
            p = cross_calibrate(scores, y, fold, kind=kind)
            found.append(score(y, p, cell_ha=1)["calibration_slope"])
    plain, shrunk = (np.array(found) for found in slopes.values())
    assert (plain < 0.98).all()
    assert (np.abs(shrunk - 1) < 0.02).all()
    fitted = fit_kind(scores, y, fold, kind="shrunk_beta")
    beta = BetaCalibrator().fit(scores, y)
    assert fitted.a / beta.a == pytest.approx(fitted.b / beta.b)
    assert fitted.a / beta.a == pytest.approx(plain[-1], rel=1e-6)
    assert fitted.transform(scores).sum() == pytest.approx(y.sum(), rel=1e-8)


def test_regions_that_differ_pull_the_slope_of_others_down_and_shrinking_undoes_most_of_it():
    slopes = {"logistic": [], "shrunk": []}
    for seed in range(30):
        scores, y, fold = few_finds(seed)
        for kind, found in slopes.items():
            p = cross_calibrate(scores, y, fold, kind=kind)
            found.append(score(y, p, cell_ha=1)["calibration_slope"])
    plain, shrunk = np.mean(slopes["logistic"]), np.mean(slopes["shrunk"])
    assert plain < 0.95
    assert abs(shrunk - 1) < 0.6 * abs(plain - 1)


def test_a_flexible_kind_is_not_taken_on_few_finds():
    scores, y, fold = world(truth=lambda s: np.where(s > 0.1, 0.4, 0.02))
    few = np.flatnonzero(y == 1)[:199]
    rows = np.concatenate([few, np.flatnonzero(y == 0)[:4_000]])
    assert choose_kind(scores, y, fold) == "isotonic"
    assert choose_kind(scores[rows], y[rows], fold[rows]) == "shrunk"


def test_left_out_worlds_are_calibrated():
    slopes, intercepts = [], []
    for seed in range(20):
        scores, y, fold = world(seed, n=8_000)
        measured = score(y, cross_calibrate(scores, y, fold), cell_ha=1)
        slopes.append(measured["calibration_slope"])
        intercepts.append(measured["calibration_intercept"])
    assert np.mean(slopes) == pytest.approx(1.0, abs=0.05)
    assert np.mean(intercepts) == pytest.approx(0.0, abs=0.02)


def test_folds_have_to_fit():
    scores, y, fold = world(n=100)
    with pytest.raises(InputError, match="1 fold"):
        cross_calibrate(scores, y, np.zeros(100))
    with pytest.raises(InputError, match="shape"):
        fit_kind(scores, y, fold[:50], kind="shrunk")
