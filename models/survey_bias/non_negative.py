"""The non-negative risk of positives and unlabelled cells, and boosted trees that lower it."""

from typing import Any, Self

import lightgbm as lgb
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.optimize import brentq
from scipy.special import expit, logit
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from minerisk.models.estimators.member_growth import SAME_TREES
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.survey_bias.positive_unlabelled import LEAST, checked_labels, label_weights

Array = NDArray[np.float64]


class NonNegativePU(ClassifierMixin, BaseEstimator):
    """Boosted trees on the risk of positives and unlabelled cells, kept from falling below 0.

    The risk of a classifier over land of which a share ``prior`` holds something can be written
    with positives and unlabelled cells alone: ``prior R_p(+) + R_u(-) - prior R_p(-)``. The last
    two terms stand for the land that holds nothing, so their sum cannot truly be negative; where
    a flexible model makes it so, it fits noise, and the step is taken back instead.

    Parameters
    ----------
    class_prior
        Share of the *unlabelled* land that holds something, above 0, below 1. Without it there is
        no risk to minimise, so it has no default.
    trees, learning_rate, leaves, min_cells_in_leaf, row_share, l2
        Size and regularisation, as in `minerisk.models.estimators.estimators.LightGBMEnsemble`.
    seed
        Of the rows drawn for each tree.

    Attributes
    ----------
    booster_
        Trees, kept as LightGBM text; their sum and `intercept_` are the log-odds.
    intercept_
        Set so that the mean over the unlabelled training cells is the class prior: steps taken
        back raise them above it.

    Notes
    -----
    Kiryo, Niu, du Plessis and Sugiyama 2017, arXiv 1703.00593, with logistic loss, whole batches,
    beta 0 and gamma 1. Trees are grown by second-order steps; since the loss of positives is
    linear, its curvature is taken from its convex part.
    """

    def __init__(
        self,
        class_prior: float,
        *,
        trees: int = 100,
        learning_rate: float = 0.1,
        leaves: int = 7,
        min_cells_in_leaf: int = 50,
        row_share: float = 0.7,
        l2: float = 1.0,
        seed: int = 0,
    ) -> None:
        self.class_prior = class_prior
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_cells_in_leaf = min_cells_in_leaf
        self.row_share = row_share
        self.l2 = l2
        self.seed = seed

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        labelling_chance: ArrayLike | None = None,
        known: Remembered | None = None,
    ) -> Self:
        """Learn from positives and unlabelled cells; parameters as in `ElkanNoto.fit`.

        What is `known` of the same rows, their bins, is taken from there.
        """
        matrix, label = checked_labels(X, y, self.class_prior)
        share = label_weights(label, labelling_chance)
        share[label == 1] *= self.class_prior * (label == 0).sum() / (label == 1).sum()

        def objective(score: Array, data: lgb.Dataset) -> tuple[Array, Array]:
            return non_negative_gradient(score, label, share)

        start = np.full(len(label), logit(self.class_prior))
        data = (Remembered() if known is None else known).binned(
            (type(self).__name__, self.min_cells_in_leaf),
            lambda: lgb.Dataset(matrix, label, params=self._parameters()).construct(),
        )
        data.set_init_score(start)
        self.booster_ = lgb.train(
            self._parameters() | {"objective": objective}, data, num_boost_round=self.trees
        )
        raw = np.asarray(self.booster_.predict(matrix[label == 0], raw_score=True, num_threads=1))
        self.intercept_ = float(
            brentq(lambda shift: expit(raw + shift).mean() - self.class_prior, -500.0, 500.0)
        )
        self.classes_ = np.array([0, 1])
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the log-odds that unlabelled land holds something, shape ``(n,)``."""
        check_is_fitted(self, "booster_")
        matrix = np.asarray(X, dtype=np.float64)
        raw = self.booster_.predict(matrix, raw_score=True, num_threads=1)
        return self.intercept_ + np.asarray(raw, dtype=np.float64)

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities that unlabelled land holds nothing or something, ``(n, 2)``."""
        positive = expit(self.decision_function(X))
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likelier of 0 and 1, shape ``(n,)``."""
        return (self.decision_function(X) > 0).astype(np.int64)

    def _parameters(self) -> dict[str, Any]:
        return {
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_cells_in_leaf,
            "bagging_fraction": self.row_share,
            "lambda_l2": self.l2,
            "seed": self.seed,
            **SAME_TREES,
        }


def non_negative_gradient(score: Array, y: NDArray[np.int64], weight: Array) -> tuple[Array, Array]:
    """Return slope and curvature of the non-negative risk in every cell's log-odds.

    Parameters
    ----------
    score
        Log-odds, shape ``(n,)``.
    y
        1 labelled positive, 0 unlabelled.
    weight
        1 for unlabelled cells; for positives, shares that sum to the class prior times the number
        of unlabelled cells.

    Returns
    -------
    slope, curvature
        Shape ``(n,)``, of the risk times the number of unlabelled cells; where the risk of land
        that holds nothing is below 0, the slope is that of its negative.
    """
    p, positive = expit(score), y == 1
    as_negative = weight * np.logaddexp(0.0, score)
    nothing_there = as_negative[~positive].sum() - as_negative[positive].sum()
    if nothing_there >= 0:
        slope = np.where(positive, -weight, p)
    else:
        slope = weight * np.where(positive, p, -p)
    return slope, np.maximum(weight * p * (1 - p), LEAST)
