"""What goes wrong between processes and disks: real processes, real locks, a disk that is full."""

import fcntl
import resource
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.decide import Decision, follow, review_run
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.manifest import record_maker
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import run_steps

ROOT = Path(__file__).resolve().parents[2]
TINY = ROOT / "configs" / "tiny.yaml"
REJECT = Decision("reject", by="reviewer 7", note="looked at")

HOLDS = """
import sys
from pathlib import Path
from minerisk.pipelines.provenance.manifest import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.read()
"""
STORE = """
import sqlite3, sys
store = sqlite3.connect(sys.argv[1] + "/mlflow.db", isolation_level=None)
store.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.read()
"""
DECIDES = """
import sys
from pathlib import Path
from minerisk.features.errors import InputError
from minerisk.pipelines.audit import decide
from minerisk.pipelines.run.folder import Run
decide.follow = lambda run: None  # MLflow has a test of its own
print("ready", flush=True)
sys.stdin.readline()
try:
    asked = decide.Decision("reject", f"reviewer {sys.argv[2]}", "x")
    decide.review_run(Run.open(Path(sys.argv[1])), asked)
except InputError as error:
    sys.exit(str(error))
"""
DIES = """
import os, signal, sys
from pathlib import Path
from minerisk.pipelines.provenance import files, manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
files.os.fsync = lambda _: os.kill(os.getpid(), signal.SIGKILL)
manifest.record_maker(RunFolder(Path(sys.argv[1])), "staff 12")
"""


def problems(folder: Path, **given: Any) -> tuple[str, ...]:
    return tuple(map(ENGLISH.say, audit_run(RunFolder(folder), **given).problems))


def process(code: str, *words: str) -> subprocess.Popen[str]:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    return subprocess.Popen([sys.executable, "-c", code, *words], cwd=ROOT, text=True, **pipes)


@contextmanager
def holding(code: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds something of a folder until it is ended."""
    other = process(code, str(folder))
    with other:
        assert other.stdout is not None
        assert other.stdout.readline() == "held\n"
        yield other
        other.kill()


def test_a_folder_that_another_process_works_in_is_left_alone(tiny_copy: Path) -> None:
    before = (tiny_copy / "manifest.json").read_bytes()
    with holding(HOLDS, tiny_copy):
        for work in (
            lambda: run_steps(TINY, tiny_copy),
            lambda: review_run(Run.open(tiny_copy), REJECT),
            lambda: audit_run(RunFolder(tiny_copy)),
        ):
            with pytest.raises(InputError, match="Another minerisk process is at work"):
                work()
    assert (tiny_copy / "manifest.json").read_bytes() == before
    assert not (tiny_copy / "reviews.jsonl").exists()


@contextmanager
def stopped_at_work(watched: Path, *words: str) -> Iterator[subprocess.Popen[str]]:
    """Start a command, and stop it in the middle: as soon as it holds a folder."""
    command = [sys.executable, "-m", "minerisk", *words]
    pipes = {"stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, text=True, **pipes) as other:
        while not any(map(is_held, watched.glob("**/.lock"))):
            assert other.poll() is None, other.stderr and other.stderr.read()
            time.sleep(0.01)
        other.send_signal(signal.SIGSTOP)
        yield other
        other.kill()


def is_held(lock: Path) -> bool:
    with lock.open() as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_of_two_runs_at_once_one_goes_on_and_the_other_says_so(tiny_copy: Path) -> None:
    (tiny_copy / "tasks.csv").unlink()
    words = ("run", str(TINY), "--out", str(tiny_copy))
    with stopped_at_work(tiny_copy, *words) as first:
        second = CliRunner().invoke(app, words)
        assert isinstance(second.exception, InputError)
        assert second.exception.exit_code == 2
        assert f"Another minerisk process is at work in {tiny_copy}." in str(second.exception)
        first.send_signal(signal.SIGCONT)
        assert first.wait(300) == 0
    assert problems(tiny_copy) == ()


def test_of_two_requests_at_once_one_goes_on_and_the_other_says_so(
    tiny_copy: Path, tmp_path: Path
) -> None:
    words = ("request", str(tiny_copy), "--near", "settlements", "--within", "3000", "--out")
    with stopped_at_work(tiny_copy / "requests", *words, str(tmp_path / "pack")) as first:
        second = CliRunner().invoke(app, [*words, str(tmp_path / "other")])
        assert isinstance(second.exception, InputError)
        assert "Another minerisk process is at work in" in str(second.exception)
        first.send_signal(signal.SIGCONT)
        assert first.wait(300) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["pack"]
    assert problems(tiny_copy) == ()


def test_a_process_that_was_killed_holds_nothing(tiny_copy: Path) -> None:
    with holding(HOLDS, tiny_copy) as other:
        other.send_signal(signal.SIGKILL)
        other.wait(20)
        assert problems(tiny_copy) == ()


def test_a_process_killed_in_the_middle_of_a_write_leaves_the_old_file(tiny_copy: Path) -> None:
    before = (tiny_copy / "manifest.json").read_bytes()
    with process(DIES, str(tiny_copy)) as other:
        assert other.wait(60) == -signal.SIGKILL
    assert (tiny_copy / "manifest.json").read_bytes() == before
    assert any(".manifest.json.partial" in line for line in problems(tiny_copy))
    record_maker(RunFolder(tiny_copy), "staff 12")
    assert problems(tiny_copy) == ()


def test_reviews_of_several_processes_at_once_stand_one_after_the_other(tiny_copy: Path) -> None:
    others = [process(DECIDES, str(tiny_copy), str(number)) for number in range(3)]
    for other in others:
        assert other.stdout is not None
        assert other.stdout.readline() == "ready\n"
    for other in others:
        assert other.stdin is not None
        other.stdin.write("\n")
        other.stdin.flush()
    told = [other.communicate(timeout=60)[1] for other in others]
    log = Run.open(tiny_copy).reviews()
    assert log.problems == ()
    assert len(log.entries) == [other.returncode for other in others].count(0) >= 1
    assert all("Another minerisk process" in words for words in told if words)


def test_a_store_that_another_process_has_locked_keeps_the_review(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    record_maker(RunFolder(tiny_copy), "staff 12")
    monkeypatch.setattr("minerisk.pipelines.tracking.registry.LOCK_WAIT_S", 0.1)
    with holding(STORE, tiny_copy):
        with pytest.raises(FindingError, match=r"The review is on record; MLflow.*review follow"):
            review_run(Run.open(tiny_copy), REJECT)
        assert any("cannot be read" in line for line in problems(tiny_copy))
    assert Run.open(tiny_copy).standing().state == "rejected"
    follow(Run.open(tiny_copy))
    assert problems(tiny_copy) == ()


@contextmanager
def full_disk(room: int) -> Iterator[None]:
    """No file may grow beyond some bytes: the kernel's own refusal, as of a full disk."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@pytest.mark.parametrize("room", [0, 200])
def test_a_disk_without_room_leaves_run_and_reviews_as_they_were(
    tiny_copy: Path, room: int
) -> None:
    names = {path: path.read_bytes() for path in tiny_copy.iterdir() if path.is_file()}
    with full_disk(room):
        with pytest.raises(OSError, match="File too large"):
            record_maker(RunFolder(tiny_copy), "staff 12")
        with pytest.raises(OSError, match="File too large"):
            review_run(Run.open(tiny_copy), REJECT)
    assert {path: path.read_bytes() for path in tiny_copy.iterdir() if path.is_file()} == names
    assert problems(tiny_copy) == ()


def test_a_disk_without_room_for_mlflow_keeps_the_review(tiny_copy: Path) -> None:
    size = (tiny_copy / "mlflow.db").stat().st_size
    with (
        full_disk(size // 2),
        pytest.raises(FindingError, match="The review is on record; MLflow did not follow"),
    ):
        review_run(Run.open(tiny_copy), REJECT)
    assert Run.open(tiny_copy).standing().state == "rejected"
    follow(Run.open(tiny_copy))
    with sqlite3.connect(tiny_copy / "mlflow.db") as store:
        assert store.execute("PRAGMA integrity_check").fetchone() == ("ok",)
    assert problems(tiny_copy) == ()
