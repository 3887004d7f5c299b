"""Several processes on this machine that share tiles; each does one tile at a time.

They are forked from a server that has imported what the work needs and has no threads, no open
data set and nothing else that a fork could break: imports are paid once, not once a worker.

A worker that is lost is replaced. One that hangs is not waited for: when no tile waits, an idle
worker takes a late tile again, and the first to finish it counts. So two may write the same chunks
at once. They write the same bytes, each chunk under a name of its own that is then renamed
(zarr >= 3.1.6), so that a chunk is never torn.
"""

import logging
import multiprocessing
import os
import pickle
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import lru_cache, partial
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from operator import itemgetter
from statistics import median
from traceback import format_exception
from typing import Any, TypeVar

from minerisk.features.errors import InputError
from minerisk.pipelines.run.own_process import environment_of_ours, set_up_process

log = logging.getLogger(__name__)

LOSSES = 3
"""Workers lost at one tile after which it is given up."""
LATE_TIMES, LATE_S = 3.0, 30.0
"""A tile is late after so many times the median of finished tiles, and so many seconds at least."""
PATIENCE_S = 5.0
"""Seconds that a worker gets to end before it is killed."""

AGAIN = "Give the same command again: it goes on with the tiles that are not done."

_METHOD = "spawn" if sys.platform == "win32" else "forkserver"
_IDLE = -1
_PREPARED: list[str] = []

T = TypeVar("T")
R = TypeVar("R")


@dataclass
class _Worker:
    """A process, the pipe to it, and the tile it is at since when."""

    pipe: Connection
    process: BaseProcess
    tile: int = _IDLE
    since: float = 0.0


@dataclass
class _Crew:
    """All workers, and how far the tiles are."""

    packed: bytes
    tasks: Sequence[Any]
    count: int
    twice: bool
    waiting: deque[int]
    losses: list[int]
    workers: list[_Worker] = field(default_factory=list)
    done: set[int] = field(default_factory=set)
    took: list[float] = field(default_factory=list)

    @property
    def busy(self) -> list[_Worker]:
        """Workers that are at a tile."""
        return [worker for worker in self.workers if worker.tile != _IDLE]


def prepare(*modules: str) -> None:
    """Begin to import modules in the background, for workers that are started later.

    What has been prepared once stays for this process; workers import by themselves what is not.
    """
    if _METHOD == "forkserver":
        from multiprocessing import forkserver, resource_tracker

        if not _PREPARED:
            _PREPARED.extend(modules)
            multiprocessing.get_context(_METHOD).set_forkserver_preload(_PREPARED)
        # An interrupt is for this process: while the other imports, it would end in a traceback.
        # Blocked in this thread only, for as long as the other process is started.
        resource_tracker.ensure_running()  # which lets interrupts through when it has begun
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        try:
            with environment_of_ours():
                forkserver.ensure_running()
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)


def apart(work: Callable[[T], R], task: T) -> R:
    """Do a task in a process that has imported what it needs, or right here if none has."""
    (result,) = apart_each(work, [task])
    return result


def apart_each(work: Callable[[T], R], tasks: Sequence[T]) -> list[R]:
    """Do tasks side by side as `apart` does one; return the results in the order of the tasks."""
    if _module(work) not in _PREPARED:
        return [work(task) for task in tasks]
    count = min(len(tasks), os.cpu_count() or 1)
    numbered = partial(_numbered, work=work)
    done = in_processes(numbered, list(enumerate(tasks)), count, twice=False)
    return [result for _, result in sorted(done, key=itemgetter(0))]


def _numbered(task: tuple[int, T], *, work: Callable[[T], R]) -> tuple[int, R]:
    return task[0], work(task[1])


def in_processes(
    work: Callable[[T], R], tasks: Sequence[T], count: int, *, twice: bool = True
) -> Iterator[R]:
    """Do tasks in up to `count` processes; yield the result of each, in the order they are done.

    Parameters
    ----------
    twice
        Whether a task that takes much longer than the others is done a second time meanwhile.

    Raises
    ------
    InputError
        If workers are lost again and again at one task.
    """
    # Not a ProcessPoolExecutor: it hands tiles out ahead, and the loss of one process ends all.
    prepare(_module(work))
    waiting, losses = deque(range(len(tasks))), [0] * len(tasks)
    crew = _Crew(pickle.dumps(work), tasks, count, twice, waiting, losses)
    last = []
    try:
        while len(crew.done) < len(tasks):
            _hand_out(crew)
            ready = wait([worker.pipe for worker in crew.busy], _until_late(crew))
            for worker in [worker for worker in crew.busy if worker.pipe in ready]:
                result = _taken(crew, worker)
                if len(crew.done) == len(tasks):
                    last += result
                else:
                    yield from result
    finally:
        _dismiss(crew)
    yield from last  # when nobody is left who could still write


def do(packed: bytes, task: Any) -> Any:
    """Do a task with work that was packed by `pickle`."""
    return _unpacked(packed)(task)


def _module(work: Callable[..., Any]) -> str:
    return str((work.func if isinstance(work, partial) else work).__module__)


def _hand_out(crew: _Crew) -> None:
    """Hand every worker a tile: one that waits, or else a late one for a second time."""
    idle = [worker for worker in crew.workers if worker.tile == _IDLE]
    free = len(idle) + crew.count - len(crew.workers)
    late = [] if crew.waiting else [tile for tile, left in _times_left(crew).items() if left <= 0]
    for tile in late[:free]:
        log.warning(late_words(tile, crew.tasks, crew.took))
    next_tiles = [crew.waiting.popleft() for _ in range(min(free, len(crew.waiting)))]
    for tile in next_tiles or late[:free]:
        worker = idle.pop() if idle else _started(crew)
        worker.tile, worker.since = tile, time.monotonic()
        with suppress(OSError):  # if the worker is lost, its pipe tells so later
            worker.pipe.send(crew.tasks[tile])


def _times_left(crew: _Crew) -> dict[int, float]:
    """Compute how many seconds each tile that is worked on has until it is late."""
    if not crew.took or not crew.twice:
        return {}
    begun: dict[int, float] = {}
    for worker in crew.busy:
        if worker.tile not in crew.done and not worker.pipe.poll():  # it may have answered
            begun[worker.tile] = max(worker.since, begun.get(worker.tile, 0.0))
    limit, now = lateness(crew.took), time.monotonic()
    return {tile: since + limit - now for tile, since in sorted(begun.items(), key=lambda i: i[1])}


def lateness(took: Sequence[float]) -> float:
    """Compute after how many seconds a tile is late, from the seconds of those that are done."""
    return max(LATE_S, LATE_TIMES * median(took))


def late_words(tile: int, tasks: Sequence[Any], took: Sequence[float]) -> str:
    """Word the warning that a tile is done twice, and why."""
    return (
        f"Tile {tile + 1} of {len(tasks)} takes long (median of the others: {median(took):.1f} s); "
        "a second worker does it too."
    )


def _until_late(crew: _Crew) -> float | None:
    """Compute how long to wait for workers at most: until an idle one could take a late tile."""
    left = _times_left(crew)
    if crew.waiting or len(crew.busy) >= crew.count or not left:
        return None
    return max(0.0, min(left.values())) + 0.01


def _started(crew: _Crew) -> _Worker:
    context: Any = multiprocessing.get_context(_METHOD)
    ours, its = context.Pipe()
    process = context.Process(target=_serve, args=(its, crew.packed))
    process.start()
    its.close()
    crew.workers.append(_Worker(ours, process))
    return crew.workers[-1]


def _taken(crew: _Crew, worker: _Worker) -> list[Any]:
    """Take what a worker sent: a result, or nothing if another was first or the worker is lost."""
    tile, worker.tile = worker.tile, _IDLE
    try:
        result, failure = worker.pipe.recv()
    except (EOFError, OSError) as end:
        crew.workers.remove(worker)
        _handle_lost(crew, worker, tile, end)
        return []
    if tile in crew.done:
        return []
    if failure is not None:
        raise failure
    crew.done.add(tile)
    crew.took.append(time.monotonic() - worker.since)
    return [result]


def _handle_lost(crew: _Crew, worker: _Worker, tile: int, end: Exception) -> None:
    worker.pipe.close()
    _end(worker.process)
    crew.losses[tile] += 1
    code = worker.process.exitcode
    if tile in crew.done:
        return
    if crew.losses[tile] == LOSSES:
        raise InputError(
            f"{LOSSES} workers in turn were lost at one tile (exit code {code}); most often "
            f"memory has run out. Use fewer --workers. {AGAIN}"
        ) from end
    log.warning("A worker was lost (exit code %s); its tile is done again.", code)
    if tile not in [other.tile for other in crew.busy]:
        crew.waiting.appendleft(tile)


def _dismiss(crew: _Crew) -> None:
    """End all workers; one that is still at a tile hangs, or is not needed any more."""
    for worker in crew.workers:
        worker.pipe.close()
        if worker.tile != _IDLE:
            worker.process.terminate()
    for worker in crew.workers:
        _end(worker.process)


def _end(process: BaseProcess) -> None:
    """Wait for a process that was asked to end; kill it if it does not."""
    for how in (process.terminate, process.kill):
        process.join(PATIENCE_S)
        if process.is_alive():
            how()
    process.join(PATIENCE_S)


def _serve(pipe: Connection, packed: bytes) -> None:
    """Do one tile after the other until the main process closes the pipe."""
    set_up_process()
    _begin()
    with suppress(EOFError, OSError):
        while True:
            pipe.send(_outcome(packed, pipe.recv()))


def _outcome(packed: bytes, task: Any) -> tuple[Any, Exception | None]:
    try:
        return do(packed, task), None
    except Exception as failure:  # noqa: BLE001 - sent on, and raised in the main process
        failure.add_note("In a worker:\n" + "".join(format_exception(failure)))
        return None, failure


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
