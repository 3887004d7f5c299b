"""Labels permuted within blocks give no skill for any model; encoders that leak are caught."""

from collections.abc import Callable, Mapping
from functools import partial

import numpy as np
import pandas as pd
import pytest
from scipy.ndimage import gaussian_filter
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, TransformerMixin, clone
from sklearn.ensemble import RandomForestClassifier
from sklearn.pipeline import Pipeline

from minerisk.models.estimators.column_pipeline import risk_pipeline
from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.estimators import (
    LightGBMEnsemble,
    LogisticEnsemble,
)
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.evaluation.out_of_fold_scores import Drawing, out_of_fold
from minerisk.models.evaluation.permutation import (
    blocks_within_folds,
    permute_labels_within,
    within_block_auc,
)
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import BlockKFold
from minerisk.models.selection.leakage import moved_by_own_labels
from minerisk.models.table import COORDINATES, CellTable

SIDE, CELL_M, BLOCK_M = 56, 500.0, 7_000.0
WORLDS, PERMUTATIONS, LEVEL = 40, 3, 0.9
FEATURES = ["front_line_distance_m", "smooth", "rough"]


class LeakyEncoder(TransformerMixin, BaseEstimator):
    """Distance to the nearest finding *of the whole table*: what a careless pipeline does.

    With `self_excluded` a cell does not see itself, which is often taken for a remedy.
    """

    columns = COORDINATES

    def __init__(self, findings: np.ndarray, *, self_excluded: bool = False) -> None:
        self.findings = findings
        self.self_excluded = self_excluded

    def fit(self, X: object, y: object = None) -> "LeakyEncoder":
        self.fitted_ = True
        return self

    def transform(self, X: object) -> np.ndarray:
        cells = np.asarray(X, dtype=float)
        distance, _ = cKDTree(self.findings).query(cells, k=2)
        itself = self.self_excluded & (distance[:, 0] == 0)
        return np.where(itself, distance[:, 1], distance[:, 0])[:, None].astype(np.float32)

    def get_feature_names_out(self, input_features: object = None) -> np.ndarray:
        return np.array(["leak_distance_m"], dtype=object)


def world(seed: int) -> CellTable:
    """A square of land with a front across it; finds cluster near the front."""
    rng = np.random.default_rng(seed)
    row, column = np.divmod(np.arange(SIDE**2), SIDE)
    cells = pd.DataFrame({"easting": column * CELL_M, "northing": row * CELL_M})
    line = SIDE * CELL_M * (0.5 + 0.2 * np.sin(column / 9 + rng.uniform(0, 6)))
    cells["front_line_distance_m"] = np.abs(cells["northing"] - line)
    for name, width in (("smooth", 5), ("rough", 0.8)):
        cells[name] = gaussian_filter(rng.normal(size=(SIDE, SIDE)), width).ravel() * width
    hidden = gaussian_filter(rng.normal(size=(SIDE, SIDE)), 3).ravel() * 8
    drivers = cells["smooth"] - cells["front_line_distance_m"] / 4_000
    logit = drivers.to_numpy() + hidden - 1.5
    state = (rng.random(SIDE**2) < 1 / (1 + np.exp(-logit))).astype(np.int8)
    ones = np.ones(SIDE**2, dtype=np.float32)
    return CellTable(cells, state, ones, np.zeros(SIDE**2, dtype=np.int32), 25.0)


def near(table: CellTable) -> Protocol:
    splitter = BlockKFold(4, block_m=BLOCK_M, seed=0)
    folds = list(splitter.split(table.cells, table.state, coordinates=table.coordinates))
    return Protocol(ProtocolName.NEAR, Splitter.BLOCKS, folds)


def pipelines(encoder: BaseEstimator) -> Mapping[str, Callable[..., Pipeline]]:
    lightgbm = LightGBMEnsemble(members=1, trees=30, min_cells_in_leaf=30, seed=1, threads=1)
    forest = RandomForestClassifier(30, min_samples_leaf=20, n_jobs=1, random_state=1)
    logistic = LogisticEnsemble(members=1, seed=1)
    rule = DistanceRule([FEATURES[0]])
    made = {
        "lightgbm": risk_pipeline(FEATURES, findings=encoder, classifier=lightgbm),
        "random_forest": risk_pipeline(FEATURES, findings=encoder, classifier=forest),
        "logistic_regression": risk_pipeline(FEATURES, findings=encoder, classifier=logistic),
        "distance_rule": risk_pipeline(FEATURES, findings=None, classifier=rule),
    }
    return {name: partial(fresh, pipeline) for name, pipeline in made.items()}


def fresh(pipeline: Pipeline, table: CellTable | None = None) -> Pipeline:
    return clone(pipeline)


def honest(table: CellTable) -> FindingsEncoder:
    return FindingsEncoder(block_m=3_500, neighbours=(1, 5), radii_m=(3_000,), cap_m=15_000)


def leaky(table: CellTable) -> LeakyEncoder:
    return LeakyEncoder(table.coordinates[table.state == 1])


def leaky_but_for_itself(table: CellTable) -> LeakyEncoder:
    return LeakyEncoder(table.coordinates[table.state == 1], self_excluded=True)


def permuted_auc(
    seed: int,
    name: str,
    encoder: Callable[[CellTable], BaseEstimator],
    permutations: int = PERMUTATIONS,
) -> tuple[float, float, float]:
    """Within-block ROC-AUC of one model in one world, over permutations, with its interval."""
    table = world(seed)
    protocol = near(table)
    blocks = blocks_within_folds(table, protocol, block_m=BLOCK_M / 2)
    rng = np.random.default_rng([seed, 1])
    labels, scores = [], []
    for _ in range(permutations):
        dealt = permute_labels_within(table, blocks, rng)
        make = pipelines(encoder(dealt))[name]
        out = out_of_fold(make, dealt, protocol, drawing=Drawing(8.0, BLOCK_M, seed))
        labels.append(dealt.state)
        scores.append(out.score)
    return within_block_auc(labels, scores, blocks, seed=seed, level=LEVEL)


def moved(seed: int, name: str, encoder: Callable[[CellTable], BaseEstimator]) -> float:
    """Share of a held-out fold's scores that its own labels change, as a run measures it."""
    table = world(seed)
    return moved_by_own_labels(
        table,
        near(table),
        lambda land: pipelines(encoder(land))[name],
        drawing=Drawing(8.0, BLOCK_M, seed),
    )


@pytest.mark.parametrize(
    "name", ["lightgbm", "random_forest", "logistic_regression", "distance_rule"]
)
def test_a_folds_own_labels_change_no_score_of_it(name):
    assert moved(0, name, honest) == 0


@pytest.mark.parametrize("encoder", [leaky, leaky_but_for_itself])
def test_turning_a_folds_labels_shows_either_leak(encoder):
    assert moved(0, "lightgbm", encoder) > 0.1


def test_encoders_that_leak_are_caught_in_one_world():
    _, low, _ = permuted_auc(3, "lightgbm", leaky)
    assert low > 0.5
    # A positive cell that leaves itself out sees one find fewer than its neighbours: ranked last.
    _, _, high = permuted_auc(3, "lightgbm", leaky_but_for_itself, 12)
    assert high < 0.5


@pytest.mark.validity
def test_labels_permuted_within_blocks_give_no_skill_for_any_model(record_validity):
    rows, missed = [], []
    names = list(pipelines(honest(world(0))))
    for name in names:
        found = np.array([permuted_auc(seed, name, honest) for seed in range(WORLDS)])
        mean = found[:, 0].mean()
        error = found[:, 0].std(ddof=1) / np.sqrt(WORLDS)
        covered = ((found[:, 1] <= 0.5) & (found[:, 2] >= 0.5)).mean()
        low, high = mean - 2.7 * error, mean + 2.7 * error  # 99 %, Student, 40 worlds
        rows.append(
            {
                "model": name,
                "within-block ROC-AUC, mean of worlds": mean,
                "low": low,
                "high": high,
                "worlds whose 90 % interval covers 0.5": covered,
            }
        )
        if not (low <= 0.5 <= high) or covered < 0.775:
            missed.append(name)
    record_validity(
        "leakage_permuted",
        title="Labels permuted within blocks give no skill",
        claim="No model ranks the cells of a held-out block better than chance when labels are "
        "permuted within blocks.",
        protocol=f"{WORLDS} SIMULATED squares of {SIDE}×{SIDE} cells, {PERMUTATIONS} permutations"
        " each, 4 folds of 7 km blocks, permuted within 3.5 km blocks; findings encoder "
        "cross-fitted; pairs of a positive and a negative of one block only, so that knowing which "
        "blocks hold more finds is no skill.",
        target="0.5 inside the 99 % interval over worlds for every model; the 90 % interval of one "
        "world covers 0.5 in at least 31 of 40 worlds",
        measured="; ".join(f"{row['model']} {list(row.values())[1]:.3f}" for row in rows),
        passed=not missed,
        words="Of 40 intervals that are right 90 % of the time, 31 or more cover 0.5 with a chance "
        "of 99 %." + (f" Missed: {', '.join(missed)}." if missed else ""),
        table=rows,
        figure={
            "x": names,
            "y": [row["within-block ROC-AUC, mean of worlds"] for row in rows],
            "low": [row["low"] for row in rows],
            "high": [row["high"] for row in rows],
            "xlabel": "model",
            "ylabel": "within-block ROC-AUC, labels permuted",
            "kind": "points",
            "reference": 0.5,
        },
    )
    assert not missed


def caught(encoder: Callable[[CellTable], BaseEstimator], permutations: int) -> dict[str, float]:
    """In how many of ten worlds LightGBM's 90 % interval leaves 0.5 out, on either side."""
    found = [permuted_auc(seed, "lightgbm", encoder, permutations) for seed in range(10)]
    value, low, high = np.array(found).T
    return {
        "permutations": permutations,
        "within-block ROC-AUC": float(value.mean()),
        "caught in worlds": float(((low > 0.5) | (high < 0.5)).mean()),
    }


FALSE_ALARMS = (
    "An honest encoder leaves a 90 % interval by chance in about one world in ten (see the "
    "permuted labels); `minerisk.models.selection.leakage` therefore asks for a 99 % interval."
)


@pytest.mark.validity
def test_an_encoder_that_leaks_is_caught_in_every_world(record_validity):
    row = caught(leaky, 6)
    passed = row["caught in worlds"] == 1.0
    record_validity(
        "leakage_caught",
        title="An encoder that leaks is caught",
        claim="A distance to findings built from all labels, held-out ones included, shows on "
        "labels permuted within blocks.",
        protocol="10 SIMULATED worlds as for permuted labels, 6 permutations each, LightGBM; "
        "caught: the 90 % interval of the within-block ROC-AUC does not cover 0.5.",
        target="caught in every world",
        measured=f"{row['caught in worlds']:.0%} of worlds",
        passed=passed,
        words=FALSE_ALARMS,
        table=[row],
    )
    assert passed


@pytest.mark.validity
def test_an_encoder_that_leaves_out_only_the_cell_is_caught(record_validity):
    rows = [caught(leaky_but_for_itself, permutations) for permutations in (6, 20)]
    shares = [row["caught in worlds"] for row in rows]
    turned = np.array([moved(seed, "lightgbm", leaky_but_for_itself) for seed in range(10)])
    innocent = np.array([moved(seed, "lightgbm", honest) for seed in range(10)])
    passed = bool((turned > 0).all() and (innocent == 0).all())
    record_validity(
        "leakage_caught_subtle",
        title="A subtler leak is caught",
        claim="A distance to findings built from all labels but the cell's own shows too: the "
        "scores of a fold change when its own labels are turned around.",
        protocol="10 SIMULATED worlds as for permuted labels, LightGBM; the fold with the most "
        "finds is scored twice, the second time with each of its labels turned. Caught: any score "
        "differs. `minerisk.models.selection.leakage.moved_by_own_labels`, as in every run.",
        target="caught in every world, and an honest encoder in none",
        measured=f"{(turned > 0).mean():.0%} of worlds, an honest encoder in "
        f"{(innocent > 0).mean():.0%}; by permuted labels alone {shares[0]:.0%} with 6 "
        f"permutations, {shares[1]:.0%} with 20",
        passed=passed,
        words="Leaving out only the cell itself is no remedy: a positive cell then sees one find "
        "fewer than its neighbours, and is ranked below them (ROC-AUC under 0.5). Permuted labels "
        "show it on one side of 0.5 or the other, but chance can hide it; turning a fold's labels "
        "has no chance in it, since models are deterministic. "
        f"In the median world {np.median(turned):.0%} of the scores change. " + FALSE_ALARMS,
        table=rows,
    )
    assert passed
