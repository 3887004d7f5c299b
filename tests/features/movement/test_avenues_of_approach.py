import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from shapely.geometry import LineString, Point, box

from minerisk.features.movement.avenues_of_approach import (
    OFF_ROAD,
    RIVER_ON_FOOT_M,
    approach,
    corridor,
    on_foot,
    on_wheels,
)
from minerisk.features.movement.avenues_of_approach import route_costs as costs_from
from minerisk.features.raster.proximity import disc_half_widths

NO = np.zeros((9, 9), dtype=bool)
LEVEL = np.zeros((9, 9), dtype=np.float32)
EDGES = ((0, 1), (1, 1), (1, 0), (1, -1))


def rough(seed, shape=(12, 15)):
    rng = np.random.default_rng(seed)
    ground = rng.normal(0, 25, shape).astype(np.float32)
    ground[rng.random(shape) < 0.05] = np.nan
    return ground, rng.random(shape) < 0.15, rng.random(shape) < 0.15


def test_level_ground_costs_its_length():
    foot = on_foot(LEVEL, NO, NO, resolution_m=100.0)
    assert foot[0, 0, 0] == foot[2, 0, 0] == 10_000
    assert foot[1, 0, 0] == foot[3, 0, 1] == 14_143  # 100 m times the root of 2, rounded up
    wheels = on_wheels(LEVEL, NO, NO, resolution_m=100.0)
    assert wheels[0, 0, 0] == 10_000 * OFF_ROAD
    assert (on_wheels(LEVEL, NO, ~NO, resolution_m=100.0)[0, :, :-1] == 10_000).all()


def test_a_slope_costs_what_tobler_says():
    slope = 0.2
    ground = (np.arange(9) * 100 * slope)[None, :].repeat(9, 0).astype(np.float32)
    found = on_foot(ground, NO, NO, resolution_m=100.0)[0, 4, 4] / 100

    def hours(gradient):
        return 1 / (6 * np.exp(-3.5 * abs(gradient + 0.05)))

    assert found == pytest.approx(100 * (hours(slope) + hours(-slope)) / (2 * hours(0)), abs=0.02)


def test_wheels_stop_at_their_limit_and_roads_do_not():
    ground = (np.arange(9) * 30.0)[None, :].repeat(9, 0).astype(np.float32)  # 30 % eastwards
    barred = np.iinfo(np.int32).max
    assert on_wheels(ground, NO, NO, resolution_m=100.0)[0, 4, 4] == barred
    assert on_wheels(ground, NO, ~NO, resolution_m=100.0)[0, 4, 4] == 10_000
    assert on_foot(ground * 4, NO, NO, resolution_m=100.0)[0, 4, 4] == barred


def test_crossing_a_river_costs_once_and_a_bridge_nothing():
    river, start = NO.copy(), NO.copy()
    river[:, 4:6] = True  # two cells wide
    start[4, 0] = True
    wade = costs_from(start, on_foot(LEVEL, river, NO, resolution_m=100.0), cap_m=5_000.0)
    assert wade[4, 8] == (800 + RIVER_ON_FOOT_M) * 100
    road = NO.copy()
    road[4] = True
    bridge = costs_from(start, on_foot(LEVEL, river, road, resolution_m=100.0), cap_m=5_000.0)
    assert bridge[4, 8] == 80_000


@pytest.mark.parametrize("costs", [on_foot, on_wheels])
@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_routes_cost_what_scipy_finds(costs, seed):
    ground = rough(seed)
    steps = costs(*ground, resolution_m=100.0)
    rng = np.random.default_rng(seed)
    sources = (rng.random(ground[0].shape) < 0.03) | (np.arange(180).reshape(12, 15) == 70)
    found = costs_from(sources, steps, cap_m=2_000.0)
    rows, columns, weights = [], [], []
    for edge, (down, right) in enumerate(EDGES):
        for (row, column), step in np.ndenumerate(steps[edge]):
            if step < np.iinfo(np.int32).max:
                rows.append(row * 15 + column)
                columns.append((row + down) * 15 + column + right)
                weights.append(float(step))
    graph = csr_array((weights, (rows, columns)), shape=(180, 180))
    expected = dijkstra(graph, directed=False, indices=np.flatnonzero(sources), min_only=True)
    expected = np.where(expected <= 200_000, expected, 2.0**52).reshape(12, 15)
    assert np.array_equal(found, expected)


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_step_never_costs_less_than_its_length(seed):
    for costs in (on_foot, on_wheels):
        for edge, step in zip(EDGES, costs(*rough(seed), resolution_m=100.0), strict=True):
            assert (step >= np.hypot(*edge) * 10_000).all()


def test_the_detour_is_the_cost_over_the_cheapest_within_the_radius():
    rng = np.random.default_rng(4)
    one, other = rng.integers(0, 90_000, (2, 11, 13))
    one[rng.random((11, 13)) < 0.2] = 2**52
    disc = disc_half_widths(300.0, resolution_m=100.0)
    route, detour = corridor(one, other, cap_m=1_000.0, beside=disc)
    total = np.where(one < 2**52, one + other, np.inf) / 100
    for row, column in np.ndindex(11, 13):
        near = np.hypot(*(np.indices((11, 13)) - np.array([[[row]], [[column]]]))) <= 3
        if np.isfinite(total[row, column]):
            assert route[row, column] == total[row, column]
            over = total[row, column] - total[near].min()
            assert detour[row, column] == pytest.approx(min(over, 1_000.0))
        else:
            assert (route[row, column], detour[row, column]) == (2_000.0, 1_000.0)


def village_and_line(fake_layers, frame, *, flip=1):
    shapes = {
        "towns": [Point(flip * 50, -450), Point(flip * 1_950, -450), Point(flip * 1_050, -1_950)],
        "held": [box(min(0, flip * 1_000), -4_000, max(0, flip * 1_000), 0)],
        "river": [LineString([(flip * 950, 0), (flip * 950, -1_600)])],
    }
    ground = {"dem": lambda x, y: 60 * np.exp(-(((flip * x - 700) / 200) ** 2)) + 0 * y}
    return fake_layers(vectors={k: frame(v) for k, v in shapes.items()}, rasters=ground)


SETTINGS = {
    **{"layer": "towns", "held_area": "held", "elevation": "dem", "rivers": "river"},
    **{"cap_m": 3_000.0, "beside_m": 400.0, "crossing_m": 150.0},
}


def test_the_corridor_joins_the_two_sides_by_the_cheapest_way(fake_layers, frame, grid):
    level = {"dem": lambda x, y: 0 * x + 0 * y}
    towns = frame([Point(50, -450), Point(1_950, -450)])
    layers = fake_layers(
        vectors={"towns": towns, "held": frame([box(0, -900, 1_000, 0)])}, rasters=level
    )
    asked = {**SETTINGS, "rivers": None}
    found = approach(layers, grid(9, 20), **asked)
    assert (found.approach_foot_route_m.values[4] == 1_900).all()
    assert (found.approach_foot_detour_m.values[4] == 0).all()
    assert (found.approach_foot_detour_m.values[0] > 0).all()
    assert not any("wheeled" in name for name in found)


def test_wheels_need_a_layer_of_roads_and_may_leave_them(fake_layers, frame, grid):
    vectors = {
        "towns": frame([Point(50, -450), Point(1_950, -450)]),
        "held": frame([box(0, -900, 1_000, 0)]),
        "roads": frame([LineString([(50, -850), (1_950, -850)])]),
    }
    layers = fake_layers(vectors=vectors, rasters={"dem": lambda x, y: 0 * x + 0 * y})
    asked = {**SETTINGS, "rivers": None, "roads": "roads", "cap_m": 4_000.0}
    found = approach(layers, grid(9, 20), **asked)
    route = found.approach_wheeled_route_m.values
    # By the road: four diagonal steps to it at twice the cost, eleven along it, four back.
    by_road = 8 * 2 * 141.42136 + 11 * 100
    assert route[4, [0, 19]] == pytest.approx([by_road, by_road], abs=0.2)
    assert route[8, 4:16] == pytest.approx(np.full(12, by_road), abs=0.2)
    # Straight across the field: nineteen steps at twice the cost.
    assert route[4, 9] == 2 * 1_900


def test_a_border_away_from_the_front_line_is_not_crossed(fake_layers, frame, grid):
    vectors = {
        "towns": frame([Point(50, -450), Point(1_950, -450)]),
        "held": frame([box(0, -900, 1_000, 0)]),
        "line": frame([LineString([(1_000, -900), (1_000, -750)])]),
    }
    layers = fake_layers(vectors=vectors, rasters={"dem": lambda x, y: 0 * x + 0 * y})
    asked = {**SETTINGS, "rivers": None, "front_line": "line"}
    route = approach(layers, grid(9, 20), **asked).approach_foot_route_m.values
    # The line lies in rows 7 and 8. Row 6 is within 150 m of it, so the way over is the diagonal
    # from row 5 to row 6: four diagonal steps and fifteen straight ones from town to town.
    assert route[4, 0] == pytest.approx(4 * 141.43 + 15 * 100, abs=1e-3)
    assert route[4, 0] == route.min()


def test_without_a_route_there_is_no_corridor(fake_layers, frame, grid):
    level = {"dem": lambda x, y: np.where(x < 50, np.nan, 0 * x + 0 * y)}
    vectors = {"towns": frame([Point(50, -450)]), "held": frame([box(0, -900, 1_000, 0)])}
    found = approach(
        fake_layers(vectors=vectors, rasters=level), grid(9, 20), **{**SETTINGS, "rivers": None}
    )
    assert set(np.unique(found.approach_foot_detour_m)) == {3_000.0}
    assert set(np.unique(found.approach_foot_route_m)) == {6_000.0}


def test_mirrored_ground_gives_mirrored_corridors(fake_layers, frame, grid):
    here = approach(village_and_line(fake_layers, frame), grid(24, 24), **SETTINGS)
    there = approach(
        village_and_line(fake_layers, frame, flip=-1), grid(24, 24, left=-24), **SETTINGS
    )
    for name in here.data_vars:
        assert np.array_equal(here[name].values, there[name].values[:, ::-1]), name
        assert np.ptp(here[name].values) > 0
