"""What a person at a terminal sees: progress bars and lines of text.

rich draws the bars, and is imported where there is a terminal to draw on.
"""

import functools
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

ESTIMATE_S = 900.0
"""Seconds back that the time left is estimated by: tiles may take minutes each."""


LINE_S = 60.0
"""Seconds between lines where there is no terminal to draw a bar on."""


class Progress:
    """One line: what is being done, and how far it is."""

    def __init__(self, title: str, draw: Callable[[str, int, int], None] | None = None) -> None:
        self.title = title
        self.state = ""
        self._draw = draw

    def step(self, what: str, done: int, total: int) -> None:
        """Show what is being done, and how many of how many are done."""
        self.state = f": {what}, step {done} of {total}"
        if self._draw is not None:
            self._draw(f"{self.title}: {what}", done, total)


_LISTENER: ContextVar[Callable[[int, int], None] | None] = ContextVar("listener", default=None)


@contextmanager
def listen(tell: Callable[[int, int], None]) -> Iterator[None]:
    """Have each step within told, as done and total, in place of what a terminal shows."""
    token = _LISTENER.set(tell)
    try:
        yield
    finally:
        _LISTENER.reset(token)


@contextmanager
def progress(title: str) -> Iterator[Progress]:
    """Show progress of a stage on standard error, or tell it to whoever listens."""
    tell = _LISTENER.get()
    if tell is not None:
        yield Progress(title, lambda _, done, total: tell(done, total))
        return
    if sys.stderr is not None and sys.stderr.isatty():
        from rich.console import Console

        with progress_bar(title, Console(stderr=True, highlight=False)) as shown:
            yield shown
        return
    shown = Progress(title)
    with _lines(shown):
        yield shown


@functools.cache
def console() -> "Console":
    """Return what draws on the standard output of a command."""
    from rich.console import Console

    return Console(highlight=False, soft_wrap=True)


@contextmanager
def progress_bar(title: str, terminal: "Console") -> Iterator[Progress]:
    """Draw the progress of a stage on a terminal."""
    from rich import progress as bars

    with bars.Progress(
        bars.TextColumn("{task.description:<46}"),
        bars.BarColumn(bar_width=24),
        bars.MofNCompleteColumn(),
        bars.TimeElapsedColumn(),
        bars.TimeRemainingColumn(),
        console=terminal,
        transient=True,
        speed_estimate_period=ESTIMATE_S,
    ) as drawn:
        task = drawn.add_task(title, total=None)

        def draw(words: str, done: int, total: int) -> None:
            drawn.update(task, description=words, completed=done, total=total)

        yield Progress(title, draw)


@contextmanager
def _lines(shown: Progress) -> Iterator[None]:
    """Print a line a minute, also while one step takes longer than that."""
    start, over = time.monotonic(), threading.Event()

    def report() -> None:
        while not over.wait(LINE_S):
            spent = took(time.monotonic() - start)
            sys.stderr.write(f"{shown.title}{shown.state}, {spent} so far\n")

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
