"""Rasters on disk: COGs that open styled, with nodata declared, written whole or not at all."""

import math
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from minerisk.features.errors import CoverError, InputError
from minerisk.pipelines.formats.palette import OUTSIDE, PROBABILITY_RAMP, Ramp, rgba
from minerisk.pipelines.formats.pam import aux_xml
from minerisk.pipelines.formats.qml import class_qml, ramp_qml
from minerisk.pipelines.provenance.files import write_whole

BLOCK = 512


@dataclass(frozen=True)
class Statistics:
    """What the valid cells of a raster hold."""

    minimum: float
    maximum: float
    mean: float
    deviation: float
    valid: int
    cells: int


class RasterWriter:
    """Write a raster window by window; it becomes a COG with its style when all is written.

    The file appears under its name only when it is complete and read back; an error or an
    interrupt leaves whatever was there before.

    Parameters
    ----------
    path
        The ``.tif`` to make. ``.qml`` (style) and ``.tif.aux.xml`` (statistics) go beside it.
    geobox
        Where the cells are.
    dtype
        ``float32`` (nodata NaN) or ``uint8`` (nodata 255).
    description, unit
        Of the band.
    tags
        Metadata of the file, such as the run and whether findings are simulated.
    colormap
        ``uint8``: class code to ``#rrggbb``. ``float32``: steps as in `formats.palette`; none is
        the probability scale.
    categories
        ``uint8``: class code to words.
    scratch
        Folder on the same disk for what is not complete yet; none is that of `path`. Writers of
        one `path` at a time need one each.

    Examples
    --------
    ``with RasterWriter(path, geobox, dtype="float32", description="…", unit="1") as raster:``
    ``    raster.write(block, row=0)``
    """

    def __init__(
        self,
        path: Path,
        geobox: GeoBox,
        *,
        dtype: str,
        description: str,
        unit: str,
        tags: Mapping[str, str] | None = None,
        nodata: float | None = None,
        colormap: Mapping[int, str] | Ramp | None = None,
        categories: Mapping[int, str] | None = None,
        scratch: Path | None = None,
    ) -> None:
        expected = {"float32": math.nan, "uint8": float(OUTSIDE)}
        if dtype not in expected:
            raise InputError(f"Rasters are float32 or uint8; {path.name} is {dtype}. Convert it.")
        if nodata is not None and not _same(nodata, expected[dtype]):
            raise InputError(
                f"The nodata of {path.name} is {nodata}; expected {expected[dtype]:g} for {dtype}."
            )
        self.path, self.geobox, self.dtype = path, geobox, dtype
        self.nodata = expected[dtype]
        self.description, self.unit = description, unit
        self.tags = dict(tags or {})
        self.colormap, self.categories = colormap, dict(categories or {})
        scratch = scratch or path.parent
        self._draft = scratch / f".{path.name}.draft.tif"
        self._cog = scratch / f".{path.name}.partial.tif"
        self._valid = 0
        self._dataset: Any = None

    def __enter__(self) -> "RasterWriter":
        self.path.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._dataset = rasterio.open(
                self._draft,
                "w",
                driver="GTiff",
                height=self.geobox.height,
                width=self.geobox.width,
                count=1,
                dtype=self.dtype,
                crs=str(self.geobox.crs),
                transform=self.geobox.transform,
                nodata=self.nodata,
                tiled=True,
                blockxsize=BLOCK,
                blockysize=BLOCK,
                compress="zstd",
                zstd_level=1,
                bigtiff="if_safer",
            )
        except RasterioError as failure:
            raise self._unwritable(failure) from failure
        self._dataset.set_band_description(1, self.description)
        self._dataset.set_band_unit(1, self.unit)
        self._dataset.update_tags(**self.tags)
        if self.dtype == "uint8" and isinstance(self.colormap, Mapping):
            table = {code: rgba(colour) for code, colour in self.colormap.items()}
            self._dataset.write_colormap(1, table | {OUTSIDE: (0, 0, 0, 0)})
        return self

    def write(self, block: NDArray[Any], *, row: int, column: int = 0) -> None:
        """Write a window whose upper left cell is (`row`, `column`).

        Raises
        ------
        InputError
            If the window leaves the grid, or is not of the raster's dtype.
        """
        height, width = block.shape
        if row < 0 or column < 0:
            raise InputError(f"Window starts at row {row}, column {column}; expected 0 or more.")
        if row + height > self.geobox.height or column + width > self.geobox.width:
            raise InputError(
                f"A window of {block.shape} at ({row}, {column}) leaves the grid of "
                f"{tuple(self.geobox.shape)}."
            )
        if block.dtype != self.dtype:
            raise InputError(f"A window is {block.dtype}; {self.path.name} is {self.dtype}.")
        self._valid += int(np.count_nonzero(_valid(block)))
        self._dataset.write(block, 1, window=Window(column, row, width, height))

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        try:
            self._dataset.close()
            if kind is None:
                self._finish()
            elif isinstance(error, RasterioError):
                raise self._unwritable(error) from error
        except RasterioError as failure:
            raise self._unwritable(failure) from failure
        finally:
            for leftover in self._draft.parent.glob(f".{self.path.name}.*.tif*"):
                leftover.unlink(missing_ok=True)

    def _unwritable(self, failure: RasterioError) -> InputError:
        return InputError(
            f"{self.path} could not be written ({failure}). Check that the disk has room and that "
            "the folder may be written to."
        )

    def _finish(self) -> None:
        classes = self.dtype == "uint8"
        rasterio.shutil.copy(
            self._draft,
            self._cog,
            driver="COG",
            COMPRESS="DEFLATE",
            PREDICTOR="NO" if classes else "YES",
            LEVEL="6",
            BLOCKSIZE=str(BLOCK),
            OVERVIEW_RESAMPLING="MODE" if classes else "AVERAGE",
            NUM_THREADS="1",
            BIGTIFF="IF_SAFER",
        )
        found = statistics(self._cog)
        if found.valid != self._valid:
            raise InputError(
                f"{self.path} reads back {found.valid:,} cells with a value; {self._valid:,} were "
                "written. Check that the disk has room, and write every cell once."
            )
        write_whole(
            self.path.with_name(self.path.name + ".aux.xml"),
            aux_xml(_pam_statistics(found), self.categories, self.colormap),
        )
        if classes and isinstance(self.colormap, Mapping):
            write_whole(self.path.with_suffix(".qml"), class_qml(self.colormap, self.categories))
        elif not classes and not isinstance(self.colormap, Mapping):
            write_whole(self.path.with_suffix(".qml"), ramp_qml(self.colormap or PROBABILITY_RAMP))
        _settle(self._cog, self.path)


def write_raster(
    path: Path,
    array: NDArray[Any],
    geobox: GeoBox,
    *,
    description: str,
    unit: str,
    tags: Mapping[str, str] | None = None,
    nodata: float | None = None,
    colormap: Mapping[int, str] | Ramp | None = None,
    categories: Mapping[int, str] | None = None,
) -> Path:
    """Write a whole raster; see `RasterWriter` for what each argument means.

    `array` has shape ``(height, width)``; floats are stored as float32 with NaN nodata, classes as
    uint8 with nodata 255. The same array gives the same bytes.
    """
    dtype = "uint8" if array.dtype == np.uint8 else "float32"
    if array.shape != tuple(geobox.shape):
        raise InputError(
            f"The array has shape {array.shape}; the grid of {path.name} is {tuple(geobox.shape)}."
        )
    with RasterWriter(
        path,
        geobox,
        dtype=dtype,
        description=description,
        unit=unit,
        tags=tags,
        nodata=nodata,
        colormap=colormap,
        categories=categories,
    ) as raster:
        raster.write(np.ascontiguousarray(array, dtype=dtype), row=0)
    return path


def read_raster(path: Path) -> tuple[NDArray[Any], GeoBox]:
    """Read a whole one-band GeoTIFF: float32 with NaN, or uint8 classes as they are."""
    with _opened(path) as dataset:
        return _band(dataset, None), _geobox(dataset)


def raster_grid(path: Path) -> GeoBox:
    """Give the grid of a raster."""
    with _opened(path) as dataset:
        return _geobox(dataset)


def read_raster_like(path: Path, geobox: GeoBox) -> NDArray[Any]:
    """Read the cells of `geobox` from a raster on the same lattice (same CRS, cells, edges).

    Raises
    ------
    CoverError
        If the raster has another lattice, or does not cover the grid.
    """
    with _opened(path) as dataset:
        whole = _geobox(dataset)
        column = (geobox.transform.c - whole.transform.c) / whole.transform.a
        row = (geobox.transform.f - whole.transform.f) / whole.transform.e
        window = Window(round(column), round(row), geobox.width, geobox.height)
        same = whole.crs == geobox.crs and whole.resolution == geobox.resolution
        if not same or max(abs(column - round(column)), abs(row - round(row))) > 1e-3:
            raise CoverError(
                f"{path.name} is on another grid ({whole.crs}, {whole.resolution.x:g} m) than "
                f"asked for ({geobox.crs}, {geobox.resolution.x:g} m). Use rasters of one run."
            )
        inside = window.row_off >= 0 and window.col_off >= 0
        if not inside or window.row_off + window.height > whole.height:
            raise CoverError(f"{path.name} does not cover the grid asked for.")
        if window.col_off + window.width > whole.width:
            raise CoverError(f"{path.name} does not cover the grid asked for.")
        return _band(dataset, window)


def raster_tags(path: Path) -> dict[str, str]:
    """Give the metadata tags of a raster."""
    with _opened(path) as dataset:
        return dict(dataset.tags())


def statistics(path: Path) -> Statistics:
    """Compute the statistics of the valid cells, strip by strip, in float64."""
    total = square = 0.0
    low, high, count = math.inf, -math.inf, 0
    with _opened(path) as dataset:
        for row in range(0, dataset.height, BLOCK):
            rows = min(BLOCK, dataset.height - row)
            block = dataset.read(1, window=Window(0, row, dataset.width, rows))
            values = block[_valid(block)].astype(np.float64)
            if values.size:
                low, high = min(low, float(values.min())), max(high, float(values.max()))
                total += float(values.sum())
                square += float(np.square(values).sum())
                count += values.size
        cells = dataset.height * dataset.width
    if not count:
        return Statistics(math.nan, math.nan, math.nan, math.nan, 0, cells)
    mean = total / count
    return Statistics(
        low, high, mean, math.sqrt(max(square / count - mean * mean, 0)), count, cells
    )


def _settle(partial: Path, path: Path) -> None:
    with partial.open("rb+") as stream:
        os.fsync(stream.fileno())
    partial.replace(path)


def _same(left: float, right: float) -> bool:
    return left == right or (math.isnan(left) and math.isnan(right))


def _valid(block: NDArray[Any]) -> NDArray[np.bool_]:
    return block != OUTSIDE if block.dtype == np.uint8 else np.isfinite(block)


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            yield dataset
    except RasterioError as failure:
        raise InputError(f"{path} cannot be read as a GeoTIFF: {failure}") from failure


def _geobox(dataset: Any) -> GeoBox:
    return GeoBox((dataset.height, dataset.width), dataset.transform, str(dataset.crs))


def _band(dataset: Any, window: Window | None) -> NDArray[Any]:
    block = dataset.read(1, window=window)
    if block.dtype == np.uint8:
        return block
    values = block.astype(np.float32, copy=False)
    if dataset.nodata is not None and not math.isnan(dataset.nodata):
        values[block == dataset.nodata] = np.nan
    return values


def _pam_statistics(found: Statistics) -> dict[str, str]:
    if not found.valid:
        return {}
    return {
        "STATISTICS_MINIMUM": f"{found.minimum:.9g}",
        "STATISTICS_MAXIMUM": f"{found.maximum:.9g}",
        "STATISTICS_MEAN": f"{found.mean:.9g}",
        "STATISTICS_STDDEV": f"{found.deviation:.9g}",
        "STATISTICS_VALID_PERCENT": f"{100 * found.valid / found.cells:.4g}",
    }
