"""Stumps: each member splits one column once."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.models.estimators import Ensemble

QUANTILES = np.linspace(0.1, 0.9, 9)


@dataclass(frozen=True)
class StumpMembers:
    """A column, a cut and the log-odds on either side, for each member; shapes (members,)."""

    column: tuple[int, ...]
    cut: tuple[float, ...]
    below: tuple[float, ...]
    above: tuple[float, ...]
    width: int
    slope: float = 1.0
    intercept: float = 0.0

    def log_odds(self, matrix: NDArray[np.float32], *, threads: int) -> NDArray[np.float64]:
        """Score rows with every member, shape (n, members); a missing value is below the cut."""
        high = matrix[:, list(self.column)] > np.array(self.cut)
        return self.slope * np.where(high, self.above, self.below) + self.intercept

    def importance(self) -> NDArray[np.float64]:
        """Return the share of members that split each column, shape (p,)."""
        return np.bincount(self.column, minlength=self.width) / len(self.column)

    def to_files(self) -> dict[str, bytes]:
        """Return the members as plain numbers; the kind is the name of the entry point."""
        return {"members.json": json.dumps({"kind": "stumps"} | vars(self)).encode()}


class StumpEnsemble(Ensemble):
    """Members that split one column once, each on blocks of land drawn with replacement."""

    def __init__(
        self,
        *,
        members: int = 8,
        slope: float = 1.0,
        intercept: float = 0.0,
        seed: int = 7,
        threads: int = 1,
    ) -> None:
        self.members = members
        self.slope = slope
        self.intercept = intercept
        self.seed = seed
        self.threads = threads

    def _trained(
        self,
        X: ArrayLike,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        known: object,
    ) -> StumpMembers:
        matrix = np.asarray(X, dtype=np.float64)
        best = [_stump(matrix, target, weight) for weight in drawn]
        column, cut, below, above = (tuple(values) for values in zip(*best, strict=True))
        return StumpMembers(column, cut, below, above, width=matrix.shape[1])

    @classmethod
    def members_from_files(cls, files: Mapping[str, bytes], *, columns: int) -> StumpMembers:
        """Read what `StumpMembers.to_files` gave."""
        record = json.loads(files["members.json"])
        names = ("column", "cut", "below", "above")
        scale = {name: float(record[name]) for name in ("slope", "intercept")}
        return StumpMembers(*(tuple(record[name]) for name in names), width=columns, **scale)


def _stump(
    matrix: NDArray[np.float64], target: NDArray[np.float32], weight: NDArray[np.float64]
) -> tuple[int, float, float, float]:
    """Find the split with the least log loss among deciles of every column."""
    tried = []
    for column, values in enumerate(matrix.T):
        for cut in np.unique(np.nanquantile(values, QUANTILES)):
            high = values > cut
            shares = [_share(target, weight * side) for side in (~high, high)]
            p = np.where(high, shares[1], shares[0])
            loss = -np.average(np.where(target == 1, np.log(p), np.log1p(-p)), weights=weight)
            below, above = (float(np.log(share / (1 - share))) for share in shares)
            tried.append((float(loss), column, float(cut), below, above))
    return min(tried)[1:]


def _share(target: NDArray[np.float32], weight: NDArray[np.float64]) -> float:
    """Return the weighted share of positives, drawn a little to a half, so that it has log-odds."""
    return float((weight @ target + 0.5) / (weight.sum() + 1.0))
