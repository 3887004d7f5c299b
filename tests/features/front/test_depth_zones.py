from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import quad
from scipy.stats import foldnorm, norm
from shapely.geometry import LineString, box

from minerisk.features.front.depth_zones import front_zones, share_below, zone_share

# A line down the edge of columns 4 and 5 of a grid of 100 m; the west is held.
LINE = LineString([(500, 9_000), (500, -9_000)])
WEST, EAST = box(-90_000, -9_000, 500, 9_000), box(500, -9_000, 90_000, 9_000)
EDGES = (0.0, 50.0, 150.0, 300.0, 600.0)


def build(fake_layers, frame, geobox, *, held=WEST, sources=None, **params):
    layers = fake_layers({"line": frame([LINE]), "held": frame([held])}, sources=sources)
    return front_zones(layers, geobox, **({"layer": "line", "edges_m": EDGES} | params))


@pytest.mark.parametrize("place", [-900.0, -30.0, 0.0, 70.0, 400.0])
@pytest.mark.parametrize("error", [40.0, 700.0])
@pytest.mark.parametrize("cell", [0.0, 250.0])
def test_the_share_is_the_integral_of_its_definition(place, error, cell):
    def chance(s):
        return norm.cdf((300 - s) / error) - norm.cdf((100 - s) / error)

    found = zone_share(np.array([place]), (100.0, 300.0), error_m=error, cell_m=cell)[0]
    if cell == 0:
        assert found == pytest.approx(chance(place), abs=1e-12)
    else:
        total, _ = quad(chance, place - cell / 2, place + cell / 2, epsabs=1e-12, epsrel=1e-12)
        assert found == pytest.approx(total / cell, abs=1e-10)


@pytest.mark.parametrize("error", [0.0, 1e-9])
def test_without_an_error_the_share_is_that_of_the_cell(error):
    place = np.array([-50.0, 0.0, 60.0, 190.0, 200.0, 260.0])
    found = zone_share(place, (50.0, 150.0), error_m=error, cell_m=100.0)
    np.testing.assert_allclose(found, [0, 0, 0.6, 0.1, 0, 0], atol=1e-9)


def test_both_sides_together_are_the_folded_normal():
    place = np.array([0.0, 120.0, 900.0])
    both = sum(
        zone_share(side, (150.0, 600.0), error_m=250.0, cell_m=0.0) for side in (place, -place)
    )
    c = place / 250.0
    expected = foldnorm.cdf(600, c, scale=250) - foldnorm.cdf(150, c, scale=250)
    np.testing.assert_allclose(both, expected, atol=1e-9)


@given(
    st.floats(-1e5, 1e5),
    st.just(0.0) | st.floats(1e-3, 5e3),
    st.just(0.0) | st.floats(1.0, 1e3),
)
def test_shares_are_between_none_and_all_and_rise_with_the_limit(reach, error, cell):
    found = share_below(np.array([reach, reach + 10.0]), error_m=error, cell_m=cell)
    assert 0 <= found[0] <= found[1] + 1e-9 <= 1 + 1e-9


def test_a_straight_line_gives_the_zones_by_hand(fake_layers, frame, grid):
    found = build(fake_layers, frame, grid(1, 10), held_area="held")
    # Centres are 50, 150, 250 ... m from the line, cells 100 m wide.
    opposing = {name: found[name].values[0, 5:].tolist() for name in found if "opposing" in name}
    assert opposing == {
        "front_opposing_0_50m": [0.5, 0, 0, 0, 0],
        "front_opposing_50_150m": [0.5, 0.5, 0, 0, 0],
        "front_opposing_150_300m": [0, 0.5, 1, 0, 0],
        "front_opposing_300_600m": [0, 0, 0, 1, 1],
    }
    for begin, end in pairwise(EDGES):
        held = found[f"front_held_{begin:g}_{end:g}m"].values
        assert np.array_equal(held, found[f"front_opposing_{begin:g}_{end:g}m"].values[:, ::-1])
    assert found.front_held_share.values.tolist() == [[1] * 5 + [0] * 5]


def test_the_other_side_holding_swaps_the_sides(fake_layers, fake_source, frame, grid):
    sources = {"line": fake_source(position_error_m=200.0)}
    args = {"sources": sources, "held_area": "held"}
    west = build(fake_layers, frame, grid(1, 10), **args)
    east = build(fake_layers, frame, grid(1, 10), held=EAST, **args)
    for begin, end in pairwise(EDGES):
        zone = f"{begin:g}_{end:g}m"
        assert np.array_equal(west[f"front_held_{zone}"], east[f"front_opposing_{zone}"])
    np.testing.assert_allclose(west.front_held_share, 1 - east.front_held_share, atol=1e-6)


def test_an_error_leaves_no_sharp_edge(fake_layers, fake_source, frame, grid):
    sources = {"line": fake_source(position_error_m=1_000.0)}
    found = build(fake_layers, frame, grid(1, 80, left=-35), sources=sources, held_area="held")
    for name in found.data_vars:
        assert np.abs(np.diff(found[name].values[0])).max() < 0.06, name
    centre = np.arange(80) * 100 - 3_450.0 - 500.0
    expected = norm.cdf(-centre / np.hypot(1_000.0, 100 / np.sqrt(12)))
    np.testing.assert_allclose(found.front_held_share.values[0], expected, atol=2e-4)


def test_without_a_side_there_is_one_zone_for_both(fake_layers, fake_source, frame, grid):
    sources = {"line": fake_source(position_error_m=200.0)}
    alone = build(fake_layers, frame, grid(1, 10), sources=sources)
    sided = build(fake_layers, frame, grid(1, 10), sources=sources, held_area="held")
    assert next(str(name) for name in alone) == "front_zone_0_50m"
    both = sided.front_held_50_150m + sided.front_opposing_50_150m
    np.testing.assert_allclose(alone.front_zone_50_150m, both, atol=1e-6)


def test_lines_of_two_epochs_do_not_collide(fake_layers, frame, grid):
    one, two = (build(fake_layers, frame, grid(1, 3), epoch=e) for e in ("1994", "2020"))
    assert not set(one.data_vars) & set(two.data_vars)
    assert "front_1994_zone_0_50m" in one
