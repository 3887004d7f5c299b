"""Order statistics of values in parts: those of all values at once, whatever the parts."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from minerisk.models import order_statistics
from minerisk.models.order_statistics import count_values, middle_ranks, ordered, percentiles

FLOATS = st.floats(-1e6, 1e6, width=32)
VALUES = st.lists(st.tuples(FLOATS, st.integers(0, 2)), min_size=1, max_size=60)


def parted(values, *others, cuts):
    return zip(*(np.split(each, cuts) for each in (values, *others)), strict=True)


@settings(max_examples=60, deadline=None)
@given(drawn=VALUES, cut=st.integers(0, 60), kind=st.sampled_from([np.float32, np.float64]))
def test_order_and_percentiles_are_those_of_numpy(drawn, cut, kind):
    values = np.array([value for value, _ in drawn], dtype=kind) + kind(0)
    group = np.array([group for _, group in drawn])
    cuts, percents = [min(cut, len(values))], [0.0, 10.0, 33.3, 50.0, 90.0, 100.0]
    found = percentiles(lambda: parted(values, group, cuts=cuts), 3, percents)
    for number in range(3):
        own = values[group == number].astype(np.float64)
        wanted = np.percentile(own, percents) if own.size else np.full(6, np.nan)
        np.testing.assert_array_equal(found[number], wanted)
        places = [(number, place) for place in range(own.size)]
        inward = ordered(lambda: parted(values, group, cuts=cuts), places)
        assert inward == sorted(own.tolist())


@settings(max_examples=60, deadline=None)
@given(drawn=VALUES, cut=st.integers(0, 60), dtype=st.sampled_from([np.float32, np.float64]))
def test_ranks_are_those_of_scipy(drawn, cut, dtype):
    values = np.array([value for value, _ in drawn], dtype=dtype) / dtype(3) + dtype(0)
    kind = np.array([kind for _, kind in drawn])
    cuts, wanted = [min(cut, len(values))], rankdata(values)
    known = count_values(parted(values, kind, cuts=cuts), kinds=3)
    np.testing.assert_array_equal(known.ranks[known.places(values)], wanted)
    np.testing.assert_array_equal(known.values[known.places(values)], values)
    np.testing.assert_array_equal(known.counts.sum(axis=1), np.bincount(kind, minlength=3))
    assert known.extremes == (values.min(), values.max())
    few = np.unique(values[:5]).astype(np.float64)
    ranks, count = middle_ranks(np.split(values, cuts), few)
    assert count == len(values)
    assert ranks.tolist() == [wanted[values == value][0] for value in few]


@pytest.mark.parametrize("size", [1, 7, 4_000])
def test_past_the_most_values_those_with_the_same_first_digits_are_one(size, monkeypatch):
    monkeypatch.setattr(order_statistics, "MOST_VALUES", 100)
    values = np.random.default_rng(2).random(4_000).astype(np.float32)
    parts = (
        (part, np.zeros(len(part), int)) for part in np.split(values, range(size, 4_000, size))
    )
    found = count_values(parts)
    whole = count_values([(values, np.zeros(4_000, int))])
    assert 50 < len(found.keys) <= 100
    assert found.shift == whole.shift > 0
    np.testing.assert_array_equal(found.keys, whole.keys)
    np.testing.assert_array_equal(found.counts, whole.counts)
    # No rank is off by more than the cells of its own key.
    off = np.abs(found.ranks[found.places(values)] - rankdata(values))
    assert (off <= found.counts.sum(axis=0)[found.places(values)] / 2).all()
