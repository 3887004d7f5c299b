"""Rows kept by the values of columns: `keep` of a vector layer."""

import datetime as dt
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError

KeepValue = bool | int | float | str
SHOWN = 20
_EXACT_IN_FLOAT = 2**53


class Content(StrEnum):
    """What a column holds, missing values aside."""

    TEXT = "text"
    NUMBERS = "numbers"
    TRUTH = "true and false"
    DAYS = "dates"
    NOTHING = "nothing"
    OTHER = "lists, objects or bytes"


_CONTENT = {
    **dict.fromkeys(("string", "empty"), Content.TEXT),
    **dict.fromkeys(("integer", "floating", "mixed-integer-float", "decimal"), Content.NUMBERS),
    **dict.fromkeys(("datetime64", "datetime", "date"), Content.DAYS),
    "boolean": Content.TRUTH,
}


@dataclass(frozen=True)
class Unmatched:
    """Values to keep that no row of a layer has.

    Attributes
    ----------
    values, known
        Those asked for; and those that the column has, each with its number of rows.
    """

    column: str
    values: tuple[str, ...]
    known: tuple[str, ...]


@dataclass(frozen=True)
class Kept:
    """How many rows were kept, of how many, and what was asked for in vain."""

    rows: int
    of: int
    unmatched: tuple[Unmatched, ...]


def keep_rows(
    frame: gpd.GeoDataFrame,
    keep: Mapping[str, tuple[KeepValue, ...]],
    *,
    name: str,
    setting: str = "keep",
) -> tuple[gpd.GeoDataFrame, Kept]:
    """Keep the rows whose columns have one of the values given.

    Text is compared letter by letter, capitals apart from small letters, in one Unicode form and
    without spaces at its ends. A missing value is none of any values. The index of the rows stays:
    it counts the rows of the file.

    Parameters
    ----------
    keep
        Column to values: text for a column of text and of dates (``2020-06-30``), numbers for
        one of numbers, true and false for one of those, and also where they are stored as 1
        and 0.
    name, setting
        Of the file, and what has asked for the values, for messages.

    Raises
    ------
    InputError
        If a column is missing, a value is of another type than the column, or a column has none
        of its values.
    """
    kept, unmatched = np.ones(len(frame), dtype=bool), []
    for column, values in keep.items():
        if column not in frame.columns or column == frame.geometry.name:
            known = ", ".join(str(one) for one in frame.columns if one != frame.geometry.name)
            raise InputError(
                f"{name} has no column {column!r}, which {setting} names; it has {known}."
            )
        matches, absent = _matches(frame[column], values, f"{name}: {setting}")
        if absent is not None and len(frame) and not matches.any():
            raise InputError(_absent_words(f"{name}: {setting}", absent))
        kept &= matches
        unmatched += [] if absent is None else [absent]
    rows = frame[kept]
    return rows, Kept(len(rows), len(frame), tuple(unmatched))


def _matches(
    column: pd.Series, values: tuple[KeepValue, ...], who: str
) -> tuple[NDArray[np.bool_], Unmatched | None]:
    plain = _plain(column)
    content = _content(plain)
    wanted = [_as_stored(value, plain, content, who) for value in values]
    stored = _as_text(plain, content) if content in (Content.TEXT, Content.DAYS) else plain
    there = stored.dropna().value_counts()
    absent = [value for value, one in zip(values, wanted, strict=True) if one not in there.index]
    matches = np.asarray(stored.isin(wanted) & stored.notna(), dtype=bool)
    if not absent:
        return matches, None
    known = tuple(f"{_shown(one)} ({count})" for one, count in there.items())
    return matches, Unmatched(str(column.name), tuple(map(_shown, absent)), known)


def _plain(column: pd.Series) -> pd.Series:
    """Return a column with its values themselves, where it holds them as categories."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return column.astype(column.cat.categories.dtype)
    return column


def _content(column: pd.Series) -> Content:
    found = _CONTENT.get(pd.api.types.infer_dtype(column, skipna=True), Content.OTHER)
    return Content.NOTHING if column.isna().all() else found


def _as_stored(
    value: KeepValue, column: pd.Series, content: Content, who: str
) -> KeepValue | np.generic:
    """Return a value as the column would hold it, or refuse one of another type."""
    fits = {
        Content.TEXT: isinstance(value, str),
        Content.DAYS: isinstance(value, str),
        Content.NUMBERS: not isinstance(value, str),
        Content.TRUTH: isinstance(value, bool),
        Content.NOTHING: True,
        Content.OTHER: False,
    }[content]
    if content is Content.NUMBERS and isinstance(value, bool):
        fits = bool(column.dropna().isin([0, 1]).all())
    if not fits:
        raise InputError(_type_words(who, column, value, content))
    if isinstance(value, str):
        return _one_form(value)
    if content is Content.NUMBERS and pd.api.types.is_float_dtype(column):
        if abs(value) >= _EXACT_IN_FLOAT:
            raise InputError(
                f"{who} has {value} for {column.name!r}, which is too large to be told apart from "
                "its neighbours, since rows without a value make it a decimal number. Keep by "
                "another column."
            )
        return np.float32(value) if str(column.dtype).lower() == "float32" else float(value)
    return int(value) if content is Content.NUMBERS and isinstance(value, bool) else value


def _type_words(who: str, column: pd.Series, value: KeepValue, content: Content) -> str:
    came = f"{who} has {_shown(value)} for {column.name!r}, which holds {content}"
    if content is Content.TEXT and isinstance(value, bool):
        return (
            f"{came}. In YAML, No, Yes, On, Off, true and false without quotes are truth values: "
            "write the word in quotes."
        )
    if content in (Content.TEXT, Content.DAYS):
        return f"{came}; write it in quotes."
    if content is Content.NUMBERS:
        return f"{came}; write a number, without quotes."
    if content is Content.TRUTH:
        return f"{came}; write true or false, without quotes."
    return f"{came}; rows are kept by text, numbers, dates, or true and false."


def _absent_words(who: str, absent: Unmatched) -> str:
    more = len(absent.known) - SHOWN
    return (
        f"{who} has {' and '.join(absent.values)} for {absent.column!r}, which no row has. There "
        f"are {', '.join(absent.known[:SHOWN]) or 'no values'}"
        f"{f' and {more} more' if more > 0 else ''}. Correct the values."
    )


def _shown(value: object) -> str:
    """Write a value as YAML has it."""
    if isinstance(value, (bool, np.bool_)):
        return "true" if value else "false"
    if isinstance(value, (float, np.floating)):
        return f"{value:g}"
    return repr(value) if isinstance(value, str) else str(value)


def _as_text(column: pd.Series, content: Content) -> pd.Series:
    if content is Content.DAYS:
        return column.map(_day, na_action="ignore")
    return column.map(_one_form, na_action="ignore")


def _one_form(text: str) -> str:
    return unicodedata.normalize("NFC", text).strip()


def _day(value: dt.date) -> str:
    """Write a date as its day, and one with a time of day with it."""
    return value.isoformat().removesuffix("T00:00:00")
