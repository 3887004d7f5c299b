"""A desk in a folder of its own, and people who call it without a network."""

import shutil
import time
import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import create_engine

from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import add_account
from minerisk.pipelines.service.accounts.secrets import form_word
from minerisk.pipelines.service.accounts.sessions import open_session
from minerisk.pipelines.service.app import create_app
from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.jobs.worker import Worker, work_once
from minerisk.pipelines.service.serving import open_desk
from minerisk.pipelines.service.settings import Limits, Settings
from minerisk.pipelines.service.wire import COOKIE
from tests.faults.postgres import BINARIES, MISSING, running_postgres

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"
ROLES = {role.value.split()[-1]: role for role in Role if role is not Role.PUBLIC}


class Clock:
    """A time that a test moves."""

    def __init__(self) -> None:
        self.ahead = 0.0

    def __call__(self) -> float:
        return time.time() + self.ahead


@dataclass
class Town:
    """A desk and who calls it."""

    desk: Desk
    clock: Clock
    people: dict[str, TestClient]

    def __getattr__(self, name: str) -> TestClient:
        return self.people[name]

    def stranger(self) -> TestClient:
        app = create_app(self.desk)
        return TestClient(app, base_url="https://testserver", raise_server_exceptions=False)

    def person(self, name: str, *roles: Role) -> TestClient:
        with self.desk.store.write() as session:
            account = add_account(session, name, roles, None, at=self.clock())
            session.flush()
            word = open_session(session, account, strong=True, at=self.clock())
        client = self.stranger()
        client.cookies.set(COOKIE, word, domain="testserver.local")
        client.headers["X-Desk-Form"] = form_word(word)
        return client

    def with_limits(self, **limits: float) -> "Town":
        """The same desk with other limits, and its people."""
        settings = self.desk.settings
        changed = Limits(**{**settings.limits.model_dump(), **limits})
        settings = settings.model_copy(update={"limits": changed})
        desk = replace(self.desk, settings=settings)
        for client in self.people.values():
            client.app.state.desk = desk
        return replace_desk(self, desk)

    def work(self) -> bool:
        """Do the next job, as a worker does."""
        return work_once(Worker.of(self.desk.settings, self.desk.store))


def replace_desk(town: Town, desk: Desk) -> Town:
    return Town(desk, town.clock, town.people)


@pytest.fixture
def town_of(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Make a desk over a folder of runs, with a person of each role."""
    made: list[Town] = []

    def make(runs: Path | None = None, **given: object) -> Town:
        if runs is None:
            runs = tmp_path / "runs"
            runs.mkdir()
        settings = Settings(home=tmp_path / "desk", runs=runs, names=("testserver",), **given)
        clock = Clock()
        town = Town(replace(open_desk(settings), clock=clock), clock, {})
        town.people |= {name: town.person(name, role) for name, role in ROLES.items()}
        made.append(town)
        return town

    yield make
    for town in made:
        town.desk.store.engine.dispose()


@pytest.fixture
def town(town_of: Callable[..., Town]) -> Town:
    return town_of()


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    if not BINARIES:
        pytest.skip(MISSING)
    with running_postgres() as database:
        yield database.url


@pytest.fixture
def database_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Give an address of a new database: of SQLite, or of a real PostgreSQL."""

    def make(kind: str, name: str = "desk") -> str:
        if kind == "sqlite":
            return f"sqlite:///{tmp_path / name}.sqlite"
        url: str = request.getfixturevalue("postgres")
        made = f"{name}_{uuid.uuid4().hex[:8]}"
        engine = create_engine(url, isolation_level="AUTOCOMMIT")
        with engine.connect() as connection:
            connection.exec_driver_sql(f"CREATE DATABASE {made}")
        engine.dispose()
        return f"{url.rpartition('/')[0]}/{made}"

    return make


@pytest.fixture(scope="session")
def made_run(tiny_run: Path) -> Path:
    """The tiny run, by somebody: a copy as deep, so that layers are found."""
    from minerisk.pipelines.steps import run_steps

    folder = tiny_run.parent.parent / "made-for-desks" / "tiny"
    shutil.copytree(tiny_run, folder)
    run_steps(TINY, folder, by="staff 12")
    return folder


@pytest.fixture
def runs(made_run: Path, tmp_path: Path) -> Path:
    """A folder of runs with a copy of that one, as deep too."""
    folder = made_run.parent.parent / f"desk-of-{tmp_path.name}"
    shutil.copytree(made_run, folder / "tiny")
    return folder


@pytest.fixture
def town_with_run(town_of: Callable[..., Town], runs: Path) -> Town:
    town = town_of(runs)
    done = town.scientist.post("/api/runs", json={"folder": "tiny"})
    assert done.status_code == 201, done.text
    return town
