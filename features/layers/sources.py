"""The layers of a study area, by name: where they are, and how they are read."""

import datetime as dt
import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers import bands, intake, vectors
from minerisk.features.layers.stored_frames import StoredFrames
from minerisk.features.raster_files import units
from minerisk.features.vector_files.columns import column_of
from minerisk.features.vector_files.dates import RecordDays, days_or_refuse
from minerisk.features.vector_files.kept_rows import KeepValue, Kept, keep_rows

logger = logging.getLogger(__name__)

_CORNERS = 200


@dataclass(frozen=True)
class Coverage:
    """Where a layer speaks: one of the four. Elsewhere that nothing is drawn says nothing.

    Attributes
    ----------
    layer
        A layer of the study area: its polygons, or the cells of a raster that have a value.
    in_file
        A layer of polygons in the same file.
    bounds, crs
        West, south, east, north, in `crs`; none is that of the study area.
    valid_cells
        Of a raster: its own cells that have a value.
    """

    layer: str | None = None
    in_file: str | None = None
    bounds: tuple[float, float, float, float] | None = None
    crs: str | None = None
    valid_cells: bool = False


@dataclass(frozen=True)
class RasterSource:
    """One band of a GeoTIFF or Zarr raster. The fields are those of a raster layer's config."""

    path: Path
    band: int | None = None
    variable: str | None = None
    resampling: str = "bilinear"
    unit: str | None = None
    nodata: tuple[float, ...] = ()
    valid_range: tuple[float, float] | None = None
    coverage: Coverage | None = None
    source: str = ""
    licence: str = ""


@dataclass(frozen=True)
class VectorSource:
    """One layer of a vector file. The fields are those of a vector layer's config."""

    path: Path
    layer: str | None = None
    crs: str | None = None
    easting: str | None = None
    northing: str | None = None
    keep: Mapping[str, tuple[KeepValue, ...]] = field(default_factory=dict)
    date_column: str | None = None
    date_format: str | None = None
    position_error_m: float = 0.0
    coverage: Coverage | None = None
    source: str = ""
    licence: str = ""


Source = RasterSource | VectorSource


class Layers:
    """Named layers under one data root.

    Parameters
    ----------
    sources
        Layer name to source. Relative paths are relative to the root.
    root
        The data root; nothing outside it is read.
    roots
        For single layers, another root: those that a run itself has written.
    today
        No record is dated later than the day after this one; none: it is not checked.
    stored
        What was read of files already; none: nothing.
    """

    def __init__(
        self,
        sources: Mapping[str, Source],
        root: Path,
        *,
        roots: Mapping[str, Path] | None = None,
        today: dt.date | None = None,
        stored: StoredFrames | None = None,
    ) -> None:
        self._sources = dict(sources)
        self._root = Path(root)
        self._roots = dict(roots or {})
        self.today = today
        self._own: dict[str, tuple[gpd.GeoDataFrame, vectors.Repairs]] = {}
        self._frames: dict[tuple[str, str], gpd.GeoDataFrame] = {}
        self._covers: dict[tuple[str, str], gpd.GeoDataFrame] = {}
        self._stored = stored or StoredFrames()
        self._bands: dict[str, bands.Band] = {}
        self._kept: dict[str, Kept] = {}

    def names(self) -> list[str]:
        """List the layer names in order."""
        return list(self._sources)

    def source(self, name: str) -> Source:
        """Return the source of a layer.

        Raises
        ------
        InputError
            If there is no such layer.
        """
        try:
            return self._sources[name]
        except KeyError:
            known = ", ".join(sorted(self._sources)) or "none"
            raise InputError(f"No layer is named {name!r}; there are: {known}.") from None

    def path(self, name: str) -> Path:
        """Return the real path of a layer, checked as `intake.checked_path` does."""
        path = self.source(name).path
        if str(path).startswith("@"):
            raise InputError(
                f"The layer {name} ({path}) is written by the run itself: run it first."
            )
        return intake.checked_path(path, self._roots.get(name, self._root))

    def sha256(self, name: str) -> str:
        """Hash a layer's bytes, as `features.intake.sha256_of` does; cached by size and time."""
        with _naming(name):
            return intake.sha256_of(self.path(name))

    def vector(self, name: str, *, crs: str) -> gpd.GeoDataFrame:
        """Read a vector layer: rows kept, geometries valid, reprojected.

        Parameters
        ----------
        crs
            The CRS wanted, such as ``EPSG:3035``.

        Returns
        -------
        GeoDataFrame
            Valid 2-D geometries in the file's order; missing and empty ones are dropped.

        Raises
        ------
        InputError
            If the layer is unknown, a raster, without a CRS, or empty.
        """
        if (name, crs) not in self._frames:
            own, _ = self.repaired(name)
            with _naming(name):
                frame = vectors.to_crs(own, crs, name=name)
            self._frames[name, crs] = vectors.repair(frame)[0]
        return self._frames[name, crs].reset_index(drop=True)

    def row_numbers(self, name: str, *, crs: str) -> list[int]:
        """Return where the rows that `vector` gives stand in the file, from 1."""
        self.vector(name, crs=crs)
        return [int(place) + 1 for place in self._frames[name, crs].index]

    def repaired(self, name: str) -> tuple[gpd.GeoDataFrame, vectors.Repairs]:
        """Read a vector layer in its own CRS, with counts of what was repaired."""
        if name not in self._own:
            with _naming(name):
                frame, repairs = vectors.repair(self.as_stored(name))
            if repairs.invalid:
                logger.info("%s: %d invalid geometries repaired", name, repairs.invalid)
            if frame.empty:
                raise InputError(
                    f"The layer {name} is empty: {repairs.features} rows, none with a geometry "
                    "that can be used. Check its file, layer and keep."
                )
            self._own[name] = frame, repairs
        return self._own[name]

    def as_stored(self, name: str) -> gpd.GeoDataFrame:
        """Read the kept rows of a vector layer with their geometries as they are in the file."""
        return self._read(name, self._vector_source(name), self.path(name))

    def _vector_source(self, name: str) -> VectorSource:
        source = self.source(name)
        if not isinstance(source, VectorSource):
            raise InputError(f"The layer {name} is a raster; expected a vector layer.")
        return source

    def _read(self, name: str, source: VectorSource, path: Path) -> gpd.GeoDataFrame:
        frame = self._stored.read(  # checks of a layer read it one by one
            path,
            layer=source.layer,
            crs=source.crs,
            easting=source.easting,
            northing=source.northing,
        )
        rows, self._kept[name] = keep_rows(frame, source.keep, name=path.name)
        return rows

    def kept(self, name: str) -> Kept:
        """Tell how many rows of a vector layer `keep` keeps, and what it names in vain."""
        if name not in self._kept:
            self.as_stored(name)
        return self._kept[name]

    def cover(self, name: str, *, crs: str) -> gpd.GeoDataFrame:
        """Read the polygons of the land that a layer speaks for.

        Raises
        ------
        InputError
            If the layer states no coverage, or one that is no polygons.
        """
        if (name, crs) not in self._covers:
            self._covers[name, crs] = self._read_cover(name, crs)
        return self._covers[name, crs]

    def _read_cover(self, name: str, crs: str) -> gpd.GeoDataFrame:
        coverage = self.source(name).coverage
        if coverage is None or coverage.valid_cells:
            raise InputError(f"The layer {name} states no polygons of what it covers.")
        if coverage.layer is not None:
            return vectors.areas(self.vector(coverage.layer, crs=crs), name=coverage.layer)
        if coverage.bounds is not None:
            return _box(coverage.bounds, coverage.crs or crs, crs, name=name)
        frames = f"{coverage.in_file}, the coverage of {name},"
        own = vectors.read_frame(self.path(name), layer=coverage.in_file)
        frame = vectors.repair(vectors.to_crs(vectors.repair(own)[0], crs, name=frames))[0]
        if frame.empty:
            raise InputError(f"The layer {frames} is empty; expected polygons.")
        return vectors.areas(frame, name=frames)

    def days(self, name: str, frame: gpd.GeoDataFrame) -> RecordDays | None:
        """Read the dates of records of a vector layer; None where no date column is stated.

        Parameters
        ----------
        frame
            Records of the layer, with all its columns.

        Raises
        ------
        InputError
            If the column is missing or a date cannot be read, with layer, column and rows.
        """
        source = self.source(name)
        if not isinstance(source, VectorSource) or source.date_column is None:
            return None
        return days_or_refuse(
            column_of(frame, name, source.date_column, setting="date_column"),
            where=f"The layer {name}, column {source.date_column}",
            date_format=source.date_format,
            today=self.today,
        )

    def raster(self, name: str, geobox: GeoBox, *, unit: str | None = None) -> NDArray[np.float32]:
        """Resample a raster layer to a grid, with the layer's own resampling.

        Parameters
        ----------
        name, geobox
            The layer, and the grid.
        unit
            The unit wanted, such as ``m``; without it, values are in the layer's own.

        Returns
        -------
        ndarray of float32, shape (height, width)
            NaN where the raster has no value or does not reach. A window of a grid gives the
            same bytes as that window of the whole.

        Raises
        ------
        InputError
            If the layer is unknown, a vector, without a CRS, or in another unit that cannot be
            converted.
        """
        from minerisk.features.layers import warp  # compiled, which a vector does not need

        source = self.raster_source(name)
        with _naming(name):
            factor = 1.0 if unit is None else self.factor(name, unit)
            values = warp.warp(self.band(name), geobox, resampling=source.resampling)
        return values if factor == 1.0 else (values * factor).astype(np.float32)

    def unit(self, name: str) -> str | None:
        """Return the unit of a raster layer: that of the configuration, or else of the file.

        Raises
        ------
        InputError
            If both state one, and not the same.
        """
        given, own = units.stated(self.raster_source(name).unit), self.band(name).unit
        if given is None or own is None:
            return given or own
        if self.band(name).unit_of_heights and not units.is_length(given):
            return given
        if units.contradict(own, given):
            raise InputError(
                f"The layer {name} is in {given} by the configuration and in {own} by its file; "
                "a unit is never guessed. Correct the one or the other."
            )
        return given

    def factor(self, name: str, unit: str) -> float:
        """Return what the values of a raster layer are multiplied by to be in a unit.

        A layer that states no unit is taken to be in the one that is wanted.

        Raises
        ------
        InputError
            If the layer's own unit cannot be converted.
        """
        own = self.unit(name)
        factor = 1.0 if own is None else units.factor_between(own, unit)
        if factor is None:
            raise InputError(
                f"The layer {name} is in {own}, and is read as {unit}; the one does not become "
                "the other. Correct the layer's unit, or name another layer."
            )
        return factor

    def raster_source(self, name: str) -> RasterSource:
        """Return the source of a raster layer.

        Raises
        ------
        InputError
            If it is unknown, or a vector.
        """
        source = self.source(name)
        if not isinstance(source, RasterSource):
            raise InputError(f"The layer {name} is a vector layer; expected a raster.")
        return source

    def band(self, name: str) -> bands.Band:
        """Open a raster layer: its CRS, transform and shape, and values by window."""
        source = self.raster_source(name)
        if name not in self._bands:
            path = self.path(name)
            self._bands[name] = bands.open_band(
                path, band=source.band, variable=source.variable, nodata=source.nodata
            )
        return self._bands[name]


@contextmanager
def _naming(name: str) -> Iterator[None]:
    """Let a refusal that names a file name the layer too."""
    try:
        yield
    except InputError as error:
        if f"layer {name}" in str(error) or f"layer is named {name!r}" in str(error):
            raise
        raise type(error)(f"The layer {name}: {error}") from error


def _box(
    bounds: tuple[float, float, float, float], own: str, crs: str, *, name: str
) -> gpd.GeoDataFrame:
    """Make a polygon of bounds, with corners enough that edges in degrees bend as they should."""
    west, south, east, north = bounds
    sides = shapely.segmentize(shapely.box(*bounds), max(east - west, north - south) / _CORNERS)
    return vectors.to_crs(gpd.GeoDataFrame(geometry=[sides], crs=own), crs, name=name)
