"""Logistic regression with a ridge penalty, for many rows of a few dozen columns."""

import logging

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_STEPS = 50
_HALVINGS = 20
_TOLERANCE = 1e-8
_TOGETHER = 4  # rows whose products are added at once

log = logging.getLogger(__name__)


def fit_ridge_logistic(
    columns: Array, target: Array, weight: Array, *, penalty: float, start: Array | None = None
) -> Array:
    """Fit by Newton's method: few steps, each one pass over the rows.

    Parameters
    ----------
    columns
        Standardised, C order, shape (n, p).
    target, weight
        0 or 1, and the weight of each row; shape (n,). Rows of weight 0 are passed over.
    penalty
        Inverse of the strength of the ridge penalty, scikit-learn's ``C``; the intercept is free.
    start
        Coefficients to begin at, such as those of other weights.

    Returns
    -------
    ndarray, shape (p + 1,)
        Coefficients, then the intercept. The penalty makes them unique, so that they do not depend
        on where the search began, beyond rounding.
    """
    width = columns.shape[1]
    at = np.zeros(width + 1) if start is None else start.copy()
    if start is None:
        share = np.average(target, weights=weight)
        at[-1] = np.log(share / (1.0 - share))
    ridge = np.append(np.full(width, 1.0 / penalty), 0.0)
    loss = _loss(columns, target, weight, at) + 0.5 * ridge @ at**2
    for _ in range(_STEPS):
        gradient, curvature = _derivatives(columns, target, weight, at)
        step = np.linalg.solve(curvature + np.diag(ridge), gradient - ridge * at)
        for _ in range(_HALVINGS):
            tried = at + step
            value = _loss(columns, target, weight, tried) + 0.5 * ridge @ tried**2
            if value <= loss + 1e-12 * abs(loss):
                break
            step = step / 2
        at, loss = tried, value
        if np.abs(step).max() < _TOLERANCE * max(1.0, float(np.abs(at).max())):
            return at
    log.warning("The logistic regression did not settle within %d steps.", _STEPS)
    return at


@numba.njit(cache=True, nogil=True)
def _derivatives(columns, target, weight, at):  # type: ignore[no-untyped-def]
    """Return gradient and curvature of the log-likelihood, shapes (p + 1,) and (p + 1, p + 1)."""
    rows, width = columns.shape
    gradient = np.zeros(width + 1)
    curvature = np.zeros((width + 1, width + 1))
    x, scaled = np.ones((_TOGETHER, width + 1)), np.empty((_TOGETHER, width + 1))
    held = 0
    for row in range(rows):
        if weight[row] != 0:
            x[held, :width] = columns[row]
            probability = 1.0 / (1.0 + np.exp(-_value(x[held], at)))
            residual = weight[row] * (target[row] - probability)
            bend = weight[row] * probability * (1.0 - probability)
            for one in range(width + 1):
                gradient[one] += residual * x[held, one]
                scaled[held, one] = bend * x[held, one]
            held += 1
        if held == _TOGETHER:
            _add_products(x, scaled, curvature)
            held = 0
    scaled[held:] = 0.0  # adds nothing
    _add_products(x, scaled, curvature)
    for one in range(width + 1):
        for other in range(one):
            curvature[one, other] = curvature[other, one]
    return gradient, curvature


@numba.njit(cache=True, nogil=True)
def _add_products(x, scaled, curvature):  # type: ignore[no-untyped-def]
    """Add the products of a few rows, one row after the other, to each sum while it is at hand."""
    width = x.shape[1]
    for one in range(width):
        sums = curvature[one]
        a, b, c, d = scaled[0, one], scaled[1, one], scaled[2, one], scaled[3, one]
        for other in range(one, width):
            total = sums[other] + a * x[0, other]
            total = total + b * x[1, other]
            total = total + c * x[2, other]
            sums[other] = total + d * x[3, other]


@numba.njit(cache=True, nogil=True)
def _loss(columns, target, weight, at):  # type: ignore[no-untyped-def]
    rows, width = columns.shape
    total = 0.0
    x = np.ones(width + 1)
    for row in range(rows):
        if weight[row] == 0:
            continue
        x[:width] = columns[row]
        value = _value(x, at)
        above = max(value, 0.0) + np.log1p(np.exp(-abs(value)))
        total += weight[row] * (above - target[row] * value)
    return total


@numba.njit(cache=True, nogil=True)
def _value(x, at):  # type: ignore[no-untyped-def]
    """Return the log-odds of a row, added up in one order whatever the processor."""
    total = 0.0
    for column in range(len(x)):
        total += x[column] * at[column]
    return total
