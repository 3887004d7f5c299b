import numpy as np
import pytest
from scipy.special import expit, logit

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.joint_draws import (
    Wholes,
    draw_in_pieces,
    draw_jointly,
    keep_mean,
    whole_sds,
)

SCALER = IntervalScaler(level=0.9, scale=2.0, block_sd=0.5, stretch=1.5)
APART = np.array([[0.3, -0.1, -0.2], [0.6, -0.2, -0.4], [-0.3, 0.1, 0.2]])
PROBABILITY = np.array([0.2, 0.05, 0.5])


def drawn(wholes: Wholes) -> np.ndarray:
    rng = np.random.default_rng(5)
    return draw_jointly(SCALER, PROBABILITY, APART, wholes, draws=40_000, rng=rng)


def test_joint_draws_scatter_as_each_cell_does_and_move_together_as_the_members_do():
    blocks = np.array([0, 0, 1])
    values = logit(drawn(Wholes(blocks, np.zeros(3, dtype=int))))
    stated = SCALER.log_odds_sd(APART.std(axis=1, ddof=1))
    np.testing.assert_allclose(values.std(axis=0), stated, rtol=0.02)
    # Covariances from the formula: stretch² (scale² Σ a b / (m - 1) + block_sd² where shared).
    expected = 1.5**2 * (4 * APART @ APART.T / 2 + 0.25 * (blocks[:, None] == blocks))
    np.testing.assert_allclose(np.cov(values.T), expected, atol=0.06)


def test_pieces_are_the_draws_of_the_whole() -> None:
    wholes = Wholes(np.array([0, 1, 0]), np.array([0, 0, 1]), region_sd=0.6)
    whole = drawn(wholes)
    pieces = list(
        draw_in_pieces(
            SCALER, PROBABILITY, APART, wholes, draws=40_000, rng=np.random.default_rng(5), cells=2
        )
    )
    assert [piece for piece, _ in pieces] == [slice(0, 2), slice(2, 4)]
    np.testing.assert_allclose(np.hstack([part for _, part in pieces]), whole, rtol=1e-5)


def test_the_mean_of_the_draws_of_a_cell_is_its_probability():
    found = drawn(Wholes(np.arange(3), np.arange(3), region_sd=0.9))
    np.testing.assert_allclose(found.mean(axis=0), PROBABILITY, rtol=0.02)


def test_what_a_region_does_is_a_part_of_what_its_blocks_do():
    alone, together = whole_sds(SCALER, 0.6)
    assert np.hypot(alone, together) == pytest.approx(1.5 * 0.5)
    assert whole_sds(SCALER, 2.0) == (0.0, 2.0)
    found = logit(drawn(Wholes(np.arange(3), np.array([0, 0, 1]), region_sd=0.6)))
    shared = 1.5**2 * 4 * APART @ APART.T / 2
    assert np.cov(found.T)[0, 1] == pytest.approx(shared[0, 1] + 0.36, abs=0.06)
    assert np.cov(found.T)[0, 2] == pytest.approx(shared[0, 2], abs=0.06)


@pytest.mark.parametrize("sd", [0.0, 0.5, 1.5, 4.0])
def test_draws_about_the_centre_found_have_the_wanted_mean(sd: float):
    wanted = np.array([1e-4, 0.02, 0.4, 0.97])
    steps = np.random.default_rng(1).normal(0.0, sd, 400_000)
    means = [expit(centre + steps).mean() for centre in keep_mean(wanted, np.full(4, sd))]
    np.testing.assert_allclose(means, wanted, rtol=0.05 if sd < 4 else 0.3)
