"""Learn from findings and unlabelled land alone, where no search says that nothing was found.

The scores of the estimators are ranks until a class prior is stated: how much of the unlabelled
land holds something cannot be learnt from positives and unlabelled cells without more being
assumed. Without a stated prior ``predict_proba`` refuses.
"""

from typing import Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin, clone
from sklearn.utils.validation import check_is_fitted

from minerisk.features.errors import InputError
from minerisk.models.estimators.estimators import LightGBMEnsemble
from minerisk.models.folds.blocks import spread_blocks
from minerisk.models.folds.splits import folds_from_ids

Array = NDArray[np.float64]

LEAST = 1e-6


class _PriorScaled(ClassifierMixin, BaseEstimator):
    """Ranks that a stated class prior turns into probabilities."""

    class_prior: float | None
    factor_: float

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the log-odds of being labelled: a rank, not a probability. Shape ``(n,)``."""
        raise NotImplementedError

    def predict_proba(self, X: ArrayLike) -> Array:
        """Return the probabilities that unlabelled land holds nothing or something, ``(n, 2)``.

        Raises
        ------
        InputError
            If no class prior was stated.
        """
        if self.class_prior is None:
            raise InputError(
                f"{type(self).__name__} has no class prior, so its scores are ranks only; state "
                "class_prior, the share of unlabelled land that holds something, or use "
                "decision_function."
            )
        positive = np.minimum(self.factor_ * np.exp(self.decision_function(X)), 1.0)
        return np.column_stack([1 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likelier of 0 and 1, shape ``(n,)``."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)


class ElkanNoto(_PriorScaled):
    """Elkan and Noto's correction of a classifier of labelled against unlabelled.

    A classifier learns ``g(x) = P(labelled | x)``. If every positive had the same chance of being
    labelled, unlabelled land holds something with the odds ratio ``g / (1 - g)`` times a constant
    (their equation 3). The constant is set so that the mean over the unlabelled training cells is
    the stated class prior. Where the chance of a label differs from place to place, state it as
    `labelling_chance` in ``fit``: labelled positives then stand for the unlabelled ones.

    Parameters
    ----------
    class_prior
        Share of the *unlabelled* land that holds something, 0 to 1; None gives scores only.
    base
        Classifier with ``predict_proba`` and ``sample_weight``; by default small LightGBM models.
    folds, seed
        The constant is set on scores from other blocks, in so many folds.

    Notes
    -----
    Elkan and Noto 2008, doi 10.1145/1401890.1401920. Labels by place: Bekker, Robberechts and
    Davis 2019, doi 10.1007/978-3-030-46147-8_5.
    """

    def __init__(
        self,
        class_prior: float | None = None,
        *,
        base: ClassifierMixin | None = None,
        folds: int = 5,
        seed: int = 0,
    ) -> None:
        self.class_prior = class_prior
        self.base = base
        self.folds = folds
        self.seed = seed

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        groups: ArrayLike | None = None,
        labelling_chance: ArrayLike | None = None,
    ) -> Self:
        """Learn from positives and unlabelled cells.

        Parameters
        ----------
        X
            Features, shape ``(n, p)``, NaN allowed.
        y
            1 labelled positive, 0 unlabelled, shape ``(n,)``.
        groups
            Block of each cell; without it, folds are of single cells.
        labelling_chance
            Chance that a positive at each cell would have been labelled, shape ``(n,)``.
        """
        matrix, label = checked_labels(X, y, self.class_prior)
        weight = label_weights(label, labelling_chance)
        blocks = np.arange(len(label)) if groups is None else np.asarray(groups)
        held_out = np.full(len(label), np.nan)
        fold = spread_blocks(blocks, label, n_splits=self.folds, seed=self.seed)
        for train, test in folds_from_ids(fold):
            fitted = self._learn(matrix[train], label[train], weight[train])
            held_out[test] = _odds(fitted, matrix[test])
        self.base_ = self._learn(matrix, label, weight)
        self.classes_ = np.array([0, 1])
        if self.class_prior is not None:
            self.factor_ = _factor(held_out[label == 0], self.class_prior)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the log-odds of being labelled: a rank, not a probability. Shape ``(n,)``."""
        check_is_fitted(self, "base_")
        return np.log(_odds(self.base_, np.asarray(X, dtype=np.float64)))

    def _learn(self, matrix: Array, label: NDArray[np.int64], weight: Array) -> ClassifierMixin:
        return clone(_default_base(self.base)).fit(matrix, label, sample_weight=weight)


class BaggedPositiveUnlabelled(_PriorScaled):
    """Bagging of positives against unlabelled cells that are drawn again for each model.

    Every model sees all positives and a draw of unlabelled cells, and scores the unlabelled cells
    it did not see. The mean log-odds over models is the rank. Since labelled and drawn cells are
    balanced, odds are the ratio of both densities; times the stated class prior, rescaled to
    meet it on the unlabelled cells, they become probabilities.

    Parameters
    ----------
    class_prior
        Share of the *unlabelled* land that holds something, 0 to 1; None gives scores only.
    base
        As in `ElkanNoto`.
    bags
        How many models.
    unlabelled_per_positive
        Unlabelled cells drawn per positive.
    seed
        Of the draws.

    Notes
    -----
    Mordelet and Vert 2014, doi 10.1016/j.patrec.2013.06.010.
    """

    def __init__(
        self,
        class_prior: float | None = None,
        *,
        base: ClassifierMixin | None = None,
        bags: int = 20,
        unlabelled_per_positive: float = 5.0,
        seed: int = 0,
    ) -> None:
        self.class_prior = class_prior
        self.base = base
        self.bags = bags
        self.unlabelled_per_positive = unlabelled_per_positive
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike, *, labelling_chance: ArrayLike | None = None) -> Self:
        """Learn from positives and unlabelled cells; parameters as in `ElkanNoto.fit`."""
        matrix, label = checked_labels(X, y, self.class_prior)
        weight = label_weights(label, labelling_chance)
        positive, unlabelled = np.flatnonzero(label == 1), np.flatnonzero(label == 0)
        size = min(round(self.unlabelled_per_positive * len(positive)), len(unlabelled) // 2)
        if size < 1 or self.bags < 2:
            raise InputError(
                f"{len(unlabelled)} unlabelled cells and {self.bags} bags came; expected at least "
                "2 of each."
            )
        rng = np.random.default_rng(self.seed)
        total, seen = np.zeros(len(label)), np.zeros(len(label))
        self.members_ = []
        for _ in range(self.bags):
            drawn = rng.choice(unlabelled, size=size, replace=False)
            rows = np.sort(np.concatenate([positive, drawn]))
            member = clone(_default_base(self.base))
            member.fit(matrix[rows], label[rows], sample_weight=weight[rows])
            out = np.setdiff1d(unlabelled, drawn, assume_unique=True)
            total[out] += np.log(_odds(member, matrix[out]))
            seen[out] += 1
            self.members_.append(member)
        self.classes_ = np.array([0, 1])
        known = seen > 0
        if self.class_prior is not None:
            self.factor_ = _factor(np.exp(total[known] / seen[known]), self.class_prior)
        return self

    def decision_function(self, X: ArrayLike) -> Array:
        """Return the mean log-odds over the models: a rank, not a probability. Shape ``(n,)``."""
        check_is_fitted(self, "members_")
        matrix = np.asarray(X, dtype=np.float64)
        return np.mean([np.log(_odds(member, matrix)) for member in self.members_], axis=0)


def _default_base(base: ClassifierMixin | None) -> ClassifierMixin:
    if base is not None:
        return base
    return LightGBMEnsemble(
        members=1, trees=100, leaves=7, min_cells_in_leaf=20, row_share=0.7, threads=1
    )


def checked_labels(
    X: ArrayLike, y: ArrayLike, class_prior: float | None
) -> tuple[Array, NDArray[np.int64]]:
    """Return features and labels as arrays, or raise where they or the class prior are wrong."""
    matrix = np.asarray(X, dtype=np.float64)
    label = np.asarray(y)
    if matrix.ndim != 2 or label.shape != (len(matrix),):
        raise InputError(
            f"X has shape {matrix.shape} and y {label.shape}; expected (n, p) and (n,)."
        )
    if not np.isin(label, (0, 1)).all() or len(np.unique(label)) < 2:
        raise InputError(
            f"y holds {np.unique(label)[:5].tolist()}; expected 1 for labelled positives and 0 "
            "for unlabelled cells, some of each."
        )
    if class_prior is not None and not 0 < class_prior < 1:
        raise InputError(
            f"class_prior is {class_prior}; expected a share of the unlabelled land within 0 and "
            "1. minerisk.models.survey_bias.prevalence estimates one where land was searched."
        )
    return matrix, label.astype(np.int64)


def label_weights(label: NDArray[np.int64], labelling_chance: ArrayLike | None) -> Array:
    """Return weights of rows: labels count by the odds of not being labelled, of mean 1.

    So weighted, labelled positives stand for the unlabelled ones, which the class prior counts.
    """
    weight = np.ones(len(label))
    if labelling_chance is None:
        return weight
    chance = np.asarray(labelling_chance, dtype=np.float64)
    labelled = label == 1
    if chance.shape != label.shape or not ((chance > 0) & (chance < 1)).all():
        raise InputError(
            f"labelling_chance has shape {chance.shape}; expected {label.shape}, values within "
            "0 and 1. Clip small chances first: one label of a tiny chance would rule the model."
        )
    weight[labelled] = 1 / chance[labelled] - 1
    weight[labelled] /= weight[labelled].mean()
    return weight


def _odds(model: ClassifierMixin, matrix: Array) -> Array:
    p = np.clip(np.asarray(model.predict_proba(matrix))[:, 1], LEAST, 1 - LEAST)
    return p / (1 - p)


def _factor(odds: Array, class_prior: float) -> float:
    """Find the factor by which odds, cut at 1, have a mean of `class_prior`."""
    low, high = -40.0, 40.0
    for _ in range(100):
        middle = (low + high) / 2
        reached = float(np.minimum(np.exp(middle) * odds, 1.0).mean())
        low, high = (middle, high) if reached < class_prior else (low, middle)
    return float(np.exp((low + high) / 2))
