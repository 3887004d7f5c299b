"""Cells within a distance of marked ones, by strips: those that SciPy finds on the whole."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.ndimage import distance_transform_edt

from minerisk.features.errors import InputError
from minerisk.features.raster.within import FAR, cells_within, rows_since_mark, squared_reach


@settings(max_examples=80, deadline=None)
@given(
    height=st.integers(1, 30),
    width=st.integers(1, 30),
    rows=st.integers(1, 30),
    share=st.sampled_from([0.005, 0.05, 0.4]),
    distance_m=st.sampled_from([0.0, 25.0, 25 * math.sqrt(2), 125.0, 310.0, 1e9, math.inf]),
)
def test_cells_are_those_of_the_whole(height, width, rows, share, distance_m):
    marked = np.random.default_rng(height * 100 + width).random((height, width)) < share
    marked[height // 2, width // 2] = True
    down, last = [], np.full(width, FAR)
    for row in range(0, height, rows):
        down.append(rows_since_mark(marked[row : row + rows], last))
        last = down[-1][-1]
    up = rows_since_mark(marked[::-1], np.full(width, FAR))[::-1]
    longest = height**2 + width**2
    squared = squared_reach(distance_m, resolution_m=25.0, longest=longest)
    found = cells_within(np.minimum(np.concatenate(down), up), squared)
    np.testing.assert_array_equal(found, distance_transform_edt(~marked) * 25.0 <= distance_m)


def test_without_a_mark_nothing_is_within():
    nothing = rows_since_mark(np.zeros((3, 4), dtype=bool), np.full(4, FAR))
    assert not cells_within(nothing, 25).any()


def test_a_distance_that_is_none_is_refused():
    with pytest.raises(InputError, match="expected 0 or more"):
        squared_reach(math.nan, resolution_m=25.0, longest=2)
