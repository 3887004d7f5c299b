"""Scores of several training sets are brought to one scale without losing what each fold ranks."""

import numpy as np
import pytest

from minerisk.models.calibration.logistic import expit
from minerisk.models.selection.common_scale import common_scale


def two_folds(offset: float, steepness: float = 1.0):
    """Two folds of 4,000 rows: true log-odds rise with x, and the score's are off by the fold."""
    rng = np.random.default_rng(5)
    x = rng.normal(size=8_000)
    share = np.repeat([-1.0, -3.0], 4_000)
    y = (rng.random(8_000) < expit(share + x)).astype(np.int8)
    # The fold with many positives was scored by a model of land with few, and the other way round.
    score = expit(x / steepness - 2.0 - offset * (share + 2.0))
    return score, y, np.ones(8_000)


@pytest.mark.parametrize("steepness", [0.5, 1.0, 2.0])
def test_a_curve_is_taken_where_folds_are_alike(steepness):
    slope, _ = common_scale(*two_folds(offset=-1.0 / steepness, steepness=steepness))
    assert slope == pytest.approx(steepness, rel=0.1)


@pytest.mark.parametrize("offset", [0.9, 2.0])
def test_folds_of_unlike_shares_do_not_flatten_what_each_of_them_ranks(offset):
    """The curve of all rows has a slope of nearly nothing, though each fold is ranked well."""
    assert common_scale(*two_folds(offset)) == (1.0, 0.0)


def test_scores_that_say_nothing_change_nothing():
    score, _, weight = two_folds(offset=0.0)
    y = (np.random.default_rng(6).random(8_000) < 0.1).astype(np.int8)
    assert common_scale(score, y, weight) == (1.0, 0.0)
