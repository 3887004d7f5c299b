"""Connections to the database, and its upgrades."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER

WRITES = "desk_writes"
WAIT_MS = 20_000
MIGRATIONS = Path(__file__).parent.parent / "migrations"


class _Cursor(Protocol):
    def execute(self, statement: str) -> None: ...


class _Sqlite(Protocol):
    isolation_level: str | None

    def cursor(self) -> _Cursor: ...


@dataclass(frozen=True)
class Store:
    """The database: sessions to read in, and sessions to write in."""

    engine: Engine

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Yield a session that changes nothing."""
        with Session(self.engine, expire_on_commit=False) as session:
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Yield a session whose changes are all kept, or none; writers wait for each other."""
        writing = self.engine.execution_options(**{WRITES: True})
        with Session(writing, expire_on_commit=False) as session, session.begin():
            yield session

    @property
    def is_sqlite(self) -> bool:
        """Tell whether the database is a file of this machine."""
        return self.engine.dialect.name == "sqlite"


def open_store(url: str) -> Store:
    """Connect to a database; nothing is read or written yet.

    Raises
    ------
    InputError
        If the address is none, or of a database that is not used.
    """
    try:
        parsed = make_url(url)
    except ArgumentError as error:
        raise InputError(
            "The database is no address; expected sqlite:///FILE or postgresql://…"
        ) from error
    if parsed.get_backend_name() not in {"sqlite", "postgresql"}:
        raise InputError(
            f"The database is of the kind {parsed.get_backend_name()}; expected sqlite or "
            "postgresql."
        )
    if parsed.get_backend_name() == "sqlite":
        return Store(_sqlite(url))
    return Store(create_engine(url, pool_pre_ping=True, isolation_level="READ COMMITTED"))


def _sqlite(url: str) -> Engine:
    engine = create_engine(url, connect_args={"timeout": WAIT_MS / 1000})

    @event.listens_for(engine, "connect")
    def _set_up(connection: _Sqlite, _record: ConnectionPoolEntry) -> None:
        connection.isolation_level = None  # transactions begin below, and not by themselves
        cursor = connection.cursor()
        for setting in (
            "journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON",
            f"busy_timeout={WAIT_MS}", "trusted_schema=OFF",
        ):  # fmt: skip
            cursor.execute(f"PRAGMA {setting}")

    @event.listens_for(engine, "begin")
    def _begin(connection: Connection) -> None:
        # A transaction that will write takes its place at once: a reader that turns writer may not.
        writes = connection.get_execution_options().get(WRITES, False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def upgrade(url: str) -> None:
    """Bring a database to the tables of this version; it may be empty.

    Raises
    ------
    InputError
        If it cannot be reached.
    """
    from alembic import command
    from alembic.config import Config

    path = make_url(url).database
    if url.startswith("sqlite") and path:
        Path(path).parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
        if not Path(path).exists():
            os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    store = open_store(url)
    try:
        with store.engine.execution_options(**{WRITES: True}).begin() as connection:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    except SQLAlchemyError as error:
        raise InputError(f"The database cannot be used: {str(error).splitlines()[0]}") from error
    finally:
        store.engine.dispose()


def is_current(store: Store) -> bool:
    """Tell whether the database has the tables of this version."""
    from alembic.config import Config
    from alembic.runtime.migration import MigrationContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    with store.engine.connect() as connection:
        there = MigrationContext.configure(connection).get_current_heads()
    return set(there) == set(ScriptDirectory.from_config(config).get_heads())
