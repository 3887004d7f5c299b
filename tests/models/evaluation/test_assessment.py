"""Regions, hazard classes, curves and paired differences of held-out scores."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from minerisk.models.evaluation.assessment import (
    assess_curves,
    assess_hazards,
    assess_regions,
)
from minerisk.models.evaluation.comparison import assess_finds, compare, compare_models, rank_models
from minerisk.models.evaluation.measures import Measure, ModelName
from minerisk.models.evaluation.out_of_fold_scores import calibrate_across_folds
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import LeaveRegionOut
from minerisk.models.table import KINDS, CellTable


@pytest.fixture(scope="module")
def land():
    rng = np.random.default_rng(0)
    n = 4_000
    cells = pd.DataFrame(rng.uniform(0, 40_000, (n, 2)), columns=["easting", "northing"])
    score = rng.beta(1, 8, n)
    state = (rng.random(n) < score).astype(np.int8)
    region = (cells["easting"] // 10_000).to_numpy().astype(np.int32)
    table = CellTable(cells, state, np.ones(n, dtype=np.float32), region, 1.0)
    far = Protocol(
        ProtocolName.FAR,
        Splitter.REGIONS,
        list(LeaveRegionOut().split(cells, state, groups=region)),
    )
    return table, far, score, rng


def test_regions_have_intervals_when_asked(land):
    table, far, score, _ = land
    p = calibrate_across_folds(score, table.state, far.fold_of_row(len(score)), kind="shrunk")
    assert assess_regions(score, p, table, far)[0].intervals is None
    for row in assess_regions(score, p, table, far, block_m=5_000):
        value, low, high = row.intervals.roc_auc
        assert low <= value <= high
        assert value == pytest.approx(row.roc_auc, abs=1e-9)
    # one block holds each region: nothing can be said of its spread
    wide = assess_regions(score, p, table, far, block_m=1e6)
    assert all(row.intervals is None for row in wide)


def test_a_hazard_class_is_its_positives_against_all_negatives(land):
    table, far, score, rng = land
    hazard = np.where(table.state == 1, rng.choice([1, 2, 3], len(score)), 0).astype(np.uint8)
    rows = {r.hazard: r for r in assess_hazards(score, table, far, hazard, block_m=5_000)}
    chosen = (table.state == 0) | np.isin(hazard, (1, 3))
    expected = roc_auc_score(table.state[chosen] == 1, score[chosen])
    assert rows["ap"].intervals.roc_auc.value == pytest.approx(expected)
    assert Measure.BRIER not in rows["ap"].intervals.by_measure()
    assert (rows["uxo"].positive, rows["uxo"].intervals) == (0, None)


def test_curves_and_differences(land):
    table, _, score, rng = land
    curves = assess_curves(score, table, block_m=5_000, draws=50)
    assert curves.boyce.value > 0.8
    assert curves.crossing.low > 0.5
    assert assess_curves(np.full(len(score), 0.1), table, block_m=5_000).boyce is None
    blind = ModelName.RANDOM_FOREST
    scores = {
        ModelName.MODEL: score,
        blind: rng.random(len(score)),
        ModelName.PREVALENCE: score * 0 + 0.1,
    }
    found = compare_models(rank_models(scores, table, block_m=5_000))
    assert set(found) == {blind, ModelName.PREVALENCE}
    assert found[blind].roc_auc.low > 0
    assert Measure.BRIER not in found[blind].by_measure()


def test_each_kind_of_find_is_counted_on_all_land_beside_the_rule(land):
    table, _, score, rng = land
    # Of the positives a third are finds, a third accidents, a third both; suspicions are no finds.
    kinds = np.where(table.state == 1, rng.choice([1, 2, 3, 8], len(score)), 0).astype(np.uint8)
    marked = replace(table, cells=table.cells.assign(**{KINDS: kinds}))
    rule, prevalence = ModelName.DISTANCE_RULE, ModelName.PREVALENCE
    fold = table.region  # constants that differ by fold must not rank
    scores = {
        ModelName.MODEL: score,
        rule: rng.random(len(score)),
        prevalence: 0.1 + fold / 100,
    }
    find, accident = assess_finds(rank_models(scores, marked, block_m=5_000))
    assert (find.evidence, accident.evidence) == ("find", "accident")
    held = np.isin(kinds, (2, 3))
    assert accident.cells == held.sum()
    first = np.argsort(-score)[: len(score) // 5]
    assert accident.found[ModelName.MODEL].value == pytest.approx(held[first].sum() / held.sum())
    assert accident.found[prevalence].value == pytest.approx(0.2)
    blocks = assign_blocks(table.coordinates, block_m=5_000)
    paired = compare(held, score, scores[rule], blocks, cell_ha=1.0)["found_in_top_20"]
    assert accident.minus[rule] == pytest.approx(paired)
    assert assess_finds(rank_models(scores, table, block_m=5_000)) == []
