"""Order statistics and ranks of values that come part by part: no more than a part is held."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

MOST_VALUES = 2**23
"""Values that are still told apart; past that, those with the same first digits count as equal."""
_DIGIT, _GROUP = 16, 48
_FLOAT32 = np.dtype(np.float32)

Floats = NDArray[np.float32] | NDArray[np.float64]
Keys = NDArray[np.uint64]
Grouped = Callable[[], Iterator[tuple[Floats, NDArray[np.int64]]]]
"""Gives values, none of them NaN, and the group of each, from 0; the same at each call."""


def ordered(parts: Grouped, places: Sequence[tuple[int, int]]) -> list[float]:
    """Find the values at places in ascending order, exactly, by counting digits of 16 bits.

    Parameters
    ----------
    parts
        It is called a few times.
    places
        Group, and place in its order from 0, of each value that is wanted.

    Examples
    --------
    >>> values, groups = np.array([0.5, -2.0, 3.0, 9.0]), np.array([0, 0, 0, 1])
    >>> ordered(lambda: iter([(values, groups)]), [(0, 0), (0, 2), (1, 0)])
    [-2.0, 3.0, 9.0]
    """
    kind = next((values.dtype for values, _ in parts()), _FLOAT32)
    bits = 8 * kind.itemsize
    heads, left = [0] * len(places), [place for _, place in places]
    for shift in range(bits - _DIGIT, -1, -_DIGIT):
        begins = [group << _GROUP | head for (group, _), head in zip(places, heads, strict=True)]
        asked = sorted(set(begins))
        upto = np.cumsum(_digit_counts(parts, np.array(asked, dtype=np.uint64), shift), axis=1)
        for number, begin in enumerate(begins):
            row = upto[asked.index(begin)]
            digit = int(np.searchsorted(row, left[number], side="right"))
            left[number] -= int(row[digit - 1]) if digit else 0
            heads[number] = heads[number] << _DIGIT | digit
    return [float(value) for value in _values(np.array(heads, dtype=np.uint64), kind)]


def percentiles(parts: Grouped, groups: int, percents: Sequence[float]) -> NDArray[np.float64]:
    """Compute percentiles of each group as `numpy.percentile` does; NaN where a group is empty.

    Returns
    -------
    ndarray of float64, shape (groups, len(percents))

    Examples
    --------
    >>> values, group = np.array([1.0, 2.0, 4.0]), np.array([1, 1, 1])
    >>> percentiles(lambda: iter([(values, group)]), 2, [50, 75]).tolist()
    [[nan, nan], [2.0, 3.0]]
    """
    sizes = np.zeros(groups, dtype=np.int64)
    for _, group in parts():
        sizes += np.bincount(group, minlength=groups)
    place = (sizes[:, None] - 1) * (np.asarray(percents) / 100)
    before = np.floor(place).astype(np.int64)
    after = np.minimum(before + 1, sizes[:, None] - 1)
    asked = [(int(one), side) for one in np.flatnonzero(sizes) for side in (before, after)]
    places = [(one, int(at)) for one, side in asked for at in side[one]]
    found = np.full((groups, 2, len(percents)), np.nan)
    found[sizes > 0] = np.reshape(ordered(parts, places), (-1, 2, len(percents)))
    low, high, share = found[:, 0], found[:, 1], place - before
    near = share >= 0.5  # as NumPy, which goes from the nearer of the two
    return np.where(near, high - (high - low) * (1 - share), low + (high - low) * share)


@dataclass(frozen=True)
class ValueCounts:
    """Which values there are, and how many of each.

    Attributes
    ----------
    keys
        Of the values, ascending: their bits, less the `shift` last ones.
    counts
        Shape ``(kinds, keys)``.
    shift
        0 where all values are told apart.
    extremes
        Least and greatest value.
    dtype
        Of the values.
    """

    keys: Keys
    counts: NDArray[np.int64]
    shift: int = 0
    extremes: tuple[float, float] = (np.inf, -np.inf)
    dtype: np.dtype[np.floating] = _FLOAT32

    @property
    def values(self) -> NDArray[np.float64]:
        """The values; of those that count as equal, the least that could be among them."""
        kept = self.keys << np.uint64(self.shift)
        return _values(kept, self.dtype).astype(np.float64)

    @property
    def ranks(self) -> NDArray[np.float64]:
        """Rank of each value from 1, as `scipy.stats.rankdata`: equal ones share the middle."""
        count = self.counts.sum(axis=0)
        return np.cumsum(count) - (count - 1) / 2

    def with_values(self, values: Floats, kind: NDArray[np.int64] | None = None) -> "ValueCounts":
        """Count more values, of the kind 0 if nothing else is said; see `count_values`."""
        least, greatest = self.extremes
        if values.size:
            least, greatest = min(least, float(values.min())), max(greatest, float(values.max()))
        keys, joined = _keys(values) >> np.uint64(self.shift), [self]
        for number in range(len(self.counts)):
            own = keys if kind is None and number == 0 else keys[kind == number]
            one, times = np.unique(own, return_counts=True)
            counts = np.zeros((len(self.counts), len(one)), dtype=np.int64)
            counts[number] = times
            joined.append(ValueCounts(one, counts))
        found = _joined(joined, self.shift)
        while len(found.keys) > MOST_VALUES:
            shorter = ValueCounts(found.keys >> np.uint64(1), found.counts)
            found = _joined([shorter], found.shift + 1)
        return replace(found, extremes=(least, greatest), dtype=values.dtype)

    def places(self, values: Floats) -> NDArray[np.int64]:
        """Find where values, which must be among those that were counted, stand in `keys`."""
        return np.searchsorted(self.keys, _keys(values) >> np.uint64(self.shift))


def count_values(
    parts: Iterable[tuple[Floats, NDArray[np.int64]]], *, kinds: int = 1
) -> ValueCounts:
    """Count how often each value comes up.

    Parameters
    ----------
    parts
        Values of one dtype, none of them NaN, and the kind of each, from 0.
    kinds
        How many kinds are counted apart.

    Returns
    -------
    ValueCounts
        Exact where there are at most `MOST_VALUES` different values. It depends on the values
        alone, not on how they are parted.
    """
    found = no_values(kinds)
    for values, kind in parts:
        found = found.with_values(values, kind)
    return found


def no_values(kinds: int = 1) -> ValueCounts:
    """Begin to count values, of so many kinds."""
    return ValueCounts(np.empty(0, dtype=np.uint64), np.zeros((kinds, 0), dtype=np.int64))


def _joined(counted: Sequence[ValueCounts], shift: int) -> ValueCounts:
    """Add up counts of the same keys."""
    keys, place = np.unique(np.concatenate([one.keys for one in counted]), return_inverse=True)
    counts = np.zeros((len(counted[0].counts), len(keys)), dtype=np.int64)
    for number, row in enumerate(counts):
        np.add.at(row, place, np.concatenate([one.counts[number] for one in counted]))
    return ValueCounts(keys, counts, shift)


def middle_ranks(
    parts: Iterable[Floats], values: NDArray[np.float64]
) -> tuple[NDArray[np.float64], int]:
    """Rank a few values among all of them, from 1; equal values share the middle rank.

    Parameters
    ----------
    parts
        All values, none of them NaN.
    values
        Ascending and distinct, shape ``(n,)``, each of them among all.

    Returns
    -------
    ranks, count
        As `scipy.stats.rankdata` gives them, shape ``(n,)``; and how many there are of all.

    Examples
    --------
    >>> middle_ranks([np.array([0.1, 0.5]), np.array([0.5, 0.7])], np.array([0.5, 0.7]))
    (array([2.5, 4. ]), 4)
    """
    below = np.zeros(len(values) + 1, dtype=np.int64)
    equal = np.zeros(len(values) + 1, dtype=np.int64)
    for part in parts:
        after = np.searchsorted(values, part, side="right")
        below += np.bincount(after, minlength=len(below))
        same = values[np.maximum(after, 1) - 1] == part
        equal += np.bincount(after[same], minlength=len(equal))
    return np.cumsum(below)[:-1] + (equal[1:] + 1) / 2, int(below.sum())


def _digit_counts(parts: Grouped, asked: Keys, shift: int) -> NDArray[np.int64]:
    """Count by their next digit the values that begin as `asked`, shape ``(asked, digits)``."""
    counts = np.zeros(len(asked) << _DIGIT, dtype=np.int64)
    for values, groups in parts():
        keys = _keys(values)
        if not keys.size or not asked.size:
            continue
        above = 8 * values.dtype.itemsize - shift - _DIGIT
        heads = keys >> np.uint64(shift + _DIGIT) if above else np.zeros_like(keys)
        begins = groups.astype(np.uint64) << np.uint64(_GROUP) | heads
        number = np.minimum(np.searchsorted(asked, begins), len(asked) - 1)
        own = asked[number] == begins
        digits = (keys[own] >> np.uint64(shift) & np.uint64(0xFFFF)).astype(np.int64)
        counts += np.bincount((number[own] << _DIGIT) + digits, minlength=len(counts))
    return counts.reshape(len(asked), 1 << _DIGIT)


def _keys(values: Floats) -> Keys:
    """Turn floats into whole numbers that ascend as they do."""
    bits = np.dtype(f"u{values.dtype.itemsize}")
    top = bits.type(1 << (8 * bits.itemsize - 1))
    raw = np.ascontiguousarray(values + values.dtype.type(0)).view(bits)  # -0.0 is 0.0
    return np.where(raw & top, ~raw, raw | top).astype(np.uint64)


def _values(keys: Keys, kind: np.dtype[np.floating]) -> Floats:
    """Turn the numbers of `_keys` back into floats."""
    bits = np.dtype(f"u{kind.itemsize}")
    top = bits.type(1 << (8 * bits.itemsize - 1))
    raw = keys.astype(bits)
    found: Floats = np.where(raw & top, raw ^ top, ~raw).view(kind)
    return found
