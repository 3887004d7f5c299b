"""How a command ends: its exit code and, when it fails, one clear line and no traceback."""

import errno
import logging
import os
import resource
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum
from pathlib import Path

# typer exports only some of their subclasses
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from minerisk.features.errors import MineriskError
from minerisk.pipelines.provenance.extras import extra_of, not_installed
from minerisk.plain_text import plain_message


class ExitCode(IntEnum):
    """The exit codes of every command."""

    DONE = 0
    FOUND = 1
    REFUSED = 2
    FAULT = 3
    STOPPED = 130


MEANINGS = {
    ExitCode.DONE: "done, nothing found",
    ExitCode.FOUND: "a check found something: changed bytes, a stale map, a layer with errors",
    ExitCode.REFUSED: "wrong use, bad input, or no room on the disk or in memory",
    ExitCode.FAULT: "a fault of minerisk; the details are in a file that the message names",
    ExitCode.STOPPED: "stopped by Ctrl-C; the same command continues",
}
STOPPED = "Stopped. Finished stages are kept; the same command continues from there."


def exit_code_help() -> str:
    """List the exit codes for the end of the help."""
    lines = [f"  {code:>3}  {words}" for code, words in MEANINGS.items()]
    return "\n".join(["\b", "Exit codes:", *lines])


@contextmanager
def endings() -> Iterator[None]:
    """Turn whatever fails within into a line on standard error and an exit code."""
    try:
        yield
    except NoArgsIsHelpError as error:
        error.show()
        sys.exit(ExitCode.REFUSED)
    except ClickException as error:
        _end(_usage_text(error), ExitCode.REFUSED)
    except MineriskError as error:
        _end(str(error), error.exit_code)
    except ModuleNotFoundError as error:
        extra = extra_of(error.name)
        if extra is not None:
            _end(not_installed(extra, str(error.name)), ExitCode.REFUSED)
        _end(_fault_text(error), ExitCode.FAULT)
    except KeyboardInterrupt:
        stopped()
    except MemoryError as error:
        _end(_memory_text(error), ExitCode.REFUSED)
    except OSError as error:
        if error.errno not in LIMITS and _is_short_of_memory():
            _end(_memory_text(error), ExitCode.REFUSED)
        _end(_disk_text(error), ExitCode.REFUSED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for users
        if _is_short_of_memory():
            _end(_memory_text(error), ExitCode.REFUSED)
        _end(_fault_text(error), ExitCode.FAULT)


def stopped() -> None:
    """End after an interrupt."""
    # Zarr warns of each write that had not begun.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    _end(STOPPED, ExitCode.STOPPED)


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"minerisk: {plain_message(message)}\n")
    sys.exit(code)


def _usage_text(error: ClickException) -> str:
    context = error.ctx if isinstance(error, UsageError) else None
    hint = f" See `{context.command_path} --help`." if context else ""
    message = " ".join(error.format_message().split())
    return message.rstrip(".") + "." + hint


KEPT = "Finished stages are kept; repeat the command then."
LIMITS = {
    errno.ENOSPC: f"The disk is full ({{where}}). Make room. {KEPT}",
    errno.EDQUOT: "The quota of this account on the disk is used up ({where}). Make room, or have "
    f"it raised. {KEPT}",
    errno.EFBIG: "A file would become larger than is allowed ({where}): by a limit of this process "
    f"(`ulimit -f` shows it) or by the file system. Raise it, or use another disk. {KEPT}",
    errno.EROFS: "{where} is on a disk that is mounted read-only. Choose another place.",
    errno.EACCES: "{where} may not be read or written by this account. Change its permissions, or "
    "choose another place.",
    errno.EPERM: "{where} may not be changed by this account, or is marked immutable. Change its "
    "permissions, or choose another place.",
    errno.EMFILE: "This process has as many files open as it may (`ulimit -n` shows how many). "
    f"Raise the limit. {KEPT}",
    errno.ENOMEM: f"Memory has run out. Use fewer --workers, or a machine with more. {KEPT}",
    errno.EIO: "The disk does not read or write ({where}): a fault of it, or of the network to it. "
    f"{KEPT}",
}
"""What a refusal of the system means, and what to do."""


NEAR = 0.8
"""Share of a limit on memory that something failed for want of it from."""


def _disk_text(error: OSError) -> str:
    where = os.fsdecode(error.filename) if isinstance(error.filename, str | bytes) else ""
    words = LIMITS.get(error.errno or 0)
    if words is not None:
        return words.format(where=where or "while writing").removeprefix("while writing ")
    return f"{error.strerror or error}: {where}. Check the path and its permissions."


def _is_short_of_memory() -> bool:
    """Tell whether this process came near a limit on its memory.

    What fails then is anything: a thread that cannot be started, a library that cannot be loaded.
    """
    limit, _ = resource.getrlimit(resource.RLIMIT_AS)
    status = Path("/proc/self/status")
    if limit == resource.RLIM_INFINITY or not status.is_file():
        return False
    lines = [line.split() for line in status.read_text().splitlines()]
    peak = next((int(line[1]) * 1024 for line in lines if line[:1] == ["VmPeak:"]), 0)
    return peak > NEAR * limit


def _memory_text(error: BaseException) -> str:
    """Say that memory ran out; NumPy's words have what it asked for."""
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # it tells of each read that ended so
    asked = f" ({' '.join(str(error).split())})" if str(error) else ""
    return (
        f"Memory has run out{asked}: that of the machine, or a limit of this process (`ulimit -v` "
        "shows it). Use fewer --workers, larger cells or a smaller study area, or a machine with "
        f"more. {KEPT}"
    )


def _fault_text(error: Exception) -> str:
    handle, name = tempfile.mkstemp(prefix="minerisk-", suffix=".log", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(error, file=stream)
    return (
        f"A fault of minerisk ({type(error).__name__}: {error}). Finished stages are kept. "
        f"Details are in {name}; please report them."
    )
