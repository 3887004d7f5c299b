"""Training as a plain script of the field does it, with scikit-learn, LightGBM and Optuna.

The same folds, settings, trials, members, baselines, calibration and draws of blocks as
`minerisk train` has; libraries are called as their documentation shows, rows are drawn by weights.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import lightgbm as lgb
import numpy as np
import optuna
from numpy.typing import NDArray
from sklearn.ensemble import RandomForestClassifier
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import average_precision_score, brier_score_loss, log_loss, roc_auc_score
from sklearn.model_selection import GroupKFold
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

Array = NDArray[np.float64]
Rows = NDArray[np.int64]
Settings = Mapping[str, Any]
Space = Mapping[str, Sequence[Any]]


@dataclass(frozen=True)
class Land:
    """Labelled cells as arrays: features, labels, region and block of each row."""

    X: NDArray[np.float32]
    y: Rows
    region: Rows
    block: Rows

    def take(self, rows: Rows) -> "Land":
        """Return some of the rows."""
        return Land(self.X[rows], self.y[rows], self.region[rows], self.block[rows])


def measure_plainly(
    land: Land,
    folds: Sequence[tuple[Rows, Rows]],
    space: Space,
    *,
    trials: int,
    inner_folds: int,
    members: int,
    negatives: float,
    draws: int,
    seed: int,
) -> dict[str, dict[str, tuple[float, float, float]]]:
    """Score three models on folds, calibrate them, and measure them with intervals."""
    scores = {name: np.empty(len(land.y)) for name in ("model", "forest", "logistic")}
    for train, test in folds:
        part = land.take(train)
        best = search(part, space, trials=trials, inner_folds=inner_folds, seed=seed)
        rows, weight = draw(part.y, negatives, np.random.default_rng(seed))
        drawn, X = part.take(rows), land.X[test]
        scores["model"][test] = fit_members(drawn, weight, best, members, seed, X)
        forest = RandomForestClassifier(
            100, min_samples_leaf=50, max_features="sqrt", random_state=seed
        )
        forest.fit(drawn.X, drawn.y, sample_weight=weight)
        scores["forest"][test] = forest.predict_proba(X)[:, 1]
        scores["logistic"][test] = fit_logistic(drawn, weight).predict_proba(X)[:, 1]
    fold = np.empty(len(land.y), dtype=np.int64)
    for number, (_, test) in enumerate(folds):
        fold[test] = number
    return {name: intervals(land, score, fold, draws, seed) for name, score in scores.items()}


def search(land: Land, space: Space, *, trials: int, inner_folds: int, seed: int) -> dict[str, Any]:
    """Choose settings by Optuna on groups of regions inside the training land."""
    folds = list(GroupKFold(inner_folds).split(land.X, land.y, land.region))

    def objective(trial: optuna.Trial) -> float:
        settings = {name: trial.suggest_categorical(name, v) for name, v in space.items()}
        score = np.empty(len(land.y))
        for train, test in folds:
            rows, weight = draw(land.y[train], 8.0, np.random.default_rng(seed))
            part = land.take(train[rows])
            score[test] = fit_members(part, weight, settings, 4, seed, land.X[test])
        return float(
            roc_auc_score(land.y, score)
            + average_precision_score(land.y, score)
            + found_in_top(land.y, score, np.ones(len(score)))
        )

    study = optuna.create_study(
        direction="maximize", sampler=optuna.samplers.TPESampler(seed=seed, n_startup_trials=4)
    )
    for kind in space["kind"]:
        study.enqueue_trial({name: values[0] for name, values in space.items()} | {"kind": kind})
    study.optimize(objective, n_trials=trials)
    return study.best_params


def draw(y: Rows, negatives: float, rng: np.random.Generator) -> tuple[Rows, Array]:
    """Draw all positives, some negatives, and the weights that undo the drawing."""
    positive, negative = np.flatnonzero(y == 1), np.flatnonzero(y == 0)
    wanted = min(len(negative), round(negatives * len(positive)))
    rows = np.sort(np.r_[positive, rng.choice(negative, wanted, replace=False)])
    return rows, np.where(y[rows] == 1, 1.0, len(negative) / wanted)


def fit_members(
    land: Land, weight: Array, settings: Settings, members: int, seed: int, X: NDArray[np.float32]
) -> Array:
    """Fit each member on blocks drawn with replacement, and return their mean score."""
    rng = np.random.default_rng(seed)
    names, block = np.unique(land.block, return_inverse=True)
    log_odds = []
    for member in range(members):
        times = np.bincount(rng.integers(len(names), size=len(names)), minlength=len(names))
        own = weight * times[block]
        kept = np.flatnonzero(own)
        part, own = land.take(kept), own[kept]
        if settings["kind"] == "logistic":
            log_odds.append(fit_logistic(part, own).decision_function(X))
            continue
        forest = settings["kind"] == "forest" or (settings["kind"] == "both" and member % 2 == 1)
        parameters = (
            {"boosting": "rf", "objective": "regression", "num_leaves": 64, "bagging_freq": 1,
             "min_data_in_leaf": 100, "bagging_fraction": 0.632, "feature_fraction_bynode": 0.5}
            if forest else
            {"objective": "binary", "num_leaves": settings["leaves"], "lambda_l2": 10.0,
             "min_data_in_leaf": settings["min_cells_in_leaf"], "feature_fraction": 0.5,
             "learning_rate": 0.04, "bagging_fraction": 0.7, "bagging_freq": 1}
        )  # fmt: skip
        booster = lgb.train(
            parameters | {"seed": seed + member, "verbosity": -1, "num_threads": 1},
            lgb.Dataset(part.X, part.y, weight=own),
            60 if forest else settings["trees"],
        )
        raw = booster.predict(X, raw_score=True, num_threads=1)
        log_odds.append(log_odds_of(raw) if forest else raw)
    return 1.0 / (1.0 + np.exp(-np.mean(log_odds, axis=0)))


def fit_logistic(land: Land, weight: Array) -> Any:
    """Fit a logistic regression on standardised columns."""
    model = make_pipeline(StandardScaler(), LogisticRegression(max_iter=500))
    return model.fit(land.X, land.y, logisticregression__sample_weight=weight)


def intervals(
    land: Land, score: Array, fold: Rows, draws: int, seed: int
) -> dict[str, tuple[float, float, float]]:
    """Calibrate each fold by the others, and measure on blocks drawn with replacement."""
    p = np.empty(len(score))
    for number in np.unique(fold):
        others, own = fold != number, fold == number
        curve = LogisticRegression(C=np.inf)
        curve.fit(log_odds_of(score[others])[:, None], land.y[others])
        p[own] = curve.predict_proba(log_odds_of(score[own])[:, None])[:, 1]
    measured = partial(measure, land.y, score, p)
    exact = measured(np.ones(len(p)))
    names, block = np.unique(land.block, return_inverse=True)
    rng = np.random.default_rng(seed)
    times = rng.multinomial(len(names), np.full(len(names), 1 / len(names)), size=draws)
    drawn = [measured(one[block].astype(float)) for one in times]
    return {
        name: (value, *np.quantile([one[name] for one in drawn], (0.05, 0.95)))
        for name, value in exact.items()
    }


def measure(y: Rows, score: Array, p: Array, weight: Array) -> dict[str, float]:
    """Measure ranking and probabilities of rows that count so often."""
    kept = weight > 0
    y, score, p, weight = y[kept], score[kept], p[kept], weight[kept]
    curve = LogisticRegression(C=np.inf).fit(log_odds_of(p)[:, None], y, sample_weight=weight)
    return {
        "roc_auc": roc_auc_score(y, score, sample_weight=weight),
        "average_precision": average_precision_score(y, score, sample_weight=weight),
        "found_in_top_20": found_in_top(y, score, weight),
        "brier": brier_score_loss(y, p, sample_weight=weight),
        "log_loss": log_loss(y, p, sample_weight=weight),
        "calibration_slope": float(curve.coef_[0, 0]),
    }


def found_in_top(y: Rows, score: Array, weight: Array, share: float = 0.2) -> float:
    """Return the share of positives in the land with the highest scores."""
    order = np.argsort(-score)
    land, found = np.cumsum(weight[order]), np.cumsum((weight * y)[order])
    return float(np.interp(share * land[-1], land, found) / found[-1])


def log_odds_of(p: Array) -> Array:
    """Return the log-odds of probabilities."""
    clipped = np.clip(p, 1e-7, 1 - 1e-7)
    return np.log(clipped / (1 - clipped))
