import os
import sys
from functools import partial
from pathlib import Path

import pytest

from features.errors import InputError
from pipelines.workers import Workers

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
