"""The process that takes jobs from the database and has each done in a process of its own."""

import logging
import multiprocessing
import os
import secrets
import shutil
import signal
import socket
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing import forkserver
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from sqlalchemy.exc import SQLAlchemyError

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.service.jobs.orders import JobKind, Outcome
from minerisk.pipelines.service.jobs.queue import (
    Claim,
    beat,
    claim,
    finish,
    give_back,
    is_waiting,
    lose,
    show_maps,
    take_back_lost,
)
from minerisk.pipelines.service.jobs.work import PRELOAD, Message, Places, do_in_process
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import Store, first_line
from minerisk.pipelines.service.store.models import Job

log = logging.getLogger(__name__)

POLL_S, BEAT_S, LOOK_S, LOST_EACH_S, PATIENCE_S = 0.05, 1.0, 0.1, 1.0, 5.0
GB = 1_000_000_000


@dataclass(frozen=True)
class Worker:
    """What a worker is and works with."""

    settings: Settings
    store: Store
    name: str
    clock: Callable[[], float] = time.time

    @classmethod
    def of(cls, settings: Settings, store: Store) -> "Worker":
        """Name a worker by its machine, its process and chance."""
        name = f"{socket.gethostname()[:32]}-{os.getpid()}-{secrets.token_hex(4)}"
        return cls(settings, store, name)


@dataclass
class _Doing:
    """A process that does a job, and what it has said."""

    process: BaseProcess
    pipe: Connection
    step: tuple[int, int] = (0, 0)
    said: Message | None = None
    maps: Outcome | None = None


def work(worker: Worker, over: Callable[[], bool]) -> None:
    """Do jobs until `over`; a database that is not there is waited for."""
    again_at = time.monotonic()
    while not over():
        try:
            if time.monotonic() >= again_at:
                again_at = time.monotonic() + LOST_EACH_S
                _take_back_lost(worker)
            with worker.store.read() as session:  # looking is often, and holds nobody up
                waits = is_waiting(session)
            busy = waits and work_once(worker, over)
        except SQLAlchemyError as error:
            _warn(error)
            busy = False
        if not busy:
            time.sleep(LOOK_S)


def _take_back_lost(worker: Worker) -> None:
    with worker.store.write() as session:
        take_back_lost(session, at=worker.clock(), after=worker.settings.limits.lost_seconds)


def work_once(worker: Worker, over: Callable[[], bool] = lambda: False) -> bool:
    """Take a job and do it; tell whether there was one."""
    with worker.store.write() as session:
        taken = claim(session, worker.name, at=worker.clock())
    if taken is None:
        return False
    result = _no_room(worker.settings) or _do(worker, taken, over)
    while True:
        try:
            _write_down(worker, taken, result)
            return True
        except SQLAlchemyError as error:  # what was done is not done again for want of a database
            if over():
                raise
            _warn(error)
            time.sleep(LOOK_S)


def _write_down(worker: Worker, taken: Claim, result: Outcome | DeskNotice | str | None) -> None:
    with worker.store.write() as session:
        if result is None:
            give_back(session, taken)
        elif isinstance(result, str):
            job = session.get(Job, taken.id)
            if job is not None and job.worker == worker.name:
                lose(session, job, at=worker.clock())
        else:
            finish(session, taken, result, at=worker.clock())


def _warn(error: SQLAlchemyError) -> None:
    log.warning("the database does not answer: %s", first_line(error))


def context() -> ForkServerContext:
    """Return how processes for jobs are made: from a server that has imported what they need."""
    made = multiprocessing.get_context("forkserver")
    made.set_forkserver_preload(list(PRELOAD))
    return made


def prepare() -> None:
    """Have what jobs need imported before the first of them comes."""
    context()
    forkserver.ensure_running()


def _do(
    worker: Worker, taken: Claim, over: Callable[[], bool]
) -> Outcome | DeskNotice | str | None:
    """Have a job done.

    Returns
    -------
    Outcome, DeskNotice, str or None
        What came of it; the word ``lost`` if its process died; None if this worker is to end.
    """
    made = context()
    ours, its = made.Pipe(duplex=False)
    order = taken.order.model_dump_json()
    arguments = (its, order, Places.of(worker.settings, taken.id))
    doing = _Doing(made.Process(target=do_in_process, args=arguments), ours)
    doing.process.start()
    its.close()
    try:
        return _watched(worker, taken, doing, over)
    finally:
        _end(doing)


def _watched(
    worker: Worker, taken: Claim, doing: _Doing, over: Callable[[], bool]
) -> Outcome | DeskNotice | str | None:
    limits = worker.settings.limits
    anew = taken.order.kind is JobKind.RETRAIN
    most_s = limits.run_seconds if anew else limits.job_seconds
    start = beaten = time.monotonic()
    while True:
        ended = _listen(doing)
        if doing.maps is not None:
            _show_maps(worker, taken, doing.maps)
            doing.maps = None
        if doing.said is not None and doing.said.outcome is not None:
            return doing.said.outcome
        if doing.said is not None and doing.said.notice is not None:
            return doing.said.notice
        if ended:
            return "lost"
        if over():
            return None
        if time.monotonic() - start > most_s:
            return desk_notice(DeskCode.TIME_SPENT, minutes=most_s / 60)
        if _resident(doing.process.pid) > limits.job_bytes:
            return desk_notice(DeskCode.MEMORY_SPENT, most=limits.job_bytes / GB)
        if time.monotonic() - beaten > BEAT_S:
            beaten = time.monotonic()
            if not _shows_life(worker, taken, doing):
                return desk_notice(DeskCode.CANCELLED)


def _show_maps(worker: Worker, taken: Claim, maps: Outcome) -> None:
    """Let maps be looked at; without a database they are seen when all is done."""
    try:
        with worker.store.write() as session:
            show_maps(session, taken, maps, at=worker.clock())
    except SQLAlchemyError as error:
        _warn(error)


def _shows_life(worker: Worker, taken: Claim, doing: _Doing) -> bool:
    """Show that a worker lives; a database that is away does not stop what is being done."""
    try:
        with worker.store.write() as session:
            return beat(session, taken, doing.step, at=worker.clock())
    except SQLAlchemyError as error:
        _warn(error)
        return True


def _listen(doing: _Doing) -> bool:
    """Read what a process says within a moment; tell whether it has ended without a last word."""
    try:
        while doing.pipe.poll(POLL_S * 4):
            said = Message.model_validate_json(doing.pipe.recv_bytes())
            if said.kind == "maps":
                doing.maps = said.outcome
                return False
            if said.kind != "step":
                doing.said = said
                return False
            doing.step = (said.step, said.steps)
    except (EOFError, OSError):
        return True
    return not doing.process.is_alive() and not doing.pipe.poll(0)


def _end(doing: _Doing) -> None:
    """End a process with all it has started."""
    doing.process.join(0 if doing.said is None else PATIENCE_S)
    if doing.process.is_alive() and doing.process.pid is not None:
        with suppress(ProcessLookupError, PermissionError):
            os.killpg(doing.process.pid, signal.SIGKILL)
        doing.process.kill()
        doing.process.join(PATIENCE_S)
    doing.pipe.close()


def _resident(pid: int | None) -> int:
    """Return the bytes of memory that a process holds; 0 where it cannot be told."""
    try:
        pages = Path(f"/proc/{pid}/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def _no_room(settings: Settings) -> DeskNotice | None:
    """Look at the disk before a job starts."""
    left = shutil.disk_usage(settings.runs).free
    if left < settings.limits.disk_bytes:
        return desk_notice(DeskCode.DISK_FULL, left=left / GB)
    return None
