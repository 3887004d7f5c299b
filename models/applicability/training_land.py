"""What every area of applicability needs of its training land: features, folds, and the limit."""

from collections.abc import Callable, Iterable, Iterator, Mapping

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError

Array = NDArray[np.float64]
Nearest = Callable[[Array, Array], Array]
"""Measures the distance from each of some points to the nearest of others."""


def checked_folds(folds: ArrayLike, rows: int) -> NDArray[np.int64]:
    """Return the fold of every row; refuse as many as there are not."""
    fold = np.asarray(folds)
    if fold.shape != (rows,):
        raise InputError(f"The folds have shape {fold.shape}; expected ({rows},).")
    return fold


def drawn_rows(complete: NDArray[np.int64], seed: int, most: int) -> NDArray[np.int64]:
    """Draw the rows that are kept of those that are complete, ascending."""
    return np.sort(np.random.default_rng(seed).permutation(complete)[:most])


LEAST_THRESHOLD = 1e-6
"""Threshold where every training point has its like in another fold, mean distances."""


def upper_whisker(values: ArrayLike) -> float:
    """Return the third quartile plus 1.5 interquartile ranges, at most the greatest value.

    Where most values are 0 (training points with their like in another fold, as distances counted
    in cells give), the whisker is that of the others: no dissimilarity could be told from a limit
    of 0.

    Examples
    --------
    >>> upper_whisker([1, 2, 3, 4, 100])
    7.0
    >>> upper_whisker([0, 0, 0, 0, 0, 0, 0, 0, 0, 2])
    2.0
    """
    known = np.asarray(values, dtype=np.float64)
    first, third = np.quantile(known, [0.25, 0.75])
    whisker = float(min(third + 1.5 * (third - first), known.max()))
    if whisker > 0:
        return whisker
    apart = known[known > 0]
    return max(upper_whisker(apart), LEAST_THRESHOLD) if apart.size else LEAST_THRESHOLD


def used_features(X: pd.DataFrame, importance: Mapping[str, float] | pd.Series) -> list[str]:
    """List the columns with importance, in the order of the columns."""
    weights = {str(name): float(value) for name, value in importance.items()}
    unknown = [name for name in weights if name not in X]
    if unknown:
        raise InputError(f"Importance is given for {unknown}, which the features lack.")
    if not np.isfinite(list(weights.values())).all():
        raise InputError("Some importances are not finite; expected numbers.")
    names = [str(name) for name in X.columns if weights.get(str(name), 0.0) > 0]
    if not names:
        raise InputError(
            "No feature has an importance above zero, so that no land is like any other; "
            "expected at least one. The model has learned nothing."
        )
    return names


def across_folds(reference: Array, fold: NDArray[np.int64], nearest: Nearest) -> Array:
    """Return the distance of each point to the nearest of another fold, ascending.

    Raises
    ------
    InputError
        If the points lie in fewer than two folds, or none of them is tested.
    """
    refuse_one_fold(fold)
    distances = []
    for one in np.unique(fold[fold >= 0]):
        own = fold == one
        distances.append(nearest(reference[own], reference[~own]))
    return np.sort(np.concatenate(distances))


def refuse_one_fold(fold: NDArray[np.int64]) -> None:
    """Refuse training points of which none can be held against those of another fold.

    Raises
    ------
    InputError
        If the points lie in fewer than two folds, or none of them is tested.
    """
    known = np.unique(fold)
    if known.size < 2 or known[-1] < 0:
        raise InputError(
            f"The complete training points lie in folds {known.tolist()}; expected at "
            "least two. Use smaller blocks, or features with fewer gaps."
        )


def centre_and_scale(parts: Callable[[], Iterator[Array]], width: int) -> tuple[Array, Array]:
    """Return mean and standard deviation of what is known of each column; 0 for a single value."""
    count = np.maximum(_sum((np.isfinite(part) for part in parts()), width), 1.0)
    centre = _sum((np.where(np.isfinite(part), part, 0.0) for part in parts()), width) / count
    squares = (np.where(np.isfinite(part), (part - centre) ** 2, 0.0) for part in parts())
    return centre, np.sqrt(_sum(squares, width) / np.maximum(count - 1.0, 1.0))


def _sum(parts: Iterable[Array], width: int) -> Array:
    """Sum rows, one after the other wherever the parts begin, so that they make no odds."""
    total = np.zeros(width)
    for part in parts:
        total = np.concatenate([total[None], part]).sum(axis=0)
    return total
