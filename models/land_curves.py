"""How finds lie along the scores of land that comes part by part: no more than a part is held."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from minerisk.models.evaluation.area_curves import (
    CURVE_POINTS,
    WINDOW_SHARE,
    WINDOWS,
    Boyce,
    PredictionArea,
    SuccessRate,
    boyce_of,
    plot_of,
    score_windows,
    success_of,
)
from minerisk.models.evaluation.score_groups import (
    BOOTSTRAP_GROUPS,
    ScoreGroups,
    block_draws,
    coarse_groups,
)
from minerisk.models.order_statistics import ValueCounts, count_values

Array = NDArray[np.float64]
Numbers = NDArray[np.int64]
Parts = Callable[[], Iterator[tuple[Numbers, NDArray[np.float32], Numbers]]]
"""Gives labels, scores and blocks of the cells of each part of some land, shape (n,)."""


@dataclass(frozen=True)
class LandCurves:
    """Curves of land of so many cells, in `found` of which something was found."""

    cells: int
    found: int
    boyce: Boyce
    success: SuccessRate
    plot: PredictionArea


@dataclass(frozen=True)
class _Draws:
    """Cells of either label in every draw of blocks.

    Attributes
    ----------
    groups
        By group of scores, shape (2, draws, groups).
    windows
        By window of scores, shape (2, draws + 1, windows); the first row is the land as it is.
    total
        All of them, shape (2, draws + 1).
    """

    groups: Array
    windows: Array
    total: Array


def land_curves(
    parts: Parts, *, draws: int = 200, seed: int = 0, level: float = 0.9
) -> LandCurves | None:
    """Compute `boyce_index`, `success_rate` and `prediction_area` of all parts together.

    They are the same whatever the parts. Past `minerisk.models.order_statistics.MOST_VALUES`
    different scores, those that agree in their first digits count as equal in the curves.

    Parameters
    ----------
    parts
        Gives the same each time it is called.

    Returns
    -------
    LandCurves or None
        None where the land holds no finds or nothing else, or all scores are equal.
    """
    known = count_values(((score, y) for y, score, _ in parts()), kinds=2)
    positive, land = known.counts[1], known.counts.sum(axis=0)
    if not 0 < positive.sum() < land.sum() or known.extremes[0] == known.extremes[1]:
        return None
    sums = np.stack([positive, land]).astype(np.float64)[:, None, ::-1]
    groups = ScoreGroups(known.values[::-1].copy(), sums[0], sums[1], np.arange(len(land)))
    coarse = coarse_groups(groups, BOOTSTRAP_GROUPS)
    middle, edges = score_windows(*known.extremes, WINDOW_SHARE, WINDOWS)
    blocks = np.unique(np.concatenate([np.unique(block) for _, _, block in parts()]))
    times = block_draws(len(blocks), draws=draws, seed=seed)
    drawn = _draw(parts, known, coarse, edges, blocks, np.vstack([np.ones(len(blocks)), times]))
    (_, found), (_, in_windows) = drawn.groups, drawn.windows
    sampled = replace(coarse, positive=found, land=drawn.groups.sum(axis=0))
    total = np.stack([drawn.total.sum(axis=0), drawn.total[1]], axis=1)
    return LandCurves(
        cells=int(land.sum()),
        found=int(positive.sum()),
        boyce=boyce_of(middle, in_windows, drawn.windows.sum(axis=0), total, level=level),
        success=success_of(groups, sampled, points=CURVE_POINTS, level=level),
        plot=plot_of(groups, sampled, level=level),
    )


def _draw(
    parts: Parts,
    known: ValueCounts,
    coarse: ScoreGroups,
    edges: Array,
    blocks: Numbers,
    times: Array,
) -> _Draws:
    """Count the cells of each draw, part by part; sums of whole numbers have no rounding."""
    draws, windows, sizes = len(times), len(edges), coarse.value.size
    found = _Draws(
        np.zeros((2, draws - 1, sizes)), np.zeros((2, draws, windows)), np.zeros((2, draws))
    )
    for y, score, block in parts():
        own, number = np.unique(block, return_inverse=True)
        drawn = times[:, np.searchsorted(blocks, own)]
        group = coarse.group_of_row[len(known.keys) - 1 - known.places(score)]
        for kind in (0, 1):
            chosen = y == kind
            place, count = number[chosen], len(own)
            found.groups[kind] += drawn[1:] @ count_pairs(place, group[chosen], (count, sizes))
            found.windows[kind] += drawn @ _in_windows(place, score[chosen], edges, count)
            found.total[kind] += drawn @ np.bincount(place, minlength=count)
    return found


def count_pairs(row: Numbers, column: Numbers, shape: tuple[int, int]) -> Numbers:
    """Count pairs of row and column, none below 0; shape as given."""
    place = row * shape[1] + column
    return np.bincount(place, minlength=shape[0] * shape[1]).reshape(shape)


def _in_windows(block: Numbers, scores: NDArray[np.float32], edges: Array, count: int) -> Numbers:
    """Count the scores in each window by block, shape (blocks, windows)."""
    shape = (count, len(edges) + 1)
    first = np.searchsorted(edges[:, 1], scores, side="left")
    after = np.searchsorted(edges[:, 0], scores, side="right")
    return np.cumsum(count_pairs(block, first, shape) - count_pairs(block, after, shape), axis=1)[
        :, :-1
    ]
