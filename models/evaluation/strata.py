"""How good a model is on each kind of land: held-out scores by the values of one feature."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.results import Stratum
from minerisk.models.evaluation.score_groups import block_draws, block_numbers

FIRST = 0.2
LEVEL = 0.9


def assess_strata(
    y: ArrayLike,
    score: ArrayLike,
    value: ArrayLike,
    *,
    edges: Sequence[float],
    blocks: ArrayLike,
    draws: int = 200,
    seed: int = 0,
) -> list[Stratum]:
    """Measure held-out scores on land of like values of one feature.

    The 20 % of land put first are of *all* the land, as a survey would take them, not of a
    stratum. A model that is good on the whole may find nothing far from the line; this tells.

    Parameters
    ----------
    y
        Labels 0 and 1, shape ``(n,)``.
    score
        Held-out scores, higher is riskier, shape ``(n,)``.
    value
        The feature, in its own unit, NaN where it has none, shape ``(n,)``.
    edges
        Where strata meet, rising; below the first and from the last on are strata too.
    blocks
        Block of every row, shape ``(n,)``, wider than the autocorrelation range.
    draws
        Resampled sets of blocks.

    Returns
    -------
    list of Stratum
        One a stratum that holds land, and one of land without a value.

    Raises
    ------
    InputError
        If `edges` do not rise, or all rows lie in one block.
    """
    labels, scores = np.asarray(y) == 1, np.asarray(score, dtype=np.float64)
    values = np.asarray(value, dtype=np.float64)
    rising = np.asarray(edges, dtype=np.float64)
    if rising.size == 0 or not np.isfinite(rising).all() or (np.diff(rising) <= 0).any():
        raise InputError(f"The edges are {list(edges)}; expected finite numbers that rise.")
    stratum = np.where(np.isfinite(values), np.searchsorted(rising, values, side="right"), -1)
    block = block_numbers(blocks, labels.size)
    weights = block_draws(int(block.max()) + 1, draws=draws, seed=seed)
    first = labels * _share_in_first(scores)
    bounds = [None, *rising.tolist(), None]
    rows = []
    for number in [*range(rising.size + 1), -1]:
        chosen = stratum == number
        if not chosen.any():
            continue
        low, high = (None, None) if number < 0 else (bounds[number], bounds[number + 1])
        positive = int(labels[chosen].sum())
        rows.append(
            Stratum(
                low=low,
                high=high,
                cells=int(chosen.sum()),
                positive=positive,
                land=float(chosen.mean()),
                found=positive / max(int(labels.sum()), 1),
                roc_auc=_auc(labels[chosen], scores[chosen]),
                in_top_20=_share(first * chosen, labels & chosen, block, weights),
            )
        )
    return rows


def _share_in_first(scores: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return how much of each row lies in the first land: of tied rows at its end, equal parts."""
    least = np.quantile(scores, 1 - FIRST, method="inverted_cdf")
    above, tied = scores > least, scores == least
    left = FIRST * scores.size - above.sum()
    return above + tied * (left / max(int(tied.sum()), 1))


def _auc(labels: NDArray[np.bool_], scores: NDArray[np.float64]) -> float | None:
    return float(roc_auc_score(labels, scores)) if 0 < labels.sum() < labels.size else None


def _share(
    part: NDArray[np.float64],
    whole: NDArray[np.bool_],
    block: NDArray[np.int64],
    weights: NDArray[np.float64],
) -> Estimate | None:
    """Compute the share of positives that come first, with its interval over resampled blocks."""
    if not whole.any():
        return None
    count = weights.shape[1]
    parts = np.bincount(block, weights=part, minlength=count)
    wholes = np.bincount(block, weights=whole, minlength=count)
    with np.errstate(invalid="ignore"):
        drawn = (weights @ parts) / (weights @ wholes)
    value = float(parts.sum() / wholes.sum())
    low, high = percentile_interval(drawn, level=LEVEL)
    return Estimate(value, min(low, value), max(high, value))
