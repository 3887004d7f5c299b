"""One band of a raster: opened after checking its file, read by windows as float64 with NaN."""

import math
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import pyproj
import rasterio
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import MaskFlags
from rasterio.windows import Window

from minerisk.features.errors import InputError
from minerisk.features.layers import intake
from minerisk.features.layers.vector_crs import parse_crs

Floats = NDArray[np.float64]

# A TIFF is read by itself: masks, overviews and metadata beside it were not checked.
_without_sidecars = partial(rasterio.Env, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")


class Band(Protocol):
    """One georeferenced band: where it is, and its values by window."""

    @property
    def crs(self) -> pyproj.CRS:
        """The CRS of the transform."""

    @property
    def transform(self) -> Affine:
        """Column and row to easting and northing."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata."""


@dataclass(frozen=True)
class TiffBand:
    """A band of a GeoTIFF."""

    path: Path
    band: int
    crs: pyproj.CRS
    transform: Affine
    shape: tuple[int, int]

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata, scale and offset applied."""
        window = Window.from_slices(rows, columns)
        try:
            with _without_sidecars(), rasterio.open(self.path, driver="GTiff") as dataset:
                # A mask of its own costs as much as the values; NaN needs none.
                masked = not _says_nan(dataset, self.band)
                values = dataset.read(self.band, window=window, masked=masked)
                scale = dataset.scales[self.band - 1]
                offset = dataset.offsets[self.band - 1]
        except rasterio.errors.RasterioError as error:
            raise InputError(f"{self.path.name} cannot be read: {error}. Get it again.") from error
        filled = np.ma.filled(values.astype(np.float64), np.nan)
        return filled if (scale, offset) == (1.0, 0.0) else filled * scale + offset


def _says_nan(dataset: Any, band: int) -> bool:
    """Return whether a band's missing cells are NaN already, if it has any."""
    flags, nodata = dataset.mask_flag_enums[band - 1], dataset.nodatavals[band - 1]
    if flags == [MaskFlags.nodata]:
        return nodata is not None and math.isnan(nodata)
    return bool(flags == [MaskFlags.all_valid])


@dataclass(frozen=True)
class ZarrBand:
    """A two-dimensional array of a Zarr folder."""

    array: Any
    crs: pyproj.CRS
    transform: Affine
    shape: tuple[int, int]

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata."""
        return np.asarray(self.array[rows, columns].values, dtype=np.float64)


def open_band(path: Path, *, band: int = 1, variable: str | None = None) -> Band:
    """Open one band, its header checked before any value is read.

    Parameters
    ----------
    path
        A path that `minerisk.features.layers.intake.checked_path` let through.
    band
        Number of the GeoTIFF band, from 1.
    variable
        Name of the Zarr array; not needed where the folder holds a single one.

    Raises
    ------
    InputError
        If it has no CRS or no position, no such band, or declares more than is taken.
    """
    kind = intake.kind_of(path)
    intake.sniff(path)
    if kind == "GTiff":
        return _open_tiff(path, band)
    if kind == "Zarr":
        return _open_zarr(path, variable)
    raise InputError(f"{path.name} is a vector file; expected a GeoTIFF or Zarr raster.")


def _open_tiff(path: Path, band: int) -> TiffBand:
    try:
        with _without_sidecars(), rasterio.open(path, driver="GTiff") as dataset:
            crs, transform, shape = dataset.crs, dataset.transform, dataset.shape
            count, blocks = dataset.count, dataset.block_shapes
            itemsize = max(np.dtype(name).itemsize for name in dataset.dtypes)
    except rasterio.errors.RasterioError as error:
        raise InputError(f"{path.name} cannot be read: {error}. Get it again.") from error
    if not 1 <= band <= count:
        raise InputError(f"{path.name} has no band {band}; it has {count}. Set the layer's band.")
    if crs is None or transform.is_identity:
        what = "CRS" if crs is None else "position (geotransform)"
        raise intake.MissingCrsError(
            f"{path.name} has no {what}; it is never guessed. Store the raster with it."
        )
    cells = shape[0] * shape[1]
    check_declared_size(path, cells=cells, declared_bytes=cells * count * itemsize)
    block_bytes = max(rows * columns for rows, columns in blocks) * itemsize
    if block_bytes > intake.MAX_BLOCK_BYTES:
        raise InputError(
            f"{path.name} is stored in blocks of {block_bytes:,} bytes; at most "
            f"{intake.MAX_BLOCK_BYTES:,} are taken. Store it tiled, such as a COG."
        )
    return TiffBand(path, band, parse_crs(crs.to_wkt()), transform, shape)


def check_declared_size(path: Path, *, cells: int, declared_bytes: int) -> None:
    """Refuse a raster whose header declares more than is taken, or than its file can hold."""
    if cells > intake.MAX_RASTER_CELLS:
        raise InputError(
            f"{path.name} declares {cells:,} cells; at most {intake.MAX_RASTER_CELLS:,} are taken."
        )
    size = max(sum(file.stat().st_size for file in intake.layer_files(path)), 1)
    swollen = declared_bytes > intake.MAX_DECLARED_RATIO * size
    if swollen and declared_bytes > intake.RATIO_MATTERS_ABOVE:
        raise InputError(
            f"{path.name} has {size:,} bytes and declares {declared_bytes:,}; it is damaged or "
            "made to exhaust memory. Get it again, or cut it to the study area."
        )


def _open_zarr(path: Path, variable: str | None) -> ZarrBand:
    try:
        dataset = xr.open_dataset(path, engine="zarr", chunks=None, decode_coords="all")
    except (OSError, ValueError, KeyError) as error:
        raise InputError(f"{path.name} is not a Zarr folder of arrays: {error}.") from error
    names = [str(name) for name, array in dataset.data_vars.items() if array.ndim == 2]
    if variable is None and len(names) == 1:
        variable = names[0]
    if variable not in names:
        raise InputError(
            f"{path.name} holds the arrays {', '.join(names) or 'none'}; {variable!r} is not among "
            "them. Set the layer's variable."
        )
    array = dataset[variable]
    crs, transform = _zarr_crs(dataset, array), _zarr_transform(array)
    if crs is None or transform is None:
        raise intake.MissingCrsError(
            f"{path.name} has no {'CRS' if crs is None else 'evenly spaced coordinates'}; it is "
            "never guessed. Store it with a grid mapping (CF) and one coordinate per dimension."
        )
    rows, columns = (int(length) for length in array.shape)
    declared = rows * columns * array.dtype.itemsize
    check_declared_size(path, cells=rows * columns, declared_bytes=declared)
    return ZarrBand(array, parse_crs(crs), transform, (rows, columns))


def _zarr_crs(dataset: xr.Dataset, array: xr.DataArray) -> str | None:
    """Find the CRS in the grid mapping (CF) or in the attribute ``crs``."""
    mapping = array.encoding.get("grid_mapping", array.attrs.get("grid_mapping", "spatial_ref"))
    if mapping in dataset.variables:
        attributes = dataset[mapping].attrs
        found = attributes.get("crs_wkt", attributes.get("spatial_ref"))
        if found:
            return str(found)
    found = array.attrs.get("crs", dataset.attrs.get("crs"))
    return str(found) if found else None


def _zarr_transform(array: xr.DataArray) -> Affine | None:
    """Make the transform from the coordinates of the cell centres, if they are evenly spaced."""
    starts = []
    for dimension in array.dims:
        if dimension not in array.coords or array.sizes[dimension] < 2:
            return None
        centres = np.asarray(array.coords[dimension].values, dtype=np.float64)
        step = (centres[-1] - centres[0]) / (len(centres) - 1)
        even = centres[0] + step * np.arange(len(centres))
        if step == 0 or np.abs(centres - even).max() > 1e-3 * abs(step):
            return None
        starts.append((float(centres[0] - step / 2), float(step)))
    (top, down), (left, across) = starts
    return Affine(across, 0.0, left, 0.0, down, top)
