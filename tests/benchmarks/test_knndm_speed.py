"""How long kNNDM takes in feature space, and against the plain way of working it out."""

import sys
import time

import numpy as np
import pandas as pd
import pytest
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import cdist
from scipy.stats import wasserstein_distance

from minerisk.models.evaluation.feature_lint import lint_features
from minerisk.models.folds.blocks import spread_blocks
from minerisk.models.folds.knndm import KNNDM

pytestmark = pytest.mark.benchmark

LIMIT_S = 5.0
FOLDS = 10


def land(rows, features=128, *, seed=0):
    """Rows in 50 clusters of feature space, and a target spread over all of it."""
    rng = np.random.default_rng(seed)
    centre = rng.normal(size=(50, features))
    X = centre[rng.integers(0, 50, rows)] + 0.5 * rng.normal(size=(rows, features))
    return X, 1.2 * rng.normal(size=(rows, features)), (rng.random(rows) < 0.05).astype(int)


def timed(work):
    wall, cpu = time.perf_counter(), time.process_time()
    result = work()
    return result, time.perf_counter() - wall, time.process_time() - cpu


def plainly(X, y, target, counts):
    """Cluster all rows, and look through the whole distance matrix for every number of clusters."""
    X, target = (X - X.mean(axis=0)) / X.std(axis=0), (target - X.mean(axis=0)) / X.std(axis=0)
    away, reach = cdist(X, X), cdist(target, X).min(axis=1)
    tree, least = linkage(X, "ward"), np.inf
    for count in counts:
        fold = spread_blocks(fcluster(tree, count, "maxclust"), y, n_splits=FOLDS)
        if np.bincount(fold).max() <= 0.5 * len(X):
            across = np.where(fold[:, None] == fold, np.inf, away).min(axis=1)
            least = min(least, wasserstein_distance(reach, across))
    return least


@pytest.mark.parametrize("clustering", ["kmeans", "hierarchical"])
def test_ten_thousand_points_of_128_features_take_five_seconds(clustering):
    X, target, y = land(10_000)
    splitter = KNNDM(FOLDS, target=target, space="features", clustering=clustering)
    splitter.match(X[:200], y[:200] | (np.arange(200) < 20))  # compiles
    runs = [timed(lambda: splitter.match(X, y)) for _ in range(3)]
    match, wall, cpu = min(runs, key=lambda run: run[1])
    sys.stdout.write(
        f"\nkNNDM, 10,000 points x 128 features, {clustering}: "
        f"{wall:.2f} s (processor {cpu:.2f} s); {len(match.tried)} clusterings "
        f"tried, W {match.wasserstein:.3f}, random folds {match.wasserstein_random:.3f}\n"
    )
    assert wall <= LIMIT_S


def test_it_matches_as_well_as_the_plain_way_in_less_time():
    X, target, y = land(3_000)
    splitter = KNNDM(FOLDS, target=target, space="features", clustering="hierarchical")
    splitter.match(X[:200], y[:200] | (np.arange(200) < 20))
    match, _, ours = timed(lambda: splitter.match(X, y))
    counts = match.tried["clusters"]
    w, _, plain = timed(lambda: plainly(X, y, target, counts))
    sys.stdout.write(
        f"\nkNNDM, 3,000 points x 128 features: {ours:.2f} s against {plain:.2f} s the plain way "
        f"({plain / ours:.1f} times); W {match.wasserstein:.3f} against {w:.3f}\n"
    )
    assert plain > 2 * ours
    assert match.wasserstein < 1.25 * w


def test_the_lint_of_600_000_rows_of_40_features_takes_ten_seconds():
    rng = np.random.default_rng(0)
    row, column = np.divmod(np.arange(600_000), 775)
    points = 250.0 * np.column_stack([column, row])
    features = pd.DataFrame(rng.normal(size=(600_000, 40)).astype(np.float32))
    features["front"] = np.hypot(points[:, 0], points[:, 1])
    _, wall, cpu = timed(
        lambda: lint_features(
            features, points, regions=(row // 80) * 10 + column // 80, block_m=12_000
        )
    )
    sys.stdout.write(
        f"\nFeature lint, 600,000 rows x 41 features: {wall:.2f} s (processor {cpu:.2f} s)\n"
    )
    assert wall <= 10
