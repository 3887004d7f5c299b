"""What stands after the question mark: boxes, times, parts of a list; anything else is refused."""

import datetime as dt
import math
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import TypeVar

import shapely
from fastapi import Request
from shapely.geometry.base import BaseGeometry

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.provenance.clock import read_time
from minerisk.pipelines.service.errors import RefusedError

Found = TypeVar("Found")
MOST, USUAL = 1_000, 100
"""Items of one answer: at most, and where nothing is asked."""
SHOWN = 80
BOX = "four numbers: west, south, east, north, in degrees"
TIME = "a time or day of RFC 3339, or two with / between; .. leaves an end open"


@dataclass(frozen=True)
class Period:
    """A stretch of time, both ends within; None leaves an end open."""

    start: dt.datetime | None = None
    end: dt.datetime | None = None

    def meets(self, other: "Period") -> bool:
        """Tell whether both have a moment in common."""
        early = self.end is None or other.start is None or other.start <= self.end
        late = self.start is None or other.end is None or other.end >= self.start
        return early and late


@dataclass(frozen=True)
class Page:
    """A part of a list."""

    offset: int
    limit: int


def known_only(request: Request, *names: str) -> None:
    """Refuse a parameter that an address does not have.

    Raises
    ------
    RefusedError
        If there is one.
    """
    for name in request.query_params:
        if name not in names:
            raise RefusedError(DeskCode.QUERY_UNKNOWN, name=name[:SHOWN], choices=names)
        if len(request.query_params.getlist(name)) > 1:
            raise wrong(name, "given twice", "one value")


def wrong(name: str, came: str, expected: str, choices: Collection[str] = ()) -> RefusedError:
    """Make the refusal of a parameter."""
    return RefusedError(
        DeskCode.QUERY_WRONG, name=name, came=came[:SHOWN] or "empty", expected=expected,
        choices=tuple(choices),
    )  # fmt: skip


def query_of(request: Request, name: str, read: Callable[[str], Found]) -> Found | None:
    """Read a parameter, if it was given."""
    given = request.query_params.get(name)
    return None if given is None else read(given)


def page_of(request: Request) -> Page:
    """Read ``limit`` and ``offset``; more than is given at once is cut to that.

    Raises
    ------
    RefusedError
        If one is no whole number, or too small.
    """
    limit = _whole(request, "limit", least=1)
    offset = _whole(request, "offset", least=0)
    return Page(offset or 0, min(USUAL if limit is None else limit, MOST))


def box_of(text: str) -> BaseGeometry:
    """Read a box in CRS84; one that spans the 180th meridian becomes two.

    Raises
    ------
    RefusedError
        If it is none.
    """
    try:
        numbers = [float(part) for part in text.split(",")]
    except ValueError as error:
        raise wrong("bbox", text, BOX) from error
    return box_of_numbers(numbers, text)


def box_of_numbers(numbers: list[float], text: str) -> BaseGeometry:
    """Make a box of four numbers, or of six with heights between, which are passed over."""
    if len(numbers) == 6:
        numbers = [*numbers[:2], *numbers[3:5]]
    if len(numbers) != 4 or not all(map(math.isfinite, numbers)):
        raise wrong("bbox", text, BOX)
    west, south, east, north = numbers
    degrees = -180 <= west <= 180 and -180 <= east <= 180 and -90 <= south <= north <= 90
    if not degrees:
        raise wrong("bbox", text, f"{BOX}; south not above north")
    if west <= east:
        return shapely.box(west, south, east, north)
    return shapely.union(
        shapely.box(west, south, 180, north), shapely.box(-180, south, east, north)
    )


def period_of(text: str) -> Period:
    """Read a moment, a day, or a period.

    Raises
    ------
    RefusedError
        If it is none.
    """
    first, slash, last = text.partition("/")
    if not slash:
        return Period(_moment(first, text, end=False), _moment(first, text, end=True))
    ends = [None if part in {"", ".."} else part for part in (first, last)]
    start = None if ends[0] is None else _moment(ends[0], text, end=False)
    end = None if ends[1] is None else _moment(ends[1], text, end=True)
    if (start is None and end is None) or (start and end and start > end):
        raise wrong("datetime", text, f"{TIME}; not both open, the first not after the second")
    return Period(start, end)


def day_period(day: dt.date | None) -> Period:
    """Return the whole of a day, UTC; none is all time."""
    if day is None:
        return Period()
    start = dt.datetime.combine(day, dt.time(), dt.UTC)
    return Period(start, start + dt.timedelta(days=1, microseconds=-1))


def stamp(at: dt.datetime) -> str:
    """Write a moment as RFC 3339 has it."""
    return at.astimezone(dt.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _moment(text: str, whole: str, *, end: bool) -> dt.datetime:
    try:
        if len(text) == 10:
            found = day_period(read_time(text).date())
            moment = found.end if end else found.start
        else:
            moment = read_time(text)
        if moment is None or moment.tzinfo is None:
            raise ValueError(text)
        return moment.astimezone(dt.UTC)
    except (ValueError, OverflowError) as error:
        raise wrong("datetime", whole, TIME) from error


def _whole(request: Request, name: str, *, least: int) -> int | None:
    given = request.query_params.get(name)
    if given is None:
        return None
    if not given.isascii() or not given.isdigit() or len(given) > 9 or int(given) < least:
        raise wrong(name, given, f"a whole number from {least} on")
    return int(given)
