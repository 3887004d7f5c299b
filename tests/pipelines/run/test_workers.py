import os
import subprocess
import sys
import time
from functools import partial
from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.pipelines.run import processes
from minerisk.pipelines.run.workers import Workers

# Other processes import the work, so it must lie in a module that they can find.
MODULE = """
import os, signal, time
from pathlib import Path

def square(folder, deadly, number):
    with (Path(folder) / str(number)).open("a") as stream:
        stream.write(f"{os.getpid()}\\n")
    if number in deadly and len((Path(folder) / str(number)).read_text().split()) <= deadly[number]:
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError("no square of that")
    return number * number

def stuck(folder, number):
    # hangs at tile 3 the first time, deaf to what asks it to end
    first = not (Path(folder) / str(number)).exists()
    square(folder, {}, number)
    if number == 3 and first:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        while True:
            time.sleep(1)
    return number * number

def stuck_once(folder, number):
    # as above; a thread of a Dask worker cannot hear signals
    first = not (Path(folder) / str(number)).exists()
    square(folder, {}, number)
    time.sleep(60 if number == 3 and first else 0)
    return number * number

def slow(folder, number):
    # late at tile 3 the first time, and the second time still later
    square(folder, {}, number)
    visits = len((Path(folder) / str(number)).read_text().split())
    time.sleep((1.5 if visits == 1 else 60) if number == 3 else 0)
    return number * visits

def tile(folder, number):
    mark = Path(folder).with_name(f"mark_{number}")
    if not mark.exists():
        square(folder, {}, number)
        time.sleep(0.1)
        mark.touch()
    return number
"""


@pytest.fixture
def square(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "squares_for_workers.py").write_text(MODULE)
    (tmp_path / "done").mkdir()
    monkeypatch.syspath_prepend(str(tmp_path))
    import squares_for_workers

    return lambda **deadly: partial(
        squares_for_workers.square,
        tmp_path / "done",
        {int(name.removeprefix("at_")): times for name, times in deadly.items()},
    )


def visits(tmp_path: Path) -> dict[int, int]:
    return {int(file.name): len(file.read_text().split()) for file in (tmp_path / "done").iterdir()}


def test_one_worker_is_this_process_and_keeps_the_order(square, tmp_path):
    assert list(Workers().run(square(), [3, 1, 2])) == [9, 1, 4]
    assert (tmp_path / "done" / "3").read_text().split() == [str(os.getpid())]


def test_a_killed_worker_costs_the_tile_it_was_at_and_no_other(square, tmp_path):
    found = Workers(2).run(square(at_5=1), range(12))
    assert sorted(found) == [number**2 for number in range(12)]
    seen = visits(tmp_path)
    assert seen == {number: 2 if number == 5 else 1 for number in range(12)}


def test_work_that_kills_every_worker_is_given_up(square, tmp_path):
    with pytest.raises(InputError, match="memory has run out"):
        list(Workers(2).run(square(at_0=99), [0]))
    assert visits(tmp_path) == {0: 3}


def test_an_error_of_the_work_comes_through(square):
    with pytest.raises(ValueError, match="no square of that"):
        list(Workers(2).run(square(), [1, -1]))


def test_an_interrupt_while_modules_are_prepared_is_not_told_twice(tmp_path):
    (tmp_path / "slow_to_import.py").write_text("import time; time.sleep(3)")
    code = """
import os, signal, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a job in the background ignores it
from minerisk.pipelines.run.processes import prepare
prepare("slow_to_import")
time.sleep(1)
try:
    os.killpg(0, signal.SIGINT)
    time.sleep(60)
except KeyboardInterrupt:
    print("stopped")
"""
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True, text=True, check=True, start_new_session=True,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
    )  # fmt: skip
    assert (done.stdout, done.stderr) == ("stopped\n", "")


@pytest.fixture
def hasty(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "LATE_S", 0.5)
    monkeypatch.setattr(processes, "PATIENCE_S", 0.5)


def of_module(square, name: str, tmp_path: Path) -> partial:
    return partial(square().func.__globals__[name], tmp_path / "done")


@pytest.mark.usefixtures("hasty")
def test_a_tile_whose_worker_hangs_is_done_by_another_and_the_worker_is_ended(
    square, tmp_path, caplog
):
    found = list(Workers(2).run(of_module(square, "stuck", tmp_path), range(6)))
    assert sorted(found) == [number**2 for number in range(6)]
    assert visits(tmp_path) == {number: 2 if number == 3 else 1 for number in range(6)}
    assert "Tile 4 of 6 takes long" in caplog.text
    for pid in (tmp_path / "done" / "3").read_text().split():
        with pytest.raises(ProcessLookupError):
            os.kill(int(pid), 0)


@pytest.mark.usefixtures("hasty")
def test_of_two_tries_the_first_to_finish_counts_once_and_the_other_is_ended(square, tmp_path):
    start = time.monotonic()
    found = list(Workers(2).run(of_module(square, "slow", tmp_path), range(6)))
    assert sorted(found) == [0, 1, 2, 3, 4, 5]
    assert visits(tmp_path)[3] == 2
    assert time.monotonic() - start < 30


def test_a_tile_that_is_not_late_is_done_once(square, tmp_path):
    list(Workers(2).run(of_module(square, "tile", tmp_path), range(4)))
    assert visits(tmp_path) == dict.fromkeys(range(4), 1)


def test_no_workers_are_refused(square):
    with pytest.raises(InputError, match="expected 1 or more"):
        Workers(0).run(square(), [1])


def test_a_scheduler_without_dask_says_what_to_install(square, monkeypatch):
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(InputError, match="pip install distributed"):
        list(Workers(scheduler="tcp://127.0.0.1:1").run(square(), [1]))


@pytest.fixture
def tile(square, tmp_path):
    """Work that leaves a mark, as tiles do."""
    return partial(square().func.__globals__["tile"], tmp_path / "done")


def test_a_killed_dask_worker_costs_the_tile_it_was_at(tile, tmp_path, dask_cluster):
    cluster = dask_cluster()
    results = Workers(scheduler=cluster.address).run(tile, range(12))
    found = [next(results) for _ in range(3)]
    cluster.workers[0].kill()
    assert sorted([*found, *results]) == list(range(12))
    assert sum(visits(tmp_path).values()) <= 12 + 1


def test_an_error_of_the_work_comes_through_dask_at_once(square, tmp_path, dask_cluster):
    with pytest.raises(ValueError, match="no square of that"):
        list(Workers(scheduler=dask_cluster().address).run(square(), [-1]))
    assert visits(tmp_path) == {-1: 1}


def test_a_killed_scheduler_is_told_and_the_same_again_goes_on(tile, tmp_path, dask_cluster):
    cluster = dask_cluster()
    results = Workers(scheduler=cluster.address).run(tile, range(12))
    for _ in range(3):
        next(results)
    cluster.scheduler.kill()
    with pytest.raises(InputError, match=r"scheduler at tcp.* was lost.* same command again"):
        list(results)
    for worker in cluster.workers:
        worker.kill()
    assert sorted(Workers(scheduler=dask_cluster().address).run(tile, range(12))) == list(range(12))
    assert sum(visits(tmp_path).values()) <= 12 + 2


@pytest.mark.usefixtures("hasty")
def test_a_tile_that_hangs_on_dask_is_done_by_another(square, tmp_path, dask_cluster, caplog):
    work = of_module(square, "stuck_once", tmp_path)
    found = list(Workers(scheduler=dask_cluster().address).run(work, range(6)))
    assert sorted(found) == [number**2 for number in range(6)]
    assert visits(tmp_path) == {number: 2 if number == 3 else 1 for number in range(6)}
    assert "Tile 4 of 6 takes long" in caplog.text
