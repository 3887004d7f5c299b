"""How finds lie along the scores of a map: Boyce index, success-rate and P–A curves."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.stats import rankdata

from minerisk.features.errors import InputError
from minerisk.models.evaluation import ranking_kernels
from minerisk.models.evaluation.intervals import percentile_interval
from minerisk.models.evaluation.metrics import Interval
from minerisk.models.evaluation.score_groups import (
    DrawnBlocks,
    ScoreGroups,
    block_draws,
    block_numbers,
    coarse_groups,
)
from minerisk.models.inputs import checked_scores

Array = NDArray[np.float64]

CURVE_POINTS = 101
WINDOW_SHARE, WINDOWS = 0.1, 101
_CROSSING_POINTS = 1_001


@dataclass(frozen=True)
class Boyce:
    """Continuous Boyce index and the curve it is computed from.

    Attributes
    ----------
    index
        (estimate, low, high), -1 to 1: above 0, finds become denser as the score rises.
    score
        Middle of each window of scores, shape (windows,).
    ratio
        Share of finds over share of land in each window; 1 is what chance gives; NaN where a
        window holds no land.
    """

    index: Interval
    score: Array
    ratio: Array


@dataclass(frozen=True)
class SuccessRate:
    """Share of finds against share of land, highest score first, with its interval.

    Attributes
    ----------
    land, found, low, high
        Shares, shape (points,).
    area
        Area under the curve, (estimate, low, high); 0.5 is what chance gives.
    """

    land: Array
    found: Array
    low: Array
    high: Array
    area: Interval


@dataclass(frozen=True)
class PredictionArea:
    """Prediction–area (P–A) plot: finds caught and land taken as the threshold falls.

    Attributes
    ----------
    threshold, found, land
        Score, share of finds at or above it, share of land at or above it; highest score first.
    crossing
        Share of finds where it equals one minus the share of land, (estimate, low, high): above
        0.5 the map tells more than chance.
    density
        Share of finds over share of land at the crossing, (estimate, low, high).
    """

    threshold: Array
    found: Array
    land: Array
    crossing: Interval
    density: Interval


def boyce_index(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    window_share: float = WINDOW_SHARE,
    windows: int = WINDOWS,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.9,
    weight: ArrayLike | None = None,
) -> Boyce:
    """Measure whether finds become denser, step by step, as the score rises.

    A window slides over the range of scores; the ratio of the share of finds to the share of
    land in it is ranked against the score (Spearman). Windows without land are left out, and of
    neighbours with the same ratio one is kept, which would otherwise be counted many times.

    Parameters
    ----------
    y, p
        Labels 0 and 1 and scores (any scale), shape (n,). All rows are the land, finds included.
    blocks
        Block of every row, shape (n,), resampled whole for the interval.
    window_share
        Width of the window as a share of the range of scores.
    windows
        How many windows.

    Notes
    -----
    Hirzel et al. 2006, doi 10.1016/j.ecolmodel.2006.05.017. It needs no negatives, but is only
    as good as the finds are spread; with few finds the top windows are noisy.

    Examples
    --------
    Finds become denser as the score rises, so the index is near 1.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.0, 0.2, 2_000)
    >>> y, blocks = rng.random(2_000) < p, np.arange(2_000) // 50
    >>> bool(boyce_index(y, p, blocks).index[0] > 0.8)
    True
    """
    labels, scores, weights = checked_scores(y, p, weight, probability=False)
    middle, edges = score_windows(float(scores.min()), float(scores.max()), window_share, windows)
    block = block_numbers(blocks, labels.size)
    count = int(block.max()) + 1
    land = _window_sums(scores, weights, block, edges, count)
    found = _window_sums(scores, weights * labels, block, edges, count)
    amounts = (weights, weights * labels)
    total = np.stack([np.bincount(block, amount, count) for amount in amounts], axis=1)
    times = np.vstack([np.ones(count), block_draws(count, draws=draws, seed=seed)])
    return boyce_of(middle, times @ found, times @ land, times @ total, level=level)


def success_rate(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    points: int = CURVE_POINTS,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.9,
    weight: ArrayLike | None = None,
) -> SuccessRate:
    """Compute the success-rate curve; on held-out rows it is the prediction-rate curve.

    Notes
    -----
    Chung and Fabbri 2003, doi 10.1023/B:NHAZ.0000007172.62651.2b.

    Examples
    --------
    >>> curve = success_rate([1, 1, 0, 0], [0.9, 0.6, 0.4, 0.1], blocks=[0, 1, 0, 1], points=3)
    >>> curve.land.tolist(), curve.found.tolist()
    ([0.0, 0.5, 1.0], [0.0, 1.0, 1.0])
    """
    groups, sampled = grouped_draws(y, p, blocks, draws=draws, seed=seed, weight=weight)
    return success_of(groups, sampled, points=points, level=level)


def success_of(
    groups: ScoreGroups, sampled: ScoreGroups, *, points: int, level: float
) -> SuccessRate:
    """Compute the success-rate curve of counts, and of their draws."""
    shares = np.linspace(0.0, 1.0, points)
    found = ranking_kernels.found_in_top(groups.positive, groups.land, shares)[0]
    drawn = ranking_kernels.found_in_top(sampled.positive, sampled.land, shares)
    drawn = drawn[np.isfinite(drawn).all(axis=1)]
    ends = np.quantile(drawn, [0.5 - level / 2, 0.5 + level / 2], axis=0)
    return SuccessRate(
        land=shares,
        found=found,
        low=np.minimum(ends[0], found),
        high=np.maximum(ends[1], found),
        area=_interval(_area(shares, found), _area(shares, drawn), level),
    )


def prediction_area(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.9,
    weight: ArrayLike | None = None,
) -> PredictionArea:
    """Compute the prediction–area plot, and where its two curves cross.

    Notes
    -----
    Yousefi and Carranza 2015, Computers & Geosciences 79:69-81 (P–A plot, normalised density).
    """
    groups, sampled = grouped_draws(y, p, blocks, draws=draws, seed=seed, weight=weight)
    return plot_of(groups, sampled, level=level)


def plot_of(groups: ScoreGroups, sampled: ScoreGroups, *, level: float) -> PredictionArea:
    """Compute the prediction–area plot of counts, and of their draws."""
    crossing = _crossing(groups)
    drawn = _crossing(sampled)
    few = coarse_groups(groups, CURVE_POINTS)
    return PredictionArea(
        threshold=few.value,
        found=np.cumsum(few.positive[0]) / few.positive.sum(),
        land=np.cumsum(few.land[0]) / few.land.sum(),
        crossing=_interval(crossing[0], drawn, level),
        density=_interval(_density(crossing)[0], _density(drawn), level),
    )


def grouped_draws(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    draws: int,
    seed: int = 0,
    weight: ArrayLike | None = None,
) -> tuple[ScoreGroups, ScoreGroups]:
    """Gather rows of equal score, and their draws from blocks."""
    labels, scores, weights = checked_scores(y, p, weight, probability=False)
    drawn = DrawnBlocks(scores, weights, blocks, draws=draws, seed=seed)
    groups, _, sampled = drawn.grouped(labels)
    return groups, sampled


def score_windows(low: float, high: float, share: float, count: int) -> tuple[Array, Array]:
    """Give the middle of each window of scores, and its two ends."""
    if not high > low:
        raise InputError("All scores are equal; the Boyce index needs scores that differ.")
    half = 0.5 * share * (high - low)
    middle = np.linspace(low + half, high - half, count)
    edges = np.column_stack([middle - half, middle + half])
    edges[0, 0], edges[-1, 1] = -np.inf, np.inf
    return middle, edges


def boyce_of(middle: Array, found: Array, land: Array, total: Array, *, level: float) -> Boyce:
    """Rank the ratios of finds to land.

    Parameters
    ----------
    middle
        Of each window of scores.
    found, land
        In each window, shape (draws + 1, windows); the first row is the land as it is.
    total
        All land and all finds, shape (draws + 1, 2).
    """
    ratio = _ratios(found, land, total)
    index = np.array([_rank_correlation(row, middle) for row in ratio])
    return Boyce(_interval(index[0], index[1:], level), middle, ratio[0])


def _window_sums(
    scores: Array, amount: Array, block: NDArray[np.int64], edges: Array, count: int
) -> Array:
    """Sum an amount per block and window of scores, shape (blocks, windows)."""
    sums = [
        np.bincount(block, amount * ((scores >= low) & (scores <= high)), count)
        for low, high in edges
    ]
    return np.stack(sums, axis=1)


def _ratios(found: Array, land: Array, total: Array) -> Array:
    with np.errstate(invalid="ignore", divide="ignore"):
        return (found / total[:, 1:]) / (land / total[:, :1])


def _rank_correlation(ratio: Array, middle: Array) -> float:
    known = np.flatnonzero(np.isfinite(ratio))
    kept = known[np.append(True, np.diff(ratio[known]) != 0)] if known.size else known
    if kept.size < 3:
        return float("nan")
    return float(np.corrcoef(rankdata(ratio[kept]), rankdata(middle[kept]))[0, 1])


def _crossing(groups: ScoreGroups) -> Array:
    """Return the share of finds where it equals one minus the share of land, shape (draws,)."""
    shares = np.linspace(0.0, 1.0, _CROSSING_POINTS)
    found = ranking_kernels.found_in_top(groups.positive, groups.land, shares)
    gap = found - (1.0 - shares)
    after = np.clip(np.argmax(gap >= 0, axis=1), 1, None)
    row = np.arange(len(gap))
    before = after - 1
    part = -gap[row, before] / (gap[row, after] - gap[row, before])
    return found[row, before] + part * (found[row, after] - found[row, before])


def _density(crossing: Array) -> Array:
    return crossing / np.maximum(1.0 - crossing, 1e-9)


def _area(shares: Array, found: Array) -> Array:
    steps = np.diff(shares)
    return np.asarray(((found[..., 1:] + found[..., :-1]) / 2 * steps).sum(axis=-1))


def _interval(value: float | Array, drawn: Array, level: float) -> Interval:
    estimate = float(value)
    low, high = percentile_interval(np.asarray(drawn), level=level)
    return estimate, float(np.fmin(low, estimate)), float(np.fmax(high, estimate))
