"""Kill the desk's server or worker at seeded instants: ``python -m tests.faults.desk_kills RUN``.

A request is asked of a desk over a copy of a finished run. At an instant drawn by the seed the
server, with its worker, or the worker alone is killed (SIGKILL), and the desk is started again. In
the end each request is done exactly once, by at most three tries, and its pack is as it was
written.
"""

import argparse
import json
import os
import random
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from sqlalchemy import select

from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.jobs.orders import JobState
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings, read_settings
from minerisk.pipelines.service.store.models import Job

PATIENCE_S = 180.0
LONGEST_S = 6.0
"""How long after a request a kill may come."""


@dataclass
class Town:
    """A desk in a folder, its processes, and the word of a program that calls it."""

    folder: Path
    port: int
    word: str = ""
    process: subprocess.Popen[bytes] | None = None
    run: str = ""
    kills: dict[str, int] = field(default_factory=dict)

    @property
    def settings(self) -> Settings:
        return read_settings(self.folder / "desk.yaml")

    def start(self) -> None:
        """Start server and worker, and wait until the server answers."""
        words = [sys.executable, "-m", "minerisk", "serve", "--settings", "desk.yaml"]
        self.process = subprocess.Popen(
            words, cwd=self.folder, start_new_session=True,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"),
        )  # fmt: skip
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until:
            with suppress(OSError):
                self.call("/api/health")
                return
            time.sleep(0.1)
        raise TimeoutError("the desk does not answer")

    def call(self, path: str, body: dict[str, object] | None = None) -> dict[str, str]:
        """Call the desk as a program does."""
        data = None if body is None else json.dumps(body).encode()
        headers = {"Authorization": f"Bearer {self.word}", "Content-Type": "application/json"}
        url = f"http://127.0.0.1:{self.port}{path}"
        request = urllib.request.Request(url, data, headers)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return dict(json.loads(answer.read()))

    def kill(self, what: str) -> None:
        """Kill the server with its worker, or the worker with what it started."""
        assert self.process is not None
        self.kills[what] = self.kills.get(what, 0) + 1
        below = children(self.process.pid)
        if what == "server":
            self.process.kill()
            self.process.wait()
            return  # the worker ends by itself, and what it started with it
        for number in below:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)

    def stop(self) -> None:
        """Stop the desk as Ctrl-C does."""
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(20)
            self.process.kill()


def children(parent: int) -> list[int]:
    """List the processes that a process has started."""
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def make_town(run: Path, folder: Path) -> Town:
    """Set up a desk over a copy of a run, with a token of a data scientist."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port = int(taken.getsockname()[1])
    shutil.copytree(run, folder / "tiny", ignore=shutil.ignore_patterns("requests"))
    settings = {
        "home": "home", "runs": ".", "port": port, "log_level": "WARNING",
        "limits": {"lost_seconds": 3.0, "waiting": 1000, "requests_a_day": 10_000,
                   "disk_bytes": 0},
    }  # fmt: skip
    (folder / "desk.yaml").write_text(yaml.safe_dump(settings))
    town = Town(folder, port)
    desk: Desk = open_desk(town.settings)
    with desk.store.write() as session:
        account = add_account(session, "program", [Role.SCIENTIST], None, at=time.time())
        session.flush()
        _, town.word = add_token(session, account, "kills", list(Scope), days=2, at=time.time())
    desk.store.engine.dispose()
    return town


def kill_once(town: Town, seed: int) -> str:
    """Ask, kill at an instant of the seed, start again where needed, wait until it is done."""
    chance = random.Random(seed)
    asked = {"run": town.run, "filters": {"near": ["front_line"], "within_m": 1000 + 10 * seed}}
    name = town.call("/api/requests", asked)["id"]
    time.sleep(chance.uniform(0, LONGEST_S))
    what = chance.choice(["server", "worker"])
    town.kill(what)
    if what == "server":
        town.start()
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        with suppress(OSError):
            state = town.call(f"/api/requests/{name}")["state"]
            if state in {JobState.DONE, JobState.FAILED}:
                return state
        time.sleep(0.3)
    return "not done"


def check(town: Town, count: int) -> list[str]:
    """Say what is wrong with what the desk has kept."""
    desk = open_desk(town.settings)
    with desk.store.read() as session:
        jobs = session.scalars(select(Job)).all()
    desk.store.engine.dispose()
    problems = [] if len(jobs) == count else [f"{len(jobs)} jobs for {count} requests"]
    for job in jobs:
        if job.state != JobState.DONE or job.attempts > 3:
            problems.append(f"{job.id} is {job.state} after {job.attempts} tries: {job.notice}")
    return problems


def main() -> int:
    """Kill so many times, and print what came of it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=200)
    asked = parser.parse_args()
    beside = asked.run.resolve().parent.parent  # as deep as the run, so that layers are found
    with tempfile.TemporaryDirectory(prefix="desk-kills-", dir=beside) as folder:
        town = make_town(asked.run, Path(folder))
        found = kills(town, range(asked.count))
    sys.stdout.write(
        f"{asked.count} kills ({', '.join(f'{n} of {w}' for w, n in town.kills.items())}): "
        f"{asked.count - len(found)} requests done; {len(found)} problems\n"
    )
    for problem in found:
        sys.stdout.write(f"  {problem}\n")
    return 1 if found else 0


def kills(town: Town, seeds: range) -> list[str]:
    """Kill once for each seed; return what is wrong in the end."""
    town.start()
    try:
        town.run = town.call("/api/runs", {"folder": "tiny"})["id"]
        states = {seed: kill_once(town, seed) for seed in seeds}
        problems = [f"seed {s}: {state}" for s, state in states.items() if state != JobState.DONE]
        return [*problems, *check(town, len(seeds))]
    finally:
        town.stop()


if __name__ == "__main__":
    sys.exit(main())
