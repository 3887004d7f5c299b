import numpy as np
import pytest
from shapely.geometry import LineString

from minerisk.features.front.facing import chance_of_side, front_facing


@pytest.fixture
def across(fake_layers, frame, grid):
    """A front along a row of cells; give what front_facing says on a plane."""

    def made(a, b, cap=2_000.0, size=9):
        line = frame([LineString([(-5_000, -450), (5_000, -450)])])  # through row 4
        plane = fake_layers(vectors={"line": line}, rasters={"dem": lambda x, y: a * x + b * y})
        box = grid(size, size)
        return front_facing(plane, box, layer="dem", front_line="line", cap_m=cap)

    return made


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.5), (0.3, 0.4), (-0.2, -0.1)])
def test_a_plane_faces_the_line_from_one_side_and_turns_away_on_the_other(across, a, b):
    made = across(a, b)
    steep = np.hypot(a, b)
    # North of the line, the line lies south; the plane falls to the south if b is positive.
    np.testing.assert_allclose(made.front_facing[1:4, 1:-1], b / steep, rtol=1e-6)
    np.testing.assert_allclose(made.front_facing[5:-1, 1:-1], -b / steep, rtol=1e-6)
    np.testing.assert_allclose(made.front_facing[4, 1:-1], 0, atol=1e-6)
    np.testing.assert_allclose(made.front_fall[1:4, 1:-1], b, rtol=1e-5)
    rows = np.arange(9)[:, None]
    height = b * 100 * (4 - rows) + np.zeros(7)
    np.testing.assert_allclose(made.front_height_m[:, 1:-1], height, atol=1e-3)


def test_beyond_the_cap_there_is_no_front_to_face(across):
    made = across(0.3, 0.4, cap=200.0)
    assert (made.front_facing.values[1, 1:-1] == 0).all()
    assert (made.front_facing.values[2, 1:-1] != 0).all()
    assert (made.front_height_m.values[[0, 1, 7, 8]] == 0).all()


def test_a_line_off_by_its_own_distance_is_on_the_other_side_one_time_in_six():
    # P(e > d) for d of one standard deviation is 0.1587; the other 0.8413 lie where it was drawn.
    sure = chance_of_side(np.array([0.0, 200.0, 1e6]), error_m=200.0)
    np.testing.assert_allclose(sure, [0.0, 0.6827, 1.0], atol=1e-4)


def test_facing_is_expected_by_the_chance_of_the_side(fake_layers, fake_source, frame, grid):
    layers = fake_layers(
        vectors={"line": frame([LineString([(-5_000, -450), (5_000, -450)])])},
        rasters={"dem": lambda x, y: 0.5 * y + 0 * x},
        sources={"line": fake_source(position_error_m=200.0)},
    )
    made = front_facing(layers, grid(9, 9), layer="dem", front_line="line", cap_m=900.0)
    np.testing.assert_allclose(made.front_facing_expected[2, 1:-1], 0.6827, atol=1e-4)
    np.testing.assert_allclose(made.front_fall_expected[6, 1:-1], -0.5 * 0.6827, atol=1e-4)


def test_the_nearest_point_of_a_slanting_line_is_its_foot(fake_layers, frame, grid):
    a, b = 0.02, -0.05
    layers = fake_layers(
        vectors={"line": frame([LineString([(-2_000, -3_050), (4_000, 2_950)])])},  # y = x - 1050
        rasters={"dem": lambda x, y: a * x + b * y},
    )
    made = front_facing(layers, grid(9, 9), layer="dem", front_line="line", cap_m=2_000.0)
    x, y = np.meshgrid(made.x, made.y)
    off = (x - y - 1_050) / 2  # the foot lies at (x - off, y + off)
    near = slice(2, -2)
    np.testing.assert_allclose(
        made.front_height_m[near, near], ((a - b) * off)[near, near], atol=1e-3
    )
    east, north = -a / np.hypot(a, b), -b / np.hypot(a, b)
    facing = np.sign(off) * (north - east) / np.sqrt(2)
    np.testing.assert_allclose(made.front_facing[1:-1, 1:-1], facing[1:-1, 1:-1], atol=1e-6)


def test_mirrored_ground_gives_mirrored_features(fake_layers, frame, grid):
    corners = np.array([(-500, -330), (420, -610), (900, -180), (1_900, -1_300)])

    def hills(x, y):
        return 60 * np.sin(x / 170) * np.cos(y / 230)

    def made(line, ground):
        layers = fake_layers(vectors={"line": frame([LineString(line)])}, rasters={"dem": ground})
        return front_facing(layers, grid(12, 12), layer="dem", front_line="line", cap_m=600.0)

    plain = made(corners, hills)
    mirrored = made(corners * (-1, 1) + (1_200, 0), lambda x, y: hills(1_200 - x, y))
    for name in plain.data_vars:
        there = mirrored[name].values[1:-1, 1:-1]
        np.testing.assert_allclose(there[:, ::-1], plain[name].values[1:-1, 1:-1], atol=1e-4)
