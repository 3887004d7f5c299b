"""Folds are as far from training as the target is, whatever way the distance is worked out."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance
from shapely.geometry import box

from minerisk.features.errors import InputError
from minerisk.models.folds import knndm
from minerisk.models.folds.facts import Matching
from minerisk.models.folds.knndm import KNNDM
from minerisk.models.folds.nearest import (
    across_folds,
    measure_neighbours,
    nearest_distance,
    nearest_index,
)
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.folds.summary import fold_summary
from minerisk.models.folds.target_points import prediction_points

SIDE = 100_000.0


def clustered(rng, n=400, centres=8, spread=1_000.0):
    centre = rng.uniform(0, SIDE, (centres, 2))
    return centre[rng.integers(0, centres, n)] + rng.normal(0, spread, (n, 2))


def plain_w(fold, points, target):
    """W worked out the long way: all distances, one fold at a time."""
    away = cdist(points, points)
    away[fold[:, None] == fold] = np.inf
    return wasserstein_distance(cdist(target, points).min(axis=1), away.min(axis=1))


@settings(max_examples=6, deadline=None)
@given(st.integers(0, 2**20), st.integers(2, 6), st.sampled_from(["hierarchical", "kmeans"]))
def test_clustered_rows_match_better_than_in_random_folds(seed, n_splits, clustering):
    rng = np.random.default_rng(seed)
    points, target = clustered(rng), rng.uniform(0, SIDE, (300, 2))
    y = rng.permutation(np.arange(400) % 8 == 0).astype(int)
    splitter = KNNDM(n_splits, target=target, clustering=clustering, seed=seed)
    match = splitter.match(None, y, coordinates=points)
    assert match.wasserstein <= match.wasserstein_random
    assert match.wasserstein == pytest.approx(plain_w(match.fold, points, target))
    tested = []
    for train, test in splitter.split(None, y, coordinates=points):
        assert 0 < y[test].sum() < test.size <= 200
        assert 0 < y[train].sum() < train.size
        assert train.size + test.size == 400
        tested.append(test)
    assert len(tested) == splitter.get_n_splits()
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(400))


def test_far_clusters_are_kept_whole():
    """Two towns 100 km apart, and a target as far from both: each town is a fold."""
    rng = np.random.default_rng(0)
    town = np.arange(200) % 2
    points = np.array([[0.0, 0.0], [SIDE, 0.0]])[town] + rng.normal(0, 100, (200, 2))
    target = np.array([[SIDE / 2, 86_600.0]]) + rng.normal(0, 100, (50, 2))
    y = (np.arange(200) // 2) % 2
    match = KNNDM(2, target=target).match(None, y, coordinates=points)
    assert match.clusters == 2
    np.testing.assert_array_equal(match.fold == match.fold[0], town == town[0])
    assert match.wasserstein < 0.01 * match.wasserstein_random
    assert (match.facts.matching, match.facts.clusters) == (Matching.CLUSTERS, 2)


def test_rows_on_a_lattice_get_random_folds():
    """Rows 5 km apart are farther from each other than land between them is from them."""
    rng = np.random.default_rng(4)
    row, column = np.divmod(np.arange(400), 20)
    points, target = 5_000.0 * np.column_stack([column, row]), rng.uniform(0, SIDE, (500, 2))
    y = np.arange(400) % 2
    match = KNNDM(5, target=target).match(None, y, coordinates=points)
    assert match.clusters is None
    assert len(match.tried) == 0
    assert match.wasserstein == match.wasserstein_random
    assert np.bincount(match.fold, weights=y).tolist() == [40] * 5
    assert match.facts.matching is Matching.RANDOM_IS_FAR_ENOUGH


def test_where_every_clustering_is_refused_the_folds_are_random_and_say_why():
    """A town of 90 rows cannot go whole into one of 2 folds of at most half of 100."""
    rng = np.random.default_rng(5)
    points = np.repeat([[0.0, 0.0], [SIDE, 0.0]], [90, 10], axis=0)
    target = rng.uniform(0, SIDE, (50, 2))
    match = KNNDM(2, target=target).match(None, coordinates=points)
    assert match.clusters is None
    assert match.facts.matching is Matching.CLUSTERS_REFUSED
    assert match.facts.refused == "a fold holds more than 0.5 of the rows"


def test_rows_all_in_one_place_can_only_be_random():
    points, target = np.full((20, 2), 3.0), np.array([[9_000.0, 0.0], [0.0, 9_000.0]])
    match = KNNDM(4, target=target).match(None, coordinates=points)
    assert np.bincount(match.fold).tolist() == [5] * 4
    assert match.facts.matching is Matching.RANDOM_IS_BEST


def test_the_best_of_those_tried_is_taken():
    rng = np.random.default_rng(1)
    points, target = clustered(rng), rng.uniform(0, SIDE, (300, 2))
    match = KNNDM(4, target=target, max_share=0.3).match(None, None, coordinates=points)
    allowed = match.tried[match.tried["refused"] == ""]
    best = allowed.loc[allowed["wasserstein"].idxmin()]
    assert match.clusters == best["clusters"]
    assert match.wasserstein == pytest.approx(best["wasserstein"])
    assert np.bincount(match.fold).max() <= 0.3 * 400
    assert (match.tried["largest_share"][match.tried["refused"] != ""] > 0.3).any()


def test_folds_nearer_to_training_than_the_target_is_are_marked():
    rng = np.random.default_rng(2)
    points = rng.normal(0, 50, (200, 2))
    target = rng.uniform(50_000, SIDE, (100, 2))
    match = KNNDM(5, target=target).match(None, None, coordinates=points)
    assert match.facts.too_near
    assert match.facts.test_distance_m < match.facts.target_distance_m


def test_the_same_seed_gives_the_same_folds():
    rng = np.random.default_rng(3)
    points, target = clustered(rng), rng.uniform(0, SIDE, (100, 2))
    one, two = (KNNDM(3, target=target).match(None, coordinates=points).fold for _ in range(2))
    np.testing.assert_array_equal(one, two)


def test_folds_do_not_move_with_the_origin():
    rng = np.random.default_rng(3)
    points, target = clustered(rng), rng.uniform(0, SIDE, (100, 2))
    away = np.array([2.0**22, 2.0**23])
    here = KNNDM(3, target=target).match(None, coordinates=points)
    there = KNNDM(3, target=target + away).match(None, coordinates=points + away)
    np.testing.assert_array_equal(here.fold, there.fold)


def test_many_rows_follow_those_drawn(monkeypatch):
    """Clusters of a draw of rows; W of all rows stays what the long way gives."""
    monkeypatch.setattr(knndm, "MAX_CELLS", 60)
    rng = np.random.default_rng(5)
    points, target = clustered(rng), rng.uniform(0, SIDE, (300, 2))
    match = KNNDM(4, target=target).match(None, np.arange(400) % 2, coordinates=points)
    assert match.wasserstein < 0.5 * match.wasserstein_random
    assert match.wasserstein == pytest.approx(plain_w(match.fold, points, target))


@pytest.mark.parametrize("clustering", [None, "hierarchical"])
def test_feature_space_is_standardised_and_matched(clustering):
    rng = np.random.default_rng(6)
    centre = rng.normal(size=(10, 20))
    X = centre[rng.integers(0, 10, 300)] + 0.1 * rng.normal(size=(300, 20))
    target = 1.3 * rng.normal(size=(200, 20))
    units = 10.0 ** rng.integers(-3, 6, 20)
    y = np.arange(300) % 3 == 0
    match = KNNDM(5, target=target, space="features", clustering=clustering).match(X, y)
    scaled = KNNDM(5, target=target * units + 7, space="features", clustering=clustering).match(
        X * units + 7, y
    )
    assert match.wasserstein < 0.5 * match.wasserstein_random
    assert match.wasserstein == pytest.approx(scaled.wasserstein, rel=1e-6)
    standard = (X - X.mean(axis=0)) / X.std(axis=0)
    there = (target - X.mean(axis=0)) / X.std(axis=0)
    assert match.wasserstein == pytest.approx(plain_w(match.fold, standard, there))


def test_target_columns_are_found_by_name_and_constants_do_not_count():
    rng = np.random.default_rng(7)
    X = pd.DataFrame(rng.normal(size=(100, 3)), columns=["slope", "front", "rain"]).assign(flat=2.0)
    target = pd.DataFrame(rng.normal(size=(50, 4)), columns=["rain", "flat", "front", "slope"])
    by_name = KNNDM(3, target=target, space="features").match(X)
    by_place = KNNDM(3, target=target[list(X)].to_numpy(), space="features").match(X.to_numpy())
    assert by_name.wasserstein == by_place.wasserstein
    assert by_name.target_distance.max() < 10
    with pytest.raises(InputError, match=r"lacks the features \['slope'\]"):
        KNNDM(3, target=target.drop(columns="slope"), space="features").match(X)
    X.loc[3, "front"] = np.nan
    with pytest.raises(InputError, match="1 of 100 rows lack a feature, or hold one"):
        KNNDM(3, target=target, space="features").match(X)


def test_what_cannot_be_split_is_refused_with_what_would_help():
    rng = np.random.default_rng(8)
    points, target = clustered(rng, 50), rng.uniform(0, SIDE, (20, 2))
    y = (np.arange(50) < 3).astype(int)
    with pytest.raises(InputError, match=r"3 positive rows; 5 folds need at least 5.*fewer folds"):
        KNNDM(5, target=target).match(None, y, coordinates=points)
    with pytest.raises(InputError, match="max_share"):
        KNNDM(5, target=target, max_share=0.1).match(None, coordinates=points)
    with pytest.raises(InputError, match="No coordinates"):
        KNNDM(5, target=target).match(None)
    with pytest.raises(InputError, match="at least 2 folds"):
        KNNDM(1, target=target).match(None, coordinates=points)
    with pytest.raises(InputError, match="'geographic' or 'features'"):
        KNNDM(2, target=target, space="time").match(None, coordinates=points)
    with pytest.raises(InputError, match="'hierarchical' or 'kmeans'"):
        KNNDM(2, target=target, clustering="dbscan").match(None, coordinates=points)
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points.T), crs="EPSG:32638")
    with pytest.raises(InputError, match="same CRS"):
        KNNDM(2, target=frame.to_crs(32637)).match(frame)


def test_a_geodataframe_and_polygons_will_do():
    rng = np.random.default_rng(9)
    points = clustered(rng)
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy(*points.T), crs="EPSG:32638")
    land = gpd.GeoDataFrame(geometry=[box(0, 0, SIDE, SIDE)], crs="EPSG:32638")
    match = KNNDM(4, target=land).match(frame)
    assert match.wasserstein < match.wasserstein_random


def test_polygons_are_sampled_evenly_and_each_at_least_once():
    land = gpd.GeoDataFrame(
        geometry=[box(0, 0, 100, 100), box(500, 500, 600, 700), box(900, 900, 900.5, 900.5)],
        crs="EPSG:32638",
    )
    points = prediction_points(land, count=300)
    sampled = land.sindex.query(gpd.points_from_xy(*points.T), predicate="within")[1]
    assert np.bincount(sampled).tolist()[2] == 1
    np.testing.assert_allclose(np.bincount(sampled)[:2], [100, 200], atol=10)


def test_points_of_a_target_are_thinned_by_seed():
    points = np.column_stack([np.arange(50.0), np.zeros(50)])
    np.testing.assert_array_equal(prediction_points(points, count=50), points)
    assert len(prediction_points(points, count=20, seed=1)) == 20
    with pytest.raises(InputError, match="no place"):
        prediction_points(np.empty((0, 2)), count=3)


@pytest.mark.parametrize("dimensions", [2, 8, 9, 40])
def test_nearest_distances_equal_those_of_all_pairs(dimensions):
    rng = np.random.default_rng(dimensions)
    points = rng.normal(size=(300, dimensions))
    queries = rng.normal(size=(70, dimensions))
    away = cdist(queries, points)
    np.testing.assert_allclose(nearest_distance(queries, points), away.min(axis=1), rtol=1e-7)
    np.testing.assert_array_equal(nearest_index(queries, points), away.argmin(axis=1))
    cell, fold = rng.permutation(np.arange(300) % 20), rng.integers(0, 4, 300)
    rows = np.sort(rng.choice(300, 100, replace=False))
    found = measure_neighbours(points, cell, fold, rows=rows)
    own = cdist(points[rows], points)
    for one in range(20):
        np.testing.assert_allclose(
            found.to_cell[:, one], own[:, cell == one].min(axis=1), rtol=1e-6, atol=2e-6
        )
    other = np.where(fold[rows, None] == fold, np.inf, own).min(axis=1)
    np.testing.assert_allclose(found.to_other_fold, other, rtol=1e-7)
    own[np.arange(100), rows] = np.inf
    np.testing.assert_allclose(found.to_any, own.min(axis=1), rtol=1e-7)
    of_cell = np.arange(20) % 3
    across = np.where(of_cell[cell[rows], None] == of_cell[cell], np.inf, own).min(axis=1)
    np.testing.assert_allclose(across_folds(found.to_cell, cell[rows], of_cell), across, rtol=1e-7)


def test_the_summary_gives_the_same_w():
    rng = np.random.default_rng(10)
    points, target = clustered(rng), rng.uniform(0, SIDE, (300, 2))
    y = np.arange(400) % 2
    match = KNNDM(4, target=target).match(None, y, coordinates=points)
    table = fold_summary(folds_from_ids(match.fold), y, points, target=target)
    assert table.attrs["wasserstein_m"] == pytest.approx(match.wasserstein)
