"""The leakage checks of a run: labels permuted within blocks, and a fold's own labels turned."""

from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm
from sklearn.pipeline import Pipeline

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.metrics import Interval
from minerisk.models.evaluation.out_of_fold_scores import Drawing, Stated, out_of_fold
from minerisk.models.evaluation.permutation import (
    blocks_within_folds,
    permute_labels_within,
    within_block_auc,
    within_block_chance,
)
from minerisk.models.evaluation.results import PermutedSkill
from minerisk.models.folds.protocol import Protocol
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.held_out_scores import Step
from minerisk.models.table import CellTable

Make = Callable[[CellTable], Pipeline]

LEVEL = 0.99
NEGLIGIBLE = 0.01


def permuted_within_blocks(
    table: CellTable,
    blocks: Protocol,
    spec: ModelSpec,
    *,
    families: Mapping[str, Sequence[str]],
    block_m: float,
    permutations: int,
    step: Step,
) -> PermutedSkill:
    """Measure whether labels permuted within blocks are still predicted.

    Parameters
    ----------
    table
        Labelled cells.
    blocks
        Folds of blocks, held out whole.
    spec
        What the model is made of; nothing is searched, and one small member is enough.
    families
        Family of features to its columns.
    block_m
        Side of the blocks, metres; labels are permuted within squares of half that side.
    permutations
        How many.
    step
        Shows progress.

    Returns
    -------
    PermutedSkill
        With an interval of 99 %, from resampled blocks and no narrower than chance: where a few
        blocks hold most of the pairs, resampling alone would fail one honest model in twenty.
        Passed if it covers 0.5, or the estimate is within 0.01 of it, and no score is moved by
        the labels of its own fold. Both sides of 0.5 count: see
        `minerisk.models.evaluation.permutation`.
    """
    inner = blocks_within_folds(table, blocks, block_m=block_m / 2)
    rng = np.random.default_rng([spec.seed, 1])
    small = replace(spec.without_search(), train_large=None)
    whole = makers(table.features, small, families=families, block_m=block_m)[ModelName.MODEL]
    drawing = spec.drawing(block_m)

    plain = whole(table)
    quick = {"classifier__members": 1, "classifier__trees": 60}
    make = Stated(plain.set_params(**{k: v for k, v in quick.items() if k in plain.get_params()}))
    moved = moved_by_own_labels(table, blocks, lambda _: make, drawing=drawing)
    tables = [permute_labels_within(table, inner, rng) for _ in range(permutations)]

    def score(number: int) -> NDArray[np.float64]:
        step("permuted labels", number, permutations)
        return out_of_fold(make, tables[number], blocks, drawing=drawing).score

    # A permutation trains one member at a time; two of them keep two cores busy.
    with ThreadPoolExecutor(spec.threads) as pool:
        scores = list(pool.map(score, range(permutations)))
    labels = [(permuted.state == 1).astype(np.int8) for permuted in tables]
    each = [
        round(within_block_auc(y, p, inner, draws=2)[0], 4)
        for y, p in zip(labels, scores, strict=True)
    ]
    value, low, high = permuted_interval(np.array(labels), np.array(scores), inner, seed=spec.seed)
    by_chance = low <= 0.5 <= high or abs(value - 0.5) <= NEGLIGIBLE
    passed = bool(by_chance) and moved == 0
    return PermutedSkill(tuple(each), Estimate(value, low, high), moved, passed)


def moved_by_own_labels(
    table: CellTable,
    blocks: Protocol,
    maker_for: Callable[[CellTable], Make],
    *,
    drawing: Drawing,
) -> float:
    """Measure whether the labels of a fold that is left out change a score of that fold.

    The fold with the most positives is scored twice, the second time with each of its labels
    turned around. Models are deterministic, so a single score that differs is a leak: no draw of
    chance hides it, as it can hide one from permuted labels.

    Parameters
    ----------
    table
        Labelled cells.
    blocks
        Folds of blocks, held out whole.
    maker_for
        Returns for a table of all land what makes a model for a part of it.
    drawing
        How training rows are drawn.

    Returns
    -------
    float
        Share of the scores of the fold that differ; 0 unless something leaks.
    """
    train, test = max(blocks.folds, key=lambda fold: int((table.state[fold[1]] == 1).sum()))
    turned = table.state.copy()
    turned[test] = np.where(turned[test] >= 0, 1 - turned[test], turned[test])
    fold = replace(blocks, folds=[(train, test)])
    before, after = (
        out_of_fold(maker_for(land), land, fold, drawing=drawing).score[test]
        for land in (table, replace(table, state=turned))
    )
    return float((before != after).mean())


def permuted_interval(
    labels: NDArray[np.int8], scores: NDArray[np.float64], blocks: NDArray[np.int64], *, seed: int
) -> Interval:
    """Compute the within-block ROC-AUC of permuted labels, its interval no narrower than chance."""
    value, low, high = within_block_auc(labels, scores, blocks, seed=seed, level=LEVEL)
    by_chance = float(norm.ppf((1 + LEVEL) / 2)) * within_block_chance(labels, scores, blocks)
    return value, min(low, value - by_chance), max(high, value + by_chance)
