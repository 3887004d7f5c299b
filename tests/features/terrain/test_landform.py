import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.terrain.landform import FORMS, landform, outlook

CELL, RADIUS = 10.0, 45.0  # four cells straight on, three across the corners


def seen_from_middle(function):
    offsets = (np.arange(13) - 6) * CELL
    elevation = np.broadcast_to(function(offsets[None, :], -offsets[:, None]), (13, 13))
    made = outlook(elevation, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    positive, negative, form, crossings = (float(values[6, 6]) for values in made)
    return positive, negative, list(FORMS)[int(form)], int(crossings)


def mean_degrees(straight, across):
    """Mean over four directions straight on and four across the corners."""
    return np.degrees(np.arctan(straight) + np.arctan(across)) / 2


@pytest.mark.parametrize(("a", "b"), [(0.0, 0.0), (0.3, 0.0), (0.2, -0.4), (-1.0, 1.0)])
def test_a_plane_is_as_open_above_as_below(a, b):
    positive, negative, form, crossings = seen_from_middle(lambda x, y: a * x + b * y)
    assert (positive, negative) == pytest.approx((90.0, 90.0), abs=1e-5)
    assert form == ("slope" if a or b else "flat")
    assert crossings == (2 if a or b else 0)


@pytest.mark.parametrize(("sign", "form"), [(-1, "peak"), (1, "pit")])
def test_a_paraboloid_has_the_openness_of_its_formula(sign, form):
    bend = 0.005
    positive, negative, found, crossings = seen_from_middle(
        lambda x, y: sign * bend * (x**2 + y**2)
    )
    # The sight to the distance d has the gradient bend * d: least to the next cell, most to the
    # last one within the radius.
    near = mean_degrees(bend * CELL, bend * CELL * np.sqrt(2))
    far = mean_degrees(bend * 4 * CELL, bend * 3 * CELL * np.sqrt(2))
    high, low = (90 + near, 90 - far) if sign < 0 else (90 - far, 90 + near)
    assert (positive, negative) == pytest.approx((high, low), abs=1e-4)
    assert (found, crossings) == (form, 0)


def test_a_saddle_is_a_pass():
    positive, negative, form, crossings = seen_from_middle(lambda x, y: 0.005 * (x**2 - y**2))
    near, far = (np.degrees(np.arctan(0.005 * step * CELL)) for step in (1, 4))
    # Two directions rise, two fall, four stay level.
    assert positive == pytest.approx(90 - (2 * far - 2 * near) / 8, abs=1e-4)
    assert negative == pytest.approx(90 + (2 * near - 2 * far) / 8, abs=1e-4)
    assert crossings == 4
    assert form == "slope"


@pytest.mark.parametrize(
    ("function", "form"),
    [
        (lambda x, y: -np.abs(x) + 0 * y, "ridge"),
        (lambda x, y: np.abs(x) + 0 * y, "valley"),
        (lambda x, y: np.minimum(-y, 0) + 0 * x, "shoulder"),
        (lambda x, y: np.maximum(y, 0) + 0 * x, "footslope"),
        (lambda x, y: 1.5 * y - np.abs(x), "spur"),
        (lambda x, y: 1.5 * y + np.abs(x), "hollow"),
    ],
)
def test_forms_that_anybody_would_name(function, form):
    assert seen_from_middle(function)[2] == form


def test_a_gap_is_unknown_and_hides_nothing_behind_it():
    elevation = np.zeros((13, 13), dtype=np.float32)
    elevation[6, 7] = np.nan
    elevation[6, 8] = 20.0
    made = outlook(elevation, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    assert made.positive[6, 6] == pytest.approx(90 - 45 / 8)
    assert np.isnan(made.form[6, 7])
    elevation[6, 7:] = np.nan
    made = outlook(elevation, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    assert np.isnan(made.positive[6, 6])  # nothing is known to the east


@settings(max_examples=15, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_mirrored_and_turned_ground_gives_mirrored_and_turned_features(seed):
    z = np.random.default_rng(seed).normal(300, 5, (12, 15)).astype(np.float32)
    plain = outlook(z, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    for turn in (np.fliplr, np.flipud, np.rot90):
        turned = outlook(turn(z), radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
        for there, here in zip(turned, plain, strict=True):
            np.testing.assert_allclose(there, turn(here), rtol=1e-6)


def test_ground_upside_down_swaps_heights_and_valleys():
    rows, columns = np.mgrid[0:60, 0:60]
    z = 20 * np.sin(columns / 6) * np.cos(rows / 8) + 3 * np.sin(columns * rows / 90)
    z = np.round(z, 2)
    plain = outlook(z, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    upside = outlook(-z, radius_m=RADIUS, resolution_m=CELL, flat_deg=1.0)
    np.testing.assert_allclose(upside.positive, plain.negative, rtol=1e-6)
    pairs = {"flat": "flat", "peak": "pit", "ridge": "valley", "shoulder": "footslope"}
    pairs |= {"spur": "hollow", "slope": "slope"}
    pairs |= {low: high for high, low in pairs.items()}
    opposite = np.array([list(FORMS).index(pairs[form]) for form in FORMS])
    inner = (slice(1, -1), slice(1, -1))
    expected = opposite[plain.form[inner].astype(int)]
    np.testing.assert_array_equal(upside.form[inner], expected)
    np.testing.assert_array_equal(upside.crossings, plain.crossings)


def test_every_cell_has_one_form_and_ruggedness_by_hand(fake_layers, grid):
    bumps = fake_layers(rasters={"dem": lambda x, y: 50 * np.sin(x / 300) * np.cos(y / 200)})
    made = landform(bumps, grid(20, 20), layer="dem", radii_m=(300.0,), flat_deg=1.0)
    total = sum(made[f"landform_{form}_300m"] for form in FORMS)
    kept = total.values[3:-3, 3:-3]
    assert (kept == 1).all()
    step = fake_layers(rasters={"dem": lambda x, y: np.where(x + 0 * y > 300, 10.0, 0.0)})
    made = landform(step, grid(6, 6), layer="dem", radii_m=(100.0,), flat_deg=1.0)
    # Five cells, one of them 10 m higher: the root of 100 / 5.
    assert made.ruggedness_100m.values[2, 2] == pytest.approx(np.sqrt(20), rel=1e-6)
