"""What a model text must hold to be read; models made by LightGBM, spoilt one place at a time."""

import re

import lightgbm as lgb
import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.trees.model import read_trees

SETTINGS = {
    "objective": "binary",
    "verbosity": -1,
    "num_threads": 1,
    "num_leaves": 5,
    "min_data_in_leaf": 5,
    "min_data_per_group": 5,
    "cat_smooth": 1,
}


@pytest.fixture(scope="module")
def booster() -> lgb.Booster:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(500, 4))
    X[:, 3] = rng.integers(0, 70, 500)
    y = (np.sin(X[:, 3] * 9) + X[:, 0] > 0).astype(float)
    return lgb.train(SETTINGS, lgb.Dataset(X, y, categorical_feature=[3]), 5)


@pytest.fixture(scope="module")
def text(booster: lgb.Booster) -> str:
    return booster.model_to_string()


def test_what_is_read_is_what_lightgbm_holds(booster: lgb.Booster, text: str) -> None:
    trees = read_trees(text)
    table = booster.trees_to_dataframe()
    assert len(trees.node_start) - 1 == booster.num_trees()
    for number in range(booster.num_trees()):
        leaves = trees.leaf_value[slice(*trees.leaf_start[number : number + 2])]
        held = [booster.get_leaf_output(number, leaf) for leaf in range(len(leaves))]
        assert leaves.tolist() == held
    splits = table[table["split_feature"].notna()]
    by_category = splits[splits["decision_type"] == "=="]
    stated = [frozenset(map(int, words.split("||"))) for words in by_category["threshold"]]
    assert sorted(map(sorted, trees.categories.values())) == sorted(map(sorted, stated))
    assert trees.node_count.sum() == splits["count"].sum()


def spoilt(text: str, pattern: str, replacement: str) -> str:
    """Change one place, and make the stated sizes true again."""
    broken = re.sub(pattern, replacement, text, count=1)
    assert broken != text
    _, *blocks = broken.split("\nend of trees")[0].split("\nTree=")
    sizes = " ".join(str(len(block) + 6) for block in blocks)
    return re.sub(r"tree_sizes=.*", f"tree_sizes={sizes}", broken, count=1)


@pytest.mark.parametrize(
    ("pattern", "replacement"),
    [
        (r"left_child=(-?\d+)", "left_child=99999"),
        (r"left_child=(-?\d+)", "left_child=0"),
        (r"split_feature=\d+", "split_feature=77"),
        (r"split_feature=\d+", "split_feature=-1"),
        (r"num_leaves=\d+", "num_leaves=1000000000"),
        (r"num_leaves=\d+", "num_leaves=0"),
        (r"num_leaves=\d+", "num_leaves=2"),
        (r"threshold=\S+", "threshold=nan"),
        (r"leaf_value=\S+", "leaf_value=inf"),
        (r"leaf_count=\S+", "leaf_count=-1"),
        (r"leaf_count=\S+ ", "leaf_count="),
        (r"leaf_weight=\S+ ", "leaf_weight="),
        (r"decision_type=\d+", "decision_type=12"),
        (r"decision_type=\d+", "decision_type=999"),
        (r"num_cat=\d+", "num_cat=9"),
        (r"cat_boundaries=0", "cat_boundaries=1"),
        (r"cat_boundaries=.*", "cat_boundaries=0 900"),
        (r"cat_threshold=\d+", "cat_threshold=99999999999"),
        (r"end of trees", "end of tr"),
        (r"max_feature_idx=3", "max_feature_idx=2"),
        (r"max_feature_idx=3", "max_feature_idx=-3"),
        (r"num_tree_per_iteration=1", "num_tree_per_iteration=0"),
        (r"num_tree_per_iteration=1", "num_tree_per_iteration=3"),
        (r"\nthreshold=", "\nthresh="),
        (r"version=v4", "version=v9"),
        (r"threshold=(\d)", r"threshold=1_\1"),
        (r"left_child=(-?\d)", r"left_child=0_\1"),
        (r"\nnum_cat=(\d)", r"\nnum_cat=\1\nnum_cat=\1"),
    ],
)
def test_a_model_that_does_not_hold_together_is_refused(
    text: str, pattern: str, replacement: str
) -> None:
    with pytest.raises(InputError):
        read_trees(spoilt(text, pattern, replacement))


def test_a_threshold_that_parts_missing_values_from_all_numbers_is_infinite() -> None:
    X = np.zeros((400, 1))
    X[:200] = np.nan
    booster = lgb.train(SETTINGS, lgb.Dataset(X, np.isnan(X[:, 0])), 1)
    trees = read_trees(booster.model_to_string())
    assert trees.threshold[0] > 0


def test_a_node_that_nothing_leads_to_is_refused(text: str) -> None:
    """Two nodes that are each other's child hold every number once, and are never reached."""
    assert read_trees(text).node_start[1] == 4
    broken = spoilt(text, r"left_child=.*", "left_child=-1 2 1 3")
    broken = spoilt(broken, r"right_child=.*", "right_child=-2 -3 -4 -5")
    with pytest.raises(InputError, match="before its parent"):
        read_trees(broken)


@pytest.mark.parametrize("sizes", ["", "tree_sizes=1 2 3 4 5", "tree_sizes=999999999"])
def test_sizes_that_are_not_those_of_the_trees_are_refused(text: str, sizes: str) -> None:
    with pytest.raises(InputError, match="sizes"):
        read_trees(re.sub(r"tree_sizes=.*", sizes, text))
