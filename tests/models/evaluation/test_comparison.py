"""Two models on the same draws: differences that their own intervals hide."""

import numpy as np
import pytest

from minerisk.models.evaluation.comparison import compare
from minerisk.models.evaluation.metrics import block_bootstrap, score


def two_models(seed: int):
    rng = np.random.default_rng(seed)
    blocks = np.repeat(np.arange(60), 60)
    logit = rng.normal(0, 1.5, 60)[blocks] + rng.normal(0, 0.7, 3_600) - 2
    y = (rng.random(3_600) < 1 / (1 + np.exp(-logit))).astype(int)
    good = 1 / (1 + np.exp(-logit))
    worse = 1 / (1 + np.exp(-(logit + rng.normal(0, 0.8, 3_600))))
    return y, good, worse, blocks


def test_a_model_differs_from_itself_by_nothing():
    y, p, _, blocks = two_models(0)
    for difference in compare(y, p, p, blocks, cell_ha=1, draws=50).values():
        assert difference == pytest.approx((0, 0, 0), abs=1e-12)


def test_the_difference_is_that_of_the_scores_and_swaps_its_sign():
    y, p, q, blocks = two_models(1)
    there, back = (compare(y, a, b, blocks, cell_ha=1, draws=50) for a, b in ((p, q), (q, p)))
    expected = score(y, p, cell_ha=1)["roc_auc"] - score(y, q, cell_ha=1)["roc_auc"]
    assert there["roc_auc"][0] == pytest.approx(expected)
    for name, (value, low, high) in there.items():
        assert back[name] == pytest.approx((-value, -high, -low)), name


def test_pairing_tells_apart_what_single_intervals_do_not():
    y, p, q, blocks = two_models(2)
    single = [block_bootstrap(y, value, blocks, cell_ha=1)["roc_auc"] for value in (p, q)]
    assert single[0][1] < single[1][2]  # their own intervals overlap
    assert compare(y, p, q, blocks, cell_ha=1)["roc_auc"][1] > 0
