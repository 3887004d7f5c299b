"""Intervals of shares and of draws, for rows that come in blocks."""

import numpy as np
from numpy.typing import NDArray
from scipy.special import betaincinv, ndtri

Array = NDArray[np.float64]


def percentile_interval(draws: Array, *, level: float) -> tuple[float, float]:
    """Compute the percentile interval of draws; NaN if every draw is."""
    known = draws[np.isfinite(draws)]
    if known.size == 0:
        return float("nan"), float("nan")
    low, high = np.quantile(known, [0.5 - level / 2, 0.5 + level / 2])
    return float(low), float(high)


def wilson(share: float, rows: float, *, level: float) -> tuple[float, float]:
    """Compute Wilson's score interval of a share observed in `rows` independent rows.

    Notes
    -----
    Wilson 1927, doi 10.1080/01621459.1927.10502953.

    Examples
    --------
    >>> [round(end, 3) for end in wilson(0.5, 10, level=0.9)]
    [0.269, 0.731]
    """
    z2 = float(ndtri(0.5 + level / 2)) ** 2
    centre = (share + z2 / (2 * rows)) / (1 + z2 / rows)
    spread = np.sqrt(z2 * (share * (1 - share) / rows + z2 / (4 * rows**2))) / (1 + z2 / rows)
    return max(0.0, float(centre - spread)), min(1.0, float(centre + spread))


def effective_rows(values: Array, weights: Array, block: NDArray[np.int64]) -> float:
    """Compute how many independent rows would have a mean as uncertain as that of blocks of rows.

    The variance of the weighted mean of `values` (0 to 1) is linearised over blocks. Where all
    values are 0 or all are 1, nothing can be told from them and each block counts once (Kish:
    squared sum over sum of squares).

    Examples
    --------
    Ten rows in two blocks that differ are worth hardly more than two:

    >>> effective_rows(np.array([1.0] * 5 + [0.0] * 5), np.ones(10), np.repeat([0, 1], 5))
    1.0
    """
    _, index = np.unique(block, return_inverse=True)
    block_weight = np.bincount(index, weights)
    total = block_weight.sum()
    kish_blocks = total**2 / (block_weight**2).sum()
    kish_rows = float(total**2 / (weights**2).sum())
    mean = (weights * values).sum() / total
    count = block_weight.size
    if count < 2 or not 0 < mean < 1:
        return float(kish_blocks)
    residual = np.bincount(index, weights * (values - mean))
    variance = (residual**2).sum() / total**2 * count / (count - 1)
    if variance == 0:
        return kish_rows
    return float(np.clip(mean * (1 - mean) / variance, min(1.0, kish_rows), kish_rows))


def exact_binomial(share: float, rows: float, *, level: float) -> tuple[float, float]:
    """Compute the exact interval of a share observed in `rows` independent rows, whole or not.

    With an effective number of rows (`effective_rows`) it keeps its cover for clustered rows with
    few hits.

    Notes
    -----
    Clopper & Pearson 1934, doi 10.1093/biomet/26.4.404; with effective rows Korn & Graubard 1998,
    Survey Methodology 24, 193–201.

    Examples
    --------
    No find in ten independent rows does not mean a share of 0:

    >>> [round(end, 3) for end in exact_binomial(0.0, 10, level=0.9)]
    [0.0, 0.259]
    """
    tail, hits = (1 - level) / 2, share * rows
    low = float(betaincinv(hits, rows - hits + 1, tail)) if hits > 0 else 0.0
    high = float(betaincinv(hits + 1, rows - hits, 1 - tail)) if hits < rows else 1.0
    return low, high
