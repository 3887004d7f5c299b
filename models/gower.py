"""Categories and numbers in one space: Gower's distance as a sum of absolute differences.

A class has no place on a scale: class 7 is not nearer to 8 than to 1. Gower's distance takes
numbers by their difference over their range, and classes by whether they are the same; each
feature counts at most its weight inside the range of the rows that the space was learned from.
Each class becomes a column that holds half the weight where it is met, so that the sum of absolute
differences (the distance of order 1) of two different classes is the weight, and ordinary searches
for the nearest row find Gower's.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError

Array = NDArray[np.float64]


def has_categories(X: object) -> bool:
    """Return whether it is a table with a column of classes: text, categories or objects."""
    return isinstance(X, pd.DataFrame) and any(_is_category(X[name]) for name in X.columns)


@dataclass(frozen=True, eq=False)
class GowerSpace:
    """Where the sum of absolute differences of two rows is their distance by Gower.

    Attributes
    ----------
    weight
        Weight of each feature that varies; they add up to 1.
    least, span
        Least value and range of each number.
    classes
        The classes of each category.

    Notes
    -----
    Gower 1971, doi 10.2307/2528823. A number outside the range counts more than its weight, so
    that land beyond all that was seen stays far; a class that was never seen differs from all.

    Examples
    --------
    >>> rows = pd.DataFrame({"slope_deg": [0.0, 10.0, 20.0], "cover": ["wood", "wood", "grass"]})
    >>> space = GowerSpace.fit(rows)
    >>> points = space.points(rows)
    >>> float(np.abs(points[0] - points[1]).sum()), float(np.abs(points[0] - points[2]).sum())
    (0.25, 1.0)
    """

    weight: Mapping[str, float]
    least: Mapping[str, float]
    span: Mapping[str, float]
    classes: Mapping[str, tuple[Hashable, ...]]

    @classmethod
    def fit(cls, X: pd.DataFrame, weight: Mapping[str, float] | None = None) -> Self:
        """Learn ranges and classes of rows.

        Parameters
        ----------
        X
            Features, shape (n, p); missing values are left out.
        weight
            Weight of each feature that counts; by default all alike.

        Raises
        ------
        InputError
            If no feature varies.
        """
        least, span, classes = {}, {}, {}
        for name in X.columns if weight is None else weight:
            known = X[name].dropna()
            if _is_category(known):
                found = tuple(sorted(known.unique().tolist(), key=repr))
                if len(found) > 1:
                    classes[str(name)] = found
            elif len(known) and float(known.max()) > float(known.min()):
                least[str(name)] = float(known.min())
                span[str(name)] = float(known.max()) - float(known.min())
        varied = [*span, *classes]
        if not varied:
            raise InputError("No feature varies over the rows; expected at least one that does.")
        own = {name: 1.0 if weight is None else float(weight[name]) for name in varied}
        total = sum(own.values())
        return cls({name: part / total for name, part in own.items()}, least, span, classes)

    def points(self, X: pd.DataFrame) -> Array:
        """Place rows; NaN in every column of a feature that is missing; shape (n, d)."""
        missing = [name for name in self.weight if name not in X]
        if missing:
            raise InputError(f"The rows lack the features {missing[:5]}; add them.")
        parts = []
        for name, span in self.span.items():
            values = X[name].to_numpy(dtype=np.float64)
            parts.append((values - self.least[name]) / span * self.weight[name])
        for name, classes in self.classes.items():
            met = pd.Index(classes).get_indexer(pd.Index(X[name]))
            gap = X[name].isna().to_numpy()
            for number in (*range(len(classes)), -1):  # -1: a class that was never seen
                held = np.where(met == number, self.weight[name] / 2, 0.0)
                parts.append(np.where(gap, np.nan, held))
        return np.column_stack(parts)


def _is_category(column: pd.Series) -> bool:
    return not pd.api.types.is_numeric_dtype(column)
