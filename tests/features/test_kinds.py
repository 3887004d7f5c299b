import dataclasses
import datetime as dt

import numpy as np
import pyproj
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.affinity import scale, translate
from shapely.geometry import LineString, Point, box

from minerisk.features.cube.feature import build_feature, build_window
from minerisk.features.errors import InputError
from minerisk.features.kinds import FEATURE_KINDS, layers_of
from minerisk.features.layers.sources import Coverage
from minerisk.features.raster.rasterise import burn_mask

CRS = "EPSG:3035"

CASES = {
    "front_line": {"layer": "line", "held_area": "held", "cap_m": 700.0, "along": True},
    "front_zones": {"layer": "line", "held_area": "held", "edges_m": (0.0, 50.0, 300.0)},
    "front_shape": {"layer": "line", "scale_m": 500.0, "reach_m": 900.0},
    "front_epochs": {
        **{"layer": {"1992": "line", "1995": "road"}, "cap_m": 700.0, "near_m": (300.0,)},
        **{"held_area": {"1992": "held", "1995": "held_later"}},
    },
    "own_side_share": {"layer": "held", "land": "land", "radii_m": (150.0, 600.0)},
    "no_mans_land": {"layer": "line", "opposing_line": "road", "cap_m": 2_500.0},
    "fortifications": {"layer": "bunkers", "radii_m": (150.0, 400.0), "cap_m": 500.0},
    "front_of_positions": {
        **{"layer": "bunkers", "front_line": "line", "cap_m": 500.0},
        **{"edges_m": (40.0, 100.0, 300.0, 600.0)},
    },
    "conflict_events": {
        **{"layer": "events", "decay_m": (150.0, 400.0), "deaths_column": "best"},
        **{"precision_column": "where_prec", "precision_m": {1: 100.0, 2: 900.0}},
        **{"type_column": "kind", "types": {"battle": ("battle",)}},
        **{"periods": {"1992": (dt.date(1992, 1, 1), dt.date(1992, 12, 31))}},
    },
    "terrain": {"layer": "dem", "radii_m": (100.0, 350.0)},
    "landform": {"layer": "dem", "radii_m": (150.0, 400.0), "flat_deg": 1.0},
    "front_facing": {"layer": "dem", "front_line": "line", "cap_m": 700.0},
    "wetness": {"layer": "dem", "radii_m": (100.0, 550.0)},
    "trafficability": {
        **{"layer": "dem", "radii_m": (250.0,), "wheeled_limit": 0.5},
        **{"land_cover": "cover", "cover_speed": {1: 0.5, 2: 0.0}},
    },
    "visibility": {
        **{"layer": "dem", "observers": "bunkers", "radii_m": (300.0, 800.0)},
        **{"eye_m": 2.0, "target_m": 1.0},
    },
    "commanding_view": {
        **{"layer": "dem", "front_line": "line", "held_area": "held"},
        **{"near_m": 400.0, "rise_m": 600.0},
        **{"radii_m": (300.0,), "eye_m": 2.0, "target_m": 1.0},
    },
    "distance": {"layer": "line", "cap_m": 650.0},
    "density": {"layer": "line", "radii_m": (250.0, 600.0)},
    "land_cover": {"layer": "cover", "groups": {"forest": (1,), "open": (0, 2)}},
    "land_cover_edge": {"layer": "cover", "groups": {"forest": (1,)}, "cap_m": 450.0},
    "value": {"layer": "dem"},
    "change": {"layer": "dem", "before": "cover"},
    "margin": {"layer": "line", "widths_m": (15.0, 130.0), "beyond_m": 5.0},
    "minefield_records": {"layer": "line", "accuracy": 0.5, "cap_m": 650.0},
    "population_change": {
        **{"layer": "towns", "before_column": "before", "after_column": "after"},
        **{"radii_m": (300.0,), "abandoned_share": 0.1, "cap_m": 500.0},
    },
    "approach": {
        **{"layer": "towns", "held_area": "held", "elevation": "dem", "rivers": "line"},
        **{"front_line": "bunkers", "roads": "road"},
        **{"cap_m": 700.0, "beside_m": 250.0, "crossing_m": 200.0},
    },
    "crossings": {"layer": "road", "rivers": "line", "cap_m": 600.0},
    "passes": {"layer": "dem", "radius_m": 150.0, "rise_m": 5.0, "cap_m": 500.0},
    "search_effort": {
        **{"layer": "searched", "as_of": dt.date(2020, 1, 1), "means_column": "means"},
        **{"means": {"dogs": ("dog",)}, "cap_m": 400.0, "cap_years": 20.0},
    },
}


EASTWARD = ("eastness", "front_axis_northeast", "front_facing_east")
"""What turns its sign where east and west change places."""
SIDED = ("front_line", "front_zones", "own_side_share", "approach")
"""Families that read who held the land; the line's shape and positions have tests of their own."""


def ground(seed, east=0.0, north=0.0, facing=1):
    """Rough ground with gaps, as a function of place; moved by whole metres, or mirrored."""
    phase = np.random.default_rng(seed).uniform(0, 6, 3)

    def height(x, y):
        u, v = facing * (x - east) / 300, (y - north) / 200
        z = 300 + 80 * np.sin(u + phase[0]) * np.cos(v + phase[1]) + 20 * np.sin(3 * u * v)
        return np.where(np.sin(7 * u + 5 * v + phase[2]) > 0.99, np.nan, z)

    return height


def study(
    fake_layers,
    fake_source,
    frame,
    seed,
    *,
    move=(0.0, 0.0),
    mirrored=False,
    crs=CRS,
    covered=(),
):
    rng = np.random.default_rng(seed)
    shapes = {
        "line": [LineString(np.cumsum(rng.normal(0, 400, (9, 2)), 0) + (1_000, -1_000))],
        "bunkers": [Point(xy) for xy in rng.uniform(0, 2_000, (12, 2)) * (1, -1)],
        "land": [box(-1_500, -3_000, 2_600, 900)],
        "held": [box(-9_000, -9_000, edge := rng.uniform(0, 2_000), 9_000)],
        "held_later": [box(-9_000, -9_000, edge + 350.0, 9_000)],
        "sheets": [box(150, -1_300, 1_200, 900), box(1_200, -900, 1_750, 700)],
        "road": [LineString(np.cumsum(rng.normal(0, 500, (7, 2)), 0) + (1_000, -1_000))],
        "towns": [Point(xy) for xy in rng.uniform(-500, 2_500, (30, 2)) * (1, -1)],
        "events": [Point(xy) for xy in rng.uniform(0, 2_000, (20, 2)) * (1, -1)],
        "searched": [box(x, y, x + 240, y + 170) for x, y in rng.uniform(-900, 900, (9, 2))],
    }
    columns = {
        "towns": {"before": rng.integers(0, 900, 30), "after": rng.integers(0, 300, 30)},
        "events": {
            "where_prec": rng.choice([1, 2, 3], 20),
            "kind": ["battle", *rng.choice(["battle", "other"], 19)],
            "best": rng.integers(0, 9, 20),
            "date": ["1992-06", *(f"{year}-03-01" for year in rng.integers(1991, 1994, 19))],
        },
        "searched": {
            "date": [f"{year}-03-01" for year in rng.integers(1996, 2025, 9)],
            "means": rng.choice(["dog", "manual"], 9),
        },
    }
    shapes["other"] = [box(edge, -9_000, 9_000, 9_000)]
    facing = -1 if mirrored else 1
    vectors = {
        name: frame(
            [scale(translate(shape, *move), xfact=facing, origin=(0, 0)) for shape in shapes[name]],
            crs=crs,
            **columns.get(name, {}),
        )
        for name in shapes
    }
    height = ground(seed, *move, facing)
    rasters = {"dem": height, "cover": lambda x, y: np.floor(height(x, y) / 60) % 3}
    sources = {
        "line": fake_source(position_error_m=200.0),
        "searched": fake_source(date_column="date"),
        "events": fake_source(date_column="date"),
    }
    for name in covered:
        own = sources.get(name, fake_source())
        sources[name] = dataclasses.replace(own, coverage=Coverage(layer="sheets"))
    return fake_layers(vectors=vectors, rasters=rasters, sources=sources)


def test_every_family_has_a_case_here():
    assert set(CASES) == set(FEATURE_KINDS)


@pytest.mark.parametrize("kind", [kind for kind in CASES if kind not in ("value", "change")])
def test_heights_in_feet_give_what_the_same_in_metres_give(
    fake_layers, fake_source, frame, grid, kind
):
    metres = study(fake_layers, fake_source, frame, 7)
    feet = study(fake_layers, fake_source, frame, 7)
    height = feet.rasters["dem"]
    feet.rasters["dem"] = lambda x, y: height(x, y) / 0.3048
    feet.sources["dem"] = fake_source(unit="ft")
    one, other = (
        build_window(layers, grid(20, 20), kind=kind, params=CASES[kind])
        for layers in (metres, feet)
    )
    for name in one:
        # Float32 heights differ in the last digit, by which a sight or a slope may just differ.
        close = np.isclose(one[name], other[name], rtol=1e-3, atol=1e-3, equal_nan=True)
        assert close.mean() > 0.98, name


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=12, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(0, 13), column=st.integers(0, 13))
def test_a_tile_with_its_halo_holds_the_bits_of_the_whole(
    fake_layers, fake_source, frame, grid, kind, seed, row, column
):
    layers = study(fake_layers, fake_source, frame, seed)
    geobox, window = grid(20, 20), (slice(row, row + 7), slice(column, column + 7))
    whole = build_window(layers, geobox, kind=kind, params=CASES[kind])
    tile = build_window(layers, geobox[window], kind=kind, params=CASES[kind])
    assert list(tile.data_vars) == list(whole.data_vars)
    for name, values in tile.data_vars.items():
        assert values.dtype == np.float32
        assert values.values.tobytes() == whole[name].values[window].tobytes(), name


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000), row=st.integers(0, 13), column=st.integers(0, 13))
def test_off_the_cover_of_its_layers_a_feature_is_nodata_and_tiles_hold_the_bits_of_the_whole(
    fake_layers, fake_source, frame, grid, kind, seed, row, column
):
    read = layers_of(kind, CASES[kind])
    layers = study(fake_layers, fake_source, frame, seed, covered=read)
    plain = study(fake_layers, fake_source, frame, seed)
    geobox, window = grid(20, 20), (slice(row, row + 7), slice(column, column + 7))
    whole = build_window(layers, geobox, kind=kind, params=CASES[kind])
    tile = build_window(layers, geobox[window], kind=kind, params=CASES[kind])
    bare = build_window(plain, geobox, kind=kind, params=CASES[kind])
    sheets = burn_mask(geobox, layers.vectors["sheets"], all_touched=False)
    assert 0 < sheets.sum() < sheets.size
    for name, values in whole.data_vars.items():
        assert tile[name].values.tobytes() == values.values[window].tobytes(), name
        assert np.isnan(values.values[~sheets]).all(), name
        told = ~np.isnan(values.values)
        assert (values.values[told] == bare[name].values[told]).all(), name
        assert (values.attrs["covered"], bare[name].attrs["covered"]) == (1, 0)


@pytest.mark.parametrize("kind", CASES)
def test_a_wider_halo_changes_nothing(fake_layers, fake_source, frame, grid, kind):
    layers, geobox = study(fake_layers, fake_source, frame, 5), grid(12, 12)
    narrow = build_window(layers, geobox, kind=kind, params=CASES[kind])
    wide = build_feature(layers, geobox.pad(25), kind=kind, params=CASES[kind])
    kept = wide.isel(y=slice(25, -25), x=slice(25, -25))
    for name in narrow.data_vars:
        assert narrow[name].values.tobytes() == kept[name].values.tobytes(), name


@pytest.mark.parametrize("kind", CASES)
def test_a_family_states_its_units(fake_layers, fake_source, frame, grid, kind):
    layers, units = study(fake_layers, fake_source, frame, 3), FEATURE_KINDS[kind].units
    found = build_feature(layers, grid(3, 3), kind=kind, params=CASES[kind])
    built = {variable.attrs["unit"] for variable in found.data_vars.values()}
    assert built <= set(units) if units else kind in {"value", "change"}


@pytest.mark.parametrize("kind", CASES)
def test_moving_the_ground_by_whole_cells_moves_the_features(
    fake_layers, fake_source, frame, grid, kind
):
    here = study(fake_layers, fake_source, frame, 3)
    there = study(fake_layers, fake_source, frame, 3, move=(12_800.0, -6_400.0))
    first = build_window(here, grid(12, 12), kind=kind, params=CASES[kind])
    second = build_window(there, grid(12, 12, left=128, top=-64), kind=kind, params=CASES[kind])
    for name in first.data_vars:
        np.testing.assert_allclose(first[name].values, second[name].values, rtol=2e-4, atol=1e-4)


@pytest.mark.parametrize("kind", CASES)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_ground_gives_mirrored_features(fake_layers, fake_source, frame, grid, kind, seed):
    here = study(fake_layers, fake_source, frame, seed)
    there = study(fake_layers, fake_source, frame, seed, mirrored=True)
    first = build_window(here, grid(12, 12), kind=kind, params=CASES[kind])
    second = build_window(there, grid(12, 12, left=-12), kind=kind, params=CASES[kind])
    for name in first.data_vars:
        sign = -1 if name in EASTWARD else 1
        np.testing.assert_allclose(
            sign * second[name].values[:, ::-1],
            first[name].values,
            **{"rtol": 2e-4, "atol": 1e-4, "err_msg": name},
        )


@pytest.mark.parametrize("kind", SIDED)
@settings(max_examples=3, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_where_the_sides_change_places_signs_turn(
    fake_layers, fake_source, frame, grid, kind, seed
):
    layers, params = study(fake_layers, fake_source, frame, seed), CASES[kind]
    other = {key: "other" if value == "held" else value for key, value in params.items()}
    first, second = (
        build_window(layers, grid(12, 12), kind=kind, params=one) for one in (params, other)
    )
    turned = {name: values.values for name, values in second.items()}
    if kind == "front_line":
        turned["front_signed_m"] = -turned["front_signed_m"]
    if kind == "front_zones":
        for name in [name for name in turned if name.startswith("front_opposing_")]:
            held = name.replace("opposing", "held")
            turned[name], turned[held] = turned[held], turned[name]
        turned["front_held_share"] = 1 - turned["front_held_share"]
    for name in first.data_vars:
        np.testing.assert_allclose(turned[name], first[name].values, atol=1e-5, err_msg=name)


@pytest.mark.parametrize("kind", CASES)
def test_metres_are_metres_whatever_axis_a_crs_names_first(
    fake_layers, fake_source, frame, grid, kind
):
    easting_first = "EPSG:32633"
    assert pyproj.CRS(CRS).axis_info[0].direction == "north"
    assert pyproj.CRS(easting_first).axis_info[0].direction == "east"
    here = study(fake_layers, fake_source, frame, 3)
    there = study(fake_layers, fake_source, frame, 3, crs=easting_first)
    box = grid(9, 9)
    first = build_window(here, box, kind=kind, params=CASES[kind])
    other = GeoBox(box.shape, box.affine, easting_first)
    second = build_window(there, other, kind=kind, params=CASES[kind])
    for name in first.data_vars:
        assert first[name].values.tobytes() == second[name].values.tobytes(), name


def test_attributes_say_where_a_feature_comes_from(fake_layers, fake_source, frame, grid):
    layers = study(fake_layers, fake_source, frame, 1)
    found = build_feature(layers, grid(5, 5), kind="front_line", params=CASES["front_line"])
    attributes = found.front_signed_m.attrs
    assert attributes["family"] == "front_line"
    assert attributes["layer"] == "line, held"
    assert attributes["sha256"] == f"{'line'.ljust(64, '0')}, {'held'.ljust(64, '0')}"
    assert attributes["halo_m"] == 700.0
    assert attributes["source"] == "made for a test; made for a test"
    assert attributes["unit"] == "m"
    assert "negative inside held" in attributes["words"]


def test_a_height_far_off_decides_who_commands_near_by(fake_layers, frame, grid):
    def height(x, y):
        # A peak in column 10, a higher one in column 14, and a mountain in column 19 beside which
        # the second is nothing.
        found = [
            np.where(np.floor(x / 100) == k, z, 0.0) for k, z in ((10, 10), (14, 30), (19, 5e3))
        ]
        return sum(found) + 0 * y

    line = frame([LineString([(1_050, 9_000), (1_050, -9_000)])])
    layers = fake_layers(vectors={"line": line}, rasters={"dem": height})
    params = {
        **{"layer": "dem", "front_line": "line", "near_m": 100.0, "rise_m": 500.0},
        **{"radii_m": (200.0,), "eye_m": 2.0, "target_m": 1.0},
    }
    made = build_window(layers, grid(1, 9), kind="commanding_view", params=params)
    assert made.visible_commanding_200m.values[0].tolist() == [0] * 8 + [1]


def test_an_unknown_kind_is_refused(fake_layers, grid):
    with pytest.raises(InputError, match="expected one of"):
        build_feature(fake_layers(), grid(2, 2), kind="no_such_kind", params={})
