import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString

from features.facing import chance_of_side, front_facing, nearest_marked


def brute(mask, values, cap):
    """All nearest marked cells by hand; of those in a row, the outermost columns."""
    rows, columns = np.nonzero(mask)
    distance = np.full(mask.shape, np.inf)
    east, north = np.zeros(mask.shape), np.zeros(mask.shape)
    value = np.full(mask.shape, np.nan)
    for i, j in np.ndindex(mask.shape):
        squared = (rows - i) ** 2 + (columns - j) ** 2
        if not len(squared) or squared.min() > cap**2:
            continue
        near = np.flatnonzero(squared == squared.min())
        edge = [columns[near].min(), columns[near].max()]
        chosen = [k for side in edge for k in near if columns[k] == side]
        # A side with one cell and a side with two count each cell once.
        if edge[0] == edge[1]:
            chosen = list(near)
        length = max(np.sqrt(squared.min()), 1)
        distance[i, j] = np.sqrt(squared.min())
        east[i, j] = np.mean(columns[chosen] - j) / length
        north[i, j] = np.mean(i - rows[chosen]) / length
        value[i, j] = np.mean(values[rows[chosen], columns[chosen]])
    return distance, east, north, value


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    share=st.sampled_from([0.01, 0.05, 0.3]),
    cap=st.sampled_from([3.0, 5.5, 40.0]),
)
def test_the_nearest_cells_are_those_found_by_hand(seed, share, cap):
    rng = np.random.default_rng(seed)
    mask, values = rng.random((11, 14)) < share, rng.normal(size=(11, 14))
    made = nearest_marked(mask, values, cap_cells=cap)
    for found, expected in zip(made, brute(mask, values, cap), strict=True):
        np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-6)


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_a_mirrored_line_gives_mirrored_directions(seed):
    rng = np.random.default_rng(seed)
    mask, values = rng.random((9, 12)) < 0.08, rng.normal(size=(9, 12))
    plain = nearest_marked(mask, values, cap_cells=6)
    flipped = nearest_marked(mask[:, ::-1], values[:, ::-1], cap_cells=6)
    np.testing.assert_array_equal(flipped.east, -plain.east[:, ::-1])
    np.testing.assert_array_equal(flipped.north, plain.north[:, ::-1])
    np.testing.assert_array_equal(flipped.value, plain.value[:, ::-1])
    flipped = nearest_marked(mask[::-1], values[::-1], cap_cells=6)
    np.testing.assert_array_equal(flipped.north, -plain.north[::-1])
    np.testing.assert_array_equal(flipped.value, plain.value[::-1])


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
    np.testing.assert_allclose(made.front_facing[4, 1:-1], 0)
    np.testing.assert_allclose(made.front_fall[1:4, 1:-1], b, rtol=1e-5)
    rows = np.arange(9)[:, None]
    np.testing.assert_allclose(made.front_height_m, b * 100 * (4 - rows) + np.zeros(9), atol=1e-3)


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
