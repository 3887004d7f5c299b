"""The leakage check of a run: labels permuted within blocks, by the model the run would use."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray
from scipy.stats import norm

from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.metrics import Interval
from minerisk.models.evaluation.out_of_fold_scores import out_of_fold
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
        Passed if it covers 0.5, or the estimate is within 0.01 of it. Both sides count: see
        `minerisk.models.evaluation.permutation`.
    """
    inner = blocks_within_folds(table, blocks, block_m=block_m / 2)
    rng = np.random.default_rng([spec.seed, 1])
    small = replace(spec, trials=0, train_large=None)
    make = makers(table.features, small, families=families, block_m=block_m)[ModelName.MODEL]
    tables = [permute_labels_within(table, inner, rng) for _ in range(permutations)]

    def score(number: int) -> NDArray[np.float64]:
        step("permuted labels", number, permutations)
        return out_of_fold(
            lambda part: make(part).set_params(classifier__members=1, classifier__trees=60),
            tables[number],
            blocks,
            drawing=spec.drawing(block_m),
        ).score

    # A permutation trains one member at a time; two of them keep two cores busy.
    with ThreadPoolExecutor(spec.threads) as pool:
        scores = list(pool.map(score, range(permutations)))
    labels = [(permuted.state == 1).astype(np.int8) for permuted in tables]
    each = [
        round(within_block_auc(y, p, inner, draws=2)[0], 4)
        for y, p in zip(labels, scores, strict=True)
    ]
    value, low, high = permuted_interval(np.array(labels), np.array(scores), inner, seed=spec.seed)
    passed = low <= 0.5 <= high or abs(value - 0.5) <= NEGLIGIBLE
    return PermutedSkill(tuple(each), Estimate(value, low, high), bool(passed))


def permuted_interval(
    labels: NDArray[np.int8], scores: NDArray[np.float64], blocks: NDArray[np.int64], *, seed: int
) -> Interval:
    """Compute the within-block ROC-AUC of permuted labels, its interval no narrower than chance."""
    value, low, high = within_block_auc(labels, scores, blocks, seed=seed, level=LEVEL)
    by_chance = float(norm.ppf((1 + LEVEL) / 2)) * within_block_chance(labels, scores, blocks)
    return value, min(low, value - by_chance), max(high, value + by_chance)
