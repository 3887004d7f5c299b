"""The pair against two isotonic fits per cell, and what it promises on average."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.isotonic import IsotonicRegression

from minerisk.features.errors import InputError
from minerisk.models.calibration.venn_abers import MAX_KNOTS, VennAbersCalibrator


def twice_isotonic(scores, y, weight, new):
    pair = []
    for label in (0.0, 1.0):
        fitted = IsotonicRegression().fit(
            np.append(scores, new), np.append(y, label), sample_weight=np.append(weight, 1.0)
        )
        pair.append(fitted.predict([new])[0])
    return pair


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**20), n=st.integers(2, 40), weighted=st.booleans())
def test_the_pair_is_that_of_two_isotonic_fits_with_the_new_cell(seed, n, weighted):
    rng = np.random.default_rng(seed)
    scores = rng.integers(0, 15, n) / 14
    y = np.append(rng.integers(0, 2, n - 2), [0, 1])
    weight = rng.uniform(0.2, 3, n) if weighted else np.ones(n)
    fitted = VennAbersCalibrator().fit(scores, y, weight)
    new = np.concatenate([np.arange(15) / 14, np.arange(14) / 14 + 0.03])
    lower, upper = fitted.pair(new)
    expected = np.array([twice_isotonic(scores, y, weight, one) for one in new])
    np.testing.assert_allclose(lower, expected[:, 0], atol=1e-9)
    np.testing.assert_allclose(upper, expected[:, 1], atol=1e-9)
    assert (lower < upper).all()


def test_equal_scores_by_hand():
    fitted = VennAbersCalibrator().fit(np.full(4, 0.3), [0, 0, 0, 1])
    lower, upper = fitted.pair([0.1, 0.3, 0.9])
    np.testing.assert_allclose(lower, [0, 1 / 5, 1 / 5])
    np.testing.assert_allclose(upper, [2 / 5, 2 / 5, 1])
    assert fitted.transform([0.3])[0] == pytest.approx(0.4 / (1 - 0.2 + 0.4))


def test_one_of_the_pair_is_calibrated_where_the_score_is_not():
    """The mean of the member chosen by the label itself is the share found (Vovk's theorem)."""
    gap = []
    for seed in range(40):
        rng = np.random.default_rng(seed)
        scores = expit(rng.normal(-1, 1.5, 4_000))
        y = rng.random(4_000) < expit(0.5 * logit(scores) ** 3 / 4 - 1)
        fitted = VennAbersCalibrator().fit(scores[:2_000], y[:2_000])
        lower, upper = fitted.pair(scores[2_000:])
        late = y[2_000:]
        gap.append(np.where(late, upper, lower).mean() - late.mean())
    assert np.mean(gap) == pytest.approx(0.0, abs=3 * np.std(gap) / np.sqrt(40))


def test_many_scores_are_gathered():
    rng = np.random.default_rng(0)
    scores = expit(rng.normal(-3, 1.5, 20_000))
    fitted = VennAbersCalibrator().fit(scores, rng.random(20_000) < scores)
    assert len(fitted.scores) <= MAX_KNOTS
    lower, upper = fitted.pair(scores)
    assert (lower <= fitted.transform(scores)).all()
    assert (fitted.transform(scores) <= upper).all()
    assert np.median(upper - lower) < 0.02


@pytest.mark.parametrize(
    "change",
    [{"scores": [0.5, 0.1]}, {"as_positive": [0.5]}, {"as_negative": [0.5, 0.0]}, {"kind": "beta"}],
)
def test_a_damaged_record_is_refused(change):
    with pytest.raises(InputError):
        VennAbersCalibrator.from_dict(VennAbersCalibrator().to_dict() | change)
