"""Intervals against the book and simulation."""

import numpy as np
import pytest

from minerisk.models.evaluation.intervals import effective_rows, percentile_interval, wilson


def test_wilson_by_the_book():
    # 2 of 10 at 95 %: 0.0567 to 0.5098 (Newcombe 1998)
    assert wilson(0.2, 10, level=0.95) == pytest.approx((0.0567, 0.5098), abs=1e-4)
    assert wilson(0.0, 10, level=0.95)[0] == 0.0


def test_percentiles_leave_unknown_draws_out():
    draws = np.append(np.arange(101.0), np.nan)
    assert percentile_interval(draws, level=0.9) == pytest.approx((5.0, 95.0))
    assert np.isnan(percentile_interval(np.array([np.nan]), level=0.9)).all()


def test_independent_rows_count_about_once_each():
    values = (np.random.default_rng(0).random(40_000) < 0.1).astype(float)
    rows = effective_rows(values, np.ones(values.size), np.arange(values.size))
    assert rows == pytest.approx(40_000, rel=1e-3)
    blocks = np.arange(values.size) // 40
    assert effective_rows(values, np.ones(values.size), blocks) == pytest.approx(40_000, rel=0.15)


def test_rows_that_repeat_count_once_for_each_block():
    values = (np.random.default_rng(0).random(2_000) < 0.3).astype(float).repeat(10)
    blocks = np.arange(2_000).repeat(10)
    assert effective_rows(values, np.ones(values.size), blocks) == pytest.approx(2_000, rel=1e-2)


def test_without_any_find_each_block_counts_once():
    assert effective_rows(np.zeros(12), np.ones(12), np.arange(12) // 3) == 4
    uneven = effective_rows(np.zeros(4), np.ones(4), np.array([0, 0, 0, 1]))
    assert uneven == pytest.approx(4**2 / (3**2 + 1**2))
