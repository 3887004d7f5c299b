"""Polygons for phones, web maps and spreadsheets: GeoJSON, KML and XLSX, written by GDAL."""

import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date in every entry of a spreadsheet, so that the same table gives the same bytes."""
DIGITS = 7
"""Of degrees: about a centimetre."""
GEOJSON, KML, XLSX = "GeoJSON", "LIBKML", "XLSX"


def missing_driver(driver: str) -> bool:
    """Check whether the GDAL at hand lacks a driver that writes."""
    return "w" not in pyogrio.list_drivers().get(driver, "")


def write_geojson(path: Path, frame: gpd.GeoDataFrame, *, description: str) -> Path:
    """Write features as GeoJSON (RFC 7946): WGS 84, outer rings counter-clockwise.

    Parameters
    ----------
    frame
        Any CRS; an ``id`` becomes that of the feature.
    description
        Kept in the member of that name.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    options = {
        "RFC7946": "YES",
        "COORDINATE_PRECISION": str(DIGITS),
        "ID_FIELD": "id",
        "DESCRIPTION": description,
        "WRITE_NAME": "NO",
    }
    with replacing(path) as partial:
        _write(partial, frame, GEOJSON, layer=path.stem, layer_options=options)
    return path


def write_kml(path: Path, frame: gpd.GeoDataFrame, *, title: str, description: str) -> Path:
    """Write features as KML 2.2 for phones.

    Parameters
    ----------
    frame
        Any CRS. The columns ``Name`` and ``description`` are what a phone shows; ``OGR_STYLE`` is
        the style of a feature (see `ogr_style`).
    title, description
        Of the document.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    degrees = frame.to_crs("EPSG:4326")
    rounded = shapely.transform(degrees.geometry.array, lambda points: np.round(points, DIGITS))
    named = {"NAME": title, "DESCRIPTION": description}
    shown = degrees.set_geometry(rounded, crs=degrees.crs)
    with replacing(path) as partial:
        _write(partial, shown, KML, layer=path.stem, dataset_options=named, layer_options=named)
    return path


def ogr_style(colour: str) -> str:
    """Write the style of an area: an outline of two pixels in ``#rrggbb``, and a pale fill."""
    return f"PEN(c:{colour}FF,w:2px);BRUSH(fc:{colour}50)"


def write_workbook(path: Path, table: pd.DataFrame) -> Path:
    """Write a table as a spreadsheet with one sheet, words as words, never as formulas.

    Its entries are dated alike, so that the same table gives the same bytes.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with tempfile.TemporaryDirectory() as folder, replacing(path) as partial:
        made = Path(folder) / path.name  # GDAL's path into a ZIP ends at the first .xlsx
        _write(made, table, XLSX, layer=path.stem)
        with zipfile.ZipFile(made) as before, zipfile.ZipFile(partial, "w") as after:
            for name in sorted(before.namelist()):
                entry = zipfile.ZipInfo(name, FIRST_DAY)
                entry.compress_type = zipfile.ZIP_DEFLATED
                after.writestr(entry, before.read(name))
    return path


def _write(
    path: Path,
    frame: pd.DataFrame,
    driver: str,
    *,
    layer: str,
    dataset_options: Mapping[str, str] | None = None,
    layer_options: Mapping[str, str] | None = None,
) -> None:
    kind = "Polygon" if isinstance(frame, gpd.GeoDataFrame) and frame.empty else None
    try:
        pyogrio.write_dataframe(
            frame,
            path,
            layer=layer,
            driver=driver,
            geometry_type=kind,
            dataset_options=dataset_options,
            layer_options=layer_options,
        )
    except (DataSourceError, DataLayerError, FeatureError) as failure:
        raise InputError(
            f"{path} could not be written ({failure}). {why_unwritable(path)}"
        ) from failure
