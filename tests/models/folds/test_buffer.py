"""The buffer keeps its distance, and every row is tested once."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import cross_val_score

from minerisk.features.errors import InputError
from minerisk.models.folds.splits import BlockKFold, BufferedKFold, LeaveRegionOut, with_buffer


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**20), st.sampled_from([0.0, 300.0, 2_000.0]), st.sampled_from([2, 5]))
def test_training_is_exactly_the_rows_beyond_the_buffer(seed, buffer_m, n_splits):
    rng = np.random.default_rng(seed)
    points, y = rng.uniform(0, 40_000, (400, 2)), np.arange(400) % 2
    splitter = BufferedKFold(BlockKFold(n_splits, block_m=5_000, seed=seed), buffer_m=buffer_m)
    tested = []
    for train, test in splitter.split(None, y, coordinates=points):
        near = cdist(points, points[test]).min(axis=1) <= buffer_m
        np.testing.assert_array_equal(train, np.flatnonzero(~near))
        tested.append(test)
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.arange(400))
    assert len(tested) == splitter.get_n_splits()


def test_a_row_exactly_as_far_as_the_buffer_is_dropped():
    points = np.array([[0, 0], [3, 4], [6, 8], [0, 5.001]])
    folds = [(np.array([1, 2, 3]), np.array([0]))]
    ((train, test),) = with_buffer(folds, points, buffer_m=5.0)
    assert train.tolist() == [2, 3]
    assert test.tolist() == [0]


def test_a_buffer_over_all_training_is_refused_with_what_would_help():
    rng = np.random.default_rng(0)
    points, y = rng.uniform(0, 10_000, (300, 2)), np.arange(300) % 2
    splitter = BufferedKFold(BlockKFold(2, block_m=1_000), buffer_m=20_000)
    with pytest.raises(
        InputError, match=r"Fold 0: the training set would be empty.*drops.*narrower"
    ):
        list(splitter.split(None, y, coordinates=points))


def test_a_class_lost_to_the_buffer_is_named():
    points = np.array([[0.0, 0], [1, 0], [2, 0], [50, 0], [60, 0]])
    y = np.array([1, 0, 1, 0, 0])
    folds = [(np.array([2, 3, 4]), np.array([0, 1]))]
    with pytest.raises(InputError, match="training set of 2 rows would hold no positive"):
        list(with_buffer(folds, points, y, buffer_m=5))
    with pytest.raises(InputError, match="buffer_m is -1"):
        list(with_buffer(folds, points, y, buffer_m=-1))


def test_regions_left_out_can_have_a_buffer():
    points = np.array([[0.0, 0], [10, 0], [19, 0], [21, 0], [30, 0], [40, 0]])
    y = np.array([0, 1, 0, 1, 0, 1])
    folds = LeaveRegionOut().split(None, y, groups=[0, 0, 0, 1, 1, 1])
    found = list(with_buffer(folds, points, y, buffer_m=5))
    assert [train.tolist() for train, _ in found] == [[4, 5], [0, 1]]


def test_scikit_learn_takes_the_coordinates_as_groups():
    rng = np.random.default_rng(1)
    points, y = rng.uniform(0, 50_000, (600, 2)), np.arange(600) % 2
    scores = cross_val_score(
        LogisticRegression(), points / 50_000, y, groups=points, scoring="roc_auc",
        cv=BufferedKFold(BlockKFold(3, block_m=5_000, shape="hexagon"), buffer_m=1_000),
    )  # fmt: skip
    assert scores.shape == (3,)
