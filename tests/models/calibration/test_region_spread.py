"""How far regions lie off the model, and whether sums over regions left out are then held."""

import numpy as np
import pytest
from scipy.special import expit

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.joint_draws import keep_mean
from minerisk.models.calibration.region_spread import SDS, RegionSpread, fit_region_spread

BLOCKS, CELLS, BLOCK_SD = 8, 150, 0.5


def learned(region_sd: float, *, regions: int, seed: int) -> RegionSpread:
    """Learn from a world whose blocks and regions lie off as far as is known."""
    rng = np.random.default_rng(seed)
    region = np.repeat(np.arange(regions), BLOCKS * CELLS)
    block = np.repeat(np.arange(regions * BLOCKS), CELLS)
    p = rng.choice([0.01, 0.05, 0.15], size=region.size)
    off = rng.normal(0, BLOCK_SD, regions * BLOCKS)[block]
    off += rng.normal(0, region_sd, regions)[region]
    found = rng.random(p.size) < expit(keep_mean(p, np.hypot(BLOCK_SD, region_sd)) + off)
    total = float(np.hypot(BLOCK_SD, region_sd))  # a scaler learns what blocks do, regions and all
    scaler = IntervalScaler(0.9, block_sd=total)
    return fit_region_spread(scaler, p, found, block, region, (p * 100).astype(int), seed=0)


def test_regions_that_lie_off_are_told_from_those_that_do_not():
    few = [learned(0.0, regions=10, seed=seed).sd for seed in range(10)]
    many = [learned(0.8, regions=10, seed=seed).sd for seed in range(10)]
    assert np.median(few) <= 0.3
    assert 0.5 <= np.median(many) <= 1.25


@pytest.mark.parametrize("region_sd", [0.0, 0.4, 0.8])
def test_sums_over_regions_left_out_are_held_as_often_as_stated(region_sd: float):
    found = [learned(region_sd, regions=10, seed=seed) for seed in range(20)]
    assert {one.sums for one in found} == {30}
    assert 0.86 <= np.mean([one.cover for one in found]) <= 0.99


def test_where_nothing_is_known_the_widest_is_taken():
    scaler = IntervalScaler(0.9, block_sd=0.5)
    nothing = np.array([], dtype=float)
    unknown = fit_region_spread(scaler, nothing, nothing, nothing, nothing, nothing, seed=0)
    one = learned(0.2, regions=1, seed=1)
    assert (unknown.sd, unknown.sums) == (SDS[-1], 0)
    assert np.isnan(unknown.cover)
    assert one.sums == 3
