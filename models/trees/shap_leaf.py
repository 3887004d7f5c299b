"""The Shapley values of one leaf, for every set of answers to the splits that lead to it."""

import numba
import numpy as np


@numba.njit(cache=True)
def add_leaf(table, value, mask, yes, cover, group):  # type: ignore[no-untyped-def]
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
    for own in range(columns):
        _shapley(value, own, cover, shapley[:, own])
    for answers in range(len(table)):
        met = 0
        for j in range(columns):
            if answers & mask[j] == yes[j]:
                met |= 1 << j
        for j in range(columns):
            table[answers, group[j]] += shapley[met, j]


@numba.njit(cache=True)
def _shapley(value, own, cover, found):  # type: ignore[no-untyped-def]
    """Compute the Shapley value of one column in the game of one leaf, for each set of columns met.

    A coalition is worth the product, over columns outside it, of their cover, if all inside it are
    met, else 0. With ``e[c]`` the sum of that product over coalitions of ``c`` met columns, the
    value is ``(met - cover) * sum(e[c] * c! (n - 1 - c)! / n!)``, times that of the leaf. The sets
    are gone through so that most share what the first columns make of ``e``: row ``k`` of it is
    that of the first ``k`` other columns.
    """
    n = len(cover)
    e = np.zeros((n, n))
    e[0, 0] = 1.0
    others = np.empty(n - 1, dtype=np.int64)
    for k in range(n - 1):
        others[k] = k if k < own else k + 1
    changed = 0  # columns before this one are as in the set before
    for turn in range(1 << (n - 1)):
        met = 0
        for k in range(n - 1):
            if turn >> (n - 2 - k) & 1:
                met |= 1 << others[k]
        for k in range(changed, n - 1):
            share, there = cover[others[k]], met >> others[k] & 1
            for c in range(k + 1, 0, -1):
                e[k + 1, c] = e[k, c] * share + (e[k, c - 1] if there else 0.0)
            e[k + 1, 0] = e[k, 0] * share
        weight, total = 1.0 / n, 0.0
        for c in range(n):
            total += weight * e[n - 1, c]
            weight *= (c + 1) / max(n - 1 - c, 1)
        found[met] = value * ((0.0 - cover[own]) * total)
        found[met | 1 << own] = value * ((1.0 - cover[own]) * total)
        changed = n - 1
        rest = turn + 1
        while changed > 0 and rest & 1 == 0:
            changed, rest = changed - 1, rest >> 1
        changed = max(changed - 1, 0)
