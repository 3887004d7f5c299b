"""Kernels of the ranking and calibration measures, on counts in descending order of score.

Every kernel takes arrays of shape (draws, groups): how many positives and how much land fall into
each group of equal scores, highest score first. One row is one sample; a bootstrap has one row a
draw. Within a group the order is taken as random, and what is returned is its expected value.
"""

import numpy as np
from numpy.typing import NDArray

Counts = NDArray[np.float64]

_NEWTON_STEPS = 60
_NEWTON_TOLERANCE = 1e-10
_MAX_STEP = 2.0
_HALVINGS = 20


def roc_auc(positive: Counts, land: Counts) -> Counts:
    """Compute the chance that a positive scores above a negative, ties counting half.

    Parameters
    ----------
    positive, land
        Positives and all rows per group, shape (draws, groups), highest score first.

    Returns
    -------
    ndarray, shape (draws,)
        NaN where a draw holds one class only.
    """
    negative = land - positive
    below = negative.sum(axis=1, keepdims=True) - np.cumsum(negative, axis=1)
    wins = (positive * (below + 0.5 * negative)).sum(axis=1)
    return _ratio(wins, positive.sum(axis=1) * negative.sum(axis=1))


def average_precision(positive: Counts, land: Counts) -> Counts:
    """Compute the mean precision over the positives; equal scores share one threshold.

    The same as ``sklearn.metrics.average_precision_score``: no trapezoids, which flatter.
    """
    precision = _ratio(np.cumsum(positive, axis=1), np.cumsum(land, axis=1))
    return _ratio(
        (positive * np.where(positive > 0, precision, 0.0)).sum(axis=1), positive.sum(axis=1)
    )


def found_in_top(positive: Counts, land: Counts, shares: NDArray[np.float64]) -> Counts:
    """Compute the expected share of positives in the highest-scored shares of the land.

    Parameters
    ----------
    shares
        Shares of the land, 0 to 1, shape (k,).

    Returns
    -------
    ndarray, shape (draws, k)
    """
    reached = _from_zero(land)
    found = _from_zero(positive)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.stack(
            [
                np.interp(shares * row_land[-1], row_land, row_found) / row_found[-1]
                for row_land, row_found in zip(reached, found, strict=True)
            ]
        )


def land_to_find(positive: Counts, land: Counts, shares: NDArray[np.float64]) -> Counts:
    """Compute the least land, highest score first, in which the shares of positives are expected.

    The inverse of `found_in_top`, in the unit of `land`.

    Returns
    -------
    ndarray, shape (draws, k)
    """
    reached = _from_zero(land)
    found = _from_zero(positive)
    out = np.full((len(land), len(shares)), np.nan)
    for draw, (row_land, row_found) in enumerate(zip(reached, found, strict=True)):
        if row_found[-1] > 0:
            target = shares * row_found[-1] * (1 - 1e-12)  # 0.95 * 40 is not quite 38
            after = np.clip(np.searchsorted(row_found, target), 1, None)
            before = after - 1
            part = (target - row_found[before]) / (row_found[after] - row_found[before])
            out[draw] = row_land[before] + part * (row_land[after] - row_land[before])
    return out


def logistic_fit(
    logit: NDArray[np.float64], positive: Counts, land: Counts, *, slope: bool = True
) -> tuple[Counts, Counts]:
    """Fit ``logit P(y = 1) = intercept + slope * logit`` by maximum likelihood, draw by draw.

    Parameters
    ----------
    logit
        Log odds of each group's score, shape (groups,).
    slope
        False holds the slope at 1 and fits the intercept alone.

    Returns
    -------
    intercept, slope
        Shape (draws,). NaN where a class is missing, all scores are equal (slope), or the
        classes are separated perfectly, so that no finite fit exists.
    """
    draws = len(land)
    coefficients = np.zeros((draws, 2))
    if not slope:
        coefficients[:, 1] = 1.0
    done = np.zeros(draws, dtype=bool)
    total, found = land.sum(axis=1), positive.sum(axis=1)
    possible = (found > 0) & (found < total)
    if slope:
        mean = _ratio(land @ logit, total)
        spread = _ratio(land @ logit**2, total) - mean**2
        possible &= spread > 1e-12 * np.maximum(1.0, mean**2)
    for _ in range(_NEWTON_STEPS):
        active = np.flatnonzero(possible & ~done)
        if active.size == 0:
            break
        at, counts = coefficients[active], (logit, positive[active], land[active])
        step = np.clip(_newton_step(*counts, at, slope), -_MAX_STEP, _MAX_STEP)
        if not np.isfinite(step).all():  # no curvature is left: the classes are separated
            possible[active[~np.isfinite(step).all(axis=1)]] = False
            continue
        step = _shorten(*counts, at, step)
        coefficients[active] += step
        done[active] = np.abs(step).max(axis=1) < _NEWTON_TOLERANCE
    coefficients[~(possible & done)] = np.nan
    return coefficients[:, 0], coefficients[:, 1]


def _newton_step(
    logit: NDArray[np.float64], positive: Counts, land: Counts, at: Counts, slope: bool
) -> Counts:
    probability = _expit(at[:, :1] + at[:, 1:] * logit)
    residual = positive - land * probability
    curvature = land * probability * (1 - probability)
    g0, h00 = residual.sum(axis=1), curvature.sum(axis=1)
    if not slope:
        return np.stack([_ratio(g0, h00), np.zeros_like(g0)], axis=1)
    g1, h01, h11 = residual @ logit, curvature @ logit, curvature @ logit**2
    determinant = h00 * h11 - h01**2
    return np.stack(
        [
            _ratio(h11 * g0 - h01 * g1, determinant),
            _ratio(h00 * g1 - h01 * g0, determinant),
        ],
        axis=1,
    )


def _shorten(
    logit: NDArray[np.float64], positive: Counts, land: Counts, at: Counts, step: Counts
) -> Counts:
    """Halve the steps of the draws that they would make worse: Newton's method may overshoot."""
    before = _deviance(logit, positive, land, at)
    for _ in range(_HALVINGS):
        worse = np.flatnonzero(
            _deviance(logit, positive, land, at + step) > before + 1e-12 * np.abs(before)
        )
        if worse.size == 0:
            break
        step[worse] /= 2
    return step


def _deviance(logit: NDArray[np.float64], positive: Counts, land: Counts, at: Counts) -> Counts:
    value = at[:, :1] + at[:, 1:] * logit
    return (land * np.logaddexp(0.0, value) - positive * value).sum(axis=1)


def _expit(value: Counts) -> Counts:
    return 0.5 * (1.0 + np.tanh(0.5 * value))


def _from_zero(counts: Counts) -> Counts:
    return np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)


def _ratio(part: Counts, whole: Counts) -> Counts:
    """Divide; NaN where the whole is zero."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0)
