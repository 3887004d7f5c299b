"""The interval of the leakage check holds chance where few blocks hold the finds, and no more."""

import numpy as np

from minerisk.models.evaluation.permutation import within_block_auc
from minerisk.models.selection.leakage import LEVEL, permuted_interval

SIZES = (1_500, 700, 450, 330, 60, 30, 15, 10)
"""Cells of blocks as in a large area with few finds: one block has half of the pairs."""
BLOCKS = np.repeat(np.arange(len(SIZES)), SIZES)
WORLDS = 400


def permuted(rng: np.random.Generator) -> np.ndarray:
    """Finds of every block, a sixteenth of its cells or one, at random."""
    order = np.lexsort((rng.random(BLOCKS.size), BLOCKS))
    place = np.concatenate([np.arange(size) for size in SIZES])
    few = np.maximum(np.array(SIZES) // 16, 1)[BLOCKS]
    y = np.zeros(BLOCKS.size, dtype=np.int8)
    y[order] = place < few
    return y


def test_an_honest_model_is_outside_one_time_in_a_hundred() -> None:
    rng = np.random.default_rng(0)
    outside = np.zeros(2)
    for seed in range(WORLDS):
        y, p = permuted(rng), rng.random(BLOCKS.size)
        resampled = within_block_auc(y, p, BLOCKS, seed=seed, level=LEVEL)
        held = permuted_interval(y, p, BLOCKS, seed=seed)
        for number, (_, low, high) in enumerate((resampled, held)):
            outside[number] += not low <= 0.5 <= high
    resampled_alone, no_narrower_than_chance = outside / WORLDS
    assert resampled_alone > 0.03
    assert no_narrower_than_chance < 0.025  # of 1 %, 400 times, with a chance of 1 in 1,000


def test_a_leak_is_outside() -> None:
    rng = np.random.default_rng(1)
    y = permuted(rng)
    for sign in (-1, 1):
        _, low, high = permuted_interval(y, rng.random(y.size) + sign * 0.2 * y, BLOCKS, seed=0)
        assert low > 0.5 or high < 0.5
