"""Who works on tiles: this process, several on this machine, or a Dask cluster.

Work is a function that can be sent elsewhere (`functools.partial` of a function of a module) and
that leaves what it makes in files. It may be done twice: a worker that is lost takes the tile it
was at with it, and another does that tile again.
"""

import importlib
import logging
import pickle
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from dataclasses import dataclass
from typing import Any, TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.run.processes import AGAIN, do, in_processes, late_words, lateness, prepare

log = logging.getLogger(__name__)

LOOK_S = 0.05
"""Seconds between looks at the answers of a cluster."""

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Workers:
    """Who works on tiles.

    Attributes
    ----------
    processes
        Processes on this machine; 1 is this very process.
    scheduler
        Address of a Dask scheduler, such as ``tcp://10.0.0.1:8786``; its workers then do it.
        They need the same software, and the run folder and layers under the same paths.
    """

    processes: int = 1
    scheduler: str | None = None

    @property
    def alone(self) -> bool:
        """Whether this process does all by itself."""
        return self.scheduler is None and self.processes <= 1

    def prepare(self, *modules: str) -> None:
        """Let processes of this machine import modules in the background, before there is work."""
        if self.scheduler is None and self.processes > 1:
            prepare("minerisk.pipelines.cli.main", *modules)

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Do tasks and yield the result of each, in the order in which they are done.

        Raises
        ------
        InputError
            If workers are lost again and again, or the scheduler cannot be reached.
        """
        if self.processes < 1:
            raise InputError(f"There are {self.processes} workers; expected 1 or more.")
        if self.scheduler is not None:
            return _on_cluster(work, tasks, self.scheduler)
        return map(work, tasks) if self.alone else in_processes(work, tasks, self.processes)


ALONE = Workers()


def _on_cluster(work: Callable[[T], R], tasks: Sequence[T], address: str) -> Iterator[R]:
    try:
        distributed = importlib.import_module("distributed")
    except ImportError as failure:
        raise InputError(
            "A Dask scheduler needs the package `distributed`, which is not installed here. "
            "Install it (`pip install distributed`), or use --workers N on this machine."
        ) from failure
    packed = pickle.dumps(work)
    try:
        client = distributed.Client(address, timeout="20s", set_as_default=False)
    except OSError as failure:
        raise InputError(
            f"No Dask scheduler answers at {address} ({failure}). Check the address."
        ) from failure
    log.warning("Dask dashboard: %s", client.dashboard_link)
    # Its own words about a lost scheduler are many; ours are one line.
    logging.getLogger("distributed.client").setLevel(logging.CRITICAL)
    with client:
        try:
            yield from _shared(distributed.as_completed, client, packed, tasks)
        except distributed.KilledWorker as failure:
            raise InputError(
                f"Dask workers were lost again and again at one tile ({failure}); most often "
                f"memory has run out. {AGAIN}"
            ) from failure
        except (CancelledError, distributed.comm.CommClosedError) as failure:
            raise InputError(
                f"The Dask scheduler at {address} was lost. Start it again. {AGAIN}"
            ) from failure


def _shared(
    as_completed: Callable[..., Any], client: Any, packed: bytes, tasks: Sequence[Any]
) -> Iterator[Any]:
    """Let a cluster do tasks; one that is late is done again by an idle worker."""
    tile_of: dict[str, int] = {}

    def given(tile: int, **where: Any) -> Any:
        future = client.submit(_timed, packed, tasks[tile], pure=False, **where)
        tile_of[future.key] = tile
        return future

    waiting, twice, took = set(range(len(tasks))), set[int](), list[float]()
    # Held by nothing else, so that a result that has come is not made again for a lost worker.
    answers = as_completed([given(tile) for tile in waiting], loop=client.loop)
    heard = time.monotonic()
    while waiting:
        if not answers.has_ready():
            time.sleep(LOOK_S)
            late = took and time.monotonic() - heard > lateness(took)
            if late and waiting - twice and (idle := _idle(client)):
                tile = min(waiting - twice)
                log.warning(late_words(tile, tasks, took))
                twice.add(tile)
                answers.add(given(tile, workers=idle, allow_other_workers=True))
            continue
        future = next(answers)
        tile = tile_of[future.key]
        if tile in waiting:
            seconds, result = future.result()
            waiting.remove(tile)
            took.append(seconds)
            heard = time.monotonic()
            yield result


def _timed(packed: bytes, task: Any) -> tuple[float, Any]:
    start = time.monotonic()
    result = do(packed, task)
    return time.monotonic() - start, result


def _idle(client: Any) -> list[str]:
    """Name the workers of a cluster that have nothing to do."""
    return [worker for worker, keys in client.processing().items() if not keys]
