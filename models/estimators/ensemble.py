"""A classifier made of members, each trained on blocks of land drawn with replacement."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from minerisk.features.errors import InputError
from minerisk.models.estimators.members import Members, mean_and_spread
from minerisk.models.estimators.remembered import Remembered


class Ensemble(ClassifierMixin, BaseEstimator):
    """A classifier that is the mean log-odds of its `members_`."""

    members_: Members
    members: int
    slope: float
    intercept: float
    seed: int
    threads: int

    def fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        *,
        sample_weight: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        known: Remembered | None = None,
    ) -> Self:
        """Train every member.

        Parameters
        ----------
        X, y
            Features, shape ``(n, p)``, NaN allowed (a DataFrame, if settings name columns); and 0
            or 1, shape ``(n,)``.
        sample_weight
            Weight of each row; one of weight 0 counts as if it were not there.
        groups
            Block of each row. Without it every member sees all rows, and so does a single member:
            it has no spread to be known.
        known
            What was trained before on these rows, with these weights and groups; a member that is
            in it is taken from there.

        Raises
        ------
        InputError
            If a member would see one class only, or settings name columns that have no names.
        """
        if sample_weight is not None and not np.all(sample_weight):
            kept = np.flatnonzero(sample_weight)
            X = X.iloc[kept] if isinstance(X, pd.DataFrame) else np.asarray(X)[kept]
            y, sample_weight = np.asarray(y)[kept], np.asarray(sample_weight)[kept]
            groups = None if groups is None else np.asarray(groups)[kept]
        target = np.asarray(y, dtype=np.float32)
        drawn = _drawn_weights(target, sample_weight, groups, self.members, self.seed)
        self.classes_ = np.array([0, 1])
        self.members_ = self._scaled(
            self._trained(X, target, drawn, Remembered() if known is None else known)
        )
        return self

    def member_log_odds(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the score of every member, shape ``(n, members)``, log-odds."""
        return self.members_.log_odds(np.asarray(X, dtype=np.float32), threads=self.threads)

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of 0 and 1, shape ``(n, 2)``, before calibration."""
        mean, _ = mean_and_spread(self.member_log_odds(X))
        positive = 1.0 / (1.0 + np.exp(-mean))
        return np.column_stack([1.0 - positive, positive])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likelier of 0 and 1, shape ``(n,)``."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)

    def _trained(
        self,
        X: ArrayLike,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        known: Remembered,
    ) -> Members:
        """Train a member with each of the drawn row weights."""
        raise NotImplementedError

    def _scaled(self, members: Members) -> Members:
        return replace(members, slope=self.slope, intercept=self.intercept)


def _drawn_weights(
    target: NDArray[np.float32],
    sample_weight: ArrayLike | None,
    groups: ArrayLike | None,
    members: int,
    seed: int,
) -> list[NDArray[np.float64]]:
    """Return each member's row weights: as often as each row's block is drawn with replacement."""
    weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight)
    rng = np.random.default_rng(seed)
    groups = groups if members > 1 else None
    drawn = [weight * _times_drawn(groups, len(target), rng) for _ in range(members)]
    for own in drawn:
        if len(np.unique(target[own > 0])) < 2:
            raise InputError(
                "A resampled set of blocks holds only one class; expected positives and negatives "
                "in several blocks. Use smaller blocks or more findings."
            )
    return drawn


def _times_drawn(
    groups: ArrayLike | None, rows: int, rng: np.random.Generator
) -> NDArray[np.float64]:
    if groups is None:
        return np.ones(rows)
    _, block = np.unique(np.asarray(groups), return_inverse=True)
    blocks = int(block.max()) + 1
    times = np.bincount(rng.integers(blocks, size=blocks), minlength=blocks)
    return times[block].astype(np.float64)


def column_names(X: ArrayLike, asked: Sequence[str]) -> list[str]:
    """List the columns; a setting that asks for columns by name needs their names."""
    if isinstance(X, pd.DataFrame):
        return [str(name) for name in X]
    if asked:
        raise InputError(
            f"Settings name columns ({sorted(asked)}), but the rows came without column names. "
            "Give a DataFrame."
        )
    return [""] * np.shape(X)[1]
