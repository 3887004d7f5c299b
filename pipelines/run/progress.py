"""What a person at a terminal sees: progress bars and lines of text."""

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
    """One line: what is being done, and how far it is."""

    def __init__(self, title: str, bars: Bars) -> None:
        self.title = title
        self._bars = bars
        self._task = bars.add_task(title, total=None)

    def step(self, what: str, done: int, total: int) -> None:
        """Show what is being done, and how many of how many are done."""
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
