"""Intervals keep their cover where the truth is known, widen with doubt, and survive a file."""

import json

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from scipy.stats import binom, norm

from minerisk.features.errors import InputError
from minerisk.models.calibration.conformal import (
    EXPECTED,
    Groups,
    IntervalScaler,
    cover_across_folds,
    gather_groups,
)

LEVEL = 0.9


def world(seed, *, blocks=90, n=14_000, block_sd=0.5, scale=1.0):
    """Cells whose true log-odds are off by a draw per block and by `scale` times the spread."""
    rng = np.random.default_rng(seed)
    block = rng.integers(0, blocks, n)
    spread = rng.uniform(0.1, 0.5, n)
    p = expit(rng.normal(-3.5, 1.2, n))
    off = (
        block_sd * rng.normal(size=blocks)[block] + scale * spread * rng.normal(size=blocks)[block]
    )
    truth = expit(logit(p) + off)
    return p, spread, (rng.random(n) < truth).astype(int), block, truth


def test_the_true_probability_of_new_blocks_is_held_as_stated():
    held, found = [], []
    for seed in range(12):
        p, spread, y, block, truth = world(seed)
        old, new = block < 55, block >= 55
        scaler = IntervalScaler.fit(p[old], spread[old], y[old], block[old], level=LEVEL)
        lower, upper = scaler.interval(p[new], spread[new])
        held.append(((lower <= truth[new]) & (truth[new] <= upper)).mean())
        found.append(scaler.cover(gather_groups(p[new], spread[new], y[new], block[new])).mean())
    assert np.mean(held) == pytest.approx(LEVEL, abs=0.05)
    assert np.mean(found) == pytest.approx(LEVEL, abs=0.03)


@pytest.mark.parametrize("finds_a_block", [0.05, 0.3, 1.0, 5.0])
@pytest.mark.parametrize("block_sd", [0.3, 0.8])
def test_few_finds_widen_the_interval_and_never_narrow_it(finds_a_block, block_sd):
    rng = np.random.default_rng(0)
    blocks, cells = 200, 200
    block = np.repeat(np.arange(blocks), cells)
    p, spread = np.full(block.size, finds_a_block / cells), np.full(block.size, 0.3)
    held = []
    for _ in range(8):
        truth = expit(logit(p) + rng.normal(0.0, block_sd, blocks)[block])
        y = rng.random(block.size) < truth
        scaler = IntervalScaler.fit(p, spread, y, block, level=LEVEL)
        # A new block is held where its draw is below the reach, both in log-odds.
        reach = norm.ppf(0.5 + LEVEL / 2) * scaler.log_odds_sd(0.3)
        held.append(2 * norm.cdf(reach / block_sd) - 1)
    assert np.mean(held) > LEVEL - 0.02


def test_cover_across_folds_is_near_the_level_and_no_fold_makes_its_own_interval():
    p, spread, y, block, _ = world(4)
    fold = block % 5
    found = cover_across_folds(p, spread, y, block, fold_ids=fold, level=LEVEL)
    assert found.cover.low < LEVEL < found.cover.high
    assert found.blocks == 90
    own = fold == 2
    scaler = IntervalScaler.fit(p[~own], spread[~own], y[~own], block[~own], level=LEVEL)
    by_hand = scaler.cover(gather_groups(p[own], spread[own], y[own], block[own])).mean()
    assert found.folds[2].cover == pytest.approx(by_hand)


def test_cover_leaves_out_rows_that_no_fold_tests():
    p, spread, y, block, _ = world(4)
    fold = np.where(block < 10, -1, block % 5)
    blank = np.where(block == 11, np.nan, p)
    found = cover_across_folds(blank, spread, y, block, fold_ids=fold, level=LEVEL)
    assert found.blocks == 79
    assert [row.fold for row in found.folds] == [0, 1, 2, 3, 4]


def test_blocks_that_differ_more_get_wider_intervals():
    def width(block_sd):
        p, spread, y, block, _ = world(1, block_sd=block_sd)
        lower, upper = IntervalScaler.fit(p, spread, y, block, level=LEVEL).interval(0.05, 0.2)
        return float(logit(upper) - logit(lower))

    assert width(0.2) < width(0.6) < width(1.2)


def test_cover_is_the_level_exactly_where_finds_are_coins():
    """Summed over all finds with their chances, the cover is the level, however few the cells."""
    scaler = IntervalScaler(LEVEL, scale=1.0, block_sd=0.0, stretch=1.0)
    for cells in (1, 7, 60):
        count = np.arange(cells + 1.0)
        same = np.ones_like(count)
        groups = Groups(0.07 * same, 0.0 * same, cells * same, count, same.astype(int))
        chance = binom.pmf(count, cells, 0.07)
        assert (scaler.cover(groups) * chance).sum() == pytest.approx(LEVEL, abs=1e-9)


def test_the_interval_by_hand():
    scaler = IntervalScaler(0.8, scale=2.0, block_sd=0.3, stretch=1.5)
    lower, upper = scaler.interval([0.2, np.nan], [0.2, 0.2])
    reach = norm.ppf(0.9) * 1.5 * 0.5
    np.testing.assert_allclose(lower, [expit(logit(0.2) - reach), np.nan])
    np.testing.assert_allclose(upper, [expit(logit(0.2) + reach), np.nan])


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 2**20))
def test_groups_keep_every_cell_and_never_look_at_what_was_found(seed):
    p, spread, y, block, _ = world(seed, n=2_000, blocks=12)
    groups = gather_groups(p, spread, y, block)
    assert groups.cells.sum() == p.size
    assert groups.positive.sum() == y.sum()
    assert (groups.cells * groups.probability).sum() == pytest.approx(p.sum())
    turned = gather_groups(p, spread, 1 - y, block)
    np.testing.assert_array_equal(turned.cells, groups.cells)
    order = np.random.default_rng(seed).permutation(p.size)
    mixed = gather_groups(p[order], spread[order], y[order], block[order])
    np.testing.assert_array_equal(mixed.positive, groups.positive)
    split = np.bincount(groups.block) > 1
    assert (np.bincount(block, p)[split] >= 2 * EXPECTED).all()


def test_a_saved_scaler_gives_the_same_bits():
    p, spread, y, block, _ = world(3)
    scaler = IntervalScaler.fit(p, spread, y, block, level=LEVEL)
    again = IntervalScaler.from_dict(json.loads(json.dumps(scaler.to_dict())))
    assert again == scaler
    for one, other in zip(again.interval(p, spread), scaler.interval(p, spread), strict=True):
        np.testing.assert_array_equal(one, other)


def test_what_cannot_be_fitted_is_refused():
    p, spread, y, block, _ = world(0, n=500)
    with pytest.raises(InputError, match="at least 8"):
        IntervalScaler.fit(p, spread, y, block % 3, level=LEVEL)
    with pytest.raises(InputError, match="level"):
        IntervalScaler.fit(p, spread, y, block, level=1.0)
    with pytest.raises(InputError, match="spreads"):
        IntervalScaler.fit(p, -spread, y, block, level=LEVEL)
    with pytest.raises(InputError, match="expected"):
        gather_groups(p, spread[:9], y, block)
    with pytest.raises(InputError, match="below 0"):
        IntervalScaler.from_dict(IntervalScaler(LEVEL).to_dict() | {"stretch": -1.0})
