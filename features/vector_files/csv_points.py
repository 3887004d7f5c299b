"""CSV files as spreadsheets of many countries write them: separators, decimal commas, encodings."""

import csv
import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.files.tables import check_csv, check_size
from minerisk.features.vector_files.columns import numbers_of
from minerisk.features.vector_files.encodings import text_encoding

SEPARATORS = ",;\t|"
_BEYOND = "\x00beyond the header"
_SHEET_HINT = re.compile(r'"?sep=(.)"?\s*', re.IGNORECASE)
_COMMA = re.compile(r"[-+]?\d+(,\d+)?")
_THOUSANDS = re.compile(r"[-+]?\d{1,3}(,\d{3})+")


class Header(NamedTuple):
    """The names of columns of a CSV file, read with one separator.

    Attributes
    ----------
    before
        Lines before the header: one where Excel's ``sep=;`` stands there.
    """

    separator: str
    columns: tuple[str, ...]
    before: int


def headers(path: Path) -> Iterator[Header]:
    """Read the header of a CSV file with each separator that is known.

    Raises
    ------
    InputError
        If the file cannot be read as text.
    """
    for separator in SEPARATORS:
        with _in_words(path), path.open(encoding=text_encoding(path), newline="") as file:
            first = file.readline()
            hint = _SHEET_HINT.fullmatch(first)
            if hint is None:
                file.seek(0)
            elif hint[1] != separator:
                continue
            rows = csv.reader(file, delimiter=separator, skipinitialspace=True)
            names = tuple(name.strip() for name in next(rows, ()))
            yield Header(separator, names, 0 if hint is None else 1)


def column_names(path: Path) -> list[str]:
    """Return the names of the columns of a CSV file, by the separator that gives the most."""
    check_csv(path)
    return list(max(headers(path), key=lambda one: len(one.columns)).columns)


def read_points(
    path: Path, *, easting: str, northing: str, degrees: bool, most: int
) -> tuple[pd.DataFrame, NDArray[np.float64]]:
    """Read a CSV file with coordinates in two columns.

    The separator is the one with which the header has both columns. Numbers may have decimal
    commas, where those of the coordinates have.

    Parameters
    ----------
    degrees
        Whether the coordinates are degrees, which are never above a thousand.
    most
        Rows that are taken; one more is read.

    Returns
    -------
    table, places
        The rows, and their easting and northing, shape (rows, 2); NaN where there is none.

    Raises
    ------
    InputError
        If a column is missing or named twice, a row is longer than the header, or a coordinate is
        no number.
    """
    header = _header(path, easting, northing)
    table = _read(path, header, decimal=".", most=most)
    if any(_has_commas(table[name]) for name in (easting, northing)):
        if not degrees and any(_may_be_thousands(table[name]) for name in (easting, northing)):
            raise InputError(
                f"{path.name}: the commas of {easting} and {northing} may mark thousands or "
                "decimals. Export the numbers with a decimal point and without marks of thousands."
            )
        table = _read(path, header, decimal=",", most=most)
    first_row = 2 + header.before
    places = [_numbers(path, table[name], first_row) for name in (easting, northing)]
    return table, np.column_stack(places)


def read_table(
    path: Path, *, easting: str, northing: str, degrees: bool, rows: int, size: int
) -> pd.DataFrame:
    """Read a CSV file with coordinates in two columns as a table, with these as numbers.

    Parameters
    ----------
    degrees
        As in `read_points`.
    rows, size
        The most rows and bytes.

    Raises
    ------
    InputError
        If it has more, or as from `read_points`.
    """
    check_size(path, size)
    check_csv(path)
    table, places = read_points(
        path, easting=easting, northing=northing, degrees=degrees, most=rows
    )
    if len(table) > rows:
        raise InputError(f"{path.name} has more than {rows:,} rows, the most that are taken.")
    return table.assign(**{easting: places[:, 0], northing: places[:, 1]})


def _header(path: Path, easting: str, northing: str) -> Header:
    found = list(headers(path))
    header = next((one for one in found if {easting, northing} <= set(one.columns)), None)
    if header is None:
        longest = max(found, key=lambda one: len(one.columns))
        missing = next(name for name in (easting, northing) if name not in longest.columns)
        raise InputError(
            f"{path.name} has no column {missing!r}; it has {', '.join(longest.columns)}."
        )
    named = [name for name in header.columns if name]
    twice = sorted({name for name in named if named.count(name) > 1})
    if twice:
        raise InputError(f"{path.name} names columns twice: {', '.join(twice)}. Rename them.")
    return header


def _read(path: Path, header: Header, *, decimal: str, most: int) -> pd.DataFrame:
    names = [name or f"column {place}" for place, name in enumerate(header.columns, start=1)]
    with _in_words(path), warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are all too long
        table = pd.read_csv(
            path,
            header=None,
            names=[*names, _BEYOND],
            skiprows=1 + header.before,
            index_col=False,
            sep=header.separator,
            decimal=decimal,
            encoding=text_encoding(path),
            skipinitialspace=True,
            low_memory=False,
            nrows=most + 1,
        )
    beyond = table.pop(_BEYOND).notna().to_numpy()
    if beyond.any():
        row = int(np.flatnonzero(beyond)[0]) + 2 + header.before
        raise InputError(
            f"{path.name}, row {row}, has more fields than the header has names. Put quotes around "
            "text with separators in it, and export numbers with a decimal point."
        )
    return table


@contextmanager
def _in_words(path: Path) -> Iterator[None]:
    """Turn what can happen while a CSV file is read into words."""
    try:
        yield
    except UnicodeError as error:
        raise InputError(
            f"{path.name} is not in UTF-8 ({error}). Save it as UTF-8: in Excel, choose 'CSV "
            "UTF-8' when you save it."
        ) from error
    except (pd.errors.ParserWarning, csv.Error, ValueError, OSError) as error:
        raise InputError(
            f"{path.name} cannot be read as CSV: {str(error).strip()}. Every row must have as many "
            "fields as the header. Export it again."
        ) from error


def _has_commas(column: pd.Series) -> bool:
    """Tell whether a column has numbers with commas, and no other text."""
    if pd.api.types.is_numeric_dtype(column):
        return False
    texts = column.dropna().astype(str).str.strip()
    return bool(texts.str.fullmatch(_COMMA).all() and texts.str.contains(",").any())


def _may_be_thousands(column: pd.Series) -> bool:
    texts = column.dropna().astype(str).str.strip()
    with_comma = texts[texts.str.contains(",")]
    return bool(len(with_comma) and with_comma.str.fullmatch(_THOUSANDS).all())


def _numbers(path: Path, column: pd.Series, first_row: int) -> NDArray[np.float64]:
    plain = pd.api.types.is_numeric_dtype(column)
    given = column if plain else column.astype("object").map(_with_point, na_action="ignore")
    numbers = numbers_of(given)
    if np.isinf(numbers).any():
        row = int(np.flatnonzero(np.isinf(numbers))[0])
        raise InputError(
            f"{path.name}, row {row + first_row}: {column.name} is {column.iloc[row]!r}; expected "
            "a number with a decimal point."
        )
    return numbers


def _with_point(text: object) -> object:
    """Write a decimal comma as a point; that it is none of thousands was asked before."""
    return text.replace(",", ".") if isinstance(text, str) and _COMMA.fullmatch(text) else text
