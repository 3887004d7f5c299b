"""A copy of a desk in one file, put back into a database of either kind.

Rows are written as JSON, a line each, with the version of the tables that they were in; so a copy
of SQLite may be put into PostgreSQL, or the other way round, by a later version too.
"""

import json
import tarfile
from collections.abc import Iterator, Mapping
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, ClassVar

from pydantic import JsonValue, TypeAdapter
from sqlalchemy import Connection, MetaData, Table, insert, inspect, select
from sqlalchemy.exc import SQLAlchemyError

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER, replacing
from minerisk.pipelines.records.record import Document
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import (
    VERSIONS,
    bring,
    first_line,
    open_store,
    prepare_file,
    version_of,
)

ABOUT, TABLES, FOLDERS = "desk.json", "tables", ("areas", "dossiers")
BATCH = 500

_ROW = TypeAdapter(dict[str, JsonValue])


class Copied(Document):
    """What a copy holds: the version of its tables, and how many rows each has."""

    version: ClassVar[int] = 1
    made_by: ClassVar[str] = "minerisk desk backup"

    tables: str
    rows: Mapping[str, int]


def back_up(settings: Settings, out: Path) -> Path:
    """Copy database, files of areas and dossiers into one file, while the desk goes on.

    Raises
    ------
    InputError
        If there is no desk, or its database does not answer.
    """
    store = open_store(settings.database_url)
    try:
        with replacing(out) as partial, TemporaryDirectory(dir=settings.home) as written:
            with store.snapshot() as connection:
                about = _write_rows(connection, Path(written))
            (Path(written) / ABOUT).write_text(about.to_json(), encoding="utf-8")
            with tarfile.open(partial, "w:gz") as archive:
                for name in (ABOUT, TABLES):
                    archive.add(Path(written) / name, name)
                for name in FOLDERS:
                    if (settings.home / name).is_dir():
                        archive.add(settings.home / name, name, filter=_no_sent)
    except SQLAlchemyError as error:
        raise InputError(f"The database cannot be used: {first_line(error)}") from error
    finally:
        store.engine.dispose()
    return out


def restore(settings: Settings, file: Path) -> None:
    """Put a copy in place, where there is no desk yet: all of its rows, or none.

    Raises
    ------
    InputError
        If there is a desk, the file is no copy of one, or it was made by a later version.
    """
    _check_copy(file)
    prepare_file(settings.database_url)
    store = open_store(settings.database_url)
    try:
        with tarfile.open(file, "r:gz") as archive, store.writing() as connection:
            if inspect(connection).has_table(VERSIONS):
                where = settings.home if settings.database is None else "the database"
                raise InputError(
                    f"There is a desk in {where}. Move it away, then restore the copy."
                )
            about = _about(archive, file)
            settings.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
            for member in archive.getmembers():
                if member.name.split("/")[0] in FOLDERS:
                    archive.extract(member, settings.home, filter="data")
            bring(connection, about.tables)
            _read_rows(connection, archive, about, file)
            bring(connection)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise _unreadable(file, error) from error
    except SQLAlchemyError as error:
        raise InputError(f"The copy cannot be put in place: {first_line(error)}") from error
    finally:
        store.engine.dispose()


def _check_copy(file: Path) -> None:
    """Refuse what is no copy before anything is made."""
    try:
        with tarfile.open(file, "r:gz") as archive:
            _about(archive, file)
    except (OSError, EOFError, tarfile.TarError) as error:
        raise _unreadable(file, error) from error


def _unreadable(file: Path, error: Exception) -> InputError:
    return InputError(f"{file} cannot be read as the copy of a desk ({error}).")


def _write_rows(connection: Connection, folder: Path) -> Copied:
    (folder / TABLES).mkdir()
    rows, found = {}, version_of(connection)
    if found is None:
        raise InputError("There is no desk in the database. `minerisk serve` makes one.")
    for table in _tables(connection):
        count = 0
        with (folder / TABLES / f"{table.name}.jsonl").open("w", encoding="utf-8") as stream:
            for row in connection.execution_options(yield_per=BATCH).execute(select(table)):
                stream.write(json.dumps(dict(row._mapping), ensure_ascii=False) + "\n")
                count += 1
        rows[table.name] = count
    return Copied.of(tables=found, rows=rows)


def _read_rows(connection: Connection, archive: tarfile.TarFile, about: Copied, file: Path) -> None:
    for table in _tables(connection):
        expected = about.rows.get(table.name, 0)
        if not expected:
            continue
        count = 0
        for rows in _batches(_opened(archive, f"{TABLES}/{table.name}.jsonl", file)):
            connection.execute(insert(table), rows)
            count += len(rows)
        if count != expected:
            raise InputError(
                f"{file} is not whole: it has {count} of {expected} rows of {table.name}."
            )


def _tables(connection: Connection) -> list[Table]:
    """Return the tables as they are in the database, those first that others refer to."""
    known = MetaData()
    known.reflect(connection)
    return [table for table in known.sorted_tables if table.name != VERSIONS]


def _batches(lines: IO[bytes]) -> Iterator[list[dict[str, JsonValue]]]:
    while rows := [_ROW.validate_json(line) for line in islice(lines, BATCH)]:
        yield rows


def _about(archive: tarfile.TarFile, file: Path) -> Copied:
    """Read what a copy holds; refuse a file that holds anything else."""
    for member in archive.getmembers():
        top = member.name.split("/")[0]
        if top not in {ABOUT, TABLES, *FOLDERS} or not (member.isfile() or member.isdir()):
            raise InputError(f"{file} is no copy of a desk: it holds {member.name}.")
    return Copied.parse(_opened(archive, ABOUT, file).read(), source=file)


def _opened(archive: tarfile.TarFile, name: str, file: Path) -> IO[bytes]:
    try:
        found = archive.extractfile(name)
    except KeyError:
        found = None
    if found is None:
        raise InputError(f"{file} is no copy of a desk: it has no {name}.")
    return found


def _no_sent(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is just being sent."""
    return None if "/.sent-" in entry.name else entry
