"""Held-out scores by the values of a feature, against counts made by hand."""

import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.evaluation.strata import assess_strata


def test_shares_and_what_comes_first_are_as_counted() -> None:
    score = np.arange(10) / 10  # the last two cells are the 20 % put first
    y = [0, 1, 0, 0, 0, 1, 0, 0, 1, 1]
    value = [9, 9, 9, 9, 9, 1, 1, 1, 1, np.nan]
    near, far, unknown = assess_strata(y, score, value, edges=[5], blocks=np.arange(10) % 5)
    assert (near.low, near.high, near.cells, near.positive) == (None, 5, 4, 2)
    assert near.land == 0.4
    assert near.found == 0.5
    assert near.roc_auc == 0.5  # of 5 and 8 against 6 and 7: two of four pairs are in order
    assert near.in_top_20.value == 0.5
    assert (far.low, far.high, far.cells) == (5, None, 5)
    assert far.in_top_20.value == 0
    assert (unknown.low, unknown.high, unknown.cells) == (None, None, 1)
    assert unknown.in_top_20.value == 1
    assert unknown.roc_auc is None


def test_strata_share_out_all_land_and_what_comes_first() -> None:
    rng = np.random.default_rng(3)
    y, score = rng.random(500) < 0.1, rng.random(500).round(1)  # many ties
    value = rng.normal(size=500)
    rows = assess_strata(y, score, value, edges=[-1, 0, 1], blocks=rng.integers(0, 20, 500))
    assert sum(row.land for row in rows) == pytest.approx(1)
    assert sum(row.found for row in rows) == pytest.approx(1)
    whole = assess_strata(y, score, value, edges=[99], blocks=rng.integers(0, 20, 500))[0]
    parts = sum(row.in_top_20.value * row.positive for row in rows)
    assert parts == pytest.approx(whole.in_top_20.value * y.sum())
    assert all(low <= value <= high for value, low, high in (row.in_top_20 for row in rows))


def test_a_score_that_tells_nothing_puts_a_fifth_of_every_stratum_first() -> None:
    y = np.tile([0, 1], 50)
    rows = assess_strata(
        y, np.full(100, 0.3), np.arange(100), edges=[50], blocks=np.arange(100) // 10
    )
    assert [row.in_top_20.value for row in rows] == pytest.approx([0.2, 0.2])


@pytest.mark.parametrize("edges", [[], [2, 1], [1, 1], [np.nan]])
def test_edges_must_rise(edges: list[float]) -> None:
    with pytest.raises(InputError, match="rise"):
        assess_strata([0, 1], [0.1, 0.2], [1, 2], edges=edges, blocks=[0, 1])
