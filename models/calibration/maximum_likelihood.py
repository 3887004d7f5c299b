"""Logistic regression without regularisation, for a handful of columns and many rows."""

import numpy as np
from numpy.typing import NDArray

from minerisk.models.calibration.logistic import expit

Array = NDArray[np.float64]

_STEPS = 100
_TOLERANCE = 1e-10


def fit_logistic(columns: Array, targets: Array, weights: Array) -> Array | None:
    """Fit a logistic regression by Newton's method with halved steps.

    Parameters
    ----------
    columns
        First column ones, shape (n, k).
    targets, weights
        Targets from 0 to 1, and weights, shape (n,).

    Returns
    -------
    ndarray, shape (k,)
        Coefficients; None if the columns say the same thing, so that no single fit exists.
    """
    coefficients = np.zeros(columns.shape[1])
    coefficients[0] = np.log(np.average(targets, weights=weights))
    loss = _deviance(columns @ coefficients, targets, weights)
    for _ in range(_STEPS):
        p = expit(columns @ coefficients)
        gradient = columns.T @ (weights * (targets - p))
        curvature = (columns * (weights * p * (1 - p))[:, None]).T @ columns
        if not np.linalg.cond(curvature) < 1e14:
            return None
        step = np.linalg.solve(curvature, gradient)
        for _ in range(30):
            tried = _deviance(columns @ (coefficients + step), targets, weights)
            if tried <= loss + _TOLERANCE * abs(loss):
                break
            step = step / 2
        coefficients, loss = coefficients + step, tried
        if np.abs(step).max() < _TOLERANCE * max(1.0, float(np.abs(coefficients).max())):
            return coefficients
    return coefficients


def _deviance(value: Array, targets: Array, weights: Array) -> float:
    return float((weights * (np.logaddexp(0.0, value) - targets * value)).sum())


def platt_targets(labels: Array, weights: Array) -> Array:
    """Return Platt's smoothed targets: just under 1 for positives, just over 0 for negatives."""
    found = (weights * labels).sum()
    missed = weights.sum() - found
    return np.where(labels == 1, (found + 1) / (found + 2), 1 / (missed + 2))


def prevalence_logit(labels: Array, weights: Array) -> float:
    """Return the logit of the weighted share of positives."""
    share = float(np.average(labels, weights=weights))
    return float(np.log(share) - np.log1p(-share))
