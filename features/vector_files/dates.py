"""Dates of records, read in one way wherever they come from.

What is read, and the day that it counts by:

- ``2024-03-01``, ``2024/03/01`` and ``20240301``: that day. A time may follow, with an offset or
  without (``2024-03-01T00:30:00.5+04:00``, ``2024-03-01 00:30Z``): the day that the record itself
  states counts, whatever the day is elsewhere.
- ``2024-03`` and ``2024``: some day of that month or year. Where one day is needed it is the last
  one, so that nothing that may be later than a day counts as known on it.
- A date type of the file, with a time zone or without: its local day.
- A layer may state its format: codes such as ``%d.%m.%Y``, or ``epoch_ms``.

The order of day and month is never guessed, and a number is no date unless it is stated to be one.
"""

import datetime as dt
import decimal
import math
import numbers
import re
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.vector_files.date_text import (
    EPOCH,
    DateLook,
    NotReadError,
    Period,
    Reader,
    text_reader,
)

EARLIEST = dt.date(1900, 1, 1)
_SHOWN_ROWS = 5

LOOKS = {
    DateLook.DATES_DAY_OR_MONTH: "does not say which number is the day and which the month",
    DateLook.DATES_SHORT_YEAR: "has a year of two digits",
    DateLook.DATES_SERIAL: "looks like the serial number that a spreadsheet keeps for a day",
    DateLook.DATES_SECONDS: "looks like seconds since 1970",
    DateLook.DATES_MILLISECONDS: "looks like milliseconds since 1970",
    DateLook.DATES_PLACEHOLDER: "looks like a placeholder for no date",
    DateLook.EARLY_DATES: "lies before 1900",
    DateLook.FUTURE_DATES: "lies in the future",
    DateLook.DATES_NO_DAY: "names a day that there is not",
    DateLook.DATES_PARTIAL: "is a year or a month without a day",
    DateLook.DATES_OTHER_FORMAT: "is not as the stated date_format says",
    DateLook.UNREADABLE_DATES: "is no date that is known",
}
"""What a value that is not read looks like; a sentence goes on with it."""


@dataclass(frozen=True)
class RecordDays:
    """The days of records, as days since 1970-01-01; NaN where a record has no date.

    Attributes
    ----------
    first, last
        The first and the last day that the record may mean; the same for a whole date.
    """

    first: NDArray[np.float64]
    last: NDArray[np.float64]

    def after(self, day: dt.date) -> NDArray[np.bool_]:
        """Mark the records that may be later than a day; those without a date are not."""
        return self.last > day_number(day)

    def words(self) -> list[str | None]:
        """Write each date as far as it is known: ``2024-03-01``, ``2024-03``, ``2024``."""
        return [_words(*days) for days in zip(self.first.tolist(), self.last.tolist(), strict=True)]


@dataclass(frozen=True)
class DateFault:
    """Dates of a column that are not read, and why.

    Attributes
    ----------
    code
        A key of `LOOKS`.
    places
        Which values of the column, from 0.
    example
        The first of them.
    """

    code: DateLook
    places: tuple[int, ...]
    example: str


def read_days(
    values: pd.Series,
    *,
    date_format: str | None = None,
    today: dt.date | None = None,
    whole: bool = False,
) -> tuple[RecordDays, tuple[DateFault, ...]]:
    """Read a column of dates; what cannot be read is named, and has no day.

    Parameters
    ----------
    values
        Text, numbers, or any date type; missing, empty and blank values have no date.
    date_format
        What is stated of the column: codes such as ``%d.%m.%Y`` (``%d %m %Y %b %B``, and of a time
        ``%H %I %M %S %f %p %z``) or ``epoch_ms``, milliseconds since 1970-01-01 UTC. Dates such as
        2024-03-01 are read beside it, unless the format begins with the year itself.
    today
        Nothing is dated later than the day after this one; none: it is not checked.
    whole
        Take whole days written as 2024-03-01 only.

    Raises
    ------
    InputError
        If the format cannot be used.

    Examples
    --------
    >>> days, faults = read_days(pd.Series(["1970-01-03", "1970-01", "03.01.1970", None]))
    >>> days.last.tolist()
    [2.0, 30.0, nan, nan]
    >>> [(str(fault.code), fault.places) for fault in faults]
    [('dates_day_or_month', (2,))]
    >>> read_days(pd.Series(["03.01.1970"]), date_format="%d.%m.%Y")[0].words()
    ['1970-01-03']
    """
    text = text_reader(date_format, whole=whole)
    known: dict[str, Period | NotReadError | None] = {}
    ends = np.full((2, len(values)), np.nan)
    wrong: dict[DateLook, list[int]] = {}
    listed = _listed(values)
    for place, value in enumerate(listed):
        key = f"{type(value).__name__} {value}"
        if key not in known:
            known[key] = _tried(value, text, today)
        found = known[key]
        if isinstance(found, NotReadError):
            wrong.setdefault(found.code, []).append(place)
        elif found is not None:
            ends[:, place] = [day_number(day) for day in found]
    faults = (
        DateFault(code, tuple(places), str(listed[places[0]])[:40])
        for code, places in wrong.items()
    )
    return RecordDays(ends[0], ends[1]), tuple(faults)


def days_or_refuse(
    values: pd.Series,
    *,
    where: str,
    date_format: str | None = None,
    today: dt.date | None = None,
) -> RecordDays:
    """Read a column of dates, or refuse it.

    Parameters
    ----------
    where
        What the message begins with, such as ``The layer finds, column date``.
    values, date_format, today
        As in `read_days`; rows are counted by the index of `values`, from 0.

    Raises
    ------
    InputError
        If a value cannot be read, with rows, an example and what it looks like.
    """
    days, faults = read_days(values, date_format=date_format, today=today)
    if faults:
        parts = "; ".join(
            f"row {row_words(values.index[list(fault.places)])}: {fault.example!r} "
            f"{LOOKS[fault.code]}"
            for fault in faults
        )
        raise InputError(
            f"{where}, {parts}. Write dates as YYYY-MM-DD (a layer of a configuration may state "
            "its date_format), and leave a date that is not known blank."
        )
    return days


def row_words(rows: Iterable[int]) -> str:
    """Write row numbers, counted from 1 in a message and from 0 in code.

    Examples
    --------
    >>> row_words([0, 4])
    '1, 5'
    >>> row_words(range(100))
    '1, 2, 3, 4, 5, … (100)'
    """
    numbered = [str(int(row) + 1) for row in rows]
    more = [f"… ({len(numbered)})"] if len(numbered) > _SHOWN_ROWS else []
    return ", ".join([*numbered[:_SHOWN_ROWS], *more])


def day_number(day: dt.date) -> int:
    """Count the days from 1970-01-01 to a day."""
    return (day - EPOCH).days


def iso_day(text: str) -> dt.date | None:
    """Read a day written as YYYY-MM-DD; None if it is anything else.

    Examples
    --------
    >>> iso_day("2024-03-01")
    datetime.date(2024, 3, 1)
    >>> iso_day("20240301") is None
    True
    """
    if not re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return None
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        return None


def _words(first: float, last: float) -> str | None:
    if math.isnan(first):
        return None
    start = EPOCH + dt.timedelta(days=int(first))
    if first == last:
        return start.isoformat()
    return f"{start:%Y}" if last - first > 31 else f"{start:%Y-%m}"


def _listed(values: pd.Series) -> list[object]:
    """Return the values one by one; those of a date type as their local day."""
    if isinstance(values.dtype, pd.ArrowDtype):
        return [_python_value(value) for value in values.array]
    zone_free = values
    if isinstance(values.dtype, pd.DatetimeTZDtype):
        zone_free = values.dt.tz_localize(None)
    if zone_free.dtype.kind == "M":
        days: list[object] = zone_free.to_numpy().astype("datetime64[D]").tolist()
        return days
    if isinstance(values.dtype, pd.CategoricalDtype):
        values = values.astype(values.cat.categories.dtype)
        return _listed(values)
    return [_python_value(value) for value in values.array]


def _python_value(value: object) -> object:
    """Return a value as plain Python; None where it is missing."""
    if isinstance(value, pd.Period):
        return str(value)
    if isinstance(value, np.datetime64):
        return value.astype("datetime64[D]").item()
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or value is pd.NA or value is pd.NaT:
        return None
    if isinstance(value, float | decimal.Decimal) and math.isnan(value):
        return None
    return value.decode("utf-8", "replace") if isinstance(value, bytes) else value


def _tried(value: object, text: Reader, today: dt.date | None) -> Period | NotReadError | None:
    try:
        found = _period(value, text)
        if found is not None:
            _check_range(found, today)
    except NotReadError as failure:
        return failure
    return found


def _period(value: object, text: Reader) -> Period | None:
    if value is None:
        return None
    if isinstance(value, dt.datetime):  # pandas' own times as well
        return value.date(), value.date()
    if isinstance(value, dt.date):
        return value, value
    if isinstance(value, str):
        return text(value.strip()) if value.strip() else None
    if isinstance(value, numbers.Real | decimal.Decimal) and not isinstance(value, bool):
        number = float(value)
        return text(str(int(number)) if number.is_integer() else repr(number))
    raise NotReadError(DateLook.UNREADABLE_DATES)


def _check_range(found: Period, today: dt.date | None) -> None:
    first, last = found
    if first.year <= 1 or first.year == 9999:
        raise NotReadError(DateLook.DATES_PLACEHOLDER)
    if last < EARLIEST:
        raise NotReadError(DateLook.EARLY_DATES)
    if today is not None and first > today + dt.timedelta(days=1):
        raise NotReadError(DateLook.FUTURE_DATES)
