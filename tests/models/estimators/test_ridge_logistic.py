import numpy as np
import pytest
from sklearn.linear_model import LogisticRegression

from minerisk.models.estimators.ridge_logistic import fit_ridge_logistic


def rows(n: int = 2_000) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    rng = np.random.default_rng(0)
    columns = rng.normal(size=(n, 6))
    columns[:, 5] = columns[:, 4] + 0.01 * rng.normal(size=n)
    y = (rng.random(n) < 1 / (1 + np.exp(3 - columns[:, 0]))).astype(float)
    return columns, y, rng.integers(0, 4, n).astype(float)


@pytest.mark.parametrize("penalty", [0.01, 1.0])
def test_coefficients_are_those_of_scikit_learn(penalty: float) -> None:
    columns, y, weight = rows()
    found = fit_ridge_logistic(columns, y, weight, penalty=penalty)
    other = LogisticRegression(C=penalty, tol=1e-12, max_iter=5_000, solver="newton-cholesky")
    other.fit(columns, y, sample_weight=weight)
    assert found[:-1] == pytest.approx(other.coef_[0], abs=1e-8)
    assert found[-1] == pytest.approx(other.intercept_[0], abs=1e-8)


def test_where_the_search_begins_does_not_matter() -> None:
    columns, y, weight = rows()
    first = fit_ridge_logistic(columns, y, weight, penalty=1.0)
    again = fit_ridge_logistic(columns, y, weight, penalty=1.0, start=first + 1.0)
    assert again == pytest.approx(first, abs=1e-9)


def test_classes_that_a_column_parts_still_have_a_fit() -> None:
    columns = np.array([[-2.0], [-1.0], [1.0], [2.0]])
    found = fit_ridge_logistic(columns, np.array([0.0, 0, 1, 1]), np.ones(4), penalty=1.0)
    assert 0 < found[0] < 5
    assert found[1] == pytest.approx(0.0, abs=1e-9)
