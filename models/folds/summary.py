"""Folds described as data and in words, so that weak ones are seen before they are scored."""

from collections.abc import Iterable
from dataclasses import fields
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from scipy.stats import wasserstein_distance

from minerisk.features.errors import InputError
from minerisk.models.folds.facts import Fold, FoldFacts
from minerisk.models.inputs import as_coordinates, as_labels

TINY_SHARE = 0.2
"""A test fold with less than this share of an even share of the rows is called tiny."""
IMBALANCE_RATIO = 3.0
"""A test fold whose prevalence is off by more than this factor is called imbalanced."""
NEAR_SHARE = 0.1
"""A test fold is called near where so much more of it than of the target is near training."""
MAX_MEASURED = 5_000
"""Test rows of a fold, and points of the target, whose distance to training is measured."""

WORDS = {
    "empty_test": "the test fold is empty: nothing is measured; use fewer folds or smaller blocks",
    "single_class_test": (
        "the test fold holds one class only: ROC-AUC does not exist in it; pool the scores of "
        "all folds, use fewer folds, or smaller blocks"
    ),
    "class_missing_train": (
        "training lacks a class: no model can be fitted; use fewer folds, or smaller blocks"
    ),
    "tiny_test": (
        "the test fold holds less than a fifth of an even share of the rows: its own score says "
        "little; read the pooled score"
    ),
    "imbalance": (
        "the prevalence of the test fold is more than 3 times off that of all rows: average "
        "precision cannot be compared between folds"
    ),
    "high_leakage": (
        "rows are both in training and test: the score is too good; make the folds again"
    ),
    "near_train": (
        "more of the test rows lie within the autocorrelation range of training rows than of the "
        "land to be predicted, by over a tenth of them: the score is that of land half seen; use "
        "kNNDM, larger blocks or a buffer"
    ),
}


def fold_facts(summary: pd.DataFrame) -> tuple[FoldFacts, ...]:
    """Return the rows of a `fold_summary` as records; None for what was not measured."""
    names = [field.name for field in fields(FoldFacts)]
    plain = summary[names].astype(object).where(summary[names].notna(), None)
    return tuple(
        FoldFacts(**{str(k): v for k, v in row.items()}) for row in plain.to_dict("records")
    )


def fold_summary(
    folds: Iterable[Fold],
    y: ArrayLike,
    coordinates: ArrayLike,
    *,
    target: ArrayLike | None = None,
    range_m: float | None = None,
) -> pd.DataFrame:
    """Describe folds as data, so that weak ones are seen before they are scored.

    Parameters
    ----------
    folds
        (training rows, test rows) of each fold.
    y
        Labels 0 and 1, shape (n,).
    coordinates
        Easting and northing in metres, shape (n, 2).
    target
        Easting and northing of the land to be predicted, shape (m, 2), or a GeoDataFrame of
        points; see `prediction_points`. Without it no Wasserstein distance is given.
    range_m
        Autocorrelation range of the labels in metres; without it ``near_train`` is not judged.

    Returns
    -------
    DataFrame
        One row a fold: ``fold``, ``n_train``, ``n_test``, ``positives_train``, ``positives``
        (in the test fold), ``prevalence``; the flags ``empty_test``, ``single_class_test``,
        ``class_missing_train``, ``tiny_test`` (under a fifth of an even share of the rows),
        ``imbalance`` (prevalence more than 3 times off the whole), ``high_leakage`` (rows in
        both training and test) and ``near_train`` (the share of test rows nearer to training
        than `range_m` exceeds that of the target, 0 without one, by over a tenth);
        ``min_distance_m`` from test to training, NaN if either is empty; ``near_share``, NaN
        without `range_m`; ``wasserstein_m``, in metres, between the distances from the target
        to the nearest row and those from the fold's test rows to its nearest training row, NaN
        without `target`; ``words``, what each flag raised means and what helps, empty if none
        is.
        ``table.attrs["wasserstein_m"]`` is that of all folds pooled, which kNNDM makes small
        (Linnenbrink and others 2024, doi 10.5194/gmd-17-5897-2024). Above 5,000 test rows a fold,
        or points of the target, every so many of them are measured.
    """
    points = as_coordinates(coordinates)
    labels = as_labels(y, points.shape[0])
    listed = list(folds)
    reach = None if target is None else _nearest(_thin(as_coordinates(target)), points)
    if reach is not None and reach.size == 0:
        raise InputError("The target holds no point; expected the land to be predicted.")
    rows, measured = [], []
    for train, test in listed:
        least, distance = _measure(points[test], points[train])
        measured.append(distance)
        row = _fold_row(train, test, labels) | {"min_distance_m": least}
        rows.append(row | _distance_row(distance, reach=reach, range_m=range_m))
    table = pd.DataFrame(rows)
    table.insert(0, "fold", np.arange(len(listed)))
    table["tiny_test"] = table["n_test"] < TINY_SHARE * labels.size / max(len(listed), 1)
    table["words"] = [_words(row) for row in table.to_dict("records")]
    if reach is not None:
        pooled, weight = _pool(measured, [len(test) for _, test in listed])
        whole = wasserstein_distance(reach, pooled, None, weight) if pooled.size else np.nan
        table.attrs["wasserstein_m"] = float(whole)
    return table


def _words(row: dict[Any, Any]) -> str:
    said = [words for flag, words in WORDS.items() if row[flag]]
    return f"Fold {row['fold']}: {'; '.join(said)}." if said else ""


def _thin(values: NDArray[Any]) -> NDArray[Any]:
    """Return every so many of the rows, so that at most `MAX_MEASURED` are left."""
    return values[:: max(1, -(-len(values) // MAX_MEASURED))]


def _nearest(test: NDArray[np.float64], train: NDArray[np.float64]) -> NDArray[np.float64]:
    if not (test.size and train.size):
        return np.empty(0)
    return np.asarray(cKDTree(train).query(test)[0], dtype=np.float64)


def _pool(
    measured: list[NDArray[np.float64]], rows: list[int]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Pool distances of folds; a row measured stands for as many rows as were passed over."""
    weight = [
        np.full(one.size, count / max(one.size, 1))
        for one, count in zip(measured, rows, strict=True)
    ]
    return np.concatenate([np.empty(0), *measured]), np.concatenate([np.empty(0), *weight])


def _distance_row(
    distance: NDArray[np.float64],
    *,
    reach: NDArray[np.float64] | None,
    range_m: float | None,
) -> dict[str, float | bool]:
    known = distance.size > 0
    share = float((distance < range_m).mean()) if known and range_m is not None else np.nan
    w = wasserstein_distance(reach, distance) if known and reach is not None else np.nan
    expected = 0.0 if reach is None or range_m is None else float((reach < range_m).mean())
    return {
        "near_share": share,
        "near_train": share > expected + NEAR_SHARE,
        "wasserstein_m": float(w),
    }


def _fold_row(
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    labels: NDArray[np.int64],
) -> dict[str, float | int | bool]:
    positives, positives_train = int(labels[test].sum()), int(labels[train].sum())
    share = positives / len(test) if len(test) else np.nan
    whole = float(labels.mean()) if labels.size else np.nan
    trained = np.zeros(labels.size, dtype=bool)
    trained[train] = True
    return {
        "n_train": len(train),
        "n_test": len(test),
        "positives_train": positives_train,
        "positives": positives,
        "prevalence": share,
        "empty_test": len(test) == 0,
        "single_class_test": positives in (0, len(test)),
        "class_missing_train": positives_train in (0, len(train)),
        "tiny_test": False,
        "imbalance": not (whole / IMBALANCE_RATIO <= share <= whole * IMBALANCE_RATIO),
        "high_leakage": bool(trained[test].any()),
    }


def _measure(
    test: NDArray[np.float64], train: NDArray[np.float64]
) -> tuple[float, NDArray[np.float64]]:
    """Return the least distance between two sets, and that of some test rows to training.

    For the least, each chunk is searched below the best so far.
    """
    if not (test.size and train.size):
        return float("nan"), np.empty(0)
    tree = cKDTree(train)
    some = np.asarray(tree.query(_thin(test))[0], dtype=np.float64)
    least = float(some.min())
    for chunk in np.array_split(test, max(1, len(test) // 1_000)):
        distance, _ = tree.query(chunk, distance_upper_bound=least)
        least = min(least, float(distance.min()))
    return least, some
