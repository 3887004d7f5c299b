"""Rasters on disk: COGs that open styled, with nodata declared, written whole or not at all."""

import glob
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np
import rasterio
import rasterio.shutil
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.errors import RasterioError
from rasterio.windows import Window

from minerisk.features.errors import CoverError, InputError
from minerisk.pipelines.formats.palette import (
    OUTSIDE,
    PROBABILITY_RAMP,
    Legend,
    Ramp,
    marked_style,
    rgba,
)
from minerisk.pipelines.formats.pam import aux_xml
from minerisk.pipelines.formats.qml import raster_qml
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.provenance.files import replacing
from minerisk.pipelines.provenance.room import why_unwritable

BLOCK = 512
Values = NDArray[Any]
"""Of a raster on disk: float32 numbers with NaN, or uint8 codes with 255, by its style."""


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
    """Write a raster part by part; it becomes a COG with its style when all is written.

    The file appears under its name only when it is complete and read back; an error or an
    interrupt leaves whatever was there before.

    Parameters
    ----------
    path
        The ``.tif`` to make. ``.qml`` (style) and ``.tif.aux.xml`` (statistics) go beside it.
    geobox
        Where the cells are.
    description
        Of the band, or of each band.
    style
        A ramp for numbers: float32, nodata NaN. A legend for codes: uint8, nodata 255.
    unit
        Of the bands.
    tags
        Metadata of the file, such as the run.
    marks, texts
        What the raster says of itself in tags, in the description of each band and, in the words
        of `texts`, first in its legend. Only what is no result of a run is without them.
    scratch
        Folder on the same disk for what is not complete yet; none is that of `path`. Writers of
        one `path` at a time need one each.

    Examples
    --------
    ``with RasterWriter(path, geobox, description="…", style=PROBABILITY_RAMP) as raster:``
    ``    raster.write(block, row=0)``
    """

    def __init__(
        self,
        path: Path,
        geobox: GeoBox,
        *,
        description: str | Sequence[str],
        style: Ramp | Legend,
        unit: str = "1",
        tags: Mapping[str, str] | None = None,
        marks: Marks | None = None,
        texts: Texts = ENGLISH,
        scratch: Path | None = None,
    ) -> None:
        self.path, self.geobox, self.style = path, geobox, style
        self.descriptions = (description,) if isinstance(description, str) else tuple(description)
        self.unit, self.tags = unit, dict(tags or {})
        self._said = {} if marks is None else marks.tags
        if marks is not None:
            self.tags |= marks.tags
            self.style = marked_style(style, marks.words(texts))
            first = f"{marks.brief}: " if marks.brief else ""
            self.descriptions = tuple(first + words for words in self.descriptions)
        self.dtype = "uint8" if isinstance(style, Legend) else "float32"
        self._scratch = scratch or path.parent
        self._draft = self._scratch / f".{path.name}.draft.tif"
        self._valid = 0

    def __enter__(self) -> Self:
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._draft.unlink(missing_ok=True)  # a link would be written through
        bands = len(self.descriptions)
        try:
            self._dataset = rasterio.open(
                self._draft,
                "w",
                driver="GTiff",
                height=self.geobox.height,
                width=self.geobox.width,
                count=bands,
                dtype=self.dtype,
                crs=str(self.geobox.crs),
                transform=self.geobox.transform,
                nodata=OUTSIDE if self.dtype == "uint8" else math.nan,
                photometric="MINISBLACK" if bands > 1 else None,  # never red, green and blue
                tiled=True,
                blockxsize=BLOCK,
                blockysize=BLOCK,
                compress="zstd",
                zstd_level=1,
                bigtiff="if_safer",
            )
        except RasterioError as failure:
            raise self._unwritable(failure) from failure
        for band, words in enumerate(self.descriptions, start=1):
            self._dataset.set_band_description(band, words)
            self._dataset.set_band_unit(band, self.unit)
        self._dataset.update_tags(**self.tags)
        if isinstance(self.style, Legend) and bands == 1:  # a TIFF has colours for one band only
            table = {code: rgba(colour) for code, colour in self.style.colours.items()}
            self._dataset.write_colormap(1, table | {OUTSIDE: (0, 0, 0, 0)})
        return self

    def write(self, block: Values, *, row: int, column: int = 0) -> None:
        """Write a part whose upper left cell is (`row`, `column`).

        Parameters
        ----------
        block
            Shape ``(height, width)``, or ``(bands, height, width)``.

        Raises
        ------
        InputError
            If the part leaves the grid, or is not of the raster's dtype or bands.
        """
        bands = block if block.ndim == 3 else block[np.newaxis]
        count, height, width = bands.shape
        if row < 0 or column < 0:
            raise InputError(f"Window starts at row {row}, column {column}; expected 0 or more.")
        if row + height > self.geobox.height or column + width > self.geobox.width:
            raise InputError(
                f"A window of {block.shape} at ({row}, {column}) leaves the grid of "
                f"{tuple(self.geobox.shape)}."
            )
        if block.dtype != self.dtype or count != len(self.descriptions):
            raise InputError(
                f"A window is {count} band(s) of {block.dtype}; {self.path.name} has "
                f"{len(self.descriptions)} of {self.dtype}."
            )
        self._valid += int(np.count_nonzero(_valid(block)))
        self._dataset.write(bands, window=Window(column, row, width, height))

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
            for leftover in self._draft.parent.glob(f"{glob.escape(self._draft.name)}*"):
                leftover.unlink(missing_ok=True)

    def _unwritable(self, failure: RasterioError) -> InputError:
        return InputError(
            f"{self.path} could not be written ({failure}). {why_unwritable(self.path)}"
        )

    def _finish(self) -> None:
        codes = isinstance(self.style, Legend)
        with replacing(self.path, scratch=self._scratch) as partial:
            rasterio.shutil.copy(
                self._draft,
                partial,
                driver="COG",
                COMPRESS="DEFLATE",
                PREDICTOR="NO" if codes else "YES",
                LEVEL="6",
                BLOCKSIZE=str(BLOCK),
                OVERVIEW_RESAMPLING="MODE" if codes else "AVERAGE",
                NUM_THREADS="1",
                BIGTIFF="IF_SAFER",
            )
            found = [statistics(partial, band + 1) for band in range(len(self.descriptions))]
            if sum(band.valid for band in found) != self._valid:
                raise InputError(
                    f"{self.path} reads back {sum(band.valid for band in found):,} cells with a "
                    f"value; {self._valid:,} were written. Write every cell once. "
                    f"{why_unwritable(self.path)}"
                )
            legend = self.style if isinstance(self.style, Legend) else None
            _, style, side = raster_files(self.path)
            self._write_beside(side, aux_xml(_pam_statistics(found[0]), legend, self._said))
            self._write_beside(style, raster_qml(self.style))

    def _write_beside(self, path: Path, content: str) -> None:
        with replacing(path, scratch=self._scratch) as partial:
            partial.write_text(content, encoding="utf-8")


def raster_files(path: Path) -> list[Path]:
    """Name what `RasterWriter` writes: the raster, its style, its statistics."""
    return [path, path.with_suffix(".qml"), path.with_name(path.name + ".aux.xml")]


def write_raster(
    path: Path,
    array: Values,
    geobox: GeoBox,
    *,
    description: str,
    style: Ramp | Legend = PROBABILITY_RAMP,
    unit: str = "1",
    tags: Mapping[str, str] | None = None,
    marks: Marks | None = None,
    texts: Texts = ENGLISH,
) -> Path:
    """Write a whole raster; see `RasterWriter` for what each argument means.

    `array` has shape ``(height, width)``: floats for a ramp, uint8 for a legend. The same array
    gives the same bytes.
    """
    if array.shape != tuple(geobox.shape):
        raise InputError(
            f"The array has shape {array.shape}; the grid of {path.name} is {tuple(geobox.shape)}."
        )
    numbers = not isinstance(style, Legend) and np.issubdtype(array.dtype, np.floating)
    with RasterWriter(
        path,
        geobox,
        description=description,
        style=style,
        unit=unit,
        tags=tags,
        marks=marks,
        texts=texts,
    ) as raster:
        raster.write(array.astype(np.float32) if numbers else array, row=0)
    return path


def read_raster(path: Path) -> tuple[Values, GeoBox]:
    """Read a whole one-band GeoTIFF: float32 with NaN, or uint8 classes as they are."""
    with _opened(path) as dataset:
        return _band(dataset), _geobox(dataset)


def raster_grid(path: Path) -> GeoBox:
    """Read the grid of a raster."""
    with _opened(path) as dataset:
        return _geobox(dataset)


def count_bands(path: Path) -> int:
    """Count the bands of a raster."""
    with _opened(path) as dataset:
        return int(dataset.count)


def read_raster_like(path: Path, geobox: GeoBox, *, band: int = 1) -> Values:
    """Read the cells of `geobox` from a raster on the same lattice (same CRS, cells, edges).

    Raises
    ------
    CoverError
        If the raster has another lattice, or does not cover the grid.
    """
    with _opened(path) as dataset:
        return _band(dataset, _window_of(geobox, _geobox(dataset), path), band)


def check_cover(path: Path, geobox: GeoBox) -> None:
    """Refuse a raster from which `read_raster_like` cannot read a grid.

    Raises
    ------
    CoverError
        If the raster has another lattice, or does not cover the grid.
    """
    _window_of(geobox, raster_grid(path), path)


def _window_of(geobox: GeoBox, whole: GeoBox, path: Path) -> Window:
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
    return window


def statistics(path: Path, band: int = 1) -> Statistics:
    """Compute the statistics of the valid cells of a band, strip by strip, in float64."""
    total = square = 0.0
    low, high, count = math.inf, -math.inf, 0
    with _opened(path) as dataset:
        for row in range(0, dataset.height, BLOCK):
            rows = min(BLOCK, dataset.height - row)
            block = dataset.read(band, window=Window(0, row, dataset.width, rows))
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


def _valid(block: Values) -> NDArray[np.bool_]:
    return block != OUTSIDE if block.dtype == np.uint8 else np.isfinite(block)


@contextmanager
def _opened(path: Path) -> Iterator[rasterio.DatasetReader]:
    try:
        with rasterio.open(path, driver="GTiff") as dataset:
            yield dataset
    except RasterioError as failure:
        raise InputError(f"{path} cannot be read as a GeoTIFF: {failure}") from failure


def _geobox(dataset: rasterio.DatasetReader) -> GeoBox:
    return GeoBox((dataset.height, dataset.width), dataset.transform, str(dataset.crs))


def _band(dataset: rasterio.DatasetReader, window: Window | None = None, band: int = 1) -> Values:
    block = dataset.read(band, window=window)
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
