"""A classifier made of members, each trained on blocks of land drawn with replacement."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin

from minerisk.features.errors import InputError
from minerisk.models.estimators.members import Members, mean_and_spread
from minerisk.models.estimators.remembered import Remembered

DRAWS = 20
"""Blocks are drawn anew so often where a draw holds one class only, as with few findings."""


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

    @classmethod
    def members_from_files(cls, files: Mapping[str, bytes], *, columns: int) -> Members:
        """Read what the `to_files` of its members gave; for estimators that other packages add.

        Parameters
        ----------
        files
            Contents by name; ``members.json`` states ``kind``, the name of the entry point, and
            ``slope`` and ``intercept``.
        columns
            How many columns the model reads.
        """
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
    if groups is None or members == 1:
        return [_one_draw(target, weight, None, rng)] * members
    block = np.unique(np.asarray(groups), return_inverse=True)[1]
    return [_one_draw(target, weight, block, rng) for _ in range(members)]


def _one_draw(
    target: NDArray[np.float32],
    weight: NDArray[np.float64],
    block: NDArray[np.int64] | None,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Draw blocks until both classes are among them; without blocks every row counts once."""
    for _ in range(1 if block is None else DRAWS):
        own = weight.astype(np.float64)
        if block is not None:
            blocks = int(block.max()) + 1
            own = own * np.bincount(rng.integers(blocks, size=blocks), minlength=blocks)[block]
        if len(np.unique(target[own > 0])) == 2:
            return own
    raise InputError(
        "A resampled set of blocks holds only one class; expected positives and negatives "
        "in several blocks. Use smaller blocks or more findings."
    )


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
