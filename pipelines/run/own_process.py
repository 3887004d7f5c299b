"""The environment of a process that minerisk starts; importing minerisk sets nothing.

The command line and its workers are set up by `set_up_process` before GDAL and OpenMP are loaded,
which read their settings once. Whoever imports minerisk as a library keeps the process as it is:
readers then rely on `minerisk.features.layers.intake` alone, which checks each file first.
"""

import ctypes
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress

from minerisk.features.files.gdal_settings import gdal_settings

_DEFAULTS = {
    # Waiting threads sleep: two runs on one machine would otherwise slow each other twentyfold.
    "OMP_WAIT_POLICY": "PASSIVE",
    # Small products of matrices gain nothing by threads, and waiting ones take a core from others.
    "OPENBLAS_NUM_THREADS": "1",
    # pandas imports numexpr where rio-tiler has brought it; its threads would be lost in a fork.
    "NUMEXPR_NUM_THREADS": "1",
    # What GDAL has read stays in memory: by itself a twentieth of the machine's in every worker.
    "GDAL_CACHEMAX": "256",
    # Arrow's own way to get memory keeps a thread, which a fork would leave behind.
    "ARROW_DEFAULT_MEMORY_POOL": "system",
}

_M_ARENA_MAX = -8
"""Of malloc.h."""


def set_up_process() -> None:
    """Narrow what GDAL may open, and limit its memory and busy waiting, in this whole process.

    What it writes is for its owner alone, whatever library writes it: findings are not for all.
    """
    os.umask(0o077)
    os.environ.update(_settings(os.environ))
    logging.getLogger("rasterio._env").setLevel(logging.ERROR)  # skipped drivers it has not got


def keep_output_own() -> None:
    """Keep what a compiled library prints by itself (HiGHS does) off standard output.

    From now on only Python writes to the standard output of this process, and processes that it
    starts write to none. That is for the process of a command, at its start, and for no other: a
    server or a notebook shares its output with code that is not ours.
    """
    if sys.__stdout__ is None:  # closed by whoever started the command
        return
    sys.stdout.flush()
    own, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.close(nowhere)
    encoding, errors = sys.stdout.encoding, sys.stdout.errors
    sys.stdout = os.fdopen(own, "w", encoding=encoding, errors=errors)


def share_arenas() -> None:
    """Let the threads of a process get their memory from two arenas, where the C library has any.

    By itself glibc gives each thread one of its own, which keeps the most that it ever held.
    """
    with suppress(OSError, AttributeError, TypeError):  # Windows, macOS, musl
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, 2)


def leave_out(package: str) -> None:
    """Let this process do without a package that others import only if it is there."""
    sys.modules.setdefault(package, None)  # type: ignore[arg-type]


@contextmanager
def environment_of_ours() -> Iterator[None]:
    """Hold the environment of `set_up_process` while a process is started that inherits it."""
    before = {name: os.environ.get(name) for name in _settings(os.environ)}
    os.environ.update(_settings(os.environ))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _settings(environment: Mapping[str, str]) -> dict[str, str]:
    defaults = {name: environment.get(name, value) for name, value in _DEFAULTS.items()}
    return {**defaults, **gdal_settings(environment)}
