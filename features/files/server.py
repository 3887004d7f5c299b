"""The process that has imported the readers and forks a child with limits for each file."""

import gc
import importlib
import json
import logging
import os
import select
import signal
import socket
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from typing import TypedDict

import numpy as np
import pandas as pd

from minerisk.features.errors import InputError, MineriskError
from minerisk.features.files import arrow
from minerisk.features.files.forks import ENDED, TAIL, TIRED

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]

_SHOWN = 500


class Request(TypedDict):
    """What is to be done with a file, and what it may take."""

    module: str
    imports: list[str]
    work: str
    path: str
    arguments: dict[str, Json]
    memory: int
    seconds: float
    patience: float


class Header(TypedDict):
    """What stands before an answer: log records, and the name and words of an error if any."""

    log: list[tuple[str, int, str]]
    refused: str
    message: str


def serve(number: int, modules: Sequence[str]) -> None:
    """Import modules, then fork a child for each request until the line is cut."""
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    link = socket.socket(fileno=number)
    for module in modules:
        importlib.import_module(module)
    gc.freeze()  # so that a child writes on no page that only counts what is used
    while True:
        told, handles, _, _ = socket.recv_fds(link, 1, 1)
        if not told:
            return
        line = socket.socket(fileno=handles[0])
        request = _request(line)
        for module in (request["module"], *request["imports"]):
            importlib.import_module(module)  # once, and for all children that follow
        if os.fork() == 0:
            link.close()
            _supervise(line, request)
            os._exit(0)
        line.close()


def _request(line: socket.socket) -> Request:
    length = int.from_bytes(line.recv(4, socket.MSG_WAITALL), "little")
    request: Request = json.loads(line.recv(length, socket.MSG_WAITALL))
    return request


def _supervise(line: socket.socket, request: Request) -> None:
    """Fork the child that reads; end it when it is late or not waited for."""
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    ended, held = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(ended)
        _read(line, request)
    os.close(held)
    watched = select.poll()
    watched.register(ended, select.POLLIN)
    watched.register(line, 0)  # tells when the other end is gone
    came = watched.poll(1000 * request["patience"])
    if ended not in [number for number, _ in came]:
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    with suppress(OSError):
        line.sendall(TAIL.pack(ENDED if came else TIRED, status))


def _read(line: socket.socket, request: Request) -> None:
    """Do the work in this process and leave it, whatever happens."""
    code = 1
    try:
        _limit(request)
        line.sendall(answer_here(request))
        code = 0
    finally:
        os._exit(code)


def _limit(request: Request) -> None:
    """Take limits of memory, time and output upon this process."""
    import resource

    seconds = int(request["seconds"])
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds + 5))
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    memory = request["memory"] + _held_already()
    with suppress(ValueError, OSError):  # a platform that does not limit memory
        resource.setrlimit(resource.RLIMIT_DATA, (memory, memory))


def _held_already() -> int:
    """Return the bytes of data of this process."""
    with suppress(OSError, ValueError, IndexError):
        pages = int(Path("/proc/self/statm").read_text().split()[5])
        return pages * os.sysconf("SC_PAGE_SIZE")
    return 0


def answer_here(request: Request) -> bytes:
    """Do the work of a request in this process, and return its answer as bytes."""
    notes = _Notes()
    logging.getLogger("minerisk").addHandler(notes)
    refused, message, body = "", "", b""
    try:
        module = importlib.import_module(request["module"])
        work = getattr(module, request["work"])
        body = _as_bytes(work(Path(request["path"]), **request["arguments"]))
    except MineriskError as error:
        refused, message = type(error).__name__, str(error)
    except MemoryError:
        refused = "MemoryError"
    except Exception as error:  # noqa: BLE001 - a damaged file may end a reader in any way
        refused, message = InputError.__name__, _stray_words(request["path"], error)
    finally:
        logging.getLogger("minerisk").removeHandler(notes)
    header: Header = {"log": notes.records, "refused": refused, "message": message}
    words = json.dumps(header).encode()
    return len(words).to_bytes(4, "little") + words + body


def _stray_words(path: str, error: Exception) -> str:
    told = str(error).strip() or "no more is known"
    return (
        f"{Path(path).name} cannot be read: {type(error).__name__}: {told[:_SHOWN]}. It is "
        "damaged; export it again."
    )


def _as_bytes(found: object) -> bytes:
    if isinstance(found, pd.DataFrame):
        return arrow.frame_bytes(found)
    if isinstance(found, np.ndarray):
        return arrow.array_bytes(found)
    return json.dumps(found).encode()


class _Notes(logging.Handler):
    """Keeps what is logged while a file is read, for the process that asked."""

    def __init__(self) -> None:
        super().__init__(logging.INFO)
        self.records: list[tuple[str, int, str]] = []

    def emit(self, record: logging.LogRecord) -> None:
        """Keep one record."""
        self.records.append((record.name, record.levelno, record.getMessage()))
