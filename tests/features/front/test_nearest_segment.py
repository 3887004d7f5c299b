import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.front.nearest_segment import cell_places, nearest_to_cells, nearest_to_points


def segments(seed, count):
    """Segments here and there, some far apart, one in ten a point."""
    rng = np.random.default_rng(seed)
    begin = rng.uniform(-8_000, 8_000, (count, 2))
    end = begin + rng.normal(0, 300, (count, 2)) * (rng.random((count, 1)) > 0.1)
    return np.hstack([begin, end])


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), count=st.integers(1, 60))
def test_the_distance_is_that_to_the_nearest_of_all(grid, seed, count):
    ends, geobox = segments(seed, count), grid(75, 70, left=-35, top=30)
    found = nearest_to_cells(ends, geobox)
    easting, northing = cell_places(geobox)
    places = shapely.points(*np.meshgrid(easting, northing))
    whole = shapely.multilinestrings([shapely.linestrings(e.reshape(2, 2)) for e in ends])
    np.testing.assert_allclose(found.distance, shapely.distance(places, whole), atol=1e-6)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(0, 60), column=st.integers(0, 60))
def test_a_window_holds_the_bits_of_the_whole(grid, seed, row, column):
    ends, geobox = segments(seed, 40), grid(75, 70, left=-35, top=30, resolution=33.3)
    window = (slice(row, row + 9), slice(column, column + 10))
    whole, part = nearest_to_cells(ends, geobox), nearest_to_cells(ends, geobox[window])
    for all_of_it, piece in zip(whole, part, strict=True):
        assert piece.tobytes() == all_of_it[window].tobytes()


def test_of_segments_as_near_the_first_is_taken(grid):
    # Two lines at the same distance to either side of the only cell, whose centre is (50, -50).
    ends = np.array([[0.0, 0, 0, -100], [100, 0, 100, -100]])
    found = nearest_to_cells(ends, grid(1, 1))
    assert found.segment.tolist() == [[0]]
    assert found.distance.tolist() == [[50.0]]
    assert found.share.tolist() == [[0.5]]


def test_points_and_cells_agree(grid):
    ends, geobox = segments(4, 30), grid(6, 5)
    easting, northing = np.meshgrid(*cell_places(geobox))
    cells = nearest_to_cells(ends, geobox)
    points = nearest_to_points(ends, easting.ravel(), northing.ravel())
    for one, other in zip(cells, points, strict=True):
        assert np.array_equal(one.ravel(), other)


@pytest.mark.parametrize("resolution", [10.0, 33.3, 250.0])
def test_places_are_cell_centres(grid, resolution):
    geobox = grid(3, 4, left=7, top=5, resolution=resolution)
    easting, northing = cell_places(geobox)
    np.testing.assert_allclose(easting, (7.5 + np.arange(4)) * resolution)
    np.testing.assert_allclose(northing, (4.5 - np.arange(3)) * resolution)
