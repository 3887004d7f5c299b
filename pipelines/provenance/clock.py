"""The time of day, read in one place."""

import datetime as dt


def now() -> dt.datetime:
    """Return the time, UTC."""
    return dt.datetime.now(dt.UTC)
