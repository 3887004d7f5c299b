"""Who works on tiles: this process, several on this machine, or a Dask cluster.

Work is a function that can be sent elsewhere (`functools.partial` of a function of a module) and
that leaves what it makes in files. It may be done twice: a worker that is lost takes the tile it
was at with it, and another does that tile again.
"""

import importlib
import logging
import multiprocessing
import os
import pickle
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, TypeVar

from features.errors import InputError

log = logging.getLogger(__name__)

LOSSES = 3
"""Workers lost in a row, without any tile done, after which it is given up."""

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

    def run(self, work: Callable[[T], R], tasks: Sequence[T]) -> Iterator[R]:
        """Do tasks and give what each gives, in the order in which they are done.

        Raises
        ------
        InputError
            If workers are lost again and again, or the scheduler cannot be reached.
        """
        if self.processes < 1:
            raise InputError(f"There are {self.processes} workers; expected 1 or more.")
        if self.scheduler is not None:
            return _on_cluster(work, tasks, self.scheduler)
        return map(work, tasks) if self.alone else _in_processes(work, tasks, self.processes)


ALONE = Workers()


def _in_processes(work: Callable[[T], R], tasks: Sequence[T], count: int) -> Iterator[R]:
    packed, left, lost = pickle.dumps(work), dict(enumerate(tasks)), 0
    while left:
        pool = ProcessPoolExecutor(
            min(count, len(left)), multiprocessing.get_context("spawn"), initializer=_begin
        )
        try:
            futures = {pool.submit(_do, packed, task): at for at, task in left.items()}
            for future in as_completed(futures):
                result = future.result()
                del left[futures[future]]
                lost = 0
                yield result
        except BrokenProcessPool as failure:
            lost += 1
            if lost == LOSSES:
                raise InputError(
                    f"Workers were lost {lost} times in a row; most often memory has run out. "
                    "Give the same command again with fewer --workers: finished tiles are kept."
                ) from failure
            log.warning("A worker was lost; %d tiles are left and go on.", len(left))
        finally:
            pool.shutdown(cancel_futures=True)


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
    with client:
        log.warning("Dask dashboard: %s", client.dashboard_link)
        futures = [client.submit(_do, packed, task, pure=False, retries=LOSSES) for task in tasks]
        done = distributed.as_completed(futures, loop=client.loop, with_results=True)
        for _, result in done:
            yield result


def _do(packed: bytes, task: Any) -> Any:
    return _unpacked(packed)(task)


@lru_cache(maxsize=1)
def _unpacked(packed: bytes) -> Callable[[Any], Any]:
    """Unpack work once in each worker, so that what it has read stays with it."""
    work: Callable[[Any], Any] = pickle.loads(packed)
    return work


def _begin() -> None:
    """Leave an interrupt to the main process, and end when it has ended, however it did."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)
