"""A compiled walk through the trees of an ensemble, equal to LightGBM's to the last bit.

Trees are not walked node by node. A block of rows stands in slot 0 of a tree; each split in turn
moves the rows of one slot that go right into a slot of their own; where all splits are through, a
row's slot is its leaf. Every split is one pass over whole numbers without a branch, many rows to
an instruction, and the order in which leaf scores are added is LightGBM's own. (The idea of
visiting splits, not paths, is that of QuickScorer, doi:10.1145/2766462.2767733.)
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.trees.bins import BLOCK, TASK, Splits, bin_splits, fill_bins
from minerisk.models.trees.model import Trees, UnreadableTreesError
from minerisk.models.trees.stored_booster import Booster, trees_of

log = logging.getLogger(__name__)

MOST_LEAVES = 4_096  # beyond, the walk from node to node is as fast


class Moves(NamedTuple):
    """The splits of all trees, one after the other, as moves from slot to slot.

    Attributes
    ----------
    channel, cut
        What each split reads, and the last bin that stays.
    category_start, goes_right
        Where a split by category has its part of ``goes_right``, which says whether each bin goes
        right; -1 for other splits.
    source, target
        The slot that is split, and the slot of what goes right.
    start
        First split of each tree, and the end.
    score_start, score
        First leaf of each tree, and the score of each leaf, ordered by slot.
    member_start
        First tree of each member, and the end.
    """

    channel: NDArray[np.int64]
    cut: NDArray[np.uint16]
    category_start: NDArray[np.int64]
    source: NDArray[np.uint16]
    target: NDArray[np.uint16]
    goes_right: NDArray[np.bool_]
    start: NDArray[np.int64]
    score_start: NDArray[np.int64]
    score: NDArray[np.float64]
    member_start: NDArray[np.int64]


class Kernel:
    """The trees of an ensemble, ready to score rows.

    Parameters
    ----------
    members
        The trees of each member (`minerisk.models.trees.model.read_trees`), over the same columns.

    Attributes
    ----------
    members, splits
        The trees of each member, and all their splits in terms of bins.
    columns
        How many columns they read.

    Raises
    ------
    UnreadableTreesError
        If LightGBM alone can walk the trees: linear leaves, several classes, more than 4,096
        leaves, columns that are category here and number there.

    Examples
    --------
    >>> import lightgbm as lgb
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3)).astype(np.float32)
    >>> settings = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1}
    >>> booster = lgb.train(settings, lgb.Dataset(X, X[:, 0] + X[:, 1] > 0), num_boost_round=20)
    >>> scores = Kernel([trees_of(booster)]).raw(X)
    >>> bool((scores[:, 0] == booster.predict(X, raw_score=True)).all())
    True
    """

    def __init__(self, members: Sequence[Trees]) -> None:
        self.members = list(members)
        _check_readable(self.members)
        self.columns = self.members[0].columns
        self.splits = bin_splits(self.members)
        self._moves = _moves(self.members, self.splits)

    def raw(self, X: NDArray[np.float32], *, threads: int = 1) -> NDArray[np.float64]:
        """Compute the raw score of every member.

        Parameters
        ----------
        X
            Rows, float32, shape ``(n, columns)``; NaN is a missing value.
        threads
            The scores are the same for any number.

        Returns
        -------
        ndarray, shape (n, members)
            What ``Booster.predict(X, raw_score=True)`` gives, bit for bit.
        """
        X = self.checked(X)
        scores = np.empty((len(X), len(self.members)), dtype=np.float64)
        starts = range(0, len(X), TASK)

        def task(first: int) -> None:
            part = slice(first, first + TASK)
            _score(fill_bins(X[part], self.splits.cuts), self._moves, scores[part])

        with ThreadPoolExecutor(max_workers=threads) as pool:
            list(pool.map(task, starts))
        return scores

    def checked(self, X: NDArray[np.float32]) -> NDArray[np.float32]:
        """Return the rows if the trees can read them.

        Raises
        ------
        InputError
            If they are not float32 or of another width.
        """
        if X.ndim != 2 or X.shape[1] != self.columns or X.dtype != np.float32:
            raise InputError(
                f"Got {X.dtype} rows of shape {X.shape}; the trees read float32 rows of "
                f"{self.columns} columns."
            )
        return X


@lru_cache(maxsize=2)
def kernel_of(boosters: tuple[Booster, ...]) -> Kernel | None:
    """Make the kernel of an ensemble once; none, with a line in the log, if LightGBM must do it.

    Parameters
    ----------
    boosters
        The members, trained; they must not be trained on.
    """
    try:
        return Kernel([trees_of(booster) for booster in boosters])
    except UnreadableTreesError as error:
        log.warning("%s LightGBM walks them itself, which takes longer.", error)
        return None


def _check_readable(members: Sequence[Trees]) -> None:
    reason = None
    if not members or len({trees.columns for trees in members}) > 1:
        reason = "there are no members, or they have different columns"
    elif any(trees.linear for trees in members):
        reason = "leaves hold linear models"
    elif any(trees.outputs > 1 for trees in members):
        reason = "there are several classes"
    elif max(int(np.diff(trees.leaf_start).max(initial=1)) for trees in members) > MOST_LEAVES:
        reason = f"a tree has more than {MOST_LEAVES:,} leaves"
    if reason is not None:
        raise UnreadableTreesError(f"The kernel cannot walk these trees: {reason}.")


def _moves(members: Sequence[Trees], splits: Splits) -> Moves:
    slots = [_slots(trees) for trees in members]
    return Moves(
        channel=splits.channel,
        cut=np.where(splits.by_category, 0, splits.cut).astype(np.uint16),
        category_start=np.where(splits.by_category, splits.cut, -1),
        source=np.concatenate([source for source, _, _ in slots]).astype(np.uint16),
        target=np.concatenate([target for _, target, _ in slots]).astype(np.uint16),
        goes_right=splits.goes_right,
        start=joined_starts([trees.node_start for trees in members]),
        score_start=joined_starts([trees.leaf_start for trees in members]),
        score=np.concatenate([score for _, _, score in slots]),
        member_start=np.cumsum([0, *(len(trees.node_start) - 1 for trees in members)]),
    )


def _slots(trees: Trees) -> tuple[list[int], list[int], NDArray[np.float64]]:
    """Assign a slot to every node and leaf: left keeps its parent's, right gets a new one."""
    source, target = [], []
    score = np.empty_like(trees.leaf_value)
    left, right = trees.left.tolist(), trees.right.tolist()
    for first, last, leaf in zip(
        trees.node_start[:-1], trees.node_start[1:], trees.leaf_start[:-1], strict=True
    ):
        slot = {0: 0} if last > first else {-1: 0}
        for node in range(last - first):
            here, new = slot.pop(node), node + 1
            source.append(here)
            target.append(new)
            slot[left[first + node]], slot[right[first + node]] = here, new
        for child, place in slot.items():
            score[leaf + place] = trees.leaf_value[leaf + ~child]
    return source, target, score


def joined_starts(starts: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
    """Put the starts of the trees of every member one after the other."""
    return np.cumsum(np.concatenate([[0], *(np.diff(start) for start in starts)]))


@numba.njit(cache=True, nogil=True)
def _score(bins, moves, scores):  # type: ignore[no-untyped-def]
    """Score rows, block by block; without fastmath, so that sums keep LightGBM's order."""
    slot = np.zeros(BLOCK, dtype=np.uint16)
    total = np.empty(BLOCK, dtype=np.float64)
    for block in range(len(bins)):
        rows = scores[block * BLOCK : (block + 1) * BLOCK]
        for member in range(len(moves.member_start) - 1):
            total[:] = 0.0
            for tree in range(moves.member_start[member], moves.member_start[member + 1]):
                _find_leaves(bins[block], moves, tree, slot)
                score = moves.score[moves.score_start[tree] : moves.score_start[tree + 1]]
                for i in range(BLOCK):
                    total[i] += score[slot[i]]
            for i in range(len(rows)):
                rows[i, member] = total[i]


@numba.njit(cache=True, nogil=True)
def _find_leaves(bins, moves, tree, slot):  # type: ignore[no-untyped-def]
    """Move a block of rows from slot to slot through one tree."""
    slot[:] = 0
    for move in range(moves.start[tree], moves.start[tree + 1]):
        row, source, target = bins[moves.channel[move]], moves.source[move], moves.target[move]
        if moves.category_start[move] < 0:
            cut = moves.cut[move]
            for i in range(BLOCK):
                slot[i] = target if (slot[i] == source) & (row[i] > cut) else slot[i]
        else:
            right = moves.goes_right[moves.category_start[move] :]
            for i in range(BLOCK):
                slot[i] = target if (slot[i] == source) & right[row[i]] else slot[i]
