"""A desk that serves a run, plain titiler beside it, and many who call them at once."""

import http.client
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import yaml

from minerisk.features.files.gdal_settings import gdal_settings
from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.desk.desk import Caller
from minerisk.pipelines.service.desk.runs import offer, run_id
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import settings_of
from tests.pipelines.service.real_server import real_server, wait_for

MB = 1_000_000
CHUNK_S = 0.05


@dataclass(frozen=True)
class Served:
    """A desk that answers.

    Attributes
    ----------
    words
        Tokens, one an account.
    server
        Process of the server alone; its worker is another.
    """

    port: int
    run: str
    folder: Path
    words: Sequence[str]
    server: int

    def headers(self, number: int) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.words[number % len(self.words)]}"}

    def memory_mb(self) -> float:
        """Memory of the server that is its own or shared, as the kernel counts it."""
        pages = int(Path(f"/proc/{self.server}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / MB


@contextmanager
def desk(run: Path, home: Path, *, people: int) -> Iterator[Served]:
    """Serve a copy of a run, as `minerisk serve` does with one worker, for so many accounts."""
    runs = run.parent / f"runs-of-{home.name}"
    shutil.copytree(run, runs / "tiny", symlinks=True)
    settings = {"home": str(home), "runs": str(runs), "limits": {"requests_a_day": 5_000}}
    file = home / "desk.yaml"
    file.write_text(yaml.safe_dump(settings))
    opened, words = open_desk(settings_of(settings, source="benchmark")), []
    with opened.store.write() as session:
        for number in range(people):
            account = add_account(session, f"person {number}", [Role.SCIENTIST], None, at=0.0)
            session.flush()
            if number == 0:
                offer(opened, session, Caller(account.id, account.name), "tiny")
            scopes = (Scope.READ, Scope.ASK, Scope.OFFER)
            words.append(add_token(session, account, "load", scopes, days=1, at=time.time())[1])
    opened.store.engine.dispose()
    try:
        with real_server("--settings", file) as server:
            yield Served(server.port, run_id("tiny"), runs / "tiny", words, server.process)
    finally:
        shutil.rmtree(runs)


TITILER = """
import sys
import uvicorn
from fastapi import FastAPI
from titiler.core.factory import TilerFactory

app = FastAPI()
app.include_router(TilerFactory().router)
uvicorn.run(app, port=int(sys.argv[1]), log_level="warning")
"""


@contextmanager
def titiler(port: int) -> Iterator[None]:
    """Serve plain titiler, as its documentation does, with GDAL as whoever installs it has it."""
    plain = {name: value for name, value in os.environ.items() if name not in gdal_settings({})}
    with subprocess.Popen([sys.executable, "-c", TITILER, str(port)], env=plain) as server:
        try:
            wait_for(f"http://localhost:{port}/openapi.json")
            yield
        finally:
            server.terminate()


def call(
    port: int,
    path: str,
    headers: Mapping[str, str],
    *,
    body: dict[str, object] | None = None,
) -> tuple[int, bytes]:
    """Call once."""
    line = http.client.HTTPConnection("localhost", port, timeout=60)
    try:
        sent = None if body is None else json.dumps(body)
        told = dict(headers) | ({} if body is None else {"Content-Type": "application/json"})
        line.request("GET" if body is None else "POST", path, sent, told)
        found = line.getresponse()
        return found.status, found.read()
    finally:
        line.close()


@dataclass(frozen=True)
class Load:
    """What came of many calls.

    Attributes
    ----------
    seconds
        Of each call, from its start to its last byte.
    wrong
        Statuses other than 200, and lines that broke.
    """

    seconds: np.ndarray
    wrong: Sequence[str]
    took_s: float

    @property
    def rate(self) -> float:
        return len(self.seconds) / self.took_s

    def centile_ms(self, share: float) -> float:
        return float(np.quantile(self.seconds, share)) * 1_000


def many(
    port: int,
    paths: Sequence[str],
    headers: Sequence[Mapping[str, str]],
    *,
    lines: int,
    calls: int,
) -> Load:
    """Call so many times on so many lines that are kept open.

    A line has one set of headers, and an address of its own, as people have: the desk counts the
    lines of each.
    """
    seconds: list[float] = []
    wrong: list[str] = []

    def work(number: int) -> None:
        own = f"127.0.1.{number + 1}", 0
        line = http.client.HTTPConnection("localhost", port, timeout=60, source_address=own)
        for place in range(number, calls, lines):
            begun = time.perf_counter()
            try:
                line.request("GET", paths[place % len(paths)],
                             headers=dict(headers[number % len(headers)]))  # fmt: skip
                found = line.getresponse()
                found.read()
                if found.status != 200:
                    wrong.append(f"{found.status} {paths[place % len(paths)]}")
            except OSError as error:
                wrong.append(type(error).__name__)
                line.close()
            seconds.append(time.perf_counter() - begun)
        line.close()

    threads = [threading.Thread(target=work, args=(number,)) for number in range(lines)]
    begun = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return Load(np.array(seconds), wrong, time.perf_counter() - begun)


def tiles_of(west: float, south: float, east: float, north: float, zoom: int) -> list[str]:
    """List the tiles of an area: z/x/y."""

    def place(lon: float, lat: float) -> tuple[int, int]:
        size = 2**zoom
        across = (lon + 180) / 360 * size
        down = (1 - np.arcsinh(np.tan(np.radians(lat))) / np.pi) / 2 * size
        return int(across), int(down)

    (left, top), (right, bottom) = place(west, north), place(east, south)
    return [f"{zoom}/{x}/{y}" for x in range(left, right + 1) for y in range(top, bottom + 1)]
