"""What compiled code prints stays off the terminal; progress says how long it will take."""

import ctypes
from io import StringIO

import pytest
from rich.console import Console

from minerisk.pipelines.run import progress
from minerisk.pipelines.run.progress import muted


def test_compiled_code_is_heard_before_and_after_but_not_within(
    capfd: pytest.CaptureFixture[str],
) -> None:
    library = ctypes.CDLL(None)
    library.puts(b"before")
    with muted():
        library.puts(b"within")
    library.puts(b"after")
    library.fflush(None)
    assert capfd.readouterr().out.split() == ["before", "after"]


def test_time_left_is_estimated_where_each_tile_takes_minutes(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seconds = [0.0]
    terminal = Console(file=StringIO(), force_terminal=True, get_time=lambda: seconds[0])
    monkeypatch.setattr(progress, "console", terminal)
    with progress.progress("Cube") as bar:
        for done in range(3):
            seconds[0] = 100.0 * done
            bar.step("tiles", done, 6)
        (task,) = bar._bars.tasks
        assert task.time_remaining == pytest.approx(400, rel=0.01)
