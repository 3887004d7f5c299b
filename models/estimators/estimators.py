"""The models a risk map can be made with."""

import re
from collections.abc import Callable, Hashable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any, Literal

import lightgbm as lgb
import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.errors import InputError
from minerisk.models.estimators.beyond_cover import BeyondCover, silenced, taught_twice
from minerisk.models.estimators.ensemble import Ensemble, column_names
from minerisk.models.estimators.member_growth import (
    SAME_TREES,
    ForestGrowth,
    TrainBooster,
    grown_member,
    stored_booster,
    train_with_lightgbm,
)
from minerisk.models.estimators.members import (
    BesideRule,
    BlendedMembers,
    LinearMembers,
    TreeMembers,
)
from minerisk.models.estimators.random_forest import ROWS
from minerisk.models.estimators.remembered import Remembered
from minerisk.models.estimators.ridge_logistic import fit_ridge_logistic
from minerisk.models.trees.binned_rows import BinnedRows, bin_rows
from minerisk.models.trees.boosting import MOST_ROWS, Growth
from minerisk.models.trees.stored_booster import StoredBooster

Matrix = NDArray[np.float32]
Kind = Literal["boosted", "forest", "both"]

LARGE_BYTES = 4 * 2**30
"""A member with more rows than this holds as float32 is trained by `train_large`, if given."""


class LightGBMEnsemble(Ensemble):
    """Small LightGBM models, each on blocks drawn with replacement; their mean log-odds is used.

    Drawing blocks, not cells, keeps neighbours together, so the spread of the members says how
    much the answer depends on which places happened to be surveyed.

    Parameters
    ----------
    members
        How many models.
    kind
        ``boosted`` trees; a ``forest``, whose trees do not build on each other (Breiman 2001, doi
        10.1023/A:1010933404324); or ``both``, by turns, which stacks the two with equal weights.
    trees, learning_rate, leaves, min_cells_in_leaf, feature_share, row_share, l2
        Size and regularisation of each boosted member.
    forest_trees, forest_leaves, forest_min_cells
        Size of each forest member.
    bins
        How many bins a column is put into, at most; a split lies between two of them.
    hidden
        Columns that every second pair of members never sees. With the columns of the findings
        encoder, one half of the ensemble speaks for land near findings and the other for land far
        from any, and neither has to be chosen.
    monotone
        Column to 1 where the score may only rise with it, or -1 where it may only fall. Columns
        that are not there are passed over: the findings encoder may be left out.
    covered
        Columns of layers that state their coverage: NaN where those say nothing.
    beyond_cover
        What is learned of such land. ``nodata``: their values are missing there, no more.
        ``twice``: every row is taught as it is, and as if no such layer spoke. ``blend``: beside
        each member another that never sees those columns, blended over the edge of the cover by
        the column `minerisk.features.coverage.EDGE_M`, which no tree splits on.
    blend_m
        How many metres they are blended over.
    rule_columns, rule_power
        Distances to lines and positions, metres, and the power of the nearest that divides the
        odds beside the trees (`BesideRule`); 0 for trees alone.
    slope, intercept
        What the log-odds are multiplied by, and what is added.
    seed, threads
        The same seed gives the same trees, whatever the number of threads.
    train_large
        Trains the members that have more rows than `LARGE_BYTES` holds, one after the other, such
        as on the workers of a cluster; None trains all of them here.
    """

    def __init__(
        self,
        *,
        members: int = 8,
        kind: Kind = "boosted",
        trees: int = 300,
        learning_rate: float = 0.04,
        leaves: int = 15,
        min_cells_in_leaf: int = 200,
        feature_share: float = 0.5,
        row_share: float = 0.7,
        l2: float = 10.0,
        forest_trees: int = 60,
        forest_leaves: int = 64,
        forest_min_cells: int = 100,
        bins: int = 255,
        hidden: Sequence[str] = (),
        monotone: Mapping[str, int] | None = None,
        covered: Sequence[str] = (),
        beyond_cover: BeyondCover = "nodata",
        blend_m: float = 3_000.0,
        rule_columns: Sequence[str] = (),
        rule_power: float = 0.0,
        slope: float = 1.0,
        intercept: float = 0.0,
        seed: int = 7,
        threads: int = 2,
        train_large: TrainBooster | None = None,
    ) -> None:
        self.members = members
        self.kind = kind
        self.trees = trees
        self.learning_rate = learning_rate
        self.leaves = leaves
        self.min_cells_in_leaf = min_cells_in_leaf
        self.feature_share = feature_share
        self.row_share = row_share
        self.l2 = l2
        self.forest_trees = forest_trees
        self.forest_leaves = forest_leaves
        self.forest_min_cells = forest_min_cells
        self.bins = bins
        self.hidden = hidden
        self.monotone = monotone
        self.covered = covered
        self.beyond_cover = beyond_cover
        self.blend_m = blend_m
        self.rule_columns = rule_columns
        self.rule_power = rule_power
        self.slope = slope
        self.intercept = intercept
        self.seed = seed
        self.threads = threads
        self.train_large = train_large

    def _trained(
        self,
        X: ArrayLike,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        known: Remembered,
    ) -> TreeMembers | BlendedMembers | BesideRule:
        trees = self._taught(X, target, drawn, known)
        if self.rule_power == 0:
            return trees
        names = column_names(X, self.rule_columns)
        missing = [name for name in self.rule_columns if name not in names]
        if missing or not self.rule_columns:
            raise InputError(
                f"The rule beside the trees goes by {missing or 'no column'}; expected columns of "
                f"distances among {names}. State its power as 0, or add a front line."
            )
        return BesideRule(
            trees, tuple(names.index(name) for name in self.rule_columns), self.rule_power
        )

    def _taught(
        self,
        X: ArrayLike,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        known: Remembered,
    ) -> TreeMembers | BlendedMembers:
        """Train the trees, as they are taught of land beyond the cover."""
        names = column_names(X, [*(self.monotone or ()), *self.hidden, *self.covered])
        matrix = np.asarray(X, dtype=np.float32)
        grow = partial(self._grown, names, known, matrix, target, drawn)
        if not self.covered:
            return grow("as they are", np.ones(len(names), np.bool_))
        covered = np.array([name in self.covered for name in names])
        told = np.array([name != EDGE_M for name in names])
        if self.beyond_cover == "twice":
            taught = taught_twice(matrix, covered)
            weights = [taught.weights(weight) for weight in drawn]
            return self._grown(
                names, known, taught.matrix, target[taught.row], weights, "twice", told
            )
        inside = grow("as they are", told)
        if self.beyond_cover == "nodata":
            return inside
        if EDGE_M not in names:
            raise InputError(
                f"Two models are blended by the column {EDGE_M}, which the rows lack; they have "
                f"{names}. Add it, or choose another way beyond the cover (beyond_cover)."
            )
        outside = grow("as they are", told & ~covered)
        both = TreeMembers(inside.boosters + outside.boosters, inside.forest + outside.forest)
        return BlendedMembers(both, names.index(EDGE_M), self.blend_m)

    def _grown(
        self,
        names: Sequence[str],
        known: Remembered,
        matrix: Matrix,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        taught: str,
        seen: NDArray[np.bool_],
    ) -> TreeMembers:
        """Train every member on rows as they are taught, of which it sees some columns."""
        monotone = [int((self.monotone or {}).get(name, 0)) for name in names]
        hidden = np.array([name in self.hidden for name in names])

        def binned() -> BinnedRows:
            return known.binned((taught, self.bins), partial(bin_rows, matrix, bins=self.bins))

        def member_of(member: int) -> StoredBooster:
            columns = seen & ~hidden if self._is_blind(member) else seen
            return known.of(
                (taught, columns.tobytes(), self._all_that_matters(member, monotone)),
                lambda: self._train(
                    member, matrix, target, drawn[member], columns, monotone,
                    binned,
                ),
            )  # fmt: skip

        # A thread per member: no member waits for another, and each uses one thread of its own.
        threads = self.threads if self.train_large is None else 1
        with ThreadPoolExecutor(max_workers=threads) as pool:
            boosters = tuple(pool.map(member_of, range(self.members)))
        forest = tuple(self._is_forest(member) for member in range(self.members))
        return TreeMembers(boosters=boosters, forest=forest)

    def _is_forest(self, member: int) -> bool:
        return self.kind == "forest" or (self.kind == "both" and member % 2 == 1)

    def _is_blind(self, member: int) -> bool:
        return bool(self.hidden) and member // 2 % 2 == 1

    def _all_that_matters(self, member: int, monotone: list[int]) -> Hashable:
        """Return what the trees of a member depend on, besides rows, weights and columns."""
        return member, self.members > 1, self._growth(member), tuple(monotone)

    def _growth(self, member: int) -> Growth | ForestGrowth:
        seed = self.seed + member
        if self._is_forest(member):
            return ForestGrowth(
                self.forest_trees, self.forest_leaves, self.forest_min_cells, seed,
                self.feature_share,
            )  # fmt: skip
        return Growth(
            self.trees, self.leaves, self.min_cells_in_leaf, seed, self.learning_rate,
            self.feature_share, self.row_share, self.l2,
        )  # fmt: skip

    def _parameters(self, member: int, monotone: list[int]) -> tuple[dict[str, Any], int]:
        """Return LightGBM's parameters for a member, and its number of trees."""
        forest = self._is_forest(member)
        chosen = self._forest_parameters() if forest else self._boosted_parameters()
        parameters: dict[str, Any] = chosen | {"max_bin": self.bins} | SAME_TREES
        parameters["seed"] = self.seed + member
        if any(monotone):
            parameters["monotone_constraints"] = monotone
        return parameters, self.forest_trees if forest else self.trees

    def _train(
        self,
        member: int,
        matrix: Matrix,
        target: NDArray[np.float32],
        weight: NDArray[np.float64],
        columns: NDArray[np.bool_],
        monotone: list[int],
        binned: Callable[[], BinnedRows],
    ) -> StoredBooster:
        kept = weight > 0
        train: TrainBooster = train_with_lightgbm
        if self.train_large is not None and kept.sum() * matrix[0].nbytes > LARGE_BYTES:
            train = self.train_large
        elif kept.sum() <= MOST_ROWS:
            return grown_member(binned(), columns, target, weight, self._growth(member), monotone)
        parameters, rounds = self._parameters(member, monotone)
        rows = matrix if columns.all() else silenced(matrix, ~columns)
        booster = train(rows, target, weight, parameters=parameters, rounds=rounds)
        if self._is_forest(member):
            _say_the_share(booster, float(np.average(target[kept], weights=weight[kept])))
        return stored_booster(booster)

    def _boosted_parameters(self) -> dict[str, Any]:
        return {
            "objective": "binary",
            "learning_rate": self.learning_rate,
            "num_leaves": self.leaves,
            "min_data_in_leaf": self.min_cells_in_leaf,
            "feature_fraction": self.feature_share,
            "bagging_fraction": self.row_share,
            "lambda_l2": self.l2,
        }

    def _forest_parameters(self) -> dict[str, Any]:
        # Least squares on 0 and 1: a leaf says the share of positives in it.
        return {
            "objective": "regression",
            "boosting": "rf",
            "num_leaves": self.forest_leaves,
            "min_data_in_leaf": self.forest_min_cells,
            "feature_fraction_bynode": self.feature_share,
            "bagging_fraction": ROWS,
        }


class LogisticEnsemble(Ensemble):
    """Logistic regressions, each on blocks drawn with replacement, on standardised columns.

    Parameters
    ----------
    members
        How many models.
    penalty
        Inverse of the strength of the ridge penalty.
    slope, intercept, seed, threads
        As for `LightGBMEnsemble`.
    """

    def __init__(
        self,
        *,
        members: int = 8,
        penalty: float = 1.0,
        slope: float = 1.0,
        intercept: float = 0.0,
        seed: int = 7,
        threads: int = 2,
    ) -> None:
        self.members = members
        self.penalty = penalty
        self.slope = slope
        self.intercept = intercept
        self.seed = seed
        self.threads = threads

    def _trained(
        self,
        X: ArrayLike,
        target: NDArray[np.float32],
        drawn: list[NDArray[np.float64]],
        known: Remembered,
    ) -> LinearMembers:
        matrix = np.asarray(X, dtype=np.float64)
        present = ~np.isnan(matrix)
        fill = np.array(
            [
                np.median(values[there]) if there.any() else 0.0
                for values, there in zip(matrix.T, present.T, strict=True)
            ]
        )
        centred = np.where(present, matrix, fill) - fill
        scale = np.where(centred.std(axis=0) > 0, centred.std(axis=0), 1.0)
        columns, y = centred / scale, target.astype(np.float64)
        first = fit_ridge_logistic(columns, y, drawn[0], penalty=self.penalty)
        # Other blocks of the same land: their answer is near.
        fitted = [first]
        for weight in drawn[1:]:
            fitted.append(fit_ridge_logistic(columns, y, weight, penalty=self.penalty, start=first))
        return LinearMembers(
            fill=fill,
            scale=scale,
            coefficients=np.array([one[:-1] for one in fitted]),
            intercepts=np.array([one[-1] for one in fitted]),
        )


def _say_the_share(booster: lgb.Booster, share: float) -> None:
    """Set the leaf of every tree that could not be split to the share of positives.

    LightGBM adds that share to the leaves of split trees only, so that a tree of one leaf says 0.
    """
    leaves = re.findall(r"^num_leaves=(\d+)$", booster.model_to_string(), flags=re.MULTILINE)
    for tree, count in enumerate(leaves):
        if count == "1":
            booster.set_leaf_output(tree, 0, share)
