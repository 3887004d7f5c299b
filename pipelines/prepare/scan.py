"""Recognise the layers of a folder by their names, geometries and values."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import partial
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from minerisk.configs.layer_names import RIVERS, ROADS, TRACKS
from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.layers import bands, intake, vectors, warp
from minerisk.features.vector_files import csv_points
from minerisk.plain_text import plain_text

MAX_FILES = 300
MADE_BY_RUN = "@"
FULL_TURN = 360.0
_SAMPLE = 512


class Role(StrEnum):
    """What a layer may be used for."""

    SURVEYED = "surveyed"
    CLEARED = "cleared"
    SUSPICION = "suspicion"
    CONFIRMED = "confirmed"
    ACCIDENT = "accident"
    FIND = "find"
    HELD_AREA = "held_area"
    FRONT_LINE = "front_line"
    FORTIFICATIONS = "fortifications"
    EVENTS = "events"
    BOUNDARY = "boundary"
    RIVERS = "rivers"
    ROADS = "roads"
    SETTLEMENTS = "settlements"
    ELEVATION = "elevation"
    LAND_COVER = "land_cover"
    CLASSES = "classes"
    SURFACE = "surface"


# Role, dimensions of its geometries (None: raster), pattern of its name. The first that fits.
_ROLES: tuple[tuple[Role, tuple[int | None, ...], str], ...] = (
    (Role.SURVEYED, (2,), r"surveyed|searched|survey (area|result)"),
    (Role.CLEARED, (0, 2), r"\bcleared|\bclearance"),
    (Role.SUSPICION, (0, 2), r"suspect|suspicio|\bshas?\b|hazardous"),
    (Role.CONFIRMED, (0, 2), r"confirmed|\bchas?\b|contaminat"),
    (Role.ACCIDENT, (0,), r"incident|accident|victim|casualt"),
    (Role.FIND, (0, 2), r"\blifted|minefield|\bfind(ing)?s?\b|\bmines?\b|\buxo\b|\berw\b"),
    (Role.HELD_AREA, (2,), r"\bheld\b|controlled|occupied"),
    (Role.FRONT_LINE, (1,), r"\bfront|contact|confrontation|cease ?fire|\biebl\b|^line( of .*)?$"),
    (Role.FORTIFICATIONS, (0, 1, 2), r"fortif|bunker|trench|\bpositions?\b|outpost"),
    (Role.BOUNDARY, (2,), r"boundar|municip|district|\bstudy|\badmin|\baoi\b|area of interest"),
    (Role.RIVERS, (1,), "|".join((*RIVERS, "water"))),
    (Role.ROADS, (1,), "|".join((*ROADS, *TRACKS))),
    (Role.SETTLEMENTS, (0,), r"settle|\bplaces?\b|\btowns?\b|village|populat"),
    (Role.ELEVATION, (None,), r"\bdem|elevation|srtm|height|\bdtm|altitude"),
    (Role.LAND_COVER, (None,), r"land ?cover|land ?use|lulc|worldcover|mcd12|corine"),
    (Role.CLASSES, (None,), r"degurba|urban|soil|class"),
)
_LONGITUDE = ("lon", "longitude", "lng", "long")
_LATITUDE = ("lat", "latitude")


@dataclass(frozen=True)
class EventColumns:
    """How a list of events of war names its columns.

    Attributes
    ----------
    precision_m
        Value of the precision column to the radius in which the event was, metres.
    """

    date: str
    precision: str
    deaths: str
    precision_m: tuple[tuple[int, int], ...]


# Coarser classes than these are known to a province or a country only.
_EVENT_LISTS = (
    EventColumns("date_start", "where_prec", "best", ((1, 1_000), (2, 25_000))),  # UCDP GED
    EventColumns("event_date", "geo_precision", "fatalities", ((1, 1_000), (2, 25_000))),  # ACLED
)


@dataclass(frozen=True)
class Found:
    """A layer that was found, and what it may be.

    Attributes
    ----------
    role
        None where its use is not known.
    dimension
        Of its geometries; None of a raster.
    count
        Of features, or of cells.
    bounds
        West, south, east, north in degrees.
    cell_m
        Cell size of a raster.
    values
        Distinct values of a raster of classes.
    events
        Columns of a list of events of war, as UCDP and ACLED name them.
    """

    file: str
    layer: str | None
    role: Role | None
    dimension: int | None
    count: int
    bounds: tuple[float, float, float, float]
    easting: str | None = None
    northing: str | None = None
    cell_m: float = 0.0
    values: tuple[int, ...] = ()
    several_layers: bool = False
    events: EventColumns | None = None

    @property
    def words(self) -> str:
        """File and layer."""
        return f"{self.file} · {self.layer}" if self.several_layers else self.file


def scan_folder(folder: Path) -> tuple[list[Found], list[str]]:
    """Open every layer of a folder and its sub-folders.

    Returns
    -------
    found, left_out
        The layers, sorted by file; and one line for each file that cannot be used, with why.

    Raises
    ------
    InputError
        If it is no folder, or holds more than `MAX_FILES` layers.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; expected one that holds layers.")
    found: list[Found] = []
    left_out: list[str] = []
    paths = list(_candidates(folder))
    if len(paths) > MAX_FILES:
        raise InputError(f"{folder} holds {len(paths)} layers; at most {MAX_FILES} are looked at.")
    for path in paths:
        name = path.relative_to(folder).as_posix()
        try:
            if name.startswith(MADE_BY_RUN):
                raise InputError(
                    f"a path that begins with {MADE_BY_RUN} means a layer that a run makes. Rename "
                    "it."
                )
            for read in _readers(intake.checked_path(name, folder), name):
                _add(read, name, found, left_out)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return found, left_out


def _add(read: Callable[[], Found], name: str, found: list[Found], left_out: list[str]) -> None:
    """Read one layer of a file; what is wrong with it leaves the others of the file in place."""
    try:
        found.append(read())
    except InputError as error:
        left_out.append(f"{name}: {error}")


def _candidates(folder: Path) -> Iterator[Path]:
    """Walk the files of known kinds; a Zarr folder counts as one."""
    known = {*intake.RASTER_KINDS, *intake.VECTOR_KINDS, ".vrt"}
    for path in sorted(folder.iterdir()):
        if path.name.startswith("."):
            continue
        if path.suffix.lower() in known:
            yield path
        elif path.is_dir() and not path.is_symlink():
            yield from _candidates(path)


def _readers(path: Path, name: str) -> list[Callable[[], Found]]:
    """List what reads each layer of a file."""
    kind = intake.kind_of(path)
    if kind in intake.RASTER_KINDS.values():
        return [partial(_raster, path, name)]
    if kind == "CSV":
        return [partial(_csv, path, name)]
    if kind == "Parquet":
        return [partial(_vector, path, name, None, several=False)]
    layers = vectors.layer_names(path)
    if not layers:
        raise InputError("it holds no layer with geometries.")
    return [partial(_vector, path, name, layer, several=len(layers) > 1) for layer in layers]


def _vector(path: Path, name: str, layer: str | None, *, several: bool) -> Found:
    if several and layer is not None:
        _refuse_steering(layer, "layer")
    try:
        return _found(vectors.read_frame(path, layer=layer), name, layer, several=several)
    except InputError as error:
        raise InputError(f"the layer {layer}: {error}" if several else str(error)) from error


def _refuse_steering(name: str, what: str) -> None:
    """Refuse a name that a configuration cannot give back as it is."""
    if plain_text(name) != name:
        raise InputError(f"the {what} {name!r} has a character that does not print. Rename it.")


def _found(frame: gpd.GeoDataFrame, name: str, layer: str | None, *, several: bool) -> Found:
    frame, _ = vectors.repair(frame)
    if frame.empty:
        raise InputError("the layer is empty.")
    dimension = int(np.bincount(shapely.get_dimensions(frame.geometry.array)).argmax())
    in_degrees = vectors.to_crs(frame, "EPSG:4326", name=layer or name)
    west, south, east, north = in_degrees.total_bounds.tolist()
    turns = FULL_TURN if west > FULL_TURN / 2 else 0.0  # longitudes from 0 to 360
    stem = Path(name).stem
    words = (layer, stem) if layer else (stem,)
    bounds = (west - turns, south, east - turns, north)
    found = Found(name, layer, None, dimension, len(frame), bounds)
    events = _event_columns(frame) if dimension == 0 else None
    role = _role(words, dimension) if events is None else Role.EVENTS
    return replace(found, role=role, several_layers=several, events=events)


def _event_columns(frame: gpd.GeoDataFrame) -> EventColumns | None:
    """Recognise a list of events of war by its columns, whatever it is called."""
    by_lower = {str(name).lower(): str(name) for name in frame.columns}
    for known in _EVENT_LISTS:
        if {known.date, known.precision, known.deaths} <= set(by_lower):
            date, precision = by_lower[known.date], by_lower[known.precision]
            return EventColumns(date, precision, by_lower[known.deaths], known.precision_m)
    return None


def _csv(path: Path, name: str) -> Found:
    columns = process.words_of(csv_points.column_names, path)
    by_lower = {column.lower(): column for column in columns}
    easting = next((by_lower[word] for word in _LONGITUDE if word in by_lower), None)
    northing = next((by_lower[word] for word in _LATITUDE if word in by_lower), None)
    if easting is None or northing is None:
        raise InputError(
            f"no columns named like longitude and latitude among {', '.join(columns)}; if it has "
            "coordinates, add it by hand with crs, easting and northing."
        )
    for column in (easting, northing):
        _refuse_steering(column, "column")
    frame = vectors.read_frame(path, crs="EPSG:4326", easting=easting, northing=northing)
    return replace(_found(frame, name, None, several=False), easting=easting, northing=northing)


def _raster(path: Path, name: str) -> Found:
    band = bands.open_band(path)
    values = _middle_values(band)
    classes = values if values.size <= 64 and np.all(values == np.round(values)) else values[:0]
    role = _role((Path(name).stem,), None) or (Role.CLASSES if classes.size else Role.SURFACE)
    return Found(
        file=name,
        layer=None,
        role=role,
        dimension=None,
        count=band.shape[0] * band.shape[1],
        bounds=_bounds_in_degrees(band),
        cell_m=warp.cell_metres(band.transform, band.crs),
        values=tuple(int(value) for value in classes) if role != Role.ELEVATION else (),
    )


def _middle_values(band: bands.Band) -> NDArray[np.float64]:
    """Return the distinct values of a window in the middle of a raster."""
    starts = [max((length - _SAMPLE) // 2, 0) for length in band.shape]
    rows, columns = (
        slice(start, min(start + _SAMPLE, length))
        for start, length in zip(starts, band.shape, strict=True)
    )
    values = band.read(rows, columns)
    return np.unique(values[~np.isnan(values)])


def _bounds_in_degrees(band: bands.Band) -> tuple[float, float, float, float]:
    height, width = band.shape
    across, down = np.array([0.0, width, 0.0, width]), np.array([0.0, 0.0, height, height])
    to_degrees = pyproj.Transformer.from_crs(band.crs, "EPSG:4326", always_xy=True)
    lon, lat = to_degrees.transform(*warp.apply_affine(band.transform, across, down))
    return float(min(lon)), float(min(lat)), float(max(lon)), float(max(lat))


def _role(words: tuple[str, ...], dimension: int | None) -> Role | None:
    """Find the role from a layer's name; its file's name decides only where the layer's does not.

    Underscores and capitals separate words.
    """
    for name in words:
        parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
        spaced = re.sub(r"[_\W]+", " ", parted).lower().strip()
        for role, dimensions, pattern in _ROLES:
            if dimension in dimensions and re.search(pattern, spaced):
                return role
    return None
