"""MBTiles 1.3: tiles of a map in one SQLite file, for QField, Locus, QGIS and GDAL."""

import contextlib
import sqlite3
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import NamedTuple

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable

APPLICATION = 0x4D504258
"""``MPBX``: by it a file is known as MBTiles, whatever its name."""


class Tile(NamedTuple):
    """A picture and its place: columns from the west, rows from the north."""

    zoom: int
    column: int
    row: int
    png: bytes


def write_mbtiles(path: Path, tiles: Iterable[Tile], metadata: Mapping[str, str]) -> Path:
    """Write tiles and what the map says of itself, whole or not at all.

    Parameters
    ----------
    metadata
        As the standard names them, such as ``name`` and ``bounds``; ``format`` is added.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with (
            replacing(path) as partial,
            contextlib.closing(sqlite3.connect(partial)) as database,
            database,
        ):
            database.execute(f"PRAGMA application_id = {APPLICATION}")
            database.execute("CREATE TABLE metadata (name TEXT, value TEXT)")
            database.execute(
                "CREATE TABLE tiles (zoom_level INTEGER, tile_column INTEGER, "
                "tile_row INTEGER, tile_data BLOB)"
            )
            database.executemany(
                "INSERT INTO metadata VALUES (?, ?)", {**metadata, "format": "png"}.items()
            )
            database.executemany(
                "INSERT INTO tiles VALUES (?, ?, ?, ?)",
                # Rows of MBTiles are counted from the south.
                ((zoom, column, 2**zoom - 1 - row, png) for zoom, column, row, png in tiles),
            )
            database.execute(
                "CREATE UNIQUE INDEX tile_index ON tiles (zoom_level, tile_column, tile_row)"
            )
    except sqlite3.Error as failure:
        raise InputError(
            f"{path} could not be written ({failure}). {why_unwritable(path)}"
        ) from failure
    return path
