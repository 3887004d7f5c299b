"""The kernel's scores are LightGBM's, bit for bit, whatever LightGBM can write."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.models.estimators.members import TreeMembers
from minerisk.models.trees.bins import BLOCK, TASK
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.model import UnreadableTreesError, read_trees
from minerisk.models.trees.stored_booster import trees_of

QUIET = {"verbosity": -1, "num_threads": 1, "min_data_per_group": 2, "cat_smooth": 1}


def land(seed: int, *, rows: int, missing: float, zeros: float) -> np.ndarray:
    """Six columns: three of numbers, few and many; one coarse, one wide, one of categories."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, 6))
    X[:, 1] = np.round(X[:, 1], 1)
    X[:, 3] = rng.integers(-2, 3, rows)
    X[:, 4] = rng.choice([-1, 1], rows) * 10.0 ** rng.uniform(-40, 38, rows)
    X[:, 5] = rng.integers(0, 80, rows)
    X[rng.random(X.shape) < zeros] = 0.0
    X[rng.random(X.shape) < missing] = np.nan
    return X.astype(np.float32)


def odd_rows() -> np.ndarray:
    """Values that trees seldom see: infinities, numbers next to 0, categories that are none."""
    odd = [np.nan, np.inf, -np.inf, 0.0, -0.0, 1e-35, -1e-35, 1e-36, 2e-35, 1e-45, 3e38, -3e38]
    odd += [-0.5, 0.5, 1.9, -1.0, 79.0, 80.0, 2**31, 3e9, 16_777_216.0]
    rng = np.random.default_rng(1)
    return rng.choice(np.array(odd, dtype=np.float32), size=(300, 6))


def trained(X: np.ndarray, *, categorical: bool = True, trees: int = 5, **chosen) -> lgb.Booster:
    known = np.nan_to_num(X, posinf=0, neginf=0)
    signal = known[:, 0] + np.isnan(X[:, 1]) + np.sin(9 * known[:, 5]) + (known[:, 3] == 0)
    y = (signal > np.median(signal)).astype(float) if chosen["objective"] == "binary" else signal
    data = lgb.Dataset(X, y, categorical_feature=[5] if categorical else [])
    return lgb.train(QUIET | chosen, data, trees)


def scores_of(boosters: list[lgb.Booster], X: np.ndarray) -> np.ndarray:
    return np.column_stack([b.predict(X, raw_score=True, num_threads=1) for b in boosters])


def made(boosters: list[lgb.Booster]) -> Kernel:
    return Kernel([trees_of(booster) for booster in boosters])


CHOICES = st.fixed_dictionaries(
    {
        "objective": st.sampled_from(["binary", "regression"]),
        "boosting": st.sampled_from(["gbdt", "dart", "rf"]),
        "num_leaves": st.integers(2, 70),
        "min_data_in_leaf": st.integers(1, 60),
        "max_bin": st.sampled_from([3, 16, 255]),
        "use_missing": st.booleans(),
        "zero_as_missing": st.booleans(),
        "extra_trees": st.booleans(),
        "max_cat_to_onehot": st.sampled_from([1, 100]),
        "seed": st.integers(0, 100),
    }
)


@settings(max_examples=40, deadline=None)
@given(
    chosen=st.lists(CHOICES, min_size=1, max_size=3),
    missing=st.sampled_from([0.0, 0.01, 0.4]),
    zeros=st.sampled_from([0.0, 0.3]),
    categorical=st.booleans(),
    seed=st.integers(0, 10_000),
)
def test_scores_equal_those_of_lightgbm_bit_for_bit(chosen, missing, zeros, categorical, seed):
    boosters = [
        trained(
            land(seed + number, rows=200, missing=missing, zeros=zeros),
            categorical=categorical,
            bagging_freq=1,
            bagging_fraction=0.7,
            feature_fraction=0.8,
            **member,
        )
        for number, member in enumerate(chosen)
    ]
    seen = land(seed + 9, rows=BLOCK + 3, missing=0.2, zeros=0.2)
    for rows in (seen, odd_rows()):
        np.testing.assert_array_equal(made(boosters).raw(rows), scores_of(boosters, rows))


def test_thresholds_halfway_between_neighbouring_float32_numbers_part_them():
    """The nearest float32 of such a threshold is one of the two, and half the time the upper."""
    ladder = (np.float32(1) + np.arange(64, dtype=np.float32) * np.finfo(np.float32).eps)[:, None]
    chosen = QUIET | {"objective": "regression", "min_data_in_leaf": 1, "min_data_in_bin": 1}
    data = lgb.Dataset(ladder, np.arange(64) % 5)
    boosters = [lgb.train(chosen | {"num_leaves": 40}, data, 3)]
    scores = made(boosters).raw(ladder)
    np.testing.assert_array_equal(scores, scores_of(boosters, ladder))
    assert np.count_nonzero(np.diff(scores, axis=0)) > 30


def test_trees_of_one_leaf_and_of_hundreds_are_read():
    X = land(3, rows=3_000, missing=0.1, zeros=0.1)
    boosters = [
        trained(X, objective="regression", min_data_in_leaf=2_000),
        trained(X, objective="regression", min_data_in_leaf=1, num_leaves=700),
    ]
    assert [booster.trees_to_dataframe()["node_depth"].max() > 1 for booster in boosters] == [0, 1]
    np.testing.assert_array_equal(made(boosters).raw(X), scores_of(boosters, X))


def test_children_in_another_order_than_lightgbm_numbers_them_are_read():
    """Leaf 0 and leaf 1 of a stump swapped, and the same in the tree's own text."""
    X = land(4, rows=500, missing=0.0, zeros=0.0)
    text = trained(X, objective="regression", trees=1, num_leaves=2).model_to_string()
    for line in ("left_child=-1", "right_child=-2"):
        assert f"{line}\n" in text
    swapped = text.replace("left_child=-1\n", "left_child=-2\n")
    swapped = swapped.replace("right_child=-2\n", "right_child=-1\n")
    ours, other = Kernel([read_trees(text), read_trees(swapped)]).raw(X).T
    assert (ours != other).all()
    np.testing.assert_array_equal(other, lgb.Booster(model_str=swapped).predict(X, raw_score=True))


def test_the_same_bytes_for_any_threads_and_any_cut_into_blocks():
    X = land(5, rows=2 * TASK + 77, missing=0.1, zeros=0.1)
    kernel = made([trained(X[:1_000], objective="binary", trees=20)])
    whole = kernel.raw(X)
    assert kernel.raw(X, threads=3).tobytes() == whole.tobytes()
    parts = [kernel.raw(part) for part in np.split(X, [1, 600, TASK + 5])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()
    assert kernel.raw(np.asfortranarray(X)).tobytes() == whole.tobytes()
    assert kernel.raw(X[:0]).shape == (0, 1)


@pytest.mark.parametrize(
    ("settings_", "words"),
    [
        ({"objective": "regression", "linear_tree": True}, "linear"),
        ({"objective": "multiclass", "num_class": 3}, "classes"),
    ],
)
def test_trees_that_only_lightgbm_can_walk_are_named(settings_, words):
    X = land(6, rows=300, missing=0.0, zeros=0.0)[:, :3]
    data = lgb.Dataset(X, (X[:, 0] > 0) + 0.0, free_raw_data=False)
    booster = lgb.train(QUIET | settings_, data, 2)
    with pytest.raises(UnreadableTreesError, match=words):
        made([booster])


def test_a_booster_that_the_kernel_cannot_read_is_left_to_lightgbm_with_a_word(caplog):
    X = land(6, rows=5_000, missing=0.1, zeros=0.0)
    data = lgb.Dataset(X[:, :3], np.nan_to_num(X[:, 0]), free_raw_data=False)
    booster = lgb.train(QUIET | {"objective": "regression", "linear_tree": True}, data, 2)
    scores = TreeMembers((booster,), (False,)).log_odds(X[:, :3].copy(), threads=1)
    np.testing.assert_array_equal(scores, scores_of([booster], X[:, :3].copy()))
    assert "linear models. LightGBM walks them itself" in caplog.text


def test_the_ensemble_is_scored_by_the_kernel(monkeypatch):
    X = land(9, rows=5_000, missing=0.1, zeros=0.0)
    boosters = [trained(X, objective="binary", seed=seed) for seed in range(2)]
    expected = scores_of(boosters, X)
    monkeypatch.setattr(lgb.Booster, "predict", None)
    members = TreeMembers(tuple(boosters), (False,) * len(boosters))
    np.testing.assert_array_equal(members.log_odds(X, threads=2), expected)


def test_a_column_that_is_category_and_number_at_once_is_left_to_lightgbm():
    X = land(7, rows=500, missing=0.0, zeros=0.0)
    boosters = [trained(X, objective="binary", categorical=kind) for kind in (True, False)]
    with pytest.raises(UnreadableTreesError, match="category"):
        made(boosters)


@pytest.mark.parametrize("rows", [np.zeros((3, 5), np.float32), np.zeros((3, 6))])
def test_rows_of_another_width_or_type_are_refused(rows):
    X = land(8, rows=300, missing=0.0, zeros=0.0)
    with pytest.raises(InputError, match="float32 rows of 6"):
        made([trained(X, objective="binary")]).raw(rows)
