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
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import CancelledError
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from multiprocessing.connection import wait
from multiprocessing.process import BaseProcess
from traceback import format_exception
from typing import Any, TypeVar

from features.errors import InputError

log = logging.getLogger(__name__)

LOSSES = 3
"""Workers lost at one tile after which it is given up."""

_AGAIN = "Give the same command again: it goes on with the tiles that are not done."

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
    # Not a ProcessPoolExecutor: it hands tiles out ahead, and the loss of one process ends all.
    packed = pickle.dumps(work)
    waiting, losses = deque(range(len(tasks))), [0] * len(tasks)
    at: dict[Any, int] = {}
    processes: dict[Any, BaseProcess] = {}
    try:
        while waiting or at:
            while waiting and len(at) < count:
                pipe, process = _start(packed)
                processes[pipe] = process
                _hand(pipe, waiting, tasks, at)
            ready: list[Any] = wait(list(at))
            for pipe in ready:
                number = at.pop(pipe)
                try:
                    result, failure = pipe.recv()
                except (EOFError, OSError) as end:
                    losses[number] += 1
                    _mourn(processes[pipe], losses[number], end)
                    waiting.appendleft(number)
                    continue
                if failure is not None:
                    raise failure
                if waiting:
                    _hand(pipe, waiting, tasks, at)
                else:
                    pipe.close()
                yield result
    finally:
        for pipe in processes:
            pipe.close()
        for process in processes.values():
            process.join()


def _start(packed: bytes) -> tuple[Any, BaseProcess]:
    """Start a worker, and give the pipe to it."""
    context = multiprocessing.get_context("spawn")
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, packed))
    process.start()
    its.close()
    return ours, process


def _hand(pipe: Any, waiting: deque[int], tasks: Sequence[Any], at: dict[Any, int]) -> None:
    """Hand the next tile to a worker; if the worker is lost, its pipe tells so later."""
    at[pipe] = waiting.popleft()
    with suppress(OSError):
        pipe.send(tasks[at[pipe]])


def _mourn(process: BaseProcess, losses: int, end: Exception) -> None:
    process.join()
    if losses == LOSSES:
        raise InputError(
            f"{losses} workers in turn were lost at one tile (exit code {process.exitcode}); most "
            f"often memory has run out. Use fewer --workers. {_AGAIN}"
        ) from end
    log.warning("A worker was lost (exit code %s); its tile is done again.", process.exitcode)


def _serve(pipe: Any, packed: bytes) -> None:
    """Do one tile after the other until the main process closes the pipe."""
    _begin()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_outcome(packed, pipe.recv()))


def _outcome(packed: bytes, task: Any) -> tuple[Any, Exception | None]:
    try:
        return _do(packed, task), None
    except Exception as failure:  # noqa: BLE001 - sent on, and raised in the main process
        failure.add_note("In a worker:\n" + "".join(format_exception(failure)))
        return None, failure


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
        # Held by nothing else, so that a result that has come is not made again for a lost worker.
        done = distributed.as_completed(
            [client.submit(_do, packed, task, pure=False) for task in tasks], loop=client.loop
        )
        for future in done:
            try:
                result = future.result()
            except distributed.KilledWorker as failure:
                raise InputError(
                    f"Dask workers were lost again and again at one tile ({failure}); most often "
                    f"memory has run out. {_AGAIN}"
                ) from failure
            except (CancelledError, distributed.comm.CommClosedError) as failure:
                raise InputError(
                    f"The Dask scheduler at {address} was lost. Start it again. {_AGAIN}"
                ) from failure
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
