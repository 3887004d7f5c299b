"""The labels of a run on disk, and the regions that labelled land is left out by."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import xarray as xr
import zarr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy.spatial import cKDTree

from minerisk.features.cube.zarr_files import put_in_place
from minerisk.features.grid import STRIP, Mask, cell_centres, strips
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.regions import cluster_regions, join_thin_groups

GROUPING_M = 5_000.0
SLIVER = 0.05


def write_labels(
    path: Path,
    geobox: GeoBox,
    inside: Mask,
    *,
    label: Callable[[GeoBox], xr.Dataset],
    grouping: gpd.GeoDataFrame | None,
    count: int,
    seed: int,
) -> int:
    """Label a study area strip by strip, and number the regions that are left out whole.

    Parameters
    ----------
    path
        The Zarr store. It appears whole or not at all.
    geobox, inside
        The grid, and its cells in the study area, shape ``(height, width)``.
    label
        Labels the cells of a part of the grid, as `minerisk.features.evidence.labels.label_cells`.
    grouping
        Polygons that regions are made of; none takes squares of 5 km.
    count, seed
        How many regions, at most, and the seed of the k-means that makes them.

    Returns
    -------
    int
        How many regions there are. ``region`` in the store is -1 where nothing is labelled.
    """
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    easting, northing = cell_centres(geobox)
    tallies = []
    for block in strips(geobox.shape):
        part = label(geobox[block, :]).assign_coords(y=northing[block])
        part["state"] = part["state"].where(inside[block], -1).astype(np.int8)
        state = part["state"].to_numpy()
        part["region"] = (("y", "x"), np.full(state.shape, -1, dtype=np.int32))
        _append(part, partial, first=block.start == 0)
        rows, columns = np.nonzero(state >= 0)
        centres = np.column_stack([easting[columns], northing[block][rows]])
        unit = _units(geobox[block, :], grouping, rows, columns, centres)
        tallies.append(_tally(unit, state[rows, columns] == 1, centres))
    units, region = _regions(np.concatenate(tallies), count=count, seed=seed)
    store: Any = zarr.open_group(partial, mode="r+")
    for block in strips(geobox.shape):
        rows, columns = np.nonzero(store["state"][block] >= 0)
        centres = np.column_stack([easting[columns], northing[block][rows]])
        unit = _units(geobox[block, :], grouping, rows, columns, centres)
        own = np.full((block.stop - block.start, geobox.width), -1, dtype=np.int32)
        own[rows, columns] = region[np.searchsorted(units, unit)]
        store["region"][block] = own
    put_in_place(partial, path)
    return int(region.max(initial=-1)) + 1


def _append(part: xr.Dataset, path: Path, *, first: bool) -> None:
    if not first:
        part.to_zarr(path, mode="a", append_dim="y", consolidated=False)
        return
    height, width = part["state"].shape
    chunks = (height, min(STRIP, width))
    encoding = {name: {"chunks": chunks} for name in part.data_vars}
    part.to_zarr(path, mode="w", zarr_format=3, consolidated=False, encoding=encoding)


def _units(
    geobox: GeoBox,
    grouping: gpd.GeoDataFrame | None,
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
    centres: NDArray[np.float64],
) -> NDArray[np.int64]:
    """Return for each cell the number of its square or polygon, which is left out whole."""
    if grouping is None:
        return assign_blocks(centres, block_m=GROUPING_M)
    return polygon_numbers(geobox, grouping)[rows, columns].astype(np.int64)


def polygon_numbers(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.int32]:
    """Find for each cell the row of the polygon that holds its centre; -1 where none does."""
    shapes = [(shape, number) for number, shape in enumerate(frame.geometry)]
    return rasterize(
        shapes,
        out_shape=tuple(geobox.shape),
        transform=geobox.transform,
        fill=-1,
        dtype="int32",
    )


TALLY = np.dtype(
    [("unit", np.int64), ("cells", np.int64), ("positive", np.int64), ("sum", np.float64, 2)]
)


def _tally(
    unit: NDArray[np.int64], positive: NDArray[np.bool_], centres: NDArray[np.float64]
) -> NDArray[np.void]:
    """Add up cells, positives and coordinates of each unit; half metres add up exactly."""
    units, index = np.unique(unit, return_inverse=True)
    found = np.zeros(len(units), dtype=TALLY)
    found["unit"] = units
    found["cells"] = np.bincount(index, minlength=len(units))
    found["positive"] = np.bincount(index, weights=positive, minlength=len(units))
    for axis in (0, 1):
        found["sum"][:, axis] = np.bincount(index, weights=centres[:, axis], minlength=len(units))
    return found


def _added(parts: NDArray[np.void], index: NDArray[np.int64], count: int) -> NDArray[np.void]:
    """Add up tallies of the same group."""
    found = np.zeros(count, dtype=TALLY)
    for name in ("cells", "positive", "sum"):
        np.add.at(found[name], index, parts[name])
    return found


def _regions(
    tallies: NDArray[np.void], *, count: int, seed: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return the units, ascending, and the number of the region of each.

    Units are grouped by k-means; slivers follow the region nearest to them. Regions without a
    positive or a negative cell are joined to others.
    """
    units, index = np.unique(tallies["unit"], return_inverse=True)
    if not len(units):
        return units, units
    unit = _added(tallies, index, len(units))
    middle = unit["sum"] / unit["cells"][:, None]
    whole = unit["cells"] >= SLIVER * np.median(unit["cells"])
    region = np.empty(len(units), dtype=np.int64)
    region[whole] = cluster_regions(middle[whole], count=min(count, int(whole.sum())), seed=seed)
    _, nearest = cKDTree(middle[whole]).query(middle[~whole])
    region[~whole] = region[whole][nearest]
    group = _added(unit, region, int(region.max()) + 1)
    joined = join_thin_groups(group["cells"], group["positive"], group["sum"])[region]
    return units, np.unique(joined, return_inverse=True)[1]
