"""Rows sorted once by score and gathered into groups of equal scores, for all measures at once."""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from minerisk.models.evaluation import ranking_kernels
from minerisk.models.evaluation.ranking_kernels import Counts
from minerisk.models.inputs import numbered

Array = NDArray[np.float64]

TOP_SHARES = np.array([0.05, 0.10, 0.20])
FIND_SHARES = np.array([0.50, 0.80, 0.95])
LOWEST_SHARE = 0.5
"""The lowest class of `lowest_class_miss_rate`: the half of the land with the lowest scores."""
BINS = 10
CELLS_PER_ROW = 4
"""A table of groups and blocks that has more cells than so many times the rows is kept sparse."""
_LOGIT_CLIP = 1e-7


@dataclass(frozen=True)
class ScoreGroups:
    """Groups of rows, highest score first.

    Attributes
    ----------
    value
        Score of each group (mean, where scores differ), shape (groups,).
    positive, land
        Weighted positives and rows of each group, shape (draws, groups).
    group_of_row
        Shape (n,).
    """

    value: Array
    positive: Counts
    land: Counts
    group_of_row: NDArray[np.int64]


def tie_groups(scores: Array, labels: Array, weights: Array) -> ScoreGroups:
    """Gather rows of equal score; all arguments of shape (n,), one draw."""
    ascending, inverse = np.unique(scores, return_inverse=True)
    group = ascending.size - 1 - inverse
    positive = _sums(group, weights * labels, ascending.size)
    land = _sums(group, weights, ascending.size)
    return ScoreGroups(ascending[::-1].copy(), positive[None, :], land[None, :], group)


def with_labels(groups: ScoreGroups, labels: Array, weights: Array) -> ScoreGroups:
    """Return the groups of one draw with the positives of other labels of the same rows."""
    positive = _sums(groups.group_of_row, weights * labels, groups.value.size)
    return replace(groups, positive=positive[None, :])


def coarse_groups(groups: ScoreGroups, limit: int) -> ScoreGroups:
    """Join neighbouring groups of one draw until about `limit` are left; see `joined_numbers`."""
    return join_groups(groups, joined_numbers(groups, limit))


def joined_numbers(groups: ScoreGroups, limit: int) -> NDArray[np.int64] | None:
    """Tell which neighbouring groups of one draw are joined, so that about `limit` are left.

    Half of the edges are even in land, half are even in the logarithm of land, because average
    precision is decided in the first per cent. None where there are no more groups than that.
    """
    if groups.value.size <= limit:
        return None
    land = groups.land[0]
    middle = (np.cumsum(land) - 0.5 * land) / land.sum()
    half = limit // 2
    edges = np.union1d(np.linspace(0, 1, half + 1), np.geomspace(0.5 / land.size, 1, half))
    return numbered(np.searchsorted(edges, middle, side="right"))


def join_groups(groups: ScoreGroups, joined: NDArray[np.int64] | None) -> ScoreGroups:
    """Join the groups of one draw that have the same of `joined_numbers`; none are, if none."""
    if joined is None:
        return groups
    land, count = groups.land[0], int(joined.max()) + 1
    land_joined = _sums(joined, land, count)
    value = _sums(joined, land * groups.value, count) / np.where(land_joined, land_joined, 1)
    return ScoreGroups(
        value=value,
        positive=_sums(joined, groups.positive[0], count)[None, :],
        land=land_joined[None, :],
        group_of_row=joined[groups.group_of_row],
    )


def resample(
    groups: ScoreGroups,
    times: Array,
    block: NDArray[np.int64],
    labels: Array,
    weights: Array,
) -> ScoreGroups:
    """Count every draw of blocks.

    Parameters
    ----------
    times
        How often each block is drawn, shape (draws, blocks).
    block, labels, weights
        Of every row, shape (n,).
    """
    return replace(
        groups,
        positive=counts_per_draw(groups, times, block, weights * labels),
        land=counts_per_draw(groups, times, block, weights),
    )


def counts_per_draw(
    groups: ScoreGroups, times: Array, block: NDArray[np.int64], amount: Array
) -> Counts:
    """Sum an amount of every row by draw of blocks and group, shape (draws, groups)."""
    shape = (groups.value.size, times.shape[1])
    if shape[0] * shape[1] <= CELLS_PER_ROW * amount.size:
        place = groups.group_of_row * shape[1] + block
        cells = sparse.csr_array(_sums(place, amount, shape[0] * shape[1]).reshape(shape))
    else:
        cells = sparse.coo_array((amount, (groups.group_of_row, block)), shape=shape).tocsr()
    return np.ascontiguousarray((cells @ times.T).T)


def rank_measures(groups: ScoreGroups, *, cell_ha: float) -> dict[str, Array]:
    """Compute the ranking measures of every draw, each of shape (draws,)."""
    positive, land = groups.positive, groups.land
    shares = np.append(TOP_SHARES, 1.0 - LOWEST_SHARE)
    found = ranking_kernels.found_in_top(positive, land, shares)
    hectares = ranking_kernels.land_to_find(positive, land, FIND_SHARES) * cell_ha
    measures = {
        "roc_auc": ranking_kernels.roc_auc(positive, land),
        "average_precision": ranking_kernels.average_precision(positive, land),
    }
    for column, share in enumerate(TOP_SHARES):
        measures[f"found_in_top_{share * 100:.0f}"] = found[:, column]
    for column, share in enumerate(FIND_SHARES):
        measures[f"hectares_to_{share * 100:.0f}"] = hectares[:, column]
    measures["lowest_class_miss_rate"] = 1.0 - found[:, -1]
    return measures


def probability_measures(groups: ScoreGroups, losses: Array) -> dict[str, Array]:
    """Compute the measures of probabilities of every draw.

    Parameters
    ----------
    losses
        Sums of squared error and of log loss, shape (draws, 2).
    """
    total = groups.land.sum(axis=1)
    clipped = np.clip(groups.value, _LOGIT_CLIP, 1 - _LOGIT_CLIP)
    logit = np.log(clipped) - np.log1p(-clipped)
    _, slope = ranking_kernels.logistic_fit(logit, groups.positive, groups.land)
    intercept, _ = ranking_kernels.logistic_fit(logit, groups.positive, groups.land, slope=False)
    return {
        "brier": losses[:, 0] / total,
        "log_loss": losses[:, 1] / total,
        "calibration_slope": slope,
        "calibration_intercept": intercept,
        "ece": calibration_error(groups, bins=BINS),
    }


def calibration_error(groups: ScoreGroups, *, bins: int) -> Array:
    """Compute the expected calibration error over bins of equal land, shape (draws,)."""
    gap = groups.positive - groups.land * groups.value
    bin_of = equal_land_bins(groups.land, bins)
    sums = [np.abs(np.where(bin_of == one, gap, 0.0).sum(axis=1)) for one in range(bins)]
    return np.sum(sums, axis=0) / groups.land.sum(axis=1)


def equal_land_bins(land: Counts, bins: int) -> NDArray[np.int64]:
    """Return the bin of each group, 0 for the lowest scores; a group is never split.

    A group goes where the middle of its land lies.
    """
    middle = np.cumsum(land, axis=1) - 0.5 * land
    share = 1.0 - middle / land.sum(axis=1, keepdims=True)
    return np.clip((share * bins).astype(np.int64), 0, bins - 1)


def share_in_lowest(groups: ScoreGroups) -> Array:
    """Return the share of each group that lies in the lowest class, shape (groups,), one draw."""
    land = groups.land[0]
    end = np.cumsum(land)
    cut = (1.0 - LOWEST_SHARE) * end[-1]
    return np.clip((end - cut) / np.where(land > 0, land, 1.0), 0.0, 1.0)


def _sums(group: NDArray[np.int64], amount: Array, count: int) -> Array:
    return np.bincount(group, amount, count).astype(np.float64)
