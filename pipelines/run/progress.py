"""What a person at a terminal sees: progress bars and lines of text."""

import threading
import time
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


LINE_S = 60.0
"""Seconds between lines where there is no terminal to draw a bar on."""


class Progress:
    """One line: what is being done, and how far it is."""

    def __init__(self, title: str, bars: Bars) -> None:
        self.title = title
        self.state = ""
        self._bars = bars
        self._task = bars.add_task(title, total=None)

    def step(self, what: str, done: int, total: int) -> None:
        """Show what is being done, and how many of how many are done."""
        self.state = f": {what}, step {done} of {total}"
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
        shown = Progress(title, bars)
        if console.is_terminal:
            yield shown
            return
        with _lines(shown):
            yield shown


@contextmanager
def _lines(shown: Progress) -> Iterator[None]:
    """Print a line a minute, also while one step takes longer than that."""
    start, over = time.monotonic(), threading.Event()

    def report() -> None:
        while not over.wait(LINE_S):
            console.print(f"{shown.title}{shown.state}, {took(time.monotonic() - start)} so far")

    reporter = threading.Thread(target=report, name="progress", daemon=True)
    reporter.start()
    try:
        yield
    finally:
        over.set()
        reporter.join()


def took(seconds: float) -> str:
    """Write how long something took: ``8 s``, ``12 min``, ``3 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"
