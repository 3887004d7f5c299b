"""Ranges that were put in are read out, and noise has none."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.models.cautions import CautionCode
from minerisk.models.folds.autocorrelation import (
    Lattice,
    autocorrelation_range,
    fit_variogram,
    variogram,
)

CELLS, CELL_M = 200, 250.0
CENTRES = (
    np.stack(np.meshgrid(np.arange(CELLS), np.arange(CELLS)), -1).reshape(-1, 2) + 0.5
) * CELL_M


def gaussian_field(range_m, shape, seed, nugget=0.0):
    """Simulate a field of sill 1 plus nugget on a torus of twice the side."""
    rng = np.random.default_rng(seed)
    side = 2 * CELLS
    along = np.minimum(np.arange(side), side - np.arange(side)) * CELL_M
    apart = np.hypot(along[:, None], along[None, :])
    near = np.minimum(apart / range_m, 1)
    covariance = (
        np.exp(-3 * apart / range_m) if shape == "exponential" else 1 - 1.5 * near + near**3 / 2
    )
    power = np.maximum(np.fft.fft2(covariance).real, 0)
    white = rng.normal(size=(side, side)) + 1j * rng.normal(size=(side, side))
    field = np.fft.fft2(np.sqrt(power) * white).real / side
    return (field[:CELLS, :CELLS] + nugget**0.5 * rng.normal(size=(CELLS, CELLS))).ravel()


def discs(diameter_m, prevalence, seed):
    """Scatter discs at random: two cells further apart than a diameter are independent."""
    rng = np.random.default_rng(seed)
    density = -np.log(1 - prevalence) / (np.pi * diameter_m**2 / 4)
    side = CELLS * CELL_M + diameter_m
    middle = rng.uniform(
        -diameter_m / 2, side - diameter_m / 2, (rng.poisson(density * side**2), 2)
    )
    distance, _ = cKDTree(middle).query(CENTRES)
    return (distance < diameter_m / 2).astype(int)


def brute_variogram(value, weight, lags):
    rows, columns = np.nonzero(weight)
    v, w = value[rows, columns], weight[rows, columns]
    first, second = np.triu_indices(v.size, 1)
    apart = np.hypot(rows[first] - rows[second], columns[first] - columns[second])
    pairs = w[first] * w[second]
    unlike = 0.5 * pairs * (v[first] - v[second]) ** 2
    lag = np.rint(apart).astype(int)
    kept = [k for k in range(1, lags + 1) if pairs[lag == k].sum() > 0]
    sums = [(pairs[lag == k].sum(), (pairs * apart)[lag == k].sum()) for k in kept]
    return np.array(
        [
            [reach / count, unlike[lag == k].sum() / count]
            for k, (count, reach) in zip(kept, sums, strict=True)
        ]
    ).T


@pytest.mark.parametrize("seed", range(4))
def test_the_fourier_variogram_is_the_sum_over_pairs(seed):
    rng = np.random.default_rng(seed)
    weight = rng.integers(0, 4, (13, 9)).astype(float)
    value = rng.normal(size=(13, 9)) + 100
    lags, semivariance, _ = variogram(Lattice(value, weight), lags=6)
    expected = brute_variogram(value, weight, 6)
    np.testing.assert_allclose(lags, expected[0], rtol=1e-9)
    np.testing.assert_allclose(semivariance, expected[1], rtol=1e-9)


@pytest.mark.parametrize("shape", ["exponential", "spherical"])
def test_a_variogram_without_noise_is_fitted_exactly(shape):
    lags = np.arange(1, 41) * 500.0
    near = np.minimum(lags / 7_000, 1)
    rise = 1 - np.exp(-3 * lags / 7_000) if shape == "exponential" else 1.5 * near - near**3 / 2
    nugget, partial, range_m, _ = fit_variogram(lags, 0.3 + 2 * rise, np.ones(40), shape=shape)
    assert (nugget, partial, range_m) == pytest.approx((0.3, 2.0, 7_000), rel=1e-3)


@pytest.mark.parametrize(
    ("range_m", "shape", "nugget"),
    [
        (6_000, "spherical", 0),
        (6_000, "spherical", 1),
        (1_500, "spherical", 0),
        (5_000, "exponential", 0),
    ],
)
def test_the_range_of_a_simulated_field_is_found(range_m, shape, nugget):
    found = [
        autocorrelation_range(
            gaussian_field(range_m, shape, seed, nugget), CENTRES, max_m=20_000
        ).range_m
        for seed in range(5)
    ]
    assert np.median(found) == pytest.approx(range_m, rel=0.3)


@pytest.mark.parametrize(("diameter_m", "prevalence"), [(1_500, 0.02), (4_000, 0.05)])
def test_the_range_of_rare_patches_is_their_diameter(diameter_m, prevalence):
    found = [
        autocorrelation_range(discs(diameter_m, prevalence, seed), CENTRES, max_m=20_000).range_m
        for seed in range(5)
    ]
    assert np.median(found) == pytest.approx(diameter_m, rel=0.3)


def test_noise_has_no_range():
    found = [
        autocorrelation_range(
            np.random.default_rng(seed).random(len(CENTRES)) < 0.02,
            CENTRES,
            max_m=20_000,
            seed=seed,
        )
        for seed in range(4)
    ]
    assert np.median([one.range_m for one in found]) == 0
    quiet = [one for one in found if one.range_m == 0]
    assert quiet[0].caution.code is CautionCode.NO_STRUCTURE
    assert quiet[0].sill == pytest.approx(0.02 * 0.98, rel=0.1)


def test_the_sill_is_the_variance_far_away():
    found = autocorrelation_range(gaussian_field(3_000, "spherical", 1), CENTRES, max_m=20_000)
    assert found.sill == pytest.approx(1.0, rel=0.2)
    assert found.nugget < 0.2
    assert found.lags.shape == found.semivariance.shape == found.pairs.shape


def test_a_trend_says_that_its_range_was_not_reached():
    slope = CENTRES[:, 0] + np.random.default_rng(0).normal(0, 100, len(CENTRES))
    found = autocorrelation_range(slope, CENTRES, max_m=15_000)
    assert found.range_m > 15_000
    assert found.caution.code is CautionCode.RANGE_BEYOND_REACH
    assert (found.caution.range_m, found.caution.reach_m) == (found.range_m, 15_000)


def test_scattered_points_and_gaps_are_taken():
    rng = np.random.default_rng(3)
    field = gaussian_field(6_000, "spherical", 2)
    field[rng.random(field.size) < 0.1] = np.nan
    some = rng.random(field.size) < 0.2
    found = autocorrelation_range(field[some], CENTRES[some], max_m=20_000)
    assert found.range_m == pytest.approx(6_000, rel=0.35)


def test_row_order_and_repetition_change_nothing():
    field = gaussian_field(6_000, "spherical", 4)
    order = np.random.default_rng(0).permutation(field.size)
    one = autocorrelation_range(field, CENTRES, max_m=20_000)
    two = autocorrelation_range(field[order], CENTRES[order], max_m=20_000)
    assert one.range_m == pytest.approx(two.range_m, rel=1e-6)
    assert one.range_m == autocorrelation_range(field, CENTRES, max_m=20_000).range_m


def test_a_constant_is_refused():
    with pytest.raises(InputError, match="constant"):
        autocorrelation_range(np.ones(100), np.random.default_rng(0).random((100, 2)), max_m=1)
    with pytest.raises(InputError, match="at least 30"):
        autocorrelation_range(np.arange(9.0), np.random.default_rng(0).random((9, 2)), max_m=1)
