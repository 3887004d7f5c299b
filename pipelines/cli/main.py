"""The command line. Heavy modules are imported by the command that needs them."""

import atexit
import logging
import os
import sys
import threading
from collections.abc import Sequence
from typing import Annotated, NoReturn

import typer

from minerisk.features.files.forks import prepare
from minerisk.pipelines.cli import (
    desk_commands,
    digitise_commands,
    evaluate_commands,
    feedback_commands,
    request_commands,
    review_commands,
    run_commands,
    sentence_commands,
    transfer_commands,
    upkeep_commands,
)
from minerisk.pipelines.cli.exit_codes import ExitCode, endings, exit_code_help, stopped
from minerisk.pipelines.run.own_process import keep_output_own, set_up_process, share_arenas
from minerisk.plain_text import plain_message

app = typer.Typer(
    name="minerisk",
    help="Rank unsurveyed land for survey: calibrated probability of contamination, and where the "
    "model cannot say. A low value never means that land may be used.",
    epilog=exit_code_help(),
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
for commands in (
    run_commands,
    digitise_commands,
    request_commands,
    evaluate_commands,
    transfer_commands,
    feedback_commands,
    review_commands,
    desk_commands,
    sentence_commands,
    upkeep_commands,
):
    commands.add_to(app)


def _print_version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"minerisk {version('minerisk')}")
        raise typer.Exit


_READING = frozenset(
    ("run", "init", "validate", "features", "build", "retrain", "feedback")
    + ("evaluate", "lookback", "status", "ablate", "compare", "digitise", "colours", "transfer")
)
"""Commands that read layers or tables, and take longer than a request: `request_commands`."""


@app.callback()
def _options(
    context: typer.Context,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_print_version, is_eager=True, help="print the version"),
    ] = False,
) -> None:
    """Take the options that stand before a command."""
    if context.invoked_subcommand in _READING:
        prepare()  # imports the readers while this process imports what the command needs


def main() -> None:
    """Run the command line, and end this process."""
    try:
        command()
    except SystemExit as end:
        _leave(end)


def command() -> NoReturn:
    """Do the command of `sys.argv`: one clear line and an exit code, whatever fails."""
    logging.basicConfig(level=logging.WARNING, handlers=[_plain_handler()])
    logging.getLogger("optuna.storages").setLevel(logging.WARNING)  # a line for every study
    share_arenas()
    keep_output_own()
    set_up_process()
    do(sys.argv[1:])


def _leave(end: SystemExit) -> NoReturn:
    """End this process at once, for Python takes half a second to take apart what was imported.

    What libraries do at the end of a process is done, and all that was printed is written.
    """
    others = [thread for thread in threading.enumerate() if not thread.daemon]
    if isinstance(end.code, str) or len(others) > 1:  # one that Python would wait for
        raise end
    atexit._run_exitfuncs()
    try:
        for stream in (sys.stdout, sys.stderr):
            if stream is not None:
                stream.flush()
    except OSError:  # nobody reads it any more: Python has its own way to end then
        raise end from None
    os._exit(end.code or 0)


class _PlainFormatter(logging.Formatter):
    """Frees records of what steers a terminal: a library quotes the file that it warns of."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        return plain_message(super().format(record))


def _plain_handler() -> logging.Handler:
    handler = logging.StreamHandler()
    handler.setFormatter(_PlainFormatter("%(levelname)s: %(message)s"))
    return handler


def do(words: Sequence[str]) -> NoReturn:
    """Do the command that is written in `words`, and exit."""
    with endings():
        code = app(words, prog_name="minerisk", standalone_mode=False)
        if code == ExitCode.STOPPED:  # typer takes the interrupt for itself
            stopped()
    sys.exit(code)
