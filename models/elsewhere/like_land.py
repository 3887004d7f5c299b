"""How good a map is on land like that of a target area: from land held out, region by region.

A model that goes by a line is not as good where the line is not known. Folds that match distances
do not see that, and an interval from resampled blocks leaves out that regions differ. Here only
land counts for which as much is known of the lines, weighted as the target has it; and what is
given is an interval for the next such land, not for the mean of those that were seen. Finds are
held against other cells of their own region only: pooled scores of regions that were left out whole
are too low where much lies, since the model that scores a region did not see it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit, stdtrit

from minerisk.models.elsewhere.statement import LikeLand, TooFew
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation import ranking_kernels

Array = NDArray[np.float64]

DRAWS, BINS, LEVEL, FIRST = 1_000, 500, 0.9, 0.2
LEAST_REGIONS = 4.0
"""Regions, in effect, that an interval needs: with 3 degrees of freedom it is 1.4 times as wide as
with many, with 2 it says hardly anything."""
LEAST_FINDS = 30
LEAST_PART = 0.05
"""A kind of cover that less of the target has counts for nothing."""
MOST_EMPTY = 0.2
"""Draws in which nothing was found, at most."""
SMALLEST = 0.25
"""Regions that the land is as large as which a statement is made of, at least: a field by itself
holds too few finds to say how they are ranked."""
_INSIDE = 0.005


@dataclass(frozen=True)
class HeldOut:
    """Cells that were held out with their regions, each array of shape ``(n,)``.

    Attributes
    ----------
    found
        1 where something was found, 0 where nothing was.
    probability
        By a model that did not see the region.
    region, block
        The land left out whole, and a smaller piece of it whose cells are alike.
    cover
        What is known of the lines there, as a code.
    """

    found: NDArray[np.integer]
    probability: Array
    region: NDArray[np.integer]
    block: NDArray[np.integer]
    cover: NDArray[np.integer]


def like_land(
    held: HeldOut, cover: Mapping[int, float], *, as_large_as: float, seed: int
) -> LikeLand:
    """State how good a map is on a target, from held-out land of the same cover.

    Regions are drawn with replacement, as likely as they have land of that cover, as many as the
    target is large; of a target smaller than a region as many blocks of one, without replacement.
    Blocks of a whole region are not drawn anew: how much a region as it was found differs from the
    next holds the draw of its blocks already, and would count twice. The interval is that of a
    prediction: the spread of the draws, widened by that of their centre, with Student's t for as
    many regions as there are in effect.

    Parameters
    ----------
    held
        Cells held out.
    cover
        Share of the target of each code of cover.
    as_large_as
        Size of the target by that of a mean region.
    seed
        Of the draws.

    Notes
    -----
    Davison and Hinkley 1997, section 3.8 (groups with, and within them without replacement);
    Higgins, Thompson and Spiegelhalter 2009, doi 10.1111/j.1467-985X.2008.00552.x (interval for
    the next group).
    """
    weight = _weights(held.cover, cover)
    kept = weight > 0
    region_number = np.unique(held.region[kept], return_inverse=True)[1]
    found = held.found[kept].astype(np.float64)
    land = _sums_by(region_number, weight[kept])
    finds = _sums_by(region_number, weight[kept] * found)
    count, size = int(found.sum()), min(max(as_large_as, SMALLEST), float(max(len(land), 1)))
    regions = min(_effective(land), _effective(finds))
    plain = LikeLand(regions, int(kept.sum()), count, size)
    too_few = _too_few(held, cover, count, regions)
    if too_few is not None:
        return _refused(plain, too_few)
    sums = _Sums.of(held, weight, kept, region_number)
    chance = land / land.sum()
    if size >= 1:
        measured = sums.of_regions(_draw_regions(chance, size, seed))
    else:
        measured = sums.of_parts(_draw_parts(sums.region, chance, size, seed))
    if np.isnan(measured[0]).mean() > MOST_EMPTY:
        return _refused(plain, TooFew.FINDS)
    widen = _widening(len(land), regions, plain.as_large_as)
    auc, top, ratio = measured
    return LikeLand(
        plain.regions,
        plain.cells,
        plain.finds,
        plain.as_large_as,
        roc_auc=_share_interval(auc, widen),
        found_in_top_20=_share_interval(top, widen),
        found_to_predicted=_ratio_interval(ratio, widen),
    )


def _refused(plain: LikeLand, why: TooFew) -> LikeLand:
    return LikeLand(plain.regions, plain.cells, plain.finds, plain.as_large_as, too_few=why)


def _weights(code: NDArray[np.integer], cover: Mapping[int, float]) -> Array:
    """Weight held-out cells so that each cover has the share that it has of the target."""
    asked = {key: share for key, share in cover.items() if share >= LEAST_PART}
    weight = np.zeros(code.shape)
    for key, share in asked.items():
        own = code == key
        if own.any():
            weight[own] = share / own.sum()
    total = weight.sum()
    return weight * (np.count_nonzero(weight) / total) if total > 0 else weight


def _too_few(
    held: HeldOut, cover: Mapping[int, float], count: int, regions: float
) -> TooFew | None:
    for key, share in cover.items():
        if share >= LEAST_PART and not held.found[held.cover == key].any():
            return TooFew.COVER
    if count < LEAST_FINDS:
        return TooFew.FINDS
    return TooFew.REGIONS if regions < LEAST_REGIONS else None


def _effective(amount: Array) -> float:
    """Return how many regions of equal amount would be worth as much (Kish)."""
    return float(amount.sum() ** 2 / (amount**2).sum()) if amount.sum() > 0 else 0.0


@dataclass(frozen=True)
class _Sums:
    """Weighted sums of each block of each region: by bin of score, and of probabilities."""

    region: NDArray[np.int64]
    positive: Array
    land: Array
    predicted: Array

    @classmethod
    def of(
        cls,
        held: HeldOut,
        weight: Array,
        kept: NDArray[np.bool_],
        region: NDArray[np.int64],
    ) -> "_Sums":
        pairs = np.column_stack([region, held.block[kept]])
        unique, pair = np.unique(pairs, axis=0, return_inverse=True)
        rank = _ranks(held.probability[kept])
        part = (rank * BINS // max(len(rank), 1)).astype(np.int64)
        own, found = weight[kept], held.found[kept].astype(np.float64)
        shape = (len(unique), BINS)
        place = pair * BINS + part
        return cls(
            unique[:, 0].astype(np.int64),
            _sums_by(place, own * found, shape[0] * BINS).reshape(shape),
            _sums_by(place, own, shape[0] * BINS).reshape(shape),
            _sums_by(pair, own * held.probability[kept], shape[0]),
        )

    def of_regions(self, times: Array) -> tuple[Array, Array, Array]:
        """Measure draws of whole regions: ROC-AUC, found in the first 20 % of land, and ratio.

        Pairs of a find and another cell count within a region only: scores of two regions come
        from two models, and that which did not see a region with many finds scores it too low.
        """
        count = int(self.region.max()) + 1
        own = np.eye(count)[:, self.region]
        positive, land = own @ self.positive, own @ self.land
        finds, pairs = positive.sum(axis=1), positive.sum(axis=1) * (land - positive).sum(axis=1)
        auc = np.nan_to_num(ranking_kernels.roc_auc(positive, land))
        top = np.nan_to_num(_first_fifth(positive, land))
        with np.errstate(invalid="ignore", divide="ignore"):
            found = times @ finds
            ratio = np.where(found > 0, found, np.nan) / (times @ (own @ self.predicted))
            return (times @ (auc * pairs)) / (times @ pairs), (times @ (top * finds)) / found, ratio

    def of_parts(self, times: Array) -> tuple[Array, Array, Array]:
        """Measure draws of blocks of one region each."""
        positive, land = times @ self.positive, times @ self.land
        finds = positive.sum(axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            ratio = np.where(finds > 0, finds, np.nan) / (times @ self.predicted)
        auc = ranking_kernels.roc_auc(positive, land)
        return auc, np.where(finds > 0, _first_fifth(positive, land), np.nan), ratio


def _ranks(values: Array) -> NDArray[np.int64]:
    """Count the values above each; equal ones stay together."""
    return np.searchsorted(np.sort(-values), -values)


def _sums_by(group: NDArray[np.integer], amount: Array, count: int = 0) -> Array:
    return np.asarray(np.bincount(group, amount, count), dtype=np.float64)


def _first_fifth(positive: Array, land: Array) -> Array:
    return ranking_kernels.found_in_top(positive, land, np.array([FIRST]))[:, 0]


def _draw_regions(chance: Array, size: float, seed: int) -> Array:
    """Draw how often each region counts, shape (draws, regions)."""
    rng = np.random.default_rng(seed)
    return np.asarray(rng.multinomial(round(size), chance, size=DRAWS), dtype=float)


def _draw_parts(region: NDArray[np.int64], chance: Array, size: float, seed: int) -> Array:
    """Draw blocks of one region without replacement, shape (draws, blocks)."""
    rng = np.random.default_rng(seed)
    drawn = rng.choice(len(chance), size=DRAWS, p=chance)
    key = np.where(drawn[:, None] == region, rng.random((DRAWS, len(region))), np.inf)
    whole = np.bincount(region, minlength=len(chance))
    part = np.clip(np.round(size * whole), 1, whole)[drawn]
    return (np.argsort(np.argsort(key, axis=1), axis=1) < part[:, None]).astype(float)


def _widening(count: int, regions: float, size: float) -> float:
    """Return by how many standard deviations of the draws the interval reaches to either side."""
    student = float(stdtrit(regions - 1, 0.5 + LEVEL / 2))
    return student * float(np.sqrt(count / (count - 1) * (1 + max(size, 1.0) / regions)))


def _share_interval(draws: Array, widen: float) -> Estimate:
    known = draws[np.isfinite(draws)]
    inside = np.clip(known, _INSIDE, 1 - _INSIDE)
    low, high = expit(_ends(logit(inside), widen))
    value = float(known.mean())
    return Estimate(value, min(float(low), value), max(float(high), value))


def _ratio_interval(draws: Array, widen: float) -> Estimate:
    logs = np.log(draws[np.isfinite(draws) & (draws > 0)])
    low, high = np.exp(_ends(logs, widen))
    return Estimate(float(np.exp(logs.mean())), float(low), float(high))


def _ends(values: Array, widen: float) -> Array:
    return np.array([values.mean() - widen * values.std(), values.mean() + widen * values.std()])
