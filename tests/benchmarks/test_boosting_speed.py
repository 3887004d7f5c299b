"""Members of boosted trees by the kernel against LightGBM's, with bins, by turns."""

import sys
import time

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.metrics import average_precision_score, roc_auc_score

from minerisk.models.estimators.member_growth import SAME_TREES, grown_member
from minerisk.models.trees.binned_rows import bin_rows
from minerisk.models.trees.boosting import Growth
from minerisk.models.trees.stored_booster import Booster

pytestmark = pytest.mark.benchmark

ROWS, COLUMNS, MEMBERS, ROUNDS = 60_000, 45, 8, 3
GROWTH = Growth(200, 7, 2_000, 7, 0.04, 0.3, 0.7, 10.0)
PARAMETERS = SAME_TREES | {
    "objective": "binary", "learning_rate": 0.04, "num_leaves": 7, "min_data_in_leaf": 2_000,
    "feature_fraction": 0.3, "bagging_fraction": 0.7, "lambda_l2": 10.0, "max_bin": 255,
    "feature_pre_filter": False,
}  # fmt: skip


def land() -> tuple[np.ndarray, np.ndarray, list[np.ndarray]]:
    """Smooth columns with gaps and few positives; blocks of 50 rows drawn with replacement."""
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2 * ROWS, COLUMNS)).astype(np.float32)
    log_odds = X[:, :6].sum(axis=1) + X[:, 6] * X[:, 7] - 4
    X[:, ::3][rng.random(X[:, ::3].shape) < 0.2] = np.nan
    y = (rng.random(2 * ROWS) < 1 / (1 + np.exp(-log_odds))).astype(np.float32)
    blocks = ROWS // 50
    drawn = [np.bincount(rng.integers(blocks, size=blocks), minlength=blocks).repeat(50)
             for _ in range(MEMBERS)]  # fmt: skip
    return X, y, [own.astype(np.float64) for own in drawn]


def by_kernel(X: np.ndarray, y: np.ndarray, drawn: list[np.ndarray]) -> list[Booster]:
    binned, seen, monotone = bin_rows(X[:ROWS]), np.ones(COLUMNS, np.bool_), [1] + [0] * 44
    return [
        grown_member(binned, seen, y[:ROWS], own, GROWTH._replace(seed=7 + member), monotone)
        for member, own in enumerate(drawn)
    ]


def by_lightgbm(X: np.ndarray, y: np.ndarray, drawn: list[np.ndarray]) -> list[Booster]:
    parameters = PARAMETERS | {"monotone_constraints": [1] + [0] * 44}
    binned = lgb.Dataset(X[:ROWS], y[:ROWS], params=parameters).construct()
    members = []
    for member, own in enumerate(drawn):
        part = binned.subset(np.flatnonzero(own > 0).tolist()).construct()
        part.set_weight(own[own > 0])
        members.append(lgb.train(parameters | {"seed": 7 + member}, part, GROWTH.trees))
    return members


def test_members_of_the_kernel_rank_as_lightgbm_s_in_less_time() -> None:
    X, y, drawn = land()
    by_kernel(X, y, drawn[:1])  # compiles
    ways = {"kernel": by_kernel, "LightGBM": by_lightgbm}
    seconds: dict[str, list[float]] = {name: [] for name in ways}
    said, scores = [], {}
    for turn in range(ROUNDS):
        for name, way in ways.items():
            begun = time.process_time()
            members = way(X, y, drawn)
            seconds[name].append(time.process_time() - begun)
            if turn == 0:
                raw = [one.predict(X[ROWS:], raw_score=True, num_threads=1) for one in members]
                scores[name] = np.mean(raw, axis=0)
                auc = roc_auc_score(y[ROWS:], scores[name])
                precision = average_precision_score(y[ROWS:], scores[name])
                said.append(f"{name}: {auc:.4f}, {precision:.4f}")
    alike = np.corrcoef(scores["kernel"], scores["LightGBM"])[0, 1]
    ratio = sorted(b / a for a, b in zip(*seconds.values(), strict=True))
    sys.stdout.write(
        f"\nROC-AUC and average precision on other rows: {'; '.join(said)}; scores correlate by "
        f"{alike:.5f}\n{MEMBERS} members, with bins: {sorted(seconds['kernel'])[1]:.2f} "
        f"and {sorted(seconds['LightGBM'])[1]:.2f} processor s, {ratio[1]:.1f} times less "
        f"({ratio[0]:.1f} to {ratio[-1]:.1f})\n"
    )
    assert ratio[0] > 1
    assert alike > 0.99
