"""A PostgreSQL of Debian in a folder of its own, which can be killed and started again."""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

BINARIES = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
MISSING = "postgresql is not installed (Debian: postgresql)"
USER = "desk"
PATIENCE_S = 60.0


def free_port() -> int:
    """Return a port that nothing listens at."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return int(taken.getsockname()[1])


@dataclass(frozen=True)
class Postgres:
    """A database cluster; everything it writes is in `folder`."""

    folder: Path
    port: int

    @property
    def url(self) -> str:
        """Its address, for SQLAlchemy."""
        return f"postgresql+psycopg2://{USER}@127.0.0.1:{self.port}/postgres"

    def start(self) -> None:
        """Start it and wait until it answers; what a killed one left in memory may take a while."""
        options = f"-p {self.port} -c listen_addresses=127.0.0.1 -c unix_socket_directories=''"
        words = ("-o", f"{options} -c fsync=off", "-l", str(self.folder / "log"), "start")
        until = time.monotonic() + PATIENCE_S
        while self._control(*words).returncode:
            if time.monotonic() > until:
                raise TimeoutError((self.folder / "log").read_text(errors="replace")[-2000:])
            time.sleep(0.2)

    def stop(self) -> None:
        """Stop it as if its machine were switched off."""
        self._control("-m", "immediate", "stop")

    def kill(self) -> None:
        """Kill it (SIGKILL) with every process of it."""
        first = int((self.folder / "postmaster.pid").read_text().split()[0])
        below = Path(f"/proc/{first}/task/{first}/children").read_text().split()
        for number in (first, *map(int, below)):
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def _control(self, *words: str) -> subprocess.CompletedProcess[bytes]:
        command = [*_as_user(), str(BINARIES[-1] / "pg_ctl"), "-D", str(self.folder), "-w", *words]
        return subprocess.run(
            command, cwd="/", stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False
        )


@contextmanager
def running_postgres() -> Iterator[Postgres]:
    """Make and start a cluster; it is stopped and deleted at the end."""
    folder = Path(tempfile.mkdtemp(prefix="minerisk-postgres-"))  # pytest's own is root's alone
    if os.geteuid() == 0:
        shutil.chown(folder, "postgres")
    made = Postgres(folder, free_port())
    words = ["initdb", "-D", str(folder), "-U", USER, "-A", "trust", "--no-sync"]
    subprocess.run(
        [*_as_user(), str(BINARIES[-1] / words[0]), *words[1:]],
        check=True, cwd="/", stdout=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        made.start()
        yield made
    finally:
        made.stop()
        shutil.rmtree(folder, ignore_errors=True)


def _as_user() -> list[str]:
    """Return what runs a command as somebody else where this is root, which it refuses."""
    return ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
