"""Calibrate on land left out: the kind of curve, and how far a slope is to be believed."""

import logging
from collections.abc import Callable
from dataclasses import replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.calibrators import (
    CALIBRATORS,
    BetaCalibrator,
    LogisticCalibrator,
    calibrator_class,
)
from minerisk.models.calibration.intercept_only import InterceptCalibrator
from minerisk.models.calibration.score_bins import gather
from minerisk.models.inputs import checked_scores

Array = NDArray[np.float64]
Curve = LogisticCalibrator | BetaCalibrator
Rows = tuple[Array, Array, Array, NDArray[np.generic]]
"""Scores, labels, weights and folds, each of shape (n,)."""

log = logging.getLogger(__name__)

SHRUNK: dict[str, Callable[[], Curve]] = {
    "shrunk": LogisticCalibrator,
    "shrunk_beta": BetaCalibrator,
}
"""Kinds whose steepness is shrunk, and the curve that each begins with."""
LADDER = ("logistic", "beta", "isotonic", "venn_abers")
"""Kinds that are tried, the least flexible first."""
PARSIMONY = 0.001
"""A more flexible kind has to lower the log loss by this share at least."""
LEAST_FACTOR = 0.5
"""A curve is never shrunk to less than this share of its steepness."""
LEAST_FINDS = 200
"""With fewer positives than this (sum of weights) nothing more flexible is tried."""
GATHER_ABOVE = 50_000
"""More rows than this are gathered, fold by fold, before curves are fitted."""
BINS_OF_FOLD = 1_024


def cross_calibrate(
    scores: ArrayLike,
    y: ArrayLike,
    fold_ids: ArrayLike,
    *,
    kind: str = "logistic",
) -> Array:
    """Calibrate each fold with what the other folds say, so that no row calibrates itself.

    Parameters
    ----------
    scores
        Held-out scores, 0 to 1, shape (n,).
    y
        Labels 0 and 1, shape (n,).
    fold_ids
        Fold of every row, shape (n,).
    kind
        One of `calibrators.CALIBRATORS` or of `SHRUNK`, or ``chosen``: the kind is then
        chosen for each fold from the others.

    Returns
    -------
    ndarray, shape (n,)

    Raises
    ------
    InputError
        If there are fewer than two folds, or the others of a fold hold one class only.

    Examples
    --------
    Each of four folds is calibrated by the other three:

    >>> scores = np.repeat([0.1, 0.3, 0.5], 100)
    >>> y = np.concatenate([np.arange(100) < found for found in (5, 20, 40)])
    >>> p = cross_calibrate(scores, y, fold_ids=np.arange(300) % 4)
    >>> [float(p[scores == score].mean().round(2)) for score in (0.1, 0.3, 0.5)]
    [0.05, 0.2, 0.39]
    """
    rows = _as_rows(scores, y, fold_ids)
    score, _, _, fold = rows
    names = np.unique(fold)
    if names.size < 2:
        raise InputError(
            f"All {fold.size} rows lie in {names.size} fold; expected at least 2, to calibrate "
            "one with the others."
        )
    known = _gathered(rows)
    p = np.empty(score.shape)
    for name in names:
        test = fold == name
        p[test] = _fit(_without(known, name), kind).transform(score[test])
    return p


def calibration_losses(scores: ArrayLike, y: ArrayLike, fold_ids: ArrayLike) -> dict[str, float]:
    """Compute the pooled log loss of each kind of calibrator on left-out folds."""
    score, labels, _, fold = _as_rows(scores, y, fold_ids)
    losses = {}
    for kind in (*CALIBRATORS, *SHRUNK):
        p = cross_calibrate(score, labels, fold, kind=kind)
        losses[kind] = float(_log_loss(labels, p).mean())
    return losses


def choose_kind(scores: ArrayLike, y: ArrayLike, fold_ids: ArrayLike) -> str:
    """Choose a kind of calibrator by log loss on left-out folds, the simpler where in doubt.

    Going up `LADDER`, a more flexible kind is taken only if it lowers the loss by more than the
    standard error, over folds, of the paired difference, and by a thousandth. Few finds make the
    folds differ, and the standard error large: the simple kind then stays. Under 200 finds it
    stays without being asked.

    Returns
    -------
    str
        ``shrunk`` or ``shrunk_beta`` (logistic or beta, its steepness shrunk), ``isotonic`` or
        ``venn_abers``.

    Notes
    -----
    One-standard-error rule: Breiman, Friedman, Stone and Olshen 1984, Classification and
    Regression Trees, section 3.4.3.
    """
    return _chosen_kind(_gathered(_as_rows(scores, y, fold_ids)))


def fit_kind(
    scores: ArrayLike,
    y: ArrayLike,
    fold_ids: ArrayLike,
    *,
    kind: str = "chosen",
) -> Calibrator:
    """Fit a kind of calibrator on all rows; arguments as in `cross_calibrate`.

    A curve learned from some regions is too steep for the next one, the more so the fewer finds
    and regions there are. The kinds of `SHRUNK` undo that: each fold is calibrated by the others;
    the slope of the pooled result, were it 1, would need no correction. The log-odds of the curve
    are multiplied by it (0.5 to 1), and moved so that the number found is right again. With fewer
    than three folds, or a class missing in all folds but one, nothing is shrunk.

    Notes
    -----
    Cross-validated shrinkage: van Houwelingen and le Cessie 1990, doi 10.1002/sim.4780091109.
    """
    return _fit(_gathered(_as_rows(scores, y, fold_ids)), kind)


def _fit(rows: Rows, kind: str) -> Calibrator:
    if kind == "chosen":
        kind = _chosen_kind(rows)
    if kind in SHRUNK:
        return _shrunk(rows, SHRUNK[kind])
    score, labels, weights, _ = rows
    return calibrator_class(kind)().fit(score, labels, weights)


def _shrunk(rows: Rows, make: Callable[[], Curve]) -> Calibrator:
    score, labels, weights, _ = rows
    fitted = make().fit(score, labels, weights)
    if not fitted.informative or not _can_nest(rows):
        return fitted
    worth = LogisticCalibrator(smooth=False).fit(_left_out(rows, make), labels, weights).slope
    flatter = fitted.flattened(float(np.clip(worth, LEAST_FACTOR, 1.0)))
    moved = InterceptCalibrator().fit(flatter.transform(score), labels, weights)
    log.info("Steepness of the curve on left-out folds: %.3f of what was learned", worth)
    return replace(flatter, intercept=moved.intercept)


def _chosen_kind(rows: Rows) -> str:
    _, labels, weights, fold = rows
    if not _can_nest(rows) or (labels * weights).sum() < LEAST_FINDS:
        return "shrunk"
    names, region = np.unique(fold, return_inverse=True)

    def losses(kind: str) -> Array:
        loss = weights * _log_loss(labels, _left_out(rows, CALIBRATORS[kind]))
        return np.asarray(np.bincount(region, loss), dtype=np.float64)

    chosen = LADDER[0]
    least = losses(chosen)
    for kind in LADDER[1:]:
        tried = losses(kind)
        won = least - tried
        error = float(np.sqrt(names.size) * won.std(ddof=1))
        if won.sum() > max(error, PARSIMONY * float(least.sum())):
            chosen, least = kind, tried
    log.info("Calibrator %s chosen", chosen)
    return {"logistic": "shrunk", "beta": "shrunk_beta"}.get(chosen, chosen)


def _left_out(rows: Rows, make: Callable[[], Calibrator]) -> Array:
    score, _, _, fold = rows
    p = np.empty(score.shape)
    for name in np.unique(fold):
        others = _without(rows, name)
        p[fold == name] = make().fit(*others[:3]).transform(score[fold == name])
    return p


def _can_nest(rows: Rows) -> bool:
    """Return whether all folds but any one hold both classes."""
    _, labels, weights, fold = rows
    names, region = np.unique(fold, return_inverse=True)
    holds = [
        np.bincount(region, (labels == label) & (weights > 0), names.size) > 0 for label in (0, 1)
    ]
    return names.size >= 3 and all(int(held.sum()) >= 2 for held in holds)


def _without(rows: Rows, name: object) -> Rows:
    kept = rows[3] != name
    return rows[0][kept], rows[1][kept], rows[2][kept], rows[3][kept]


def _gathered(rows: Rows) -> Rows:
    """Gather many rows into bins of score, each fold by itself."""
    if rows[0].size <= GATHER_ABOVE:
        return rows
    score, labels, weights, fold = rows
    parts = []
    for name in np.unique(fold):
        own = (fold == name) & (weights > 0)
        part = gather(score[own], labels[own], weights[own], limit=BINS_OF_FOLD).rows()
        parts.append((*part, np.full(part[0].size, name)))
    joined = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return joined[0], joined[1], joined[2], joined[3]


def _as_rows(scores: ArrayLike, y: ArrayLike, fold_ids: ArrayLike) -> Rows:
    labels, score, weights = checked_scores(y, scores, None)
    fold = np.asarray(fold_ids)
    if fold.shape != score.shape:
        raise InputError(f"The folds have shape {fold.shape}; expected {score.shape}.")
    return score, labels, weights, fold


def _log_loss(labels: Array, p: Array) -> Array:
    return np.asarray(-np.where(labels == 1, np.log(p), np.log1p(-p)))
