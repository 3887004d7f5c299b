"""Rows put into the bins of their columns once, for all trees that are grown on them.

Members differ only in which of the rows they see, and how much each counts. Bins come from the
training rows alone, all of them, so that they are the same for every member.
"""

from dataclasses import dataclass
from functools import cached_property

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.models.trees.best_split import MISSING

Matrix = NDArray[np.float32]

BINS = MISSING
"""Of the values of a column, at most; one more code stands for a missing value."""


@dataclass(frozen=True)
class BinnedRows:
    """Rows in bins.

    Attributes
    ----------
    codes
        Bin of each value, shape ``(n, p)``; `MISSING` for NaN.
    edges
        Of each column, where its bins part, ascending.
    """

    codes: NDArray[np.uint8]
    edges: tuple[NDArray[np.float64], ...]

    @cached_property
    def bins(self) -> NDArray[np.int64]:
        """How many bins each column has, without that of missing values."""
        return np.array([len(own) + 1 for own in self.edges], np.int64)

    @cached_property
    def missing(self) -> NDArray[np.bool_]:
        """Whether a column lacks any value."""
        return np.asarray((self.codes == MISSING).any(axis=0))

    @cached_property
    def telling(self) -> NDArray[np.bool_]:
        """Whether a column tells any row from another."""
        return np.asarray((self.codes != self.codes[:1]).any(axis=0))


def bin_rows(matrix: Matrix, *, bins: int = BINS) -> BinnedRows:
    """Put rows into at most `bins` bins a column.

    Parameters
    ----------
    matrix
        Shape ``(n, p)``; NaN is a missing value, and has a bin of its own.
    bins
        2 to `BINS`; more are taken for `BINS`.
    """
    edges = tuple(bin_edges(column, bins=min(bins, BINS)) for column in matrix.T)
    codes = np.empty(matrix.shape, np.uint8)
    for at, own in enumerate(edges):
        _code(np.ascontiguousarray(matrix[:, at]), own, codes[:, at])
    return BinnedRows(codes, edges)


def bin_edges(column: Matrix, *, bins: int = BINS) -> NDArray[np.float64]:
    """Choose where the bins of a column part, so that they hold about as many rows each.

    Returns
    -------
    ndarray
        Ascending, at most `bins` minus 1, each halfway between two values; none for a column of
        one value.

    Examples
    --------
    >>> bin_edges(np.float32([1, 1, 2, np.nan, 4]))
    array([1.5, 3. ])
    """
    ordered = np.sort(column[np.isfinite(column)]).astype(np.float64)
    last = np.flatnonzero(np.append(np.diff(ordered) > 0, True)) if ordered.size else ordered
    values = ordered[last.astype(np.int64)]
    middles = (values[:-1] + values[1:]) / 2
    if len(values) <= bins:
        return middles
    return middles[_evenly(np.diff(last, prepend=-1).astype(np.int64), bins)]


@numba.njit(cache=True, nogil=True)
def _code(column, edges, codes):  # type: ignore[no-untyped-def]
    """Find the bin of each value: how many edges lie below it."""
    ends = np.full(256, np.inf)
    ends[: len(edges)] = edges
    for row in range(len(column)):
        value = column[row]
        if np.isnan(value):
            codes[row] = MISSING
            continue
        at = 0
        for step in (128, 64, 32, 16, 8, 4, 2, 1):
            at += step if ends[at + step - 1] < value else 0
        codes[row] = at


@numba.njit(cache=True, nogil=True)
def _evenly(counts, bins):  # type: ignore[no-untyped-def]
    """Find the values that end a bin: each takes its share of the rows that are left."""
    ends = np.empty(bins - 1, np.int64)
    found, held, left = 0, 0, counts.sum()
    for value in range(len(counts) - 1):
        held += counts[value]
        if held * (bins - found) >= left:
            ends[found] = value
            found += 1
            left -= held
            held = 0
            if found == bins - 1:
                break
    return ends[:found]


@numba.njit(cache=True, nogil=True)
def part_rows(own, code, missing_left, rows, begin, end, spare):  # type: ignore[no-untyped-def]
    """Put the rows that go left before the others, in order; return where the others begin."""
    goes = np.zeros(MISSING + 1, np.uint8)
    goes[: code + 1] = 1
    goes[MISSING] = missing_left
    at, right = np.uintp(begin), np.uintp(0)
    for place in range(np.uintp(begin), np.uintp(end)):
        row = rows[place]
        left = np.uintp(goes[own[np.uintp(row)]])
        rows[at] = row
        spare[right] = row
        at += left
        right += np.uintp(1) - left
    rows[at:end] = spare[:right]
    return at
