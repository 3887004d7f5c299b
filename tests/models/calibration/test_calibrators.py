"""Calibrated probabilities are right on average, never fall with the score, and survive a file."""

import json

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from scipy import special
from scipy.special import logit
from sklearn.linear_model import LogisticRegression

from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrators import (
    CALIBRATORS,
    BetaCalibrator,
    IsotonicCalibrator,
    LogisticCalibrator,
    calibrator_from_dict,
    correct_prior,
)
from minerisk.models.calibration.logistic import expit
from minerisk.models.evaluation.metrics import score

KINDS = sorted(CALIBRATORS)
STAIRS = ("isotonic", "venn_abers")


def world(seed=0, n=60_000, truth=lambda s: expit(-1.0 + 0.6 * logit(s))):
    rng = np.random.default_rng(seed)
    scores = expit(rng.normal(-3, 1.5, n))
    return scores, (rng.random(n) < truth(scores)).astype(int)


def test_the_logistic_calibrator_reads_back_slope_and_intercept():
    scores, y = world(n=400_000)
    fitted = LogisticCalibrator().fit(scores, y)
    assert fitted.slope == pytest.approx(0.6, abs=0.02)
    assert fitted.intercept == pytest.approx(-1.0, abs=0.06)


def test_the_logistic_calibrator_is_unregularised_logistic_regression():
    scores, y = world(n=5_000)
    weight = np.random.default_rng(1).uniform(0.2, 4, y.size)
    ours = LogisticCalibrator(smooth=False).fit(scores, y, weight)
    theirs = LogisticRegression(C=np.inf, tol=1e-10, max_iter=1_000).fit(
        logit(scores)[:, None], y, sample_weight=weight
    )
    assert ours.slope == pytest.approx(theirs.coef_[0, 0], rel=1e-5)
    assert ours.intercept == pytest.approx(theirs.intercept_[0], rel=1e-5)


def test_calibrated_scores_sum_to_the_number_found():
    scores, y = world()
    p = LogisticCalibrator(smooth=False).fit(scores, y).transform(scores)
    assert p.sum() == pytest.approx(y.sum(), rel=1e-8)
    assert score(y, p, cell_ha=1)["calibration_slope"] == pytest.approx(1.0, abs=1e-6)


def test_the_beta_calibrator_reads_back_two_different_ends():
    a, b, c = 0.5, 2.0, -0.5
    scores, y = world(n=400_000, truth=lambda s: expit(c + a * np.log(s) - b * np.log1p(-s)))
    fitted = BetaCalibrator().fit(scores, y)
    assert fitted.a == pytest.approx(a, abs=0.05)
    assert fitted.b == pytest.approx(b, abs=0.25)
    assert fitted.intercept == pytest.approx(c, abs=0.15)


def test_the_isotonic_staircase_by_hand():
    fitted = IsotonicCalibrator().fit([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], [0, 1, 0, 1, 0, 1])
    # adjacent violators pool: (1, 0) at 0.2 and 0.3, (1, 0) at 0.4 and 0.5; ends kept off 0 and 1
    expected = [1 / 8, 0.5, 0.5, 0.5, 0.5, 7 / 8]
    np.testing.assert_allclose(fitted.transform([0.1, 0.2, 0.3, 0.4, 0.5, 0.6]), expected)


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**20), n=st.integers(4, 200))
@example(seed=8503, n=4)  # a slope so steep that the last score had a probability of 1
def test_a_higher_score_never_gets_a_lower_probability(kind, seed, n):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 20, n) / 19
    y = np.append(rng.integers(0, 2, n - 2), [0, 1])
    p = CALIBRATORS[kind]().fit(scores, y, rng.uniform(0.1, 2, n)).transform(np.linspace(0, 1, 501))
    assert (np.diff(p) >= 0).all()
    assert (p > 0).all()
    assert (p < 1).all()


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"intercept_only"}))
def test_scores_that_mislead_give_the_prevalence_and_say_so(kind, caplog):
    scores, y = world()
    fitted = CALIBRATORS[kind]().fit(1 - scores, y)
    p = fitted.transform([0.01, 0.5, 0.99])
    if kind in STAIRS:  # the ends may still hold a handful of cells
        assert np.ptp(fitted.transform([0.3, 0.9])) < 0.02
        return
    np.testing.assert_allclose(p, y.mean())
    assert not fitted.informative
    assert "no information" not in caplog.text  # kept in the value; no warning for each fold


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"venn_abers", "intercept_only"}))
def test_equal_scores_give_the_prevalence(kind):
    y = np.array([0, 0, 0, 1])
    fitted = CALIBRATORS[kind]().fit(np.full(4, 0.3), y)
    np.testing.assert_allclose(fitted.transform([0.0, 0.3, 1.0]), 0.25)


def test_separated_classes_still_give_finite_probabilities():
    y = np.repeat([0, 1], 50)
    fitted = LogisticCalibrator().fit(np.linspace(0.01, 0.99, 100), y)
    assert np.isfinite([fitted.slope, fitted.intercept]).all()
    assert 0 < fitted.transform([0.01])[0] < 0.1 < 0.9 < fitted.transform([0.99])[0] < 1


@pytest.mark.parametrize("kind", KINDS)
def test_a_calibrator_survives_json_to_the_last_bit(kind):
    scores, y = world(n=3_000)
    fitted = CALIBRATORS[kind]().fit(scores, y)
    again = calibrator_from_dict(json.loads(json.dumps(fitted.to_dict())))
    np.testing.assert_array_equal(again.transform(scores), fitted.transform(scores))


@pytest.mark.parametrize("kind", KINDS)
def test_nodata_stays_nodata_and_shape_is_kept(kind):
    scores, y = world(n=3_000)
    p = CALIBRATORS[kind]().fit(scores, y).transform([[0.1, np.nan], [0.2, 0.3]])
    assert p.shape == (2, 2)
    np.testing.assert_array_equal(np.isnan(p), [[False, True], [False, False]])
    assert np.isnan(CALIBRATORS[kind]().transform([np.nan, np.nan])).all()


def test_a_known_change_of_prevalence_is_undone():
    rng = np.random.default_rng(2)
    y = rng.random(400_000) < 0.02
    value = rng.normal(size=y.size) + 1.5 * y
    # with unit normals the posterior is a logistic of 1.5 value - 1.125 + prior logit
    at_half = expit(1.5 * value - 1.125)
    corrected = correct_prior(at_half, from_prior=0.5, to_prior=0.02)
    np.testing.assert_allclose(corrected, expit(1.5 * value - 1.125 + logit(0.02)), rtol=1e-9)
    assert corrected.mean() == pytest.approx(y.mean(), rel=0.03)


@given(st.floats(0, 1), st.floats(0.01, 0.99), st.floats(0.01, 0.99))
def test_there_and_back_is_nothing(p, one, two):
    there = correct_prior([p], from_prior=one, to_prior=two)
    assert correct_prior(there, from_prior=two, to_prior=one)[0] == pytest.approx(p, abs=1e-9)


@pytest.mark.parametrize(
    "plain",
    [
        {"kind": "pickle"},
        {"kind": "logistic", "smooth": True, "slope": "1", "intercept": 0.0},
        {"kind": "logistic", "smooth": True, "slope": float("nan"), "intercept": 0.0},
        {"kind": "beta", "a": 1.0, "b": 1.0},
        {"kind": "isotonic", "scores": [0.0, 1.0], "probabilities": [1.0, 0.0]},
        {"kind": "isotonic", "scores": [], "probabilities": []},
    ],
)
def test_a_damaged_file_is_refused(plain):
    with pytest.raises(InputError):
        calibrator_from_dict(plain)


def test_a_falling_calibrator_in_a_file_is_refused():
    with pytest.raises(InputError, match="below 0"):
        calibrator_from_dict({"kind": "logistic", "smooth": True, "slope": -1.0, "intercept": 0.0})
    with pytest.raises(InputError, match="below 0"):
        calibrator_from_dict({"kind": "beta", "a": -1.0, "b": 1.0, "intercept": 0.0})


def test_scores_out_of_range_are_refused():
    with pytest.raises(InputError, match="0 to 1"):
        LogisticCalibrator().fit([0.1, 2.0], [0, 1])
    with pytest.raises(InputError, match="0 to 1"):
        LogisticCalibrator().transform([-0.5])
    with pytest.raises(InputError, match="both classes"):
        LogisticCalibrator().fit([0.1, 0.2], [0, 0])
    with pytest.raises(InputError, match="prevalences"):
        correct_prior([0.1], from_prior=0.0, to_prior=0.5)


def test_the_logistic_function_is_that_of_scipy_bit_for_bit() -> None:
    log_odds = np.random.default_rng(3).normal(0, 9, (500, 40))
    log_odds[0, :3] = (np.nan, np.inf, -np.inf)
    np.testing.assert_array_equal(expit(log_odds), special.expit(log_odds))
    assert expit(0.0) == 0.5
