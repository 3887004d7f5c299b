"""The random forest of the kernel against LightGBM's, which it replaced."""

import math
import sys
import time
from collections.abc import Callable

import lightgbm as lgb
import numpy as np
import pytest
from sklearn.base import ClassifierMixin
from sklearn.metrics import average_precision_score, roc_auc_score

from minerisk.models.estimators.random_forest import ROWS as ROWS_SEEN
from minerisk.models.estimators.random_forest import RandomForest
from tests.benchmarks.record import record

pytestmark = pytest.mark.benchmark

ROWS, COLUMNS, ROUNDS = 20_000, 36, 3
MAKERS: dict[str, Callable[[], ClassifierMixin]] = {
    "kernel": RandomForest,
    "LightGBM, boosting rf": lambda: lgb.LGBMClassifier(
        boosting_type="rf",
        n_estimators=100,
        num_leaves=1_024,
        min_child_samples=50,
        bagging_fraction=ROWS_SEEN,
        bagging_freq=1,
        feature_fraction_bynode=math.isqrt(COLUMNS) / COLUMNS,
        force_row_wise=True,
        n_jobs=1,
        verbosity=-1,
    ),
}


def test_the_forest_of_the_kernel_ranks_as_lightgbm_s_in_less_time() -> None:
    rng = np.random.default_rng(0)
    X = rng.normal(size=(2 * ROWS, COLUMNS)).astype(np.float32)
    log_odds = X[:, :6].sum(axis=1) + X[:, 6] * X[:, 7] - 4
    y = (rng.random(2 * ROWS) < 1 / (1 + np.exp(-log_odds))).astype(int)
    RandomForest(trees=1).fit(X[:1_000], y[:1_000])  # compiles
    seconds: dict[str, list[float]] = {name: [] for name in MAKERS}
    said = []
    for turn in range(ROUNDS):
        for name, make in MAKERS.items():
            model, begun = make(), time.process_time()
            model.fit(X[:ROWS], y[:ROWS])
            seconds[name].append(time.process_time() - begun)
            if turn == 0:
                p = model.predict_proba(X[ROWS:])[:, 1]
                auc = roc_auc_score(y[ROWS:], p)
                said.append(f"{name}: {auc:.4f}, {average_precision_score(y[ROWS:], p):.4f}")
    sys.stdout.write(f"\nROC-AUC and average precision on other rows: {'; '.join(said)}\n")
    own = seconds.pop("kernel")
    record(
        "forest_20000",
        f"random forest on {ROWS:,} rows of {COLUMNS} columns",
        own,
        seconds,
        command="pytest -m benchmark -s tests/benchmarks/test_forest_speed.py",
    )
    assert sorted(own)[1] < sorted(*seconds.values())[1]
