"""Why a cell scores as it does: exact SHAP values of an ensemble, summed by group of columns.

The values are those of path-dependent TreeSHAP (Lundberg et al. 2020,
doi:10.1038/s42256-019-0138-9), which LightGBM's ``pred_contrib`` computes row by row. What a few
leaves say depends only on how a row answers the splits that lead to them, so it is worked out once
for every set of answers and looked up row by row (the idea of Fast TreeSHAP v2, Yang 2022,
arXiv:2109.09847).
"""

import logging
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import lightgbm as lgb
import numba
import numpy as np
from numpy.typing import NDArray

from features.errors import InputError
from models.tree_bins import BLOCK, TASK, fill_bins
from models.tree_kernel import Kernel, kernel_of
from models.tree_model import Trees, UnreadableTreesError

log = logging.getLogger(__name__)

BITS = 8  # answers to a table: what their 256 sets say of a few groups fits a first-level cache
MOST_BITS = 14  # a single leaf may ask after so many columns
MOST_BYTES = 1_000_000_000


def reasons(
    boosters: Sequence[lgb.Booster],
    X: NDArray[np.float32],
    groups: Sequence[int],
    *,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Give what each group of columns adds to the mean score of an ensemble.

    Parameters
    ----------
    boosters
        The members.
    X
        Rows, float32, shape ``(n, columns)``; NaN is a missing value.
    groups
        Group of each column, 0, 1, 2, …
    threads
        The values are the same for any number.

    Returns
    -------
    ndarray, shape (n, groups)
        Mean SHAP value over the members, log-odds before calibration. What LightGBM has to work
        out itself, which the log says, takes about a hundred times longer and differs by rounding.

    Raises
    ------
    InputError
        If there is not one group for each column, or the rows are not float32.
    """
    explained = _reasons_of(tuple(boosters), tuple(groups))
    if explained is not None:
        return explained.values(X, threads=threads)
    member = np.eye(1 + max(groups))[list(groups)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        values = pool.map(lambda b: b.predict(X, pred_contrib=True, num_threads=1), boosters)
        return np.mean([value[:, :-1] @ member for value in values], axis=0)


@lru_cache(maxsize=2)
def _reasons_of(boosters: tuple[lgb.Booster, ...], groups: tuple[int, ...]) -> "Reasons | None":
    kernel = kernel_of(boosters)
    if kernel is None:
        return None
    try:
        return Reasons(kernel, groups)
    except UnreadableTreesError as error:
        log.warning("%s LightGBM explains them itself, which takes longer.", error)
        return None


class Path(NamedTuple):
    """The way to one leaf.

    Attributes
    ----------
    value
        What the leaf adds to the score.
    steps
        Node, whether it is left to the left, and the share of its training rows that went on.
    """

    value: float
    steps: tuple[tuple[int, bool, float], ...]


class Tables(NamedTuple):
    """What every set of answers says, for bundle after bundle of leaves.

    Attributes
    ----------
    test_start, channel, cut, category_start, left, bit
        First test of each bundle, and the end; of each test what it reads, where it cuts, whether
        it asks for left, and the bit that a no takes out of the set of answers.
    full
        Of each bundle: the set in which every answer is yes.
    group_start, group
        First group of each bundle, and the end; the groups.
    entry_start, entry
        First entry of each bundle; log-odds for each set of answers and group.
    goes_right
        For splits by category: whether each bin goes right.
    """

    test_start: NDArray[np.int64]
    channel: NDArray[np.int64]
    cut: NDArray[np.uint16]
    category_start: NDArray[np.int64]
    left: NDArray[np.bool_]
    bit: NDArray[np.uint16]
    full: NDArray[np.uint16]
    group_start: NDArray[np.int64]
    group: NDArray[np.int64]
    entry_start: NDArray[np.int64]
    entry: NDArray[np.float64]
    goes_right: NDArray[np.bool_]


class Reasons:
    """What each group of columns adds to the score of a row.

    Parameters
    ----------
    kernel
        The trees.
    groups
        Group of each column, 0, 1, 2, …

    Raises
    ------
    InputError
        If there is not one group for each column.
    UnreadableTreesError
        If a leaf depends on more than 14 columns, or the tables would take more than 1 GB.
    """

    def __init__(self, kernel: Kernel, groups: Sequence[int]) -> None:
        if len(groups) != kernel.columns or min(groups, default=0) < 0:
            raise InputError(
                f"Got groups for {len(groups)} columns; expected a number from 0 for each of "
                f"{kernel.columns}."
            )
        self.kernel = kernel
        self.groups = 1 + max(groups)
        self._tables = _tables(kernel, groups)

    def values(self, X: NDArray[np.float32], *, threads: int = 1) -> NDArray[np.float64]:
        """Give the mean SHAP value over the members, log-odds.

        Parameters
        ----------
        X
            Rows, float32, shape ``(n, columns)``.
        threads
            The values are the same for any number.

        Returns
        -------
        ndarray, shape (n, groups)
            With the mean score of the training rows they add up to the mean raw score of the
            members.
        """
        X = self.kernel.checked(X)
        values = np.empty((len(X), self.groups), dtype=np.float64)

        def task(first: int) -> None:
            part = slice(first, first + TASK)
            _explain(fill_bins(X[part], self.kernel.splits.cuts), self._tables, values[part])

        with ThreadPoolExecutor(max_workers=threads) as pool:
            list(pool.map(task, range(0, len(X), TASK)))
        return values


class _Bundle(NamedTuple):
    """Neighbouring leaves whose paths share few tests.

    Attributes
    ----------
    sides, bits
        For each node that is asked: the side a yes means, and the bit of the answer.
    paths
        The way to each leaf.
    """

    sides: dict[int, bool]
    bits: dict[int, int]
    paths: list[Path]


def _tables(kernel: Kernel, groups: Sequence[int]) -> Tables:
    column = np.concatenate([trees.feature for trees in kernel.members]).tolist()
    tests: list[tuple[int, bool, int]] = []
    test_start, full, group_start, group, entries = [0], [], [0], [], []
    size = 0
    for bundle in _all_bundles(kernel.members, column):
        tests += [(node, side, 1 << bundle.bits[node]) for node, side in bundle.sides.items()]
        present = sorted({groups[column[node]] for node in bundle.sides})
        entries.append(
            _entries(bundle, column, [present.index(g) if g in present else -1 for g in groups])
        )
        size += entries[-1].nbytes
        if size > MOST_BYTES:
            raise UnreadableTreesError("The trees are too large for tables of their reasons.")
        test_start.append(len(tests))
        full.append(len(entries[-1]) - 1)
        group += present
        group_start.append(len(group))
    node, side, bit = np.array(tests, dtype=np.int64).reshape(-1, 3).T
    splits = kernel.splits
    return Tables(
        test_start=np.array(test_start),
        channel=splits.channel[node],
        cut=np.where(splits.by_category, 0, splits.cut)[node].astype(np.uint16),
        category_start=np.where(splits.by_category, splits.cut, -1)[node],
        left=side > 0,
        bit=bit.astype(np.uint16),
        full=np.array(full, dtype=np.uint16),
        group_start=np.array(group_start),
        group=np.array(group, dtype=np.int64),
        entry_start=np.cumsum([0, *(table.size for table in entries)]),
        entry=np.concatenate([[], *(table.ravel() for table in entries)]) / len(kernel.members),
        goes_right=splits.goes_right,
    )


def _all_bundles(members: Sequence[Trees], column: Sequence[int]) -> Iterator[_Bundle]:
    first = 0
    for trees in members:
        for tree in range(len(trees.node_start) - 1):
            yield from _bundles(_paths(trees, tree, first), column)
        first += len(trees.feature)


def _paths(trees: Trees, tree: int, before: int) -> Iterator[Path]:
    """Walk one tree from left to right; nodes are numbered over all members."""
    first, last = trees.node_start[tree : tree + 2].tolist()
    leaves = slice(*trees.leaf_start[tree : tree + 2].tolist())
    left, right = trees.left[first:last].tolist(), trees.right[first:last].tolist()
    rows = trees.node_count[first:last].tolist()
    leaf_rows, value = trees.leaf_count[leaves].tolist(), trees.leaf_value[leaves].tolist()
    if 0 in rows:
        raise UnreadableTreesError("A split has no training rows, so nothing can be explained.")
    stack: list[tuple[int, tuple[tuple[int, bool, float], ...]]] = [(0, ())] if rows else []
    while stack:
        node, steps = stack.pop()
        if node < 0:
            yield Path(value[~node], steps)
            continue
        for child, side in ((right[node], False), (left[node], True)):
            share = (rows[child] if child >= 0 else leaf_rows[~child]) / rows[node]
            stack.append((child, (*steps, (before + first + node, side, share))))


def _bundles(paths: Iterator[Path], column: Sequence[int]) -> Iterator[_Bundle]:
    """Keep leaves together as long as few splits lead to them; one bit for each split.

    A leaf that lies deeper is by itself, with one bit for each column: were all its splits passed?
    """
    kept = _Bundle({}, {}, [])
    for path in paths:
        nodes = [node for node, _, _ in path.steps]
        if len(nodes) > BITS:
            columns = list(dict.fromkeys(column[node] for node in nodes))
            if len(columns) > MOST_BITS:
                raise UnreadableTreesError(f"A leaf depends on more than {MOST_BITS} columns.")
            bits = {node: columns.index(column[node]) for node in nodes}
            yield _Bundle({node: side for node, side, _ in path.steps}, bits, [path])
            continue
        if len(kept.bits.keys() | nodes) > BITS:
            yield kept
            kept = _Bundle({}, {}, [])
        for node in nodes:
            kept.sides[node] = True
            kept.bits.setdefault(node, len(kept.bits))
        kept.paths.append(path)
    if kept.paths:
        yield kept


def _entries(bundle: _Bundle, column: Sequence[int], place: Sequence[int]) -> NDArray[np.float64]:
    """Work out what each set of answers says, shape ``(sets, groups present)``."""
    table = np.zeros((2 << max(bundle.bits.values()), max(place) + 1))
    for path in bundle.paths:
        asked: dict[int, list[float]] = {}
        for node, side, share in path.steps:
            of_column = asked.setdefault(column[node], [0, 0, 1.0])
            bit = 1 << bundle.bits[node]
            of_column[0] = int(of_column[0]) | bit
            of_column[1] = int(of_column[1]) | (bit if side == bundle.sides[node] else 0)
            of_column[2] *= share
        mask, yes, cover = np.array(list(asked.values())).T
        group = np.array([place[name] for name in asked])
        _add_leaf(table, path.value, mask.astype(np.int64), yes.astype(np.int64), cover, group)
    return table


@numba.njit(cache=True)
def _add_leaf(table, value, mask, yes, cover, group):  # type: ignore[no-untyped-def]
    """Add the Shapley values of one leaf to every set of answers.

    Parameters
    ----------
    table : ndarray of float64, shape (sets, groups)
        Added to.
    value : float
        Score of the leaf.
    mask, yes : ndarray of int64, shape (columns,)
        The answers that concern each column on the path, and what they must be.
    cover : ndarray of float64, shape (columns,)
        Share of the training rows that go the leaf's way at the splits of the column.
    group : ndarray of int64, shape (columns,)
        Where each column's value is added.
    """
    columns = len(mask)
    shapley = np.empty((1 << columns, columns))
    for met in range(1 << columns):
        for j in range(columns):
            shapley[met, j] = value * _shapley(met, j, cover)
    for answers in range(len(table)):
        met = 0
        for j in range(columns):
            if answers & mask[j] == yes[j]:
                met |= 1 << j
        for j in range(columns):
            table[answers, group[j]] += shapley[met, j]


@numba.njit(cache=True)
def _shapley(met, own, cover):  # type: ignore[no-untyped-def]
    """Give the Shapley value of one column in the game of one leaf of value 1.

    A coalition is worth the product, over columns outside it, of their cover, if all inside it are
    met, else 0. With ``e[c]`` the sum of that product over coalitions of ``c`` met columns, the
    value is ``(met - cover) * sum(e[c] * c! (n - 1 - c)! / n!)``.
    """
    n = len(cover)
    e = np.zeros(n)
    e[0] = 1.0
    for j in range(n):
        if j != own:
            for c in range(n - 1, 0, -1):
                e[c] = e[c] * cover[j] + (e[c - 1] if met >> j & 1 else 0.0)
            e[0] *= cover[j]
    weight, total = 1.0 / n, 0.0
    for c in range(n):
        total += weight * e[c]
        weight *= (c + 1) / max(n - 1 - c, 1)
    return ((1.0 if met >> own & 1 else 0.0) - cover[own]) * total


@numba.njit(cache=True, nogil=True)
def _explain(bins, tables, values):  # type: ignore[no-untyped-def]
    """Look up what every bundle says of every row."""
    total = np.zeros((len(bins), values.shape[1], BLOCK), dtype=np.float64)
    answers = np.zeros(BLOCK, dtype=np.uint16)
    for bundle in range(len(tables.full)):
        groups = tables.group[tables.group_start[bundle] : tables.group_start[bundle + 1]]
        entry = tables.entry[tables.entry_start[bundle] : tables.entry_start[bundle + 1]]
        for block in range(len(bins)):
            _answer(bins[block], tables, bundle, answers)
            for j in range(len(groups)):
                sums = total[block, groups[j]]
                for i in range(BLOCK):
                    sums[i] += entry[answers[i] * len(groups) + j]
    for row in range(len(values)):
        for group in range(values.shape[1]):
            values[row, group] = total[row // BLOCK, group, row % BLOCK]


@numba.njit(cache=True, nogil=True)
def _answer(bins, tables, bundle, answers):  # type: ignore[no-untyped-def]
    """Ask a block of rows all tests of a bundle: every no takes out its bit."""
    answers[:] = tables.full[bundle]
    for test in range(tables.test_start[bundle], tables.test_start[bundle + 1]):
        row, cut, left = bins[tables.channel[test]], tables.cut[test], tables.left[test]
        others = np.uint16(~tables.bit[test])
        if tables.category_start[test] < 0:
            for i in range(BLOCK):
                answers[i] = answers[i] & others if (row[i] > cut) == left else answers[i]
        else:
            right = tables.goes_right[tables.category_start[test] :]
            for i in range(BLOCK):
                answers[i] = answers[i] & others if right[row[i]] == left else answers[i]
