"""How far two files are apart in their numbers, where their bytes are not the same."""

import filecmp
import math
import re
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
import xarray as xr
from numpy.typing import ArrayLike

from minerisk.features.cube.store import open_store
from minerisk.features.errors import MineriskError
from minerisk.features.files.geopackage import check_geopackage
from minerisk.features.grid import strips
from minerisk.pipelines.formats.cog import count_bands, raster_grid, read_raster_like
from minerisk.pipelines.run.readers import run_table

TOLERANCE = 1e-6
TEXTS = {".json", ".csv", ".lgb", ".html", ".yaml", ".xml", ".qml", ".sha256"}
_NUMBER = re.compile(r"[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?")


def largest_difference(one: Path, two: Path) -> float | None:
    """Compute the largest difference of two files' numbers, relative above 1 and absolute below.

    Folders are compared file by file, Zarr stores variable by variable.

    Returns
    -------
    float or None
        None where they differ in something else than numbers, or hold none.
    """
    try:
        return _largest(one, two)
    except (MineriskError, OSError, ValueError, KeyError, TypeError):
        return None


def _largest(one: Path, two: Path) -> float | None:
    if one.suffix == ".zarr":
        return _zarr(one, two)
    if one.is_dir():
        return _folder(one, two)
    if filecmp.cmp(one, two, shallow=False):
        return 0.0
    if one.suffix == ".tif":
        return _rasters(one, two)
    if one.suffix == ".parquet":
        return _tables(run_table(one), run_table(two))
    if one.suffix == ".gpkg":
        return _package(one, two)
    if one.suffix in TEXTS:
        return _texts(one.read_text(encoding="utf-8"), two.read_text(encoding="utf-8"))
    return None


def _folder(one: Path, two: Path) -> float | None:
    names = [
        {item.relative_to(side).as_posix() for item in side.rglob("*") if item.is_file()}
        for side in (one, two)
    ]
    if names[0] != names[1]:
        return None
    return _worst([_largest(one / name, two / name) for name in sorted(names[0])])


def _zarr(one: Path, two: Path) -> float | None:
    left, right = (open_store(path) for path in (one, two))
    if set(left.variables) != set(right.variables):
        return None
    return _worst([_variables(left[name], right[name]) for name in left])


def _variables(left: xr.DataArray, right: xr.DataArray) -> float | None:
    if left.shape != right.shape:
        return None
    if left.ndim != 2:
        return _arrays(left.to_numpy(), right.to_numpy())
    return _worst(
        [_arrays(left[rows].to_numpy(), right[rows].to_numpy()) for rows in strips(left.shape)]
    )


def _rasters(one: Path, two: Path) -> float | None:
    """Compare every band of two rasters of the same grid and bands."""
    grids = [raster_grid(path) for path in (one, two)]
    bands = [count_bands(path) for path in (one, two)]
    if grids[0] != grids[1] or bands[0] != bands[1]:
        return None
    return _worst(
        [
            _arrays(*(read_raster_like(path, grids[0][rows, :], band=band) for path in (one, two)))
            for band in range(1, bands[0] + 1)
            for rows in strips(grids[0].shape)
        ]
    )


def _package(one: Path, two: Path) -> float | None:
    for path in (one, two):
        check_geopackage(path)
    layers = [sorted(pyogrio.list_layers(path)[:, 0]) for path in (one, two)]
    if layers[0] != layers[1]:
        return None
    return _worst(
        [_frames(gpd.read_file(one, layer=n), gpd.read_file(two, layer=n)) for n in layers[0]]
    )


def _frames(left: gpd.GeoDataFrame, right: gpd.GeoDataFrame) -> float | None:
    if len(left) != len(right):
        return None
    if not isinstance(left, gpd.GeoDataFrame) or not isinstance(right, gpd.GeoDataFrame):
        return _tables(left, right)
    shapes = [shapely.get_coordinates(frame.geometry.array) for frame in (left, right)]
    rest = _tables(left.drop(columns="geometry"), right.drop(columns="geometry"))
    return _worst([_arrays(shapes[0], shapes[1]), rest])


def _tables(left: pd.DataFrame, right: pd.DataFrame) -> float | None:
    if list(left.columns) != list(right.columns) or len(left) != len(right):
        return None
    found: list[float | None] = [0.0]
    for name in left.columns:
        if pd.api.types.is_numeric_dtype(left[name]):
            found.append(_arrays(left[name].to_numpy(), right[name].to_numpy()))
        elif not left[name].astype(str).equals(right[name].astype(str)):
            return None
    return _worst(found)


def _arrays(left: ArrayLike, right: ArrayLike) -> float | None:
    one, two = np.asarray(left), np.asarray(right)
    if one.shape != two.shape:
        return None
    if one.dtype.kind not in "fiub":
        return 0.0 if np.array_equal(one, two) else None
    one, two = one.astype(np.float64), two.astype(np.float64)
    known = np.isfinite(one)
    if not np.array_equal(known, np.isfinite(two)):
        return math.inf
    one, two = one[known], two[known]
    return float((np.abs(one - two) / np.maximum(1.0, np.abs(one))).max(initial=0.0))


def _texts(left: str, right: str) -> float | None:
    """Compare texts that may differ in their numbers only."""
    if _NUMBER.split(left) != _NUMBER.split(right):
        return None
    pairs = [[float(word) for word in _NUMBER.findall(text)] for text in (left, right)]
    return _arrays(pairs[0], pairs[1])


def _worst(found: list[float | None]) -> float | None:
    return (
        None if None in found else max((value for value in found if value is not None), default=0.0)
    )
