"""Columns as whole numbers that fall between the thresholds of a set of trees, without a loss.

Every threshold that any tree sets on a column is sorted into one list; a value becomes the number
of thresholds below it. Then ``value <= threshold`` and ``bin <= place of the threshold`` are the
same statement, so a column is searched once for all trees, and splits compare small integers.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.models.trees.model import CATEGORY, Trees, UnreadableTreesError

BLOCK = 512  # rows; the bins of 45 columns fit a first-level cache
TASK = 16 * BLOCK  # rows a thread takes at a time; their bins fit a second-level cache
MOST_CUTS = 65_534
NEAR_ZERO = np.float32(1e-35)  # LightGBM's kZeroThreshold: what is nearer to 0 counts as 0
DEFAULT_LEFT = 2
ZERO_IS_MISSING, NAN_IS_MISSING = 1, 2


class Cuts(NamedTuple):
    """How columns become bins.

    LightGBM sets the rule for missing values split by split, so one column may be read in several
    ways: each is a channel.

    Attributes
    ----------
    column, by_category
        Of each column in use: its number in the table, and whether it holds categories.
    channel_start
        First channel of each column, and the end.
    start
        First threshold of each column, and the end; their number is a power of two.
    value
        Thresholds or categories in rising order, filled up with infinity; float32.
    missing, zero
        Of each channel: the bin of NaN and the bin of 0.
    """

    column: NDArray[np.int64]
    by_category: NDArray[np.bool_]
    channel_start: NDArray[np.int64]
    start: NDArray[np.int64]
    value: NDArray[np.float32]
    missing: NDArray[np.uint16]
    zero: NDArray[np.uint16]


@dataclass(frozen=True)
class Splits:
    """The splits of a set of trees in terms of bins.

    Attributes
    ----------
    cuts
        How columns become bins.
    channel
        Of each node of all trees, one model after the other: what it reads.
    cut
        The last bin that goes left; for a split by category, where its part of ``goes_right``
        begins.
    by_category
        Whether a node splits by category.
    goes_right
        For splits by category: whether each bin goes right.
    """

    cuts: Cuts
    channel: NDArray[np.int64]
    cut: NDArray[np.int64]
    by_category: NDArray[np.bool_]
    goes_right: NDArray[np.bool_]


def bin_splits(models: Sequence[Trees]) -> Splits:
    """Sort the thresholds of all trees into bins.

    Parameters
    ----------
    models
        Trees over the same columns.

    Raises
    ------
    UnreadableTreesError
        If a column has more than 65,534 thresholds, or is a category in one tree and a number in
        another.
    """
    nodes = _Nodes(
        feature=np.concatenate([trees.feature for trees in models]),
        decision=np.concatenate([trees.decision for trees in models]),
        threshold=_float32_below(np.concatenate([trees.threshold for trees in models])),
        categories=_all_categories(models),
    )
    by_category = (nodes.decision & CATEGORY) > 0
    columns = np.unique(nodes.feature)
    channel, cut = np.zeros((2, len(nodes.feature)), dtype=np.int64)
    parts, channels, right = [], 0, 0
    for column in columns:
        at = np.flatnonzero(nodes.feature == column)
        if by_category[at].any() and not by_category[at].all():
            raise UnreadableTreesError(f"Column {column} is both a category and a number.")
        part = (_by_category if by_category[at].any() else _by_number)(nodes, at)
        if len(part.value) > MOST_CUTS:
            raise UnreadableTreesError(f"Column {column} has more than {MOST_CUTS:,} thresholds.")
        channel[at], cut[at] = part.channel + channels, part.cut + right * by_category[at]
        parts.append(part)
        channels, right = channels + len(part.special), right + len(part.goes_right)
    right_of = np.concatenate([np.empty(0, np.bool_), *(part.goes_right for part in parts)])
    named = np.isin(columns, nodes.feature[by_category])
    return Splits(_cuts(columns, named, parts), channel, cut, by_category, right_of)


@numba.njit(cache=True, nogil=True)
def fill_bins(rows, cuts):  # type: ignore[no-untyped-def]
    """Put rows into bins.

    Parameters
    ----------
    rows : ndarray of float32, shape (n, columns)
    cuts : Cuts

    Returns
    -------
    ndarray of uint16, shape (blocks, channels, BLOCK)
        What lies past the last row has no meaning.
    """
    blocks = (len(rows) + BLOCK - 1) // BLOCK
    bins = np.empty((blocks, len(cuts.missing), BLOCK), dtype=np.uint16)
    value = np.zeros(BLOCK, dtype=np.float32)
    place = np.empty(BLOCK, dtype=np.uint32)
    for block in range(blocks):
        part = rows[block * BLOCK : (block + 1) * BLOCK]
        for used in range(len(cuts.column)):
            for i in range(len(part)):
                value[i] = part[i, cuts.column[used]]
            if cuts.by_category[used]:
                value[:] = np.trunc(value)
            cut = cuts.value[cuts.start[used] : cuts.start[used + 1]]
            _search(value, cut, place)
            if cuts.by_category[used]:
                for i in range(BLOCK):
                    named = cut[place[i]] == value[i] and value[i] < np.inf
                    place[i] = place[i] + 1 if named else 0
            for channel in range(cuts.channel_start[used], cuts.channel_start[used + 1]):
                _write(value, place, cuts, channel, cuts.by_category[used], bins[block, channel])
    return bins


@numba.njit(cache=True, nogil=True)
def _write(value, place, cuts, channel, by_category, row):  # type: ignore[no-untyped-def]
    """Write one channel of a block, with its own bins for NaN and for 0."""
    missing, zero = np.uint32(cuts.missing[channel]), np.uint32(cuts.zero[channel])
    for i in range(BLOCK):
        code = place[i]
        if not by_category and abs(value[i]) <= NEAR_ZERO:
            code = zero
        if np.isnan(value[i]):
            code = missing
        row[i] = code


@numba.njit(cache=True, nogil=True)
def _search(value, cut, place):  # type: ignore[no-untyped-def]
    """Count the thresholds below each value, by halving; NaN counts none."""
    place[:] = 0
    half = len(cut) // 2
    while half > 0:
        step, last = np.uint32(half), np.uint32(half - 1)
        for i in range(BLOCK):
            at = place[i]
            place[i] = at + (step if cut[at + last] < value[i] else np.uint32(0))
        half //= 2


class _Nodes(NamedTuple):
    """What is known of each node of all models."""

    feature: NDArray[np.int32]
    decision: NDArray[np.uint8]
    threshold: NDArray[np.float32]
    categories: Mapping[int, frozenset[int]]


class _Column(NamedTuple):
    """The bins of one column: its sorted values, and of each of its nodes channel and cut."""

    value: NDArray[np.float32]
    channel: NDArray[np.int64]
    cut: NDArray[np.int64]
    special: Sequence[tuple[int, int]]
    goes_right: NDArray[np.bool_]


def _by_number(nodes: _Nodes, at: NDArray[np.int64]) -> _Column:
    value, cut = np.unique(nodes.threshold[at], return_inverse=True)
    rules, channel = np.unique(nodes.decision[at], return_inverse=True)
    zero = int(np.searchsorted(value, 0))
    special = [_special(int(rule), zero=zero, last=len(value)) for rule in rules]
    return _Column(value, channel, cut, special, np.empty(0, dtype=np.bool_))


def _by_category(nodes: _Nodes, at: NDArray[np.int64]) -> _Column:
    """Assign bin 0 to what no split names; it goes right everywhere, as NaN does."""
    sets = [nodes.categories[node] for node in at.tolist()]
    named = sorted(frozenset().union(*sets))
    value = np.array([kept for kept in named if np.float32(kept) == kept], dtype=np.float32)
    right = [[True, *(kept not in left for kept in value)] for left in sets]
    cut = np.arange(len(at)) * (len(value) + 1)
    return _Column(value, np.zeros_like(at), cut, [(0, 0)], np.array(right, np.bool_).ravel())


def _cuts(
    columns: NDArray[np.int32], by_category: NDArray[np.bool_], parts: Sequence[_Column]
) -> Cuts:
    special = [pair for part in parts for pair in part.special]
    values = [_filled_up(part.value) for part in parts]
    return Cuts(
        column=columns.astype(np.int64),
        by_category=by_category,
        channel_start=np.cumsum([0, *(len(part.special) for part in parts)]),
        start=np.cumsum([0, *map(len, values)]),
        value=np.concatenate([np.empty(0, np.float32), *values]),
        missing=np.array([missing for missing, _ in special], dtype=np.uint16),
        zero=np.array([zero for _, zero in special], dtype=np.uint16),
    )


def _float32_below(threshold: NDArray[np.float64]) -> NDArray[np.float32]:
    """Return the largest float32 at or below: no float32 value lies between the two."""
    with np.errstate(over="ignore"):
        near = threshold.astype(np.float32)
    return np.where(near > threshold, np.nextafter(near, np.float32(-np.inf)), near)


def _all_categories(models: Sequence[Trees]) -> dict[int, frozenset[int]]:
    start = np.cumsum([0, *(len(trees.feature) for trees in models)])
    return {
        int(first) + node: kept
        for first, trees in zip(start[:-1], models, strict=True)
        for node, kept in trees.categories.items()
    }


def _special(decision: int, *, zero: int, last: int) -> tuple[int, int]:
    """Return the bins of NaN and of 0 under a rule for missing values; 0 is left, `last` right."""
    default = 0 if decision & DEFAULT_LEFT else last
    rule = decision >> 2
    missing = default if rule in (ZERO_IS_MISSING, NAN_IS_MISSING) else zero
    return missing, default if rule == ZERO_IS_MISSING else zero


def _filled_up(value: NDArray[np.float32]) -> NDArray[np.float32]:
    size = 1 << len(value).bit_length()
    return np.concatenate([value, np.full(size - len(value), np.inf, dtype=np.float32)])
