"""Rows are binned once, and members are trained on parts of them."""

import lightgbm as lgb
import numpy as np

from minerisk.models.estimators.binned_rows import bin_parameters, bin_rows, drawn_from
from minerisk.models.estimators.estimators import SAME_TREES, LightGBMEnsemble
from minerisk.models.estimators.remembered import Remembered

TREES = {"objective": "binary", "num_leaves": 7, "min_data_in_leaf": 20, "seed": 3}


def rows(n: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    X[rng.random((n, 4)) < 0.1] = np.nan
    return X, (rng.random(n) < 1 / (1 + np.exp(1 - np.nan_to_num(X[:, 0])))).astype(np.float32)


def trained(data: lgb.Dataset) -> str:
    return lgb.train(TREES | bin_parameters(63) | SAME_TREES, data, 20).model_to_string()


def test_rows_that_are_all_drawn_give_the_trees_of_a_data_set_of_their_own() -> None:
    X, y = rows()
    weight = np.random.default_rng(2).uniform(0.5, 2.0, len(y))
    own = lgb.Dataset(X, y, weight=weight, params=bin_parameters(63))
    assert trained(drawn_from(bin_rows(X, y, bins=63), weight)) == trained(own)


def test_drawn_rows_are_as_in_a_data_set_that_takes_its_bins_from_all_rows() -> None:
    X, y = rows()
    weight = np.random.default_rng(2).poisson(1.0, len(y)).astype(np.float64)
    kept = weight > 0
    every = lgb.Dataset(X, y, params=bin_parameters(63))
    by_reference = lgb.Dataset(X[kept], y[kept], weight=weight[kept], reference=every)
    assert trained(drawn_from(bin_rows(X, y, bins=63), weight)) == trained(by_reference)


def test_no_more_bins_are_made_than_asked_for() -> None:
    X, y = rows()
    text = trained(bin_rows(X, y, bins=63))
    thresholds = {
        (column, value)
        for tree in text.split("\nTree=")[1:]
        for lines in (dict(line.split("=", 1) for line in tree.split("\n") if "=" in line),)
        for column, value in zip(
            lines["split_feature"].split(), lines["threshold"].split(), strict=True
        )
    }
    for column in range(4):
        assert len({value for one, value in thresholds if one == str(column)}) < 63


def test_the_members_of_a_training_set_share_its_binned_rows() -> None:
    X, y = rows()
    groups, known = np.arange(len(y)) // 50, Remembered()
    made = []
    ask = known.binned
    known.binned = lambda key, make: ask(key, lambda: made.append(key) or make())  # type: ignore
    for kind in ("boosted", "forest", "both"):
        settings = {"members": 4, "trees": 5, "forest_trees": 5, "kind": kind}
        LightGBMEnsemble(**settings).fit(X, y, groups=groups, known=known)
    assert len(made) == 1
