import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely.geometry import LineString, Point, box

from minerisk.features.terrain.visibility import (
    commanding_ground,
    commanding_view,
    count_observers,
    visibility,
)

CELL = 100.0
EARTH_RADIUS_M, REFRACTION = 6_371_000.0, 0.13
HEIGHTS = {"eye_m": 2.0, "target_m": 1.0}


def seeing(elevation, observers, radius=2_000.0, cell=CELL, heights=HEIGHTS):
    return count_observers(
        elevation, observers, radius_m=radius, resolution_m=cell, **heights
    ).seeing


def one_observer(shape, row, column):
    mask = np.zeros(shape, dtype=bool)
    mask[row, column] = True
    return mask


def sees_by_hand(z, start, end, *, cell, eye, target):
    """Whether the straight line between two points clears the ground, each crossing looked at."""
    (i0, j0), (i1, j1) = start, end
    steps = max(abs(i1 - i0), abs(j1 - j0))
    length = cell * np.hypot(i1 - i0, j1 - j0)
    for k in range(1, steps):
        share = k / steps
        row, column = i0 + share * (i1 - i0), j0 + share * (j1 - j0)
        if abs(i1 - i0) >= abs(j1 - j0):
            ground = np.interp(column, np.arange(z.shape[1]), z[round(row)])
        else:
            ground = np.interp(row, np.arange(z.shape[0]), z[:, round(column)])
        bulge = (1 - REFRACTION) * length**2 * share * (1 - share) / (2 * EARTH_RADIUS_M)
        line = (z[i0, j0] + eye) * (1 - share) + (z[i1, j1] + target) * share
        if ground + bulge > line + 1e-9:
            return False
    return True


@settings(max_examples=15, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rough=st.sampled_from([0.5, 5.0, 50.0]),
    cell=st.sampled_from([30.0, 250.0, 2_000.0]),
)
def test_counts_are_those_of_every_line_of_sight_by_hand(seed, rough, cell):
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(300, rough, (13, 15)), 2)
    observers = rng.random(z.shape) < 0.04
    watched = count_observers(z, observers, radius_m=5.2 * cell, resolution_m=cell, **HEIGHTS)
    places = np.argwhere(observers)
    for i, j in np.ndindex(z.shape):
        near = [p for p in places if np.hypot(*(p - (i, j))) <= 5.2]
        found = sum(sees_by_hand(z, tuple(p), (i, j), cell=cell, eye=2.0, target=1.0) for p in near)
        assert (watched.within[i, j], watched.seeing[i, j]) == (len(near), found)


def test_a_plane_hides_nothing_however_it_slopes():
    rows, columns = np.mgrid[0:41, 0:41]
    for a, b in ((0, 0), (10, 0), (-30, 40)):
        seen = seeing(a * columns + b * rows, one_observer((41, 41), 20, 20))
        assert seen.sum() == 1_257  # every cell within twenty cells


def test_a_wall_hides_what_is_lower_than_the_ray_over_it():
    z = np.zeros((1, 21))
    z[0, 5] = 4.0
    z[0, 15] = 8.0
    seen = seeing(z, one_observer(z.shape, 0, 0))[0]
    # The ray over the wall climbs 2 m in five cells: 8 m high at column 15, and targets are 1 m.
    assert np.flatnonzero(seen).tolist() == [0, 1, 2, 3, 4, 5, 15]


def test_on_a_dome_the_view_ends_at_the_horizon_of_the_formula():
    x = np.arange(61) * CELL
    bend = 1e-4
    z = -bend * x**2
    lower = (1 - REFRACTION) / (2 * EARTH_RADIUS_M)
    # A paraboloid and the earth's bulge add up; eye and target see as far as their horizons meet.
    reach = (np.sqrt(2.0) + np.sqrt(1.0)) / np.sqrt(bend + lower)
    seen = seeing(z[None, :], one_observer((1, 61), 0, 0), radius=6_000.0)[0]
    last = np.flatnonzero(seen).max() * CELL
    assert reach - 1.5 * CELL < last < reach + 1.5 * CELL


def test_the_earth_hides_level_ground_beyond_the_two_horizons():
    z = np.zeros((1, 200))
    seen = seeing(z, one_observer(z.shape, 0, 0), radius=20_000.0)[0]
    horizon = sum(np.sqrt(2 * EARTH_RADIUS_M * h / (1 - REFRACTION)) for h in (2.0, 1.0))
    assert np.flatnonzero(seen).max() == np.floor(horizon / CELL)


def test_a_saddle_is_seen_along_its_ridges_and_not_across():
    offsets = np.arange(-15, 16) * CELL
    z = 1e-3 * (offsets[None, :] ** 2 - offsets[:, None] ** 2)
    seen = seeing(z, one_observer(z.shape, 15, 0), radius=3_000.0)
    assert seen[15].all()  # up and down the rising line
    below = seeing(z, one_observer(z.shape, 0, 15), radius=3_000.0)
    assert not below[30, 15]  # the other side of the pass


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_and_turned_ground_gives_the_same_counts(seed):
    rng = np.random.default_rng(seed)
    z = np.round(rng.normal(300, 3, (14, 17)) * 2) / 2  # many ties
    observers = rng.random(z.shape) < 0.05
    plain = seeing(z, observers, radius=700.0)
    for turn in (np.fliplr, np.flipud, np.rot90):
        np.testing.assert_array_equal(seeing(turn(z), turn(observers), radius=700.0), turn(plain))


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_of_equal_height_both_see_each_other_or_neither(seed):
    z = np.random.default_rng(seed).normal(300, 4, (9, 9))
    alike = {"eye_m": 2.0, "target_m": 2.0}
    there = seeing(z, one_observer(z.shape, 1, 1), heights=alike)
    for i, j in ((7, 3), (4, 8), (8, 8), (1, 6)):
        assert seeing(z, one_observer(z.shape, i, j), heights=alike)[1, 1] == there[i, j]


def test_a_taller_target_is_never_seen_less():
    z = np.random.default_rng(3).normal(300, 4, (30, 30))
    observers = np.random.default_rng(4).random(z.shape) < 0.02
    low, high = (
        seeing(z, observers, heights={"eye_m": 2.0, "target_m": target}) for target in (0.0, 3.0)
    )
    assert (high >= low).all()
    assert (high > low).any()


def test_a_gap_blocks_no_view_and_is_not_seen_itself():
    z = np.zeros((1, 9))
    z[0, 3] = np.nan
    assert seeing(z, one_observer(z.shape, 0, 0))[0].tolist() == [1, 1, 1, 0, 1, 1, 1, 1, 1]
    assert not seeing(z, one_observer(z.shape, 0, 3)).any()


def test_commanding_ground_is_the_summit_that_nothing_near_exceeds():
    z = np.zeros((21, 41), dtype=np.float32)
    z[10, 5], z[10, 9], z[10, 20], z[10, 38] = 50.0, 80.0, 30.0, 90.0
    line = np.zeros(z.shape, dtype=bool)
    line[:, 12] = True
    marked = commanding_ground(z, line, near_m=1_000.0, rise_m=500.0, resolution_m=CELL)
    # Column 5 is within 500 m of the higher column 9; column 38 is too far from the line.
    assert np.argwhere(marked).tolist() == [[10, 9], [10, 20]]


def test_level_ground_commands_nothing():
    z, line = np.full((9, 9), 40.0, dtype=np.float32), np.eye(9, dtype=bool)
    assert not commanding_ground(z, line, near_m=500.0, rise_m=300.0, resolution_m=CELL).any()


def test_the_features_count_and_share_by_radius(fake_layers, frame, grid):
    posts = frame([Point(50, -50), Point(350, -50)])
    wall = fake_layers(
        vectors={"posts": posts},
        rasters={"dem": lambda x, y: np.where((x > 100) & (x < 200), 30.0, 0.0) + 0 * y},
    )
    params = {"layer": "dem", "observers": "posts", "radii_m": (200.0, 400.0), **HEIGHTS}
    made = visibility(wall, grid(1, 8), **params)
    assert made.visible_posts_200m.values[0].tolist() == [1, 2, 1, 1, 1, 1, 0, 0]
    assert made.dead_ground_posts_200m.values[0].tolist() == [0, 0, 0.5, 0, 0, 0, 0, 0]
    assert made.dead_ground_posts_400m.values[0].tolist() == [0.5, 0, 0.5, 0.5, 0.5, 0, 0, 0]


def test_without_positions_the_heights_near_the_line_watch(fake_layers, frame, grid):
    line = frame([LineString([(450, 100), (450, -1_000)])])
    hill = fake_layers(
        vectors={"line": line},
        rasters={"dem": lambda x, y: 200 * np.exp(-((x - 250) ** 2 + (y + 450) ** 2) / 4e4)},
    )
    made = commanding_view(
        *(hill, grid(9, 9)),
        **{"layer": "dem", "front_line": "line", "near_m": 400.0, "rise_m": 300.0},
        **{"radii_m": (300.0,), **HEIGHTS},
    )
    seen = made.visible_commanding_300m.values
    assert (seen[4, 2], seen[4, 3], seen[4, 8]) == (1, 1, 0)


@pytest.mark.parametrize(("west", "east", "seeing_apex"), [(0, 300, 1), (300, 900, 0)])
def test_only_heights_on_the_side_that_held_the_land_watch(
    fake_layers, frame, grid, west, east, seeing_apex
):
    hill = fake_layers(
        vectors={
            "line": frame([LineString([(450, 100), (450, -1_000)])]),
            "held": frame([box(west, -900, east, 0)]),
        },
        rasters={"dem": lambda x, y: 200 * np.exp(-((x - 250) ** 2 + (y + 450) ** 2) / 4e4)},
    )
    made = commanding_view(
        *(hill, grid(9, 9)),
        **{"layer": "dem", "front_line": "line", "near_m": 400.0, "rise_m": 300.0},
        **{"radii_m": (300.0,), "held_area": "held", **HEIGHTS},
    )
    assert made.visible_commanding_300m.values[4, 2] == seeing_apex
    assert "inside held" in made.visible_commanding_300m.attrs["words"]


@pytest.mark.parametrize("name", ["visible_posts_300m", "dead_ground_posts_300m"])
def test_land_without_elevation_is_unknown(fake_layers, frame, grid, name):
    layers = fake_layers(
        vectors={"posts": frame([Point(50, -50)])},
        rasters={"dem": lambda x, y: np.where(x > 200, np.nan, 5.0) + 0 * y},
    )
    params = {"layer": "dem", "observers": "posts", "radii_m": (300.0,), **HEIGHTS}
    gaps = np.isnan(visibility(layers, grid(2, 4), **params)[name].values)
    assert gaps.tolist() == [[False, False, True, True]] * 2
