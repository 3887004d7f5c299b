from functools import partial

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from sklearn.pipeline import Pipeline

from minerisk.features.errors import InputError
from minerisk.models.estimators.column_pipeline import risk_columns, risk_pipeline
from minerisk.models.estimators.estimators import LightGBMEnsemble, LogisticEnsemble
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.evaluation.assessment import assess, assess_regions
from minerisk.models.evaluation.measures import Measure
from minerisk.models.evaluation.out_of_fold_scores import (
    Drawing,
    Stated,
    calibrate_across_folds,
    draw_folds,
    grouped_importance,
    out_of_fold,
    out_of_fold_models,
)
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import BlockKFold
from minerisk.models.table import CellTable, draw_training_rows, permute_labels

BLOCK_M = 10_000.0
DRAWING = Drawing(negatives_per_positive=5.0, block_m=BLOCK_M, seed=3)


@pytest.fixture(scope="module")
def table() -> CellTable:
    """Clustered findings: each of 60 clusters is a place that `signal` half gives away."""
    rng = np.random.default_rng(5)
    places = rng.uniform(0, 100_000, size=(4_000, 2))
    centres = rng.uniform(0, 100_000, size=(60, 2))
    near = np.linalg.norm(places[:, None] - centres[None], axis=2).min(axis=1) < 2_500
    signal = near + rng.normal(scale=0.8, size=len(places))
    cells = pd.DataFrame(places, columns=["easting", "northing"])
    cells["signal"], cells["noise"] = signal, rng.normal(size=len(places))
    return CellTable(
        cells=cells,
        state=near.astype(np.int8),
        weight=np.ones(len(places), dtype=np.float32),
        region=(places[:, 0] // 25_000).astype(np.int32),
        cell_ha=25.0,
    )


def blocks(table: CellTable) -> Protocol:
    splitter = BlockKFold(4, block_m=BLOCK_M, seed=0)
    y = (table.state == 1).astype(int)
    return Protocol(
        ProtocolName.NEAR,
        Splitter.BLOCKS,
        list(splitter.split(y, y, coordinates=table.coordinates)),
    )


def make(findings: FindingsEncoder | None = None):
    return lambda _: risk_pipeline(
        ["signal", "noise"],
        findings=findings,
        classifier=LightGBMEnsemble(members=2, trees=30, min_cells_in_leaf=20),
    )


def test_every_row_is_scored_once_by_a_model_that_did_not_see_it(table: CellTable) -> None:
    protocol = blocks(table)
    out = out_of_fold(make(), table, protocol, drawing=DRAWING)
    assert np.isfinite(out.score).all()
    assert len(out.fitted) == 4
    assert roc_auc_score(table.state, out.score) > 0.7


def test_a_stated_pipeline_has_the_same_scores_and_no_land_is_copied_for_it(
    table: CellTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol, pipeline = blocks(table), make()(table)
    asked = out_of_fold(lambda _: pipeline, table, protocol, drawing=DRAWING)
    monkeypatch.delattr(CellTable, "take")
    stated = out_of_fold(Stated(pipeline), table, protocol, drawing=DRAWING)
    np.testing.assert_array_equal(stated.score, asked.score)


def test_models_that_share_their_columns_have_the_scores_of_each_by_itself(
    table: CellTable, monkeypatch: pytest.MonkeyPatch
) -> None:
    protocol = blocks(table)
    columns = risk_columns(["signal", "noise"], FindingsEncoder(block_m=BLOCK_M))
    classifiers = {
        "boosted": LightGBMEnsemble(members=2, trees=30, min_cells_in_leaf=20),
        "linear": LogisticEnsemble(members=2),
    }
    makers = {
        name: lambda _, own=one: Pipeline([("columns", columns), ("classifier", own)])
        for name, one in classifiers.items()
    }
    alone = {
        name: out_of_fold(make, table, protocol, drawing=DRAWING) for name, make in makers.items()
    }
    encoded = []
    fit = FindingsEncoder.fit
    monkeypatch.setattr(
        FindingsEncoder, "fit", lambda self, X, y: [encoded.append(len(X)), fit(self, X, y)][1]
    )
    drawn = draw_folds(table, protocol, DRAWING)
    rows = len(table.state)
    together = out_of_fold_models(makers, protocol, drawn, rows=rows, threads=2)
    assert len(encoded) == len(protocol.folds)
    for name, out in together.items():
        np.testing.assert_array_equal(out.score, alone[name].score)
        np.testing.assert_array_equal(out.spread, alone[name].spread)


def test_drawn_rows_stand_for_all_rows() -> None:
    state = np.r_[np.ones(50), np.zeros(5_000), -np.ones(300)].astype(np.int8)
    rows, weight = draw_training_rows(
        state,
        np.ones(len(state), dtype=np.float32),
        negatives_per_positive=4.0,
        rng=np.random.default_rng(0),
    )
    assert (state[rows] == 1).sum() == 50
    assert (state[rows] == 0).sum() == 200
    assert weight[state[rows] == 0].sum() == pytest.approx(5_000)
    assert (state[rows] >= 0).all()


def test_shuffled_labels_leave_no_skill(table: CellTable) -> None:
    shuffled = permute_labels(table, np.random.default_rng(1).permutation(len(table.state)))
    encoder = FindingsEncoder(block_m=BLOCK_M, radii_m=(3_000.0,))
    out = out_of_fold(make(encoder), shuffled, blocks(table), drawing=DRAWING)
    assert abs(roc_auc_score(shuffled.state, out.score) - 0.5) < 0.05


class LeakyEncoder(FindingsEncoder):
    """Knows every finding, held out or not: what must never happen."""

    everywhere: np.ndarray

    def fit(self, X: object, y: object) -> "LeakyEncoder":
        super().fit(X, y)
        self.findings_ = type(self).everywhere
        return self

    def fit_transform(self, X: object, y: object, **_: object) -> np.ndarray:
        return self.fit(X, y).transform(X)


def test_an_encoder_that_leaks_is_caught_by_shuffled_labels(table: CellTable) -> None:
    shuffled = permute_labels(table, np.random.default_rng(1).permutation(len(table.state)))
    LeakyEncoder.everywhere = shuffled.coordinates[shuffled.state == 1]
    leaky = LeakyEncoder(block_m=BLOCK_M, neighbours=(1,), radii_m=(3_000.0,))
    out = out_of_fold(make(leaky), shuffled, blocks(table), drawing=DRAWING)
    assert abs(roc_auc_score(shuffled.state, out.score) - 0.5) > 0.2


def test_the_feature_that_tells_is_the_important_one(table: CellTable) -> None:
    protocol = blocks(table)
    out = out_of_fold(make(), table, protocol, drawing=DRAWING)
    rows = grouped_importance(
        out,
        table,
        protocol,
        groups={"telling": ["signal"], "idle": ["noise"]},
        metric=lambda y, score: float(roc_auc_score(y, score)),
        rng=np.random.default_rng(0),
    )
    assert [row.family for row in rows] == ["telling", "idle"]
    assert rows[0].low > 0.1
    assert abs(rows[1].drop) < 0.05


def test_measures_come_with_intervals_that_hold_them(table: CellTable) -> None:
    protocol = blocks(table)
    out = out_of_fold(make(), table, protocol, drawing=DRAWING)
    measures = assess(out.score, table, protocol, block_m=BLOCK_M, kind="shrunk")
    y = (table.state == 1).astype(int)
    assert measures.roc_auc.value == pytest.approx(roc_auc_score(y, out.score))
    for name in (
        Measure.ROC_AUC,
        Measure.AVERAGE_PRECISION,
        Measure.FOUND_IN_TOP_20,
        Measure.BRIER,
    ):
        estimate, low, high = measures.by_measure()[name]
        assert low < estimate < high, name
    assert measures.calibration_slope.value == pytest.approx(1.0, abs=0.3)
    constant = assess(out.score, table, protocol, block_m=BLOCK_M, kind="shrunk", ranks=False)
    assert constant.calibration_slope.value is None  # that of a model that ranks nothing
    fold = protocol.fold_of_row(len(out.score))
    probability = calibrate_across_folds(out.score, y.astype(np.int8), fold, kind="shrunk")
    rows = assess_regions(out.score, probability, table, protocol)
    assert sum(row.cells for row in rows) == len(y)
    assert sum(row.positive for row in rows) == y.sum()


def test_each_model_meets_the_folds_in_their_order(table: CellTable) -> None:
    protocol, met = blocks(table), {"slow": [], "quick": []}

    def note(name: str, land: CellTable) -> Pipeline:
        met[name].append(len(land.state))
        return make(None)(land)

    makers = {name: partial(note, name) for name in met}
    found = out_of_fold_models(
        makers,
        protocol,
        draw_folds(table, protocol, DRAWING),
        rows=len(table.state),
        threads=3,
        keep={"slow"},
    )
    assert [len(found[name].fitted) for name in met] == [len(protocol.folds), 0]
    order = [len(train) for train, _ in protocol.folds]
    assert met == {"slow": order, "quick": order}
    assert np.isfinite(found["slow"].score).all()


def test_an_error_in_a_fold_ends_all(table: CellTable) -> None:
    protocol, begun = blocks(table), []

    def refuse(land: CellTable) -> Pipeline:
        begun.append(len(land.state))
        if len(begun) == 2:
            raise InputError("no more")
        return make(None)(land)

    drawn = draw_folds(table, protocol, DRAWING)
    with pytest.raises(InputError, match="no more"):
        out_of_fold_models({"": refuse}, protocol, drawn, rows=len(table.state), threads=2)
    assert len(begun) == 2
