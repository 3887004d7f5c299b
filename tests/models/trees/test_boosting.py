"""Boosted trees of the kernel are LightGBM's on the same bins, but for their rounding."""

import lightgbm as lgb
import numpy as np
import pytest

from minerisk.models.estimators.member_growth import SAME_TREES, ForestGrowth, grown_member
from minerisk.models.trees.binned_rows import bin_rows
from minerisk.models.trees.boosting import Growth
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.model import Trees, read_trees

N, P, TREES = 3_000, 12, 60
COLUMNS = np.ones(P, np.bool_)


def land(missing: float, *, seed: int = 1) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Whole numbers without 0, of fewer values than bins: both have a bin for each value."""
    rng = np.random.default_rng(seed)
    X = np.round(rng.normal(size=(N, P)) * 20).astype(np.float32)
    X[X == 0] = 1
    log_odds = X[:, 0] / 20 + np.sin(X[:, 3] / 10) + X[:, 1] * X[:, 2] / 400 - 1.5
    X[:, ::2][rng.random((N, P // 2)) < missing] = np.nan
    y = (rng.random(N) < 1 / (1 + np.exp(-log_odds))).astype(np.float32)
    return X, y, rng.uniform(0.5, 3.0, N)


def growth(**other: float) -> Growth:
    settings = {"trees": TREES, "leaves": 7, "min_rows": 60, "seed": 11, "learning_rate": 0.1,
                "feature_share": 1.0, "row_share": 1.0, "l2": 10.0}  # fmt: skip
    return Growth(**settings | other)


def by_lightgbm(X: np.ndarray, y: np.ndarray, weight: np.ndarray, how: Growth,
                monotone: list[int]) -> Trees:  # fmt: skip
    parameters = SAME_TREES | {
        "objective": "binary", "learning_rate": how.learning_rate, "num_leaves": how.leaves,
        "min_data_in_leaf": how.min_rows, "feature_fraction": how.feature_share,
        "bagging_fraction": how.row_share, "lambda_l2": how.l2, "seed": how.seed, "max_bin": 255,
        "feature_pre_filter": False, "min_data_in_bin": 1,
    }  # fmt: skip
    if any(monotone):
        parameters["monotone_constraints"] = monotone
    data = lgb.Dataset(X, y, weight=weight, params=parameters)
    return read_trees(lgb.train(parameters, data, how.trees).model_to_string())


def alike(one: Trees, other: Trees, tree: int) -> bool:
    """Whether a tree splits the same rows by the same columns in the same order."""
    a, b = (slice(*trees.node_start[tree : tree + 2]) for trees in (one, other))
    c, d = (slice(*trees.leaf_start[tree : tree + 2]) for trees in (one, other))
    return np.array_equal(one.leaf_count[c], other.leaf_count[d]) and all(
        np.array_equal(getattr(one, name)[a], getattr(other, name)[b])
        for name in ("feature", "node_count", "left", "right")
    )


@pytest.mark.parametrize("missing", [0.0, 0.2])
@pytest.mark.parametrize(
    "other",
    [{}, {"row_share": 0.7}, {"feature_share": 0.3}, {"feature_share": 0.8, "row_share": 0.5},
     {"leaves": 2}, {"leaves": 15, "min_rows": 30}, {"l2": 0.0}],
    ids=str,
)  # fmt: skip
@pytest.mark.parametrize("way", [0, 1, -1])
def test_trees_are_those_of_lightgbm(missing: float, other: dict[str, float], way: int) -> None:
    X, y, weight = land(missing)
    how, monotone = growth(**other), [way, 0, 0, -way, *[0] * (P - 4)]
    own = grown_member(bin_rows(X), COLUMNS, y, weight, how, monotone).trees
    theirs = by_lightgbm(X, y, weight, how, monotone)
    # One rounding decides between two splits of the same gain, and all later trees then differ.
    same = next((tree for tree in range(TREES) if not alike(own, theirs, tree)), TREES)
    assert same >= TREES // 2
    nodes, leaves = slice(0, own.node_start[same]), slice(0, own.leaf_start[same])
    np.testing.assert_allclose(own.leaf_value[leaves], theirs.leaf_value[leaves], atol=2e-6)
    # Where none of its rows has a value between, a split may lie at either end.
    ends = own.threshold[nodes], theirs.threshold[nodes]
    assert (np.isclose(*ends, atol=0.51)).mean() > 0.97


def test_scores_fall_and_rise_only_as_they_may() -> None:
    X, y, weight = land(0.1)
    monotone = [1, *[0] * (P - 1)]
    member = grown_member(bin_rows(X), COLUMNS, y, weight, growth(), monotone)
    rows = np.tile(X[:50], (80, 1))
    rows[:, 0] = np.repeat(np.linspace(-60, 60, 80), 50)
    scores = member.predict(rows, raw_score=True).reshape(80, 50)
    assert (np.diff(scores, axis=0) >= -1e-12).all()
    assert np.ptp(scores, axis=0).max() > 0.1


def test_the_text_is_read_back_as_the_same_trees_and_by_lightgbm() -> None:
    X, y, weight = land(0.2)
    member = grown_member(bin_rows(X), COLUMNS, y, weight, growth(), [1, *[0] * (P - 1)])
    read = read_trees(member.model_to_string())
    for name in ("node_start", "leaf_start", "feature", "threshold", "decision", "left", "right",
                 "node_count", "leaf_value", "leaf_count"):  # fmt: skip
        np.testing.assert_array_equal(getattr(read, name), getattr(member.trees, name))
    booster = lgb.Booster(model_str=member.model_to_string())
    assert booster.num_trees() == TREES
    assert booster.feature_importance("gain").sum() > 0
    scores = Kernel([member.trees]).raw(X)[:, 0]
    np.testing.assert_array_equal(booster.predict(X, raw_score=True, num_threads=1), scores)


def test_columns_that_a_member_does_not_see_are_never_split_on() -> None:
    X, y, weight = land(0.1)
    seen = COLUMNS.copy()
    seen[[0, 3]] = False
    trees = grown_member(bin_rows(X), seen, y, weight, growth(), [0] * P).trees
    assert not np.isin(trees.feature, [0, 3]).any()
    silent = X.copy()
    silent[:, [0, 3]] = np.nan
    again = grown_member(bin_rows(silent), COLUMNS, y, weight, growth(), [0] * P).trees
    np.testing.assert_array_equal(trees.leaf_value, again.leaf_value)


def test_rows_that_cannot_be_split_have_the_share_of_positives() -> None:
    X, y, weight = land(0.0)
    member = grown_member(bin_rows(X), COLUMNS, y, weight, growth(min_rows=N), [0] * P)
    share = np.average(y, weights=weight)
    scores = member.predict(X[:5], raw_score=True)
    np.testing.assert_allclose(scores, np.log(share / (1 - share)))
    assert read_trees(member.model_to_string()).leaf_value.tolist() == [scores[0]]


def test_a_value_that_was_never_missing_goes_with_most_rows() -> None:
    X = np.repeat(np.float32([[1.0], [2.0], [3.0]]), 100, axis=0)
    y = np.repeat(np.float32([0.0, 0.0, 1.0]), 100)
    trees = grown_member(
        bin_rows(X), np.ones(1, np.bool_), y, np.ones(300), growth(trees=1, leaves=2), [0]
    ).trees
    assert trees.threshold.tolist() == [2.5]
    nan, low = Kernel([trees]).raw(np.float32([[np.nan], [1.0]]))[:, 0]
    assert nan == low


def test_forests_are_stated_as_lightgbm_states_them() -> None:
    X, y, weight = land(0.2)
    how = ForestGrowth(trees=10, leaves=31, min_rows=20, seed=3, feature_share=0.5)
    member = grown_member(bin_rows(X), COLUMNS, y, weight, how, [0] * P)
    booster = lgb.Booster(model_str=member.model_to_string())
    mean = booster.predict(X, num_threads=1)
    np.testing.assert_allclose(mean, Kernel([member.trees]).raw(X)[:, 0] / 10)
    assert abs(np.average(mean, weights=weight) - np.average(y, weights=weight)) < 0.02
