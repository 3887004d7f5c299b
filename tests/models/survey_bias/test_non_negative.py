import lightgbm as lgb
import numpy as np
import pytest
from scipy.special import expit, logit
from sklearn.base import clone

from minerisk.features.errors import InputError
from minerisk.models.survey_bias.non_negative import NonNegativePU, non_negative_gradient
from minerisk.models.trees.check import checked_trees


def risk(score: np.ndarray, y: np.ndarray, weight: np.ndarray) -> tuple[float, float]:
    """Give the risk of positives as such, and that of land that holds nothing (Kiryo eq. 6)."""
    positive, unlabelled = y == 1, y == 0
    as_positive = (weight * np.log1p(np.exp(-score)))[positive].sum()
    as_negative = weight * np.log1p(np.exp(score))
    return as_positive, as_negative[unlabelled].sum() - as_negative[positive].sum()


def by_differences(of, score: np.ndarray) -> np.ndarray:  # type: ignore[no-untyped-def]
    step = 1e-5 * np.eye(len(score))
    return np.array([(of(score + d) - of(score - d)) / 2e-5 for d in step])


def test_the_slope_is_that_of_the_risk() -> None:
    y, weight = np.array([1, 1, 0, 0, 0]), np.array([0.3, 0.6, 1, 1, 1])
    score = np.array([0.2, -1.0, 0.5, -0.4, -2.0])
    slope, curvature = non_negative_gradient(score, y, weight)
    assert risk(score, y, weight)[1] > 0
    expected = by_differences(lambda s: sum(risk(s, y, weight)), score)
    np.testing.assert_allclose(slope, expected, atol=1e-8)
    assert (curvature > 0).all()


def test_a_negative_risk_of_empty_land_is_taken_back() -> None:
    y, weight = np.array([1, 1, 0, 0, 0]), np.array([0.3, 0.6, 1, 1, 1])
    score = np.array([4.0, 5.0, -3.0, -4.0, -2.0])
    assert risk(score, y, weight)[1] < 0
    slope, _ = non_negative_gradient(score, y, weight)
    expected = by_differences(lambda s: -risk(s, y, weight)[1], score)
    np.testing.assert_allclose(slope, expected, atol=1e-8)


def made_up(n: int = 8_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    p = expit(-3.0 + 1.5 * X[:, 0])
    truth = rng.random(n) < p
    return X, p, truth, (truth & (rng.random(n) < 0.4)).astype(int)


def test_probabilities_are_recovered_with_the_true_prior() -> None:
    X, p, truth, y = made_up()
    model = NonNegativePU(float(truth[y == 0].mean()), trees=60).fit(X, y)
    found = model.predict_proba(X)[:, 1]
    # What is asked is the chance among unlabelled cells.
    assert np.abs(found - 0.6 * p / (1 - 0.4 * p)).mean() < 0.03
    assert found[y == 0].mean() == pytest.approx(truth[y == 0].mean(), rel=1e-6)
    np.testing.assert_array_equal(model.predict(X), found > 0.5)


def test_a_flexible_model_is_kept_from_splitting_labels_from_the_rest() -> None:
    rng = np.random.default_rng(1)
    X = rng.normal(size=(2_000, 6))
    y = (rng.random(len(X)) < 0.1).astype(int)
    tall = NonNegativePU(0.3, trees=400, leaves=31, min_cells_in_leaf=5, l2=0.1, row_share=1.0)
    # The score the trees were taught with, before they were set to the prior.
    score = tall.fit(X, y).decision_function(X) - tall.intercept_ + logit(0.3)
    weight = np.where(y == 1, 0.3 * (y == 0).sum() / (y == 1).sum(), 1.0)
    per_cell = risk(score, y, weight)[1] / (y == 0).sum()
    # Without the correction the same trees bring it far below 0.
    assert per_cell > -0.05


def test_labels_that_are_likelier_in_places_are_undone() -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20_000, 2))
    p = expit(-2.5 + X[:, 0])
    truth, chance = rng.random(len(X)) < p, expit(X[:, 1]).clip(0.05)
    y = (truth & (rng.random(len(X)) < chance)).astype(int)
    model = NonNegativePU(float(truth[y == 0].mean()), trees=40)
    unlabelled = p * (1 - chance) / (1 - p * chance)  # Bayes
    blind = model.fit(X, y).predict_proba(X)[:, 1]
    told = clone(model).fit(X, y, labelling_chance=chance).predict_proba(X)[:, 1]
    assert np.abs(told - unlabelled).mean() < 0.6 * np.abs(blind - unlabelled).mean()


def test_the_text_of_the_trees_and_the_intercept_are_the_model() -> None:
    X, _, _, y = made_up(1_500)
    X[::50, 1] = np.nan
    model = NonNegativePU(0.1, trees=10, seed=3).fit(X, y)
    text, _ = checked_trees(model.booster_.model_to_string().encode(), features=2)
    again = lgb.Booster(model_str=text).predict(X, raw_score=True) + model.intercept_
    np.testing.assert_array_equal(again, model.decision_function(X))
    repeated = clone(model).fit(X, y).decision_function(X)
    np.testing.assert_array_equal(repeated, model.decision_function(X))


@pytest.mark.parametrize(
    ("y", "prior", "words"),
    [([0, 0, 0, 0], 0.1, "some of each"), ([1, 0, 0, 1], 0.0, "class_prior")],
)
def test_wrong_input_is_refused(y: list[int], prior: float, words: str) -> None:
    with pytest.raises(InputError, match=words):
        NonNegativePU(prior).fit(np.zeros((4, 1)), y)
