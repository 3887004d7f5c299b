"""What a person at a terminal sees: progress bars and lines of text."""

import ctypes
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.progress import Progress as Bars

console = Console(stderr=True, highlight=False)
out = Console(highlight=False, soft_wrap=True)

ESTIMATE_S = 900.0
"""Seconds back that the time left is estimated by: tiles may take minutes each."""


class Progress:
    """One line that says what is being done and how far it is."""

    def __init__(self, title: str, bars: Bars) -> None:
        self.title = title
        self._bars = bars
        self._task = bars.add_task(title, total=None)

    def step(self, what: str, done: int, total: int) -> None:
        """Say what is being done, and how many of how many are done."""
        self._bars.update(
            self._task, description=f"{self.title}: {what}", completed=done, total=total
        )


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show progress of a stage on standard error."""
    columns = (
        TextColumn("{task.description:<46}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(
        *columns,
        console=console,
        transient=True,
        disable=not console.is_terminal,
        speed_estimate_period=ESTIMATE_S,
    ) as bars:
        yield Progress(title, bars)


@contextmanager
def muted() -> Iterator[None]:
    """Keep what a compiled library prints by itself (HiGHS does) off standard output."""
    c_library = ctypes.CDLL(None)
    sys.stdout.flush()
    c_library.fflush(None)
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 1)
        yield
    finally:
        c_library.fflush(None)
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)
