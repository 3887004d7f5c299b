"""Reads where places of a scan lie on the ground: control points, or a world file."""

import re
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import pyproj
from numpy.typing import NDArray
from pyproj.exceptions import CRSError

from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.layers.crs import horizontal
from minerisk.features.vector_files import csv_points

Places = NDArray[np.float64]

WORLD_FILES = (".tfw", ".jgw", ".pgw", ".wld", ".tifw", ".jpgw", ".pngw", ".jpegw", ".tiffw")
MOST_POINTS = 10_000
_MOST_BYTES = 10_000_000
_GROUND = (("longitude", "latitude"), ("easting", "northing"), ("lon", "lat"), ("x", "y"))
_QGIS_PIXELS = (("sourceX", "sourceY"), ("pixelX", "pixelY"))
_QGIS_CRS = re.compile(r"#\s*CRS:\s*(\S.*)")
_COLUMN, _ROW, _EASTING, _NORTHING = "column", "row", "easting", "northing"


@dataclass(frozen=True)
class ControlPoints:
    """Places of a scan whose place on the ground is known.

    Attributes
    ----------
    pixels
        Column and row from the upper left corner, shape (points, 2).
    ground
        Easting and northing, or longitude and latitude, in `crs`, shape (points, 2).
    crs
        Horizontal, as it was given or as the file says.
    """

    pixels: Places
    ground: Places
    crs: pyproj.CRS


@dataclass(frozen=True)
class WorldFile:
    """What a world file says.

    Attributes
    ----------
    matrix
        Applied to (column, row, 1), from the upper left corner of the scan, it gives easting and
        northing, or longitude and latitude, in `crs`; shape (2, 3).
    """

    matrix: Places
    crs: pyproj.CRS


def read_control(
    path: Path, *, scan: str, size: tuple[int, int], crs: str | None
) -> ControlPoints | WorldFile:
    """Read control points, or a world file, by the suffix of the file.

    Parameters
    ----------
    path
        A CSV with the columns ``column``, ``row`` and ``longitude``, ``latitude`` (or ``easting``,
        ``northing``), and ``file`` where it holds the points of several scans; a ``.points`` file
        of QGIS; or a world file.
    scan
        File name of the scan.
    size
        Its columns and rows.
    crs
        Of the coordinates; a ``.points`` file may say it itself.

    Raises
    ------
    InputError
        If the file or its CRS cannot be used, it has no point of this scan, or a point lies
        outside the scan.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file; expected control points or a world file.")
    if path.stat().st_size > _MOST_BYTES:
        raise InputError(f"{path.name} is larger than {_MOST_BYTES:,} bytes; it is no such file.")
    suffix = path.suffix.lower()
    if suffix in WORLD_FILES:
        return WorldFile(_world_matrix(path), _crs(crs, path))
    if suffix not in (".csv", ".points"):
        raise InputError(
            f"{path.name} is of a kind that is not read; expected control points (.csv, or .points "
            f"of QGIS) or a world file ({' '.join(WORLD_FILES)})."
        )
    said = _said_crs(path, crs) if suffix == ".points" else crs
    rows = process.table_of(points_here, path, scan=scan)
    pixels = rows[[_COLUMN, _ROW]].to_numpy(np.float64)
    ground = rows[[_EASTING, _NORTHING]].to_numpy(np.float64)
    points = ControlPoints(pixels, ground, _crs(said, path))
    _check_places(points, path, scan, size)
    return points


def points_here(path: Path, *, scan: str) -> pd.DataFrame:
    """Read control points in this process: column, row, easting and northing of each."""
    if path.suffix.lower() == ".points":
        return _qgis_points(path)
    return _csv_points(path, scan)


def _csv_points(path: Path, scan: str) -> pd.DataFrame:
    names = csv_points.column_names(path)
    ground = next((pair for pair in _GROUND if set(pair) <= set(names)), None)
    if ground is None or not {_COLUMN, _ROW} <= set(names):
        raise InputError(
            f"{path.name} has the columns {', '.join(names)}; expected column, row (pixels from "
            "the upper left corner of the scan) and longitude, latitude or easting, northing. "
            "Rename them."
        )
    table, places = csv_points.read_points(
        path,
        easting=ground[0],
        northing=ground[1],
        degrees=ground[0].startswith("lon"),
        most=MOST_POINTS,
    )
    _, pixels = csv_points.read_points(
        path, easting=_COLUMN, northing=_ROW, degrees=False, most=MOST_POINTS
    )
    rows = _rows(pixels, places)
    if "file" not in names:
        return rows
    own = (table["file"] == scan).to_numpy()
    if not own.any():
        files = sorted(set(table["file"].dropna().astype(str)))[:10]
        raise InputError(
            f"{path.name} has no control point of {scan}; it has some of {', '.join(files)}. Give "
            "the scan the name that stands there, or add its points."
        )
    return rows[own].reset_index(drop=True)


def _qgis_points(path: Path) -> pd.DataFrame:
    """Read what QGIS stores: rows count upwards from 0, and points may be switched off."""
    text = path.read_text(encoding="utf-8-sig", errors="replace")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    names = lines[0].split(",") if lines else []
    pair = next((pair for pair in _QGIS_PIXELS if set(pair) <= set(names)), None)
    if pair is None or not {"mapX", "mapY"} <= set(names):
        raise InputError(
            f"{path.name} does not begin like a file of QGIS's georeferencer (mapX,mapY,sourceX,"
            "sourceY,enable). Save the points there again, or write a CSV."
        )
    held = []
    for number, line in enumerate(lines[1 : MOST_POINTS + 2], start=1):
        fields = dict(zip(names, line.split(","), strict=False))
        if fields.get("enable", "1").strip() in ("0", "false"):
            continue
        try:
            held.append([float(fields[name]) for name in (*pair, "mapX", "mapY")])
        except (KeyError, ValueError) as error:
            raise InputError(
                f"{path.name}, point {number}: {line[:80]!r} holds no four numbers. Save the "
                "points again."
            ) from error
    found = np.array(held, dtype=np.float64).reshape(-1, 4)
    return _rows(found[:, :2] * (1, -1), found[:, 2:])


def _rows(pixels: Places, ground: Places) -> pd.DataFrame:
    columns = np.column_stack([pixels, ground])
    return pd.DataFrame(columns, columns=[_COLUMN, _ROW, _EASTING, _NORTHING])


def _said_crs(path: Path, given: str | None) -> str | None:
    """Return the CRS that a file of QGIS says, or the one given; they may not differ."""
    with path.open(encoding="utf-8-sig", errors="replace") as file:
        found = _QGIS_CRS.match(file.readline(_MOST_BYTES))
    if found is None:
        return given
    if given is not None and not _crs(given, path).equals(
        _crs(found[1], path), ignore_axis_order=True
    ):
        raise InputError(
            f"{path.name} says that its points are in {_crs(found[1], path).name}, and --crs says "
            f"{_crs(given, path).name}. Leave --crs out, or correct the file."
        )
    return found[1]


def _crs(text: str | None, path: Path) -> pyproj.CRS:
    if text is None:
        raise InputError(
            f"{path.name} does not say in which CRS its coordinates are, and it is not guessed. "
            "Give --crs, such as EPSG:4326 for longitude and latitude, or that of the map's grid."
        )
    try:
        return horizontal(pyproj.CRS.from_user_input(text), name=path.name)
    except CRSError as error:
        raise InputError(
            f"{text[:60]!r} is no CRS that is known; expected one such as EPSG:4326."
        ) from error


def _check_places(points: ControlPoints, path: Path, scan: str, size: tuple[int, int]) -> None:
    held = np.column_stack([points.pixels, points.ground])
    if not np.isfinite(held).all():
        row = int(np.flatnonzero(~np.isfinite(held).all(axis=1))[0]) + 1
        raise InputError(f"{path.name}: control point {row} lacks a number. Fill it in.")
    outside = ((points.pixels < 0) | (points.pixels > size)).any(axis=1)
    if outside.any():
        row = int(np.flatnonzero(outside)[0])
        column, line = points.pixels[row]
        raise InputError(
            f"{path.name}: control point {row + 1} lies at column {column:g}, row {line:g}, "
            f"outside {scan}, which has {size[0]:,} columns and {size[1]:,} rows. They are counted "
            "in pixels of this very scan, rows downwards from its upper edge."
        )
    degrees = points.crs.is_geographic
    if degrees and (np.abs(points.ground) > (360, 90)).any():
        raise InputError(
            f"{path.name} has coordinates beyond 360 and 90, and {points.crs.name} has longitude "
            "and latitude in degrees. Give --crs, the CRS that they are in."
        )
    if not degrees and (np.abs(points.ground) <= 360).all():
        raise InputError(
            f"{path.name} has coordinates like degrees, and {points.crs.name} is in metres. Give "
            "--crs, the CRS that they are in."
        )


def _world_matrix(path: Path) -> Places:
    """Read six numbers, which count from the middle of the first pixel."""
    words = path.read_text(encoding="utf-8-sig", errors="replace").split()
    try:
        numbers = [float(word.replace(",", ".")) for word in words]
    except ValueError:
        numbers = []
    if len(numbers) != 6 or not np.isfinite(numbers).all():
        raise InputError(f"{path.name} is no world file; expected six numbers, one a line.")
    a, d, b, e, c, f = numbers
    return np.array([[a, b, c - (a + b) / 2], [d, e, f - (d + e) / 2]])
