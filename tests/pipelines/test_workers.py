import os
import sys
from functools import partial
from pathlib import Path

import pytest

from features.errors import InputError
from pipelines.workers import Workers

# Other processes import the work, so it must lie in a module that they can find.
MODULE = """
import os, signal
from pathlib import Path

def square(folder, deadly, number):
    with (Path(folder) / str(number)).open("a") as stream:
        stream.write(f"{os.getpid()}\\n")
    if number in deadly and len((Path(folder) / str(number)).read_text().split()) <= deadly[number]:
        os.kill(os.getpid(), signal.SIGKILL)
    if number < 0:
        raise ValueError("no square of that")
    return number * number
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


def test_a_dask_cluster_gives_the_same(square, tmp_path):
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, dashboard_address=None
    ) as cluster:
        found = Workers(scheduler=cluster.scheduler_address).run(square(at_5=1), range(8))
        assert sorted(found) == [number**2 for number in range(8)]
    assert visits(tmp_path)[5] == 2
