"""Measures against hand counts, closed forms, scikit-learn and simulation."""

import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from sklearn import metrics as oracle
from sklearn.linear_model import LogisticRegression

from minerisk.features.errors import InputError
from minerisk.models.evaluation.metrics import (
    block_bootstrap,
    capture_curve,
    measured_draws,
    miss_rate_bound,
    rank_score,
    reliability,
    score,
)
from minerisk.models.evaluation.ranking_kernels import land_to_find
from minerisk.models.evaluation.score_groups import tie_groups

KEYS = {
    "roc_auc", "average_precision", "found_in_top_5", "found_in_top_10", "found_in_top_20",
    "hectares_to_50", "hectares_to_80", "hectares_to_95", "brier", "log_loss",
    "calibration_slope", "calibration_intercept", "ece", "lowest_class_miss_rate",
}  # fmt: skip


def world(seed, n=20_000, base=-3.0):
    rng = np.random.default_rng(seed)
    p = 1 / (1 + np.exp(-(base + rng.normal(size=n))))
    return (rng.random(n) < p).astype(int), p, rng


def test_all_measures_are_there():
    y, p, _ = world(0)
    assert set(score(y, p, cell_ha=6.25)) == KEYS


def test_ten_cells_by_hand():
    y = [1, 0, 1, 0, 0, 1, 0, 0, 0, 1]
    p = np.linspace(0.95, 0.05, 10)
    measured = score(y, p, cell_ha=4.0)
    # pairs won by the positives at ranks 1, 3, 6, 10 against six negatives: 6 + 5 + 3 + 0
    assert measured["roc_auc"] == pytest.approx(14 / 24)
    assert measured["average_precision"] == pytest.approx((1 / 1 + 2 / 3 + 3 / 6 + 4 / 10) / 4)
    assert measured["found_in_top_10"] == pytest.approx(1 / 4)
    assert measured["found_in_top_5"] == pytest.approx(1 / 8)  # half of the first cell
    assert measured["found_in_top_20"] == pytest.approx(1 / 4)
    assert measured["hectares_to_50"] == pytest.approx(3 * 4.0)
    assert measured["hectares_to_80"] == pytest.approx((9 + 0.2) * 4.0)
    assert measured["lowest_class_miss_rate"] == pytest.approx(2 / 4)
    assert measured["brier"] == pytest.approx(np.mean((p - y) ** 2))


def test_a_tie_gives_the_mean_over_all_orders_within_it():
    y = np.array([1, 0, 1, 0, 0, 1])
    p = np.array([0.9, 0.5, 0.5, 0.5, 0.5, 0.1])
    found, wins = [], []
    for order in itertools.permutations([1, 2, 3, 4]):
        broken = p.copy()
        broken[list(order)] = [0.53, 0.52, 0.51, 0.50]
        found.append(capture_curve(y, broken, points=7)[:, 1])
        wins.append(oracle.roc_auc_score(y, broken))
    np.testing.assert_allclose(capture_curve(y, p, points=7)[:, 1], np.mean(found, axis=0))
    assert rank_score(y, p, cell_ha=1)["roc_auc"] == pytest.approx(np.mean(wins))


def test_a_constant_finds_as_much_as_it_searches():
    y, _, _ = world(1)
    measured = score(y, np.full(y.size, y.mean()), cell_ha=2.0)
    assert measured["roc_auc"] == 0.5
    assert measured["average_precision"] == pytest.approx(y.mean())
    assert measured["found_in_top_20"] == pytest.approx(0.2)
    assert measured["hectares_to_80"] == pytest.approx(0.8 * y.size * 2.0)
    assert measured["calibration_intercept"] == pytest.approx(0.0, abs=1e-9)
    assert np.isnan(measured["calibration_slope"])
    assert measured["ece"] == pytest.approx(0.0, abs=1e-12)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(2, 40), st.booleans())
def test_scikit_learn_agrees_ties_and_weights_included(seed, levels, weighted):
    rng = np.random.default_rng(seed)
    p = rng.integers(1, levels + 1, 200) / (levels + 2)
    y = np.append(rng.integers(0, 2, 198), [0, 1])
    w = rng.uniform(0.1, 3, 200) if weighted else None
    ours = score(y, p, cell_ha=1, weight=w)
    assert ours["roc_auc"] == pytest.approx(oracle.roc_auc_score(y, p, sample_weight=w))
    theirs = oracle.average_precision_score(y, p, sample_weight=w)
    assert ours["average_precision"] == pytest.approx(theirs)
    assert ours["log_loss"] == pytest.approx(oracle.log_loss(y, p, sample_weight=w))
    assert ours["brier"] == pytest.approx(oracle.brier_score_loss(y, p, sample_weight=w))


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**20))
def test_a_weight_of_two_is_the_row_twice_and_row_order_is_nothing(seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(1, 30, 120) / 31
    y = np.append(rng.integers(0, 2, 118), [0, 1])
    times = rng.integers(1, 4, 120)
    weighted = score(y, p, cell_ha=1, weight=times)
    order = rng.permutation(times.sum())
    repeated = score(y.repeat(times)[order], p.repeat(times)[order], cell_ha=1)
    for name in KEYS:
        assert weighted[name] == pytest.approx(repeated[name], rel=1e-7, abs=1e-9), name


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 2**20))
def test_ranking_does_not_change_under_a_rising_transform(seed):
    rng = np.random.default_rng(seed)
    p = rng.integers(1, 30, 120) / 31
    y = np.append(rng.integers(0, 2, 118), [0, 1])
    assert rank_score(y, p, cell_ha=1) == rank_score(y, 5 * p**3 - 7, cell_ha=1)


def test_the_capture_curve_rises_from_nothing_to_all_and_is_its_own_inverse():
    y, p, _ = world(2)
    curve = capture_curve(y, p)
    assert curve.shape == (101, 2)
    assert curve[0].tolist() == [0, 0]
    assert curve[-1].tolist() == [1, 1]
    assert (np.diff(curve[:, 1]) >= 0).all()
    groups = tie_groups(p, y.astype(float), np.ones(y.size))
    hectares = land_to_find(groups.positive, groups.land, curve[1:-1, 1])[0]
    # the least land: never more than was searched, and where the curve rises just that
    assert (hectares <= curve[1:-1, 0] * y.size + 1e-6).all()
    np.testing.assert_allclose(hectares / y.size, curve[1:-1, 0], atol=0.02)


def test_the_normal_model_gives_its_closed_form_area():
    rng = np.random.default_rng(4)
    y = np.repeat([1, 0], [40_000, 40_000])
    value = rng.normal(size=80_000) + y
    area = rank_score(y, value, cell_ha=1)["roc_auc"]
    assert area == pytest.approx(stats.norm.cdf(1 / np.sqrt(2)), abs=0.005)


def test_a_stretched_and_shifted_logit_is_read_back():
    rng = np.random.default_rng(5)
    logit = rng.normal(-2, 1.5, 400_000)
    y = rng.random(logit.size) < 1 / (1 + np.exp(-logit))
    stretched = score(y, 1 / (1 + np.exp(-2 * logit)), cell_ha=1)
    assert stretched["calibration_slope"] == pytest.approx(0.5, abs=0.01)
    shifted = score(y, 1 / (1 + np.exp(-(logit + 0.7))), cell_ha=1)
    assert shifted["calibration_slope"] == pytest.approx(1.0, abs=0.02)
    assert shifted["calibration_intercept"] == pytest.approx(-0.7, abs=0.02)


def test_scores_that_lie_close_together_have_the_slope_that_scikit_learn_finds() -> None:
    rng = np.random.default_rng(3)
    logit = rng.uniform(-3.3, -2.4, 900)
    y = (rng.random(900) < 1 / (1 + np.exp(-(20 + 8 * logit)))).astype(int)
    measured = score(y, 1 / (1 + np.exp(-logit)), cell_ha=1)
    fitted = LogisticRegression(C=np.inf, tol=1e-10).fit(logit[:, None], y)
    assert measured["calibration_slope"] == pytest.approx(fitted.coef_[0, 0], rel=1e-4)


def test_a_score_that_parts_the_classes_but_for_ties_has_no_slope() -> None:
    y, p = [0, 0, 0, 1, 1, 1], [0.1, 0.2, 0.3, 0.3, 0.8, 0.9]
    assert np.isnan(score(y, p, cell_ha=1)["calibration_slope"])


def test_a_part_of_the_measures_is_as_among_all() -> None:
    rng = np.random.default_rng(4)
    p = rng.uniform(0, 0.3, 800)
    y, blocks = rng.random(800) < p, np.arange(800) // 40
    whole = block_bootstrap(y, p, blocks, cell_ha=1, draws=20)
    ranks = block_bootstrap(y, p, blocks, cell_ha=1, draws=20, part="ranks")
    others = block_bootstrap(y, p, blocks, cell_ha=1, draws=20, part="probabilities")
    assert ranks | others == whole
    assert not ranks.keys() & others.keys()


def test_separated_classes_have_no_slope():
    y = np.array([0, 0, 0, 1, 1])
    assert np.isnan(score(y, [0.1, 0.2, 0.3, 0.8, 0.9], cell_ha=1)["calibration_slope"])


def test_calibration_error_by_hand():
    y = np.repeat([[1, 0, 0, 0], [1, 1, 1, 0]], 5, axis=0).ravel()
    p = np.repeat([0.35, 0.70], 20)
    assert score(y, p, cell_ha=1)["ece"] == pytest.approx((0.10 + 0.05) / 2)


def test_reliability_bins_hold_even_land_and_the_truth():
    y, p, _ = world(6, n=50_000)
    bins = reliability(y, p)
    assert [row.cells for row in bins] == [5_000] * 10
    assert np.mean([row.low <= row.predicted <= row.high for row in bins]) >= 0.7
    assert (np.diff([row.predicted for row in bins]) > 0).all()


def test_equal_predictions_stay_in_one_bin():
    bins = reliability([0, 1, 0, 0, 1, 1], [0.2, 0.2, 0.2, 0.2, 0.9, 0.9], bins=3)
    assert [(row.cells, row.observed) for row in bins] == [(4, 0.25), (2, 1.0)]


def test_cells_that_repeat_their_block_count_once():
    y, p, _ = world(7, n=2_000)
    block = np.arange(2_000).repeat(9)
    alone = reliability(y, p)
    together = reliability(y.repeat(9), p.repeat(9), blocks=block)
    naive = reliability(y.repeat(9), p.repeat(9))
    for one, many, narrow in zip(alone, together, naive, strict=True):
        assert many.low == pytest.approx(one.low, abs=2e-3)
        assert many.high == pytest.approx(one.high, abs=2e-3)
        assert narrow.high - narrow.low < 0.5 * (many.high - many.low)


def test_no_miss_does_not_mean_no_misses_elsewhere():
    y = np.repeat([1, 0], [60, 940])
    p = np.linspace(0.9, 0.1, 1_000)
    alone = miss_rate_bound(y, p, np.arange(1_000), level=0.95)
    assert alone == pytest.approx(1 - 0.05 ** (1 / 60))  # the rule of three, exactly
    six_blocks = miss_rate_bound(y, p, np.arange(1_000) // 10, level=0.95)
    assert six_blocks == pytest.approx(1 - 0.05 ** (1 / 6))
    interval = block_bootstrap(y, p, np.arange(1_000) // 10, cell_ha=1, draws=50, level=0.9)
    assert interval["lowest_class_miss_rate"][0] == 0.0
    assert interval["lowest_class_miss_rate"][2] == pytest.approx(six_blocks)


def test_the_fast_bootstrap_agrees_with_resampling_rows_and_scoring_them():
    y, p, rng = world(8, n=6_000)
    p = p ** rng.uniform(0.9, 1.1, p.size)
    block = rng.integers(0, 40, p.size)
    _, fast = measured_draws(y, p, block, cell_ha=1.0, draws=25, seed=3)
    times = np.random.default_rng(3).multinomial(40, np.full(40, 1 / 40), size=25)
    slow = [score(y, p, cell_ha=1.0, weight=drawn[block]) for drawn in times]
    close = {"roc_auc": 1e-4, "average_precision": 2e-3, "brier": 1e-9, "log_loss": 1e-9,
             "calibration_slope": 2e-3, "calibration_intercept": 2e-3, "ece": 1e-3,
             "hectares_to_50": 12, "hectares_to_80": 12, "hectares_to_95": 12}  # fmt: skip
    for name in KEYS:
        expected = np.array([one[name] for one in slow])
        np.testing.assert_allclose(fast[name], expected, atol=close.get(name, 4e-3), rtol=0)


def test_few_different_scores_are_bootstrapped_exactly():
    y, p, rng = world(9, n=5_000)
    p = np.round(p, 2) + 0.001
    block = rng.integers(0, 30, p.size)
    _, fast = measured_draws(y, p, block, cell_ha=1.0, draws=5, seed=0)
    times = np.random.default_rng(0).multinomial(30, np.full(30, 1 / 30), size=5)
    for draw, drawn in enumerate(times):
        slow = score(y, p, cell_ha=1.0, weight=drawn[block])
        for name in KEYS:
            assert fast[name][draw] == pytest.approx(slow[name], rel=1e-7), name


def test_the_estimate_is_exact_inside_its_interval_and_repeats():
    y, p, rng = world(10)
    block = rng.integers(0, 60, p.size)
    once = block_bootstrap(y, p, block, cell_ha=6.25, draws=60, seed=1)
    exact = score(y, p, cell_ha=6.25)
    assert set(once) == KEYS
    for name, (value, low, high) in once.items():
        assert value == exact[name]
        assert low <= value <= high
    assert once == block_bootstrap(y, p, block, cell_ha=6.25, draws=60, seed=1)


def test_the_interval_covers_the_truth_where_cells_of_a_block_are_alike():
    covered = []
    for seed in range(80):
        rng = np.random.default_rng(seed)
        block = np.arange(60).repeat(25)
        shared = rng.normal(size=60)[block]
        p = 1 / (1 + np.exp(-(-1 + rng.normal(size=block.size))))
        y = (rng.random(block.size) < 1 / (1 + np.exp(-(-1 + shared)))).astype(int)
        # the score says nothing: true ROC-AUC is 0.5, and prevalence varies by block
        low, high = block_bootstrap(y, p, block, cell_ha=1, draws=100, seed=seed)["roc_auc"][1:]
        covered.append(low <= 0.5 <= high)
    assert 0.80 <= np.mean(covered) <= 0.98


@pytest.mark.parametrize(
    ("y", "p", "words"),
    [
        ([0, 1], [0.1, 1.2], "expected probabilities"),
        ([0, 0], [0.1, 0.2], "both classes"),
        ([0, 1], [0.1, np.nan], "not finite"),
        ([-1, 1], [0.1, 0.2], "neither 0 nor 1"),
        ([0, 1], [0.1, 0.2, 0.3], "shapes"),
    ],
)
def test_what_cannot_be_measured_is_refused(y, p, words):
    with pytest.raises(InputError, match=words):
        score(y, p, cell_ha=1)


def test_one_block_gives_no_interval():
    with pytest.raises(InputError, match="one block"):
        block_bootstrap([0, 1], [0.1, 0.2], [3, 3], cell_ha=1)
