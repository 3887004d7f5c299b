"""Curves of land in parts: to the last digit those of all land at once."""

from dataclasses import fields

import numpy as np
import pytest

from minerisk.models.evaluation.area_curves import boyce_index, prediction_area, success_rate
from minerisk.models.land_curves import land_curves


@pytest.mark.parametrize("size", [1, 7, 6_000])
def test_curves_of_land_in_parts_are_to_the_last_digit_those_of_the_whole(size):
    rng = np.random.default_rng(7)
    p = rng.random(6_000).astype(np.float32) ** 2
    y, blocks = (rng.random(6_000) < p).astype(int), rng.integers(0, 30, 6_000) * 7 - 100
    cuts = range(size, 6_000, size)
    parts = [np.split(each, cuts) for each in (y, p, blocks)]
    found = land_curves(lambda: zip(*parts, strict=True), draws=20)
    given = y, p.astype(np.float64), blocks
    assert (found.cells, found.found) == (6_000, y.sum())
    for own, whole in (
        (found.boyce, boyce_index(*given, draws=20)),
        (found.success, success_rate(*given, draws=20)),
        (found.plot, prediction_area(*given, draws=20)),
    ):
        for field in fields(whole):
            np.testing.assert_array_equal(getattr(own, field.name), getattr(whole, field.name))


def test_land_with_nothing_to_rank_has_no_curves():
    p, blocks = np.array([0.1, 0.2, 0.3], dtype=np.float32), np.array([0, 1, 2])
    none, all_ = np.zeros(3, dtype=int), np.ones(3, dtype=int)
    assert land_curves(lambda: iter([(none, p, blocks)])) is None
    assert land_curves(lambda: iter([(all_, p, blocks)])) is None
    flat = np.full(3, 0.2, dtype=np.float32)
    assert land_curves(lambda: iter([(np.array([0, 1, 0]), flat, blocks)])) is None
