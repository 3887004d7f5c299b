from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import norm
from shapely.affinity import scale, translate
from shapely.geometry import LineString, Point, Polygon, box

from minerisk.features.errors import InputError
from minerisk.features.front.front_of_positions import front_of_positions

# The front runs north-south 5 km east of the origin: positions west of it face east.
LINE = LineString([(5_000, 20_000), (5_000, -20_000)])
POST = Point(1_050, -1_050)
EDGES = (40.0, 100.0, 300.0, 600.0)


def build(fake_layers, frame, geobox, works, *, line=LINE, sources=None, held=None, **params):
    vectors = {"works": frame(works), "line": frame([line])}
    if held is not None:
        vectors["held"] = frame([held])
        params["held_area"] = "held"
    layers = fake_layers(vectors, sources=sources)
    wanted = {"layer": "works", "front_line": "line", "edges_m": EDGES, "cap_m": 900.0} | params
    return front_of_positions(layers, geobox, **wanted)


def test_ahead_of_a_position_is_positive_and_behind_it_negative(fake_layers, frame, grid):
    found = build(fake_layers, frame, grid(1, 21, top=-10), [POST])
    expected = np.clip((np.arange(21) - 10) * 100, -900, 900)
    assert found.fortifications_works_ahead_m.values[0].tolist() == expected.tolist()


def test_beside_a_position_is_neither(fake_layers, frame, grid):
    found = build(fake_layers, frame, grid(21, 1, left=10), [POST])
    assert (found.fortifications_works_ahead_m == 0).all()


def test_on_the_other_side_of_the_line_it_faces_the_other_way(fake_layers, frame, grid):
    west = build(fake_layers, frame, grid(1, 21, top=-10), [POST])
    east = build(fake_layers, frame, grid(1, 21, left=80, top=-10), [Point(9_050, -1_050)])
    for name in west:
        if "covered" not in str(name):
            mirrored = east[name].values[:, ::-1]
            np.testing.assert_allclose(west[name].values, mirrored, atol=1e-6, err_msg=str(name))


def test_the_zones_in_front_of_a_point_by_hand(fake_layers, frame, grid):
    # Cells of 20 m; the position at the centre of one, barring 300 m: 7 cells and a half each way.
    geobox = grid(31, 41, left=47, top=-37, resolution=20.0)
    found = build(fake_layers, frame, geobox, [Point(1_050, -1_050)])
    ahead = found.x.values - 1_050
    beside = np.abs(found.y.values + 1_050)
    across = np.clip((150 - (beside - 10)) / 20, 0, 1)
    for begin, end in pairwise(EDGES):
        deep = np.clip(end - ahead + 10, 0, 20) - np.clip(begin - ahead + 10, 0, 20)
        zone = found[f"fortifications_works_front_{begin:g}_{end:g}m"].values
        np.testing.assert_allclose(zone, across[:, None] * deep / 20, atol=1e-6)
    assert zone.max() == 1


def test_a_trench_bars_the_ground_along_its_length(fake_layers, frame, grid):
    trench = LineString([(1_000, -400), (1_000, -1_600)])
    found = build(fake_layers, frame, grid(20, 21), [trench])
    share = found.fortifications_works_front_100_300m
    # Ground 100 to 300 m east of it, as far along as it reaches, and nothing west of it.
    expected = np.zeros((20, 21))
    expected[4:16, 11:13] = 1
    np.testing.assert_allclose(share, expected, atol=1e-6)


def test_a_trench_that_runs_towards_the_enemy_bars_nothing(fake_layers, frame, grid):
    sap = LineString([(500, -1_050), (1_500, -1_050)])
    found = build(fake_layers, frame, grid(20, 30), [sap])
    assert (found.fortifications_works_front_100_300m < 1e-9).all()


def test_an_error_of_the_position_smears_the_zones(fake_layers, fake_source, frame, grid):
    sources = {"works": fake_source(position_error_m=200.0)}
    geobox = grid(40, 40, left=90, top=80, resolution=10.0)
    found = build(fake_layers, frame, geobox, [Point(1_000, 700)], sources=sources)
    zone = found.fortifications_works_front_100_300m
    x, y = zone.x.values, zone.y.values[:, None]
    deep = norm.cdf((1_300 - x) / 200) - norm.cdf((1_100 - x) / 200)
    wide = norm.cdf((850 - y) / 200) - norm.cdf((550 - y) / 200)
    np.testing.assert_allclose(zone, deep * wide, atol=5e-4)


def test_a_position_that_may_be_across_the_line_faces_both_ways(
    fake_layers, fake_source, frame, grid
):
    sources = {"line": fake_source(position_error_m=3_950.0)}
    found = build(fake_layers, frame, grid(1, 21, top=-10), [POST], sources=sources)
    # The line is one standard deviation away.
    chance = norm.cdf(1.0)
    zone = found.fortifications_works_front_100_300m.values[0]
    assert zone[12] == pytest.approx(chance, abs=1e-6)
    assert zone[8] == pytest.approx(1 - chance, abs=1e-6)


def test_a_position_on_the_line_faces_either_way_alike(fake_layers, frame, grid):
    found = build(
        fake_layers,
        frame,
        grid(1, 21, left=40, top=-10),
        [Point(5_050, -1_050)],
        line=translate(LINE, 50),
    )
    zone = found.fortifications_works_front_100_300m.values[0]
    assert zone[8] == zone[12] == 0.5


def test_only_positions_in_the_held_area_count(fake_layers, frame, grid):
    works = [POST, Point(1_650, -1_050)]
    west = box(-9_000, -9_000, 1_300, 9_000)
    alone = build(fake_layers, frame, grid(1, 21, top=-10), works[:1])
    held = build(fake_layers, frame, grid(1, 21, top=-10), works, held=west)
    for name in alone:
        assert np.array_equal(alone[name], held[name]), name
    with pytest.raises(InputError, match="None of the 2 records of works lies in held"):
        build(fake_layers, frame, grid(1, 3), works, held=box(-99, -99, 0, 0))


def test_the_covered_front_is_the_frontage_of_near_positions(fake_layers, frame, grid):
    # Two points 100 m apart cover 400 m together; one 3 km behind the line covers nothing.
    works = [Point(4_000, -1_050), Point(4_000, -1_150), Point(2_000, 5_000)]
    found = build(fake_layers, frame, grid(50, 100, left=-20, top=14), works)
    covered = found.fortifications_works_covered_2000m
    at_the_line = covered.sel(x=4_850, y=-1_050)
    assert at_the_line.item() == pytest.approx(400)
    assert covered.sel(x=50, y=-1_050).item() == 0


def scene(seed):
    """A bent front and positions of every sort on both sides of it."""
    rng = np.random.default_rng(seed)
    line = LineString(np.column_stack([rng.normal(0, 200, 15), np.linspace(7_000, -7_000, 15)]))
    points = [Point(place) for place in rng.uniform(-900, 900, (4, 2))]
    begin = rng.uniform(-900, 900, 2)
    corner = rng.uniform(-700, 700, 2)
    yard = Polygon([corner, corner + (90, 13), corner + (41, 133)])
    return line, [*points, LineString([begin, begin + rng.normal(0, 300, 2)]), yard]


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_ground_gives_mirrored_features(fake_layers, fake_source, frame, grid, seed):
    sources = {
        "line": fake_source(position_error_m=300.0),
        "works": fake_source(position_error_m=20.0),
    }
    line, works = scene(seed)
    geobox = grid(16, 16, left=-8, top=8)
    first = build(fake_layers, frame, geobox, works, line=line, sources=sources)
    line, *works = (scale(shape, xfact=-1, origin=(0, 0)) for shape in (line, *works))
    second = build(fake_layers, frame, geobox, works, line=line, sources=sources)
    for name in first:
        np.testing.assert_allclose(
            first[name], second[name].values[:, ::-1], atol=2e-3, err_msg=str(name)
        )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(0, 9), column=st.integers(0, 9))
def test_a_window_holds_the_bits_of_the_whole(
    fake_layers, fake_source, frame, grid, seed, row, column
):
    sources = {
        "line": fake_source(position_error_m=300.0),
        "works": fake_source(position_error_m=20.0),
    }
    line, works = scene(seed)
    args = {"line": line, "sources": sources, "cap_m": 300.0}
    geobox = grid(90, 90, left=-45, top=45, resolution=33.3)
    window = (slice(20 + row, 29 + row), slice(20 + column, 29 + column))
    halo = (slice(9 + row, 40 + row), slice(9 + column, 40 + column))
    whole = build(fake_layers, frame, geobox, works, **args)
    part = build(fake_layers, frame, geobox[halo], works, **args)
    for name in whole:
        if "covered" not in str(name):
            held = part[name].values[11:20, 11:20]
            assert held.tobytes() == whole[name].values[window].tobytes(), name
