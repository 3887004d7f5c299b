"""A model without some of its columns, against what averaging by hand gives."""

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.calibration.calibrators import LogisticCalibrator
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.elsewhere.transferred import DRAWS, TransferredModel, weights_of
from minerisk.models.estimators.members import LinearMembers
from minerisk.models.risk_model import RiskModel

NAMES = ["a", "b", "c"]
COEFFICIENTS = np.array([[1.0, -2.0, 0.5]])


@pytest.fixture(scope="module")
def trained() -> pd.DataFrame:
    rng = np.random.default_rng(3)
    return pd.DataFrame(rng.normal(size=(800, 3)).astype(np.float32), columns=NAMES)


@pytest.fixture(scope="module")
def model(trained: pd.DataFrame) -> RiskModel:
    folds = np.random.default_rng(4).integers(0, 4, len(trained))
    importance = {"a": 2.0, "b": 1.0, "c": 1.0}
    return RiskModel(
        features=tuple(NAMES),
        findings=None,
        members=LinearMembers(np.zeros(3), np.ones(3), COEFFICIENTS, np.array([-1.0])),
        calibrator=LogisticCalibrator().fit([0.1, 0.2, 0.6, 0.7], [0, 1, 0, 1]),
        applicability=Applicability.fit(trained, importance, folds, max_points=400),
        interval=IntervalScaler(0.9, 1.0, 0.2, 1.1),
    )


def test_a_lacking_column_counts_as_its_mean_over_training_places(model: RiskModel) -> None:
    cells = pd.DataFrame({"a": [0.0, 1.0], "c": [2.0, 0.0]}, dtype=np.float32)
    without = TransferredModel.of(model, ["b"], seed=1)
    assert without.draws.shape == (DRAWS, 1)
    expected = -1.0 + cells["a"] + 0.5 * cells["c"] - 2.0 * without.draws.mean()
    np.testing.assert_allclose(without.score(cells).log_odds, expected, rtol=1e-5)


def test_the_values_put_in_are_those_of_training(model: RiskModel, trained: pd.DataFrame) -> None:
    drawn = TransferredModel.of(model, ["b", "c"], seed=1).draws
    for row in drawn:
        gap = np.abs(trained[["b", "c"]].to_numpy() - row).max(axis=1)
        assert gap.min() < 1e-5


def test_with_every_column_scores_are_those_of_the_model(
    model: RiskModel, trained: pd.DataFrame
) -> None:
    whole = TransferredModel.of(model, [], seed=1).score(trained)
    plain = model.predict_columns(trained)
    np.testing.assert_array_equal(whole.probability.astype(np.float32), plain.probability)
    np.testing.assert_array_equal(whole.applicable, plain.applicable)


def test_the_area_without_a_column_is_that_fitted_without_it(trained: pd.DataFrame) -> None:
    folds = np.random.default_rng(5).integers(0, 4, len(trained))
    whole = Applicability.fit(trained, {"a": 2.0, "b": 1.0, "c": 1.0}, folds)
    left = Applicability.fit(trained[["a", "c"]], {"a": 2.0, "c": 1.0}, folds)
    without = whole.without(["b"])
    new = pd.DataFrame({"a": [0.0, 9.0], "c": [0.0, 0.0]}, dtype=np.float32)
    np.testing.assert_allclose(without.dissimilarity(new), left.dissimilarity(new), rtol=1e-5)
    ratio = without.threshold / left.threshold
    assert ratio == pytest.approx(1.0, rel=1e-5)


def test_training_values_come_back_with_their_gaps(trained: pd.DataFrame) -> None:
    gappy = trained.assign(b=trained["b"].where(trained["b"] > 0))
    area = Applicability.fit(
        gappy, dict.fromkeys(NAMES, 1.0), np.arange(len(gappy)) % 4, may_lack=["b"]
    )
    np.testing.assert_allclose(area.values(), gappy.to_numpy(), atol=1e-5)


def test_weights_add_up_to_one(model: RiskModel) -> None:
    assert sum(weights_of(model).values()) == pytest.approx(1.0)


def test_cells_that_lack_another_column_are_refused(model: RiskModel) -> None:
    with pytest.raises(InputError, match=r"lack \['c'\]"):
        TransferredModel.of(model, ["b"], seed=1).score(pd.DataFrame({"a": [1.0]}))
