"""One band of a raster: opened after checking its file, read by windows as float64 with NaN."""

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.layers import intake
from minerisk.features.layers.tiff_bands import open_tiff

Floats = NDArray[np.float64]


class Band(Protocol):
    """One georeferenced band: where it is, and its values by window."""

    @property
    def crs(self) -> pyproj.CRS:
        """The CRS of the transform, horizontal."""

    @property
    def transform(self) -> Affine:
        """Column and row to easting and northing."""

    @property
    def shape(self) -> tuple[int, int]:
        """Height and width."""

    @property
    def unit(self) -> str | None:
        """The unit of the values, where the file states one."""

    @property
    def unit_of_heights(self) -> bool:
        """Whether the unit may be that of the vertical CRS alone, and not of the values."""

    @property
    def count(self) -> int:
        """How many bands there are to choose from."""

    @property
    def passed_over(self) -> tuple[float, ...]:
        """Values that the file declares as nodata, while its mask says that they were measured."""

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata, scale and offset applied."""


def open_band(
    path: Path,
    *,
    band: int | None = None,
    variable: str | None = None,
    nodata: Sequence[float] = (),
) -> Band:
    """Open one band, its header checked before any value is read.

    Parameters
    ----------
    path
        A path that `minerisk.features.layers.intake.checked_path` let through.
    band
        Number of the band, from 1: of a GeoTIFF, the first where none is given; of a Zarr array,
        along a dimension other than northing and easting that is longer than 1.
    variable
        Name of the Zarr array; not needed where the folder holds a single one.
    nodata
        Values that mean that nothing was measured, as they are stored, besides those that the
        file declares.

    Raises
    ------
    InputError
        If it has no CRS or no position, no such band, or declares more than is taken.
    """
    intake.sniff(path)
    # In a process that may die of it; what has been opened there once is opened here.
    process.words_of(crs_name_here, path, band=band, variable=variable, nodata=list(nodata))
    return open_here(path, band=band, variable=variable, nodata=nodata)


def crs_name_here(
    path: Path, *, band: int | None, variable: str | None, nodata: Sequence[float]
) -> list[str]:
    """Open one band in this process and name its CRS."""
    return [open_here(path, band=band, variable=variable, nodata=nodata).crs.name]


def open_here(
    path: Path, *, band: int | None, variable: str | None, nodata: Sequence[float]
) -> Band:
    """Open one band in this process, as `open_band` does after it was opened in one with limits."""
    kind = intake.kind_of(path)
    if kind == "GTiff":
        return open_tiff(path, band=band, missing=nodata)
    if kind == "Zarr":
        from minerisk.features.layers.zarr_bands import open_zarr  # zarr, which a TIFF needs not

        return open_zarr(path, variable=variable, band=band, missing=nodata)
    raise InputError(f"{path.name} is a vector file; expected a GeoTIFF or Zarr raster.")
