"""One member of an ensemble grown on binned rows: boosted trees, or a forest."""

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, Protocol

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from minerisk.models.estimators.random_forest import grown_forest
from minerisk.models.trees.binned_rows import BinnedRows
from minerisk.models.trees.boosting import Columns, Growth, grow
from minerisk.models.trees.model import Trees, read_trees
from minerisk.models.trees.stored_booster import StoredBooster
from minerisk.models.trees.written import (
    FOREST,
    Kind,
    Stated,
    boosted,
    boosted_trees,
    model_text,
)

Matrix = NDArray[np.float32]

SAME_TREES: dict[str, Any] = {
    "bagging_freq": 1,
    "deterministic": True,
    "force_row_wise": True,
    "num_threads": 1,
    "verbosity": -1,
}
"""LightGBM's parameters for the same trees of the same rows and seed, on one thread."""


class ForestGrowth(NamedTuple):
    """How a forest is grown; the names are those of `LightGBMEnsemble`."""

    trees: int
    leaves: int
    min_rows: int
    seed: int
    feature_share: float


class TrainBooster(Protocol):
    """A way to train a booster on the rows of positive weight, such as on a cluster."""

    def __call__(
        self,
        matrix: Matrix,
        target: NDArray[np.float32],
        weight: NDArray[np.float64],
        *,
        parameters: Mapping[str, Any],
        rounds: int,
    ) -> lgb.Booster:
        """Train `rounds` trees with LightGBM's `parameters`; rows have shape ``(n, p)``."""
        ...


def grown_member(
    binned: BinnedRows,
    columns: NDArray[np.bool_],
    target: NDArray[np.float32],
    weight: NDArray[np.float64],
    growth: Growth | ForestGrowth,
    monotone: Sequence[int],
) -> StoredBooster:
    """Grow a member on the rows of positive weight.

    Parameters
    ----------
    binned
        All training rows, shape ``(n, p)``.
    columns
        Those that it sees, shape ``(p,)``.
    target, weight
        0 or 1, and how much each row counts, shape ``(n,)``.
    growth
        How: the one or the other kind of member.
    monotone
        Of each column, which way the score of boosted trees may go with it.
    """
    kept = np.flatnonzero(weight > 0)
    if isinstance(growth, ForestGrowth):
        seen = int((binned.telling & columns).sum())
        part = BinnedRows(binned.codes[kept], binned.edges)
        trees, stated = grown_forest(
            part,
            target[kept].astype(np.float64),
            weight[kept],
            trees=growth.trees,
            limits=(
                growth.leaves,
                growth.min_rows,
                min(seen, max(2, round(seen * growth.feature_share))),
            ),
            seed=growth.seed,
            columns=columns,
        )
        return _stored(trees, stated, FOREST, ())
    codes = binned.codes[kept]
    nodes = grow(
        Columns(
            codes,
            np.ascontiguousarray(codes.T),
            binned.bins,
            binned.missing,
            np.asarray(monotone, np.int64),
        ),
        np.flatnonzero(binned.telling & columns),
        target[kept].astype(np.float64),
        weight[kept],
        growth,
    )
    trees, stated = boosted_trees(nodes, binned.edges)
    return _stored(trees, stated, boosted(growth.learning_rate), monotone)


def train_with_lightgbm(
    matrix: Matrix,
    target: NDArray[np.float32],
    weight: NDArray[np.float64],
    *,
    parameters: Mapping[str, Any],
    rounds: int,
) -> lgb.Booster:
    """Train a booster on the rows of positive weight, here; see `TrainBooster`."""
    kept = np.flatnonzero(weight > 0)
    data = lgb.Dataset(matrix[kept], target[kept], weight=weight[kept], params=dict(parameters))
    return lgb.train(dict(parameters), data, rounds, keep_training_booster=True)


def stored_booster(booster: lgb.Booster) -> StoredBooster:
    """Keep the trees alone, without the rows they were trained on."""
    text = booster.model_to_string()
    return StoredBooster(text, read_trees(text))


def _stored(trees: Trees, stated: Stated, kind: Kind, monotone: Sequence[int]) -> StoredBooster:
    return StoredBooster(partial(model_text, trees, stated, kind, monotone=monotone), trees)
