"""Weak folds are named in words, with what helps."""

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.folds import summary as module
from minerisk.models.folds.summary import WORDS, fold_summary

POINTS = np.array([[0, 0], [3, 4], [100, 0], [100, 7], [200, 0], [200, 1]], dtype=float)
Y = np.array([1, 0, 0, 0, 1, 0])


def test_every_flag_has_words_and_no_flag_none():
    folds = [
        (np.array([2, 3, 4, 5]), np.array([0, 1])),
        (np.array([0, 1, 4, 5]), np.array([2, 3])),
        (np.array([1, 2, 3]), np.array([0, 4, 5])),
        (np.arange(6), np.array([], dtype=int)),
        (np.arange(6), np.array([0, 1])),
    ]
    table = fold_summary(folds, Y, POINTS, range_m=4)
    flags = table[list(WORDS)].to_numpy()
    assert flags.any(axis=0).all()
    assert table["words"][0] == ""
    for row in range(len(folds)):
        said = [WORDS[flag] in table["words"][row] for flag in WORDS]
        assert said == flags[row].tolist()
    assert table["words"][1].startswith("Fold 1: the test fold holds one class only")


def test_near_share_counts_test_rows_within_the_range():
    fold = (np.array([0, 2, 4]), np.array([1, 3, 5]))
    assert fold_summary([fold], Y, POINTS, range_m=6)["near_share"].tolist() == [2 / 3]
    assert not fold_summary([fold], Y, POINTS, range_m=1)["near_train"].any()
    assert fold_summary([fold], Y, POINTS)["near_share"].isna().all()


def test_near_rows_are_no_fault_where_the_target_is_as_near():
    fold = (np.array([0, 2, 4]), np.array([1, 3, 5]))
    for away, near in ((5.0, False), (50.0, True)):
        target = np.array([[0.0, -away], [200.0, -away]])
        table = fold_summary([fold], Y, POINTS, target=target, range_m=6)
        assert table["near_train"].tolist() == [near]


def test_wasserstein_by_hand():
    """Target 10 m from the rows; test rows 5, 7 and 1 m from training: W is 17 / 3."""
    fold = (np.array([0, 2, 4]), np.array([1, 3, 5]))
    target = np.array([[200.0, -10.0], [-10.0, 0.0]])
    table = fold_summary([fold], Y, POINTS, target=target)
    assert table["wasserstein_m"][0] == pytest.approx(17 / 3)
    assert table.attrs["wasserstein_m"] == pytest.approx(17 / 3)


def test_pooled_wasserstein_weighs_each_row_once(monkeypatch):
    rng = np.random.default_rng(0)
    points, y = rng.uniform(0, 100, (900, 2)), np.arange(900) % 2
    east = points[:, 0] > 10
    folds = [
        (np.flatnonzero(east), np.flatnonzero(~east)),
        (np.flatnonzero(~east), np.flatnonzero(east)),
    ]
    target = rng.uniform(0, 300, (200, 2))
    whole = fold_summary(folds, y, points, target=target).attrs["wasserstein_m"]
    monkeypatch.setattr(module, "MAX_MEASURED", 200)
    thinned = fold_summary(folds, y, points, target=target).attrs["wasserstein_m"]
    assert thinned == pytest.approx(whole, rel=0.1)


def test_the_summary_without_a_target_has_no_w():
    table = fold_summary([(np.array([0, 2]), np.array([1, 3]))], Y, POINTS)
    assert isinstance(table, pd.DataFrame)
    assert table["wasserstein_m"].isna().all()
    with pytest.raises(InputError, match="holds no point"):
        fold_summary([], Y, POINTS, target=np.empty((0, 2)))
