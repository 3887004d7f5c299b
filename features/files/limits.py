"""How much a file may take to be read: memory, time and columns, in proportion to its size."""

import os
from dataclasses import dataclass

MAX_COLUMNS = 2_000
"""Columns of a layer or table; as many as SQLite takes."""
MAX_LINE_BYTES = 16 * 1024**2
"""Bytes of a line of CSV."""

_MIB = 1024**2
_MEMORY_AT_LEAST, _MEMORY_FOR_A_BYTE, _MEMORY_FOR_A_CELL = 2048 * _MIB, 40, 48
_SECONDS_AT_LEAST, _SECONDS_FOR_A_MIB = 30.0, 2.0
_WAITING = 8.0
"""How many times its seconds of work a file may take on a machine with other work."""


@dataclass(frozen=True)
class Limits:
    """What the reading of one file may take.

    Attributes
    ----------
    memory
        Bytes beyond what the process has before it begins.
    seconds
        Of work of the processor.
    patience
        Seconds by the clock.
    """

    memory: int
    seconds: float
    patience: float


def limits_for(size: int, *, cells: int = 0) -> Limits:
    """Return the limits for a file of `size` bytes of which so many numbers are asked for.

    A GeoJSON takes some ten times its bytes in memory and a second for 20 MB, a compressed Parquet
    forty times its bytes.
    """
    memory = max(_MEMORY_AT_LEAST, _MEMORY_FOR_A_BYTE * size) + _MEMORY_FOR_A_CELL * cells
    seconds = _SECONDS_AT_LEAST + _SECONDS_FOR_A_MIB * size / _MIB
    return Limits(min(memory, _installed()), seconds, _WAITING * seconds)


def _installed() -> int:
    """Return the bytes of memory of this machine; what is not known limits nothing."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, ValueError, OSError):
        return 2**62
