"""How a command ends when it does not end well: one clear line and an exit code, no traceback."""

import errno
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

from minerisk.features.errors import MineriskError

DISK, UNEXPECTED, INTERRUPTED = 2, 3, 130
STOPPED = "Stopped. What was finished is kept; the same command goes on from there."


@contextmanager
def endings() -> Iterator[None]:
    """Turn whatever goes wrong within into a line on standard error and an exit code."""
    try:
        yield
    except MineriskError as error:
        _end(str(error), error.exit_code)
    except KeyboardInterrupt:
        _stopped()
    except SystemExit as ending:  # typer has taken the interrupt for itself, and says nothing
        if ending.code == INTERRUPTED:
            _stopped()
        raise
    except OSError as error:
        _end(_disk_words(error), DISK)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for users
        _end(_unexpected(error), UNEXPECTED)


def _stopped() -> None:
    # Zarr's writes that were not begun would each say so.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    _end(STOPPED, INTERRUPTED)


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"minerisk: {message}\n")
    sys.exit(code)


def _disk_words(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"The disk is full ({error.filename or 'while writing'}). What was finished is kept; "
            "make room and give the same command again."
        )
    return f"{error.strerror or error}: {error.filename or ''}. Check the path and its permissions."


def _unexpected(error: Exception) -> str:
    handle, name = tempfile.mkstemp(prefix="minerisk-", suffix=".log", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(error, file=stream)
    return (
        f"Something went wrong that should not have ({type(error).__name__}: {error}). What was "
        f"finished is kept. Details are in {name}; please report them."
    )
