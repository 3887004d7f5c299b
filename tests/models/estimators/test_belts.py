import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.models.estimators.belts import fit_belts, nearest_belt, row_geometry


def row(bearing_deg: float, *, spacing: float = 5.0, count: int = 41, at=(1e5, 2e5)) -> np.ndarray:
    steps = spacing * (np.arange(count) - count // 2)
    angle = np.radians(bearing_deg)
    return np.array(at) + np.outer(steps, [np.sin(angle), np.cos(angle)])


def bearing_of(geometry: np.ndarray) -> np.ndarray:
    return np.degrees(np.arctan2(geometry[:, 0], geometry[:, 1])) / 2 % 180


@pytest.mark.parametrize("bearing", [0.5, 30.0, 45.0, 90.0, 135.0, 179.0])
def test_a_straight_row_gives_its_bearing_and_spacing(bearing: float) -> None:
    found = row_geometry(np.array([[1e5 + 3, 2e5 - 7]]), row(bearing), radius_m=60.0)
    assert bearing_of(found)[0] == pytest.approx(bearing, abs=1e-6)
    assert found[0, 2] == pytest.approx(1.0)
    assert found[0, 3] == pytest.approx(5.0)


def test_elongation_is_that_of_the_variances() -> None:
    # Corners of a 40 m by 20 m rectangle: variances 400 and 100, elongation 300 / 500.
    corners = np.array([[-20.0, -10.0], [20.0, -10.0], [-20.0, 10.0], [20.0, 10.0]])
    found = row_geometry(np.zeros((1, 2)), corners, radius_m=100.0)
    np.testing.assert_allclose(found, [[0.0, -0.6, 0.6, 20.0]], atol=1e-12)
    assert bearing_of(found)[0] == pytest.approx(90.0)


def test_a_square_of_finds_has_no_direction() -> None:
    corners = np.array([[-10.0, -10.0], [10.0, -10.0], [-10.0, 10.0], [10.0, 10.0]])
    found = row_geometry(np.array([[1.0, 2.0]]), corners, radius_m=100.0)
    np.testing.assert_allclose(found, [[0.0, 0.0, 0.0, 20.0]], atol=1e-12)


def test_too_few_finds_have_no_direction_and_the_radius_for_spacing() -> None:
    places = np.zeros((1, 2))
    np.testing.assert_array_equal(
        row_geometry(places, np.zeros((0, 2)), radius_m=50), [[0, 0, 0, 50]]
    )
    np.testing.assert_array_equal(
        row_geometry(places, np.ones((1, 2)), radius_m=50), [[0, 0, 0, 50]]
    )
    two = np.array([[0.0, 0.0], [0.0, 10.0]])
    np.testing.assert_array_equal(row_geometry(places, two, radius_m=50), [[0, 0, 0, 10]])


def test_a_straight_row_is_one_belt_with_its_ends_and_axis() -> None:
    belts = fit_belts(row(90.0), link_m=8.0)
    # 41 finds 5 m apart: 200 m long, around (100 000, 200 000), running east.
    np.testing.assert_allclose(np.abs(belts), [[1e5, 2e5, 1, 0, 100]], atol=1e-6)
    beside, past = [1e5 + 30, 2e5 + 12], [1e5 + 150, 2e5 - 4]
    found = nearest_belt(np.array([beside, past, [1e5, 3e5]]), belts, cap_m=500.0)
    np.testing.assert_allclose(found, [[12, 0, 200], [4, 50, 200], [500, 500, 0]], atol=1e-6)


def test_rows_far_apart_are_two_belts_and_the_nearest_is_measured() -> None:
    belts = fit_belts(np.vstack([row(90.0), row(0.0, at=(1e5, 2e5 + 1_000))]), link_m=8.0)
    assert len(belts) == 2
    found = nearest_belt(np.array([[1e5 + 20, 2e5 + 1_050]]), belts, cap_m=500.0)
    np.testing.assert_allclose(found, [[20, 0, 200]], atol=1e-6)


def test_a_bent_belt_is_cut_into_straight_pieces_that_follow_it() -> None:
    angle = np.radians(np.arange(0, 180.1, 1.0))
    arc = 1_000 * np.column_stack([np.cos(angle), np.sin(angle)])
    belts = fit_belts(arc, link_m=50.0)
    assert len(belts) > 2
    # Every find lies within 2 % of the radius of the belts made from them.
    found = nearest_belt(arc, belts, cap_m=500.0)
    assert np.hypot(found[:, 0], found[:, 1]).max() < 20


def test_a_winding_belt_is_followed() -> None:
    steps = np.arange(0, 6_000.0, 20.0)
    winding = np.column_stack([steps, 800 * np.sin(2 * np.pi * steps / 3_000)])
    belts = fit_belts(winding, link_m=120.0)
    found = nearest_belt(winding, belts, cap_m=2_000.0)
    # As one straight belt, finds would lie up to 800 m off it.
    assert np.median(np.hypot(found[:, 0], found[:, 1])) < 40


def test_a_straight_belt_of_some_width_is_not_cut() -> None:
    rng = np.random.default_rng(3)
    wide = np.column_stack([rng.uniform(0, 5_000, 300), rng.normal(0, 60, 300)])
    belts = fit_belts(wide, link_m=200.0)
    assert len(belts) == 1
    assert abs(belts[0, 2]) > 0.999


def test_a_round_group_is_no_belt() -> None:
    steps = np.arange(10) * 10.0
    square = np.array([[east, north] for east in steps for north in steps])
    assert len(fit_belts(square, link_m=15.0)) == 0


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000), st.integers(-50, 50), st.integers(-50, 50))
def test_moved_land_gives_the_same_geometry(seed: int, east: int, north: int) -> None:
    rng = np.random.default_rng(seed)
    finds = rng.integers(0, 60, size=(30, 2)) * 64.0
    places = rng.integers(0, 60, size=(20, 2)) * 64.0
    shift = np.array([east, north]) * 64.0
    np.testing.assert_array_equal(
        row_geometry(places, finds, radius_m=500.0),
        row_geometry(places + shift, finds + shift, radius_m=500.0),
    )
    before, after = (
        nearest_belt(places + by, fit_belts(finds + by, link_m=400.0), cap_m=2_000.0)
        for by in (np.zeros(2), shift)
    )
    np.testing.assert_allclose(before, after, atol=1e-6)


@settings(deadline=None, max_examples=20)
@given(st.integers(0, 10_000))
def test_mirrored_land_gives_the_mirrored_direction(seed: int) -> None:
    rng = np.random.default_rng(seed)
    finds, places = rng.uniform(0, 3_000, (30, 2)), rng.uniform(0, 3_000, (20, 2))
    flip = np.array([-1.0, 1.0])
    here = row_geometry(places, finds, radius_m=800.0)
    there = row_geometry(places * flip, finds * flip, radius_m=800.0)
    np.testing.assert_allclose(there * [-1, 1, 1, 1], here, atol=1e-9)
