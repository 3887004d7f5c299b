"""Numbers and days as a reader sees them: rounded, with a unit, in the order of their language."""

import datetime as dt
import math
from typing import Final, Literal, NamedTuple

from minerisk.models.estimate import Estimate

Kind = Literal["number", "share", "hectares", "count", "amount", "exact"]
"""``share`` is shown as per cent, ``hectares`` and ``count`` without decimals, ``amount`` as people
write how much there is of something: two digits that count, and no decimals from 10 up; ``exact``
as it is, such as the size of a cell."""
NONE = "–"
NARROW_SPACE: Final = "\u202f"
LONG_MOMENT: Final = len("2026-01-31T12:00")


class Style(NamedTuple):
    """How a language writes numbers and days.

    Attributes
    ----------
    point
        Between whole and fraction.
    group
        Between thousands.
    day
        As `datetime.date.strftime` has it.
    """

    point: str
    group: str
    day: str


ENGLISH_STYLE: Final = Style(".", ",", "%Y-%m-%d")
COMMA_STYLE: Final = Style(",", NARROW_SPACE, "%d.%m.%Y")
"""Azerbaijani and Russian: 12 345,6 and 31.01.2026."""


def number(value: float | None, kind: Kind = "number", *, style: Style = ENGLISH_STYLE) -> str:
    """Word one number; – where there is none.

    Parameters
    ----------
    value
        A share is 0 to 1.
    kind
        What it is a number of.
    style
        How the language writes it.

    Examples
    --------
    >>> number(0.0123, "share"), number(12345.6, "hectares"), number(0.12345), number(None)
    ('1.2 %', '12,346', '0.123', '–')
    >>> number(1.8276, "amount"), number(81.86, "amount"), number(25.0, "amount")
    ('1.8', '82', '25')
    >>> number(0.0123, "share", style=COMMA_STYLE), number(2.5, "exact", style=COMMA_STYLE)
    ('1,2 %', '2,5')
    """
    if value is None or not math.isfinite(value):
        return NONE
    return in_style(_plain(float(value), kind), style)


def in_style(written: str, style: Style) -> str:
    """Return a number that Python wrote, such as ``12,345.6``, as a language writes it."""
    return written.translate({ord(","): style.group, ord("."): style.point})


def day(value: dt.date | str, *, style: Style = ENGLISH_STYLE) -> str:
    """Word a day, or a moment, which is UTC; words that are no day stay as they are.

    Parameters
    ----------
    value
        A day, a time, or one of them in ISO 8601.
    style
        How the language writes it.

    Examples
    --------
    >>> day(dt.date(2026, 1, 31)), day("2026-01-31", style=COMMA_STYLE), day("about 1994")
    ('2026-01-31', '31.01.2026', 'about 1994')
    >>> day("2026-01-31T09:05:10+00:00"), day("2026-01-31T09:05:10+00:00", style=COMMA_STYLE)
    ('2026-01-31 09:05 UTC', '31.01.2026 09:05 UTC')
    """
    try:
        known = dt.datetime.fromisoformat(value) if isinstance(value, str) else value
    except ValueError:
        return str(value)
    shown = known.strftime(style.day)
    if not isinstance(known, dt.datetime) or (isinstance(value, str) and len(value) < LONG_MOMENT):
        return shown
    return f"{shown} {known:%H:%M} UTC"


def _plain(value: float, kind: Kind) -> str:
    if kind == "share":
        per_cent = 100 * value
        return f"{per_cent:.0f} %" if abs(per_cent) >= 9.95 else f"{per_cent:.2g} %"
    if kind == "exact":
        return f"{value:.10g}"
    if kind == "amount" and abs(value) < 9.95:
        return f"{value:.2g}"
    if kind != "number" or abs(value) >= 1000:
        return f"{value:,.0f}"
    return f"{value:.3f}" if abs(value) < 10 else f"{value:.4g}"


def with_interval(found: Estimate | None) -> str:
    """Write a measure with its interval, as tables do; a dash where any of the three is missing."""
    if found is None or None in found:
        return NONE
    return "{:.3f} ({:.3f} to {:.3f})".format(*found)
