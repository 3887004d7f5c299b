"""The risk model does what scikit-learn's tools ask of a classifier."""

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
from numpy.typing import NDArray
from sklearn.base import clone
from sklearn.calibration import CalibrationDisplay
from sklearn.compose import ColumnTransformer
from sklearn.model_selection import cross_val_predict, cross_val_score
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from minerisk.features.errors import InputError
from minerisk.models.estimators.estimators import LightGBMEnsemble, LogisticEnsemble
from minerisk.models.estimators.findings_encoder import FindingsEncoder
from minerisk.models.fitting.risk_classifier import RiskClassifier
from minerisk.models.folds import KNNDM, BlockKFold, BufferedKFold, LeaveRegionOut
from minerisk.models.risk_model import RiskModel

SMALL = LightGBMEnsemble(members=2, trees=8, min_cells_in_leaf=2, threads=1)
EXPECTED_FAILURES = {
    "check_sample_weight_equivalence_on_dense_data": (
        "a row of weight 0 still lies somewhere: it is held out and counts among the rows that "
        "folds are balanced by, and a row of weight 2 is not two places"
    ),
}


@parametrize_with_checks(
    [RiskClassifier(SMALL)], expected_failed_checks=lambda _: EXPECTED_FAILURES
)
@pytest.mark.filterwarnings("ignore:X has no columns easting:UserWarning")
def test_it_passes_the_checks_of_scikit_learn(estimator: RiskClassifier, check: object) -> None:
    check(estimator)  # type: ignore[operator]


def land(rows: int = 1_500) -> tuple[pd.DataFrame, NDArray[np.int64]]:
    rng = np.random.default_rng(3)
    X = pd.DataFrame(rng.uniform(0, 60_000, (rows, 2)), columns=["easting", "northing"])
    X["line_m"] = (X["easting"] - 30_000).abs()
    X["slope_deg"] = rng.uniform(0, 30, rows)
    return X, (rng.random(rows) < 0.6 * np.exp(-X["line_m"] / 6_000)).to_numpy().astype(np.int64)


@pytest.fixture(scope="module")
def fitted() -> RiskClassifier:
    X, y = land()
    return RiskClassifier(LogisticEnsemble(members=4)).fit(X, y)


def test_its_model_is_the_frozen_one_and_never_reads_where_a_row_lies(
    fitted: RiskClassifier,
) -> None:
    assert isinstance(fitted.model_, RiskModel)
    assert fitted.model_.features == ("line_m", "slope_deg")
    X, _ = land()
    moved = X.assign(easting=X["easting"] + 1e6)
    np.testing.assert_array_equal(fitted.predict_proba(X), fitted.predict_proba(moved))
    probability = fitted.model_.predict(X).probability
    np.testing.assert_allclose(fitted.predict_proba(X)[:, 1], probability)
    assert RiskModel.from_files(fitted.model_.to_files()).predict(X).probability.tolist() == (
        probability.tolist()
    )


def test_probabilities_of_rows_held_out_are_those_that_are_found(fitted: RiskClassifier) -> None:
    _, y = land()
    assert fitted.held_out_.mean() == pytest.approx(y.mean(), abs=0.02)
    top = fitted.held_out_ > np.quantile(fitted.held_out_, 0.8)
    assert fitted.held_out_[top].mean() == pytest.approx(y[top].mean(), abs=0.08)


def test_rows_are_held_out_in_whole_blocks_of_land(fitted: RiskClassifier) -> None:
    X, _ = land()
    places = X[["easting", "northing"]].to_numpy()
    near = np.linalg.norm(places[:, None] - places, axis=2) < 300
    same = fitted.fold_[:, None] == fitted.fold_
    assert same[near].mean() > 0.9
    assert same.mean() < 0.35


@pytest.mark.parametrize("seed", [4, 5])
def test_the_interval_is_learned_from_blocks_that_hold_positives(seed: int) -> None:
    # Of these two worlds the range of the labels is not found: blocks of one row each would tell
    # nothing of how blocks differ, and any interval would hold what is found in them.
    rng = np.random.default_rng(seed)
    X = pd.DataFrame(rng.uniform(0, 80_000, (3_000, 2)), columns=["easting", "northing"])
    X["line_m"] = (X["easting"] - 40_000).abs()
    block = (X["easting"] // 8_000 + 100 * (X["northing"] // 8_000)).astype(int)
    peculiar = dict(zip(block.unique(), rng.normal(0, 0.7, block.nunique()), strict=True))
    odds = np.exp(-0.5 - X["line_m"] / 8_000 + block.map(peculiar))
    y = (rng.random(3_000) < odds / (1 + odds)).to_numpy().astype(np.int64)
    model = RiskClassifier(LogisticEnsemble(members=4)).fit(X, y).model_
    scaler = model.interval
    assert scaler.blocks * 5 <= y.sum()
    columns = model.columns(X).to_numpy(dtype=np.float32)
    spread = model.members.log_odds(columns, threads=1).std(axis=1, ddof=1)
    assert np.quantile(scaler.log_odds_sd(spread), 0.05) > 0.25


@pytest.mark.parametrize(
    "folds",
    [
        BlockKFold(4, block_m=12_000),
        BufferedKFold(BlockKFold(4, block_m=12_000), buffer_m=1_000),
        KNNDM(4, target=np.array([[90_000.0, 30_000.0], [95_000.0, 20_000.0]])),
    ],
)
def test_splitters_find_easting_and_northing_in_a_table(folds: BlockKFold) -> None:
    X, y = land(600)
    model = RiskClassifier(LogisticEnsemble(members=2))
    scores = cross_val_score(model, X, y, cv=folds, scoring="roc_auc")
    assert (scores > 0.7).all()
    given = [test for _, test in folds.split(None, y, coordinates=X[["easting", "northing"]])]
    assert [test.tolist() for _, test in folds.split(X, y)] == [test.tolist() for test in given]


def test_whole_regions_are_left_out_inside_and_outside() -> None:
    X, y = land(800)
    region = (X["northing"] // 15_000).astype(int).to_numpy()
    model = RiskClassifier(LogisticEnsemble(members=2)).fit(X, y, groups=region)
    assert (pd.crosstab(model.fold_, region) > 0).sum(axis=1).tolist() == [1, 1, 1, 1]
    held = cross_val_predict(
        RiskClassifier(LogisticEnsemble(members=2)), X, y,
        cv=LeaveRegionOut(), groups=region, method="predict_proba",
    )  # fmt: skip
    assert held[y == 1, 1].mean() > 2 * held[y == 0, 1].mean()
    drawn = CalibrationDisplay.from_predictions(y, held[:, 1], n_bins=5, strategy="quantile")
    assert drawn.prob_true[-1] > 2 * drawn.prob_true[0]


def test_it_is_a_step_of_a_pipeline_and_can_be_cloned() -> None:
    X, y = land(600)
    scaled = ColumnTransformer(
        [("slope", StandardScaler(), ["slope_deg"])],
        remainder="passthrough", verbose_feature_names_out=False,
    ).set_output(transform="pandas")  # fmt: skip
    model = Pipeline([("scaled", scaled), ("risk", RiskClassifier(LogisticEnsemble(members=2)))])
    again = clone(model).set_params(risk__interval=0.5, risk__estimator__members=3).fit(X, y)
    assert again.named_steps["risk"].model_.interval.level == 0.5
    assert again.predict_proba(X).shape == (600, 2)


def test_a_geodataframe_says_where_rows_lie() -> None:
    X, y = land(400)
    points = gpd.points_from_xy(X.pop("easting"), X.pop("northing"), crs="EPSG:32638")
    frame = gpd.GeoDataFrame(X, geometry=points)
    model = RiskClassifier(LogisticEnsemble(members=2)).fit(frame, y)
    assert model.model_.features == ("line_m", "slope_deg")
    with pytest.raises(InputError, match="projected CRS"):
        RiskClassifier().fit(frame.to_crs("EPSG:4326"), y)


def test_a_table_without_coordinates_is_taken_with_a_warning() -> None:
    X, y = land(300)
    with pytest.warns(UserWarning, match="held out at random"):
        model = RiskClassifier(LogisticEnsemble(members=2)).fit(X[["line_m", "slope_deg"]], y)
    assert model.predict(X[["line_m", "slope_deg"]]).shape == (300,)
    with pytest.raises(InputError, match="known by where they are"):
        RiskClassifier(findings=FindingsEncoder()).fit(X[["line_m"]], y)


def test_a_row_without_any_feature_gets_no_class() -> None:
    X, y = land(300)
    model = RiskClassifier(LogisticEnsemble(members=2)).fit(X, y)
    blank = X.head(2).assign(line_m=np.nan, slope_deg=[np.nan, 3.0])
    assert np.isnan(model.predict_proba(blank)[:, 1]).tolist() == [True, False]
    with pytest.raises(InputError, match="1 rows have no feature"):
        model.predict(blank)


def test_folds_that_leave_rows_untested_are_refused() -> None:
    X, y = land(300)

    class Half:
        def split(self, X: object, y: object = None, groups: object = None) -> list[object]:
            return [(np.arange(150), np.arange(150, 300))]

    with pytest.raises(InputError, match="test 150 of 300 rows never"):
        RiskClassifier(LogisticEnsemble(members=2), folds=Half()).fit(X, y)


def test_the_likelier_class_is_named_as_it_came() -> None:
    X, y = land(300)
    model = RiskClassifier(LogisticEnsemble(members=2)).fit(X, np.where(y, "found", "nothing"))
    assert model.classes_.tolist() == ["found", "nothing"]
    near = model.predict_proba(X.assign(line_m=0.0))[:, 0].mean()
    assert near > model.predict_proba(X.assign(line_m=30_000.0))[:, 0].mean()
