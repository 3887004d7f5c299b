"""Look through a folder of layers and say what each may be, from its name, geometry and values."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.layers import bands, intake, vectors, warp

MAX_FILES = 300
_SAMPLE = 512

# Role, dimensions of its geometries (None: raster), pattern of its name. The first that fits.
_ROLES: tuple[tuple[str, tuple[int | None, ...], str], ...] = (
    ("surveyed", (2,), r"surveyed|searched|survey (area|result)"),
    ("cleared", (0, 2), r"\bcleared|\bclearance"),
    ("suspicion", (0, 2), r"suspect|suspicio|\bshas?\b|hazardous"),
    ("confirmed", (0, 2), r"confirmed|\bchas?\b|contaminat"),
    ("accident", (0,), r"incident|accident|victim|casualt"),
    ("find", (0, 2), r"\blifted|minefield|\bfind(ing)?s?\b|\bmines?\b|\buxo\b|\berw\b"),
    ("held_area", (2,), r"\bheld\b|controlled|occupied"),
    ("front_line", (1,), r"\bfront|contact|confrontation|cease ?fire|\biebl\b|^line( of .*)?$"),
    ("fortifications", (0, 1, 2), r"fortif|bunker|trench|\bpositions?\b|outpost"),
    ("boundary", (2,), r"boundar|municip|district|\bstudy|\badmin|\baoi\b|area of interest"),
    ("rivers", (1,), r"river|stream|canal|water"),
    ("roads", (1,), r"road|track|trail|highway|street"),
    ("settlements", (0,), r"settle|\bplaces?\b|\btowns?\b|village|populat"),
    ("elevation", (None,), r"\bdem|elevation|srtm|height|\bdtm|altitude"),
    ("land_cover", (None,), r"land ?cover|land ?use|lulc|worldcover|mcd12|corine"),
    ("classes", (None,), r"degurba|urban|soil|class"),
)
_LONGITUDE = ("lon", "longitude", "lng", "long")
_LATITUDE = ("lat", "latitude")


@dataclass(frozen=True)
class Found:
    """A layer that was found, and what it may be.

    `bounds` are west, south, east, north in degrees; `cell_m` is the cell size of a raster;
    `values` the distinct values of a raster of classes.
    """

    file: str
    layer: str | None
    role: str
    dimension: int | None
    count: int
    bounds: tuple[float, float, float, float]
    easting: str | None = None
    northing: str | None = None
    cell_m: float = 0.0
    values: tuple[int, ...] = ()
    several_layers: bool = False

    @property
    def words(self) -> str:
        """File and layer as a person would say them."""
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
            found += _open(intake.checked_path(name, folder), name)
        except InputError as error:
            left_out.append(f"{name}: {error}")
    return found, left_out


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


def _open(path: Path, name: str) -> list[Found]:
    kind = intake.kind_of(path)
    if kind in intake.RASTER_KINDS.values():
        return [_raster(path, name)]
    if kind == "CSV":
        return [_csv(path, name)]
    if kind == "Parquet":
        return [_vector(vectors.read_frame(path), name, None, several=False)]
    layers = [str(layer) for layer, geometry in pyogrio.list_layers(path) if geometry is not None]
    return [
        _vector(vectors.read_frame(path, layer=layer), name, layer, several=len(layers) > 1)
        for layer in layers
    ]


def _vector(frame: gpd.GeoDataFrame, name: str, layer: str | None, *, several: bool) -> Found:
    frame, _ = vectors.repair(frame)
    if frame.empty:
        raise InputError("the layer is empty.")
    dimension = int(np.bincount(shapely.get_dimensions(frame.geometry.array)).argmax())
    west, south, east, north = frame.to_crs("EPSG:4326").total_bounds.tolist()
    stem = Path(name).stem
    words = (layer, stem) if layer else (stem,)
    found = Found(name, layer, "", dimension, len(frame), (west, south, east, north))
    return replace(found, role=_role(words, dimension), several_layers=several)


def _csv(path: Path, name: str) -> Found:
    columns = [str(column) for column in pd.read_csv(path, nrows=0).columns]
    by_lower = {column.lower(): column for column in columns}
    easting = next((by_lower[word] for word in _LONGITUDE if word in by_lower), None)
    northing = next((by_lower[word] for word in _LATITUDE if word in by_lower), None)
    if easting is None or northing is None:
        raise InputError(
            f"no columns named like longitude and latitude among {', '.join(columns)}; if it has "
            "coordinates, add it by hand with crs, easting and northing."
        )
    frame = vectors.read_frame(path, crs="EPSG:4326", easting=easting, northing=northing)
    return replace(_vector(frame, name, None, several=False), easting=easting, northing=northing)


def _raster(path: Path, name: str) -> Found:
    band = bands.open_band(path)
    values = _middle_values(band)
    classes = values if values.size <= 64 and np.all(values == np.round(values)) else values[:0]
    role = _role((Path(name).stem,), None) or ("classes" if classes.size else "surface")
    return Found(
        file=name,
        layer=None,
        role=role,
        dimension=None,
        count=band.shape[0] * band.shape[1],
        bounds=_bounds_in_degrees(band),
        cell_m=warp.cell_metres(band.transform, band.crs),
        values=tuple(int(value) for value in classes) if role != "elevation" else (),
    )


def _middle_values(band: bands.Band) -> NDArray[np.float64]:
    """Give the distinct values of a window in the middle of a raster."""
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


def _role(words: tuple[str, ...], dimension: int | None) -> str:
    """Find the role from a layer's name; its file's name decides only where the layer's does not.

    Underscores and capitals separate words.
    """
    for name in words:
        parted = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", name)
        spaced = re.sub(r"[_\W]+", " ", parted).lower().strip()
        for role, dimensions, pattern in _ROLES:
            if dimension in dimensions and re.search(pattern, spaced):
                return role
    return ""
