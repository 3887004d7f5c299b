"""Folds by kNNDM estimate the quality of the map; random folds overstate it."""

import numpy as np
import pytest
from scipy.ndimage import gaussian_filter
from sklearn.ensemble import RandomForestClassifier
from sklearn.metrics import roc_auc_score
from sklearn.model_selection import StratifiedKFold

from minerisk.models.folds.knndm import KNNDM

pytestmark = pytest.mark.validity

WORLDS = 50
SIDE = 100
CELL_M = 250.0


def field(rng, scale):
    values = gaussian_filter(rng.normal(size=(SIDE, SIDE)), scale, mode="wrap").ravel()
    return (values - values.mean()) / values.std()


def world(seed):
    """Three known features and one hidden, smooth over 1 to 4 km; rows around 12 towns."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE * SIDE), SIDE)
    points = CELL_M * np.column_stack([column, row])
    known = np.column_stack([field(rng, scale) for scale in (4, 8, 16)])
    log_odds = -1.5 + known[:, 0] + 0.5 * known[:, 1] + 1.5 * field(rng, 8)
    y = (rng.random(len(points)) < 1 / (1 + np.exp(-log_odds))).astype(int)
    town = points[rng.integers(0, len(points), 12)]
    near = np.linalg.norm(points[:, None] - town[None], axis=2).min(axis=1)
    chance = np.exp(-0.5 * (near / 800) ** 2)
    rows = rng.choice(len(points), 400, replace=False, p=chance / chance.sum())
    return points, np.column_stack([known, points]), y, np.sort(rows)


def pooled(X, y, folds):
    out = np.full(len(y), np.nan)
    for train, test in folds:
        out[test] = fitted(X[train], y[train]).predict_proba(X[test])[:, 1]
    return roc_auc_score(y, out)


def fitted(X, y):
    return RandomForestClassifier(60, min_samples_leaf=3, random_state=0, n_jobs=1).fit(X, y)


def errors(seed):
    """Estimated less true ROC-AUC of the map, by random folds and by kNNDM."""
    points, X, y, rows = world(seed)
    rest = np.setdiff1d(np.arange(len(points)), rows)
    truth = roc_auc_score(y[rest], fitted(X[rows], y[rows]).predict_proba(X[rest])[:, 1])
    random = StratifiedKFold(5, shuffle=True, random_state=seed).split(X[rows], y[rows])
    near = KNNDM(5, target=points[rest], seed=seed).split(None, y[rows], coordinates=points[rows])
    return [pooled(X[rows], y[rows], folds) - truth for folds in (random, near)]


def test_knndm_estimates_the_quality_of_the_map(record_validity):
    found = np.array([errors(seed) for seed in range(WORLDS)])
    bias, size = found.mean(axis=0), np.abs(found).mean(axis=0)
    doubt = found.std(axis=0, ddof=1) / np.sqrt(WORLDS)
    passed = abs(bias[1]) < 0.5 * abs(bias[0]) and size[1] < size[0]
    record_validity(
        "knndm",
        title="kNNDM folds estimate the quality of the map",
        claim="Pooled ROC-AUC of kNNDM folds is nearer to that on the land to be predicted than "
        "that of random folds.",
        protocol=f"{WORLDS} SIMULATED fields of {SIDE} x {SIDE} cells of {CELL_M:g} m (seeds 0 to "
        f"{WORLDS - 1}): three known smooth features and one hidden; 400 rows around 12 towns; "
        "random forest on features and coordinates, 5 folds. Truth: ROC-AUC of the forest fitted "
        "on all 400 rows, on all other cells.",
        target="bias at most half that of random folds, and a smaller mean absolute error",
        measured=f"bias {bias[1]:+.3f} (standard error {doubt[1]:.3f}) against {bias[0]:+.3f} "
        f"({doubt[0]:.3f}); mean absolute error {size[1]:.3f} against {size[0]:.3f}",
        passed=bool(passed),
        words="Random folds flatter. A negative bias of kNNDM is on the cautious side; its cause "
        "was not tested (a fold's model has a fifth fewer rows than the final one, which is one "
        "likely reason). The estimate of one world is still off by the mean absolute error.",
        table=[
            {"folds": name, "bias": round(b, 4), "standard_error": round(d, 4),
             "mean_absolute_error": round(m, 4)}
            for name, b, d, m in zip(("random", "kNNDM"), bias, doubt, size, strict=True)
        ],
    )  # fmt: skip
    assert passed
