"""Why a cell scores as it does: exact SHAP values of an ensemble, summed by group of columns.

The values are those of path-dependent TreeSHAP (Lundberg et al. 2020,
doi:10.1038/s42256-019-0138-9), which LightGBM's ``pred_contrib`` computes row by row. What a few
leaves say depends only on how a row answers the splits that lead to them, so it is worked out once
for every set of answers and looked up row by row (the idea of Fast TreeSHAP v2, Yang 2022,
arXiv:2109.09847).
"""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache

import numba
import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.trees.bins import BLOCK, TASK, fill_bins
from minerisk.models.trees.kernel import Kernel, kernel_of
from minerisk.models.trees.model import UnreadableTreesError
from minerisk.models.trees.shap_tables import group_tables
from minerisk.models.trees.stored_booster import Booster

log = logging.getLogger(__name__)


def shap_by_group(
    boosters: Sequence[Booster],
    X: NDArray[np.float32],
    groups: Sequence[int],
    *,
    threads: int = 1,
) -> NDArray[np.float64]:
    """Compute what each group of columns adds to the mean score of an ensemble.

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

    Examples
    --------
    >>> import lightgbm as lgb
    >>> rng = np.random.default_rng(0)
    >>> X = rng.normal(size=(500, 3)).astype(np.float32)
    >>> settings = {"objective": "binary", "num_leaves": 7, "verbosity": -1, "num_threads": 1}
    >>> booster = lgb.train(settings, lgb.Dataset(X, X[:, 0] + X[:, 1] > 0), num_boost_round=20)
    >>> values = shap_by_group([booster], X, groups=[0, 0, 1])
    >>> of_columns = booster.predict(X, pred_contrib=True)
    >>> bool(np.allclose(values[:, 0], of_columns[:, :2].sum(axis=1)))
    True
    """
    explained = _group_shap_of(tuple(boosters), tuple(groups))
    if explained is not None:
        return explained.values(X, threads=threads)
    member = np.eye(1 + max(groups))[list(groups)]
    with ThreadPoolExecutor(max_workers=threads) as pool:
        values = pool.map(lambda b: b.predict(X, pred_contrib=True, num_threads=1), boosters)
        return np.mean([value[:, :-1] @ member for value in values], axis=0)


def shap_bound(boosters: Sequence[Booster], groups: Sequence[int]) -> NDArray[np.float64] | None:
    """Bound what each group of columns can add to the mean score of an ensemble, either way.

    Parameters as for `shap_by_group`. None where LightGBM has to explain the trees.
    """
    explained = _group_shap_of(tuple(boosters), tuple(groups))
    return None if explained is None else explained.bound()


@lru_cache(maxsize=2)
def _group_shap_of(boosters: tuple[Booster, ...], groups: tuple[int, ...]) -> "GroupShap | None":
    kernel = kernel_of(boosters)
    if kernel is None:
        return None
    try:
        return GroupShap(kernel, groups)
    except UnreadableTreesError as error:
        log.warning("%s LightGBM explains them itself, which takes longer.", error)
        return None


class GroupShap:
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
        self._tables = group_tables(kernel, groups)

    def values(self, X: NDArray[np.float32], *, threads: int = 1) -> NDArray[np.float64]:
        """Return the mean SHAP value over the members, log-odds.

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

    def bound(self) -> NDArray[np.float64]:
        """Return the most that each group can add or take, shape ``(groups,)``, log-odds."""
        return np.asarray(_greatest(self._tables, self.groups))


@numba.njit(cache=True, nogil=True)
def _greatest(tables, groups):  # type: ignore[no-untyped-def]
    """Sum, over all bundles, the greatest that any set of answers says of each group."""
    total = np.zeros(groups, dtype=np.float64)
    for bundle in range(len(tables.full)):
        own = tables.group[tables.group_start[bundle] : tables.group_start[bundle + 1]]
        entry = tables.entry[tables.entry_start[bundle] : tables.entry_start[bundle + 1]]
        for j in range(len(own)):
            total[own[j]] += np.abs(entry[j :: len(own)]).max()
    return total


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
