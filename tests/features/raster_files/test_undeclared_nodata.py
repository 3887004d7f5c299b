"""Values that look like undeclared nodata are named; true values that look odd are not."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from minerisk.features.raster_files.undeclared_nodata import (
    HEIGHTS_M,
    LOWEST_LAND_M,
    Extremes,
    suspects,
)

HEIGHTS = {"bounds": HEIGHTS_M, "doubtful_below": LOWEST_LAND_M}
RNG = np.random.default_rng(5)
HILLS = RNG.uniform(100, 1_600, 500)
CLASSES = np.repeat([1.0, 2, 5, 10, 11, 17], 20)
PEOPLE = np.concatenate([np.zeros(300), RNG.exponential(4, 200), [900.0, 5_000.0]])
GREENNESS = RNG.uniform(-0.2, 0.9, 300)
GREY = RNG.integers(0, 256, 3_000).astype(float)


def found(values: np.ndarray, **known: object) -> list[float]:
    extremes = Extremes()
    for part in np.array_split(values, 3):
        extremes = extremes.with_values(part)
    return [suspect.value for suspect in suspects(extremes, **known)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("values", "fill", "known"),
    [
        *[(HILLS, fill, HEIGHTS) for fill in (-32768, -32767, -9999, -999, 32767)],
        *[(HILLS, fill, HEIGHTS) for fill in (65535, 1e20, -99999, -501, -1000, 9001)],
        *[(PEOPLE, fill, {}) for fill in (-9999, -99999, -32768, -3.4028234663852886e38, -np.inf)],
        *[(GREENNESS, fill, {}) for fill in (-9999, 1e20, np.inf, -99, 255, -3000)],
        *[(CLASSES, fill, {"classes": True}) for fill in (255, -9999, 65535, -128)],
        (np.zeros(20), -9999, {}),
    ],
)
def test_a_fill_among_true_values_is_named(
    values: np.ndarray, fill: float, known: dict[str, object]
) -> None:
    with_fill = np.concatenate([values, np.full(5, float(fill))])
    assert found(with_fill, **known) == [float(fill)]


def test_fills_at_both_ends_are_named() -> None:
    assert found(np.concatenate([HILLS, [-9999.0, -32768.0, 1e20]])) == [-32768, -9999, 1e20]


@pytest.mark.parametrize(
    ("values", "known"),
    [
        (HILLS, HEIGHTS),
        (np.concatenate([HILLS, np.zeros(50)]), HEIGHTS),
        (HILLS - 500, HEIGHTS),
        (np.linspace(-4_800, 1_900, 900), HEIGHTS),
        (PEOPLE, {}),
        (GREENNESS, {}),
        (GREY, {}),
        (np.array([0.0, 255.0] * 20), {}),
        (np.array([0.0, 1.0] * 20), {"classes": True}),
        (np.arange(256.0), {"classes": True}),
        (np.concatenate([CLASSES, np.full(9, 250.0)]), {"classes": True}),
        (np.arange(-10_400.0, 3_000.0), {}),
        (np.arange(-32768.0, 32768.0, 7), {}),
        (np.full(9, 255.0), {}),
        (np.array([]), {}),
    ],
)
def test_true_values_are_left_alone(values: np.ndarray, known: dict[str, object]) -> None:
    assert found(values, **known) == []


def test_a_value_that_is_declared_and_passed_over_is_named() -> None:
    values = np.concatenate([GREENNESS, np.full(4, -7.0)])
    assert found(values) == []
    assert found(values, declared=(-7.0,)) == [-7.0]


@settings(max_examples=100, deadline=None, database=None)
@given(
    values=arrays.arrays(
        np.float64, st.integers(1, 60), elements=st.integers(-9, 9).map(float) | st.just(np.nan)
    ),
    cuts=st.lists(st.integers(0, 60), max_size=4),
)
def test_extremes_of_parts_are_those_of_the_whole(values: np.ndarray, cuts: list[int]) -> None:
    extremes = Extremes()
    for part in np.split(values, sorted(min(cut, len(values)) for cut in cuts)):
        extremes = extremes.with_values(part)
    distinct, counts = np.unique(values[~np.isnan(values)], return_counts=True)
    pairs = list(zip(distinct.tolist(), counts.tolist(), strict=True))
    assert list(extremes.low) == pairs[:8]
    assert list(extremes.high) == pairs[::-1][:8]


@pytest.mark.parametrize("fill", [1e20, -9999.9, -99.99, 1e36, -1e30])
def test_a_fill_that_occurs_once_is_known_as_it_is_stored_in_four_bytes(fill: float) -> None:
    values = np.append(np.linspace(100, 900, 200), fill).astype(np.float32).astype(np.float64)
    (found,) = suspects(Extremes().with_values(values))
    assert found.value == float(np.float32(fill))
