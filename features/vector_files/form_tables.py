"""Tables that field forms export, CSV and spreadsheets, as words: nothing is taken for a number."""

import csv
import datetime as dt
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd

from minerisk.features.errors import InputError
from minerisk.features.files.limits import MAX_COLUMNS
from minerisk.features.files.tables import check_csv, check_size
from minerisk.features.vector_files.csv_points import headers
from minerisk.features.vector_files.encodings import text_encoding

MOST_ROWS = 100_000
MOST_BYTES = 100_000_000
MOST_UNPACKED, MOST_PARTS = 400_000_000, 500
SUFFIXES = (".csv", ".xlsx")


def read_form_table(path: Path) -> pd.DataFrame:
    """Read a CSV file, or the first sheet of a spreadsheet (XLSX), by the names of its first row.

    It is called in a process with limits: `minerisk.features.files.process.table_of`.

    Returns
    -------
    DataFrame
        Text in every cell, without blanks around it; empty where there is nothing. A moment is
        written as ISO 8601.

    Raises
    ------
    InputError
        If it cannot be read, has no rows, or names columns twice.
    """
    check_size(path, MOST_BYTES)
    rows = list(_sheet(path) if path.suffix.lower() == ".xlsx" else _lines(path))
    if not rows:
        raise InputError(f"{path.name} is empty; expected the names of columns in its first row.")
    names = [name.strip() for name in rows[0]]
    while names and not names[-1]:
        names.pop()
    twice = sorted({name for name in names if name and names.count(name) > 1})
    if twice:
        raise InputError(f"{path.name} names columns twice: {', '.join(twice)}. Rename them.")
    body = [row for row in rows[1:] if any(row)]
    for place, row in enumerate(body, 1):
        if any(row[len(names) :]):
            raise InputError(f"{path.name}, row {place}, has more fields than there are names.")
    columns = {
        name: [row[place] if place < len(row) else "" for row in body]
        for place, name in enumerate(names)
        if name
    }
    return pd.DataFrame(columns, dtype="str")


def _lines(path: Path) -> Iterator[list[str]]:
    check_csv(path)
    header = max(headers(path), key=lambda one: len(one.columns))
    try:
        with path.open(encoding=text_encoding(path), newline="") as file:
            for _ in range(header.before):
                file.readline()
            rows = csv.reader(file, delimiter=header.separator, skipinitialspace=True)
            yield from _counted(path, ([cell.strip() for cell in row] for row in rows))
    except (csv.Error, UnicodeError) as error:
        raise InputError(f"{path.name} cannot be read as CSV: {error}. Export it again.") from error


def _sheet(path: Path) -> Iterator[list[str]]:
    from openpyxl import load_workbook
    from openpyxl.utils.exceptions import InvalidFileException

    try:
        with zipfile.ZipFile(path) as parts:
            sizes = [part.file_size for part in parts.infolist()]
        if len(sizes) > MOST_PARTS or sum(sizes) > MOST_UNPACKED:
            raise InputError(f"{path.name} unpacks to more than is taken. Export it as CSV.")
        book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        sheet = book.worksheets[0]
        sheet.reset_dimensions()  # what a file says of its own size is not relied on
        yield from _counted(
            path, ([_text(cell) for cell in row] for row in sheet.iter_rows(values_only=True))
        )
    except (InvalidFileException, zipfile.BadZipFile, KeyError, ValueError, IndexError) as error:
        raise InputError(
            f"{path.name} cannot be read as a spreadsheet: {str(error)[:80]}. Export it again, or "
            "as CSV."
        ) from error


def _counted(path: Path, rows: Iterator[list[str]]) -> Iterator[list[str]]:
    for place, row in enumerate(rows):
        if place > MOST_ROWS:
            raise InputError(f"{path.name} has more than {MOST_ROWS:,} rows, the most taken.")
        if len(row) > MAX_COLUMNS:
            raise InputError(f"{path.name} has more than {MAX_COLUMNS:,} columns.")
        yield row


def _text(value: str | float | bool | dt.datetime | dt.date | dt.time | dt.timedelta | None) -> str:
    if value is None:
        return ""
    if isinstance(value, dt.datetime):
        return value.isoformat(sep=" ", timespec="seconds")
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
