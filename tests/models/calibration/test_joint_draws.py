import numpy as np
from scipy.special import logit

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.joint_draws import draw_jointly


def test_joint_draws_scatter_as_each_cell_does_and_move_together_as_the_members_do():
    scaler = IntervalScaler(level=0.9, scale=2.0, block_sd=0.5, stretch=1.5)
    apart = np.array([[0.3, -0.1, -0.2], [0.6, -0.2, -0.4], [-0.3, 0.1, 0.2]])
    blocks = np.array([0, 0, 1])
    rng = np.random.default_rng(5)
    noise = rng.normal(size=(40_000, 3)), rng.normal(size=(40_000, 2))
    drawn = logit(draw_jointly(scaler, [0.2, 0.05, 0.5], apart, blocks, noise=noise))
    stated = scaler.log_odds_sd(apart.std(axis=1, ddof=1))
    np.testing.assert_allclose(drawn.std(axis=0), stated, rtol=0.02)
    np.testing.assert_allclose(drawn.mean(axis=0), logit([0.2, 0.05, 0.5]), atol=0.05)
    # Covariances from the formula: stretch² (scale² Σ a b / (m - 1) + block_sd² where shared).
    expected = 1.5**2 * (4 * apart @ apart.T / 2 + 0.25 * (blocks[:, None] == blocks))
    np.testing.assert_allclose(np.cov(drawn.T), expected, atol=0.06)
