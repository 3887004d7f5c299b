"""How a command ends: its exit code and, when it fails, one clear line and no traceback."""

import errno
import os
import sys
import tempfile
import traceback
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from enum import IntEnum

# typer exports only some of their subclasses
from typer._click.exceptions import ClickException, NoArgsIsHelpError, UsageError

from minerisk.features.errors import MineriskError


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
    ExitCode.REFUSED: "wrong use, bad input, or no room on the disk",
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
    except KeyboardInterrupt:
        stopped()
    except OSError as error:
        _end(_disk_text(error), ExitCode.REFUSED)
    except Exception as error:  # noqa: BLE001 - the last line of defence: no traceback for users
        _end(_fault_text(error), ExitCode.FAULT)


def stopped() -> None:
    """End after an interrupt."""
    # Zarr warns of each write that had not begun.
    warnings.filterwarnings("ignore", message="coroutine .* was never awaited")
    _end(STOPPED, ExitCode.STOPPED)


def _end(message: str, code: int) -> None:
    sys.stderr.write(f"minerisk: {message}\n")
    sys.exit(code)


def _usage_text(error: ClickException) -> str:
    context = error.ctx if isinstance(error, UsageError) else None
    hint = f" See `{context.command_path} --help`." if context else ""
    message = " ".join(error.format_message().split())
    return message.rstrip(".") + "." + hint


def _disk_text(error: OSError) -> str:
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return (
            f"The disk is full ({error.filename or 'while writing'}). Finished stages are kept; "
            "make room and repeat the command."
        )
    return f"{error.strerror or error}: {error.filename or ''}. Check the path and its permissions."


def _fault_text(error: Exception) -> str:
    handle, name = tempfile.mkstemp(prefix="minerisk-", suffix=".log", text=True)
    with os.fdopen(handle, "w", encoding="utf-8") as stream:
        traceback.print_exception(error, file=stream)
    return (
        f"A fault of minerisk ({type(error).__name__}: {error}). Finished stages are kept. "
        f"Details are in {name}; please report them."
    )
