"""How good a risk map is, in the users' units: land, finds, and what would be missed.

Ranking measures are exact for equal scores: within a tie the order is random and the expected
value is given, so that a constant score finds 20 % of the positives in 20 % of the land.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv

from minerisk.models.evaluation import ranking_kernels
from minerisk.models.evaluation.intervals import effective_rows, percentile_interval, wilson
from minerisk.models.evaluation.results import ReliabilityBin
from minerisk.models.evaluation.score_groups import (
    BINS,
    DrawnBlocks,
    Measured,
    Part,
    ScoreGroups,
    block_numbers,
    equal_land_bins,
    losses_of,
    measures_of,
    rank_measures,
    share_in_lowest,
    tie_groups,
)
from minerisk.models.inputs import checked_scores

Array = NDArray[np.float64]
Interval = tuple[float, float, float]


def score(
    y: ArrayLike, p: ArrayLike, *, cell_ha: float, weight: ArrayLike | None = None
) -> dict[str, float]:
    """Measure predicted probabilities against labels.

    Parameters
    ----------
    y
        Labels 0 and 1, shape (n,).
    p
        Predicted probabilities, 0 to 1, shape (n,).
    cell_ha
        Hectares of one cell.
    weight
        How many cells each row stands for (inverse sampling probability), shape (n,); counts
        both as land and as labels. None: one each.

    Returns
    -------
    dict
        ``roc_auc``; ``average_precision``; ``found_in_top_5``, ``_10``, ``_20``: share of
        positives in the 5, 10, 20 % of land with the highest scores; ``hectares_to_50``,
        ``_80``, ``_95``: least land, highest score first, in which that share of positives is
        expected; ``brier``; ``log_loss`` (natural logarithm); ``calibration_slope`` of the
        labels on the logit (1 is right, under 1 is overconfident); ``calibration_intercept``
        with the slope held at 1 (0 is right, under 0 predicts too much); ``ece``: mean absolute
        difference of predicted and observed over 10 bins of equal land;
        ``lowest_class_miss_rate``: share of all positives that lie in the lowest-scored half of
        the land, so would be missed if that half were never searched.
        NaN where a measure is undefined, such as the slope of a constant prediction.

    Raises
    ------
    InputError
        If shapes differ, values are not finite or out of range, or a class is missing.

    Notes
    -----
    Calibration slope and intercept: Van Calster et al. 2019, doi 10.1186/s12916-019-1466-7.

    Examples
    --------
    Ten cells of 6.25 ha, three of which held something:

    >>> y = [1, 1, 0, 0, 0, 0, 0, 1, 0, 0]
    >>> p = [0.9, 0.8, 0.7, 0.6, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05]
    >>> measured = score(y, p, cell_ha=6.25)
    >>> round(measured["roc_auc"], 3), round(measured["found_in_top_20"], 3)
    (0.762, 0.667)
    >>> round(measured["hectares_to_50"], 3)
    9.375
    """
    labels, predicted, weights = checked_scores(y, p, weight)
    groups = tie_groups(predicted, labels, weights)
    losses = losses_of(labels, predicted, weights).sum(axis=0)
    measured = measures_of(groups, losses[None, :], cell_ha=cell_ha)
    return {name: float(values[0]) for name, values in measured.items()}


def rank_score(
    y: ArrayLike, value: ArrayLike, *, cell_ha: float, weight: ArrayLike | None = None
) -> dict[str, float]:
    """Measure any score where higher is riskier: the ranking part of `score`.

    For rules that give no probability, such as minus the distance to the line.

    Examples
    --------
    The nearer to the line, the higher; the two nearest of ten cells hold two of three finds.

    >>> distance_m = np.arange(10) * 500
    >>> rank_score([1, 1, 0, 0, 0, 0, 0, 1, 0, 0], -distance_m, cell_ha=6.25)["found_in_top_20"]
    0.6666666666666666
    """
    labels, scores, weights = checked_scores(y, value, weight, probability=False)
    measured = rank_measures(tie_groups(scores, labels, weights), cell_ha=cell_ha)
    return {name: float(values[0]) for name, values in measured.items()}


def capture_curve(
    y: ArrayLike, p: ArrayLike, *, weight: ArrayLike | None = None, points: int = 101
) -> Array:
    """Compute the share of positives found against the share of land searched, highest score first.

    Returns
    -------
    ndarray, shape (points, 2)
        Share of land from 0 to 1 in even steps, share found.

    Examples
    --------
    >>> capture_curve([1, 0, 1, 0], [0.9, 0.7, 0.4, 0.1], points=5)
    array([[0.  , 0.  ],
           [0.25, 0.5 ],
           [0.5 , 0.5 ],
           [0.75, 1.  ],
           [1.  , 1.  ]])
    """
    labels, scores, weights = checked_scores(y, p, weight, probability=False)
    groups = tie_groups(scores, labels, weights)
    shares = np.linspace(0.0, 1.0, points)
    return np.column_stack(
        [shares, ranking_kernels.found_in_top(groups.positive, groups.land, shares)[0]]
    )


def reliability(
    y: ArrayLike,
    p: ArrayLike,
    *,
    blocks: ArrayLike | None = None,
    bins: int = BINS,
    level: float = 0.9,
    weight: ArrayLike | None = None,
) -> list[ReliabilityBin]:
    """Compare predicted with observed share in bins of equal land; equal predictions stay together.

    Parameters
    ----------
    blocks
        Block of every row, shape (n,). Cells of one block are alike, so that they count for
        fewer: the interval is Wilson's with the number of rows divided by the design effect.
        None takes rows as independent, which is too narrow for neighbouring cells.
    level
        Cover of the interval of the observed share.

    Returns
    -------
    list of ReliabilityBin
        Low predictions first, bins without rows left out.
    """
    labels, predicted, weights = checked_scores(y, p, weight)
    groups = tie_groups(predicted, labels, weights)
    bin_of_row = equal_land_bins(groups.land, bins)[0][groups.group_of_row]
    block = np.arange(labels.size) if blocks is None else block_numbers(blocks, labels.size)
    listed: list[ReliabilityBin] = []
    for one in np.unique(bin_of_row):
        rows = bin_of_row == one
        w, found = weights[rows], labels[rows]
        observed = float(np.average(found, weights=w))
        low, high = wilson(observed, effective_rows(found, w, block[rows]), level=level)
        listed.append(
            ReliabilityBin(
                predicted=float(np.average(predicted[rows], weights=w)),
                observed=observed,
                low=low,
                high=high,
                cells=float(w.sum()),
            )
        )
    return listed


def block_bootstrap(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
    seed: int = 0,
    level: float = 0.9,
    weight: ArrayLike | None = None,
    part: Part = "all",
) -> dict[str, Interval]:
    """Measure as `score` does, with intervals from resampling whole blocks.

    Parameters
    ----------
    blocks
        Block of every row, shape (n,): squares wider than the autocorrelation range, or the
        regions left out.
    draws
        Bootstrap samples.
    level
        Cover of the interval.
    part
        Which measures are wanted.

    Returns
    -------
    dict
        Measure: (estimate, low, high). The estimate is exact and never outside the interval:
        resampling adds noise to ``ece``, whose percentiles alone would leave it out. For
        ``lowest_class_miss_rate`` the upper end is never below `miss_rate_bound`, because a
        bootstrap of no miss says 0.

    Examples
    --------
    Probabilities that are true are calibrated: the interval of the slope holds 1.

    >>> rng = np.random.default_rng(0)
    >>> p = rng.uniform(0.0, 0.2, 2_000)
    >>> y, blocks = rng.random(2_000) < p, np.arange(2_000) // 50
    >>> _, low, high = block_bootstrap(y, p, blocks, cell_ha=1.0)["calibration_slope"]
    >>> bool(low < 1.0 < high)
    True
    """
    labels, scores, weights = checked_scores(y, p, weight)
    drawn = DrawnBlocks(scores, weights, blocks, draws=draws, seed=seed)
    measured = drawn.measured(labels, cell_ha=cell_ha, part=part)
    if part == "probabilities":
        return intervals_of(measured, level=level)
    bound = miss_bound(drawn.groups, labels, weights, drawn.block, level=0.5 + level / 2)
    return intervals_of(measured, level=level, miss_bound=bound)


def intervals_of(
    measured: Measured, *, level: float, miss_bound: float | None = None
) -> dict[str, Interval]:
    """Give each measure with an interval of its draws that holds it, as `block_bootstrap`.

    Parameters
    ----------
    miss_bound
        What the upper end of ``lowest_class_miss_rate`` is at least; none where it is not there.
    """
    exact, drawn = measured
    intervals = {}
    for name, value in exact.items():
        low, high = percentile_interval(drawn[name], level=level)
        intervals[name] = (value, min(low, value), max(high, value))
    if miss_bound is not None:
        value, low, high = intervals["lowest_class_miss_rate"]
        intervals["lowest_class_miss_rate"] = (value, low, max(high, miss_bound))
    return intervals


def miss_rate_bound(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    level: float = 0.95,
    weight: ArrayLike | None = None,
) -> float:
    """Compute the one-sided upper bound of ``lowest_class_miss_rate``, never 0.

    Clopper-Pearson with the number of positives divided by the design effect, since positives
    of one block are found or missed together; without a miss, each block counts once (Kish).

    Notes
    -----
    Korn and Graubard 1998, Survey Methodology 24(2):193-201.
    """
    labels, scores, weights = checked_scores(y, p, weight, probability=False)
    block = block_numbers(blocks, labels.size)
    return miss_bound(tie_groups(scores, labels, weights), labels, weights, block, level=level)


def measured_draws(
    y: ArrayLike,
    p: ArrayLike,
    blocks: ArrayLike,
    *,
    cell_ha: float,
    draws: int = 200,
    seed: int = 0,
    weight: ArrayLike | None = None,
    part: Part = "all",
) -> Measured:
    """Measure as `score` does, and draw every measure from samples of blocks with replacement.

    See `minerisk.models.evaluation.score_groups.DrawnBlocks` for how it is done.
    The same blocks and seed give the same samples, so that draws of two models on the same rows
    can be subtracted.

    Returns
    -------
    exact, drawn
        Each measure; and its draws, shape (draws,), NaN where one holds no positives.

    Raises
    ------
    InputError
        If there are fewer than two blocks.
    """
    labels, scores, weights = checked_scores(y, p, weight)
    drawn = DrawnBlocks(scores, weights, blocks, draws=draws, seed=seed)
    return drawn.measured(labels, cell_ha=cell_ha, part=part)


def miss_bound(
    groups: ScoreGroups,
    labels: Array,
    weights: Array,
    block: NDArray[np.int64],
    *,
    level: float,
) -> float:
    """Compute `miss_rate_bound` of rows in groups of equal scores; see there."""
    hit = labels == 1
    missed = share_in_lowest(groups)[groups.group_of_row][hit]
    rate = float(np.average(missed, weights=weights[hit]))
    effective = effective_rows(missed, weights[hit], block[hit])
    if rate >= 1.0:
        return 1.0
    return float(betaincinv(rate * effective + 1.0, effective * (1.0 - rate), level))
