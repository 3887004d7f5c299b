"""Training ends at a date and the test begins after it."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.models.folds.time_folds import LeaveTimeOut


def test_cut_offs_split_by_hand():
    days = [0, 10, 20, 30, 40, np.nan]
    folds = list(LeaveTimeOut([10, 30]).split(None, dates=days))
    assert [(train.tolist(), test.tolist()) for train, test in folds] == [
        ([0, 1], [2, 3]),
        ([0, 1, 2, 3], [4]),
    ]


def test_undated_rows_train_only_where_asked():
    days = np.array([0, 10, 20, np.nan])
    ((train, test),) = LeaveTimeOut([10], undated="train").split(None, dates=days)
    assert train.tolist() == [0, 1, 3]
    assert test.tolist() == [2]


def test_dates_may_be_days_dates_or_text():
    days = np.array([0.0, 365.0, 730.0, 1_461.0, np.nan])
    dates = np.datetime64("1970-01-01") + np.array([0, 365, 730, 1_461, 0]).astype("timedelta64[D]")
    dates[-1] = np.datetime64("NaT")
    wanted = [
        one.tolist() for fold in LeaveTimeOut([365.0]).split(None, dates=days) for one in fold
    ]
    for cut in (["1971-01-01"], [np.datetime64("1971-01-01")]):
        found = LeaveTimeOut(cut).split(None, dates=dates)
        assert [one.tolist() for fold in found for one in fold] == wanted == [[0, 1], [2, 3]]


def test_a_number_of_cut_offs_leaves_as_many_positives_between():
    days = np.arange(90.0)
    y = (np.arange(90) % 3 == 0).astype(int)
    folds = list(LeaveTimeOut(2).split(None, y, dates=days))
    assert len(folds) == LeaveTimeOut(2).get_n_splits() == 2
    assert [int(y[test].sum()) for _, test in folds] == [10, 10]
    assert int(y[folds[0][0]].sum()) == 10


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**20), st.integers(1, 4), st.sampled_from(["leave_out", "train"]))
def test_no_training_row_is_later_than_a_test_row(seed, cuts, undated):
    rng = np.random.default_rng(seed)
    days, y = rng.integers(0, 5_000, 200).astype(float), rng.integers(0, 2, 200)
    days[rng.random(200) < 0.1] = np.nan
    tested = []
    for train, test in LeaveTimeOut(cuts, undated=undated).split(None, y, dates=days):
        assert np.nanmax(days[train]) < days[test].min()
        assert np.isnan(days[train]).any() == (undated == "train")
        tested.append(test)
    first = tested[0].size and days[tested[0]].min()
    np.testing.assert_array_equal(np.sort(np.concatenate(tested)), np.flatnonzero(days >= first))


def test_a_cut_off_after_all_dates_is_refused_with_the_date():
    with pytest.raises(InputError, match=r"Cut-off 1970-01-31: the test set would be empty"):
        list(LeaveTimeOut([30]).split(None, dates=[0, 10, 20]))


def test_a_period_without_positives_is_refused():
    with pytest.raises(InputError, match=r"test set of 2 rows would hold no positive.*cut-offs"):
        list(LeaveTimeOut([15]).split(None, [0, 1, 0, 0], dates=[0, 10, 20, 30]))


@pytest.mark.parametrize(
    ("cutoffs", "dates", "words"),
    [
        ([20, 10], [0, 10, 30], "ascending"),
        ([], [0, 10, 30], "ascending"),
        (5, [0, 10, 30], "cannot be cut 5 times"),
        (1, ["yesterday", "today"], "not dates"),
        ([1], None, "No dates came"),
        ([1], [[0, 1]], "shape"),
    ],
)
def test_dates_that_cannot_be_used_are_refused(cutoffs, dates, words):
    with pytest.raises(InputError, match=words):
        list(LeaveTimeOut(cutoffs).split(None, dates=dates))


def test_an_unknown_rule_for_undated_rows_is_refused():
    with pytest.raises(InputError, match="'leave_out' or 'train'"):
        list(LeaveTimeOut([1], undated="guess").split(None, dates=[0, 1, 2]))
