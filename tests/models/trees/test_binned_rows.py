"""Rows are binned once, and members are trained on parts of them."""

import numpy as np

from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.trees.best_split import MISSING
from minerisk.models.trees.binned_rows import BINS, bin_edges, bin_rows


def rows(n: int = 3_000) -> tuple[np.ndarray, np.ndarray]:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(n, 4)).astype(np.float32)
    X[rng.random((n, 4)) < 0.1] = np.nan
    return X, (rng.random(n) < 1 / (1 + np.exp(1 - np.nan_to_num(X[:, 0])))).astype(np.float32)


def test_bins_are_as_a_search_among_the_edges_finds_them() -> None:
    X, _ = rows()
    binned = bin_rows(X, bins=63)
    for column, edges, codes in zip(X.T, binned.edges, binned.codes.T, strict=True):
        there = ~np.isnan(column)
        assert len(edges) == 62
        np.testing.assert_array_equal(codes[there], np.searchsorted(edges, column[there]))
        assert (codes[~there] == MISSING).all()
        size = np.bincount(codes[there])
        assert size.max() < 2 * size.min()


def test_a_column_may_have_as_many_bins_as_codes() -> None:
    column = np.float32(np.arange(BINS))[:, None]
    assert bin_rows(column).codes[:, 0].tolist() == list(range(BINS))
    more = bin_rows(np.float32(np.arange(10_000))[:, None], bins=999)
    assert more.bins.tolist() == [BINS]
    assert np.unique(more.codes).tolist() == list(range(BINS))


def test_bins_part_different_values_and_share_the_rows() -> None:
    few = np.float32([3, 1, 1, 7, np.nan])
    assert bin_edges(few).tolist() == [2.0, 5.0]
    assert bin_rows(few[:, None]).codes[:, 0].tolist() == [1, 0, 0, 2, MISSING]
    assert bin_edges(np.full(9, np.nan, np.float32)).size == 0
    # Half of the rows have one value: the others still share all the bins that are left.
    many = np.concatenate([np.zeros(20_000), np.arange(1, 20_001)]).astype(np.float32)
    held = np.bincount(bin_rows(many[:, None]).codes[:, 0])
    assert len(held) <= BINS
    assert held[0] == 20_000
    assert 60 < held[1:].min() <= held[1:].max() < 100


def test_columns_tell_rows_apart_or_do_not() -> None:
    binned = bin_rows(np.float32([[1, 1, np.nan, 1], [1, 2, np.nan, np.nan]]))
    assert binned.telling.tolist() == [False, True, False, True]
    assert binned.missing.tolist() == [False, False, True, True]
    assert binned.bins.tolist() == [1, 2, 1, 1]


def test_rows_of_other_weights_share_bins_and_no_member() -> None:
    X, y = rows()
    weight, known = np.linspace(0.5, 4.0, len(y)), Remembered()
    one = LightGBMEnsemble(members=1, trees=20)
    one.fit(X, y, known=known)
    shared = LightGBMEnsemble(members=1, trees=20)
    shared.fit(X, y, sample_weight=weight, known=known.of_other_weights())
    alone = LightGBMEnsemble(members=1, trees=20).fit(X, y, sample_weight=weight)
    np.testing.assert_array_equal(shared.predict_proba(X), alone.predict_proba(X))
    assert (shared.predict_proba(X) != one.predict_proba(X)).any()


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
