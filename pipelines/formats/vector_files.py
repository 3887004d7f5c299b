"""Polygons for phones and web maps: GeoJSON and KML, written by GDAL."""

from collections.abc import Mapping
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError, FeatureError

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable
from minerisk.plain_text import plain_message

DIGITS = 7
"""Of degrees: about a centimetre."""
GEOJSON, KML = "GeoJSON", "LIBKML"


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
    named = {"NAME": plain_message(title), "DESCRIPTION": plain_message(description)}
    shown = degrees.set_geometry(rounded, crs=degrees.crs)
    for column in ("Name", "description"):
        if column in shown:
            shown[column] = shown[column].map(plain_message, na_action="ignore")
    with replacing(path) as partial:
        _write(partial, shown, KML, layer=path.stem, dataset_options=named, layer_options=named)
    return path


def ogr_style(colour: str) -> str:
    """Write the style of an area: an outline of two pixels in ``#rrggbb``, and a pale fill."""
    return f"PEN(c:{colour}FF,w:2px);BRUSH(fc:{colour}50)"


def _write(
    path: Path,
    frame: gpd.GeoDataFrame,
    driver: str,
    *,
    layer: str,
    dataset_options: Mapping[str, str] | None = None,
    layer_options: Mapping[str, str] | None = None,
) -> None:
    kind = "Polygon" if frame.empty else None
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
