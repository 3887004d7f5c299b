"""Kill a desk at seeded instants: ``python -m tests.faults.desk_kills RUN`` (``make kills-desk``).

A request is asked of a desk over a copy of a finished run. At an instant drawn by the seed the
server with its worker, the worker alone or the database is killed (SIGKILL), and what was killed is
started again. Kills go by turns to a desk on PostgreSQL and to one on SQLite, whose database is
server and worker themselves: there, in place of the database, both are killed at once. In the end
each request is done exactly once, by at most three tries, its pack is as it was written, and the
access log holds. It goes on after the last number on record.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from sqlalchemy import select

from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.request import PackManifest
from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.sessions import add_token
from minerisk.pipelines.service.desk.access_log import export, first_broken
from minerisk.pipelines.service.jobs.orders import JobState, Outcome
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Settings, read_settings
from minerisk.pipelines.service.store.database import upgrade
from minerisk.pipelines.service.store.models import Job, Request
from tests.faults.postgres import BINARIES, Postgres, free_port, running_postgres

NAME = "kills_desk"
PATIENCE_S = 180.0
LONGEST_S, OUT_S = 6.0, 3.0
"""How long after a request a kill may come, and how long a database then stays away."""
TURN = 10
"""Kills of one desk, until the other has its turn."""


@dataclass
class Town:
    """A desk in a folder, its processes, and the word of a program that calls it."""

    folder: Path
    port: int
    word: str = ""
    process: subprocess.Popen[bytes] | None = None
    run: str = ""
    database: Postgres | None = None
    kills: dict[str, int] = field(default_factory=dict)

    @property
    def choices(self) -> list[str]:
        """What can be killed."""
        return ["server", "worker", "both" if self.database is None else "database"]

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

    def kill(self, what: str, out_s: float) -> None:
        """Kill the server with its worker, the worker with what it started, or the database."""
        assert self.process is not None
        self.kills[what] = self.kills.get(what, 0) + 1
        if what == "database":
            assert self.database is not None
            self.database.kill()
            time.sleep(out_s)
            self.database.start()
            return
        below = children(self.process.pid)
        if what != "worker":
            self.process.kill()  # the worker ends by itself, and what it started with it
        for number in below if what != "server" else []:
            with suppress(ProcessLookupError):
                os.kill(number, signal.SIGKILL)
        if what != "worker":
            self.process.wait()
            self.start()

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


def make_town(run: Path, folder: Path, database: Postgres | None = None) -> Town:
    """Set up a desk over a copy of a run, with a token of a data scientist."""
    shutil.copytree(run, folder / "tiny", ignore=shutil.ignore_patterns("requests"))
    port = free_port()
    settings = {
        "home": "home", "runs": ".", "port": port, "log_level": "WARNING",
        "limits": {"lost_seconds": 3.0, "waiting": 1000, "requests_a_day": 10_000,
                   "disk_bytes": 0},
    }  # fmt: skip
    if database is not None:
        settings["database"] = database.url
        upgrade(database.url)
    (folder / "desk.yaml").write_text(yaml.safe_dump(settings))
    town = Town(folder, port, database=database)
    desk = open_desk(town.settings)
    with desk.store.write() as session:
        account = add_account(session, "program", [Role.SCIENTIST], None, at=time.time())
        session.flush()
        _, town.word = add_token(session, account, "kills", list(Scope), days=2, at=time.time())
    desk.store.engine.dispose()
    return town


def kill_once(town: Town, seed: int) -> list[str]:
    """Ask, kill at an instant of the seed, wait until it is done; say what is wrong then."""
    chance = random.Random(seed)
    asked = {"run": town.run, "filters": {"near": ["front_line"], "within_m": 1000 + 10 * seed}}
    name = town.call("/api/requests", asked)["id"]
    time.sleep(chance.uniform(0, LONGEST_S))
    town.kill(chance.choice(town.choices), chance.uniform(0, OUT_S))
    until = time.monotonic() + PATIENCE_S
    state = "not known"
    while time.monotonic() < until:
        with suppress(OSError):
            state = town.call(f"/api/requests/{name}")["state"]
            if state in {JobState.DONE, JobState.FAILED}:
                break
        time.sleep(0.3)
    return check(town, name)


def check(town: Town, name: str) -> list[str]:
    """Say what is wrong with a request that was to be done, and with what the desk has kept."""
    desk = open_desk(town.settings)
    with desk.store.read() as session:
        request = session.get_one(Request, name)
        job = session.get_one(Job, request.job_id)
        same = session.scalars(select(Job).where(Job.key == job.key)).all()
        broken = first_broken(export(session))
    desk.store.engine.dispose()
    if job.state != JobState.DONE or job.attempts > 3:
        return [f"it is {job.state} after {job.attempts} tries: {job.notice}"]
    problems = [f"{len(same)} jobs do the same"] if len(same) > 1 else []
    problems += [] if broken is None else [f"line {broken} of the access log does not follow"]
    outcome = Outcome.model_validate_json(job.outcome or "{}")
    home = town.folder / "tiny" / outcome.home
    for pack, digest in outcome.packs.items():
        manifest = RunFolder(home / pack).manifest
        files = PackManifest.read(manifest).files | {manifest.name: digest}
        wrong = [file for file, sha in files.items() if sha256_path(home / pack / file) != sha]
        problems += [f"{pack}/{file} is not as it was written" for file in wrong]
    half = [path.name for path in home.rglob(".*") if path.name != ".lock"]
    return problems + [f"{each} is left half written" for each in half]


@contextmanager
def open_town(town: Town) -> Iterator[Town]:
    """Start a desk, put its run on it the first time, and stop it at the end."""
    town.start()
    try:
        if not town.run:
            town.run = town.call("/api/runs", {"folder": "tiny"})["id"]
        yield town
    finally:
        town.stop()


def main() -> int:
    """Kill from the first number that is not on record, and add each to the record."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("run", type=Path)
    parser.add_argument("--count", type=int, default=200, help="kills in all, with those on record")
    parser.add_argument("--minutes", type=float, default=600, help="stop after so many")
    asked = parser.parse_args()
    beside = asked.run.resolve().parent.parent  # as deep as the run, so that layers are found
    until, found = time.monotonic() + 60 * asked.minutes, 0
    with ExitStack() as stack:
        databases: list[Postgres | None] = [None]
        if BINARIES:
            databases.append(stack.enter_context(running_postgres()))
        towns = []
        for database in databases:
            folder = tempfile.TemporaryDirectory(prefix="desk-kills-", dir=beside)
            towns.append(make_town(asked.run, Path(stack.enter_context(folder)), database))
        number = last_seed(NAME) + 1
        while number < asked.count and time.monotonic() < until:
            with open_town(towns[number // TURN % len(towns)]) as town:
                last = min(asked.count, (number // TURN + 1) * TURN)
                while number < last and time.monotonic() < until:
                    found += kill_and_record(town, number, asked.count)
                    number += 1
    return 1 if found else 0


def kill_and_record(town: Town, number: int, asked: int) -> int:
    """Kill once and add it to the record for the page; return how much was wrong."""
    begun, before = time.monotonic(), dict(town.kills)
    wrong = kill_once(town, number)
    what = next(word for word, count in town.kills.items() if count != before.get(word, 0))
    kind = f"{what}, {'SQLite' if town.database is None else 'PostgreSQL'}"
    sys.stdout.write(f"{number:4d}. {kind}: {'; '.join(wrong) or 'done once'}\n")
    sys.stdout.flush()
    now = Trial(
        what="Server, worker or database of the request desk killed (SIGKILL) at seeded instants "
        "and started again: each request done once, by three tries at most, its pack as it was "
        "written, nothing half written left, the access log whole",
        tried=1,
        found=[f"{number}: {kind}: {'; '.join(wrong)}"] if wrong else [],
        seconds=round(time.monotonic() - begun, 1),
        commit=commit(),
        command="make kills-desk",
        asked=asked,
        outcomes={kind: 1},
        seeds=[[number, number]],
    )
    record(NAME, added(recorded(NAME), now))
    return len(wrong)


if __name__ == "__main__":
    sys.exit(main())
