"""Rows put into the bins of their columns once, for all members that are trained on them.

Finding the bins takes as long as many trees, and members differ only in which of the rows they
see, and how much each counts. Bins come from the training rows alone, all of them, so that they
are the same for every member.
"""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray


def bin_parameters(bins: int) -> dict[str, int | bool]:
    """Return LightGBM's parameters of binning: rows and the members trained on them must agree."""
    # Else columns would be left out by the least number of cells in a leaf of whoever came first.
    return {"max_bin": bins, "feature_pre_filter": False, "num_threads": 1, "verbosity": -1}


def bin_rows(matrix: NDArray[np.float32], target: NDArray[np.float32], *, bins: int) -> lgb.Dataset:
    """Put rows into at most `bins` bins a column.

    Parameters
    ----------
    matrix, target
        Shapes ``(n, p)`` and ``(n,)``; NaN is a missing value, and has a bin of its own.
    """
    data = lgb.Dataset(matrix, target, free_raw_data=True, params=bin_parameters(bins))
    return data.construct()


def drawn_from(binned: lgb.Dataset, weight: NDArray[np.float64]) -> lgb.Dataset:
    """Return the rows of positive weight, in the bins they are in.

    Parameters
    ----------
    binned
        What `bin_rows` gave.
    weight
        Of each of its rows, shape ``(n,)``.
    """
    kept = np.flatnonzero(weight > 0)
    part = binned.subset(kept.tolist()).construct()
    part.set_weight(weight[kept])
    return part
