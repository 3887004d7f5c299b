"""Connections to the database, and its upgrades."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import make_url
from sqlalchemy.exc import ArgumentError, SQLAlchemyError
from sqlalchemy.orm import Session
from sqlalchemy.pool import ConnectionPoolEntry

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER

if TYPE_CHECKING:
    from alembic.config import Config

WRITES = "desk_writes"
VERSIONS = "alembic_version"
"""The table in which the version of the others stands."""
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

    @contextmanager
    def snapshot(self) -> Iterator[Connection]:
        """Yield a connection that sees the database as it is now, whatever others write."""
        level = {} if self.is_sqlite else {"isolation_level": "REPEATABLE READ"}
        with self.engine.execution_options(**level).connect() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """Yield a connection to change tables by: all of it is kept, or nothing."""
        with self.engine.execution_options(**{WRITES: True}).begin() as connection:
            yield connection

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
    if parsed.drivername == "postgresql":
        parsed = parsed.set(drivername="postgresql+psycopg2")  # of the extra, whatever the default
    try:
        return Store(create_engine(parsed, pool_pre_ping=True, isolation_level="READ COMMITTED"))
    except ImportError as error:
        raise InputError(
            f"{error}. Install what speaks to it: pip install 'minerisk[serve,postgresql]'."
        ) from error


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
    prepare_file(url)
    store = open_store(url)
    try:
        with store.writing() as connection:
            bring(connection)
    except SQLAlchemyError as error:
        raise InputError(f"The database cannot be used: {first_line(error)}") from error
    finally:
        store.engine.dispose()


def first_line(error: Exception) -> str:
    """Return what a library says of a database first; the rest is its query."""
    return str(error).splitlines()[0]


def prepare_file(url: str) -> None:
    """Make the file of SQLite, which its owner alone may read, where there is none."""
    path = make_url(url).database
    if not url.startswith("sqlite") or not path or Path(path).exists():
        return
    Path(path).parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    os.close(os.open(path, os.O_CREAT | os.O_WRONLY, 0o600))


def bring(connection: Connection, version: str = "head") -> None:
    """Bring the tables to a version, in the transaction of a connection.

    Raises
    ------
    InputError
        If this program does not know the version that they are in, or should come to.
    """
    from alembic import command
    from alembic.util import CommandError

    config = _alembic()
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, version)
    except CommandError as error:
        raise InputError(
            "The database or its copy is of a later version of minerisk. Install that one."
        ) from error


def version_of(connection: Connection) -> str | None:
    """Return the version of the tables; None where there are none."""
    from alembic.runtime.migration import MigrationContext

    return MigrationContext.configure(connection).get_current_revision()


def is_current(store: Store) -> bool:
    """Tell whether the database has the tables of this version.

    Raises
    ------
    InputError
        If it cannot be reached.
    """
    from alembic.script import ScriptDirectory

    try:
        with store.engine.connect() as connection:
            there = version_of(connection)
    except SQLAlchemyError as error:
        raise InputError(f"The database cannot be used: {first_line(error)}") from error
    return there == ScriptDirectory.from_config(_alembic()).get_current_head()


def _alembic() -> "Config":
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS).replace("%", "%%"))
    return config
