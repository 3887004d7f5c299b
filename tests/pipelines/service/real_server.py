"""A desk that answers at an address, as `minerisk serve` starts it."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Server:
    """A server: its port, and its process, of which its worker is another."""

    port: int
    process: int

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"


@contextmanager
def real_server(*given: str | Path) -> Iterator[Server]:
    """Serve with what is given to `minerisk serve`, at a port that is free."""
    port = free_port()
    command = [str(Path(sys.executable).parent / "minerisk"), "serve", *map(str, given),
               "--port", str(port)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://localhost:{port}/api/health")
            yield Server(port, server.pid)
        finally:
            server.terminate()
            server.wait(30)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(address: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(address, timeout=5):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"{address} does not answer.")
