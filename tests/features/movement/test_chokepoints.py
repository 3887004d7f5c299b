import numpy as np
import pytest
from shapely.geometry import LineString

from minerisk.features.movement.chokepoints import crossings, passes, saddles


def ground(function):
    """Heights on a grid of 100 m cells, 41 on a side, by metres east and north of its middle."""
    place = (np.arange(41) - 20) * 100.0
    return function(place[None, :], -place[:, None]).astype(np.float32)


def marked(function, *, rise_m=10.0):
    return saddles(ground(function), radius_m=500.0, rise_m=rise_m, resolution_m=100.0)


def test_the_middle_of_a_saddle_is_a_pass_and_far_down_its_sides_is_none():
    found = marked(lambda x, y: 1e-4 * (x**2 - y**2))
    assert found[20, 20]
    # 1 km off the middle the ground only rises on one side and falls on the other.
    assert not found[20, 30]
    assert not found[30, 20]


def test_a_saddle_turned_by_an_eighth_is_found_by_the_diagonals():
    assert marked(lambda x, y: 2e-4 * x * y)[20, 20]


def test_a_saddle_flatter_than_asked_for_is_none():
    # At 500 m the ground rises and falls by 25 m.
    assert marked(lambda x, y: 1e-4 * (x**2 - y**2), rise_m=24.0)[20, 20]
    assert not marked(lambda x, y: 1e-4 * (x**2 - y**2), rise_m=26.0).any()


@pytest.mark.parametrize(
    "function",
    [
        lambda x, y: 0.1 * x + 0.2 * y,  # a plane
        lambda x, y: -1e-4 * (x**2 + y**2),  # a summit
        lambda x, y: 1e-4 * (x**2 + y**2),  # a basin
        lambda x, y: -1e-4 * x**2 + 0.02 * y,  # a ridge
        lambda x, y: 1e-4 * x**2 + 0.02 * y,  # a valley
    ],
)
def test_no_pass_elsewhere(function):
    assert not marked(function).any()


def test_a_gap_is_no_pass_and_reads_nodata(fake_layers, grid):
    def saddle(x, y):
        z = 1e-4 * ((x - 2_050) ** 2 - (y + 2_050) ** 2)
        return np.where((x > 3_900) & (y > -200), np.nan, z)

    layers = fake_layers(rasters={"dem": saddle})
    asked = {"radius_m": 500.0, "rise_m": 10.0, "cap_m": 900.0}
    found = passes(layers, grid(41, 41), layer="dem", **asked).pass_distance_m.values
    assert found[20, 20] == 0
    assert found[20, 40] == 900
    assert np.isnan(found[0, 40])


def test_mirrored_ground_gives_mirrored_passes():
    def rough(x, y):
        return 60 * np.sin(x / 300 + 1) * np.cos(y / 450) + 20 * np.sin(x * y / 4e5)

    here = marked(rough)
    assert 0 < here.sum() < here.size / 2
    assert np.array_equal(marked(lambda x, y: rough(-x, y)), here[:, ::-1])


def test_the_distance_to_where_a_road_crosses_a_river(fake_layers, frame, grid):
    vectors = {
        "roads": frame([LineString([(0, -250), (900, -250)]), LineString([(0, -50), (900, -50)])]),
        "rivers": frame([LineString([(450, -900), (450, -100)])]),  # ends before the second road
    }
    layers = fake_layers(vectors=vectors)
    found = crossings(layers, grid(5, 9), layer="roads", rivers="rivers", cap_m=350.0)
    values = found.roads_rivers_crossing_distance_m.values
    assert values[2].tolist() == [350, 300, 200, 100, 0, 100, 200, 300, 350]
    assert values[0, 4] == 200


def test_roads_that_cross_no_river_read_the_cap(fake_layers, frame, grid):
    vectors = {
        "roads": frame([LineString([(0, -50), (900, -50)])]),
        "rivers": frame([LineString([(0, -450), (900, -450)])]),
    }
    found = crossings(
        fake_layers(vectors=vectors), grid(5, 5), layer="roads", rivers="rivers", cap_m=200.0
    )
    assert (found.roads_rivers_crossing_distance_m.values == 200).all()
