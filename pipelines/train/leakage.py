"""The leakage check of a run: labels permuted within blocks, by the model the run would use."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from minerisk.configs.schema import Config
from minerisk.models.evaluation.out_of_fold import Protocol, out_of_fold
from minerisk.models.evaluation.permutation import (
    blocks_within_folds,
    permute_labels_within,
    within_block_auc,
)
from minerisk.models.table import CellTable
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.train.candidates import drawing, makers, without_choice

LEVEL = 0.99
NEGLIGIBLE = 0.01


def permuted_within_blocks(
    table: CellTable,
    blocks: Protocol,
    config: Config,
    families: Mapping[str, Sequence[str]],
    *,
    block_m: float,
    progress: Progress,
) -> dict[str, Any]:
    """Ask whether labels dealt out anew within blocks are still predicted.

    Parameters
    ----------
    table
        Labelled cells.
    blocks
        Folds of blocks, held out whole.
    block_m
        Side of the blocks, metres; labels are dealt out within squares of half that side.

    Returns
    -------
    dict
        ``roc_auc``: within-block ROC-AUC of each permutation; ``within_blocks``: of all together,
        (estimate, low, high) at 99 %; ``passed``: the interval covers 0.5, or the estimate is
        within 0.01 of it. Both sides count: see `minerisk.models.evaluation.permutation`.
    """
    inner = blocks_within_folds(table, blocks, block_m=block_m / 2)
    rng = np.random.default_rng([config.model.seed, 1])
    make = makers(table, without_choice(config), families, block_m)[MODEL]
    labels, scores = [], []
    for number in range(config.gates.permutations):
        progress.step("permuted labels", number, config.gates.permutations)
        dealt = permute_labels_within(table, inner, rng)
        out = out_of_fold(
            lambda part: make(part).set_params(classifier__members=1, classifier__trees=60),
            dealt,
            blocks,
            drawing=drawing(config, block_m),
        )
        labels.append((dealt.state == 1).astype(np.int8))
        scores.append(out.score)
    each = [
        round(within_block_auc(y, p, inner, draws=2)[0], 4)
        for y, p in zip(labels, scores, strict=True)
    ]
    value, low, high = within_block_auc(
        np.array(labels), np.array(scores), inner, seed=config.model.seed, level=LEVEL
    )
    passed = low <= 0.5 <= high or abs(value - 0.5) <= NEGLIGIBLE
    return {"roc_auc": each, "within_blocks": [value, low, high], "passed": bool(passed)}
