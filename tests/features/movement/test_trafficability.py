import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from minerisk.features.movement.trafficability import trafficability, walking_speed, wheeled_speed

LIMIT = {"radii_m": (200.0,), "wheeled_limit": 0.3}


def test_walking_speed_has_the_values_of_toblers_function():
    level = 0.6 * 6 * np.exp(-0.175) / 3.6
    up, down = (0.6 * 6 * np.exp(-3.5 * abs(s + 0.05)) / 3.6 for s in (0.2, -0.2))
    assert walking_speed(np.array([0.0]))[0] == pytest.approx(level)
    assert walking_speed(np.array([0.2]))[0] == pytest.approx(2 / (1 / up + 1 / down))


@given(st.floats(0, 3), st.floats(0.001, 1))
def test_steeper_is_never_faster(gradient, more):
    slow, fast = np.array([gradient + more]), np.array([gradient])
    assert walking_speed(slow) <= walking_speed(fast)
    assert wheeled_speed(slow, limit=0.3) <= wheeled_speed(fast, limit=0.3)


@pytest.mark.parametrize(("a", "b", "share"), [(0.0, 0.0, 1), (0.09, 0.12, 0.5), (0.3, 0.1, 0)])
def test_a_plane_has_one_speed_everywhere(fake_layers, grid, a, b, share):
    plane = fake_layers(rasters={"dem": lambda x, y: a * x + b * y})
    made = trafficability(plane, grid(7, 7), layer="dem", **LIMIT).isel(
        y=slice(1, -1), x=slice(1, -1)
    )
    np.testing.assert_allclose(made.speed_wheeled, share, atol=1e-6)
    np.testing.assert_allclose(made.speed_on_foot, walking_speed(np.hypot(a, b)), rtol=1e-6)
    np.testing.assert_allclose(made.wheeled_ground_200m, 1 if share else 0)


def test_wheels_use_the_share_of_the_disc_that_is_level(fake_layers, grid):
    cliff = fake_layers(rasters={"dem": lambda x, y: np.where(x + 0 * y > 700, 500.0, 0.0)})
    made = trafficability(cliff, grid(10, 10), layer="dem", **LIMIT).wheeled_ground_200m
    # Columns 6 and 7 touch the step. Of the 13 cells within 200 m of column 5, those at one and
    # two cells to the east are steep: three and one of them.
    assert made.values[5, 5] == pytest.approx(9 / 13)
    assert made.values[5, 4] == pytest.approx(12 / 13)


def test_land_cover_slows_and_stops_and_a_gap_in_it_is_unknown(fake_layers, grid):
    def cover(x, y):
        return np.where(x < 300, 1.0, np.where(x < 600, 17.0, np.nan)) + 0 * y

    layers = fake_layers(rasters={"dem": lambda x, y: 0 * x * y, "cover": cover})
    made = trafficability(
        layers, grid(9, 9), layer="dem", land_cover="cover", cover_speed={1: 0.5, 17: 0.0}, **LIMIT
    )
    level = walking_speed(np.array(0.0))
    foot = made.speed_on_foot.values[4]
    np.testing.assert_allclose(foot[1:8], [level / 2] * 2 + [0] * 3 + [np.nan] * 2, rtol=1e-6)
    assert made.speed_wheeled.values[4, 1] == 0.5
    assert made.wheeled_ground_200m.values[4, 4] == pytest.approx(1 / 12)  # one cell of class 1


def test_mirrored_ground_gives_mirrored_features(fake_layers, grid):
    def hills(x, y):
        return 60 * np.sin(x / 170) * np.cos(y / 230)

    plain = fake_layers(rasters={"dem": hills})
    mirrored = fake_layers(rasters={"dem": lambda x, y: hills(1_200 - x, y)})
    first = trafficability(plain, grid(12, 12), layer="dem", **LIMIT)
    second = trafficability(mirrored, grid(12, 12), layer="dem", **LIMIT)
    for name in first.data_vars:
        np.testing.assert_allclose(second[name].values[:, ::-1], first[name].values, atol=1e-5)
