"""Files are read in a process with limits, and what becomes of that process is told in words."""

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import InputError, NoTaskError
from minerisk.features.files import forks, process
from minerisk.features.files.limits import limits_for
from minerisk.features.layers.intake import MissingCrsError

pytestmark = pytest.mark.skipif(not forks.FORKS, reason="limits need a platform that forks")

ROOT = Path(__file__).parents[3]


# What is done in the other process: functions of a module that it imports.
def take_memory(path: Path) -> list[str]:
    held = [np.ones(2**24) for _ in range(10_000)]
    return [str(len(held))]


def take_time(path: Path) -> list[str]:
    while True:
        pass


def wait(path: Path) -> list[str]:
    time.sleep(1000)
    return []


def crash(path: Path) -> list[str]:
    os.kill(os.getpid(), signal.SIGSEGV)
    return []


def leave(path: Path) -> list[str]:
    os._exit(7)


def write(path: Path) -> list[str]:
    Path(path).write_text("x")
    return []


def stray(path: Path) -> list[str]:
    return [{}[path]]


def no_crs(path: Path) -> list[str]:
    raise MissingCrsError("no CRS\x1b[2J")


def no_task(path: Path) -> list[str]:
    raise NoTaskError("no task")


def tell(path: Path) -> list[str]:
    logging.getLogger("minerisk.features").warning("a word of %s", path.name)
    return [path.name, str(os.getpid())]


def environment(path: Path) -> list[str]:
    return [f"{name}={value}" for name, value in os.environ.items()]


def table(path: Path, rows: int) -> pd.DataFrame:
    return pd.DataFrame({"a": range(rows)})


def numbers(path: Path) -> np.ndarray:
    return np.array([[1.0, np.nan], [np.inf, -0.0]])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "a.csv"
    path.write_text("e,n\n1,1\n")
    return path


@pytest.fixture
def tight(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a file a second and 200 MB."""
    given = limits_for(0)
    small = type(given)(200_000_000, 1.0, 3.0)
    monkeypatch.setattr(process, "limits_for", lambda size, cells: small)


def test_memory_time_and_output_are_limited_and_named(file: Path, tight: None) -> None:
    for work, words in (
        (take_memory, r"a.csv takes more than 0.2 GiB of memory .* of 8 bytes"),
        (take_time, r"a.csv takes longer than 1 seconds"),
        (wait, r"a.csv takes longer than 1 seconds"),
        (write, r"a.csv cannot be read: OSError: .*File too large"),
    ):
        with pytest.raises(InputError, match=words):
            process.words_of(work, file)


def test_a_reader_that_dies_is_told_and_the_next_file_is_read(file: Path) -> None:
    for work, words in (
        (crash, r"a.csv is damaged: its reader ended at once \(SIGSEGV\)"),
        (leave, r"a.csv is damaged: its reader ended at once \(exit 7\)"),
        (stray, r"a.csv cannot be read: KeyError"),
    ):
        with pytest.raises(InputError, match=words):
            process.words_of(work, file)
        assert process.words_of(tell, file)[0] == "a.csv"


def test_errors_of_the_one_tree_come_back_as_they_are_and_plain(file: Path) -> None:
    with pytest.raises(MissingCrsError) as refusal:
        process.words_of(no_crs, file)
    assert str(refusal.value) == "no CRS [2J"
    with pytest.raises(NoTaskError, match="no task"):
        process.words_of(no_task, file)


def test_what_is_logged_there_is_logged_here(file: Path, caplog: pytest.LogCaptureFixture) -> None:
    process.words_of(tell, file)
    assert [record.getMessage() for record in caplog.records] == ["a word of a.csv"]


def test_tables_and_numbers_come_back_and_each_file_has_a_process_of_its_own(file: Path) -> None:
    assert process.table_of(table, file, rows=3).equals(pd.DataFrame({"a": [0, 1, 2]}))
    assert np.array_equal(process.array_of(numbers, file, cells=4), numbers(file), equal_nan=True)
    own = {process.words_of(tell, file)[1] for _ in range(3)}
    assert len(own) == 3
    assert str(os.getpid()) not in own


def test_that_process_has_a_dead_proxy_that_nothing_goes_around(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_PROXY", "*")
    forks._end()  # the next server has the new environment
    found = process.words_of(environment, file)
    assert "GDAL_HTTP_PROXY=none://127.0.0.1:9" in found
    assert not [line for line in found if line.lower().startswith("no_proxy")]
    forks._end()


def test_threads_read_at_once(file: Path) -> None:
    with ThreadPoolExecutor(6) as pool:
        tables = list(pool.map(lambda rows: process.table_of(table, file, rows=rows), range(12)))
    assert [len(found) for found in tables] == list(range(12))


def test_a_server_that_was_killed_is_started_again(file: Path) -> None:
    process.words_of(tell, file)
    os.kill(forks._servers[0].process.pid, signal.SIGKILL)
    assert process.words_of(tell, file)[0] == "a.csv"


def test_a_reader_ends_when_nobody_waits_for_it(file: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from tests.features.files import test_process as t;"
        "from minerisk.features.files import process; print('begun', flush=True);"
        "process.words_of(t.wait, Path(sys.argv[1]))"
    )
    asking = subprocess.Popen(
        [sys.executable, "-c", program, str(file)],
        **{"stdout": subprocess.PIPE, "cwd": ROOT, "text": True},
    )
    assert asking.stdout is not None
    asking.stdout.readline()
    for _ in range(600):
        if len(children := offspring(asking.pid)) == 3:  # server, who waits, who reads
            break
        time.sleep(0.1)
    assert len(children) == 3
    asking.kill()
    asking.communicate()
    for _ in range(100):
        if not any(map(alive, children)):
            break
        time.sleep(0.1)
    assert not any(map(alive, children))


def offspring(parent: int) -> list[int]:
    found = []
    for child in Path(f"/proc/{parent}/task/{parent}/children").read_text().split():
        found += [int(child), *offspring(int(child))]
    return found


def alive(process: int) -> bool:
    try:
        return ") Z" not in Path(f"/proc/{process}/stat").read_text()
    except OSError:
        return False


def test_a_library_in_a_thread_reads_and_its_process_stays_as_it_was(file: Path) -> None:
    program = """
import os, resource, signal, sys, threading
from pathlib import Path
from minerisk.features.layers.vectors import read_frame
def state():
    limits = [resource.getrlimit(kind) for kind in (resource.RLIMIT_DATA, resource.RLIMIT_CPU)]
    return limits, dict(os.environ), [signal.getsignal(n) for n in (2, 13, 15, 17)]
before, read = state(), []
def ask():
    frame = read_frame(Path(sys.argv[1]), crs="EPSG:4326", easting="e", northing="n")
    read.append(len(frame))
thread = threading.Thread(target=ask)
thread.start()
thread.join()
print(read, before == state())
"""
    # No `if __name__ == "__main__"`: the program must not be run again by the process it starts.
    path = file.parent / "program.py"
    path.write_text(program)
    done = subprocess.run(
        [sys.executable, str(path), str(file)],
        **{"capture_output": True, "text": True, "env": os.environ | {"PYTHONPATH": str(ROOT)}},
    )
    assert done.returncode == 0, done.stderr
    assert (done.stdout.split("\n")[0], done.stderr) == ("[1] True", "")


def test_where_nothing_can_be_forked_files_are_read_in_place(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(forks, "FORKS", False)
    assert process.words_of(tell, file) == ["a.csv", str(os.getpid())]
    assert len(process.table_of(table, file, rows=3)) == 3
    with pytest.raises(InputError, match="KeyError"):
        process.words_of(stray, file)
    assert threading.active_count() >= 1


def test_limits_grow_with_the_file_and_end_at_the_machine() -> None:
    small, large, vast = (limits_for(size) for size in (10_000, 200_000_000, 10**15))
    assert small.memory <= large.memory <= vast.memory
    assert small.seconds < large.seconds
    pages = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    assert vast.memory == pages


FORKED = """
import logging, os, sys
from pathlib import Path
from minerisk.features.files import forks, process
from minerisk.features.layers.sources import Layers, VectorSource
process.prepare_from_here()
server = forks._servers[0].process
assert type(server).__name__ == "_Forked" and server.poll() is None
path = Path(sys.argv[1])
frame = Layers({"a": VectorSource(path, layer="study_area")}, path.parent).vector(
    "a", crs="EPSG:32638"
)
print(len(frame), type(forks._servers[0].process).__name__)
"""


def test_a_server_that_was_forked_reads_as_one_that_was_started() -> None:
    path = ROOT / "data" / "tiny" / "base.gpkg"
    done = subprocess.run(
        [sys.executable, "-c", FORKED, str(path)], capture_output=True, text=True, timeout=60
    )
    assert (done.stdout, done.stderr) == ("1 _Forked\n", "")


def test_a_server_that_was_forked_ends_with_whoever_forked_it() -> None:
    code = """
import os, signal, sys
from minerisk.features.files import forks, process
process.prepare_from_here()
print(forks._servers[0].process.number, flush=True)
os.kill(os.getpid(), signal.SIGKILL)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    for _ in range(200):
        if not Path(f"/proc/{done.stdout.strip()}/cmdline").exists():
            return
        time.sleep(0.05)
    pytest.fail("the server is still there")
