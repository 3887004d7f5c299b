import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.affinity import scale
from shapely.geometry import LineString, Point, Polygon, box

from minerisk.features.errors import InputError
from minerisk.features.front.depth_zones import front_zones
from minerisk.features.front.distance import front_line
from minerisk.features.front.shape import front_shape, no_mans_land

RING = Point(0, 0).buffer(3_000, quad_segs=180).exterior
INSIDE, OUTSIDE = Polygon(RING), box(-9_000, -9_000, 9_000, 9_000) - Polygon(RING)
STRAIGHT = LineString([(0, 9_000), (0, 0), (0, -9_000)])
PARAMS = {"layer": "line", "scale_m": 800.0, "reach_m": 4_000.0}


def layers_of(fake_layers, frame, line, *, held=None, sources=None, **columns):
    vectors = {"line": frame([line], **columns)}
    if held is not None:
        vectors["held"] = frame([held])
    return fake_layers(vectors, sources=sources)


@pytest.mark.parametrize(("held", "sign"), [(INSIDE, 1), (OUTSIDE, -1)])
def test_held_land_inside_a_circle_is_a_salient_of_its_radius(fake_layers, frame, grid, held, sign):
    layers = layers_of(fake_layers, frame, LineString(RING), held=held)
    geobox = grid(10, 10, left=20, top=30)
    found = front_shape(layers, geobox, held_area="held", **PARAMS)
    radius = np.hypot(found.x.values, found.y.values[:, None])
    weight = 1 - np.abs(radius - 3_000) / 4_000
    np.testing.assert_allclose(found.front_salient, sign * weight / 3_000, rtol=2e-3)
    # Facing away from the held land: outwards where the inside is held.
    east = sign * weight * found.x.values / radius
    np.testing.assert_allclose(found.front_facing_east, east, atol=5e-3)


def test_without_a_side_the_bend_has_no_sign(fake_layers, frame, grid):
    for ring in (RING, RING.reverse()):
        layers = layers_of(fake_layers, frame, LineString(ring))
        found = front_shape(layers, grid(2, 2, left=29), **PARAMS)
        assert (found.front_bend > 0.9 / 3_000).all()


@pytest.mark.parametrize(
    ("east", "north", "axis", "northeast"), [(0, 1, 1, 0), (1, 0, -1, 0), (1, 1, 0, 1)]
)
def test_the_axis_is_where_the_line_runs(fake_layers, frame, grid, east, north, axis, northeast):
    ends = [(-4_000 * east, -4_000 * north), (4_000 * east, 4_000 * north)]
    for line in (LineString(ends), LineString(ends[::-1])):
        found = front_shape(layers_of(fake_layers, frame, line), grid(1, 1), **PARAMS)
        weight = 1 - np.abs(50 * (north + east) / np.hypot(north, east)) / 4_000
        assert found.front_axis_north.item() == pytest.approx(axis * weight, abs=0.03)
        assert found.front_axis_northeast.item() == pytest.approx(northeast * weight, abs=0.03)


@pytest.mark.parametrize(("word", "side"), [("left", 1), ("right", -1)])
def test_a_side_column_tells_who_faces_where(fake_layers, frame, grid, word, side):
    # Drawn southwards: the left is the east.
    layers = layers_of(fake_layers, frame, STRAIGHT, side=[word])
    geobox = grid(1, 80, left=-40)
    found = front_shape(layers, geobox, side_column="side", **PARAMS)
    weight = 1 - np.abs(found.x.values) / 4_000
    np.testing.assert_allclose(found.front_facing_east.values[0], -side * weight, atol=1e-6)
    assert (found.front_salient == 0).all()
    signed = front_line(layers, geobox, layer="line", side_column="side", cap_m=9_000.0)
    assert (np.sign(signed.front_signed_m.values[0, :39]) == side).all()
    assert (np.sign(signed.front_signed_m.values[0, 41:]) == -side).all()


def test_far_from_the_line_its_shape_says_nothing(fake_layers, frame, grid):
    layers = layers_of(fake_layers, frame, LineString(RING), held=INSIDE)
    found = front_shape(layers, grid(2, 2, left=100), held_area="held", **PARAMS)
    assert all((found[name] == 0).all() for name in found.data_vars)


def test_a_scale_finer_than_the_error_is_refused(fake_layers, fake_source, frame, grid):
    sources = {"line": fake_source(position_error_m=900.0)}
    layers = layers_of(fake_layers, frame, STRAIGHT, sources=sources)
    with pytest.raises(InputError, match=r"scale_m is 800 m, but the line line is off by 900 m"):
        front_shape(layers, grid(1, 1), **PARAMS)


def test_a_held_area_on_both_sides_is_refused(fake_layers, frame, grid):
    layers = layers_of(fake_layers, frame, STRAIGHT, held=box(-9_999, -9_999, 9_999, 9_999))
    with pytest.raises(InputError, match="lies as much on one side"):
        front_shape(layers, grid(1, 1), held_area="held", **PARAMS)


@pytest.mark.parametrize("family", [front_line, front_zones, front_shape])
def test_the_side_is_given_once(fake_layers, frame, grid, family):
    layers = layers_of(fake_layers, frame, STRAIGHT, held=INSIDE, side=["left"])
    own = {
        front_line: {"cap_m": 500.0},
        front_zones: {"edges_m": (0.0, 50.0)},
        front_shape: {"scale_m": 800.0, "reach_m": 4_000.0},
    }
    with pytest.raises(InputError, match="given twice"):
        family(
            layers, grid(1, 1), layer="line", held_area="held", side_column="side", **own[family]
        )


def test_between_two_parallel_lines_the_gap_is_their_distance(
    fake_layers, fake_source, frame, grid
):
    lines = {n: frame([LineString([(e, 9e3), (e, -9e3)])]) for n, e in (("a", 120), ("b", 680))}
    found = no_mans_land(fake_layers(lines), grid(1, 10), layer="a", opposing_line="b", cap_m=800.0)
    # Behind either line, twice the way to it comes on top.
    np.testing.assert_allclose(found.front_gap_m.values[0], [700, *[560] * 6, 700, 800, 800])
    assert "front_gap_expected_m" not in found
    off = fake_layers(lines, sources={"a": fake_source(position_error_m=100.0)})
    unsure = no_mans_land(off, grid(1, 10), layer="a", opposing_line="b", cap_m=800.0)
    assert (unsure.front_gap_expected_m >= found.front_gap_m).all()
    turned = no_mans_land(off, grid(1, 10), layer="b", opposing_line="a", cap_m=800.0)
    np.testing.assert_allclose(turned.front_gap_m, found.front_gap_m)


def everything(layers, geobox):
    held = {"layer": "line", "held_area": "held"}
    return {
        **front_line(layers, geobox, cap_m=900.0, along=True, **held),
        **front_zones(layers, geobox, edges_m=(0.0, 150.0, 600.0), **held),
        **front_shape(layers, geobox, scale_m=700.0, reach_m=1_500.0, **held),
    }


def wandering(seed):
    """A line from north to south and the land west of it."""
    rng = np.random.default_rng(seed)
    steps = np.arange(7_000, -7_001, -500)
    places = np.column_stack([np.cumsum(rng.normal(0, 150, len(steps))) + 33.3, steps])
    return LineString(places), Polygon([*places, (-9_000, -7_000), (-9_000, 7_000)])


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_ground_gives_mirrored_features(fake_layers, fake_source, frame, grid, seed):
    sources, geobox = {"line": fake_source(position_error_m=120.0)}, grid(12, 12, left=-6, top=6)
    line, held = wandering(seed)
    mirror = [scale(shape, xfact=-1, origin=(0, 0)) for shape in (line, held)]
    first = everything(layers_of(fake_layers, frame, line, held=held, sources=sources), geobox)
    second = everything(
        layers_of(fake_layers, frame, mirror[0], held=mirror[1], sources=sources), geobox
    )
    for name, values in first.items():
        sign = -1 if name == "front_facing_east" else 1
        np.testing.assert_allclose(
            values.values, sign * second[name].values[:, ::-1], rtol=1e-4, atol=1e-5, err_msg=name
        )


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_the_other_side_holding_turns_the_signs(fake_layers, frame, grid, seed):
    line, held = wandering(seed)
    geobox, other = grid(12, 12, left=-6, top=6), box(-9_000, -7_000, 9_000, 7_000) - held
    first, second = (
        everything(layers_of(fake_layers, frame, line, held=side), geobox) for side in (held, other)
    )
    for name in ("front_signed_m", "front_salient", "front_facing_east", "front_facing_north"):
        np.testing.assert_allclose(first[name], -second[name], atol=1e-6, err_msg=name)


def test_metres_are_metres_whatever_the_order_of_axes(fake_layers, frame):
    # EPSG:2180 has its northing first, EPSG:32634 its easting.
    line, held = wandering(7)
    found = []
    for crs in ("EPSG:2180", "EPSG:32634"):
        move = (500_000, 500_000)
        geobox = GeoBox.from_bbox((499_400, 499_400, 500_600, 500_600), crs, shape=(12, 12))
        shapes = {"line": line, "held": held}
        vectors = {
            k: frame([v], crs=crs).translate(*move).to_frame("geometry") for k, v in shapes.items()
        }
        found.append(everything(fake_layers(vectors), geobox))
    for name, values in found[0].items():
        assert np.array_equal(values.values, found[1][name].values), name
