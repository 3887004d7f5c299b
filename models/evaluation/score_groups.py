"""Rows sorted once by score, in groups of equal scores and drawn by blocks, for all measures."""

from dataclasses import dataclass, replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from minerisk.features.errors import InputError
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
Part = Literal["all", "ranks", "probabilities"]
"""Which measures are wanted: those of `score`, those of `rank_score`, or the others."""

Measured = tuple[dict[str, float], dict[str, Array]]
"""Each measure of all rows, and its draws."""

BOOTSTRAP_GROUPS = 2_048
LIMITS = {
    "calibration_slope": (-np.inf, np.inf),
    "calibration_intercept": (-np.inf, np.inf),
    "log_loss": (0.0, np.inf),
    "hectares_to_50": (0.0, np.inf),
    "hectares_to_80": (0.0, np.inf),
    "hectares_to_95": (0.0, np.inf),
}
"""What a measure can be; from 0 to 1 if not named here."""
_LOSS_CLIP = 1e-15


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


class DrawnBlocks:
    """Rows put in order by score, and blocks drawn, once for all labels that are measured.

    Scores are put into about 2,000 groups, half of them fine at the top of the ranking, and each
    draw is a product of block counts with group counts. The small error of grouping is taken out
    by shifting the draws by the difference of the exact and the grouped value on all rows.

    Parameters
    ----------
    scores, weights
        Finite, shape (n,), as `minerisk.models.inputs.checked_scores` returns them.
    blocks
        Block of every row, shape (n,).
    draws, seed
        How many samples, and of what seed; the same seed and blocks give the same ones.

    Attributes
    ----------
    groups
        Rows of equal score, without labels.
    block
        Number of the block of every row.
    """

    def __init__(
        self, scores: Array, weights: Array, blocks: ArrayLike, *, draws: int, seed: int
    ) -> None:
        self._scores, self._weights = scores, weights
        self.block = block_numbers(blocks, scores.size)
        self._times = block_draws(int(self.block.max()) + 1, draws=draws, seed=seed)
        self.groups = tie_groups(scores, np.zeros(scores.size), weights)
        self._joined = joined_numbers(self.groups, BOOTSTRAP_GROUPS)
        self._coarse = join_groups(self.groups, self._joined)
        self._land = counts_per_draw(self._coarse, self._times, self.block, weights)

    def grouped(self, labels: Array) -> tuple[ScoreGroups, ScoreGroups, ScoreGroups]:
        """Count labels of the rows, 0 and 1, shape (n,).

        Returns
        -------
        exact, coarse, sampled
            In groups of equal scores; in about 2,000 groups; and those in every draw.
        """
        exact = with_labels(self.groups, labels, self._weights)
        amount = self._weights * labels
        positive = counts_per_draw(self._coarse, self._times, self.block, amount)
        sampled = replace(self._coarse, positive=positive, land=self._land)
        return exact, join_groups(exact, self._joined), sampled

    def measured(self, labels: Array, *, cell_ha: float, part: Part) -> Measured:
        """Measure labels of the rows, 0 and 1, shape (n,): exactly, and in every draw.

        Draws are of shape (draws,), NaN where one holds no positives.
        """
        exact, coarse, sampled = self.grouped(labels)
        of_all, of_draws = self._losses(labels, part)
        measures = partial(measures_of, cell_ha=cell_ha, part=part)
        drawn, true = measures(sampled, of_draws), measures(exact, of_all)
        by_group = measures(coarse, of_all)
        shifted = {
            name: np.clip(values + (true[name] - by_group[name]), *LIMITS.get(name, (0.0, 1.0)))
            for name, values in drawn.items()
        }
        return {name: float(values[0]) for name, values in true.items()}, shifted

    def _losses(self, labels: Array, part: Part) -> tuple[Array, Array]:
        """Sum the losses of all rows and of every draw; ranks need none."""
        if part == "ranks":
            return np.empty((1, 2)), np.empty((len(self._times), 2))
        losses = losses_of(labels, self._scores, self._weights)
        blocks = self._times.shape[1]
        by_block = np.stack([np.bincount(self.block, one, blocks) for one in losses.T], axis=1)
        return losses.sum(axis=0)[None, :], self._times @ by_block


def block_draws(count: int, *, draws: int, seed: int) -> Array:
    """Draw blocks with replacement: how often each comes up, shape (draws, count).

    Raises
    ------
    InputError
        If there are fewer than two blocks.
    """
    if count < 2:
        raise InputError(
            "All rows lie in one block; an interval needs at least 2. Use smaller blocks."
        )
    rng = np.random.default_rng(seed)
    return rng.multinomial(count, np.full(count, 1.0 / count), size=draws).astype(np.float64)


def measures_of(
    groups: ScoreGroups, losses: Array, *, cell_ha: float, part: Part = "all"
) -> dict[str, Array]:
    """Compute the measures of a part; `losses` are sums of both, shape (draws, 2)."""
    ranks = {} if part == "probabilities" else rank_measures(groups, cell_ha=cell_ha)
    return ranks | ({} if part == "ranks" else probability_measures(groups, losses))


def losses_of(labels: Array, predicted: Array, weights: Array) -> Array:
    """Compute the weighted squared error and log loss of every row, shape (n, 2)."""
    clipped = np.clip(predicted, _LOSS_CLIP, 1 - _LOSS_CLIP)
    log_loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    return np.stack([weights * (predicted - labels) ** 2, weights * log_loss], axis=1)


def block_numbers(blocks: ArrayLike, size: int) -> NDArray[np.int64]:
    """Assign to each row the number of its block, from 0, shape (size,)."""
    given = np.asarray(blocks)
    if given.shape != (size,):
        raise InputError(f"The blocks have shape {given.shape}; expected ({size},), one a row.")
    return numbered(given)
