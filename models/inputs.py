"""Arguments made uniform once, at the edge: coordinates, labels, scores, weights."""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError

Array = NDArray[np.float64]

COORDINATES = ("easting", "northing")
"""Columns of a table that say where a row lies, metres in one projected CRS."""


def pick_coordinates(
    X: object, groups: ArrayLike | None, coordinates: ArrayLike | gpd.GeoDataFrame | None
) -> ArrayLike | gpd.GeoDataFrame:
    """Return where rows lie, from whichever argument of a splitter says so.

    Parameters
    ----------
    X
        A GeoDataFrame, a DataFrame with the columns of `COORDINATES`, or anything.
    groups
        Coordinates, shape (n, 2), where the caller can pass nothing else; they go before columns.
    coordinates
        What was passed on purpose; it goes before all others.

    Raises
    ------
    InputError
        If none of them says it.
    """
    if coordinates is not None:
        return coordinates
    if isinstance(X, gpd.GeoDataFrame):
        return X
    named = isinstance(X, pd.DataFrame) and all(name in X for name in COORDINATES)
    if groups is not None and not (named and np.asarray(groups).ndim == 1):
        return groups
    if isinstance(X, pd.DataFrame) and named:
        return X[list(COORDINATES)].to_numpy(dtype=np.float64)
    raise InputError(
        "No coordinates came; expected easting and northing of shape (n, 2). Pass coordinates=, "
        "a DataFrame with columns easting and northing or a GeoDataFrame as X, or the coordinates "
        "as groups."
    )


def as_coordinates(coordinates: ArrayLike | gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Return finite easting and northing, float64 of shape (n, 2).

    A GeoDataFrame or GeoSeries gives the centroids of its geometries and must be in a projected
    CRS.

    Raises
    ------
    InputError
        If the shape is not (n, 2), a value is not finite, or the CRS is not projected.
    """
    if isinstance(coordinates, gpd.GeoDataFrame | gpd.GeoSeries):
        if coordinates.crs is None or not coordinates.crs.is_projected:
            raise InputError(
                f"The coordinates are in {coordinates.crs}; expected a projected CRS in metres. "
                "Reproject them first."
            )
        centres = coordinates.geometry.centroid
        coordinates = np.column_stack([centres.x, centres.y])
    points = np.asarray(coordinates, dtype=np.float64)
    if points.ndim != 2 or points.shape[1] != 2:
        raise InputError(
            f"The coordinates have shape {points.shape}; expected (n, 2), easting and northing."
        )
    if not np.isfinite(points).all():
        raise InputError("Some coordinates are not finite; drop those rows or repair them.")
    return points


def as_labels(y: ArrayLike, size: int) -> NDArray[np.int64]:
    """Return labels 0 and 1, int64 of shape (size,).

    Raises
    ------
    InputError
        If the shape differs or a label is neither.
    """
    labels = np.asarray(y)
    if labels.shape != (size,):
        raise InputError(f"The labels have shape {labels.shape}; expected ({size},).")
    if not np.isin(labels, (0, 1)).all():
        raise InputError("Some labels are neither 0 nor 1; leave unlabelled rows out of the folds.")
    return labels.astype(np.int64)


def numbered(values: ArrayLike) -> NDArray[np.int64]:
    """Return the number of each value among the different ones, numbered rising from 0.

    Of whole numbers only the different ones are sorted, and those that lie close together not even.

    Examples
    --------
    >>> numbered([30, 10, 30])
    array([1, 0, 1])
    """
    given = np.asarray(values)
    if given.dtype.kind == "i" and given.size:
        least, most = int(given.min()), int(given.max())
        if most - least >= 4 * given.size:
            return np.asarray(pd.factorize(given, sort=True)[0], dtype=np.int64)
        place = given.astype(np.int64) - least
        there = np.zeros(most - least + 1, dtype=bool)
        there[place] = True
        return np.asarray((np.cumsum(there) - 1)[place], dtype=np.int64)
    return np.unique(given, return_inverse=True)[1].astype(np.int64)


def checked_scores(
    y: ArrayLike, p: ArrayLike, weight: ArrayLike | None, *, probability: bool = True
) -> tuple[Array, Array, Array]:
    """Return labels, scores and weights as float64 of one shape (n,).

    Raises
    ------
    InputError
        If shapes differ, a value is not finite or out of range, or a class is missing.
    """
    labels = np.asarray(y, dtype=np.float64)
    scores = np.asarray(p, dtype=np.float64)
    weights = np.ones(labels.shape) if weight is None else np.asarray(weight, dtype=np.float64)
    if labels.ndim != 1 or not labels.shape == scores.shape == weights.shape:
        raise InputError(
            f"Labels, scores and weights have shapes {labels.shape}, {scores.shape} and "
            f"{weights.shape}; expected the same (n,)."
        )
    if not np.isin(labels, (0.0, 1.0)).all():
        raise InputError("Some labels are neither 0 nor 1; leave unlabelled rows out.")
    if not np.isfinite(scores).all():
        raise InputError(
            f"{int((~np.isfinite(scores)).sum())} scores are not finite; leave rows without a "
            "score out, and say how many there were."
        )
    if probability and not ((scores >= 0) & (scores <= 1)).all():
        raise InputError(
            f"Predictions run from {scores.min():g} to {scores.max():g}; expected probabilities "
            "from 0 to 1. Calibrate first, or use rank_score."
        )
    if not (np.isfinite(weights).all() and (weights >= 0).all()):
        raise InputError("Some weights are negative or not finite; expected 0 or more.")
    found = float((weights * labels).sum())
    if not 0 < found < float(weights.sum()):
        raise InputError(
            f"There are {found:g} positives in {weights.sum():g} rows; expected both classes. "
            "Measure on land where both are known."
        )
    return labels, scores, weights
