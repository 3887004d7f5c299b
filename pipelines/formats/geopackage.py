"""A GeoPackage that opens styled, with its columns in words and its codes explained.

The style of QGIS lies in ``layer_styles``. Names of columns in words and the values that a column
may have lie in the tables of OGC's extension *schema*, which GDAL, and what reads by it, takes for
aliases and coded-value domains. Days are of the type DATE.
"""

import contextlib
import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import pyogrio
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import InputError
from minerisk.pipelines.formats.forms import NO_FORM, LayerForm
from minerisk.pipelines.formats.task_columns import days_in
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable

VERSION = "1.2"
"""Of the GeoPackage: older QGIS and ArcGIS read it without a warning."""
FIXED_DATE = "2000-01-01T00:00:00.000Z"
"""Stands in for the time of writing, so that the same layers give the same bytes."""
SCHEMA_TABLES = """
CREATE TABLE IF NOT EXISTS gpkg_extensions (table_name TEXT, column_name TEXT,
  extension_name TEXT NOT NULL, definition TEXT NOT NULL, scope TEXT NOT NULL,
  CONSTRAINT ge_tce UNIQUE (table_name, column_name, extension_name));
CREATE TABLE gpkg_data_columns (table_name TEXT NOT NULL, column_name TEXT NOT NULL, name TEXT,
  title TEXT, description TEXT, mime_type TEXT, constraint_name TEXT,
  CONSTRAINT pk_gdc PRIMARY KEY (table_name, column_name),
  CONSTRAINT gdc_tn UNIQUE (table_name, name));
CREATE TABLE gpkg_data_column_constraints (constraint_name TEXT NOT NULL,
  constraint_type TEXT NOT NULL, value TEXT, min NUMERIC, min_is_inclusive BOOLEAN, max NUMERIC,
  max_is_inclusive BOOLEAN, description TEXT,
  CONSTRAINT gdcc_ntv UNIQUE (constraint_name, constraint_type, value));
"""
"""As the standard writes them (OGC 12-128r15, F.9)."""
SCHEMA = "http://www.geopackage.org/spec121/#extension_schema"


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
    form
        Its columns in words, and the words of the values that a column may have.
    """

    frame: gpd.GeoDataFrame
    title: str
    description: str
    style: str = ""
    geometry: str | None = None
    form: LayerForm = NO_FORM


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
                _type_days(database, layers)
                _add_schema(database, {n: layer.form for n, layer in layers.items()})
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


def _type_days(database: sqlite3.Connection, layers: Mapping[str, PackageLayer]) -> None:
    """Declare columns of days as such: pandas knows no type of days that GDAL would write so.

    What is stored stays the same, since a GeoPackage keeps a DATE as the text of ISO 8601.
    """
    database.execute("PRAGMA writable_schema = ON")
    for name, layer in layers.items():
        for column in days_in(layer.frame.columns):
            database.execute(
                "UPDATE sqlite_master SET sql = replace(sql, ?, ?) "
                "WHERE type = 'table' AND name = ?",
                (f'"{column}" TEXT', f'"{column}" DATE', name),
            )
    database.execute("PRAGMA writable_schema = OFF")


def _add_schema(database: sqlite3.Connection, forms: Mapping[str, LayerForm]) -> None:
    """Write aliases and coded values; a value without a code, such as none, is in no list."""
    if not any(form.aliases or form.values for form in forms.values()):
        return
    database.executescript(SCHEMA_TABLES)
    for table in ("gpkg_data_columns", "gpkg_data_column_constraints"):
        row = (table, None, "gpkg_schema", SCHEMA, "read-write")
        database.execute("INSERT INTO gpkg_extensions VALUES (?, ?, ?, ?, ?)", row)
    for layer, form in forms.items():
        for column in dict.fromkeys([*form.aliases, *form.values]):
            _add_column(database, layer, column, form)


def _add_column(database: sqlite3.Connection, layer: str, column: str, form: LayerForm) -> None:
    """Describe a column; GDAL takes its ``name``, which is one of a kind in its layer."""
    words = form.aliases.get(column, column)
    shared = list(form.aliases.values()).count(words) > 1
    domain = f"{layer}_{column}".lower() if column in form.values else None
    database.execute(
        "INSERT INTO gpkg_data_columns VALUES (?, ?, ?, ?, NULL, NULL, ?)",
        (layer, column, f"{words} ({column})" if shared else words, words, domain),
    )
    known = form.values.get(column, {}).items()
    database.executemany(
        "INSERT INTO gpkg_data_column_constraints VALUES (?, 'enum', ?, NULL, NULL, NULL, NULL, ?)",
        [(domain, code, meaning) for code, meaning in known if code],
    )
