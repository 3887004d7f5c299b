"""A random forest that the model is held against, grown on bins of the columns by a kernel.

Its targets are 0 and 1 and do not change from tree to tree, so that a node needs sums over the few
columns that it may split on, and no others: a boosting library keeps those of all columns.
"""

import math
from collections.abc import Sequence
from typing import Self

import numba
import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.validation import check_is_fitted

from minerisk.features.errors import InputError
from minerisk.models.trees.best_split import MISSING
from minerisk.models.trees.binned_rows import BinnedRows, bin_rows, part_rows
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.model import Trees
from minerisk.models.trees.written import Stated, decisions, thresholds

Matrix = NDArray[np.float32]

ROWS = 0.632  # what drawing with replacement leaves of the rows, on average
LEAST_SHARE = 1e-4  # the share of positives is held inside this and 1 minus this
_LEAST_GAIN = 1e-12
Grown = tuple[NDArray[np.generic], ...]
"""Of each node of a tree: column, bin, way of missing values, first child, share, rows, weight and
what its split gained."""


class RandomForest(ClassifierMixin, BaseEstimator):
    """A random forest as scikit-learn's users have it, of binned columns.

    Each tree sees a share of the rows, and each split the square root of the columns (Breiman
    2001, doi 10.1023/A:1010933404324). Missing values go where they help most.

    Parameters
    ----------
    trees
        How many.
    leaves
        Of a tree, at most; those that gain most are split first.
    min_cells_in_leaf
        Rows in a leaf, at least.
    seed
        The same seed gives the same trees.
    """

    def __init__(
        self, *, trees: int = 100, leaves: int = 1_024, min_cells_in_leaf: int = 50, seed: int = 7
    ) -> None:
        self.trees = trees
        self.leaves = leaves
        self.min_cells_in_leaf = min_cells_in_leaf
        self.seed = seed

    def fit(self, X: ArrayLike, y: ArrayLike, *, sample_weight: ArrayLike | None = None) -> Self:
        """Grow every tree.

        Parameters
        ----------
        X, y
            Features, shape ``(n, p)``, NaN allowed; and 0 or 1, shape ``(n,)``.
        sample_weight
            Weight of each row; one of weight 0 counts as if it were not there.

        Raises
        ------
        InputError
            If there is one class only.
        """
        target = np.asarray(y, dtype=np.float64)
        weight = np.ones(len(target)) if sample_weight is None else np.asarray(sample_weight, float)
        kept = np.flatnonzero(weight > 0)
        if len(np.unique(target[kept])) < 2:
            raise InputError("The rows hold one class only; expected positives and negatives.")
        matrix = np.asarray(X, dtype=np.float32)[kept]
        self.classes_ = np.array([0, 1])
        trees, _ = grown_forest(
            bin_rows(matrix),
            target[kept],
            weight[kept],
            trees=self.trees,
            limits=(self.leaves, self.min_cells_in_leaf, max(1, math.isqrt(matrix.shape[1]))),
            seed=self.seed,
        )
        self.kernel_ = Kernel([trees])
        return self

    def predict_proba(self, X: ArrayLike) -> NDArray[np.float64]:
        """Return the probabilities of 0 and 1, shape ``(n, 2)``, before calibration."""
        check_is_fitted(self, "kernel_")
        mean = self.kernel_.raw(np.asarray(X, dtype=np.float32))[:, 0] / self.trees
        share = np.clip(mean, LEAST_SHARE, 1.0 - LEAST_SHARE)
        return np.column_stack([1.0 - share, share])

    def predict(self, X: ArrayLike) -> NDArray[np.int64]:
        """Return the likelier of 0 and 1, shape ``(n,)``."""
        return (self.predict_proba(X)[:, 1] > 0.5).astype(np.int64)


def grown_forest(
    binned: BinnedRows,
    target: NDArray[np.float64],
    weight: NDArray[np.float64],
    *,
    trees: int,
    limits: tuple[int, int, int],
    seed: int,
    columns: NDArray[np.bool_] | None = None,
) -> tuple[Trees, Stated]:
    """Grow the trees of a forest.

    Parameters
    ----------
    binned, target, weight
        Rows, 0 or 1, and above 0, shape ``(n,)``.
    trees, limits
        How many; leaves at most, rows in a leaf at least, and columns that a split is sought in.
    seed
        The same seed gives the same trees.
    columns
        Those that may be split on, shape ``(p,)``; all, if not stated.
    """
    telling = np.flatnonzero(binned.telling if columns is None else binned.telling & columns)
    # Of the 63 bits of a sum, so many are for weights; above them rows are counted.
    amounts = weight.astype(np.float64), (target > 0).view(np.uint8), 62 - len(target).bit_length()
    by_column = np.ascontiguousarray(binned.codes.T)
    grown = [
        _grow(
            by_column, binned.bins - 1, telling, amounts, limits,
            np.uint64(seed * 1_000_003 + tree + 1),
        )
        for tree in range(trees)
    ]  # fmt: skip
    of_all = np.average(target, weights=weight)
    for *_, share, rows, _, _ in grown:
        if len(rows) == 1:  # not that of the rows it happened to see
            share[:] = of_all
    return _joined(grown, binned.edges)


def _joined(grown: Sequence[Grown], edges: Sequence[NDArray[np.float64]]) -> tuple[Trees, Stated]:
    """Put trees one after the other as the kernel that scores them takes them."""
    column, code, missing_left, first, share, rows, weight, gain = (
        np.concatenate(part) for part in zip(*grown, strict=True)
    )
    size = np.array([len(tree[0]) for tree in grown])
    inner = column >= 0
    # Nodes and leaves are numbered apart, each within its tree.
    begin = np.repeat(np.cumsum(size) - size, size)
    before = np.concatenate([[0], np.cumsum(inner)])
    node = before[:-1] - before[begin]
    number = np.where(inner, node, ~(np.arange(len(inner)) - begin - node)).astype(np.int32)
    left = (begin + first)[inner]
    inside = np.add.reduceat(inner, np.cumsum(size) - size)
    trees = Trees(
        columns=len(edges),
        outputs=1,
        linear=False,
        node_start=np.concatenate([[0], np.cumsum(inside)]),
        leaf_start=np.concatenate([[0], np.cumsum(size - inside)]),
        feature=column[inner],
        threshold=thresholds(edges, column[inner], code[inner]),
        decision=decisions(missing_left[inner]),
        left=number[left],
        right=number[left + 1],
        node_count=rows[inner],
        leaf_value=share[~inner],
        leaf_count=rows[~inner],
        categories={},
    )
    return trees, Stated(gain[inner], share[inner], weight[inner], weight[~inner])


@numba.njit(cache=True, nogil=True)
def _random(state):  # type: ignore[no-untyped-def]
    """Return an even number from 0 to 1, and move the state on (SplitMix64)."""
    state[0] += np.uint64(0x9E3779B97F4A7C15)
    z = state[0]
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.float64((z ^ (z >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


@numba.njit(cache=True, nogil=True)
def _drawn(rows, state):  # type: ignore[no-untyped-def]
    """Draw `ROWS` of the rows, none twice, ascending."""
    wanted = max(1, int(rows * ROWS))
    drawn = np.empty(wanted, np.int32)
    taken = 0
    for row in range(rows):
        if _random(state) * (rows - row) < wanted - taken:
            drawn[taken] = row
            taken += 1
            if taken == wanted:
                break
    return drawn


@numba.njit(cache=True, nogil=True)
def _grow(by_column, edges, telling, amounts, limits, seed):  # type: ignore[no-untyped-def]
    """Grow one tree; return what `Grown` says of its nodes."""
    most_leaves, least_rows, tried = limits
    state = np.array([seed], np.uint64)
    rows = _drawn(by_column.shape[1], state)
    weight, side, bits = amounts
    low = (1 << bits) - 1
    packed, unit = _packed(rows, weight, bits)
    held = packed, side, bits
    most = 2 * most_leaves - 1
    feature, code = np.full(most, -1, np.int32), np.zeros(most, np.int32)
    missing_left, left = np.zeros(most, np.bool_), np.zeros(most, np.int32)
    gain, gained = np.full(most, -1.0), np.zeros(most)
    totals = np.empty((most, 2), np.int64)
    first, last = np.zeros(most, np.int64), np.zeros(most, np.int64)
    columns, sums = telling.copy(), np.empty((tried, 2 * (MISSING + 1)), np.int64)
    spare = np.empty(len(rows) + 1, np.int32)
    last[0], nodes, leaves = len(rows), 1, 1
    _total(rows, held, totals[0])
    best = _best_split(
        by_column, edges, columns, tried, least_rows, rows, held, totals[0], sums, state
    )
    gain[0], feature[0], code[0], missing_left[0] = best
    while leaves < most_leaves:
        node = np.argmax(gain[:nodes])
        if gain[node] * unit <= _LEAST_GAIN:
            break
        gained[node], gain[node] = gain[node] * unit, -1.0
        begin, end = first[node], last[node]
        middle = part_rows(
            by_column[feature[node]], code[node], missing_left[node], rows, begin, end, spare
        )
        left[node] = nodes
        for child in range(2):
            a, b = (begin, middle) if child == 0 else (middle, end)
            first[nodes], last[nodes] = a, b
            _total(rows[a:b], held, totals[nodes])
            if b - a >= 2 * least_rows:
                best = _best_split(
                    by_column, edges, columns, tried, least_rows,
                    rows[a:b], held, totals[nodes], sums, state,
                )  # fmt: skip
                gain[nodes], feature[nodes], code[nodes], missing_left[nodes] = best
            nodes += 1
        leaves += 1
    feature[:nodes][left[:nodes] == 0] = -1
    negative, positive = (totals[:nodes, 0] & low) * unit, (totals[:nodes, 1] & low) * unit
    amount = negative + positive
    return (
        feature[:nodes].copy(), code[:nodes].copy(), missing_left[:nodes].copy(),
        left[:nodes].copy(), positive / amount, (last - first)[:nodes].copy(),
        amount, gained[:nodes].copy(),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _packed(rows, weight, bits):  # type: ignore[no-untyped-def]
    """Return one whole number a row, its 1 and its weight, and the unit of the weights."""
    total = 0.0
    for place in range(len(rows)):
        total += weight[rows[place]]
    per_unit = ((1 << bits) - 1 - len(rows)) / total
    packed = np.empty(len(weight), np.int64)
    for place in range(len(rows)):
        row = rows[place]
        packed[row] = (1 << bits) + int(weight[row] * per_unit + 0.5)
    return packed, 1.0 / per_unit


@numba.njit(cache=True, nogil=True)
def _total(rows, held, total):  # type: ignore[no-untyped-def]
    packed, side, _ = held
    total[:] = 0
    for place in range(len(rows)):
        row = np.uintp(rows[place])
        total[np.uintp(side[row])] += packed[row]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _best_split(by_column, edges, columns, tried, least, rows, held, total, sums, state):  # type: ignore[no-untyped-def]
    """Find the split of some rows that gains most, among columns drawn anew for them.

    Returns
    -------
    gain, column, last bin that goes left, whether missing values go left
        The gain is what the weighted squared error falls by, in units; -1 where there is no split.
    """
    best, best_column, best_code, best_left = 0.0, -1, 0, False
    packed, side, bits = held
    total_n, low = len(rows), (1 << bits) - 1
    total_p = float(total[1] & low)
    total_w = total_p + float(total[0] & low)
    tried = min(tried, len(columns))
    for turn in range(tried):
        other = turn + int(_random(state) * (len(columns) - turn))
        columns[turn], columns[other] = columns[other], columns[turn]
        bins = edges[columns[turn]] + 1
        for begin in (0, MISSING + 1):
            sums[turn, begin : begin + bins] = 0
            sums[turn, begin + MISSING] = 0
    _sum_up(by_column, columns[:tried], rows, packed, side, sums)
    for turn in range(tried):
        own, bins = sums[turn], edges[columns[turn]] + 1
        missing = own[MISSING], own[2 * MISSING + 1]
        lacks = missing[0] + missing[1] > 0
        for way in range(2 if lacks else 1):  # missing values right, then left
            negative, positive = missing if way == 1 else (0, 0)
            # Behind the last bin of numbers only missing values are left.
            for code in range(bins if way == 0 and lacks else bins - 1):
                here = own[code], own[MISSING + 1 + code]
                if here[0] + here[1] == 0:  # no row is in this bin
                    continue
                negative += here[0]
                positive += here[1]
                n = (negative >> bits) + (positive >> bits)
                if n < least:
                    continue
                if total_n - n < least:
                    break
                p = float(positive & low)
                w = p + float(negative & low)
                q, v = total_p - p, total_w - w
                found = (p * p * v + q * q * w) / (w * v)
                if found > best:
                    best, best_column, best_code = found, columns[turn], code
                    best_left = way == 1 or (not lacks and 2 * n > total_n)
    gain = best - total_p * total_p / total_w if best_column >= 0 else -1.0
    return gain, best_column, best_code, best_left


@numba.njit(cache=True, nogil=True)
def _sum_up(by_column, columns, rows, packed, side, sums):  # type: ignore[no-untyped-def]
    """Add up rows and weights in each bin of some columns, of negatives and of positives."""
    for turn in range(len(columns)):
        own, codes = sums[turn], by_column[columns[turn]]
        for place in range(len(rows)):
            row = np.uintp(rows[place])
            begin = np.uintp(side[row]) * np.uintp(MISSING + 1)
            own[begin + np.uintp(codes[row])] += packed[row]
