import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.tasks.rank_intervals import (
    impact_of,
    rank_bands,
    ranks_of,
    ranks_under_intervals,
    ranks_under_weights,
    undecided,
)


def test_ranks_count_from_the_greatest_and_ties_keep_their_order():
    np.testing.assert_array_equal(ranks_of(np.array([2.0, 5.0, 2.0, 9.0])), [3, 2, 4, 1])


def test_without_an_interval_every_rank_is_certain():
    p = np.array([0.4, 0.1, 0.3, 0.2])
    low, high = ranks_under_intervals(p * 7, p, (p, p), level=0.9, seed=1)
    np.testing.assert_array_equal(low, [1, 4, 2, 3])
    np.testing.assert_array_equal(high, low)


def test_tasks_with_the_same_wide_interval_may_rank_anywhere():
    p = np.full(20, 0.2)
    low, high = ranks_under_intervals(p, p, (p * 0.1, p * 4), level=0.9, seed=1)
    assert low.max() <= 3
    assert high.min() >= 18
    assert undecided(low, high).all()


def test_weights_move_a_task_only_where_its_criterion_differs():
    hazard, near = np.array([4.0, 3.0, 1.0]), np.array([0.0, 3.0, 0.1])
    days = np.ones(3)
    low, high = ranks_under_weights([hazard, near], days, [1.0, 0.3], seed=2)
    # Task 2 passes task 1 when its weight is over a third of the hazard's; task 3 is always last.
    np.testing.assert_array_equal(low, [1, 1, 3])
    np.testing.assert_array_equal(high, [2, 2, 3])


def test_impact_is_the_weighted_mean():
    criteria = {"other": np.array([0.0, 0.5, 1.0])}
    found = impact_of(criteria, {"hazard": 1.0, "other": 3.0})
    np.testing.assert_allclose(found, [0.25, 0.625, 1.0])


@pytest.mark.parametrize(
    "weights", [{"hazard": 1.0}, {"hazard": 0.0, "other": 0.0}, {"hazard": -1.0, "other": 2.0}]
)
def test_weights_that_make_no_sense_are_refused(weights):
    with pytest.raises(InputError, match="weights"):
        impact_of({"other": np.ones(2)}, weights)


def test_a_band_ends_where_its_first_task_is_worth_more_in_nineteen_draws_of_twenty():
    worth = np.array([1.0, 5.0, 4.9, 0.9])
    high = np.random.default_rng(0).normal(5.0, 0.1, size=(200, 2))
    low = np.random.default_rng(1).normal(1.0, 0.1, size=(200, 2))
    drawn = np.column_stack([low[:, 0], high[:, 0], high[:, 1], low[:, 1]])
    np.testing.assert_array_equal(rank_bands(worth, drawn), [2, 1, 1, 2])


def test_tasks_that_move_together_are_told_apart_though_each_is_uncertain():
    worth, common = np.array([2.0, 1.0]), np.exp(np.random.default_rng(2).normal(0, 2, (300, 1)))
    np.testing.assert_array_equal(rank_bands(worth, worth * common), [1, 2])
    alone = worth * np.exp(np.random.default_rng(3).normal(0, 2, (300, 2)))
    np.testing.assert_array_equal(rank_bands(worth, alone), [1, 1])


def test_without_tasks_there_is_no_band():
    assert rank_bands(np.zeros(0), np.zeros((10, 0))).size == 0
