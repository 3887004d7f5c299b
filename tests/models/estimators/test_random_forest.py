import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.estimators.random_forest import LEAST_SHARE, RandomForest
from minerisk.models.trees.model import Trees

RNG = np.random.default_rng(3)
X = RNG.normal(size=(3_000, 5)).astype(np.float32)
X[RNG.random(X.shape) < 0.1] = np.nan
Y = (RNG.random(3_000) < np.where(np.nan_to_num(X[:, 0]) > 0.3, 0.6, 0.1)).astype(int)


def walked(trees: Trees, tree: int, row: np.ndarray) -> float:
    """Score a row as a reader of the trees would."""
    node = 0
    while node >= 0:
        at = trees.node_start[tree] + node
        value = row[trees.feature[at]]
        left = trees.decision[at] & 2 if np.isnan(value) else value <= trees.threshold[at]
        node = int(trees.left[at] if left else trees.right[at])
    return float(trees.leaf_value[trees.leaf_start[tree] + ~node])


def test_the_probability_is_the_mean_of_the_leaves_that_a_row_comes_to() -> None:
    forest = RandomForest(trees=4, seed=1).fit(X, Y)
    trees = forest.kernel_.members[0]
    by_hand = [np.mean([walked(trees, tree, row) for tree in range(4)]) for row in X[:200]]
    found = forest.predict_proba(X[:200])[:, 1]
    np.testing.assert_allclose(found, np.clip(by_hand, LEAST_SHARE, 1 - LEAST_SHARE), rtol=1e-12)


def test_leaves_hold_rows_enough_and_nodes_what_their_children_hold() -> None:
    forest = RandomForest(trees=3, min_cells_in_leaf=40, leaves=16, seed=1).fit(X, Y)
    trees = forest.kernel_.members[0]
    assert trees.leaf_count.min() >= 40
    assert np.diff(trees.leaf_start).max() <= 16
    for tree in range(3):
        first, leaf = trees.node_start[tree], trees.leaf_start[tree]
        counts = trees.node_count[first : trees.node_start[tree + 1]]
        assert counts[0] == int(0.632 * len(X))
        for node, count in enumerate(counts):
            children = trees.left[first + node], trees.right[first + node]
            held = [counts[c] if c >= 0 else trees.leaf_count[leaf + ~c] for c in children]
            assert sum(held) == count


def test_a_lone_split_lies_between_the_classes() -> None:
    column = np.repeat(np.float32([1, 2, 4, 8]), 100)[:, None]
    forest = RandomForest(trees=5, leaves=2, seed=0).fit(column, (column[:, 0] > 2).astype(int))
    trees = forest.kernel_.members[0]
    assert trees.threshold.tolist() == [3.0] * 5
    assert trees.leaf_value.tolist() == [0.0, 1.0] * 5


def test_missing_values_go_where_they_are_like_the_others() -> None:
    column = np.repeat(np.float32([1, 2, np.nan]), 200)[:, None]
    for low in (0, 1):
        y = np.repeat([low, 1 - low, low], 200)
        found = (
            RandomForest(trees=3, seed=0).fit(column, y).predict(np.float32([[1], [2], [np.nan]]))
        )
        assert found.tolist() == [low, 1 - low, low]
    # And apart from all numbers, where these are alike.
    alone = RandomForest(trees=3, seed=0).fit(column, np.repeat([0, 0, 1], 200))
    assert alone.predict(np.float32([[1], [9], [np.nan]])).tolist() == [0, 0, 1]


def test_the_same_seed_gives_the_same_bytes_and_another_does_not() -> None:
    first, again, other = (
        RandomForest(trees=5, seed=seed).fit(X, Y).predict_proba(X) for seed in (1, 1, 2)
    )
    assert first.tobytes() == again.tobytes() != other.tobytes()


def test_rows_of_weight_0_count_as_if_they_were_not_there() -> None:
    weight = (np.arange(len(Y)) % 3 > 0) * 2.5
    with_them = RandomForest(trees=5, seed=1).fit(X, Y, sample_weight=weight)
    kept = weight > 0
    without = RandomForest(trees=5, seed=1).fit(X[kept], Y[kept], sample_weight=weight[kept])
    assert with_them.predict_proba(X).tobytes() == without.predict_proba(X).tobytes()


def test_weights_make_the_share_of_a_leaf() -> None:
    y = np.tile([0, 1], 500)
    forest = RandomForest(trees=200, seed=1).fit(
        np.zeros((1_000, 1)), y, sample_weight=np.where(y == 1, 1.0, 3.0)
    )
    assert forest.predict_proba(np.zeros((1, 1)))[0, 1] == pytest.approx(0.25, abs=0.005)


def test_one_class_is_refused() -> None:
    with pytest.raises(InputError, match="one class only; expected positives and negatives"):
        RandomForest().fit(X, np.zeros(len(X)))
