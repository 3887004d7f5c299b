"""Predicted against found by region and hazard, from hand counts and a known world."""

import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.evaluation.reliability_by_part import (
    reliability_by_hazard,
    reliability_by_region,
)


def test_regions_by_hand():
    y = [1, 0, 0, 0, 1, 1]
    p = [0.5, 0.1, 0.2, np.nan, 0.4, 0.4]
    rows = reliability_by_region(y, p, [0, 0, 0, 0, 3, -1], blocks=np.arange(6))
    assert [row.region for row in rows] == [0, 3]
    assert (rows[0].cells, rows[0].positive) == (3, 1)
    assert rows[0].predicted == pytest.approx(0.8 / 3)
    assert rows[0].observed == pytest.approx(1 / 3)
    assert rows[0].ratio == pytest.approx(1 / 0.8)
    assert rows[0].low < 1 / 3 < rows[0].high


def test_the_interval_of_a_region_covers_a_true_probability():
    rng = np.random.default_rng(0)
    p = rng.uniform(0.01, 0.2, 40_000)
    y, region = rng.random(40_000) < p, rng.integers(0, 200, 40_000)
    rows = reliability_by_region(y, p, region, blocks=rng.integers(0, 20, 40_000) + 20 * region)
    held = np.mean([row.low <= row.predicted <= row.high for row in rows])
    assert held == pytest.approx(0.9, abs=0.07)


def test_hazards_by_hand():
    p = np.array([0.1, 0.1, 0.2, 0.2, 0.3, 0.3])
    y = np.array([0, 1, 0, 1, 1, 1])
    hazard = np.array([0, 4, 0, 1, 1, 3])
    rows = reliability_by_hazard(y, p, hazard, blocks=np.arange(6))
    finds = {(row.hazard, row.third): row.finds for row in rows}
    assert finds["ap", 1] == 0
    assert finds["ap", 2] == pytest.approx(1 / 3)
    assert finds["ap", 3] == pytest.approx(2 / 3)
    assert finds["at", 3] == 1
    assert finds["uxo", 1] == 1
    assert not any(name == "any" for name, _ in finds)


def test_what_does_not_fit_is_refused():
    with pytest.raises(InputError, match="same"):
        reliability_by_region([0, 1], [0.1], [0, 0], blocks=[0, 1])
    with pytest.raises(InputError, match="No row"):
        reliability_by_hazard([0, 1], [np.nan, np.nan], [0, 1], blocks=[0, 1])
