"""Labels permuted within blocks: whatever skill is left inside a block is a leak.

Permuted over all land, labels lose the pattern that regions differ in how many finds they hold,
and a leak that works through that pattern goes unseen. Permuted within blocks, each block keeps
its own number of positives. A model may then still learn, rightly, that some regions hold more,
so that a ROC-AUC over all rows need not be 0.5. What no model can know is *which* cell of a
block is positive: pairs of cells of one block are ranked by chance, if and only if nothing of
the block's own labels reached the model. Hence the within-block ROC-AUC: over all pairs of a
positive and a negative *of the same block*, the share ranked rightly. Its expectation is exactly
0.5 where the block was held out whole.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.stats import rankdata

from minerisk.features.errors import InputError
from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.metrics import Interval
from minerisk.models.evaluation.score_groups import block_draws, block_numbers
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import Protocol
from minerisk.models.inputs import checked_scores
from minerisk.models.table import CellTable, permute_labels

LEAST_ALIKE = 0.5
"""Least share of rows whose nearest other row is in their fold, where folds hold out blocks."""


def permute_labels_within(
    table: CellTable, blocks: ArrayLike, rng: np.random.Generator
) -> CellTable:
    """Permute the labels among the cells of each block.

    Parameters
    ----------
    table
        The labelled cells.
    blocks
        Block of every row, shape (n,). Every block keeps its labels' numbers and weights.
    rng
        Source of randomness.
    """
    block = block_numbers(blocks, len(table.state))
    before = np.argsort(block, kind="stable")
    after = np.lexsort((rng.random(block.size), block))
    order = np.empty(block.size, dtype=np.int64)
    order[before] = after
    return permute_labels(table, order)


def blocks_within_folds(
    table: CellTable, protocol: Protocol, *, block_m: float
) -> NDArray[np.int64]:
    """Cut square blocks at the edges of folds, so that every block is held out whole.

    Returns
    -------
    ndarray of int64, shape (n,)
        Block of every row, numbered from 0.

    Raises
    ------
    InputError
        If folds scatter neighbouring cells, as random folds do: a block's other cells would then
        be trained on, and tell the number of its positives that are left.
    """
    fold = protocol.fold_of_row(len(table.state))
    if _alike_neighbours(table.coordinates, fold) < LEAST_ALIKE:
        raise InputError(
            f"The {protocol.name} folds scatter the cells of each block over folds; labels can be "
            "permuted within blocks only where blocks are held out whole. Use folds of blocks or "
            "regions."
        )
    square = assign_blocks(table.coordinates, block_m=block_m)
    cut = np.unique(np.column_stack([square, fold]), axis=0, return_inverse=True)[1]
    return block_numbers(cut.ravel(), len(table.state))


def within_block_auc(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    draws: int = 500,
    seed: int = 0,
    level: float = 0.9,
) -> Interval:
    """Compute the share of pairs of one block, positive and negative, that are ranked rightly.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,), or several permutations of them, shape (r, n).
    p
        Scores of the same shape; ties count half.
    blocks
        Block of every row, shape (n,). Blocks of one class hold no pair and say nothing.

    Returns
    -------
    estimate, low, high
        Blocks count by their pairs; the interval is from resampling whole blocks. With several
        permutations, a block's pairs of all of them are drawn together.

    Raises
    ------
    InputError
        If fewer than two blocks hold both classes.
    """
    labels = np.atleast_2d(np.asarray(y))
    scores = np.atleast_2d(np.asarray(p, dtype=np.float64))
    if labels.shape != scores.shape:
        raise InputError(f"Labels {labels.shape} and scores {scores.shape} differ in shape.")
    block = block_numbers(blocks, labels.shape[1])
    both = [_wins(one, value, block) for one, value in zip(labels, scores, strict=True)]
    wins, pairs = np.sum(both, axis=0)
    kept = pairs > 0
    if kept.sum() < 2:
        raise InputError(
            f"{int(kept.sum())} blocks hold both classes; an interval needs at least 2. Use "
            "larger blocks or more finds."
        )
    wins, pairs = wins[kept], pairs[kept]
    times = block_draws(wins.size, draws=draws, seed=seed)
    low, high = percentile_interval((times @ wins) / (times @ pairs), level=level)
    estimate = float(wins.sum() / pairs.sum())
    return estimate, min(low, estimate), max(high, estimate)


def within_block_chance(y: ArrayLike, p: ArrayLike, blocks: ArrayLike) -> float:
    """Compute the standard deviation of `within_block_auc` where labels are permuted by chance.

    Where few blocks hold most of the pairs, resampling them cannot show how far chance goes; the
    ranks can, exactly and for any number of blocks.

    Parameters
    ----------
    y, p, blocks
        As in `within_block_auc`.

    Returns
    -------
    float
        Of the estimate: the rank sum of the positives of a block, drawn without replacement from
        its ranks, ties and all; blocks and permutations are independent.

    Notes
    -----
    Mann and Whitney 1947, doi 10.1214/aoms/1177730491, block by block.

    Examples
    --------
    One positive of three: it wins no, one or both of two pairs.

    >>> round(within_block_chance([1, 0, 0], [0.1, 0.2, 0.3], [0, 0, 0]), 3)
    0.408
    """
    labels = np.atleast_2d(np.asarray(y))
    scores = np.atleast_2d(np.asarray(p, dtype=np.float64))
    block = block_numbers(blocks, labels.shape[1])
    rows = np.bincount(block)
    variance = pairs = 0.0
    for one, value in zip(labels, scores, strict=True):
        positive = np.bincount(block, one, rows.size)
        rank = _ranks_within(value, block) - (rows[block] + 1) / 2
        spread = np.bincount(block, rank**2, rows.size) / np.maximum(rows - 1, 1)
        own = positive * (rows - positive)
        variance += float(np.sum(own / rows * spread))
        pairs += float(own.sum())
    return float(np.sqrt(variance) / pairs)


def _wins(
    y: NDArray[np.generic], p: NDArray[np.float64], block: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return pairs won (ties half) and pairs of each block."""
    labels, scores, _ = checked_scores(y, p, None, probability=False)
    rank = _ranks_within(scores, block)
    count = int(block.max()) + 1
    positive = np.bincount(block, labels, count)
    negative = np.bincount(block, 1 - labels, count)
    ranks = np.bincount(block, labels * rank, count)
    return ranks - positive * (positive + 1) / 2, np.asarray(positive * negative, dtype=np.float64)


def _ranks_within(scores: NDArray[np.float64], block: NDArray[np.int64]) -> NDArray[np.float64]:
    """Rank scores inside each block from 1, ties sharing their mean rank."""
    overall = rankdata(scores, method="dense")
    key = block * (int(overall.max()) + 1) + overall
    first = np.bincount(block).cumsum() - np.bincount(block)
    return np.asarray(rankdata(key, method="average") - first[block])


def _alike_neighbours(coordinates: NDArray[np.float64], fold: NDArray[np.int64]) -> float:
    """Return the share of rows whose nearest other row is in the same fold."""
    _, nearest = cKDTree(coordinates).query(coordinates, k=2)
    return float((fold[nearest[:, 0]] == fold[nearest[:, 1]]).mean())
