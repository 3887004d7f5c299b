"""A band of a GeoTIFF, with what is said of it beside the file."""

import math
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import rasterio
from affine import Affine
from numpy.typing import NDArray
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.windows import Window

from minerisk.features.errors import InputError
from minerisk.features.layers import intake
from minerisk.features.layers.crs import horizontal
from minerisk.features.layers.vector_crs import parse_crs
from minerisk.features.raster_files import nodata, units
from minerisk.features.raster_files.sizes import check_block_size, check_declared_size
from minerisk.features.raster_files.tiff_sidecars import Beside, read_beside

Floats = NDArray[np.float64]

# A TIFF is read by itself: what lies beside it is read apart, by what is known of it.
_alone = partial(rasterio.Env, GDAL_DISABLE_READDIR_ON_OPEN="EMPTY_DIR")
_PER_DATASET = 2


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    """Open a GeoTIFF without what lies beside it; a mask needs no position of its own."""
    with _alone():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", rasterio.errors.NotGeoreferencedWarning)
            dataset = rasterio.open(path, driver="GTiff")
        with dataset:
            yield dataset


@dataclass(frozen=True)
class Missing:
    """How it is known that nothing was measured in a cell.

    Attributes
    ----------
    by_file
        Whether the TIFF says it by a mask or alpha band.
    values
        Stored values that mean it.
    mask
        A GeoTIFF that is 0 there, and its band.
    passed_over
        Values that the file declares as nodata, while something that counts for more says that
        such cells were measured.
    """

    by_file: bool
    values: tuple[float, ...] = ()
    mask: tuple[Path, int] | None = None
    passed_over: tuple[float, ...] = ()


@dataclass(frozen=True)
class TiffBand:
    """A band of a GeoTIFF.

    Attributes
    ----------
    unit
        Of the values, as the file states it.
    unit_of_heights
        Whether that may be the unit of the vertical CRS alone, which GDAL gives where the band
        itself states none.
    scale, offset
        What stored values are multiplied by, and what is then added.
    count
        How many bands hold values; an alpha band does not.
    """

    path: Path
    band: int
    crs: pyproj.CRS
    transform: Affine
    shape: tuple[int, int]
    missing: Missing
    unit: str | None = None
    unit_of_heights: bool = False
    scale: float = 1.0
    offset: float = 0.0
    count: int = 1

    @property
    def passed_over(self) -> tuple[float, ...]:
        """Values, scale and offset applied, that are declared as nodata to no effect."""
        return tuple(value * self.scale + self.offset for value in self.missing.passed_over)

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata, scale and offset applied."""
        window = Window.from_slices(rows, columns)
        try:
            with _opened(self.path) as dataset:
                stored = dataset.read(self.band, window=window, masked=self.missing.by_file)
            with np.errstate(invalid="ignore"):  # a signalling NaN is NaN all the same
                values = np.ma.filled(stored.astype(np.float64), np.nan)
            for value in self.missing.values:
                values[nodata.is_value(np.ma.getdata(stored), value)] = np.nan
            if self.missing.mask is not None:
                path, band = self.missing.mask
                with _opened(path) as mask:
                    values[mask.read(band, window=window) == 0] = np.nan
        except rasterio.errors.RasterioError as error:
            raise InputError(f"{self.path.name} cannot be read: {error}. Get it again.") from error
        if (self.scale, self.offset) == (1.0, 0.0):
            return values
        return values * self.scale + self.offset


def open_tiff(path: Path, *, band: int | None, missing: Sequence[float]) -> TiffBand:
    """Open a band of a GeoTIFF; see `minerisk.features.layers.bands.open_band`."""
    files = intake.layer_files(path)
    try:
        with _opened(path) as dataset:
            number = _chosen(path, dataset.count, band)
            _check_header(path, files, dataset)
            said = read_beside(path, files, band=number)
            transform = _transform(path, dataset, said)
            crs = _crs(path, dataset.crs, said)
            scale, offset = _linear(path, dataset, said, number)
            return TiffBand(
                path=path,
                band=number,
                crs=crs,
                transform=transform,
                shape=(int(dataset.height), int(dataset.width)),
                missing=_missing(path, dataset, said, number, missing),
                unit=units.stated(said.unit or dataset.units[number - 1]),
                unit_of_heights=said.unit is None and _has_heights(dataset),
                scale=scale,
                offset=offset,
                count=sum(band != ColorInterp.alpha for band in dataset.colorinterp),
            )
    except rasterio.errors.RasterioError as error:
        raise InputError(f"{path.name} cannot be read: {error}. Get it again.") from error


def _has_heights(dataset: Any) -> bool:
    return dataset.crs is not None and pyproj.CRS(dataset.crs.to_wkt()).is_compound


def _chosen(path: Path, count: int, band: int | None) -> int:
    number = 1 if band is None else band
    if not 1 <= number <= count:
        raise InputError(f"{path.name} has no band {number}; it has {count}. Set the layer's band.")
    return number


def _check_header(path: Path, files: Sequence[Path], dataset: Any) -> None:
    """Refuse what is no number, and what its header declares too much of."""
    if any("complex" in name for name in dataset.dtypes):
        raise InputError(
            f"{path.name} holds complex numbers; expected one number a cell. Export the part that "
            "is meant."
        )
    itemsize = max(np.dtype(name).itemsize for name in dataset.dtypes)
    cells = dataset.height * dataset.width
    declared = cells * dataset.count * itemsize
    check_declared_size(path, files, cells=cells, declared_bytes=declared)
    block_bytes = max(rows * columns for rows, columns in dataset.block_shapes) * itemsize
    check_block_size(path, block_bytes)


def _crs(path: Path, own: rasterio.crs.CRS | None, said: Beside) -> pyproj.CRS:
    if said.crs is None and own is None:
        raise intake.MissingCrsError(
            f"{path.name} has no CRS; it is never guessed. Store the raster with it."
        )
    text = said.crs or (own.to_wkt() if own is not None else "")
    return horizontal(parse_crs(text), name=path.name)


def _transform(path: Path, dataset: Any, said: Beside) -> Affine:
    transform = dataset.transform if said.transform is None else said.transform
    if transform.is_identity and said.world_file is not None:
        transform = said.world_file
    if transform.is_identity:
        points = bool(dataset.gcps[0]) or dataset.rpcs is not None
        what = "ground control points or RPCs only" if points else "no position (geotransform)"
        raise intake.MissingCrsError(
            f"{path.name} has {what}; its place is never guessed. Store the raster with its "
            "position, as gdalwarp does."
        )
    if transform.is_degenerate:
        raise InputError(f"{path.name} has cells without an area. Correct its geotransform.")
    return transform


def _linear(path: Path, dataset: Any, said: Beside, band: int) -> tuple[float, float]:
    scale = float(dataset.scales[band - 1] if said.scale is None else said.scale)
    offset = float(dataset.offsets[band - 1] if said.offset is None else said.offset)
    if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
        raise InputError(
            f"{path.name} states the scale {scale} and the offset {offset}, by which no value "
            "remains. Correct them."
        )
    return scale, offset


def _missing(path: Path, dataset: Any, said: Beside, band: int, given: Sequence[float]) -> Missing:
    """Decide what tells that a cell was not measured, in the order that GDAL has.

    A mask inside the TIFF, a mask beside it, nodata beside it, its own nodata, an alpha band.
    """
    flags = set(dataset.mask_flag_enums[band - 1])
    own, beside = dataset.nodatavals[band - 1], said.nodata
    declared = tuple(value for value in (beside, own) if value is not None)
    _refuse_fractions(path, dataset.dtypes[band - 1], declared)
    values = tuple(given)
    if flags == {MaskFlags.per_dataset}:
        return Missing(by_file=True, values=values, passed_over=declared)
    if said.mask is not None:
        mask = (said.mask, _mask_band(said.mask, dataset, band))
        return Missing(by_file=False, values=values, mask=mask, passed_over=declared)
    if declared:
        return Missing(by_file=False, values=(*values, declared[0]), passed_over=declared[1:])
    # An alpha band, or nodata for all bands at once.
    return Missing(by_file=flags != {MaskFlags.all_valid}, values=values)


def _refuse_fractions(path: Path, dtype: str, declared: Sequence[float]) -> None:
    """Refuse a nodata value that programs round to different whole numbers."""
    wrong = [value for value in declared if math.isfinite(value) and value != round(value)]
    if wrong and np.dtype(dtype).kind != "f":
        raise InputError(
            f"{path.name} declares the nodata value {wrong[0]}, which its whole numbers ({dtype}) "
            "cannot hold. Declare it anew."
        )


def _mask_band(path: Path, dataset: Any, band: int) -> int:
    """Check a mask beside a TIFF, and return which of its bands is the one of a band."""
    if not intake.begins_like_tiff(path):
        raise InputError(f"{path.name} is not a TIFF; expected the mask that GDAL writes.")
    with _opened(path) as mask:
        flags = mask.tags().get(f"INTERNAL_MASK_FLAGS_{band}", "")
        number = 1 if flags.isdigit() and int(flags) & _PER_DATASET else band
        if not flags.isdigit() or mask.shape != dataset.shape or number > mask.count:
            raise InputError(
                f"{path.name} is no mask of its raster: expected the same number of rows and "
                "columns, and what GDAL notes on it. Write the mask into the raster, or move it "
                "away."
            )
        _check_header(path, [path], mask)
    return number
