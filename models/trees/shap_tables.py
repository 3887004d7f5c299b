"""What every set of answers to the splits of a few leaves says, worked out once for a model.

Neighbouring leaves of a tree whose paths share few splits make a bundle; its table holds, for each
set of answers to those splits, what each group of columns adds to the score.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.models.trees.kernel import Kernel, joined_starts
from minerisk.models.trees.model import Trees, UnreadableTreesError
from minerisk.models.trees.shap_leaf import add_leaf

BITS = 8  # answers to a table: what their 256 sets say of a few groups fits a first-level cache
MOST_BITS = 14  # a single leaf may ask after so many columns
MOST_BYTES = 1_000_000_000


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


class Paths(NamedTuple):
    """The ways to all leaves of all trees, each tree from left to right.

    Attributes
    ----------
    tree_start
        First path of each tree, and the end.
    value
        What the leaf of each path adds to the score.
    start
        First step of each path, and the end.
    node, left, share
        Of each step: the node (over all members), whether it goes to the left, and the share of
        the node's training rows that went on.
    column
        The column that the node asks after.
    """

    tree_start: NDArray[np.int64]
    value: NDArray[np.float64]
    start: NDArray[np.int64]
    node: NDArray[np.int64]
    left: NDArray[np.bool_]
    share: NDArray[np.float64]
    column: NDArray[np.int64]


class Bundles(NamedTuple):
    """Neighbouring leaves whose paths share few tests; a bundle a table.

    A leaf that lies deeper than `BITS` is by itself, with one bit for each column: were all its
    splits passed? Elsewhere each split has a bit of its own.

    Attributes
    ----------
    of_path
        The bundle of each path.
    bits
        How many bits the answers of each bundle have.
    test_start
        First test of each bundle, and the end.
    node, left, bit
        Of each test: the node, the side a yes means, and the number of the bit.
    """

    of_path: NDArray[np.int64]
    bits: NDArray[np.int64]
    test_start: NDArray[np.int64]
    node: NDArray[np.int64]
    left: NDArray[np.bool_]
    bit: NDArray[np.int64]


def group_tables(kernel: Kernel, groups: Sequence[int]) -> Tables:
    """Work out what every set of answers says.

    Parameters
    ----------
    kernel
        The trees.
    groups
        Group of each column, 0, 1, 2, …

    Raises
    ------
    UnreadableTreesError
        If a leaf depends on more than 14 columns, the tables would take more than 1 GB, or a split
        has no training rows.
    """
    paths = _paths(kernel.members)
    bundles = _bundles(paths)
    member = np.asarray(groups, dtype=np.int64)
    column = np.concatenate([trees.feature for trees in kernel.members]).astype(np.int64)
    group_start, group = _present(bundles, member[column], 1 + max(groups))
    sizes = (1 << bundles.bits) * np.diff(group_start)
    if int(sizes.sum()) * 8 > MOST_BYTES:
        raise UnreadableTreesError("The trees are too large for tables of their SHAP values.")
    entry_start = np.concatenate([[0], np.cumsum(sizes)])
    entry = np.zeros(entry_start[-1])
    _fill(entry, entry_start, paths, bundles, member, group_start, group)
    splits, node = kernel.splits, bundles.node
    return Tables(
        test_start=bundles.test_start,
        channel=splits.channel[node],
        cut=np.where(splits.by_category, 0, splits.cut)[node].astype(np.uint16),
        category_start=np.where(splits.by_category, splits.cut, -1)[node],
        left=bundles.left,
        bit=(1 << bundles.bit).astype(np.uint16),
        full=((1 << bundles.bits) - 1).astype(np.uint16),
        group_start=group_start,
        group=group,
        entry_start=entry_start,
        entry=entry / len(kernel.members),
        goes_right=splits.goes_right,
    )


def _paths(members: Sequence[Trees]) -> Paths:
    def all_of(name: str) -> NDArray[np.int64]:
        return np.concatenate([getattr(trees, name) for trees in members]).astype(np.int64)

    rows = all_of("node_count")
    if (rows == 0).any():
        raise UnreadableTreesError("A split has no training rows, so nothing can be explained.")
    node_start = joined_starts([trees.node_start for trees in members])
    leaf_start = joined_starts([trees.leaf_start for trees in members])
    left, right = all_of("left"), all_of("right")
    depth = _depths(node_start, leaf_start, left, right)
    nodes, leaves = np.diff(node_start), np.diff(leaf_start)
    tree_start = np.concatenate([[0], np.cumsum(np.where(nodes > 0, leaves, 0))])
    steps, count = int(depth.sum()), int(tree_start[-1])
    paths = Paths(
        tree_start=tree_start,
        value=np.empty(count),
        start=np.zeros(count + 1, dtype=np.int64),
        node=np.empty(steps, dtype=np.int64),
        left=np.empty(steps, dtype=np.bool_),
        share=np.empty(steps),
        column=np.empty(steps, dtype=np.int64),
    )
    value = np.concatenate([trees.leaf_value for trees in members])
    shape = (node_start, leaf_start, left, right, rows, all_of("leaf_count"))
    _walk(*shape, value, int(depth.max(initial=0)), paths)
    paths.column[:] = all_of("feature")[paths.node]
    return paths


def _bundles(paths: Paths) -> Bundles:
    count, steps = len(paths.value), len(paths.node)
    bundles = Bundles(
        of_path=np.full(count, -1, dtype=np.int64),
        bits=np.empty(count, dtype=np.int64),
        test_start=np.zeros(count + 1, dtype=np.int64),
        node=np.empty(steps, dtype=np.int64),
        left=np.empty(steps, dtype=np.bool_),
        bit=np.empty(steps, dtype=np.int64),
    )
    made = _pack(paths, bundles)
    if made < 0:
        raise UnreadableTreesError(f"A leaf depends on more than {MOST_BITS} columns.")
    tests = bundles.test_start[made]
    return Bundles(
        of_path=bundles.of_path,
        bits=bundles.bits[:made],
        test_start=bundles.test_start[: made + 1],
        node=bundles.node[:tests],
        left=bundles.left[:tests],
        bit=bundles.bit[:tests],
    )


def _present(
    bundles: Bundles, of_node: NDArray[np.int64], groups: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """List the groups that each bundle's tests ask after, in rising order: starts, and groups."""
    count = len(bundles.bits)
    bundle = np.repeat(np.arange(count), np.diff(bundles.test_start))
    found = np.unique(bundle * groups + of_node[bundles.node])
    start = np.searchsorted(found, np.arange(count + 1) * groups)
    return start.astype(np.int64), found % groups


@numba.njit(cache=True)
def _depths(node_start, leaf_start, left, right):  # type: ignore[no-untyped-def]
    """Count the steps to each leaf; a node stands before its children."""
    depth = np.zeros(leaf_start[-1], dtype=np.int64)
    above = np.zeros(len(left), dtype=np.int64)
    for tree in range(len(node_start) - 1):
        first, leaf = node_start[tree], leaf_start[tree]
        for node in range(first, node_start[tree + 1]):
            for child in (left[node], right[node]):
                if child >= 0:
                    above[first + child] = above[node] + 1
                else:
                    depth[leaf + ~child] = above[node] + 1
    return depth


@numba.njit(cache=True)
def _walk(node_start, leaf_start, left, right, rows, leaf_rows, value, deepest, paths):  # type: ignore[no-untyped-def]
    """Walk every tree from left to right."""
    way = np.empty(deepest + 1, dtype=np.int64)
    path, step = 0, 0
    for tree in range(len(node_start) - 1):
        first, leaf = node_start[tree], leaf_start[tree]
        if node_start[tree + 1] == first:
            continue
        turn = np.zeros(deepest + 1, dtype=np.int64)  # 0 untouched, 1 to the left, 2 to the right
        depth = 0
        way[0] = 0
        while depth >= 0:
            turn[depth] += 1
            if turn[depth] > 2:
                turn[depth] = 0
                depth -= 1
                continue
            node = first + way[depth]
            child = left[node] if turn[depth] == 1 else right[node]
            if child >= 0:
                depth += 1
                way[depth] = child
                continue
            for above in range(depth + 1):
                node = first + way[above]
                to_left = turn[above] == 1
                below = left[node] if to_left else right[node]
                went = rows[first + below] if below >= 0 else leaf_rows[leaf + ~below]
                paths.node[step], paths.left[step] = node, to_left
                paths.share[step] = went / rows[node]
                step += 1
            paths.value[path] = value[leaf + ~child]
            path += 1
            paths.start[path] = step


@numba.njit(cache=True)
def _pack(paths, bundles):  # type: ignore[no-untyped-def]
    """Keep leaves together as long as few splits lead to them; give the number of bundles.

    -1 stands for a leaf that depends on more than `MOST_BITS` columns.
    """
    made, held, first = 0, 0, 0
    kept = np.empty(BITS, dtype=np.int64)
    columns = np.empty(MOST_BITS, dtype=np.int64)
    for tree in range(len(paths.tree_start) - 1):
        first = paths.tree_start[tree]
        for path in range(first, paths.tree_start[tree + 1]):
            begin, end = paths.start[path], paths.start[path + 1]
            if end - begin > BITS:
                bits = _own_bits(paths, begin, end, columns, bundles, bundles.test_start[made])
                if bits < 0:
                    return -1
                bundles.of_path[path], bundles.bits[made] = made, bits
                made += 1
                bundles.test_start[made] = bundles.test_start[made - 1] + end - begin
                continue
            new = 0
            for step in range(begin, end):
                new += not _among(kept, held, paths.node[step])
            if held + new > BITS:
                made = _close(kept, held, first, path, made, bundles)
                held, first = 0, path
            for step in range(begin, end):
                if not _among(kept, held, paths.node[step]):
                    kept[held] = paths.node[step]
                    held += 1
        if held > 0:
            made = _close(kept, held, first, paths.tree_start[tree + 1], made, bundles)
            held = 0
    return made


@numba.njit(cache=True)
def _among(values, count, value):  # type: ignore[no-untyped-def]
    found = False
    for place in range(count):
        found |= values[place] == value
    return found


@numba.njit(cache=True)
def _own_bits(paths, begin, end, columns, bundles, test):  # type: ignore[no-untyped-def]
    """Write the tests of a leaf by itself, one bit a column; give the bits, -1 for too many."""
    bits = 0
    for step in range(begin, end):
        place = 0
        while place < bits and columns[place] != paths.column[step]:
            place += 1
        if place == bits:
            if bits == MOST_BITS:
                return -1
            columns[bits] = paths.column[step]
            bits += 1
        bundles.node[test], bundles.left[test] = paths.node[step], paths.left[step]
        bundles.bit[test] = place
        test += 1
    return bits


@numba.njit(cache=True)
def _close(kept, held, first, end, made, bundles):  # type: ignore[no-untyped-def]
    """Make a bundle of the paths from `first` that have none yet; give the number of bundles."""
    test = bundles.test_start[made]
    for place in range(held):
        bundles.node[test + place], bundles.left[test + place] = kept[place], True
        bundles.bit[test + place] = place
    bundles.bits[made], bundles.test_start[made + 1] = held, test + held
    for path in range(first, end):
        if bundles.of_path[path] < 0:
            bundles.of_path[path] = made
    return made + 1


@numba.njit(cache=True)
def _fill(entry, entry_start, paths, bundles, groups, group_start, group):  # type: ignore[no-untyped-def]
    """Add what each leaf says to the table of its bundle, leaf after leaf."""
    most = MOST_BITS + 1
    columns, place = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    mask, yes = np.empty(most, dtype=np.int64), np.empty(most, dtype=np.int64)
    cover = np.empty(most)
    for path in range(len(paths.value)):
        bundle = bundles.of_path[path]
        tests = slice(bundles.test_start[bundle], bundles.test_start[bundle + 1])
        node, left, bit = bundles.node[tests], bundles.left[tests], bundles.bit[tests]
        own = group[group_start[bundle] : group_start[bundle + 1]]
        used = 0
        for step in range(paths.start[path], paths.start[path + 1]):
            at = 0
            while at < used and columns[at] != paths.column[step]:
                at += 1
            if at == used:
                columns[at], mask[at], yes[at], cover[at] = paths.column[step], 0, 0, 1.0
                place[at] = np.searchsorted(own, groups[columns[at]])
                used += 1
            test = 0
            while node[test] != paths.node[step]:
                test += 1
            mask[at] |= 1 << bit[test]
            if paths.left[step] == left[test]:
                yes[at] |= 1 << bit[test]
            cover[at] *= paths.share[step]
        table = entry[entry_start[bundle] : entry_start[bundle + 1]].reshape(-1, len(own))
        add_leaf(table, paths.value[path], mask[:used], yes[:used], cover[:used], place[:used])
