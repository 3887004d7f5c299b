"""How far whole regions lie off the model, beyond what their blocks do each by itself.

Over many blocks what blocks do by themselves evens out; what a whole region has in common does
not. It is learned from sums over regions left out: of each class of land in each region, what was
found beside what was expected.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.calibration.conformal import CONTRADICTED, IntervalScaler, share_in_centre
from minerisk.models.calibration.joint_draws import keep_mean, whole_sds
from minerisk.models.calibration.logistic import expit

Array = NDArray[np.float64]

SDS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0])
"""What is tried, log-odds. Where nothing is known, the last is taken."""
LEAST_EXPECTED = 1.0
_DRAWS = 400


@dataclass(frozen=True)
class RegionSpread:
    """How far regions lie off the model, and how well that holds.

    Attributes
    ----------
    sd
        Standard deviation of the log-odds of whole regions: the greatest that what was found does
        not contradict.
    sums
        Sums of a class over a region left out that this rests on.
    cover
        Share of these sums that the interval held, each with the deviation of the other regions;
        NaN where there are none.
    """

    sd: float
    sums: int
    cover: float


@dataclass(frozen=True)
class _Sums:
    """What was found in each class of each region, and draws of what is expected there."""

    found: Array
    region: NDArray[np.int64]
    drawn: Array  # (sds, draws, sums)


def fit_region_spread(
    scaler: IntervalScaler,
    probability: ArrayLike,
    y: ArrayLike,
    blocks: ArrayLike,
    regions: ArrayLike,
    classes: ArrayLike,
    *,
    seed: int,
) -> RegionSpread:
    """Learn from searched cells of regions left out.

    Parameters
    ----------
    scaler
        Of the model.
    probability
        Held-out probabilities, calibrated without their own region, shape (n,).
    y
        Labels 0 and 1, shape (n,).
    blocks, regions, classes
        Of each cell, shape (n,); sums are of a class in a region.
    """
    sums = _gather(scaler, probability, y, blocks, regions, classes, seed=seed)
    if not sums.found.size:
        return RegionSpread(float(SDS[-1]), 0, float("nan"))
    fits = np.stack([_log_likelihood(sums.found, drawn) for drawn in sums.drawn])
    held = np.stack([_cover(sums.found, drawn, scaler.level) for drawn in sums.drawn])
    covers = np.empty(sums.found.size)
    for region in np.unique(sums.region):
        mine = sums.region == region
        covers[mine] = held[_greatest(fits[:, ~mine]), mine]
    return RegionSpread(float(SDS[_greatest(fits)]), sums.found.size, float(covers.mean()))


def _greatest(fits: Array) -> int:
    """Find the greatest deviation that is not contradicted; the last of all without any sum."""
    total = fits.sum(axis=1)
    return int(np.flatnonzero(total >= total.max() - CONTRADICTED)[-1])


def _gather(
    scaler: IntervalScaler,
    probability: ArrayLike,
    y: ArrayLike,
    blocks: ArrayLike,
    regions: ArrayLike,
    classes: ArrayLike,
    *,
    seed: int,
) -> _Sums:
    """Gather cells of one region, class and block; draw the sums of each region and class."""
    p = np.asarray(probability, dtype=np.float64)
    block, region, kind = (
        np.unique(np.asarray(part), return_inverse=True)[1] for part in (blocks, regions, classes)
    )
    several, many = int(kind.max(initial=0)) + 1, int(block.max(initial=0)) + 1
    rows, group = np.unique((region * several + kind) * many + block, return_inverse=True)
    cells, expected = np.bincount(group), np.bincount(group, p)
    pairs, pair = np.unique(rows // many, return_inverse=True)
    positive = np.asarray(y, dtype=np.float64)
    found = np.bincount(pair[group], positive, minlength=pairs.size).astype(np.float64)
    told = np.bincount(pair, expected, minlength=pairs.size) >= LEAST_EXPECTED
    place, rng = pairs // several, np.random.default_rng([seed, 13])
    noise = (
        rng.normal(size=(_DRAWS, many))[:, rows % many],
        rng.normal(size=(_DRAWS, int(region.max(initial=0)) + 1))[:, place[pair]],
    )
    into = np.zeros((rows.size, pairs.size))
    into[np.arange(rows.size), pair] = cells
    drawn = np.stack([_drawn(scaler, expected / cells, sd, noise) @ into for sd in SDS])
    return _Sums(found[told], place[told], np.maximum(drawn[:, :, told], 1e-9))


def _drawn(scaler: IntervalScaler, p: Array, sd: float, noise: tuple[Array, Array]) -> Array:
    alone, together = whole_sds(scaler, float(sd))
    centre = keep_mean(p, np.hypot(alone, together))
    return expit(centre + alone * noise[0] + together * noise[1])


def _log_likelihood(found: Array, drawn: Array) -> Array:
    """Score what was found, as a negative binomial of the mean and the variance of the draws."""
    from scipy.special import gammaln

    mean = drawn.mean(axis=0)
    size = mean**2 / np.maximum(drawn.var(axis=0), 1e-9 * mean**2)
    ways = gammaln(found + size) - gammaln(size) - gammaln(found + 1)
    return np.asarray(
        ways + size * np.log(size / (size + mean)) + found * np.log(mean / (size + mean))
    )


def _cover(found: Array, drawn: Array, level: float) -> Array:
    """Measure how far each find lies within what was drawn; see `IntervalScaler.cover`."""
    from scipy.special import pdtr

    upto = pdtr(found, drawn).mean(axis=0)
    before = np.where(found > 0, pdtr(np.maximum(found - 1, 0), drawn).mean(axis=0), 0.0)
    return share_in_centre(before, upto, level)
