import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.calibration.calibrators import LogisticCalibrator
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.calibration.score_bins import logit
from minerisk.models.estimators.column_pipeline import risk_pipeline
from minerisk.models.estimators.distance_rule import DistanceRule
from minerisk.models.estimators.estimators import (
    LightGBMEnsemble,
    LogisticEnsemble,
)
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.evaluation.out_of_fold_scores import Drawing, fit_pipeline
from minerisk.models.risk_model import RiskModel, SilentLand, assemble
from minerisk.models.table import CellTable

FEATURES = ["a", "b"]


def table(n: int = 1_200) -> CellTable:
    rng = np.random.default_rng(1)
    cells = pd.DataFrame(
        {
            "easting": rng.uniform(0, 60_000, n),
            "northing": rng.uniform(0, 60_000, n),
            "a": rng.normal(size=n),
            "b": rng.normal(size=n),
        }
    ).astype({"a": np.float32, "b": np.float32})
    found = rng.random(n) < 1 / (1 + np.exp(2 - 2 * cells["a"]))
    return CellTable(
        cells=cells,
        state=found.to_numpy().astype(np.int8),
        weight=np.ones(n, dtype=np.float32),
        region=np.zeros(n, dtype=np.int32),
        cell_ha=6.25,
    )


def trained(classifier: object) -> RiskModel:
    cells = table()
    pipeline = risk_pipeline(
        FEATURES, findings=FindingsEncoder(block_m=20_000.0), classifier=classifier
    )
    pipeline = fit_pipeline(pipeline, cells, drawing=Drawing(8.0, 20_000.0, 0))
    score = pipeline.predict_proba(cells.cells)[:, 1]
    columns = pipeline[:-1].transform(cells.cells)
    folds = (cells.coordinates[:, 0] // 20_000).astype(int)
    return assemble(
        pipeline,
        features=FEATURES,
        calibrator=LogisticCalibrator().fit(score, cells.state),
        applicability=Applicability.fit(columns, dict.fromkeys(columns, 1.0), folds),
        interval=IntervalScaler(0.9, 1.0, 0.2, 1.1),
        profile=ErrorProfile(
            np.array([0.0, 0.1]), np.array([-0.2, 0.3]), np.array([0.0, 50.0]), np.array([0.1, 0.0])
        ),
    )


@pytest.fixture(scope="module")
def model() -> RiskModel:
    return trained(LightGBMEnsemble(members=4, kind="both", trees=25, min_cells_in_leaf=20))


LINEAR = LogisticEnsemble(members=3)
DAMAGED = [
    (LINEAR, b'"intercepts": [', b'"intercepts": [1, 2, 3, 4, ', "wrong shape"),
    (DistanceRule(["a"]), b'"columns": [', b'"columns": [9, ', "expected columns among"),
]


@pytest.mark.parametrize("classifier", [LINEAR, DistanceRule(["a"]), DistanceRule(["a", "b"])])
def test_a_model_of_few_numbers_is_kept_and_gives_the_same_bits(classifier: object) -> None:
    model = trained(classifier)
    cells, again = table().cells, RiskModel.from_files(model.to_files())
    whole = model.predict(cells)
    np.testing.assert_array_equal(whole.probability, again.predict(cells).probability)
    one = model.predict(cells.iloc[7:8])
    assert one.probability[0] == whole.probability[7]
    assert (whole.lower <= whole.probability).all()


@pytest.mark.parametrize(("classifier", "stored", "damaged", "words"), DAMAGED)
def test_a_model_of_few_numbers_that_are_damaged_is_refused(
    classifier: object, stored: bytes, damaged: bytes, words: str
) -> None:
    files = trained(classifier).to_files()
    spoilt = {"members.json": files["members.json"].replace(stored, damaged)}
    with pytest.raises(InputError, match=words):
        RiskModel.from_files(files | spoilt)


def test_the_interval_holds_the_probability(model: RiskModel) -> None:
    found = model.predict(table().cells)
    assert (found.lower <= found.probability).all()
    assert (found.probability <= found.upper).all()
    assert ((found.lower >= 0) & (found.upper <= 1)).all()


def test_a_saved_model_gives_the_same_bits(model: RiskModel) -> None:
    again = RiskModel.from_files(model.to_files())
    cells = table().cells
    for before, after in zip(
        vars(model.predict(cells)).values(), vars(again.predict(cells)).values(), strict=True
    ):
        np.testing.assert_array_equal(before, after)
    assert again.to_files() == model.to_files()


def test_rows_are_answered_one_by_one_as_together(model: RiskModel) -> None:
    cells = table().cells[:60]
    whole = model.predict(cells).probability
    parts = [model.predict(cells.iloc[row : row + 1]).probability[0] for row in range(60)]
    np.testing.assert_array_equal(whole, parts)


def test_a_cell_without_any_feature_has_no_probability_and_cannot_be_told(
    model: RiskModel,
) -> None:
    cells = table().cells[:2].copy()
    cells.loc[cells.index[0], FEATURES] = np.nan
    found = model.predict(cells)
    assert np.isnan(found.probability[0])
    assert not found.applicable[0]
    assert np.isfinite(found.probability[1])


def test_novel_land_is_not_applicable(model: RiskModel) -> None:
    cells = table().cells[:5].copy()
    cells["a"] = np.float32(500.0)
    assert not model.predict(cells).applicable.any()


def test_the_error_to_be_expected_follows_the_profile_where_the_model_can_say(
    model: RiskModel,
) -> None:
    cells = table().cells[:200].copy()
    cells.loc[cells.index[0], "a"] = np.float32(500.0)
    found = model.predict(cells)
    by_hand = np.interp(found.dissimilarity, [0, 0.1], [-0.2, 0.3])
    by_hand += np.interp(found.density, [0, 50], [0.1, 0.0])
    by_hand[~found.applicable] = np.nan
    np.testing.assert_allclose(found.expected_error, by_hand, atol=1e-6)
    assert np.isnan(found.expected_error[0])
    assert found.density[0] == 0
    assert found.density[1:].max() > 0


def test_a_model_of_old_without_a_profile_tells_no_error(model: RiskModel) -> None:
    files = model.to_files()
    record = json.loads(files["model.json"])
    del record["profile"]
    old = RiskModel.from_files(files | {"model.json": json.dumps(record).encode()})
    assert np.isnan(old.predict(table().cells[:5]).expected_error).all()


def test_a_missing_feature_is_named(model: RiskModel) -> None:
    with pytest.raises(InputError, match="lack"):
        model.predict(table().cells.drop(columns="b"))


def test_an_incomplete_or_foreign_model_is_refused(model: RiskModel) -> None:
    files = model.to_files()
    for name in ("model.json", "members.json", "member_00.lgb"):
        with pytest.raises(InputError):
            RiskModel.from_files({key: value for key, value in files.items() if key != name})
    with pytest.raises(InputError, match="format"):
        RiskModel.from_files(files | {"model.json": b'{"format": 99}'})


def test_no_file_is_a_pickle(model: RiskModel) -> None:
    files = model.to_files()
    assert {name.rsplit(".", 1)[1] for name in files} == {"lgb", "json", "parquet"}
    assert not any(content.startswith(b"\x80") for content in files.values())


def test_where_a_layer_is_silent_the_interval_is_that_of_such_land(model: RiskModel) -> None:
    """By hand: log-odds of the probability, more and less by 1.645 standard deviations."""
    told = replace(model, silent=SilentLand(("b",), IntervalScaler(0.9, 0.0, 1.0, 1.0)))
    cells = table().cells.copy()
    silent = np.arange(len(cells)) % 3 == 0
    cells.loc[silent, "b"] = np.nan
    found, before = told.predict(cells), model.predict(cells)
    np.testing.assert_array_equal(found.probability, before.probability)
    np.testing.assert_array_equal(found.upper[~silent], before.upper[~silent])
    centre = logit(found.probability[silent].astype(np.float64))
    np.testing.assert_allclose(found.upper[silent], expit(centre + 1.6449), rtol=1e-4)
    np.testing.assert_allclose(found.lower[silent], expit(centre - 1.6449), rtol=1e-4)
    again = RiskModel.from_files(told.to_files()).predict(cells)
    np.testing.assert_array_equal(again.upper, found.upper)


@pytest.mark.parametrize("columns", ['["nothing"]', "[]"])
def test_an_interval_of_land_that_the_model_does_not_know_is_refused(
    model: RiskModel, columns: str
) -> None:
    told = replace(model, silent=SilentLand(("b",), IntervalScaler(0.9)))
    files = told.to_files()
    record = json.loads(files["model.json"])
    record["silent"]["columns"] = json.loads(columns)
    files["model.json"] = json.dumps(record).encode()
    with pytest.raises(InputError, match="silent land"):
        RiskModel.from_files(files)
