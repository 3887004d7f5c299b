"""The time of the machine, and times that programs of ours have written, read in one place."""

import datetime as dt


def now() -> dt.datetime:
    """Return the time, UTC."""
    return dt.datetime.now(dt.UTC)


def time_of(seconds: float) -> dt.datetime:
    """Return the time that lies so many seconds after 1970-01-01, UTC."""
    return dt.datetime.fromtimestamp(seconds, dt.UTC)


def read_time(text: str) -> dt.datetime:
    """Read a time as `isoformat` writes it.

    Raises
    ------
    ValueError
        If it is none.
    """
    return dt.datetime.fromisoformat(text)
