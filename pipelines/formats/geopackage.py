"""A GeoPackage that opens styled: every layer brings its QGIS style with it."""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable

VERSION = "1.2"
"""Of the GeoPackage: older QGIS and ArcGIS read it without a warning."""
FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Stands in for the time of writing, so that the same layers give the same bytes."""


@dataclass(frozen=True)
class PackageLayer:
    """A layer of a GeoPackage.

    Attributes
    ----------
    frame
        The features.
    title, description
        What the layer is called, and what it has to say of itself.
    style
        Of QGIS (QML); empty is none.
    geometry
        Type of all geometries, such as ``MultiPolygon``; none is as they come.
    """

    frame: gpd.GeoDataFrame
    title: str
    description: str
    style: str = ""
    geometry: str | None = None


def write_geopackage(path: Path, layers: Mapping[str, PackageLayer]) -> Path:
    """Write layers with their styles (``layer_styles``), whole or not at all.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    try:
        with replacing(path) as partial:
            for name, layer in layers.items():
                _write_layer(partial, name, layer)
            with contextlib.closing(sqlite3.connect(partial)) as database, database:
                _add_styles(database, {n: layer for n, layer in layers.items() if layer.style})
                database.execute("UPDATE gpkg_contents SET last_change = ?", (FIXED_DATE,))
    except (DataSourceError, DataLayerError, FeatureError, sqlite3.Error) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). {why_unwritable(path)}"
        ) from failure
    return path


def _write_layer(path: Path, name: str, layer: PackageLayer) -> None:
    kind = layer.geometry or (None if len(layer.frame) else "Polygon")
    pyogrio.write_dataframe(
        layer.frame,
        path,
        layer=name,
        driver="GPKG",
        geometry_type=kind,
        promote_to_multi=layer.geometry == "MultiPolygon",
        append=path.exists(),
        dataset_options=None if path.exists() else {"VERSION": VERSION},
        layer_options={"IDENTIFIER": layer.title, "DESCRIPTION": layer.description},
    )


def _add_styles(database: sqlite3.Connection, layers: Mapping[str, PackageLayer]) -> None:
    if not layers:
        return
    database.execute(
        "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY AUTOINCREMENT NOT NULL, "
        "f_table_catalog TEXT(256), f_table_schema TEXT(256), f_table_name TEXT(256), "
        "f_geometry_column TEXT(256), styleName TEXT(30), styleQML TEXT, styleSLD TEXT, "
        "useAsDefault BOOLEAN, description TEXT, owner TEXT(30), ui TEXT(30), "
        "update_time DATETIME)"
    )
    rows = [
        (number, name, name, layer.style, layer.description, FIXED_DATE)
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
