"""Attribute columns of vector layers, read in one way by the check and by the work."""

import math
import numbers
import re
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.vector_files.dates import row_words
from minerisk.features.vector_files.kept_rows import KeepValue, keep_rows

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


@dataclass(frozen=True)
class NumberColumn:
    """A column of numbers.

    Attributes
    ----------
    name, setting
        Its name, and the setting that names it.
    above, least, most
        Numbers are above the first, at least the second, at most the third, and finite.
    needed
        Whether each record has a number.
    """

    name: str
    setting: str
    above: float = -math.inf
    least: float = -math.inf
    most: float = math.inf
    needed: bool = False

    def read(self, frame: gpd.GeoDataFrame, layer: str) -> NDArray[np.float64]:
        """Return the numbers; NaN where a record has none.

        Raises
        ------
        InputError
            If the column is missing, or a value is no such number, with layer, column and rows.
        """
        given = column_of(frame, layer, self.name, setting=self.setting)
        values = numbers_of(given)
        blank = np.isnan(values)
        wrong = ~blank & ~(np.isfinite(values) & self._within(values))
        if self.needed:
            wrong |= blank
        if wrong.any():
            raise _wrong_values(given, wrong, layer, self.name, self._expected())
        return values

    def _within(self, values: NDArray[np.float64]) -> NDArray[np.bool_]:
        return (values > self.above) & (values >= self.least) & (values <= self.most)

    def _expected(self) -> str:
        bounds = (
            ("above", self.above, -math.inf),
            ("at least", self.least, -math.inf),
            ("at most", self.most, math.inf),
        )
        words = ", ".join(f"{word} {value:g}" for word, value, none in bounds if value != none)
        return f"a number {words}" if words else "a number with a decimal point"


@dataclass(frozen=True)
class ClassColumn:
    """A column of words that each stand for a class.

    Attributes
    ----------
    name, setting
        Its name, and the setting that names it.
    classes
        Class to the other values that mean it; its own name does always. Capitals, blanks around
        a value and the type of a number (1 and 1.0) make no difference.
    blank
        Class of a record without a value; none: each needs one.
    mapping
        The setting that `classes` is stated by, where there is one.
    """

    name: str
    setting: str
    classes: Mapping[str, Sequence[str | int | float]]
    blank: str | None = None
    mapping: str | None = None

    def read(self, frame: gpd.GeoDataFrame, layer: str) -> NDArray[np.object_]:
        """Return the class of each record.

        Raises
        ------
        InputError
            If the column is missing, or a value stands for no class, with layer, column and rows.
        """
        given = column_of(frame, layer, self.name, setting=self.setting)
        known = {} if self.blank is None else {"": self.blank}
        for name, values in self.classes.items():
            for value in (name, *values):
                if known.setdefault(_folded(value), name) != name:
                    raise InputError(
                        f"{self.mapping or self.setting} of the layer {layer} gives {value!r} to "
                        f"{known[_folded(value)]} and to {name}. Give it to one of them."
                    )
        folded = [_folded(value) for value in given.array]
        wrong = np.array([word not in known for word in folded], dtype=bool)
        if wrong.any():
            raise _wrong_values(given, wrong, layer, self.name, self._expected())
        return np.array([known[word] for word in folded], dtype=object)

    def _expected(self) -> str:
        choices = f"one of {', '.join(self.classes)}"
        if self.mapping is None:
            return choices
        return f"{choices}, or {self.mapping} that says which of them it means"


@dataclass(frozen=True)
class TextColumn:
    """A column whose values are compared with those of a setting.

    Attributes
    ----------
    name, setting
        Its name, and the setting that names it.
    """

    name: str
    setting: str

    def read(self, frame: gpd.GeoDataFrame, layer: str) -> NDArray[np.object_]:
        """Return the values as text without blanks around it; empty where there is none.

        Raises
        ------
        InputError
            If the column is missing.
        """
        given = column_of(frame, layer, self.name, setting=self.setting)
        return np.array([text_of(value) for value in given.array], dtype=object)


@dataclass(frozen=True)
class TypeColumn:
    """A column by whose values records are of one type or another.

    Attributes
    ----------
    name
        Its name.
    types
        Type to the values that mean it; each has at least one record.
    """

    name: str
    types: Mapping[str, Sequence[KeepValue]]

    def read(self, frame: gpd.GeoDataFrame, layer: str) -> dict[str, gpd.GeoDataFrame]:
        """Return the records of each type.

        Raises
        ------
        InputError
            If the column is missing, or a type has no record.
        """
        return {
            name: keep_rows(
                frame,
                {self.name: tuple(values)},
                name=f"The layer {layer}",
                setting=f"the type {name}",
            )[0].reset_index(drop=True)
            for name, values in self.types.items()
        }


Column = NumberColumn | ClassColumn | TextColumn | TypeColumn
"""What is read of a layer beside its geometry and its dates."""


def record_weights(name: str) -> NumberColumn:
    """Return the column with each record's own weight as evidence."""
    return NumberColumn(name, "weight_column", above=0.0, most=1.0, needed=True)


def amounts(name: str) -> NumberColumn:
    """Return the column that a density sums."""
    return NumberColumn(name, "weight_column")


def accuracies(name: str) -> NumberColumn:
    """Return the column with the share of minefield records that proved right."""
    return NumberColumn(name, "accuracy_column", above=0.0, most=1.0)


def people(name: str, setting: str) -> NumberColumn:
    """Return a column with a number of people."""
    return NumberColumn(name, setting, least=0.0)


def sides(name: str) -> ClassColumn:
    """Return the column that says on which side of a line, as it was drawn, the land was held."""
    return ClassColumn(name, "side_column", {"left": (), "right": ()})


def column_of(frame: gpd.GeoDataFrame, layer: str, name: str, *, setting: str) -> pd.Series:
    """Return a column of a layer.

    Raises
    ------
    InputError
        If there is none of that name.
    """
    if name not in frame.columns:
        known = ", ".join(str(column) for column in frame.columns if column != "geometry")
        raise InputError(
            f"The layer {layer} has no column {name!r}; it has {known or 'none'}. Correct "
            f"{setting}."
        )
    return frame[name]


def text_of(value: object) -> str:
    """Write a value as text: blanks around it left out, whole numbers without a decimal point.

    Examples
    --------
    >>> [text_of(value) for value in (" AP ", 3.0, 3, None, float("nan"))]
    ['AP', '3', '3', '', '']
    """
    if value is None or value is pd.NA or value is pd.NaT:
        return ""
    if isinstance(value, numbers.Real) and not isinstance(value, bool | np.bool_):
        number = float(value)
        if math.isnan(number):
            return ""
        return str(int(number)) if number.is_integer() else str(number)
    return unicodedata.normalize("NFC", str(value)).strip()


def _folded(value: object) -> str:
    return text_of(value).casefold()


def numbers_of(column: pd.Series) -> NDArray[np.float64]:
    """Read numbers: NaN where a record has none, infinity for what is no number.

    Text is a number as it is written in decimals with a point, nothing else: no comma, whose
    meaning differs from country to country, no words such as ``nan``, and no true or false.

    Examples
    --------
    >>> numbers_of(pd.Series(["0.85", " 1e3 ", "0,85", "1,250", "0x10", "1_0", True, "", None]))
    array([8.5e-01, 1.0e+03,     inf,     inf,     inf,     inf,     inf,
               nan,     nan])
    """
    return np.array([_number(value) for value in column.array], dtype=np.float64)


def _number(value: object) -> float:
    if isinstance(value, bool | np.bool_):
        return math.inf
    if isinstance(value, numbers.Real):
        return float(value)
    text = text_of(value)
    if not text:
        return math.nan
    return float(text) if _NUMBER.fullmatch(text) else math.inf


def _wrong_values(
    given: pd.Series, wrong: NDArray[np.bool_], layer: str, name: str, expected: str
) -> InputError:
    values = [text_of(value) for value in given[wrong].array]
    shown = list(dict.fromkeys(value[:40] for value in values))
    words = ", ".join(repr(value) if value else "blank" for value in shown[:5])
    more = f" and {len(shown) - 5} other values" if len(shown) > 5 else ""
    return InputError(
        f"The layer {layer}, column {name}, row {row_words(given.index[wrong])}: {words}{more}; "
        f"expected {expected}."
    )
