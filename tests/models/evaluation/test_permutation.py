"""Within-block permutation and its statistic."""

import itertools

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.evaluation.permutation import (
    blocks_within_folds,
    permute_labels_within,
    within_block_auc,
    within_block_chance,
)
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import BlockKFold, folds_from_ids
from minerisk.models.table import CellTable


def table_of(seed: int, n: int = 2_000) -> CellTable:
    rng = np.random.default_rng(seed)
    cells = pd.DataFrame(rng.uniform(0, 40_000, (n, 2)), columns=["easting", "northing"])
    state = (rng.random(n) < 0.2).astype(np.int8)
    weight = rng.random(n).astype(np.float32)
    return CellTable(cells, state, weight, np.zeros(n, dtype=np.int32), 1.0)


def test_every_block_keeps_its_labels_and_their_weights():
    table = table_of(0)
    blocks = np.arange(2_000) % 17
    dealt = permute_labels_within(table, blocks, np.random.default_rng(1))
    assert (dealt.state != table.state).any()
    for block in range(17):
        rows = blocks == block
        before = sorted(zip(table.state[rows], table.weight[rows], strict=True))
        assert before == sorted(zip(dealt.state[rows], dealt.weight[rows], strict=True))
    assert dealt.cells is table.cells


def test_one_block_gives_the_plain_roc_auc_and_many_its_mean_by_pairs():
    rng = np.random.default_rng(2)
    y, p = rng.integers(0, 2, 300), np.round(rng.random(300), 1)  # many ties
    blocks = np.repeat([0, 1, 2], [50, 100, 150])
    parts = [blocks == block for block in range(3)]
    pairs = [y[part].sum() * (part.sum() - y[part].sum()) for part in parts]
    aucs = [roc_auc_score(y[part], p[part]) for part in parts]
    assert within_block_auc(y, p, blocks)[0] == pytest.approx(np.average(aucs, weights=pairs))


def test_knowing_which_blocks_are_rich_is_no_skill_within_them():
    rng = np.random.default_rng(3)
    blocks = np.repeat(np.arange(50), 40)
    rate = rng.beta(1, 4, 50)[blocks]
    y = (rng.random(2_000) < rate).astype(int)
    assert roc_auc_score(y, rate) > 0.65
    assert within_block_auc(y, rate, blocks) == pytest.approx((0.5, 0.5, 0.5))


def test_permutations_are_pooled():
    rng = np.random.default_rng(4)
    y, p, blocks = rng.integers(0, 2, (8, 500)), rng.random((8, 500)), np.arange(500) // 50
    one = within_block_auc(y[0], p[0], blocks)
    pooled = within_block_auc(y, p, blocks)
    assert pooled[2] - pooled[1] < one[2] - one[1]


def test_blocks_are_cut_at_fold_edges_and_random_folds_are_refused():
    table = table_of(5)
    folds = list(
        BlockKFold(4, block_m=9_000).split(table.cells, table.state, coordinates=table.coordinates)
    )
    near = Protocol(ProtocolName.NEAR, Splitter.BLOCKS, folds)
    blocks = blocks_within_folds(table, near, block_m=7_000)
    fold = near.fold_of_row(2_000)
    assert all(len(np.unique(fold[blocks == block])) == 1 for block in np.unique(blocks))
    random = Protocol(ProtocolName.RANDOM, Splitter.RANDOM, folds_from_ids(np.arange(2_000) % 4))
    with pytest.raises(InputError, match="scatter"):
        blocks_within_folds(table, random, block_m=7_000)


def test_blocks_of_one_class_are_refused():
    with pytest.raises(InputError, match="both classes"):
        within_block_auc([1, 1, 0, 0], [0.1, 0.2, 0.3, 0.4], [0, 0, 1, 1])


def test_chance_is_the_deviation_over_all_permutations():
    """Two blocks with ties, every way to place their positives counted."""
    p, blocks = np.array([0.1, 0.4, 0.4, 0.9, 0.2, 0.2, 0.7]), np.array([0, 0, 0, 0, 1, 1, 1])
    found = []
    for first in itertools.combinations(range(4), 2):
        for second in itertools.combinations(range(4, 7), 1):
            y = np.isin(np.arange(7), [*first, *second]).astype(int)
            found.append(within_block_auc(y, p, blocks)[0])
    assert np.mean(found) == pytest.approx(0.5)
    assert within_block_chance(y, p, blocks) == pytest.approx(np.std(found))


def test_several_permutations_vary_less_by_chance():
    rng = np.random.default_rng(6)
    y, p, blocks = rng.integers(0, 2, 400), rng.random((4, 400)), np.arange(400) // 50
    one = within_block_chance(y, p[0], blocks)
    assert within_block_chance(np.tile(y, (4, 1)), p, blocks) == pytest.approx(one / 2, rel=0.02)


def test_scores_that_are_all_alike_have_no_chance_to_differ():
    blocks = np.arange(100) // 50
    assert within_block_chance(np.arange(100) % 2, blocks, blocks) == 0
