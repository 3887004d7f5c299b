"""Vector files read whole, checked and repaired: GeoPackage, GeoJSON, Shapefile and others."""

import contextlib
import logging
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyarrow
import pyarrow.parquet
import pyogrio
import pyproj
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.files.geojson import check_geojson
from minerisk.features.files.geopackage import check_geopackage, plainly_named, private_copy
from minerisk.features.files.tables import check_columns, check_csv, check_parquet
from minerisk.features.layers import intake, sidecars
from minerisk.features.layers.vector_crs import crs_of_prj, not_degrees, parse_crs, settled_crs
from minerisk.features.vector_files import csv_points, encodings
from minerisk.features.vector_files.written_dates import read_with_written_dates

logger = logging.getLogger(__name__)

AREA = 2
"""Dimensions of a polygon, and of a collection with one."""

# The fewest bytes a vertex takes in each kind of file: two doubles, or text such as "[1,2],".
_BYTES_PER_VERTEX = {"GeoJSON": 6, "CSV": 4}


_UNREADABLE = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.FieldError,
    pyogrio.errors.CRSError,
    pyproj.exceptions.CRSError,
    shapely.errors.ShapelyError,
    UnboundLocalError,  # pyogrio, on a .prj that PROJ cannot read
)


@dataclass(frozen=True)
class Repairs:
    """What was done to a layer's geometries."""

    features: int
    invalid: int
    empty: int
    dropped: int


def read_frame(
    path: Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    easting: str | None = None,
    northing: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a vector file as it is, in its own CRS and order.

    Parameters
    ----------
    path
        A path that `minerisk.features.layers.intake.checked_path` let through.
    layer
        Layer name; needed where a GeoPackage holds more than one.
    crs
        Of its coordinates, where the file does not say; see `vector_crs.settled_crs`.
    easting, northing
        For CSV: the columns of easting (or longitude) and northing (or latitude).

    Raises
    ------
    InputError
        If it has no CRS that can be used, no such layer or column, or more than is taken.
    """
    with _as_opened(path) as own:
        return process.layer_of(
            read_here, own, layer=layer, crs=crs, easting=easting, northing=northing
        )


def layer_names(path: Path) -> list[str]:
    """List the layers with geometries of a vector file.

    Raises
    ------
    InputError
        If it cannot be read.
    """
    with _as_opened(path) as own:
        return process.words_of(layer_names_here, own)


@contextlib.contextmanager
def _as_opened(path: Path) -> Iterator[Path]:
    """Give the file that is opened: of a GeoPackage a private copy, of an odd name a link."""
    kind = intake.kind_of(path)
    if kind not in intake.VECTOR_KINDS.values():
        raise InputError(f"{path.name} is a raster; expected a vector file.")
    intake.sniff(path)
    if kind == "GPKG":
        _check_count(path, kind, 0)
        with private_copy(path) as own:
            yield own
    elif kind in ("ESRI Shapefile", "FlatGeobuf") and plainly_named(str(path)) != str(path):
        with tempfile.TemporaryDirectory(prefix="minerisk-") as folder:
            for part in intake.layer_files(path):
                (Path(folder) / plainly_named(part.name)).symlink_to(part)
            yield Path(folder) / plainly_named(path.name)
    else:
        yield path


def read_here(
    path: Path,
    *,
    layer: str | None = None,
    crs: str | None = None,
    easting: str | None = None,
    northing: str | None = None,
) -> gpd.GeoDataFrame:
    """Read a vector file in this process, as `read_frame` does in one with limits."""
    kind = intake.kind_of(path)
    if kind == "CSV":
        return _read_csv(path, layer=layer, crs=crs, easting=easting, northing=northing)
    if easting is not None or northing is not None:
        raise InputError(f"{path.name} is no CSV file; leave easting and northing out.")
    if kind == "Parquet" and layer is not None:
        raise InputError(f"{path.name} holds one layer without a name; leave layer out.")
    frame = _read_parquet(path) if kind == "Parquet" else _read_ogr(path, kind, layer)
    twice = sorted(set(frame.columns[frame.columns.duplicated()]))
    if twice:
        raise InputError(f"{path.name} names columns twice: {', '.join(twice)}. Rename them.")
    own = settled_crs(_own_crs(path, kind, frame), crs, frame=frame, name=path.name)
    frame = frame.set_crs(own, allow_override=True)
    frame.geometry = shapely.force_2d(frame.geometry.array)
    return frame.reset_index(drop=True)


def _own_crs(path: Path, kind: str, frame: gpd.GeoDataFrame) -> pyproj.CRS | None:
    """Return the CRS that a file says it is in."""
    if frame.crs is None and kind == "ESRI Shapefile":
        parts = sidecars.files_read_with(path, kind)
        prj = next((part for part in parts if part.suffix.lower() == ".prj"), None)
        return None if prj is None else crs_of_prj(prj)
    return frame.crs


def _check_count(path: Path, kind: str, features: int) -> None:
    if features > intake.MAX_FEATURES:
        raise InputError(
            f"{path.name} holds {features:,} features; at most {intake.MAX_FEATURES:,} are taken. "
            "Cut it to the study area."
        )
    least = _BYTES_PER_VERTEX.get(kind, 16)
    size = path.stat().st_size
    if size > least * intake.MAX_VERTICES:
        raise InputError(
            f"{path.name} has {size:,} bytes, room for more than {intake.MAX_VERTICES:,} vertices, "
            "which is the most that is taken. Cut it to the study area or simplify it."
        )


def _read_ogr(path: Path, kind: str, layer: str | None) -> gpd.GeoDataFrame:
    _check_count(path, kind, 0)
    chosen = _chosen_layer(path, layer_names_here(path), layer)
    source = _by_driver(path, kind)
    try:
        encoding = _encoding(path, kind)
        info = pyogrio.read_info(source, layer=chosen, encoding=encoding, force_feature_count=True)
        if info["driver"] != kind:
            raise InputError(f"{path.name} opened as {info['driver']}; expected {kind}.")
        check_columns(path, len(info["fields"]))
        _check_count(path, kind, int(info["features"]))
        frame = read_with_written_dates(
            source, path=path, layer=chosen, info=info, encoding=encoding
        )
    except UnicodeDecodeError as error:
        way = f"Write the true encoding into {path.stem}.cpg, such as 1251 or 1254"
        raise InputError(
            f"{path.name} has text that is not in the encoding {error.encoding}: "
            f"{error.object[:40]!r}. {way if kind == 'ESRI Shapefile' else 'Export it again'}."
        ) from error
    except _UNREADABLE as error:
        raise InputError(f"{path.name} cannot be read: {error}. Export it again.") from error
    if not isinstance(frame, gpd.GeoDataFrame):
        raise InputError(f"{path.name} has no geometry column; expected a layer with geometries.")
    return frame


def _encoding(path: Path, kind: str) -> str | None:
    """Return the encoding of a shapefile's text; text of the other kinds is UTF-8."""
    if kind != "ESRI Shapefile":
        return None
    parts = sidecars.files_read_with(path, kind)
    by_suffix = {part.suffix.lower(): part for part in parts}
    return encodings.shapefile_encoding(path, by_suffix.get(".cpg"), by_suffix[".dbf"])


def layer_names_here(path: Path) -> list[str]:
    """List the layers with geometries in this process, after a check of the file's contents."""
    kind = intake.kind_of(path)
    tables = check_geopackage(path) if kind == "GPKG" else None
    if kind == "GeoJSON":
        check_geojson(path)
    try:
        listed = pyogrio.list_layers(_by_driver(path, kind))
    except _UNREADABLE as error:
        raise InputError(f"{path.name} cannot be read: {error}. Export it again.") from error
    names = [str(name) for name, shape in listed if shape is not None]
    return [name for name in names if tables is None or name.lower() in tables]


def _by_driver(path: Path, kind: str) -> Path | str:
    """Name the driver where GDAL could take a checked file for another kind.

    That is text: the other kinds begin with bytes that end the search of any driver for a word.
    """
    return f"GeoJSON:{path}" if kind == "GeoJSON" else path


def _chosen_layer(path: Path, names: list[str], layer: str | None) -> str:
    if layer is None and len(names) == 1:
        return names[0]
    if layer is None or layer not in names:
        what = "no layer is named" if layer is None else f"{layer!r} is not among them"
        raise InputError(
            f"{path.name} holds the layers {', '.join(names) or 'none'}; {what}. Set the layer."
        )
    return layer


def _read_parquet(path: Path) -> gpd.GeoDataFrame:
    try:
        _check_count(path, "Parquet", 0)
        check_parquet(path, rows=intake.MAX_FEATURES, size=16 * intake.MAX_VERTICES)
        frame = gpd.read_parquet(path)
    except MemoryError:
        raise
    except (pyarrow.ArrowException, *_UNREADABLE, ValueError, OSError) as error:
        raise InputError(f"{path.name} is not GeoParquet: {error}. Export it again.") from error
    return frame


def _read_csv(
    path: Path, *, layer: str | None, crs: str | None, easting: str | None, northing: str | None
) -> gpd.GeoDataFrame:
    if layer is not None:
        raise InputError(f"{path.name} is a CSV file, without named layers; leave layer out.")
    if crs is None or easting is None or northing is None:
        raise InputError(
            f"{path.name} is a CSV file; name its crs and the columns of its easting and northing "
            "(longitude and latitude, where crs is EPSG:4326). They are never guessed."
        )
    _check_count(path, "CSV", 0)
    check_csv(path)
    known = settled_crs(None, crs, frame=gpd.GeoDataFrame(), name=path.name)
    table, places = csv_points.read_points(
        path,
        easting=easting,
        northing=northing,
        degrees=known.is_geographic,
        most=intake.MAX_FEATURES,
    )
    _check_count(path, "CSV", len(table))
    points = gpd.points_from_xy(*places.T)
    points[np.isnan(places).any(axis=1)] = None
    return gpd.GeoDataFrame(table, geometry=points, crs=known)


def repair(frame: gpd.GeoDataFrame) -> tuple[gpd.GeoDataFrame, Repairs]:
    """Make geometries valid and drop those that are missing, empty or collapse.

    Each geometry keeps its own dimension: of what `shapely.make_valid` returns, parts of a lower
    dimension are left out.

    Returns
    -------
    frame, repairs
        The rows that remain, in their order and with their index, and counts of what was done.
    """
    shapes = np.asarray(frame.geometry.array, dtype=object)
    empty = shapely.is_missing(shapes) | shapely.is_empty(shapes)
    finite = np.isfinite(shapely.bounds(shapes)).all(axis=1)
    invalid = ~shapely.is_valid(shapes) & ~empty & finite
    mended = shapes.copy()
    for index in np.flatnonzero(invalid):
        mended[index] = _mend(shapes[index])
    kept = ~(shapely.is_missing(mended) | shapely.is_empty(mended)) & finite
    out = frame[kept].copy()
    out.geometry = gpd.GeoSeries(mended[kept], index=out.index, crs=frame.crs)
    counts = Repairs(len(frame), int(invalid.sum()), int(empty.sum()), int((~kept & ~empty).sum()))
    return out, counts


def _mend(shape: shapely.Geometry) -> shapely.Geometry | None:
    dimension = shapely.get_dimensions(shape)
    valid = shapely.make_valid(shape, method="structure", keep_collapsed=False)
    parts = shapely.get_parts(shapely.get_parts(valid))
    parts = parts[(shapely.get_dimensions(parts) == dimension) & ~shapely.is_empty(parts)]
    if len(parts) == 0:
        return None
    if len(parts) == 1:
        return parts[0]
    return (shapely.multipoints, shapely.multilinestrings, shapely.multipolygons)[dimension](parts)


def areas(frame: gpd.GeoDataFrame, *, name: str) -> gpd.GeoDataFrame:
    """Return a layer of which land is meant: of a collection of geometries, the polygons.

    Raises
    ------
    InputError
        If a row has no polygon: a point or a line has no land.
    """
    flat = shapely.get_dimensions(frame.geometry.array) < AREA
    if flat.any():
        kinds = sorted(set(frame.geometry.geom_type[flat]))
        raise InputError(
            f"The layer {name} has {int(flat.sum())} of {len(frame)} rows that are no polygons "
            f"({', '.join(kinds)}); expected polygons of the land that is meant. In QGIS, 'Lines "
            "to polygons' closes lines and 'Buffer' gives land around points; leave other rows out."
        )
    return frame.set_geometry([_polygons(shape) for shape in frame.geometry], crs=frame.crs)


def _polygons(shape: shapely.Geometry) -> shapely.Geometry:
    if shapely.get_type_id(shape) != shapely.GeometryType.GEOMETRYCOLLECTION:
        return shape
    parts = shapely.get_parts(shapely.get_parts(shape))
    return shapely.multipolygons(parts[shapely.get_dimensions(parts) == AREA])


def to_crs(frame: gpd.GeoDataFrame, crs: str, *, name: str) -> gpd.GeoDataFrame:
    """Reproject, and refuse coordinates that the target CRS cannot hold.

    Raises
    ------
    InputError
        If a coordinate becomes infinite: a sign that the layer's own CRS is wrong.
    """
    wrong = not_degrees(frame, frame.crs)
    if wrong.any():
        west, south, *_ = frame.bounds.to_numpy()[int(np.flatnonzero(wrong)[0])]
        raise InputError(
            f"{name}: {west:.10g}, {south:.10g} is no longitude and latitude, but its CRS is "
            f"{frame.crs.name}; so in {int(wrong.sum())} of {len(frame)} rows. Store the layer "
            "with its true CRS, and correct coordinates that are wrong."
        )
    try:
        out = frame.to_crs(parse_crs(crs))
    except pyproj.exceptions.ProjError as error:
        raise InputError(
            f"{name}: no way leads from its CRS {frame.crs.name!r} to {crs}. Store the layer with "
            "its true CRS."
        ) from error
    if not np.isfinite(out.total_bounds).all() or not np.isfinite(out.bounds.to_numpy()).all():
        raise InputError(
            f"{name}: coordinates do not fit {crs} (bounds {_words(frame.total_bounds)} in "
            f"{frame.crs.name}). Check the layer's own CRS, and study_area.crs."
        )
    return out


def _words(bounds: NDArray[np.float64]) -> str:
    return " ".join(f"{value:.6g}" for value in bounds)
