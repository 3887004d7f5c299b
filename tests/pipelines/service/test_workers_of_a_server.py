"""A worker that a server started does not outlive it."""

import os
import subprocess
import sys
from pathlib import Path

from minerisk.pipelines.service.serving import BOUND, is_left, open_desk
from minerisk.pipelines.service.settings import settings_of


def test_a_worker_is_left_when_its_server_is_no_longer_its_parent() -> None:
    assert not is_left({}, 1)  # started by hand
    assert not is_left({BOUND: "77"}, 77)
    assert is_left({BOUND: "77"}, 1)


def test_a_worker_whose_server_ended_before_it_had_started_ends(tmp_path: Path) -> None:
    home, runs = tmp_path / "home", tmp_path / "runs"
    runs.mkdir()
    open_desk(settings_of({"home": home, "runs": runs}, source="test")).store.engine.dispose()
    gone = os.environ | {BOUND: "1"}
    line = [sys.executable, "-m", "minerisk", "worker", "--home", str(home), "--runs", str(runs)]
    assert subprocess.run(line, env=gone, timeout=120).returncode == 0
