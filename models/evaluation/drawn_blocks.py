"""Measures drawn from blocks of land with replacement, for any labels of the same scored rows."""

from dataclasses import replace
from functools import partial
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.evaluation.score_groups import (
    ScoreGroups,
    counts_per_draw,
    join_groups,
    joined_numbers,
    probability_measures,
    rank_measures,
    tie_groups,
    with_labels,
)
from minerisk.models.inputs import numbered

Array = NDArray[np.float64]
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
_CLIP = 1e-15


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
    clipped = np.clip(predicted, _CLIP, 1 - _CLIP)
    log_loss = -np.where(labels == 1, np.log(clipped), np.log1p(-clipped))
    return np.stack([weights * (predicted - labels) ** 2, weights * log_loss], axis=1)


def block_numbers(blocks: ArrayLike, size: int) -> NDArray[np.int64]:
    """Assign to each row the number of its block, from 0, shape (size,)."""
    given = np.asarray(blocks)
    if given.shape != (size,):
        raise InputError(f"The blocks have shape {given.shape}; expected ({size},), one a row.")
    return numbered(given)
