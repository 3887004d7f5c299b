"""A GeoPackage that opens styled: every layer brings its QGIS style with it."""

import contextlib
import os
import sqlite3
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import InputError

VERSION = "1.2"
"""Of the GeoPackage: older QGIS and ArcGIS read it without a warning."""
FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Stands in for the time of writing, so that the same layers give the same bytes."""


@dataclass(frozen=True)
class StyledLayer:
    """A layer, its QGIS style (QML), its title and what it says of itself."""

    frame: gpd.GeoDataFrame
    style: str
    title: str
    words: str


def write_geopackage(path: Path, layers: Mapping[str, StyledLayer]) -> Path:
    """Write layers with their styles (``layer_styles``), whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    partial = path.with_name(f".{path.stem}.partial.gpkg")
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        partial.unlink(missing_ok=True)
        with _fixed_date():
            for name, layer in layers.items():
                pyogrio.write_dataframe(
                    layer.frame,
                    partial,
                    layer=name,
                    driver="GPKG",
                    geometry_type=None if len(layer.frame) else "Polygon",
                    append=partial.exists(),
                    dataset_options=None if partial.exists() else {"VERSION": VERSION},
                    layer_options={"IDENTIFIER": layer.title, "DESCRIPTION": layer.words},
                )
        _add_styles(partial, layers)
        with partial.open("rb+") as stream:
            os.fsync(stream.fileno())
        partial.replace(path)
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). Check that the disk has room."
        ) from failure
    finally:
        for leftover in path.parent.glob(f"{partial.name}*"):
            leftover.unlink()
    return path


@contextlib.contextmanager
def _fixed_date() -> Iterator[None]:
    before = pyogrio.get_gdal_config_option("OGR_CURRENT_DATE")
    pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": FIXED_DATE})
    try:
        yield
    finally:
        pyogrio.set_gdal_config_options({"OGR_CURRENT_DATE": before})


def _add_styles(path: Path, layers: Mapping[str, StyledLayer]) -> None:
    with contextlib.closing(sqlite3.connect(path)) as database, database:
        database.execute(
            "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
            "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
            "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
            "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
            "update_time DATETIME)"
        )
        rows = [
            (number, name, name, layer.style, layer.words, FIXED_DATE)
            for number, (name, layer) in enumerate(layers.items(), start=1)
        ]
        database.executemany(
            "INSERT INTO layer_styles VALUES (?, '', '', ?, 'geom', ?, ?, '', 1, ?, '', NULL, ?)",
            rows,
        )
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, identifier, description, "
            "last_change, srs_id) VALUES ('layer_styles', 'attributes', 'layer_styles', '', ?, 0)",
            (FIXED_DATE,),
        )
