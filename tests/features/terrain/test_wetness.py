import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.terrain.wetness import LEAST_GRADIENT, gathered_cells, wetness


@pytest.mark.parametrize(("a", "b"), [(0.1, 0.0), (0.0, -0.4), (0.2, 0.3)])
def test_on_a_plane_every_step_brings_one_cell_of_rain(a, b):
    rows, columns = np.mgrid[0:25, 0:25]
    plane = (10 * (a * columns - b * rows)).astype(np.float64)
    cells = gathered_cells(plane, steps=5)
    np.testing.assert_allclose(cells[6:-6, 6:-6], 6.0, rtol=1e-5)


def test_the_index_of_a_plane_is_that_of_the_formula(fake_layers, grid):
    plane = fake_layers(rasters={"dem": lambda x, y: 0.25 * x + 0 * y})
    made = wetness(plane, grid(20, 20), layer="dem", radii_m=(500.0,)).wetness_500m
    # Six cells of 100 m for a metre of contour, over a gradient of 0.25.
    np.testing.assert_allclose(made[7:-7, 7:-7], np.log(600 / 0.25), rtol=1e-5)


def test_level_ground_gathers_nothing_but_its_own_rain(fake_layers, grid):
    level = fake_layers(rasters={"dem": lambda x, y: 0 * x * y + 200.0})
    made = wetness(level, grid(9, 9), layer="dem", radii_m=(300.0,)).wetness_300m
    np.testing.assert_allclose(made[1:-1, 1:-1], np.log(100 / LEAST_GRADIENT), rtol=1e-6)


def test_a_gutter_gathers_both_banks_by_hand():
    across = np.abs(np.arange(7) - 3)[None, :] * 1_000.0  # banks so steep that all falls sideways
    along = np.zeros((1, 1))
    cells = gathered_cells(np.broadcast_to(across + along, (9, 7)), steps=3)
    # Level along the gutter: after three steps the three cells on either bank have come down.
    assert cells[4, 3] == pytest.approx(7.0)
    assert cells[4, 2] == pytest.approx(3.0)


def test_no_rain_is_lost_before_it_leaves_the_ground():
    z = np.random.default_rng(1).normal(0, 1, (12, 12))
    one, two = gathered_cells(z, steps=1), gathered_cells(z, steps=2)
    hollows = sum(
        z[i, j] <= z[max(i - 1, 0) : i + 2, max(j - 1, 0) : j + 2].min()
        for i, j in np.ndindex(z.shape)
    )
    # Each cell's rain moves once, but from a hollow it goes nowhere.
    assert (one - 1).sum() == pytest.approx(144 - hollows, rel=1e-6)
    assert two.sum() <= one.sum() + 144 - hollows


def test_a_gap_passes_no_water_on():
    z = np.repeat(np.arange(9.0)[None, ::-1], 9, axis=0)
    z[:, 4] = np.nan
    cells = gathered_cells(z, steps=8)
    assert np.isnan(cells[:, 4]).all()
    assert cells[4, 5] == 1.0


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_and_turned_ground_gives_mirrored_and_turned_features(seed):
    z = np.random.default_rng(seed).normal(300, 30, (12, 15)).astype(np.float32)
    plain = gathered_cells(z, steps=6)
    for turn in (np.fliplr, np.flipud, np.rot90):
        np.testing.assert_allclose(gathered_cells(turn(z), steps=6), turn(plain), rtol=1e-5)
