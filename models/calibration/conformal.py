"""Intervals of probabilities whose cover is tested on blocks held out.

A cell holds something or it does not, so that no interval of its probability can be checked by
itself. What can be checked is the share found in a group of searched cells: cells of one block
with like probabilities. The interval of a cell is to hold the share that such a group tends to;
around that share, what is found in so many cells scatters as coins do. `IntervalScaler` widens
the spread of the ensemble until both together hold what was found on held-out land as often as
stated. Groups that hold hardly a find lie within any interval, narrow or wide, so that they cannot
make one narrower: of the spreads that the finds do not contradict, the widest is taken, and it is
stretched but never shrunk. The cover is claimed for blocks like those, on land that was searched,
and no further.
"""

import logging
from dataclasses import dataclass
from statistics import NormalDist
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.models.estimate import Estimate
from minerisk.models.inputs import checked_scores, numbered
from minerisk.models.plain_values import PlainRecord, refuse_negative

Array = NDArray[np.float64]

log = logging.getLogger(__name__)

EXPECTED = 5.0
"""Groups are cut so that about so many positives, or more, are expected in each."""
MOST_GROUPS = 4
"""Groups of one block at most."""
LEAST_BLOCKS = 8
CONTRADICTED = 0.5
"""A spread whose log-likelihood is further below the greatest than this is contradicted by what was
found: one standard error of a parameter."""
WIDEST = 6.0
"""The stretch at most."""
_DRAWS = 2_000
_NODES, _NODE_WEIGHTS = np.polynomial.hermite_e.hermegauss(31)
_NODE_WEIGHTS = _NODE_WEIGHTS / _NODE_WEIGHTS.sum()
_SCALES = np.array([0.25, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0])
_BLOCK_SDS = np.array([0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8, 1.0, 1.25, 1.5, 2.0])


@dataclass(frozen=True)
class Groups:
    """Searched cells gathered by block and probability, each array of shape (groups,).

    Attributes
    ----------
    probability, spread
        Mean probability, and mean spread weighted by probability.
    cells, positive
        Searched cells, and those that held something.
    block
        Number of the block, from 0.
    """

    probability: Array
    spread: Array
    cells: Array
    positive: Array
    block: NDArray[np.int64]


@dataclass(frozen=True)
class IntervalScaler(PlainRecord):
    """How far the log-odds of a group of cells on new land may lie from what the model says.

    ``reach = stretch * z * sqrt((scale * spread)² + block_sd²)`` in log-odds, with z the normal
    quantile of the level. `scale` and `block_sd` are the widest that what was found in
    held-out groups does not contradict; `stretch`, 1 or more, is then chosen, conformally by
    blocks, so that held-out groups are held as often as stated.

    Attributes
    ----------
    level
        Stated cover, 0 to 1.
    scale
        Factor of the ensemble's spread.
    block_sd
        Standard deviation of whole blocks from the model, beyond the ensemble's spread, log-odds.
    stretch
        Conformal factor of the whole.
    blocks, groups
        How many held-out ones this rests on.

    Notes
    -----
    Split conformal prediction with the block as the exchangeable unit: Vovk, Gammerman and Shafer
    2005, doi 10.1007/b106715; Dunn, Wasserman and Ramdas 2023 for groups, doi
    10.1080/01621459.2022.2060112.

    Examples
    --------
    On 40 blocks the share found scatters about 5 %; the interval allows for the next block.

    >>> rng = np.random.default_rng(0)
    >>> block = np.repeat(np.arange(40), 100)
    >>> found = rng.random(4_000) < expit(rng.normal(-3.0, 0.5, 40))[block]
    >>> p, spread = np.full(4_000, 0.05), np.full(4_000, 0.2)
    >>> scaler = IntervalScaler.fit(p, spread, found, block, level=0.9)
    >>> scaler.blocks, scaler.groups
    (40, 40)
    >>> lower, upper = scaler.interval(0.05, 0.2)
    >>> bool(lower < 0.04 < 0.07 < upper)
    True
    """

    level: float
    scale: float = 1.0
    block_sd: float = 0.0
    stretch: float = 1.0
    blocks: int = 0
    groups: int = 0

    kind: ClassVar[str] = "interval_scaler"

    @classmethod
    def fit(
        cls,
        probability: ArrayLike,
        spread: ArrayLike,
        y: ArrayLike,
        blocks: ArrayLike,
        *,
        level: float,
    ) -> Self:
        """Learn from rows held out by blocks.

        Parameters
        ----------
        probability
            Held-out probabilities, calibrated without their own fold, shape (n,).
        spread
            Standard deviation of the ensemble's log-odds, of the same held-out models, shape (n,).
        y
            Labels 0 and 1 of searched cells, shape (n,).
        blocks
            Block of each row, shape (n,).
        level
            Stated cover, between 0 and 1.

        Raises
        ------
        InputError
            If there are fewer than eight blocks, or the arguments do not fit each other.
        """
        if not 0 < level < 1:
            raise InputError(f"The level is {level}; expected a share between 0 and 1.")
        groups = gather_groups(probability, spread, y, blocks)
        count = int(np.unique(groups.block).size)
        if count < LEAST_BLOCKS:
            raise InputError(
                f"{count} blocks hold searched cells; expected at least {LEAST_BLOCKS} to say how "
                "blocks differ. Use smaller blocks."
            )
        scale, block_sd = _widest_uncontradicted(groups)
        # Blocks not seen are one more than blocks seen: the usual conformal correction.
        target = min(level * (1.0 + 1.0 / count), 1.0)
        unit = cls(level, scale, block_sd, 1.0, count, groups.probability.size)
        stretch = _least_stretch(unit, groups, target)
        log.info(
            "Intervals: ensemble spread times %.2f, blocks %.2f, stretched %.2f times (%d blocks)",
            scale, block_sd, stretch, count,
        )  # fmt: skip
        return cls(level, scale, block_sd, stretch, count, groups.probability.size)

    def interval(self, probability: ArrayLike, spread: ArrayLike) -> tuple[Array, Array]:
        """Return lower and upper end for cells; NaN where the probability is NaN.

        Parameters
        ----------
        probability
            Calibrated, any shape.
        spread
            Standard deviation of the ensemble's log-odds before calibration, same shape.
        """
        centre = logit(np.asarray(probability, dtype=np.float64))
        z = NormalDist().inv_cdf(0.5 + self.level / 2)
        reach = z * self.log_odds_sd(spread)
        return expit(centre - reach), expit(centre + reach)

    def log_odds_sd(self, spread: ArrayLike) -> Array:
        """Return the standard deviation of the log-odds of cells, the shape of `spread`."""
        own = self.scale * np.asarray(spread, dtype=np.float64)
        return np.asarray(self.stretch * np.sqrt(own**2 + self.block_sd**2))

    def cover(self, groups: Groups) -> Array:
        """Measure how far each group's find lies within what was expected, shape (groups,).

        The find takes up the stretch from F(k - 1) to F(k) of the distribution of finds: coins
        whose log-odds scatter about the model's with `log_odds_sd`. Given is the share of that
        stretch that lies within the central `level`, 0 to 1. Were the model true, its mean would
        be the level exactly, whatever the size of the groups.
        """
        from scipy.special import bdtr

        chance = _scattered(groups, self.log_odds_sd(groups.spread))
        cells, positive = groups.cells.astype(np.int64)[:, None], groups.positive[:, None]
        upto = bdtr(positive, cells, chance) @ _NODE_WEIGHTS
        before = np.where(positive > 0, bdtr(np.maximum(positive - 1, 0), cells, chance), 0.0)
        below = before @ _NODE_WEIGHTS
        return share_in_centre(below, upto, self.level)

    def check(self) -> None:
        """Refuse a level or a width that cannot be; see `PlainRecord.check`."""
        refuse_negative(scale=self.scale, block_sd=self.block_sd, stretch=self.stretch)
        if not 0 < self.level < 1:
            raise InputError(f"The interval's level is {self.level}; expected between 0 and 1.")


@dataclass(frozen=True)
class FoldCover:
    """Cover of the interval on one fold held out."""

    fold: int
    cover: float


@dataclass(frozen=True)
class Cover:
    """How often the interval holds what was found on folds held out.

    Attributes
    ----------
    level
        Stated cover.
    cover
        Mean over groups, with a 95 % interval from resampled blocks.
    groups, blocks
        How many of each were tested.
    folds
        Cover of each fold.
    """

    level: float
    cover: Estimate
    groups: int
    blocks: int
    folds: tuple[FoldCover, ...]


def share_in_centre(below: Array, upto: Array, level: float) -> Array:
    """Return which share of each stretch of a distribution lies within its central `level`."""
    low, high = 0.5 - level / 2, 0.5 + level / 2
    within = np.minimum(upto, high) - np.maximum(below, low)
    return np.asarray(np.clip(within / np.maximum(upto - below, 1e-300), 0.0, 1.0))


def cover_across_folds(
    probability: ArrayLike,
    spread: ArrayLike,
    y: ArrayLike,
    blocks: ArrayLike,
    *,
    fold_ids: ArrayLike,
    level: float,
) -> Cover:
    """Measure the cover of the interval on folds held out, each with the others' interval.

    Parameters
    ----------
    probability, spread, y, blocks, level
        As in `IntervalScaler.fit`; rows without a probability are left out.
    fold_ids
        Fold of each row, shape (n,); the scaler of a fold is learned from the other folds.

    Returns
    -------
    Cover

    Raises
    ------
    InputError
        If the others of a fold hold fewer than eight blocks.
    """
    p, own, labels, block, fold = (
        np.asarray(part) for part in (probability, spread, y, blocks, fold_ids)
    )
    tested = np.flatnonzero(np.isfinite(p) & (fold >= 0))
    # Rows that are in order already are put in order the faster, of any folds.
    tested = tested[np.lexsort((p[tested], block[tested]))]
    covers, places, folds = [], [], []
    for name in np.unique(fold[tested]):
        test, rest = tested[fold[tested] == name], tested[fold[tested] != name]
        scaler = IntervalScaler.fit(p[rest], own[rest], labels[rest], block[rest], level=level)
        groups = gather_groups(p[test], own[test], labels[test], block[test])
        covers.append(scaler.cover(groups))
        places.append(np.unique(block[test])[groups.block])
        folds.append(FoldCover(int(name), float(covers[-1].mean())))
    cover, place = np.concatenate(covers), np.concatenate(places)
    rows = np.unique(place, return_inverse=True)[1]
    total, size = np.bincount(rows, cover), np.bincount(rows).astype(np.float64)
    drawn = np.random.default_rng(0).integers(0, size.size, (_DRAWS, size.size))
    means = total[drawn].sum(axis=1) / size[drawn].sum(axis=1)
    low, high = np.quantile(means, [0.025, 0.975])
    return Cover(
        level=level,
        cover=Estimate(float(cover.mean()), float(low), float(high)),
        groups=int(cover.size),
        blocks=int(size.size),
        folds=tuple(folds),
    )


def gather_groups(
    probability: ArrayLike, spread: ArrayLike, y: ArrayLike, blocks: ArrayLike
) -> Groups:
    """Cut each block's cells, by rising probability, into groups with enough expected in each.

    How a block is cut depends on the probabilities only, never on what was found. Arguments as in
    `IntervalScaler.fit`.
    """
    labels, p, _ = checked_scores(y, probability, None)
    own_spread = np.asarray(spread, dtype=np.float64)
    block = numbered(blocks)
    if own_spread.shape != p.shape or block.shape != p.shape:
        raise InputError(
            f"Spread and blocks have shapes {own_spread.shape} and {block.shape}; expected "
            f"{p.shape}."
        )
    if not (np.isfinite(own_spread) & (own_spread >= 0)).all():
        raise InputError("Some spreads are negative or not finite; score every row's members.")
    order = np.lexsort((p, block))
    p, labels, own_spread, block = p[order], labels[order], own_spread[order], block[order]
    expected = np.bincount(block, p)
    parts = np.clip(expected // EXPECTED, 1, MOST_GROUPS)
    # Share of the block's expected positives up to the middle of each row.
    start = np.concatenate([[0.0], np.cumsum(expected)[:-1]])
    upto = (np.cumsum(p) - 0.5 * p - start[block]) / np.maximum(expected[block], 1e-300)
    part = np.clip((upto * parts[block]).astype(np.int64), 0, parts[block].astype(np.int64) - 1)
    group = numbered(block * MOST_GROUPS + part)
    cells = np.bincount(group).astype(np.float64)
    total = np.bincount(group, p)
    return Groups(
        probability=total / cells,
        spread=np.bincount(group, p * own_spread) / np.maximum(total, 1e-300),
        cells=cells,
        positive=np.bincount(group, labels).astype(np.float64),
        block=np.asarray(np.bincount(group, block) / cells, dtype=np.int64),
    )


def _scattered(groups: Groups, sd: Array) -> Array:
    """Return the chance of each group at the nodes of its normal log-odds, (groups, nodes)."""
    return expit(logit(groups.probability)[:, None] + sd[:, None] * _NODES)


def _widest_uncontradicted(groups: Groups) -> tuple[float, float]:
    """Find scale and block_sd on a grid: the widest that what was found does not contradict."""
    from scipy.special import gammaln

    cells, found = groups.cells, groups.positive
    ways = gammaln(cells + 1) - gammaln(found + 1) - gammaln(cells - found + 1)
    pairs = [(float(scale), float(block_sd)) for scale in _SCALES for block_sd in _BLOCK_SDS]
    likelihood, width = np.empty(len(pairs)), np.empty(len(pairs))
    for place, (scale, block_sd) in enumerate(pairs):
        sd = np.sqrt((scale * groups.spread) ** 2 + block_sd**2)
        chance = np.clip(_scattered(groups, sd), 1e-12, 1 - 1e-12)
        each = found[:, None] * np.log(chance)
        each += (cells - found)[:, None] * np.log1p(-chance) + ways[:, None]
        top = each.max(axis=1, keepdims=True)
        likelihood[place] = (np.log(np.exp(each - top) @ _NODE_WEIGHTS) + top[:, 0]).sum()
        width[place] = np.square(sd).mean()
    likely = likelihood >= likelihood.max() - CONTRADICTED
    return pairs[int(np.argmax(np.where(likely, width, -1.0)))]


def _least_stretch(unit: IntervalScaler, groups: Groups, target: float) -> float:
    """Find by halving the least stretch, from 1, whose mean cover over groups is the target."""

    def reached(stretch: float) -> bool:
        tried = IntervalScaler(unit.level, unit.scale, unit.block_sd, stretch)
        return float(tried.cover(groups).mean()) >= target

    low, high = 1.0, WIDEST
    if reached(low):
        return low
    if not reached(high):
        log.warning(
            "Even the widest interval holds fewer than %.0f %% of held-out groups; it is given. "
            "Either the probabilities do not fit the held-out land: look at their reliability; or "
            "too few finds were held out to tell.",
            100 * unit.level,
        )
        return high
    for _ in range(14):
        middle = (low + high) / 2
        low, high = (low, middle) if reached(middle) else (middle, high)
    return high
