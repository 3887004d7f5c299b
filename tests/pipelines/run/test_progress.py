"""Progress estimates how long a stage will take."""

import sys
import time
from io import StringIO

import pytest
from rich.console import Console

from minerisk.pipelines.run import progress


def test_time_left_is_estimated_where_each_tile_takes_minutes() -> None:
    seconds, written = [0.0], StringIO()
    terminal = Console(file=written, force_terminal=True, get_time=lambda: seconds[0])
    with progress.progress_bar("Cube", terminal) as bar:
        for done in range(3):
            seconds[0] = 100.0 * done
            bar.step("tiles", done, 6)
    assert "0:06:40" in written.getvalue()


def test_without_a_terminal_there_is_a_line_a_minute_even_within_a_long_step(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(progress, "LINE_S", 0.05)
    with progress.progress("Train and test") as bar:
        bar.step("trials", 3, 20)
        time.sleep(0.5)
    lines = capsys.readouterr().err.splitlines()
    assert len(lines) >= 2
    assert set(lines) <= {f"Train and test: trials, step 3 of 20, {n} s so far" for n in (0, 1, 2)}


def test_a_terminal_gets_a_bar_and_no_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    written = StringIO()
    monkeypatch.setattr(written, "isatty", lambda: True)
    monkeypatch.setattr(sys, "stderr", written)
    monkeypatch.setattr(progress, "LINE_S", 0.01)
    with progress.progress("Cube"):
        time.sleep(0.1)
    assert "so far" not in written.getvalue()


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0.2, "0 s"), (89, "89 s"), (90, "2 min"), (5_300, "88 min"), (11_100, "3 h 05 min")],
)
def test_how_long_it_took_is_in_seconds_minutes_or_hours(seconds: float, words: str) -> None:
    assert progress.took(seconds) == words
