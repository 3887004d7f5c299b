"""What a cell without a finding is taken to mean: three readings of the same labels.

Land that was searched and gave nothing is negative by search. Land that nobody searched is not;
reading it as negative is a mistake that is made all the same, and is set beside the others here.
The third reading leaves the searches out: findings against unsurveyed land, with a stated prior.
"""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from minerisk.features.errors import InputError
from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.survey_bias.facts import ReadingKind
from minerisk.models.survey_bias.non_negative import NonNegativePU
from minerisk.models.survey_bias.propensity import as_mask, transport_weights

Array = NDArray[np.float64]
Mask = NDArray[np.bool_]

LEAST_PRIOR, TREES = 1e-4, 40


class Reading(NamedTuple):
    """One reading: its kind, and the name of its prior if it is positive-unlabelled."""

    kind: ReadingKind
    prior: str = ""


SEARCH = Reading(ReadingKind.SEARCH)
WEIGHTED = Reading(ReadingKind.SEARCH_WEIGHTED)
UNKNOWN = Reading(ReadingKind.UNSURVEYED_NEGATIVE)


def label_readings(
    X: ArrayLike,
    found: ArrayLike,
    fold: ArrayLike,
    chance: ArrayLike,
    *,
    priors: Mapping[str, float],
) -> dict[Reading, Array]:
    """Learn the same land by every reading of its labels, and score it on the same folds.

    Parameters
    ----------
    X
        Features, shape ``(n, p)``, NaN allowed.
    found
        1 found, 0 not; anything on unsurveyed cells; shape ``(n,)``.
    fold
        Fold that holds a surveyed cell out, shape ``(n,)``; -1 for unsurveyed cells, which are
        scored by models of all surveyed land.
    chance
        `propensity.survey_chance` of every cell, shape ``(n,)``; cut from below at the 1 %
        quantile of surveyed land, so that no cell rules the model.
    priors
        Name to class prior of unsurveyed land, such as the estimate and the ends of its interval.

    Returns
    -------
    dict
        Reading to the chance of each cell that a survey finds something, shape ``(n,)``: `SEARCH`,
        `WEIGHTED`, `UNKNOWN` and one positive-unlabelled reading a prior.

    Raises
    ------
    InputError
        If there are fewer than two folds, or the training land of one holds one class only.
    """
    matrix, held = np.asarray(X, dtype=np.float64), np.asarray(fold)
    surveyed = as_mask(held >= 0, len(matrix))
    label = np.where(surveyed, np.asarray(found), 0).astype(np.int64)
    e = np.asarray(chance, dtype=np.float64)
    e = np.maximum(e, np.quantile(e[surveyed], 0.01))
    readings: dict[Reading, Array] = {}
    for one in np.unique(held):
        train, test = surveyed & (held != one), held == one
        if len(np.unique(label[train])) < 2:
            raise InputError(
                f"Surveyed land outside fold {one} holds one class only; expected findings and "
                "searched land without any. Take more cells or fewer folds."
            )
        for name, model in _fitted(matrix, label, train, ~surveyed, e, priors):
            scores = readings.setdefault(name, np.full(len(label), np.nan))
            scores[test] = model.predict_proba(matrix[test])[:, 1]
    return readings


def _fitted(
    matrix: Array,
    label: NDArray[np.int64],
    train: Mask,
    unsurveyed: Mask,
    e: Array,
    priors: Mapping[str, float],
) -> Iterator[tuple[Reading, ClassifierMixin]]:
    """Fit every reading on surveyed training land and unsurveyed land."""
    searched, every = np.flatnonzero(train), np.flatnonzero(train | unsurveyed)
    known = Remembered()
    for reading, rows, weight, shared in (
        (SEARCH, searched, None, known),
        (
            WEIGHTED,
            searched,
            transport_weights(e, train, trim=1.0)[searched],
            known.of_other_weights(),
        ),
        (UNKNOWN, every, None, Remembered()),
    ):
        learner = LightGBMEnsemble(
            members=1, trees=TREES, learning_rate=0.1, leaves=7, min_cells_in_leaf=50, threads=1
        )
        found = learner.fit(matrix[rows], label[rows], sample_weight=weight, known=shared)
        yield reading, found
    rows, known = np.flatnonzero((train & (label == 1)) | unsurveyed), Remembered()
    for name, prior in priors.items():
        learner = NonNegativePU(float(np.clip(prior, LEAST_PRIOR, 0.9)), trees=TREES)
        fitted = learner.fit(matrix[rows], label[rows], labelling_chance=e[rows], known=known)
        yield Reading(ReadingKind.POSITIVE_UNLABELLED, name), fitted
