"""Folds hold whole blocks, both classes, and do not depend on row order."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from minerisk.features.errors import InputError
from minerisk.models.folds.blocks import assign_blocks, spread_blocks
from minerisk.models.folds.regions import cluster_regions, join_thin_regions
from minerisk.models.folds.splits import BlockKFold, LeaveRegionOut, folds_from_ids
from minerisk.models.folds.summary import fold_summary


@pytest.fixture
def land():
    rng = np.random.default_rng(3)
    coordinates = rng.uniform(0, 50_000, (3_000, 2))
    return coordinates, (rng.random(3_000) < 0.05).astype(int)


def test_points_share_a_block_exactly_where_they_share_a_square():
    points = np.array([[0, 0], [999, 999], [1_000, 0], [-1, 0], [0, -1], [0, 1_000]])
    blocks = assign_blocks(points, block_m=1_000)
    assert blocks.dtype == np.int64
    assert blocks[0] == blocks[1]
    assert np.unique(blocks[[0, 2, 3, 4, 5]]).size == 5


def test_the_origin_moves_the_lattice():
    points = np.array([[0.0, 0.0], [999.0, 0.0]])
    moved = assign_blocks(points, block_m=1_000, origin=(500.0, 0.0))
    assert moved[0] != moved[1]


@given(
    st.integers(-9, 9),
    st.integers(-9, 9),
    st.lists(
        st.tuples(st.integers(-50_000, 50_000), st.integers(-50_000, 50_000)),
        min_size=2,
        max_size=20,
    ),
)
def test_blocks_keep_their_partition_when_all_move_by_whole_blocks(east, north, places):
    points = np.array(places, dtype=float)
    here = assign_blocks(points, block_m=700)
    there = assign_blocks(points + np.array([east, north]) * 700.0, block_m=700)
    np.testing.assert_array_equal(here[:, None] == here, there[:, None] == there)


def test_folds_partition_the_rows_and_keep_blocks_whole(land):
    coordinates, y = land
    splitter = BlockKFold(5, block_m=5_000, seed=1)
    folds = list(splitter.split(coordinates, y, coordinates=coordinates))
    assert len(folds) == splitter.get_n_splits() == 5
    np.testing.assert_array_equal(
        np.sort(np.concatenate([test for _, test in folds])), range(3_000)
    )
    blocks = assign_blocks(coordinates, block_m=5_000)
    for train, test in folds:
        assert not np.intersect1d(blocks[train], blocks[test]).size
        assert not np.intersect1d(train, test).size
        assert train.size + test.size == 3_000


def test_folds_hold_even_numbers_of_positives_and_rows(land):
    coordinates, y = land
    fold = BlockKFold(5, block_m=5_000, seed=1).fold_ids(coordinates, y)
    positives = np.bincount(fold, weights=y)
    assert positives.max() - positives.min() <= 1
    assert np.ptp(np.bincount(fold)) < 0.1 * 3_000


def test_the_same_seed_gives_the_same_folds_in_any_row_order(land):
    coordinates, y = land
    order = np.random.default_rng(0).permutation(len(y))
    splitter = BlockKFold(4, block_m=5_000, seed=9)
    fold = splitter.fold_ids(coordinates, y)
    np.testing.assert_array_equal(fold[order], splitter.fold_ids(coordinates[order], y[order]))
    other = BlockKFold(4, block_m=5_000, seed=10).fold_ids(coordinates, y)
    assert (fold != other).any()


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(2, 6), st.sampled_from([0.01, 0.1, 0.6, 0.99]))
def test_folds_hold_both_classes_or_none_are_given(seed, n_splits, prevalence):
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 12, 80)
    y = (rng.random(80) < prevalence).astype(int)
    try:
        fold = spread_blocks(blocks, y, n_splits=n_splits, seed=seed)
    except InputError:
        return
    for train, test in folds_from_ids(fold):
        assert 0 < y[test].sum() < test.size
        assert 0 < y[train].sum() < train.size


def test_too_few_blocks_are_refused_with_what_would_help(land):
    coordinates, y = land
    with pytest.raises(InputError, match=r"1 blocks; 5 folds need at least 5.*smaller blocks"):
        BlockKFold(5, block_m=100_000).fold_ids(coordinates, y)


def test_a_fold_without_positives_is_refused(land):
    coordinates, _ = land
    y = ((coordinates < 5_000).all(axis=1)).astype(int)
    with pytest.raises(InputError, match=r"no positive row.*join_thin_regions|no positive row"):
        BlockKFold(3, block_m=5_000).fold_ids(coordinates, y)


def test_missing_coordinates_are_refused():
    with pytest.raises(InputError, match="No coordinates"):
        next(BlockKFold(2, block_m=10).split(np.zeros((5, 2)), np.array([0, 1, 0, 1, 0])))


def test_a_label_that_is_neither_is_refused(land):
    coordinates, y = land
    with pytest.raises(InputError, match="neither 0 nor 1"):
        BlockKFold(3, block_m=5_000).fold_ids(coordinates, y - 1)


def test_scikit_learn_takes_the_coordinates_as_groups(land):
    coordinates, y = land
    scores = cross_val_score(
        LogisticRegression(), coordinates / 50_000, y, groups=coordinates, scoring="roc_auc",
        cv=BlockKFold(3, block_m=5_000, seed=0),
    )  # fmt: skip
    assert scores.shape == (3,)


def test_a_geodataframe_brings_its_own_coordinates(land):
    coordinates, y = land
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*coordinates.T), crs="EPSG:32638")
    splitter = BlockKFold(3, block_m=5_000)
    for one, two in zip(
        splitter.split(frame, y), splitter.split(None, y, coordinates=coordinates), strict=True
    ):
        np.testing.assert_array_equal(one[1], two[1])
    with pytest.raises(InputError, match="projected"):
        splitter.fold_ids(frame.to_crs(4326), y)


def test_regions_are_left_out_whole():
    region = np.array([4, 4, 7, 7, 9, 9])
    y = np.array([0, 1, 0, 1, 1, 0])
    folds = list(LeaveRegionOut().split(None, y, region))
    assert [test.tolist() for _, test in folds] == [[0, 1], [2, 3], [4, 5]]
    assert LeaveRegionOut().get_n_splits(groups=region) == 3


def test_a_region_without_positives_is_refused():
    with pytest.raises(InputError, match=r"1 of 2 regions would hold no positive"):
        list(LeaveRegionOut().split(None, np.array([0, 1, 0, 0]), np.array([0, 0, 1, 1])))


def test_thin_regions_join_their_nearest_neighbour():
    coordinates = np.array([[0, 0], [1, 0], [10, 0], [11, 0], [30, 0], [31, 0]], dtype=float)
    region = np.array([0, 0, 1, 1, 2, 2])
    y = np.array([0, 1, 0, 0, 1, 0])
    joined = join_thin_regions(region, y, coordinates)
    assert joined.tolist() == [0, 0, 0, 0, 2, 2]
    assert region.tolist() == [0, 0, 1, 1, 2, 2]


def test_three_towns_are_three_regions_numbered_from_the_west():
    rng = np.random.default_rng(0)
    centre = np.array([[90_000, 0], [0, 0], [45_000, 60_000]])
    town = rng.integers(0, 3, 200)
    found = cluster_regions(centre[town] + rng.normal(0, 2_000, (200, 2)), count=3, seed=5)
    np.testing.assert_array_equal(found, np.array([2, 0, 1])[town])
    with pytest.raises(InputError, match="2 distinct"):
        cluster_regions([[0, 0], [1, 1], [1, 1]], count=3)


def test_the_summary_counts_and_flags_by_hand():
    coordinates = np.array([[0, 0], [3, 4], [100, 0], [100, 7], [200, 0], [200, 1]], dtype=float)
    y = np.array([1, 0, 0, 0, 1, 0])
    everything = np.arange(6)
    folds = [
        (np.array([2, 3, 4, 5]), np.array([0, 1])),
        (np.array([0, 1, 4, 5]), np.array([2, 3])),
        (np.array([1, 2, 3]), np.array([0, 4, 5])),
        (everything, np.array([], dtype=int)),
        (everything, np.array([0, 1])),
    ]
    table = fold_summary(folds, y, coordinates)
    assert table["n_train"].tolist() == [4, 4, 3, 6, 6]
    assert table["n_test"].tolist() == [2, 2, 3, 0, 2]
    assert table["positives"].tolist() == [1, 0, 2, 0, 1]
    assert table["empty_test"].tolist() == [False, False, False, True, False]
    assert table["single_class_test"].tolist() == [False, True, False, True, False]
    assert table["class_missing_train"].tolist() == [False, False, True, False, False]
    assert table["tiny_test"].tolist() == [False, False, False, True, False]
    assert table["imbalance"].tolist() == [False, True, False, True, False]
    assert table["high_leakage"].tolist() == [False, False, False, False, True]
    np.testing.assert_allclose(
        table["min_distance_m"], [np.hypot(97, 3), np.hypot(97, 3), 5.0, np.nan, 0.0]
    )


def test_the_least_distance_is_exact_over_many_chunks(land):
    coordinates, y = land
    test = coordinates[:, 0] > 25_000
    table = fold_summary([(np.flatnonzero(~test), np.flatnonzero(test))], y, coordinates)
    apart = np.linalg.norm(coordinates[test][:, None] - coordinates[~test][None], axis=2)
    assert table["min_distance_m"][0] == pytest.approx(apart.min(), rel=1e-12)
