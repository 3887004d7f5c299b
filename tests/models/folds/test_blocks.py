"""Blocks partition the plane, and dealing them to folds keeps both classes in each."""

import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import box

from minerisk.features.errors import InputError
from minerisk.models.folds.blocks import assign_hexagons, assign_polygons, spread_blocks
from minerisk.models.folds.splits import BlockKFold, folds_from_ids


@pytest.fixture
def districts():
    return gpd.GeoDataFrame(
        geometry=[box(0, 0, 10, 10), box(10, 0, 20, 10), box(20, 0, 30, 10)], crs="EPSG:32638"
    )


def test_a_hexagon_has_the_area_of_a_hexagon():
    rng = np.random.default_rng(0)
    points = rng.uniform(-500, 500, (200_000, 2))
    block_m = 100.0
    middle = assign_hexagons([[0.0, 0.0]], block_m=block_m)[0]
    share = (assign_hexagons(points, block_m=block_m) == middle).mean()
    area = np.sqrt(3) / 2 * block_m**2
    assert share * 1_000**2 == pytest.approx(area, rel=0.03)


def test_a_hexagon_ends_half_its_width_from_its_centre_along_the_easting():
    ids = assign_hexagons([[0, 0], [49.9, 0], [50.1, 0], [100, 0], [149, 0]], block_m=100)
    assert ids[0] == ids[1]
    assert ids[2] == ids[3] == ids[4]
    assert ids[1] != ids[2]


def test_a_hexagon_stands_on_a_corner():
    corner = 100 / np.sqrt(3)
    ids = assign_hexagons([[0, 0], [0, corner - 0.1], [-1, corner + 0.1]], block_m=100)
    assert ids[0] == ids[1] != ids[2]


@given(st.integers(0, 2**20), st.floats(1, 1e4))
def test_points_of_a_hexagon_are_no_farther_apart_than_its_corners(seed, block_m):
    points = np.random.default_rng(seed).uniform(-5, 5, (60, 2)) * block_m
    ids = assign_hexagons(points, block_m=block_m)
    away = np.linalg.norm(points[:, None] - points[None], axis=2)
    assert away[ids[:, None] == ids].max() <= 2 / np.sqrt(3) * block_m * (1 + 1e-9)


@given(st.integers(-9, 9), st.integers(-9, 9), st.integers(0, 2**20))
def test_hexagons_keep_their_partition_when_all_move_by_the_lattice(east, north, seed):
    points = np.random.default_rng(seed).uniform(-5_000, 5_000, (40, 2))
    step = 700 * np.array([east + north / 2, north * np.sqrt(3) / 2])
    here = assign_hexagons(points, block_m=700)
    there = assign_hexagons(points + step, block_m=700)
    np.testing.assert_array_equal(here[:, None] == here, there[:, None] == there)


def test_points_belong_to_their_polygon_or_else_the_nearest(districts):
    points = [[5, 5], [15, 5], [29, 1], [40, 5], [-3, 5], [10, 5]]
    assert assign_polygons(points, districts).tolist() == [0, 1, 2, 2, 0, 0]


def test_polygons_in_another_or_no_crs_are_refused(districts):
    frame = gpd.GeoDataFrame(geometry=gpd.points_from_xy([5.0], [5.0]), crs="EPSG:32637")
    with pytest.raises(InputError, match="same CRS"):
        assign_polygons(frame, districts)
    with pytest.raises(InputError, match="projected"):
        assign_polygons([[5, 5]], districts.to_crs(4326))
    with pytest.raises(InputError, match="expected polygons"):
        assign_polygons([[5, 5]], districts.set_geometry(districts.centroid))


@pytest.mark.parametrize("shape", ["square", "hexagon"])
def test_blocks_of_any_shape_stay_whole(shape):
    rng = np.random.default_rng(3)
    points, y = rng.uniform(0, 50_000, (2_000, 2)), (rng.random(2_000) < 0.05).astype(int)
    splitter = BlockKFold(5, block_m=5_000, shape=shape)
    block = splitter.block_ids(points)
    tested = []
    for train, test in splitter.split(points, y, coordinates=points):
        assert not np.intersect1d(block[train], block[test]).size
        tested.append(test)
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), range(2_000))


def test_polygons_may_come_as_a_frame_or_as_ids(districts):
    rng = np.random.default_rng(0)
    points = rng.uniform(0, [30, 10], (90, 2))
    y = (np.arange(90) % 3 == 0).astype(int)
    frame = BlockKFold(3, shape="polygons", polygons=districts)
    ids = BlockKFold(3, shape="polygons")
    names = np.array(["north", "middle", "south"])[assign_polygons(points, districts)]
    given_ids = {tuple(test) for _, test in ids.split(None, y, groups=names)}
    assert {tuple(test) for _, test in frame.split(None, y, coordinates=points)} == given_ids


def test_what_is_missing_for_a_shape_is_said():
    y = [0, 1]
    with pytest.raises(InputError, match="none came; pass polygons="):
        next(BlockKFold(2, shape="polygons").split(None, y))
    with pytest.raises(InputError, match="pass block_m="):
        BlockKFold(2, shape="hexagon").fold_ids([[0, 0], [1, 1]])
    with pytest.raises(InputError, match="'square', 'hexagon' or 'polygons'"):
        BlockKFold(2, block_m=1, shape="circle").fold_ids([[0, 0], [1, 1]])


def test_positives_in_too_few_blocks_are_told_with_the_folds_they_allow():
    blocks = np.repeat(np.arange(6), 10)
    y = ((blocks < 2) & (np.arange(60) % 2 == 0)).astype(int)
    with pytest.raises(InputError, match=r"lie in 2 of 6 blocks.*at most 2 folds"):
        spread_blocks(blocks, y, n_splits=3)
    assert np.unique(spread_blocks(blocks, y, n_splits=2)).size == 2


@settings(max_examples=80, deadline=None)
@given(st.integers(0, 2**20), st.integers(2, 5))
def test_folds_are_found_where_each_class_has_its_own_blocks(seed, n_splits):
    """Blocks of positives only and of negatives only, as many as folds: always possible."""
    rng = np.random.default_rng(seed)
    of_positives = rng.integers(n_splits, 9)
    of_negatives = rng.integers(n_splits, 9)
    size = rng.integers(1, 30, of_positives + of_negatives)
    blocks = np.repeat(np.arange(size.size), size)
    y = (blocks < of_positives).astype(int)
    for train, test in folds_from_ids(spread_blocks(blocks, y, n_splits=n_splits, seed=seed)):
        assert 0 < y[test].sum() < test.size
        assert 0 < y[train].sum() < train.size
