"""Boosted trees grown on binned columns, as LightGBM grows them, for members of few rows.

On the tens of thousands of rows that a member is trained on, a library spends more time around its
sums than on them. This kernel makes the same choices: gradients, draws of rows and columns, order
of leaves, limits, constraints. Its sums are whole numbers, so that they hold in any order; on the
same bins its trees are LightGBM's but for their rounding.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.models.trees.best_split import EPSILON, LOW, MISSING, best_split, leaf_value
from minerisk.models.trees.binned_rows import part_rows
from minerisk.models.trees.draws import BLOCK, draw_rows, sample, seeds

MOST_ROWS = 1_000_000
"""Of so many rows the mean derivative is still 2,000 of the units that sums are counted in."""


class Growth(NamedTuple):
    """How trees are grown; the names are those of `LightGBMEnsemble`, the rest LightGBM's own."""

    trees: int
    leaves: int
    min_rows: int
    seed: int
    learning_rate: float
    feature_share: float
    row_share: float
    l2: float
    min_hessian: float = 1e-3


class Columns(NamedTuple):
    """Rows in bins: by row ``(n, p)`` and by column ``(p, n)``; and of each column, shape (p,).

    How many bins it has, whether any row of the training set lacks it, and which way the score may
    go with it.
    """

    by_row: NDArray[np.uint8]
    by_column: NDArray[np.uint8]
    bins: NDArray[np.int64]
    missing: NDArray[np.bool_]
    monotone: NDArray[np.int64]


class Nodes(NamedTuple):
    """What was grown, one tree after the other; leaves are ``~leaf`` among the children."""

    start: float
    leaves: NDArray[np.int64]
    feature: NDArray[np.int32]
    code: NDArray[np.int32]
    missing_left: NDArray[np.bool_]
    child: NDArray[np.int32]
    rows: NDArray[np.int64]
    gain: NDArray[np.float64]
    value: NDArray[np.float64]
    weight: NDArray[np.float64]
    leaf_value: NDArray[np.float64]
    leaf_weight: NDArray[np.float64]
    leaf_rows: NDArray[np.int64]


class _Open(NamedTuple):
    """The leaves of the tree that grows, and the best split of each.

    ``at`` is where its drawn rows and its other rows begin and end, ``(leaves, 2, 2)``; ``sums``
    holds first and second derivatives; ``between`` what constraints leave of its value; ``split``
    the turn of its column, the last bin that goes left and whether missing values do; ``tried``
    the columns that had a split where it came from.
    """

    at: NDArray[np.int64]
    sums: NDArray[np.float64]
    between: NDArray[np.float64]
    value: NDArray[np.float64]
    parent: NDArray[np.int64]
    gain: NDArray[np.float64]
    split: NDArray[np.int64]
    left_sums: NDArray[np.float64]
    tried: NDArray[np.bool_]


@numba.njit(cache=True, nogil=True, error_model="numpy")
def grow(columns, telling, target, weight, growth):  # type: ignore[no-untyped-def]
    """Grow the trees of one member.

    Parameters
    ----------
    columns
        Of the rows that it sees, `Columns`.
    telling
        Columns that tell rows apart in the whole training set, ascending.
    target, weight
        0 or 1, and above 0, shape ``(n,)``.
    growth
        `Growth`.

    Returns
    -------
    Nodes
        Leaf values hold the learning rate; ``start`` is the log-odds before the first tree.
    """
    n, most = len(target), growth.trees * (growth.leaves - 1)
    row_seed, column_seed = seeds(growth.seed)
    row_states = (np.arange((n + BLOCK - 1) // BLOCK) + row_seed).astype(np.uint32)
    column_state = np.array([column_seed], np.uint32)
    wanted = min(len(telling), max(2, int(len(telling) * growth.feature_share + 0.5)))
    sample(telling, wanted, column_state)  # LightGBM draws once before the first tree
    grown = _room(most, growth.trees)
    open_ = _leaves(growth.leaves, wanted)
    packed = np.empty((growth.leaves, wanted * (MISSING + 1)), np.int64)
    average = min(max((weight * target).sum() / weight.sum(), EPSILON), 1.0 - EPSILON)
    start = np.log(average / (1.0 - average))
    odds = np.exp(np.where(target > 0, start, -start))  # of being told rightly
    first, second, both = np.empty(n), np.empty(n), np.empty(n, np.int64)
    rows = np.empty((2, n + 1), np.int32)
    spare = np.empty(n + 1, np.int32)
    trees, node, leaf = 0, 0, 0
    for _ in range(growth.trees):
        units = _derive(odds, target, weight, first, second, both)
        drawn = draw_rows(row_states, growth.row_share, rows)
        chosen = sample(telling, wanted, column_state)
        open_.at[0, 0, 0], open_.at[0, 0, 1] = 0, drawn
        open_.at[0, 1, 0], open_.at[0, 1, 1] = 0, n - drawn
        leaves = _grow_tree(
            columns, chosen, both, units, rows, spare, growth, packed, open_, grown, node
        )
        if leaves == 1:  # nothing to be split with these rows and columns
            continue
        _keep_leaves(open_, leaves, growth.learning_rate, odds, target, rows, grown, node, leaf)
        grown.leaves[trees] = leaves
        trees, node, leaf = trees + 1, node + leaves - 1, leaf + leaves
    return Nodes(
        start, grown.leaves[:trees], grown.feature[:node], grown.code[:node],
        grown.missing_left[:node], grown.child[:node], grown.rows[:node], grown.gain[:node],
        grown.value[:node], grown.weight[:node], grown.leaf_value[:leaf],
        grown.leaf_weight[:leaf], grown.leaf_rows[:leaf],
    )  # fmt: skip


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _grow_tree(columns, chosen, both, units, rows, spare, growth, packed, open_, grown, node):  # type: ignore[no-untyped-def]
    """Grow one tree, leaf by leaf, those that gain most first; return how many leaves it has."""
    constrained = (columns.monotone != 0).any()
    limits = (growth.min_rows, growth.min_hessian, growth.l2, constrained)
    place = chosen.astype(np.uintp)
    all_rows = open_.at[0, 0, 1]
    total = np.int64(0)
    for at in range(all_rows):
        total += both[rows[0, at]]
    _unpack(total, units, open_.sums[0])
    open_.between[0, 0], open_.between[0, 1] = -np.inf, np.inf
    open_.parent[0], open_.value[0], open_.tried[0] = -1, 0.0, True
    _clear(packed[0], columns.bins, chosen)
    _sum_up(columns.by_row, place, rows[0, :all_rows], both, packed[0])
    best_split(columns, chosen, packed[0], units, open_, 0, limits)
    leaves = 1
    while leaves < growth.leaves:
        old = np.argmax(open_.gain[:leaves])
        if not open_.gain[old] > 0.0:
            break
        _split(
            columns, chosen, rows, spare, growth.l2, constrained, open_, old, leaves, grown, node
        )
        new, leaves = leaves, leaves + 1
        held = open_.at[old, 0, 1] - open_.at[old, 0, 0], open_.at[new, 0, 1] - open_.at[new, 0, 0]
        if leaves == growth.leaves or max(held) < 2 * growth.min_rows:
            open_.gain[old] = open_.gain[new] = -np.inf
            continue
        # The smaller child is summed up; the other is what it leaves of their parent.
        small, large = (old, new) if held[0] < held[1] else (new, old)
        if large == new:
            packed[new] = packed[old]
        _clear(packed[small], columns.bins, chosen)
        mine = rows[0, open_.at[small, 0, 0] : open_.at[small, 0, 1]]
        _sum_up(columns.by_row, place, mine, both, packed[small])
        _take_away(packed[large], packed[small], columns.bins, chosen)
        for leaf in (old, new):
            best_split(columns, chosen, packed[leaf], units, open_, leaf, limits)
    return leaves


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _derive(odds, target, weight, first, second, both):  # type: ignore[no-untyped-def]
    """Derive the log-loss of each row, and pack both derivatives into one whole number.

    Returns
    -------
    tuple of float
        The units they are counted in: all rows together stay below 2 to the power of 31 of each.
    """
    sum_first, sum_second = 0.0, 0.0
    for row in range(len(odds)):
        wrong = 1.0 / (1.0 + odds[row])
        first[row], second[row] = wrong * weight[row], wrong * (1.0 - wrong) * weight[row]
        sum_first += first[row]
        sum_second += second[row]
    most = 2.0**31 - 1.0 - len(odds)
    per_first, per_second = most / sum_first, most / sum_second
    for row in range(len(odds)):
        g, h = int(first[row] * per_first + 0.5), int(second[row] * per_second + 0.5)
        both[row] = ((-g if target[row] > 0 else g) << 32) + h
    return 1.0 / per_first, 1.0 / per_second


@numba.njit(cache=True, nogil=True)
def _unpack(packed, units, sums):  # type: ignore[no-untyped-def]
    sums[0], sums[1] = (packed >> 32) * units[0], (packed & LOW) * units[1]


@numba.njit(cache=True, nogil=True)
def _clear(packed, bins, chosen):  # type: ignore[no-untyped-def]
    for turn in range(len(chosen)):
        begin = turn * (MISSING + 1)
        packed[begin : begin + bins[chosen[turn]]] = 0
        packed[begin + MISSING] = 0


@numba.njit(cache=True, nogil=True)
def _take_away(packed, other, bins, chosen):  # type: ignore[no-untyped-def]
    for turn in range(len(chosen)):
        begin = turn * (MISSING + 1)
        for at in range(begin, begin + bins[chosen[turn]]):
            packed[at] -= other[at]
        packed[begin + MISSING] -= other[begin + MISSING]


@numba.njit(cache=True, nogil=True)
def _sum_up(by_row, chosen, rows, both, packed):  # type: ignore[no-untyped-def]
    """Add up the derivatives of some rows in each bin of some columns."""
    for at in range(len(rows)):
        row = np.uintp(rows[at])
        value, begin = both[row], np.uintp(0)
        # Columns by turns: an addition need not wait for the one before it in the same bin.
        for turn in range(len(chosen)):
            packed[begin + np.uintp(by_row[row, chosen[turn]])] += value
            begin += np.uintp(MISSING + 1)


@numba.njit(cache=True, nogil=True, error_model="numpy")
def _split(columns, chosen, rows, spare, l2, constrained, open_, old, new, grown, node):  # type: ignore[no-untyped-def]
    """Make two leaves of one: its left child keeps its number."""
    column, code = chosen[open_.split[old, 0]], open_.split[old, 1]
    missing_left = open_.split[old, 2] == 1
    here, parent = node + new - 1, open_.parent[old]
    grown.feature[here], grown.code[here], grown.missing_left[here] = column, code, missing_left
    grown.gain[here], grown.value[here] = open_.gain[old], open_.value[old]
    grown.weight[here] = open_.sums[old, 1]
    grown.rows[here] = open_.at[old, 0, 1] - open_.at[old, 0, 0]
    grown.child[here, 0], grown.child[here, 1] = ~old, ~new
    if parent >= 0:
        grown.child[parent, 0 if grown.child[parent, 0] == ~old else 1] = new - 1
    open_.parent[old] = open_.parent[new] = here
    for side in range(2):
        begin, end = open_.at[old, side]
        middle = part_rows(
            columns.by_column[column], code, missing_left, rows[side], begin, end, spare
        )
        open_.at[old, side, 1] = open_.at[new, side, 0] = middle
        open_.at[new, side, 1] = end
    g, h = open_.sums[old, 0], open_.sums[old, 1] + 2.0 * EPSILON
    left_g, left_h = open_.left_sums[old]
    left = leaf_value(left_g, left_h, l2, open_.between[old])
    right = leaf_value(g - left_g, h - left_h, l2, open_.between[old])
    open_.value[old], open_.value[new] = left, right
    open_.sums[old, 0], open_.sums[old, 1] = left_g, left_h - EPSILON
    open_.sums[new, 0], open_.sums[new, 1] = g - left_g, h - left_h - EPSILON
    open_.between[new], open_.tried[new] = open_.between[old], open_.tried[old]
    if columns.monotone[column] != 0:
        low, high = (old, new) if columns.monotone[column] > 0 else (new, old)
        middle_value = (left + right) / 2.0
        open_.between[low, 1] = min(open_.between[low, 1], middle_value)
        open_.between[high, 0] = max(open_.between[high, 0], middle_value)


@numba.njit(cache=True, nogil=True)
def _keep_leaves(open_, leaves, rate, odds, target, rows, grown, node, leaf):  # type: ignore[no-untyped-def]
    """Write down the leaves of a tree, and what they change in every row, drawn or not."""
    grown.value[node : node + leaves - 1] *= rate
    for own in range(leaves):
        value = rate * open_.value[own]
        grown.leaf_value[leaf + own], grown.leaf_weight[leaf + own] = value, open_.sums[own, 1]
        grown.leaf_rows[leaf + own] = open_.at[own, 0, 1] - open_.at[own, 0, 0]
        up, down = np.exp(value), np.exp(-value)
        for side in range(2):
            for at in range(open_.at[own, side, 0], open_.at[own, side, 1]):
                row = rows[side, at]
                odds[row] *= up if target[row] > 0 else down


@numba.njit(cache=True, nogil=True)
def _room(most, trees):  # type: ignore[no-untyped-def]
    return Nodes(
        0.0, np.empty(trees, np.int64), np.empty(most, np.int32), np.empty(most, np.int32),
        np.empty(most, np.bool_), np.empty((most, 2), np.int32), np.empty(most, np.int64),
        np.empty(most), np.empty(most), np.empty(most), np.empty(most + trees),
        np.empty(most + trees), np.empty(most + trees, np.int64),
    )  # fmt: skip


@numba.njit(cache=True, nogil=True)
def _leaves(most, wanted):  # type: ignore[no-untyped-def]
    return _Open(
        np.empty((most, 2, 2), np.int64), np.empty((most, 2)), np.empty((most, 2)),
        np.empty(most), np.empty(most, np.int64), np.empty(most), np.empty((most, 3), np.int64),
        np.empty((most, 2)), np.empty((most, wanted), np.bool_),
    )  # fmt: skip
