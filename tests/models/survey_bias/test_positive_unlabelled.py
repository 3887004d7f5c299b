import numpy as np
import pytest
from scipy.special import expit
from sklearn.base import clone
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.models.survey_bias.positive_unlabelled import BaggedPositiveUnlabelled, ElkanNoto

BOTH = [ElkanNoto, BaggedPositiveUnlabelled]
Estimator = type[ElkanNoto] | type[BaggedPositiveUnlabelled]


def made_up(n: int = 6_000, seed: int = 0) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Give features, true probability, truth and labels: 40 % of the positives."""
    rng = np.random.default_rng(seed)
    X = rng.normal(size=(n, 2))
    p = expit(-3.0 + 1.5 * X[:, 0])
    truth = rng.random(n) < p
    return X, p, truth, (truth & (rng.random(n) < 0.4)).astype(int)


@pytest.mark.parametrize("estimator", BOTH)
def test_probabilities_are_recovered_with_the_true_prior(estimator: Estimator) -> None:
    X, p, truth, y = made_up()
    prior = float(truth[y == 0].mean())
    model = estimator(prior, base=LogisticRegression()).fit(X, y)
    # What is asked is the chance among unlabelled cells.
    unlabelled = 0.6 * p / (1 - 0.4 * p)
    found = model.predict_proba(X)[:, 1]
    naive = LogisticRegression().fit(X, y).predict_proba(X)[:, 1]
    assert np.abs(found - unlabelled).mean() < 0.02
    assert np.abs(found - unlabelled).mean() < 0.7 * np.abs(naive - unlabelled).mean()


@pytest.mark.parametrize("estimator", BOTH)
def test_the_mean_over_unlabelled_cells_is_the_stated_prior(estimator: Estimator) -> None:
    X, _, _, y = made_up()
    for prior in (0.02, 0.2):
        model = estimator(prior, base=LogisticRegression()).fit(X, y)
        assert model.predict_proba(X[y == 0])[:, 1].mean() == pytest.approx(prior, rel=0.05)


@pytest.mark.parametrize("estimator", BOTH)
def test_without_a_prior_there_are_ranks_and_no_probabilities(estimator: Estimator) -> None:
    X, _, truth, y = made_up(2_000)
    model = estimator().fit(X, y)
    assert roc_auc_score(truth, model.decision_function(X)) > 0.75
    with pytest.raises(InputError, match="class_prior"):
        model.predict_proba(X)


@pytest.mark.parametrize("estimator", BOTH)
def test_the_same_seed_gives_the_same_numbers(estimator: Estimator) -> None:
    X, _, _, y = made_up(1_500)
    X[::50, 1] = np.nan
    model = estimator(0.1, seed=3)
    first = model.fit(X, y).predict_proba(X)
    np.testing.assert_array_equal(first, clone(model).fit(X, y).predict_proba(X))
    assert set(np.unique(model.predict(X))) <= {0, 1}


@pytest.mark.parametrize("estimator", BOTH)
def test_labels_that_are_likelier_in_places_are_undone(estimator: Estimator) -> None:
    rng = np.random.default_rng(5)
    X = rng.normal(size=(20_000, 2))
    p = expit(-2.5 + X[:, 0])
    truth, chance = rng.random(len(X)) < p, expit(X[:, 1]).clip(0.05)
    y = (truth & (rng.random(len(X)) < chance)).astype(int)
    prior = float(truth[y == 0].mean())
    model = estimator(prior, base=LogisticRegression())
    unlabelled = p * (1 - chance) / (1 - p * chance)  # Bayes
    blind = model.fit(X, y).predict_proba(X)[:, 1]
    told = model.fit(X, y, labelling_chance=chance).predict_proba(X)[:, 1]
    assert np.abs(told - unlabelled).mean() < 0.5 * np.abs(blind - unlabelled).mean()


@pytest.mark.parametrize("estimator", BOTH)
@pytest.mark.parametrize(
    ("y", "prior", "words"),
    [
        ([0, 0, 0, 0], 0.1, "some of each"),
        ([1, 0, -1, 0], 0.1, "unlabelled"),
        ([1, 0, 0], 0.1, "shape"),
        ([1, 0, 0, 1], 1.5, "class_prior"),
    ],
)
def test_wrong_input_is_refused(
    estimator: Estimator, y: list[int], prior: float, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        estimator(prior).fit(np.zeros((4, 1)), y)


def test_a_chance_of_nothing_is_refused() -> None:
    with pytest.raises(InputError, match="labelling_chance"):
        ElkanNoto(0.1).fit(np.zeros((4, 1)), [1, 0, 0, 1], labelling_chance=np.zeros(4))
