"""Survey tasks in the formats people ask for: GeoPackage, CSV, GeoJSON, KML, spreadsheet."""

import io
import json
import math
import os
import tempfile
import zipfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.formats.geopackage import PackageLayer, write_geopackage
from minerisk.pipelines.formats.palette import CANNOT_SAY, CLASS_COLOURS, HIGHER
from minerisk.pipelines.formats.qml import tasks_qml
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder

FIRST_DAY = (1980, 1, 1, 0, 0, 0)
"""The date in every entry of a spreadsheet, so that the same tasks give the same bytes."""
DIGITS = 7
"""Of degrees: about a centimetre."""


def write_task_files(
    folder: Path, tasks: gpd.GeoDataFrame, *, words: Sequence[str], texts: Texts = ENGLISH
) -> list[Path]:
    """Write ``tasks.gpkg``, ``.csv``, ``.geojson``, ``.kml`` and ``.xlsx``.

    Parameters
    ----------
    tasks
        Polygons in the grid's CRS, one row a task. May be empty.
    words
        What every copy has to say of itself, such as DRAFT and SIMULATED.
    texts
        The words of the legend. Columns and what they hold stay in English.

    Returns
    -------
    list of Path
        GeoJSON and KML are in WGS 84 (longitude, latitude); the GeoPackage keeps the grid's CRS.
    """
    degrees = tasks.to_crs("EPSG:4326")
    table = pd.DataFrame(tasks.drop(columns="geometry"))
    layer = PackageLayer(tasks, texts.say("Survey tasks"), " ".join(words), tasks_qml(texts))
    return [
        write_geopackage(RunFolder(folder).tasks_gpkg, {"tasks": layer}),
        write_whole(RunFolder(folder).tasks_csv, csv_text(table)),
        write_whole(folder / "tasks.geojson", geojson_text(degrees, words=words)),
        write_whole(folder / "tasks.kml", kml_text(degrees, words=words)),
        write_whole(folder / "tasks.xlsx", workbook(table)),
    ]


def geojson_text(tasks: gpd.GeoDataFrame, *, words: Sequence[str]) -> str:
    """Write tasks as GeoJSON (RFC 7946): WGS 84, outer rings counter-clockwise.

    Parameters
    ----------
    tasks
        In EPSG:4326.
    words
        Kept in the member ``notes``.
    """
    features = [
        {
            "type": "Feature",
            "id": row["task"],
            "properties": {name: _plain(row[name]) for name in tasks.columns if name != "geometry"},
            "geometry": _rounded(row["geometry"]),
        }
        for _, row in tasks.iterrows()
    ]
    whole = {"type": "FeatureCollection", "notes": list(words), "features": features}
    return json.dumps(whole, ensure_ascii=False, allow_nan=False, separators=(",", ":")) + "\n"


def kml_text(tasks: gpd.GeoDataFrame, *, words: Sequence[str]) -> str:
    """Write tasks as KML 2.2 for phones, ranked tasks in colour; `tasks` are in EPSG:4326."""
    marks = "".join(_placemark(row) for _, row in tasks.iterrows())
    return (
        '<?xml version="1.0" encoding="UTF-8"?>\n'
        '<kml xmlns="http://www.opengis.net/kml/2.2">\n<Document>\n<name>Survey tasks</name>\n'
        f"<description>{escape(' '.join(words))}</description>\n"
        f"{_kml_style('ranked', HIGHER)}{_kml_style('other', CANNOT_SAY)}{marks}"
        "</Document>\n</kml>\n"
    )


def workbook(table: pd.DataFrame) -> bytes:
    """Give a table as the bytes of an ``.xlsx`` with one sheet, ``tasks``.

    GDAL writes it, words as words, never as formulas. Its entries are then dated alike, so that
    the same table gives the same bytes.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = os.path.join(folder, "tasks.xlsx")  # noqa: PTH118 - pyogrio wants a string
        pyogrio.write_dataframe(table, path, driver="XLSX", layer="tasks")
        packed = io.BytesIO()
        with zipfile.ZipFile(path) as made, zipfile.ZipFile(packed, "w") as out:
            for name in sorted(made.namelist()):
                entry = zipfile.ZipInfo(name, FIRST_DAY)
                entry.compress_type = zipfile.ZIP_DEFLATED
                out.writestr(entry, made.read(name))
    return packed.getvalue()


def _placemark(row: pd.Series) -> str:
    told = [f"{name}: {_plain(row[name])}" for name in row.index if name != "geometry"]
    shapes = "".join(_kml_polygon(part) for part in _parts(row["geometry"]))
    return (
        f"<Placemark>\n<name>{escape(str(row['task']))}</name>\n"
        f"<description>{escape(chr(10).join(told))}</description>\n"
        f"<styleUrl>#{'ranked' if row['arm'] == 'ranked' else 'other'}</styleUrl>\n"
        f"<MultiGeometry>\n{shapes}</MultiGeometry>\n</Placemark>\n"
    )


def _kml_polygon(polygon: Any) -> str:
    rings = [("outerBoundaryIs", polygon.exterior)]
    rings += [("innerBoundaryIs", ring) for ring in polygon.interiors]
    text = "".join(
        f"<{name}><LinearRing><coordinates>{_kml_line(ring)}</coordinates></LinearRing></{name}>"
        for name, ring in rings
    )
    return f"<Polygon>{text}</Polygon>\n"


def _kml_line(ring: Any) -> str:
    return " ".join(f"{east:.{DIGITS}f},{north:.{DIGITS}f}" for east, north in ring.coords)


def _kml_style(name: str, code: int) -> str:
    red, green, blue = (CLASS_COLOURS[code][place : place + 2] for place in (1, 3, 5))
    colour = f"{blue}{green}{red}"  # KML counts alpha, blue, green, red
    return (
        f'<Style id="{name}"><LineStyle><color>ff{colour}</color><width>2</width></LineStyle>'
        f"<PolyStyle><color>50{colour}</color></PolyStyle></Style>\n"
    )


def _rounded(geometry: Any) -> dict[str, Any]:
    parts = [mapping(orient(part))["coordinates"] for part in _parts(geometry)]
    rings = [
        [[[round(value, DIGITS) for value in point] for point in ring] for ring in part]
        for part in parts
    ]
    if len(rings) == 1:
        return {"type": "Polygon", "coordinates": rings[0]}
    return {"type": "MultiPolygon", "coordinates": rings}


def _parts(geometry: Any) -> list[Any]:
    return list(geometry.geoms) if geometry.geom_type == "MultiPolygon" else [geometry]


def _plain(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if value is None or (isinstance(value, float) and math.isnan(value)) or value is pd.NA:
        return None
    return value if isinstance(value, bool | int | float | str) else str(value)
