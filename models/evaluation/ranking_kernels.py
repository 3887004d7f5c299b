"""Kernels of the ranking and calibration measures, on counts in descending order of score.

Every kernel takes arrays of shape (draws, groups): how many positives and how much land fall into
each group of equal scores, highest score first. One row is one sample; a bootstrap has one row a
draw. Within a group the order is taken as random, and what is returned is its expected value.
"""

import numba
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
    # Draws are samples of the same land: each begins where their sum ends.
    start = np.array([0.0, 0.0 if slope else 1.0])
    if len(land) > 1:
        together = np.empty(2)
        if _fit_draw(logit, positive.sum(axis=0), land.sum(axis=0), start, together, slope):
            start = together
    coefficients = np.full((len(land), 2), np.nan)
    _fit_draws(logit, positive, land, start, coefficients, slope)
    return coefficients[:, 0], coefficients[:, 1]


@numba.njit(cache=True, nogil=True)
def _fit_draws(logit, positive, land, start, coefficients, slope):  # type: ignore[no-untyped-def]
    for draw in range(len(land)):
        if not _fit_draw(logit, positive[draw], land[draw], start, coefficients[draw], slope):
            coefficients[draw] = np.nan


@numba.njit(cache=True, nogil=True)
def _fit_draw(logit, positive, land, start, at, slope):  # type: ignore[no-untyped-def]
    """Write the fit of one draw into `at`, shape (2,); return whether there is one."""
    at[:] = start
    found, total = positive.sum(), land.sum()
    if not 0 < found < total:
        return False
    if slope:
        mean = (land * logit).sum() / total
        spread = (land * (logit - mean) ** 2).sum() / total
        if spread <= 1e-12 * max(1.0, mean**2):
            return False
    for _ in range(_NEWTON_STEPS):
        step_0, step_1 = _newton_step(logit, positive, land, at, slope)
        if not (np.isfinite(step_0) and np.isfinite(step_1)):
            return False  # no curvature is left: the classes are separated
        step_0 = min(max(step_0, -_MAX_STEP), _MAX_STEP)
        step_1 = min(max(step_1, -_MAX_STEP), _MAX_STEP)
        shortened = _shorten(logit, positive, land, at, step_0, step_1)
        at[0] += step_0 * shortened
        at[1] += step_1 * shortened
        if shortened * max(abs(step_0), abs(step_1)) < _NEWTON_TOLERANCE:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _newton_step(logit, positive, land, at, slope):  # type: ignore[no-untyped-def]
    g0 = g1 = h00 = h01 = h11 = 0.0
    for group in range(len(logit)):
        x = logit[group]
        probability = 1.0 / (1.0 + np.exp(-(at[0] + at[1] * x)))
        residual = positive[group] - land[group] * probability
        curvature = land[group] * probability * (1.0 - probability)
        g0 += residual
        g1 += residual * x
        h00 += curvature
        h01 += curvature * x
        h11 += curvature * x * x
    if not slope:
        return (g0 / h00, 0.0) if h00 > 0 else (np.nan, 0.0)
    determinant = h00 * h11 - h01 * h01
    if determinant <= 0:
        return np.nan, np.nan
    return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant


@numba.njit(cache=True, nogil=True)
def _shorten(logit, positive, land, at, step_0, step_1):  # type: ignore[no-untyped-def]
    """Return the share of a step to take: half, and half again, while all of it does harm.

    A Newton step that moves no log-odds by more than 1 lowers the deviance (Bach 2010, Electronic
    Journal of Statistics 4:384-414, proposition 1), so that nothing is computed for it.
    """
    share = 1.0
    if np.abs(step_0 + step_1 * logit).max() <= 1.0:
        return share
    before = _deviance(logit, positive, land, at[0], at[1])
    for _ in range(_HALVINGS):
        after = _deviance(logit, positive, land, at[0] + share * step_0, at[1] + share * step_1)
        if after <= before + 1e-12 * abs(before):
            break
        share /= 2
    return share


@numba.njit(cache=True, nogil=True)
def _deviance(logit, positive, land, intercept, slope):  # type: ignore[no-untyped-def]
    total = 0.0
    for group in range(len(logit)):
        value = intercept + slope * logit[group]
        above = max(value, 0.0) + np.log1p(np.exp(-abs(value)))
        total += land[group] * above - positive[group] * value
    return total


def _from_zero(counts: Counts) -> Counts:
    return np.concatenate([np.zeros((len(counts), 1)), np.cumsum(counts, axis=1)], axis=1)


def _ratio(part: Counts, whole: Counts) -> Counts:
    """Divide; NaN where the whole is zero."""
    return np.divide(part, whole, out=np.full(np.shape(part), np.nan), where=whole != 0)
