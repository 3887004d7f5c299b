"""SIMULATED worlds with a preferential survey, and a line that part of the land lacks."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.ndimage import distance_transform_edt, gaussian_filter
from sklearn.cluster import KMeans
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.metrics import roc_auc_score

from minerisk.models.calibration.conformal import IntervalScaler, gather_groups
from minerisk.models.calibration.cross_calibration import choose_kind, cross_calibrate, fit_kind
from minerisk.models.calibration.maximum_likelihood import fit_logistic
from minerisk.models.calibration.score_bins import logit
from minerisk.models.elsewhere.like_land import HeldOut, like_land
from minerisk.models.elsewhere.statement import LikeLand
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.knndm import KNNDM

SIDE, CELL_M, REGIONS, PIECES = 120, 600.0, 24, 60
BLOCK_M = 5_000.0


@dataclass(frozen=True)
class LikeWorld:
    """Cells of a world; arrays of shape ``(n,)`` or ``(n, p)``.

    `chance` is the true probability; `told` is what the columns known everywhere say of its
    log-odds, by the coefficients of the law.
    """

    points: NDArray[np.float64]
    X: NDArray[np.float64]
    y: NDArray[np.int64]
    chance: NDArray[np.float64]
    told: NDArray[np.float64]
    covered: NDArray[np.bool_]
    surveyed: NDArray[np.bool_]
    target: NDArray[np.bool_]


def _field(rng, scale):
    values = gaussian_filter(rng.normal(size=(SIDE, SIDE)), scale, mode="nearest")
    return ((values - values.mean()) / values.std()).ravel()


def like_world(seed: int) -> LikeWorld:
    """Lines all over the land, known in the east only; land near towns is surveyed, the east first.

    The target is unsurveyed land in the west.
    """
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    points = CELL_M * np.column_stack([column, row]).astype(float)
    side = (_field(rng, 9) > 0).reshape(SIDE, SIDE)
    front = side != np.roll(side, 1, axis=0)
    away = distance_transform_edt(~front).ravel() * CELL_M
    known = np.column_stack([_field(rng, scale) for scale in (2, 5, 12)])
    told = 0.5 * known[:, 0] + 0.4 * known[:, 1]
    log_odds = -3.2 + 3.0 * np.exp(-away / 2_500) + told
    log_odds += 0.5 * _field(rng, 9)
    chance = 1 / (1 + np.exp(-log_odds))
    y = (rng.random(len(points)) < chance).astype(int)
    covered = column > rng.integers(int(0.35 * SIDE), int(0.5 * SIDE))
    distance = np.where(covered, away, np.nan)
    piece = KMeans(PIECES, n_init=1, random_state=seed).fit_predict(points)
    town = points[rng.integers(0, len(points), 10)]
    near = np.linalg.norm(points[:, None] - town[None], axis=2).min(axis=1)
    reach, east = (
        np.array([values[piece == one].mean() for one in range(PIECES)])
        for values in (near, covered)
    )
    first = np.exp(-reach / 8_000 + 1.0 * east)
    order = rng.choice(PIECES, PIECES, replace=False, p=first / first.sum())
    taken = order[: int(0.55 * PIECES)]
    surveyed = np.isin(piece, taken)
    left = [one for one in order[::-1] if one not in set(taken) and east[one] < 0.5]
    middle = np.array([points[piece == one].mean(axis=0) for one in range(PIECES)])
    beside = min(left[1:], key=lambda one: np.linalg.norm(middle[one] - middle[left[0]]))
    target = np.isin(piece, [left[0], beside]) & ~covered
    columns = np.column_stack([distance, known])
    return LikeWorld(points, columns, y, chance, told, covered, surveyed, target)


def _fitted(X, y):
    return HistGradientBoostingClassifier(
        max_iter=25, max_leaf_nodes=6, min_samples_leaf=150, learning_rate=0.2, random_state=0
    ).fit(X, y)


def _held_out(X, y, folds):
    out = np.full(len(y), np.nan)
    for train, test in folds:
        out[test] = _fitted(X[train], y[train]).predict_proba(X[test])[:, 1]
    return out


@dataclass(frozen=True)
class Carried:
    """Calibration and interval carried to all unsurveyed land that lacks the line.

    Attributes
    ----------
    finds
        Drawn there.
    slope, slope_of_chance
        Of the calibration, by the finds drawn, and by the true probabilities, which no draw moves.
    slope_of_law
        The same of a score that knows the law's own coefficients of all columns known there.
    cover, cover_of_like
        Of groups of cells, by the interval from all land held out, and by that from held-out land
        without the line.
    groups
        How many.
    """

    finds: int
    slope: float
    slope_of_chance: float
    slope_of_law: float
    cover: float
    cover_of_like: float
    groups: int


@dataclass(frozen=True)
class Outcome:
    """What was true of the target, what kNNDM folds say, and what is said of land like it."""

    truth: float
    ratio: float
    near: float
    said: LikeLand
    carried: Carried


def outcome(seed: int) -> Outcome | None:
    """Make a world and ask about its target; None where no such land is left."""
    world = like_world(seed)
    rows = np.flatnonzero(world.surveyed)
    X, y, points = world.X[rows], world.y[rows], world.points[rows]
    if world.target.sum() < 200 or not world.y[world.target].sum() > 5:
        return None  # the line leaves no land of the kind
    final = _fitted(X, y).predict_proba(world.X)[:, 1]
    on_target = final[world.target]
    truth = roc_auc_score(world.y[world.target], on_target)
    region = KMeans(REGIONS, n_init=1, random_state=seed).fit_predict(points)
    parts = [
        (np.flatnonzero(region != one), np.flatnonzero(region == one)) for one in range(REGIONS)
    ]
    held = HeldOut(
        y,
        _held_out(X, y, parts),
        region,
        assign_blocks(points, block_m=BLOCK_M),
        world.covered[rows].astype(int),
    )
    size = world.target.sum() / (len(rows) / REGIONS)
    rest = np.flatnonzero(~world.surveyed)
    folds = KNNDM(5, target=world.points[rest], seed=seed).split(None, y, coordinates=points)
    near = roc_auc_score(y, _held_out(X, y, folds))
    ratio = float(world.y[world.target].sum() / on_target.sum())
    said = like_land(held, {0: 1.0}, as_large_as=size, seed=0)
    return Outcome(truth, ratio, near, said, _carried(world, held, final))


def _carried(world: LikeWorld, held: HeldOut, final: NDArray[np.float64]) -> Carried:
    """Calibrate and scale by held-out land as a run does, and hold that against other land."""
    like = ~world.surveyed & ~world.covered
    score, y = held.probability, held.found
    kind = choose_kind(score, y, held.region)
    calibrated = cross_calibrate(score, y, held.region, kind=kind)
    p = fit_kind(score, y, held.region, kind=kind).transform(final[like])
    blocks = assign_blocks(world.points[like], block_m=BLOCK_M)
    groups = gather_groups(p, np.zeros(p.size), world.y[like], blocks)
    covers = [
        IntervalScaler.fit(
            calibrated[own], np.zeros(own.sum()), y[own], held.block[own], level=0.9
        ).cover(groups)
        for own in (np.ones(len(y), bool), held.cover == 0)
    ]
    return Carried(
        int(world.y[like].sum()),
        _slope(logit(p), world.y[like]),
        _slope(logit(p), world.chance[like]),
        _slope(world.told[like], world.chance[like]),
        float(covers[0].mean()),
        float(covers[1].mean()),
        int(groups.cells.size),
    )


def _slope(log_odds: NDArray[np.float64], share: NDArray[np.floating]) -> float:
    columns = np.column_stack([np.ones_like(log_odds), log_odds])
    found = fit_logistic(columns, np.asarray(share, dtype=float), np.ones(len(share)))
    return float("nan") if found is None else float(found[1])
