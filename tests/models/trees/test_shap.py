"""Attributions are SHAP values: LightGBM's own, those of a hand-worked tree, and their sum."""

import lightgbm as lgb
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.models.trees.bins import BLOCK, TASK
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.model import UnreadableTreesError
from minerisk.models.trees.shap import GroupShap, shap_by_group
from minerisk.models.trees.shap_tables import BITS, MOST_BITS
from minerisk.models.trees.stored_booster import trees_of

QUIET = {"verbosity": -1, "num_threads": 1, "min_data_per_group": 2, "cat_smooth": 1}


def land(seed: int, rows: int, columns: int = 6) -> np.ndarray:
    """Numbers, some missing, some 0; the last column holds categories."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(rows, columns))
    X[rng.random(X.shape) < 0.1] = 0.0
    X[:, -1] = rng.integers(0, 40, rows)
    X[rng.random(X.shape) < 0.1] = np.nan
    return X.astype(np.float32)


def trained(X: np.ndarray, *, categorical: bool = True, trees: int = 5, **chosen) -> lgb.Booster:
    known = np.nan_to_num(X)
    y = (
        known[:, 0] * known[:, 1]
        + np.isnan(X[:, 1])
        + np.sin(9 * known[:, -1])
        + known[:, 2:].sum(1)
    )
    data = lgb.Dataset(X, y, categorical_feature=[X.shape[1] - 1] if categorical else [])
    return lgb.train(QUIET | {"objective": "regression"} | chosen, data, trees)


def made(boosters: list[lgb.Booster]) -> Kernel:
    return Kernel([trees_of(booster) for booster in boosters])


def contributions(boosters: list[lgb.Booster], X: np.ndarray) -> np.ndarray:
    return np.mean([b.predict(X, pred_contrib=True, num_threads=1) for b in boosters], axis=0)


@settings(max_examples=25, deadline=None)
@given(
    chosen=st.lists(
        st.fixed_dictionaries(
            {
                "num_leaves": st.integers(2, 64),
                "min_data_in_leaf": st.integers(1, 50),
                "max_depth": st.sampled_from([-1, 3, 12]),
                "use_missing": st.booleans(),
                "zero_as_missing": st.booleans(),
            }
        ),
        min_size=1,
        max_size=3,
    ),
    categorical=st.booleans(),
    groups=st.lists(st.integers(0, 3), min_size=6, max_size=6),
    seed=st.integers(0, 10_000),
)
def test_reasons_are_the_contributions_of_lightgbm_summed_by_group(
    chosen, categorical, groups, seed
):
    X = land(seed, 200)
    boosters = [trained(X, categorical=categorical, **member) for member in chosen]
    expected = np.zeros((200, max(groups) + 1))
    np.add.at(expected.T, groups, contributions(boosters, X)[:, :-1].T)
    np.testing.assert_allclose(shap_by_group(boosters, X, groups), expected, rtol=1e-9, atol=1e-12)


def test_a_tree_worked_by_hand():
    """Left of 0 on the first column 3 of 4 rows, score 0; else half each way on the second: 4, 8.

    The game of a row that goes right twice: v() = 1.5, v(1) = 6, v(2) = 2, v(1, 2) = 8. So the
    first column gets ((6 - 1.5) + (8 - 2)) / 2 = 5.25 and the second ((2 - 1.5) + (8 - 6)) / 2.
    """
    X = np.array([[-1, 0]] * 6 + [[1, -1], [1, 1]], dtype=np.float64)
    y = np.array([0.0] * 6 + [4.0, 8.0])
    booster = lgb.train(
        QUIET
        | {"objective": "regression", "learning_rate": 1.0, "num_leaves": 3, "min_data_in_leaf": 1}
        | {"min_sum_hessian_in_leaf": 0, "min_data_in_bin": 1},
        lgb.Dataset(X, y),
        1,
    )
    found = GroupShap(made([booster]), [0, 1]).values(X[-1:].astype(np.float32))
    np.testing.assert_allclose(found, [[5.25, 1.25]], rtol=1e-6)


def test_reasons_add_up_to_the_score():
    X = land(1, 400)
    kernel = made([trained(X, num_leaves=15, seed=seed, extra_trees=True) for seed in range(3)])
    rest = kernel.raw(X).mean(axis=1) - GroupShap(kernel, range(6)).values(X).sum(axis=1)
    np.testing.assert_allclose(rest, rest[0], rtol=0, atol=1e-12)


def chain(columns: int) -> tuple[lgb.Booster, np.ndarray]:
    """Grow a tree that splits off the highest group again and again, by another column."""
    steps = np.tril(np.ones((columns + 1, columns)), -1).repeat(20, axis=0)
    y = 4.0 ** steps.sum(axis=1)
    chosen = {"num_leaves": columns + 1, "min_data_in_leaf": 1, "min_data_in_bin": 1}
    return trained_on(steps, y, chosen), steps.astype(np.float32)


def trained_on(X: np.ndarray, y: np.ndarray, chosen: dict) -> lgb.Booster:
    return lgb.train(QUIET | {"objective": "regression"} | chosen, lgb.Dataset(X, y), 1)


def test_long_paths_are_explained_by_column():
    booster, X = chain(BITS + 3)
    assert booster.trees_to_dataframe()["node_depth"].max() > BITS + 1
    found = GroupShap(made([booster]), range(BITS + 3)).values(X)
    expected = contributions([booster], X)[:, :-1]
    np.testing.assert_allclose(found, expected, rtol=1e-9, atol=1e-9)


def test_paths_over_too_many_columns_are_left_to_lightgbm(caplog):
    booster, X = chain(MOST_BITS + 3)
    with pytest.raises(UnreadableTreesError, match="columns"):
        GroupShap(made([booster]), range(MOST_BITS + 3))
    groups = [column % 2 for column in range(MOST_BITS + 3)]
    found = shap_by_group([booster], X, groups)
    expected = contributions([booster], X)[:, :-1]
    np.testing.assert_allclose(found[:, 1], expected[:, 1::2].sum(axis=1), rtol=1e-9)
    assert "LightGBM explains them itself" in caplog.text


def test_a_model_that_splits_nothing_gives_no_reason():
    X = land(2, 100)
    kernel = made([trained(X, min_data_in_leaf=90)])
    assert GroupShap(kernel, range(6)).values(X).tolist() == [[0.0] * 6] * 100


def test_the_same_bytes_for_any_threads_and_any_cut_into_blocks():
    X = land(3, TASK + BLOCK + 7)
    explained = GroupShap(made([trained(X[:500], trees=20)]), [0, 0, 1, 1, 2, 2])
    whole = explained.values(X)
    assert explained.values(X, threads=3).tobytes() == whole.tobytes()
    parts = [explained.values(part) for part in np.split(X, [1, 600, TASK + 5])]
    assert np.concatenate(parts).tobytes() == whole.tobytes()


@pytest.mark.parametrize("groups", [[0] * 5, [0, 1, 2, 3, 4, -1]])
def test_every_column_has_one_group(groups):
    with pytest.raises(InputError, match="columns"):
        GroupShap(made([trained(land(4, 100))]), groups)
