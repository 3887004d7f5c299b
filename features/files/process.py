"""Reads files in a process of its own, which has limits and no network and may die of a file.

A server has imported the readers and forks a child for each file, so that a child costs hundredths
of a second; it is started when the first file is read. What comes back is JSON, Arrow or plain
numbers, never a pickle. The process that asks changes nothing of its own: no signal handler, limit
or variable. Where a process cannot be forked (Windows) files are read in place, after the same
checks and without limits.
"""

import glob
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow
from numpy.typing import NDArray

from minerisk.features.errors import InputError, MineriskError
from minerisk.features.files import arrow, forks
from minerisk.features.files.limits import Limits, limits_for
from minerisk.features.files.server import Header, Json, Request, answer_here, serve

logger = logging.getLogger(__name__)

_Number = TypeVar("_Number", bound=np.generic)

_IMPORTS = {".zarr": ("minerisk.features.layers.zarr_bands",)}
"""Suffix of a file to what its readers need besides, which is imported when one is met."""


def prepare_from_here() -> None:
    """Fork the server that reads files from this process, which has imported most it needs."""
    forks.fork_server(serve)


def words_of(work: Callable[..., list[str]], path: Path, **arguments: Json) -> list[str]:
    """Do `work` on a file in a process with limits; return the words it found.

    Parameters
    ----------
    work
        A function of a module of minerisk; its arguments are `path` and what JSON can hold.

    Raises
    ------
    InputError
        As `work` raises it, or if the file needs more memory or time than it is given, or the
        process dies of it.
    """
    words: list[str] = json.loads(bytes(_answer(work, path, arguments)))
    return words


def table_of(work: Callable[..., pd.DataFrame], path: Path, **arguments: Json) -> pd.DataFrame:
    """Do `work` on a file in a process with limits; return the table it read.

    Raises
    ------
    InputError
        As from `words_of`.
    """
    with _as_text(path):
        return arrow.to_frame(_answer(work, path, arguments))


def layer_of(
    work: Callable[..., gpd.GeoDataFrame], path: Path, **arguments: Json
) -> gpd.GeoDataFrame:
    """Do `work` on a file in a process with limits; return the layer it read.

    Raises
    ------
    InputError
        As from `words_of`.
    """
    with _as_text(path):
        return arrow.to_frame(_answer(work, path, arguments))


@contextmanager
def _as_text(path: Path) -> Iterator[None]:
    """Refuse a table whose words are no text: Arrow passes bytes on as they were stored."""
    try:
        yield
    except (pyarrow.ArrowException, UnicodeError) as error:
        raise InputError(
            f"{path.name} holds words that are not in UTF-8 ({str(error)[:80]}). Export it again."
        ) from error


def array_of(
    work: Callable[..., NDArray[_Number]], path: Path, *, cells: int, **arguments: Json
) -> NDArray[_Number]:
    """Do `work` on a file in a process with limits; return the numbers it read.

    Parameters
    ----------
    cells
        How many numbers are asked for, for which memory is given besides.

    Raises
    ------
    InputError
        As from `words_of`.
    """
    found: NDArray[_Number] = arrow.to_array(_answer(work, path, arguments, cells=cells))
    return found


def _answer(
    work: Callable[..., object], path: Path, arguments: dict[str, Json], *, cells: int = 0
) -> memoryview:
    size = _size(path)
    given = limits_for(size, cells=cells)
    request: Request = {
        "module": work.__module__,
        "imports": list(_IMPORTS.get(path.suffix.lower(), ())),
        "work": work.__qualname__,
        "path": os.fspath(path),
        "arguments": arguments,
        "memory": given.memory,
        "seconds": given.seconds,
        "patience": given.patience,
    }
    if forks.FORKS:
        try:
            ending, status, answer = forks.asked(json.dumps(request).encode())
        except ProcessLookupError as error:
            raise InputError(f"{path.name} cannot be read: {error} End other programs.") from error
        if ending != forks.ENDED or status != 0:
            raise InputError(_lost_words(path, size, given, ending, status))
    else:
        answer = bytearray(answer_here(request))
    length = int.from_bytes(answer[:4], "little")
    header: Header = json.loads(bytes(answer[4 : 4 + length]))
    for name, level, message in header["log"]:
        logging.getLogger(name).log(level, "%s", message)
    if header["refused"] == "MemoryError":
        raise InputError(_memory_words(path, size, given))
    if header["refused"]:
        raise _error_named(header["refused"])(header["message"])
    return memoryview(answer)[4 + length :]


def _size(path: Path) -> int:
    """Return the bytes of a file with its parts; those of a folder are read one by one."""
    if path.is_dir():
        return 0
    parts = path.parent.glob(f"{glob.escape(path.stem)}.*") if path.suffix == ".shp" else [path]
    return sum(part.stat().st_size for part in parts)


def _lost_words(path: Path, size: int, given: Limits, ending: bytes, status: int) -> str:
    """Say why a process that read a file ended without an answer."""
    number = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
    if ending == forks.TIRED or number == signal.SIGXCPU:
        return (
            f"{path.name} takes longer than {given.seconds:.0f} seconds to be read, the most that "
            f"a file of {size:,} bytes is given; it is damaged or made to take for ever. Export it "
            "again, or cut it to the study area."
        )
    if number == signal.SIGKILL:
        return _memory_words(path, size, given)
    why = signal.Signals(number).name if number else f"exit {os.waitstatus_to_exitcode(status)}"
    return f"{path.name} is damaged: its reader ended at once ({why}). Export it again."


def _memory_words(path: Path, size: int, given: Limits) -> str:
    return (
        f"{path.name} takes more than {given.memory / 1024**3:.1f} GiB of memory to be read, the "
        f"most that a file of {size:,} bytes is given; it is damaged or made to exhaust memory. "
        "Export it again, or cut it to the study area."
    )


def _error_named(name: str) -> type[MineriskError]:
    """Find an error of the one tree by its name."""
    waiting: list[type[MineriskError]] = [InputError]
    while waiting:
        kind = waiting.pop()
        if kind.__name__ == name:
            return kind
        waiting += kind.__subclasses__()
    return InputError
