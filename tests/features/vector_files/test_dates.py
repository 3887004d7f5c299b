import ast
import calendar
import datetime as dt
import decimal
import re
import zoneinfo
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.features.vector_files.dates import (
    LOOKS,
    day_number,
    days_or_refuse,
    iso_day,
    read_days,
)

ROOT = Path(__file__).parents[3]
TODAY = dt.date(2026, 6, 1)
KNOWN = st.dates(dt.date(1900, 1, 1), TODAY)
ZONES = st.sampled_from(
    ["Asia/Baku", "UTC", "America/New_York", "Asia/Kathmandu", "Europe/Sarajevo"]
)
PARSERS = {"to_datetime", "strptime", "fromisoformat", "Timestamp", "fromtimestamp", "fromordinal"}


def read(*values: Any, **more: Any) -> list[str | None]:
    """Write the days of values; the look of one that is not read in its place."""
    days, faults = read_days(pd.Series(values, dtype=object), today=TODAY, **more)
    found = days.words()
    for fault in faults:
        for place in fault.places:
            found[place] = str(fault.code)
    return found


@settings(max_examples=300, deadline=None)
@given(KNOWN, st.times(), ZONES, st.sampled_from("T "), st.sampled_from(["auto", "minutes"]))
def test_a_time_counts_by_the_day_that_the_record_states(
    day: dt.date, time: dt.time, zone: str, between: str, digits: str
) -> None:
    local = dt.datetime.combine(day, time, tzinfo=zoneinfo.ZoneInfo(zone))
    # Offsets of the first years have seconds, which no file can hold.
    if not local.utcoffset().total_seconds() % 60:  # type: ignore[union-attr]
        text = local.isoformat(sep=between, timespec=digits)
        assert read(text, text.replace("+00:00", "Z")) == [day.isoformat()] * 2
    assert read(local, pd.Timestamp(local), local.replace(tzinfo=None)) == [day.isoformat()] * 3


@settings(max_examples=200, deadline=None)
@given(KNOWN)
def test_whole_dates_are_read_from_text_numbers_and_date_types(day: dt.date) -> None:
    number = day.year * 10_000 + day.month * 100 + day.day
    texts = [
        day.isoformat(),
        f" {day} ",
        f"{day:%Y/%m/%d}",
        str(number),
        f"{day:%Y/%m/%d} 00:30:00+04",
    ]
    values = [*texts, number, float(number), day, np.datetime64(day), decimal.Decimal(number)]
    assert read(*values) == [day.isoformat()] * len(values)
    assert read(f"{day:%d.%m.%Y}", day.isoformat(), date_format="%d.%m.%Y") == [day.isoformat()] * 2
    assert read(f"{day:%m/%d/%Y 11:30 PM}", date_format="%m/%d/%Y %I:%M %p") == [day.isoformat()]
    assert read(f"{day:%-d %b %Y}", date_format="%d %b %Y") == [day.isoformat()]


@settings(max_examples=200, deadline=None)
@given(KNOWN, st.sampled_from(["%d.%m.%Y", "%m/%d/%Y", "%d-%m-%Y", "%d %m %Y", "%d%m%Y"]))
def test_day_and_month_are_never_guessed(day: dt.date, written: str) -> None:
    assert read(day.strftime(written)) == ["dates_day_or_month"]


@settings(max_examples=200, deadline=None)
@given(KNOWN, st.sampled_from(["%d.%m.%y", "%m/%d/%y", "%d-%m-%y", "%y-%m-%d", "%y/%m/%d 10:00"]))
def test_a_year_of_two_digits_is_refused(day: dt.date, written: str) -> None:
    assert read(day.strftime(written)) == ["dates_short_year"]


@settings(max_examples=100, deadline=None)
@given(st.integers(1900, 2025), st.integers(1, 12), st.integers(-3, 40))
def test_a_partial_date_is_after_a_day_if_any_of_its_days_may_be(
    year: int, month: int, shift: int
) -> None:
    days, faults = read_days(pd.Series([year, f"{year}-{month:02d}", None], dtype=object))
    assert not faults
    assert days.words() == [str(year), f"{year}-{month:02d}", None]
    last = dt.date(year, month, calendar.monthrange(year, month)[1])
    cut = last - dt.timedelta(days=shift)
    expected = [dt.date(year, 12, 31) > cut, last > cut, False]
    assert days.after(cut).tolist() == expected
    assert days.first[1] == day_number(dt.date(year, month, 1))


@settings(max_examples=300, deadline=None)
@given(st.text(st.sampled_from("0123456789-/.: TZ+"), max_size=20) | st.text(max_size=12))
def test_what_is_read_of_any_text_begins_with_its_own_year_month_and_day(text: str) -> None:
    (found,) = read(text)
    if not text.strip():
        assert found is None
    elif found not in set(LOOKS):
        digits = re.sub(r"[-/]", "", text.strip())[:8]
        written = str(found).replace("-", "")
        assert digits.startswith(written)


@settings(max_examples=200, deadline=None)
@given(st.dates(dt.date(1974, 1, 1), TODAY), st.integers(0, 86_399_999))
def test_milliseconds_count_only_where_they_are_declared(day: dt.date, more: int) -> None:
    number = day_number(day) * 86_400_000 + more
    assert read(number, str(number), float(number)) == ["dates_milliseconds"] * 3
    declared = read(number, str(number), float(number), number // 1000, date_format="epoch_ms")
    assert declared == [day.isoformat()] * 3 + ["dates_seconds"]


@pytest.mark.parametrize(
    ("value", "look"),
    [
        *[(45385, "dates_serial"), ("45385", "dates_serial"), (45385.75, "dates_serial")],
        *[(1709251200, "dates_seconds"), ("0000-00-00", "dates_placeholder")],
        *[("0001-01-01", "dates_placeholder"), ("9999-12-31T00:00:00", "dates_placeholder")],
        *[(9999, "dates_placeholder"), ("1899-12-30", "early_dates"), (1850, "early_dates")],
        *[("2027-01-01", "future_dates"), (2027, "future_dates"), ("2026-06-03", "future_dates")],
        *[("2023-02-29", "dates_no_day"), ("2023-13", "dates_no_day")],
        *[("1 May 2024", "unreadable_dates"), ("unknown", "unreadable_dates")],
        *[(True, "unreadable_dates"), (dt.time(1), "unreadable_dates"), ([], "unreadable_dates")],
        *[("2024-03-01T25:00", "unreadable_dates"), (float("inf"), "unreadable_dates")],
        *[("2024-W09-5", "unreadable_dates"), ("12:30", "unreadable_dates")],
    ],
)
def test_what_is_not_read_is_told_by_its_looks(value: Any, look: str) -> None:
    assert read(value) == [look]


def test_the_day_after_today_is_read_since_a_day_begins_earlier_in_the_east() -> None:
    assert read("2026-06-02", 2026) == ["2026-06-02", "2026"]


@pytest.mark.parametrize(
    "column",
    [
        pd.Series(["2024-03-01", None], dtype="string[pyarrow]"),
        pd.Series(["2024-03-01", ""], dtype="category"),
        pd.Series(pd.array([20240301, None], dtype="Int64")),
        pd.Series([20240301.0, np.nan]),
        pd.Series(np.array(["2024-03-01T23:59", "NaT"], dtype="datetime64[ms]")),
        pd.Series(pd.to_datetime(["2024-03-01T00:30+04:00", None])),
        pd.Series(pd.to_datetime(["2024-03-01T00:30+04:00", None])).dt.tz_convert("Asia/Baku"),
        pd.Series([pa.scalar(dt.date(2024, 3, 1)).as_py(), None], dtype=pd.ArrowDtype(pa.date32())),
        pd.Series(
            [pd.Timestamp("2024-03-01T00:30", tz="Asia/Baku"), None],
            dtype=pd.ArrowDtype(pa.timestamp("us", tz="Asia/Baku")),
        ),
        pd.Series([pd.Period("2024-03-01", freq="D"), None], dtype="period[D]"),
        pd.Series([b"2024-03-01", pd.NaT], dtype=object),
    ],
    ids=lambda column: str(column.dtype),
)
def test_every_type_of_column_has_the_same_answer(column: pd.Series) -> None:
    days, faults = read_days(column, today=TODAY)
    assert (days.words(), faults) == (["2024-03-01", None], ())


def test_dates_beyond_nanoseconds_are_refused_and_not_wrapped() -> None:
    column = pd.Series(np.array(["0001-01-01", "9999-12-31", "2024-03-01"], dtype="datetime64[s]"))
    days, (fault,) = read_days(column)
    assert (str(fault.code), fault.places) == ("dates_placeholder", (0, 1))
    assert days.words() == [None, None, "2024-03-01"]


def test_a_stated_format_that_begins_with_the_year_has_no_other_beside_it() -> None:
    assert read("2024-03-04", "2024-03-14", date_format="%Y-%d-%m") == [
        "2024-04-03",
        "dates_no_day",
    ]
    assert read("03.2024", "2024-03-14", date_format="%m.%Y") == ["2024-03", "2024-03-14"]
    assert read("03/04/2024", date_format="%d.%m.%Y") == ["dates_other_format"]


@pytest.mark.parametrize(
    "written", ["%d.%m.%y", "%d%m%Y", "%d.%Y", "%d.%m", "", "dd.mm.yyyy", "%x"]
)
def test_a_format_that_leaves_anything_to_guess_is_refused(written: str) -> None:
    with pytest.raises(InputError, match="expected epoch_ms, or %Y with four digits"):
        read_days(pd.Series(["1"]), date_format=written)


def test_whole_days_leave_out_years_months_and_other_writings() -> None:
    values = ["2024-03-01", "2024-03-01T00:30+04:00", dt.date(2024, 3, 1)]
    assert read(*values, whole=True) == ["2024-03-01"] * 3
    others = ["2024", 2024, "2024-03", "2024/03/01", "20240301"]
    assert read(*others, whole=True) == ["dates_partial"] * 3 + ["unreadable_dates"] * 2


def test_a_column_that_is_refused_is_named_with_rows_and_looks() -> None:
    column = pd.Series(["2024-03-01", "01.03.2024", "45385"], index=[0, 4, 9])
    with pytest.raises(InputError) as caught:
        days_or_refuse(column, where="The layer finds, column date")
    words = str(caught.value)
    assert words.startswith("The layer finds, column date, row 5: '01.03.2024' does not say which")
    assert "row 10: '45385' looks like the serial number" in words
    assert "date_format" in words


def test_no_other_module_reads_dates_of_data() -> None:
    """The one parser is `dates` with `date_text`.

    `clock` has the machine's own time, `arrow` takes values between processes, and `numbers`
    shows days that minerisk wrote itself.
    """
    own = {
        "features/vector_files/dates.py",
        "features/vector_files/date_text.py",
        "features/files/arrow.py",
        "pipelines/provenance/clock.py",
        "pipelines/language/numbers.py",
    }
    found = []
    for room in ("features", "models", "pipelines", "configs"):
        for path in sorted((ROOT / room).rglob("*.py")):
            name = path.relative_to(ROOT).as_posix()
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.Attribute) and node.attr in PARSERS and name not in own:
                    found.append(f"{name}:{node.lineno} {node.attr}")
    assert found == []


@settings(max_examples=100, deadline=None)
@given(KNOWN)
def test_a_day_of_the_command_line_is_read_in_one_way_only(day: dt.date) -> None:
    assert iso_day(day.isoformat()) == day
    for other in (f"{day:%Y%m%d}", f"{day:%d.%m.%Y}", f"{day:%G-W%V-%u}", f"{day} ", "2023-02-29"):
        assert iso_day(other) is None
