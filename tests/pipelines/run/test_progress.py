"""Progress estimates how long a stage will take."""

from io import StringIO

import pytest
from rich.console import Console

from minerisk.pipelines.run import progress


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
