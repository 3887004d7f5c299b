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
_MAX_STEP = 5.0  # that any log-odds is moved by at once
_LEAST_SPREAD = 1e-9
_HALVINGS = 20
_LANES = 8


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
        Log odds of each group's score, shape (groups,), ascending or descending.
    slope
        False holds the slope at 1 and fits the intercept alone.

    Returns
    -------
    intercept, slope
        Shape (draws,). NaN where a class is missing, all scores are equal (slope), or the
        classes are separated perfectly, so that no finite fit exists.
    """
    # On the scale of the land's own log-odds intercept and slope hardly depend on each other.
    weight = land.sum(axis=0)
    centre = np.average(logit, weights=weight)
    spread = max(float(np.sqrt(np.average((logit - centre) ** 2, weights=weight))), _LEAST_SPREAD)
    x = (logit - centre) / spread
    # Draws are samples of the same land: each begins where their sum ends.
    start = np.array([0.0, 0.0 if slope else spread])
    if len(land) > 1:
        together = np.empty((1, 2))
        _fit_draws(x, positive.sum(axis=0, keepdims=True), weight[None, :], start, together, slope)
        if np.isfinite(together).all():
            start = together[0]
    coefficients = np.full((len(land), 2), np.nan)
    _fit_draws(x, positive, land, start, coefficients, slope)
    slopes = coefficients[:, 1] / spread
    return coefficients[:, 0] - slopes * centre, slopes


@numba.njit(cache=True, nogil=True)
def _fit_draws(logit, positive, land, start, coefficients, slope):  # type: ignore[no-untyped-def]
    scratch = np.empty(len(logit)), np.empty((5, _LANES))
    for draw in range(len(land)):
        at = coefficients[draw]
        if not _fit_draw(logit, positive[draw], land[draw], start, at, slope, scratch):
            coefficients[draw] = np.nan


@numba.njit(cache=True, nogil=True)
def _fit_draw(logit, positive, land, start, at, slope, scratch):  # type: ignore[no-untyped-def]
    """Write the fit of one draw into `at`, shape (2,); return whether there is one."""
    at[:] = start
    found, total = positive.sum(), land.sum()
    if not 0 < found < total:
        return False
    if slope and _is_separated(logit, positive, land):
        return False
    reach = logit[0], logit[-1]
    for _ in range(_NEWTON_STEPS):
        step_0, step_1 = _newton_step(logit, positive, land, at, slope, scratch)
        if not (np.isfinite(step_0) and np.isfinite(step_1)):
            return False
        moved = max(abs(step_0 + step_1 * reach[0]), abs(step_0 + step_1 * reach[1]))
        kept = min(1.0, _MAX_STEP / moved) if moved > 0 else 1.0
        step_0, step_1 = kept * step_0, kept * step_1
        shortened = _shorten(logit, positive, land, at, step_0, step_1, reach)
        at[0] += step_0 * shortened
        at[1] += step_1 * shortened
        size = max(1.0, abs(at[0]), abs(at[1]))
        if shortened * max(abs(step_0), abs(step_1)) < _NEWTON_TOLERANCE * size:
            return True
    return False


@numba.njit(cache=True, nogil=True)
def _is_separated(logit, positive, land):  # type: ignore[no-untyped-def]
    """Return whether all scores are equal, or one of them parts the classes: no fit is finite.

    Groups are in order of score. The classes are parted where all positives come up to a group and
    all negatives from it on, or the other way round.
    """
    first_positive = first_negative = len(logit)
    last_positive = last_negative = -1
    first = last = -1
    for group in range(len(logit)):
        if land[group] <= 0:
            continue
        first = group if first < 0 else first
        last = group
        if positive[group] > 0:
            first_positive, last_positive = min(first_positive, group), group
        if positive[group] < land[group]:
            first_negative, last_negative = min(first_negative, group), group
    if logit[first] == logit[last]:
        return True
    return last_positive <= first_negative or last_negative <= first_positive


@numba.njit(cache=True, nogil=True)
def _newton_step(logit, positive, land, at, slope, scratch):  # type: ignore[no-untyped-def]
    probability, sums = scratch
    _probabilities(logit, at[0], at[1], probability)
    _add_up(logit, positive, land, probability, sums)
    g0, g1, h00, h01, h11 = (
        sums[0].sum(),
        sums[1].sum(),
        sums[2].sum(),
        sums[3].sum(),
        sums[4].sum(),
    )
    if not slope:
        return (g0 / h00, 0.0) if h00 > 0 else (np.nan, 0.0)
    determinant = h00 * h11 - h01 * h01
    if determinant <= 0:
        return np.nan, np.nan
    return (h11 * g0 - h01 * g1) / determinant, (h00 * g1 - h01 * g0) / determinant


@numba.njit(cache=True, nogil=True, error_model="numpy")  # a check for zero keeps vectors out
def _probabilities(logit, intercept, slope, out):  # type: ignore[no-untyped-def]
    for group in range(len(logit)):
        out[group] = 1.0 / (1.0 + _exp(-(intercept + slope * logit[group])))


@numba.njit(cache=True, nogil=True, inline="always")
def _exp(value):  # type: ignore[no-untyped-def]
    """Compute the exponential to 1e-14 of it, in steps that a compiler makes vectors of."""
    value = min(max(value, -700.0), 700.0)
    whole = np.floor(value * 1.4426950408889634 + 0.5)  # how many times 2
    rest = value - whole * 0.693145751953125 - whole * 1.42860682030941723212e-6
    series = 1.0 / 39916800.0
    series = series * rest + 1.0 / 3628800.0
    series = series * rest + 1.0 / 362880.0
    series = series * rest + 1.0 / 40320.0
    series = series * rest + 1.0 / 5040.0
    series = series * rest + 1.0 / 720.0
    series = series * rest + 1.0 / 120.0
    series = series * rest + 1.0 / 24.0
    series = series * rest + 1.0 / 6.0
    series = series * rest + 0.5
    series = series * rest + 1.0
    series = series * rest + 1.0
    power = np.int64((np.int64(whole) + np.int64(1023)) << np.int64(52))
    return series * power.view(np.float64)


@numba.njit(cache=True, nogil=True)
def _add_up(logit, positive, land, probability, sums):  # type: ignore[no-untyped-def]
    """Add up gradient and curvature, in an order that is the same however wide vectors are."""
    sums[:] = 0.0
    groups = len(logit)
    for first in range(0, groups, _LANES):
        for lane in range(min(_LANES, groups - first)):
            group = first + lane
            x = logit[group]
            residual = positive[group] - land[group] * probability[group]
            curvature = land[group] * probability[group] * (1.0 - probability[group])
            sums[0, lane] += residual
            sums[1, lane] += residual * x
            sums[2, lane] += curvature
            sums[3, lane] += curvature * x
            sums[4, lane] += curvature * x * x


@numba.njit(cache=True, nogil=True)
def _shorten(logit, positive, land, at, step_0, step_1, reach):  # type: ignore[no-untyped-def]
    """Return the share of a step to take: half, and half again, while all of it does harm.

    A Newton step that moves no log-odds by more than 1 lowers the deviance (Bach 2010, Electronic
    Journal of Statistics 4:384-414, proposition 1), so that nothing is computed for it. `reach`
    holds the least and the greatest log-odds of a score.
    """
    share = 1.0
    if max(abs(step_0 + step_1 * reach[0]), abs(step_0 + step_1 * reach[1])) <= 1.0:
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
