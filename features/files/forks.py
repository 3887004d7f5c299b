"""The server that forks a child for each file: started when needed, and asked by a line.

This module imports nothing heavy, so that a command can start the server first and import what it
needs itself while the server imports the readers. A small request is done sooner than another
process has imported them: it forks the server from itself (`fork_server`).
"""

import atexit
import contextlib
import importlib
import json
import os
import socket
import struct
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from typing import Protocol

from minerisk.features.files.gdal_settings import gdal_settings

FORKS = hasattr(os, "fork") and hasattr(socket, "send_fds")
"""Whether this platform can fork, which limits need."""

TAIL = struct.Struct("<4si")
"""What follows an answer: how the child ended, and its status."""
ENDED, TIRED = b"done", b"late"

_READERS = ("minerisk.features.layers.vectors", "minerisk.features.layers.bands")
_START = (
    "import json, sys; sys.path[:] = json.loads(sys.argv[1]); "
    "from minerisk.features.files.server import serve; serve(int(sys.argv[2]), sys.argv[3:])"
)
_BLOCK = 4 * 1024**2

Serve = Callable[[int, Sequence[str]], None]


class _Process(Protocol):
    """What is asked of the process of the server."""

    def poll(self) -> int | None: ...

    def wait(self, timeout: float) -> int: ...


class _Forked:
    """A process that was forked; as much of `subprocess.Popen` as is used."""

    def __init__(self, number: int) -> None:
        self.number = number
        self.code: int | None = None

    def poll(self) -> int | None:
        """Return how it ended, or None while it runs."""
        if self.code is None:
            with contextlib.suppress(ChildProcessError):
                ended, status = os.waitpid(self.number, os.WNOHANG)
                if not ended:
                    return None
                self.code = os.waitstatus_to_exitcode(status)
        return self.code or 0

    def wait(self, timeout: float) -> int:
        """Wait until it has ended."""
        until = time.monotonic() + timeout
        while (code := self.poll()) is None:
            if time.monotonic() > until:
                raise subprocess.TimeoutExpired("the server that reads files", timeout)
            time.sleep(0.002)
        return code


class _Server:
    """The process that forks a child for each file, and the line to it."""

    def __init__(self, serve: Serve | None = None) -> None:
        self.owner = os.getpid()
        self.link, its = socket.socketpair()
        with its:
            self.process: _Process = (
                _started(its) if serve is None else _forked(its, self.link, serve)
            )

    def ask(self, request: bytes) -> socket.socket:
        """Send a request; return the line on which its answer comes."""
        ours, its = socket.socketpair()
        with its:
            try:
                ours.sendall(struct.pack("<I", len(request)) + request)
                socket.send_fds(self.link, [b"r"], [its.fileno()])
            except BaseException:
                ours.close()
                raise
        return ours

    def close(self) -> None:
        """Let the server end, which it does when its line is cut."""
        self.link.close()
        if self.owner == os.getpid():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(2)


def _started(link: socket.socket) -> _Process:
    """Start the server as a program of its own, which imports the readers by itself."""
    words = [sys.executable, "-c", _START, json.dumps(sys.path), str(link.fileno()), *_READERS]
    return subprocess.Popen(
        words,
        pass_fds=[link.fileno()],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        env=_environment(),
        start_new_session=True,  # an interrupt at the terminal is for whoever asked
    )


def _forked(link: socket.socket, other: socket.socket, serve: Serve) -> _Process:
    """Fork the server from this process, as `_started` would start it."""
    number = os.fork()
    if number:
        return _Forked(number)
    try:
        other.close()
        os.setsid()
        nowhere = os.open(os.devnull, os.O_RDWR)
        streams = [stream.fileno() for stream in (sys.stdout, sys.stderr) if stream is not None]
        for stream in (0, 1, 2, *streams):
            os.dup2(nowhere, stream)
        settings = _environment()
        for name in os.environ.keys() - settings.keys():
            del os.environ[name]
        os.environ.update(settings)
        serve(link.fileno(), _READERS)
    finally:
        os._exit(0)


_lock = threading.Lock()
_servers: list[_Server] = []


def prepare() -> None:
    """Start the server in the background, for files that are read later."""
    if FORKS:
        with _lock:
            _running()


def fork_server(serve: Serve) -> None:
    """Fork the server from this process, unless there is one or this process has threads.

    The readers are imported for this process too: for one that needs most of them anyhow.

    Parameters
    ----------
    serve
        What the server does: `minerisk.features.files.server.serve`.
    """
    if FORKS and not _servers:
        for module in _READERS:
            importlib.import_module(module)
        if threading.active_count() == 1:
            with _lock:
                _begin(serve)


def _running() -> _Server:
    if _servers and (_servers[0].owner != os.getpid() or _servers[0].process.poll() is not None):
        _servers.pop().link.close()
    if not _servers:
        _begin()
    return _servers[0]


def _begin(serve: Serve | None = None) -> None:
    if not _registered:
        atexit.register(_end)
        os.register_at_fork(after_in_child=_forget)
        _registered.append(True)
    _servers.append(_Server(serve))


_registered: list[bool] = []


def _forget() -> None:
    """Leave the server to the process that started it: a fork of that starts one of its own."""
    global _lock
    _lock = threading.Lock()
    if _servers:
        _servers.pop().link.close()


def _end() -> None:
    if _servers:
        _servers.pop().close()


def _environment() -> dict[str, str]:
    given = {name: value for name, value in os.environ.items() if name.lower() != "no_proxy"}
    counts = (f"{library}_NUM_THREADS" for library in ("OMP", "OPENBLAS", "MKL", "NUMEXPR"))
    single = dict.fromkeys(counts, "1")
    return {**given, **single, **gdal_settings(given), "ARROW_DEFAULT_MEMORY_POOL": "system"}


def asked(request: bytes) -> tuple[bytes, int, bytearray]:
    """Send a request and return how it ended, its exit status, and what came."""
    for _ in range(2):  # a server may be lost between two files: then another is started
        try:
            with _lock:
                line = _running().ask(request)
        except OSError:
            with _lock:
                _end()
            continue
        with line:
            came = _received(line)
        if len(came) >= TAIL.size:
            ending, status = TAIL.unpack(came[-TAIL.size :])
            if ending in (ENDED, TIRED):
                return ending, status, came[: -TAIL.size]
        with _lock:
            _end()
    raise ProcessLookupError("The process that reads files is lost again and again.")


def _received(line: socket.socket) -> bytearray:
    came = bytearray()
    with contextlib.suppress(ConnectionError):
        while block := line.recv(_BLOCK):
            came += block
    return came
