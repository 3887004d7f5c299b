"""The coarsened copy that may go to the public: larger cells, no place finer than a cell."""

import geopandas as gpd
import numpy as np
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize, shapes
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from minerisk.features.errors import InputError
from minerisk.features.grid import M2_PER_HA
from minerisk.pipelines.formats.palette import CANNOT_SAY, ELEVATED, HIGHER, LOWER, OUTSIDE
from minerisk.pipelines.language.marks import MARK_COLUMNS
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.run.folder import Run

FACTOR = 4
TASK_COLUMNS = (
    "task",
    *MARK_COLUMNS,
    "arm",
    "rank",
    "band",
    "hectares",
    "expected_finds",
    "probability",
    "lower",
    "upper",
)
"""What the public learns of a task; anything else may lead to a finding."""


def coarse_geobox(geobox: GeoBox, factor: int = FACTOR) -> GeoBox:
    """Return the grid of `factor` times larger cells that holds `geobox`.

    Its edges are whole multiples of the large cell, whatever was asked for: cells of two requests
    are the same cells, and one cannot be taken from the other to see finer.
    """
    cell = geobox.transform.a * factor
    left, bottom, right, top = geobox.boundingbox
    west, north = np.floor(left / cell + 1e-9) * cell, np.ceil(top / cell - 1e-9) * cell
    width = round(float(np.ceil((right - west) / cell - 1e-9)))
    height = round(float(np.ceil((north - bottom) / cell - 1e-9)))
    return GeoBox((height, width), Affine(cell, 0, west, 0, -cell, north), str(geobox.crs))


def coarsen_mean(values: NDArray[np.float32], geobox: GeoBox) -> NDArray[np.float32]:
    """Compute the mean of the cells with a value in each large cell, NaN where there is none."""
    blocks = _blocks(values, geobox, np.nan).astype(np.float64)
    known = np.isfinite(blocks)
    count = known.sum(axis=(1, 3))
    total = np.where(known, blocks, 0.0).sum(axis=(1, 3))
    with np.errstate(invalid="ignore"):
        return np.where(count > 0, total / count, np.nan).astype(np.float32)


def coarsen_highest(values: NDArray[np.float32], geobox: GeoBox) -> NDArray[np.float32]:
    """Find the highest value in each large cell, NaN where there is none."""
    blocks = _blocks(values, geobox, np.nan)
    filled = np.where(np.isfinite(blocks), blocks, -np.inf).max(axis=(1, 3))
    return np.where(np.isfinite(filled), filled, np.nan).astype(np.float32)


def coarsen_any(values: NDArray[np.bool_], geobox: GeoBox) -> NDArray[np.bool_]:
    """Find for each large cell whether any of its cells is true."""
    return np.asarray(_blocks(values, geobox, False).any(axis=(1, 3)))


def coarsen_classes(classes: NDArray[np.uint8], geobox: GeoBox) -> NDArray[np.uint8]:
    """Find the class of each large cell.

    The highest class that any of its cells has; but where none is higher or elevated, one cell of
    cannot_say makes all of it cannot_say: it is never shown as lower.
    """
    blocks = _blocks(classes, geobox, OUTSIDE)
    found = np.full((blocks.shape[0], blocks.shape[2]), OUTSIDE, dtype=np.uint8)
    for code in (LOWER, CANNOT_SAY, ELEVATED, HIGHER):
        found[(blocks == code).any(axis=(1, 3))] = code
    return found


def coarsen_tasks(tasks: gpd.GeoDataFrame, geobox: GeoBox) -> gpd.GeoDataFrame:
    """Redraw tasks as the large cells they touch, without what could lead to a finding.

    Parameters
    ----------
    tasks
        In the CRS of `geobox`.
    geobox
        Grid of the fine cells.
    """
    large = coarse_geobox(geobox)
    kept = tasks[[name for name in TASK_COLUMNS if name in tasks.columns]].reset_index(drop=True)
    shapes_of = [_touched(task, large) for task in tasks.geometry]
    found = gpd.GeoDataFrame(kept, geometry=shapes_of, crs=tasks.crs)
    inner = found.geometry.representative_point().to_crs("EPSG:4326")
    found["longitude"], found["latitude"] = inner.x.round(6), inner.y.round(6)
    found["hectares"] = found.geometry.area / M2_PER_HA
    return found[[*(name for name in found.columns if name != "geometry"), "geometry"]]


def _touched(task: BaseGeometry, large: GeoBox) -> BaseGeometry:
    burnt = rasterize(
        [(task, 1)],
        out_shape=tuple(large.shape),
        transform=large.transform,
        all_touched=True,
        dtype="uint8",
    )
    found = [shape(part) for part, _ in shapes(burnt, mask=burnt == 1, transform=large.transform)]
    if not found:
        raise InputError("A task lies outside the rasters of its run. Prioritize again.")
    return unary_union(found)


def _blocks(values: NDArray[np.generic], geobox: GeoBox, nodata: float) -> NDArray[np.generic]:
    """Cut an array of `geobox` into large cells: ``(rows, FACTOR, columns, FACTOR)``."""
    large = coarse_geobox(geobox)
    cell = geobox.transform.a
    column = round((geobox.transform.c - large.transform.c) / cell)
    row = round((large.transform.f - geobox.transform.f) / cell)
    height, width = (side * FACTOR for side in large.shape)
    padded = np.full((height, width), nodata, dtype=values.dtype)
    padded[row : row + values.shape[0], column : column + values.shape[1]] = values
    return padded.reshape(large.shape[0], FACTOR, large.shape[1], FACTOR)


def refuse_near_finds(run: Run, filters: Filters) -> None:
    """Refuse a public copy of the land near a layer of finds."""
    found = {item.layer for item in run.config.labels.positive}
    if telling := sorted(found & set(filters.near)):
        raise InputError(
            f"A public copy of the land near {', '.join(telling)} would tell where finds are. "
            "Leave --public out, or ask near another layer."
        )
