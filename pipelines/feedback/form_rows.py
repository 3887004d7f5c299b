"""Rows that KoBo, ODK and Survey123 export, as places and land with the columns of a delivery."""

import datetime as dt
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import geopandas as gpd
import pandas as pd
import shapely
from shapely.geometry import Point, Polygon
from shapely.geometry.base import BaseGeometry

from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.vector_files.form_tables import SUFFIXES, read_form_table
from minerisk.pipelines.formats.survey_form import FIELDS, LAND, NO_FIND, PLACE, field_names

WGS84 = "EPSG:4326"
_PAIRS = (
    ("_place_longitude", "_place_latitude"),
    ("x", "y"),
    ("longitude", "latitude"),
    ("lon", "lat"),
)
_AMERICAN = re.compile(r"(\d{1,2})/(\d{1,2})/(\d{4})(?:,? \d{1,2}:\d{2}(?::\d{2})? ?[AP]M)", re.I)
"""How Survey123 writes a moment into CSV; with AM or PM the month is always first."""


def is_form_table(path: Path) -> bool:
    """Tell whether a file is a table without geometries of its own."""
    return path.suffix.lower() in SUFFIXES


def read_form_rows(path: Path, *, tasks: gpd.GeoDataFrame | None, crs: str) -> gpd.GeoDataFrame:
    """Read an export of the form that `minerisk.pipelines.formats.survey_form` makes.

    Columns go by their names in the form or by their words in any language, with or without the
    groups they lie in. A place is ``latitude longitude …`` (KoBo, ODK) or two columns of numbers
    (Survey123); land is corners apart by semicolons. Where nothing was found and no land was drawn,
    the land is the outline of the task that the row names: how much of it was searched is said by
    ``searched_ha`` or ``team_hours``.

    Parameters
    ----------
    tasks
        Outlines by ``task``; None where there are none.
    crs
        In which the rows are returned, and in which the tasks are.

    Returns
    -------
    GeoDataFrame
        A row each, with the columns that were there; without a geometry where none can be read.

    Raises
    ------
    InputError
        If the file cannot be read, or is no such export.
    """
    if not path.is_file():
        raise InputError(f"{path} is no file. Name what the form was exported to.")
    table = process.table_of(read_form_table, path)
    named = _named(table)
    if "outcome" not in named:
        raise InputError(
            f"{path.name} has no column outcome; it has {', '.join(table.columns[:30])}. Expected "
            f"an export of the form of a task, with the columns {', '.join(FIELDS)}."
        )
    frame = named.reindex(columns=[name for name in FIELDS if name in named])
    frame = frame.replace("", None)
    if "date" in frame:
        frame["date"] = [_plain_day(text) for text in frame["date"]]
    found = _shapes(table, named)
    shapes = gpd.GeoSeries(found, index=frame.index, crs=WGS84).to_crs(crs)
    outlines = _outlines(tasks)
    silent = shapes.isna() | (shapes.geom_type == "Point")
    for row in frame.index[silent.to_numpy(dtype=bool)]:
        task, outcome = frame.get("task", pd.Series(dtype=str)).get(row), frame["outcome"][row]
        if str(outcome).replace("_", " ").lower() == NO_FIND and task in outlines:
            shapes[row] = outlines[str(task)]
    return gpd.GeoDataFrame(frame, geometry=shapes.to_numpy(), crs=crs)


def _named(table: pd.DataFrame) -> pd.DataFrame:
    """Name columns as the form does: by the last part of their names, or by their words."""
    known, found = field_names(), dict[str, str]()
    for column in table.columns:
        for part in (column, re.split(r"[/.]", column)[-1]):
            name = known.get(part.strip().casefold())
            if name is not None and name not in found.values():
                found[column] = name
                break
    named = table[list(found)].rename(columns=found)
    for name, field in FIELDS.items():
        if name in named and field.choices:
            words = field.words_to_values()
            named[name] = [words.get(text.casefold(), text) for text in named[name]]
    return named


def _shapes(table: pd.DataFrame, named: pd.DataFrame) -> list[BaseGeometry | None]:
    places = _places(table, named)
    lands = [_land(text) for text in named[LAND]] if LAND in named else [None] * len(table)
    return [place if land is None else land for place, land in zip(places, lands, strict=True)]


def _places(table: pd.DataFrame, named: pd.DataFrame) -> Sequence[BaseGeometry | None]:
    if PLACE in named:
        return [_place(text) for text in named[PLACE]]
    lower = {str(name).casefold(): str(name) for name in table.columns}
    for east, north in _PAIRS:
        if east in lower and north in lower:
            pairs = zip(table[lower[east]], table[lower[north]], strict=True)
            return [_point(lat, lon) for lon, lat in pairs]
    return [None] * len(table)


def _place(text: str) -> Point | None:
    numbers = text.replace(",", " ").split()
    return _point(numbers[0], numbers[1]) if 2 <= len(numbers) <= 4 else None


def _point(latitude: str, longitude: str) -> Point | None:
    try:
        north, east = float(latitude), float(longitude)
    except ValueError:
        return None
    there = math.isfinite(north) and math.isfinite(east) and abs(north) <= 90 and abs(east) <= 180
    return Point(east, north) if there and (north, east) != (0, 0) else None


def _land(text: str) -> Polygon | None:
    corners = [_place(part) for part in text.split(";") if part.strip()]
    points = [corner for corner in corners if corner is not None]
    if len(points) < 3 or len(points) < len(corners):
        return None
    shape = Polygon([(point.x, point.y) for point in points])
    return shape if shapely.is_valid(shape) else shape.buffer(0)


def _outlines(tasks: gpd.GeoDataFrame | None) -> Mapping[str, BaseGeometry]:
    if tasks is None:
        return {}
    return dict(zip(tasks["task"].astype(str), tasks.geometry, strict=True))


def _plain_day(text: str | None) -> str | None:
    found = None if text is None else _AMERICAN.fullmatch(text.strip())
    if found is None:
        return text
    month, day, year = map(int, found.groups())
    try:
        return dt.date(year, month, day).isoformat()
    except ValueError:
        return text
