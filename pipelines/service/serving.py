"""Starts the desk: the server, and the worker processes beside it."""

import logging
import os
import secrets
import signal
import socket
import ssl
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn
from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER
from minerisk.pipelines.run.own_process import share_arenas
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import account_named, add_account, set_password
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.runs import folders_to_offer, offer
from minerisk.pipelines.service.jobs.worker import Worker, prepare, work
from minerisk.pipelines.service.lines import LINES, QUIET_S, Line, ProxyLine
from minerisk.pipelines.service.logs import keep_logs
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import (
    Store,
    first_line,
    is_current,
    open_store,
    upgrade,
)
from minerisk.pipelines.service.store.models import OfferedRun
from minerisk.pipelines.service.upkeep import tidy

log = logging.getLogger(__name__)

TRIAL = "trial"
AGAIN_S = 2.0
TIDY_S = 3_600.0


def open_desk(settings: Settings) -> Desk:
    """Open the desk of a folder, whose database is made where there is none.

    Raises
    ------
    InputError
        If the database is of another version, or cannot be used.
    """
    if not settings.runs.is_dir():
        raise InputError(f"{settings.runs} is no folder; expected the folder of run folders.")
    settings.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    store = ready_store(settings)
    return Desk.of(settings, store)


def ready_store(settings: Settings) -> Store:
    """Connect to the database of a desk; a new one gets its tables.

    Raises
    ------
    InputError
        If it is of another version, or cannot be used.
    """
    file = settings.home / "desk.sqlite"
    if settings.database is None and not file.exists():
        upgrade(settings.database_url)
    store = open_store(settings.database_url)
    try:
        current = is_current(store)
    except SQLAlchemyError as error:
        raise InputError(
            f"The database of the desk does not answer: {first_line(error)}."
        ) from error
    if not current:
        raise InputError(
            "The database of the desk is of another version, or empty. Make a copy of it "
            "(`minerisk desk backup`), then bring it up to date (`minerisk desk upgrade`)."
        )
    return store


def prepare_trial(settings: Settings, folder: str) -> list[str]:
    """Make ready to look at one run: an account with a password of chance, and the run on the desk.

    Returns
    -------
    list of str
        How to sign in.

    Raises
    ------
    InputError
        If there is no such run.
    """
    desk, password = open_desk(settings), secrets.token_urlsafe(12)
    with desk.store.write() as session:
        account = account_named(session, TRIAL)
        if account is None:
            roles = [Role.MANAGER, Role.SCIENTIST]
            account = add_account(session, TRIAL, roles, password, at=desk.clock())
            session.flush()
        set_password(session, account, password)
        there = set(session.scalars(select(OfferedRun.folder)))
        if folder not in there:
            if folder not in folders_to_offer(desk, session):
                raise InputError(f"There is no run {folder} in {settings.runs}. Make it first.")
            offer(desk, session, Caller(account.id, account.name), folder)
    desk.store.engine.dispose()
    return [
        f"Sign in at {address(settings)} as {TRIAL} with the password {password}",
        "(manager and data scientist; nobody has approved this run, so that all of it is a DRAFT).",
    ]


def refuse_no_desk(settings: Settings) -> None:
    """Refuse a folder in which no desk was made yet.

    Raises
    ------
    InputError
        If there is none.
    """
    if settings.database is None and not (settings.home / "desk.sqlite").is_file():
        raise InputError(f"There is no desk in {settings.home}. `minerisk serve` makes one.")


def serve(settings: Settings, *, command: Sequence[str], said: Callable[[str], None]) -> None:
    """Serve until stopped; workers are started beside the server, and again if one ends.

    Parameters
    ----------
    command
        What starts a worker.
    said
        What is told to whoever started the desk.
    """
    share_arenas()
    keep_logs(settings.log_level)
    _refuse_certificate(settings)
    desk = open_desk(settings)
    path = None if settings.proxy is None else settings.proxy.socket
    sockets = None if path is None else [open_socket(path)]
    over = threading.Event()
    threads = [
        threading.Thread(target=_keep_worker, args=(command, over), daemon=True)
        for _ in range(settings.workers)
    ]
    threads.append(threading.Thread(target=_keep_tidy, args=(desk, over), daemon=True))
    for thread in threads:
        thread.start()
    said(f"The desk answers at {address(settings)}. Stop it with Ctrl-C.")
    try:
        uvicorn.Server(_config(desk)).run(sockets)
    finally:
        over.set()
        for thread in threads:
            thread.join(10)


def open_socket(path: Path) -> socket.socket:
    """Listen at a Unix socket that the account of the desk and its group alone may speak at.

    Raises
    ------
    InputError
        If something else is there, or it cannot be made.
    """
    if path.is_socket():
        path.unlink()  # of a server that was killed
    before = os.umask(0o117)
    try:
        made = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        made.bind(str(path))
    except OSError as error:
        raise InputError(f"{path} cannot be listened at ({error.strerror}).") from error
    finally:
        os.umask(before)
    return made


def _refuse_certificate(settings: Settings) -> None:
    if settings.tls is None:
        return
    certificate, key = settings.tls.certificate, settings.tls.key
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate, key)
    except (OSError, ssl.SSLError) as error:
        raise InputError(
            f"tls: {certificate} and {key} cannot be used as certificate and key ({error})."
        ) from error


def address(settings: Settings) -> str:
    """Return where a browser finds the desk."""
    if settings.proxy is not None and settings.proxy.socket is not None:
        return f"the socket {settings.proxy.socket}"
    host = "localhost" if settings.host == "127.0.0.1" else settings.host
    return f"{'http' if settings.tls is None else 'https'}://{host}:{settings.port}/"


def run_worker(settings: Settings) -> None:
    """Do jobs until told to stop; what is under way then is given back."""
    over = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: over.set())
    keep_logs(settings.log_level)
    refuse_no_desk(settings)
    worker = Worker.of(settings, ready_store(settings))
    prepare()
    work(worker, lambda: over.is_set() or is_left(os.environ, os.getppid()))


def is_left(environment: Mapping[str, str], parent: int) -> bool:
    """Tell whether the server that a worker was started by is gone, also before it got this far."""
    return environment.get(BOUND, str(parent)) != str(parent)


BOUND = "MINERISK_DESK_SERVER"
"""Process id of the server that a worker ends with."""


def _config(desk: Desk) -> uvicorn.Config:
    settings = desk.settings
    proxy, tls = settings.proxy, settings.tls
    by_socket = proxy is not None and proxy.socket is not None
    return uvicorn.Config(
        create_app(desk),
        host=settings.host,
        port=settings.port,
        http=Line if proxy is None else ProxyLine,
        ssl_certfile=None if tls is None else str(tls.certificate),
        ssl_keyfile=None if tls is None else str(tls.key),
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=proxy is not None,
        forwarded_allow_ips="*" if by_socket else "127.0.0.1",
        timeout_keep_alive=int(QUIET_S),
        timeout_graceful_shutdown=10,
        limit_concurrency=LINES,
        h11_max_incomplete_event_size=32_768,
    )


def _keep_worker(command: Sequence[str], over: threading.Event) -> None:
    """Keep one worker process going."""
    environment = {**os.environ, BOUND: str(os.getpid())}
    while not over.is_set():
        process = subprocess.Popen(command, env=environment, stdin=subprocess.DEVNULL)
        while process.poll() is None and not over.wait(0.2):
            pass
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(8)
            process.kill()
        elif not over.wait(AGAIN_S):
            log.warning("a worker ended (%s); another is started", process.returncode)


def _keep_tidy(desk: Desk, over: threading.Event) -> None:
    while not over.is_set():
        try:
            tidy(desk.settings, desk.store, at=time.time())
        except Exception:
            log.exception("results could not be tidied")
        over.wait(TIDY_S)


def worker_command(arguments: Sequence[str]) -> list[str]:
    """Return what starts a worker with the same settings."""
    return [sys.executable, "-m", "minerisk", "worker", *arguments]
