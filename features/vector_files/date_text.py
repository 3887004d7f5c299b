"""The text of a date: what is written, and the days that it may mean."""

import calendar
import datetime as dt
import math
import re
from collections.abc import Callable
from enum import StrEnum
from functools import lru_cache

from minerisk.features.errors import InputError

EPOCH_MS = "epoch_ms"
EPOCH = dt.date(1970, 1, 1)
_MS_PER_DAY = 86_400_000
_EXCEL_DAYS = range(10_000, 80_000)

_CLOCK = r"(?:2[0-3]|[01]?\d):?[0-5]\d(?::?(?:[0-5]\d|60)(?:[.,]\d+)?)?"
_TIME = rf"(?:[T ]\s?{_CLOCK}\s?(?:Z|[+-]\d{{2}}(?::?\d{{2}})?)?)?"
_ISO = re.compile(rf"(?P<Y>\d{{4}})-(?P<m>\d{{2}})-(?P<d>\d{{2}}){_TIME}", re.IGNORECASE | re.ASCII)
_WIDE = re.compile(
    rf"(?P<Y>\d{{4}})(?:(?P<s>[-/]?)(?P<m>\d{{2}})(?P=s)(?P<d>\d{{2}}){_TIME})?|"
    r"(?P<Y2>\d{4})[-/](?P<m2>\d{2})",
    re.IGNORECASE | re.ASCII,
)
_NUMBER = re.compile(r"-?\d+(?:\.\d+)?")
_CODES = {
    **{"d": r"(?P<d>\d{1,2})", "m": r"(?P<m>\d{1,2})", "Y": r"(?P<Y>\d{4})"},
    **{"b": r"(?P<b>[A-Za-z]{3})", "B": r"(?P<b>[A-Za-z]{3,9})"},
    **{"H": r"\d{1,2}", "I": r"\d{1,2}", "M": r"\d{2}", "S": r"\d{2}", "f": r"\d{1,9}"},
    **{"p": r"[AaPp][Mm]", "z": r"(?:Z|[+-]\d{2}:?\d{2})", "%": "%"},
}
_MONTHS = (
    *("january", "february", "march", "april", "may", "june"),
    *("july", "august", "september", "october", "november", "december"),
)


class DateLook(StrEnum):
    """What a value that is not read looks like."""

    UNREADABLE_DATES = "unreadable_dates"
    DATES_DAY_OR_MONTH = "dates_day_or_month"
    DATES_SHORT_YEAR = "dates_short_year"
    DATES_SERIAL = "dates_serial"
    DATES_SECONDS = "dates_seconds"
    DATES_MILLISECONDS = "dates_milliseconds"
    DATES_PLACEHOLDER = "dates_placeholder"
    DATES_NO_DAY = "dates_no_day"
    DATES_PARTIAL = "dates_partial"
    DATES_OTHER_FORMAT = "dates_other_format"
    EARLY_DATES = "early_dates"
    FUTURE_DATES = "future_dates"


Period = tuple[dt.date, dt.date]
"""The first and the last day that a record may mean."""

Reader = Callable[[str], Period]
"""From text without blanks around it to the days that it may mean; raises `NotReadError`."""


class NotReadError(ValueError):
    """A value that is no date, with what it looks like."""

    def __init__(self, code: DateLook) -> None:
        super().__init__(code)
        self.code = code


def text_reader(date_format: str | None, *, whole: bool) -> Reader:
    """Choose how text and numbers are read by what is stated of them.

    Raises
    ------
    InputError
        If the format cannot be used.
    """
    if date_format is None:
        return _read_whole if whole else _read_wide
    if date_format == EPOCH_MS:
        return _read_milliseconds
    pattern = _pattern(date_format)
    iso_too = not date_format.startswith("%Y")

    def read(text: str) -> Period:
        match = pattern.fullmatch(text)
        if match is not None:
            return _of_match(match.groupdict())
        if iso_too and (match := _ISO.fullmatch(text)):
            return _of_match(match.groupdict())
        raise _not_read(text, of_format=True)

    return read


def _read_whole(text: str) -> Period:
    match = _ISO.fullmatch(text)
    if match is not None:
        return _of_match(match.groupdict())
    wide = _WIDE.fullmatch(text)
    partial = wide is not None and _is_date(wide) and wide["d"] is None
    raise NotReadError(DateLook.DATES_PARTIAL) if partial else _not_read(text)


def _read_wide(text: str) -> Period:
    match = _WIDE.fullmatch(text)
    if match is None or not _is_date(match):
        raise _not_read(text)
    year, month = match["Y"] or match["Y2"], match["m"] or match["m2"]
    return _of_match({"Y": year, "m": month, "d": match["d"]})


def _is_date(match: re.Match[str]) -> bool:
    """Tell a year and YYYYMMDD from other numbers; what has separators is a date in any case.

    DDMMYYYY is never taken for YYYYMMDD: the 19 or 20 of its year would be the month.
    """
    if match["s"] or match["Y2"]:
        return True
    year = int(match["Y"])
    if match["m"] is None:
        return year <= 2100 or year == 9999
    return 1900 <= year <= 2100 and 1 <= int(match["m"]) <= 12


def _read_milliseconds(text: str) -> Period:
    if match := _ISO.fullmatch(text):
        return _of_match(match.groupdict())
    if not _NUMBER.fullmatch(text):
        raise _not_read(text)
    number = float(text)
    if abs(number) < 1e11:  # such a number of milliseconds is a day of 1967 to 1973
        raise _not_read(text)
    try:
        day = EPOCH + dt.timedelta(days=math.floor(number / _MS_PER_DAY))
    except OverflowError as error:
        raise NotReadError(DateLook.UNREADABLE_DATES) from error
    return day, day


@lru_cache(maxsize=64)
def _pattern(date_format: str) -> re.Pattern[str]:
    """Turn a format into a pattern.

    Numbers need something between them: ``%d%m%Y`` would read 1122024 in two ways.
    """
    parts = re.split(r"(%.)", date_format)
    codes = [part[1] for part in parts if part.startswith("%")]
    dated = [code.lower() if code in "bB" else code for code in codes if code in "dmYbB"]
    months = dated.count("m") + dated.count("b")
    if (
        set(codes) - set(_CODES)
        or re.search(r"%[a-zA-Z]%[a-zA-Z]", date_format.replace("%p", " ").replace("%z", " "))
        or dated.count("Y") != 1
        or months > 1
        or dated.count("d") > months
    ):
        raise InputError(
            f"The date_format is {date_format!r}; expected {EPOCH_MS}, or %Y with four digits, one "
            "of %m %b %B and %d, with something between them, such as %d.%m.%Y; of a time %H %I %M "
            "%S %f %p %z may follow."
        )
    made = [_CODES[part[1]] if part.startswith("%") else re.escape(part) for part in parts]
    timed = set(codes) & set("HIMSfpz")
    return re.compile("".join(made) + ("" if timed else _TIME), re.ASCII)


def _of_match(found: dict[str, str | None]) -> Period:
    """Return the days that year, month and day name, as far as they are given."""
    year = int(found["Y"] or 0)
    named, month_text, day_text = found.get("b"), found.get("m"), found.get("d")
    if year == 0:
        raise NotReadError(DateLook.DATES_PLACEHOLDER)
    month = int(month_text) if month_text else None if named is None else _named_month(named)
    try:
        if day_text:
            day = dt.date(year, month or 0, int(day_text))
            return day, day
        first = dt.date(year, month or 1, 1)
        last_month = month or 12
        return first, dt.date(year, last_month, calendar.monthrange(year, last_month)[1])
    except ValueError as error:
        raise NotReadError(DateLook.DATES_NO_DAY) from error


def _named_month(name: str) -> int:
    for number, known in enumerate(_MONTHS, start=1):
        if name.lower() in (known, known[:3]):
            return number
    raise NotReadError(DateLook.UNREADABLE_DATES)


def _not_read(text: str, *, of_format: bool = False) -> NotReadError:
    """Find what a text or number that is not read looks like."""
    order = DateLook.DATES_OTHER_FORMAT if of_format else DateLook.DATES_DAY_OR_MONTH
    code = DateLook.DATES_OTHER_FORMAT if of_format else DateLook.UNREADABLE_DATES
    if not text.strip("0-/.: T"):
        code = DateLook.DATES_PLACEHOLDER
    elif re.match(r"\d{1,2}[./\s-]\d{1,2}[./\s-]\d{4}(?!\d)|\d{4}(?:19|20)\d{2}$", text):
        code = order
    elif re.match(r"\d{1,2}[./\s-]\d{1,2}[./\s-]\d{2}(?!\d)", text):
        code = DateLook.DATES_SHORT_YEAR
    elif _NUMBER.fullmatch(text):
        code = _look_of_number(float(text)) or code
    return NotReadError(code)


def _look_of_number(number: float) -> DateLook | None:
    size = abs(number)
    if int(size) in _EXCEL_DAYS:
        return DateLook.DATES_SERIAL
    if 1e8 <= size < 1e11:
        return DateLook.DATES_SECONDS
    return DateLook.DATES_MILLISECONDS if 1e11 <= size < 1e14 else None
