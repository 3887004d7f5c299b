"""Probabilities are given on new land only where finds there are many and agree."""

import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression

from minerisk.models.elsewhere.finds_there import LEAST_BLOCKS, intercept_there


def land(*, shift: float = 1.0, slope: float = 1.0, blocks: int = 400, cells: int = 40_000):
    rng = np.random.default_rng(0)
    p = expit(rng.normal(-3.5, 1.0, cells))
    y = (rng.random(cells) < expit(shift + slope * logit(p))).astype(int)
    return y, p, rng.integers(0, blocks, cells)


def test_as_many_blocks_are_needed_as_the_factor_asks_for() -> None:
    half_width = [1.6449 / np.sqrt(count) for count in (LEAST_BLOCKS - 1, LEAST_BLOCKS)]
    assert half_width[0] > np.log(1.5) >= half_width[1]


def test_the_intercept_is_found_and_allowed() -> None:
    y, p, blocks = land(shift=1.0)
    found = intercept_there(y, p, blocks)
    assert found.intercept is not None
    assert found.intercept.value == pytest.approx(1.0, abs=0.1)
    assert found.allowed
    # An independent reading: unpenalised logistic regression on the logit.
    reading = LogisticRegression(C=np.inf).fit(logit(p)[:, None], y)
    assert found.slope is not None
    assert found.slope.value == pytest.approx(reading.coef_[0, 0], abs=0.02)


def test_a_slope_that_finds_contradict_forbids_probabilities() -> None:
    found = intercept_there(*land(slope=0.3))
    assert found.enough
    assert found.narrow
    assert not found.steep_as_there
    assert not found.allowed


def test_finds_in_few_blocks_forbid_probabilities() -> None:
    y, p, blocks = land(blocks=LEAST_BLOCKS - 1)
    assert not intercept_there(y, p, blocks).enough


@pytest.mark.parametrize("kept", [0, 1])
def test_land_of_one_class_says_nothing(kept: int) -> None:
    y, p, blocks = land(cells=500)
    found = intercept_there(y[y == kept], p[y == kept], blocks[y == kept])
    assert found.intercept is None
    assert not found.allowed
