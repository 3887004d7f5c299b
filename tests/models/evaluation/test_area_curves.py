"""Boyce index, success-rate and P–A curves against hand counts and closed forms."""

import numpy as np
import pytest

from minerisk.features.errors import InputError
from minerisk.models.evaluation.area_curves import boyce_index, prediction_area, success_rate


def land(seed: int, n: int = 20_000, power: float = 1.0):
    """Finds with density proportional to score ** power, scores uniform."""
    rng = np.random.default_rng(seed)
    p = rng.random(n)
    y = (rng.random(n) < 0.1 * p**power).astype(int)
    return y, p, rng.integers(0, 100, n)


def test_a_map_whose_density_rises_has_boyce_near_one_and_reversed_minus_one():
    y, p, blocks = land(0)
    rising = boyce_index(y, p, blocks)
    assert rising.index[0] > 0.95
    assert rising.index[1] <= rising.index[0] <= rising.index[2]
    assert boyce_index(y, 1 - p, blocks).index[0] < -0.95
    assert np.polyfit(rising.score, rising.ratio, 1)[0] == pytest.approx(2.0, abs=0.25)  # 2p


def test_boyce_of_scores_that_know_nothing_has_an_interval_that_covers_zero():
    rng = np.random.default_rng(1)
    y, p = (rng.random(5_000) < 0.05).astype(int), rng.random(5_000)
    _, low, high = boyce_index(y, p, rng.integers(0, 50, 5_000)).index
    assert low < 0 < high


def test_boyce_is_unchanged_by_the_scale_of_the_score_and_refuses_a_constant():
    y, p, blocks = land(2, 5_000)
    index = boyce_index(y, p, blocks).index
    assert boyce_index(y, 5 * p - 2, blocks).index == pytest.approx(index)
    with pytest.raises(InputError, match="scores that differ"):
        boyce_index(y, np.full(len(y), 0.3), blocks)


def test_success_rate_by_hand():
    y, p = np.array([1, 0, 1, 0]), np.array([0.9, 0.8, 0.7, 0.1])
    curve = success_rate(y, p, [0, 0, 1, 1], points=5, draws=20)
    assert curve.found.tolist() == [0, 0.5, 0.5, 1, 1]
    assert curve.area[0] == pytest.approx((0.25 + 0.5 + 0.75 + 1) / 4)
    assert (curve.low <= curve.found).all()
    assert (curve.found <= curve.high).all()


def test_success_rate_follows_its_closed_form():
    y, p, blocks = land(3, 50_000)  # density 2p: a share a of land holds 1 - (1 - a)^2
    curve = success_rate(y, p, blocks)
    assert np.abs(curve.found - (1 - (1 - curve.land) ** 2)).max() < 0.03
    assert curve.area[0] == pytest.approx(2 / 3, abs=0.01)


def test_prediction_area_crosses_where_the_formula_says():
    y, p, blocks = land(4, 50_000)  # 1 - (1-a)^2 = 1 - a  =>  a = (3 - sqrt 5) / 2
    plot = prediction_area(y, p, blocks)
    golden = (np.sqrt(5) - 1) / 2
    assert plot.crossing[0] == pytest.approx(golden, abs=0.01)
    assert plot.density[0] == pytest.approx(golden / (1 - golden), abs=0.06)
    assert plot.crossing[1] < golden < plot.crossing[2]


def test_prediction_area_of_a_constant_score_is_what_chance_gives():
    y = np.array([1, 0, 0, 0, 1, 0])
    plot = prediction_area(y, np.full(6, 0.2), [0, 0, 0, 1, 1, 1], draws=20)
    assert plot.crossing == pytest.approx((0.5, 0.5, 0.5))
    assert plot.density == pytest.approx((1.0, 1.0, 1.0))
