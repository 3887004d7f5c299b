"""Layers with their dates as they are written, so that one parser reads them all.

GDAL takes ``24-03-01`` in GeoJSON for a day of 2024, turns times with different offsets into UTC,
whose day may be another, and reads ``20.10.2023`` in a GeoPackage's column of dates as no date.
"""

import contextlib
import sqlite3
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd
import pyogrio

from minerisk.features.errors import InputError

_DATE_TYPES = frozenset({"OFTDate", "OFTDateTime"})


def read_with_written_dates(
    source: Path | str, *, path: Path, layer: str, info: Mapping[str, Any], encoding: str | None
) -> gpd.GeoDataFrame | pd.DataFrame:
    """Read a layer of a checked file.

    Parameters
    ----------
    source
        The file as GDAL is given it.
    path
        The file.
    layer, info
        Name of the layer, and what `pyogrio.read_info` says of it.
    encoding
        Of its text, where it is not UTF-8.

    Raises
    ------
    InputError
        If the rows of a GeoPackage are other than its features.
    """
    fields, types = list(map(str, info["fields"])), info["ogr_types"]
    dated = [name for name, is_of in zip(fields, types, strict=True) if is_of in _DATE_TYPES]
    if info["driver"] != "GPKG" or not dated:
        option = {"DATE_AS_STRING": "YES"} if info["driver"] == "GeoJSON" else {}
        return pyogrio.read_dataframe(
            source, layer=layer, encoding=encoding, datetime_as_string=True, **option
        )
    others = [name for name in fields if name not in dated]
    frame = pyogrio.read_dataframe(source, layer=layer, columns=others, datetime_as_string=True)
    try:
        stored = _stored(path, layer, dated)
    except sqlite3.Error as error:
        raise InputError(
            f"{path.name} is a damaged GeoPackage: {error}. Export it again."
        ) from error
    if len(stored) != len(frame):
        raise InputError(
            f"{path.name}, layer {layer}: {len(frame)} features and {len(stored)} rows; expected "
            "as many. Export it again."
        )
    together = pd.concat([frame, stored.set_index(frame.index)], axis=1)
    return together[[*fields, *(name for name in frame.columns if name not in fields)]]


def _stored(path: Path, layer: str, columns: Sequence[str]) -> pd.DataFrame:
    """Return the values of columns of a GeoPackage in the order in which GDAL reads the rows."""
    named = ", ".join(f"CAST({_quoted(column)} AS TEXT)" for column in columns)
    query = f"SELECT {named} FROM {_quoted(layer)} ORDER BY rowid"
    address = f"{path.as_uri()}?mode=ro&immutable=1"
    with contextlib.closing(sqlite3.connect(address, uri=True)) as connection:
        connection.text_factory = lambda raw: raw.decode("utf-8", "replace")
        rows = connection.execute(query).fetchall()
    return pd.DataFrame(rows, columns=list(columns), dtype="str")


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
