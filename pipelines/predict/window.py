"""The part of the grid that a request asks for."""

import math
from dataclasses import dataclass
from functools import partial

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from shapely.geometry import box as shapely_box

from minerisk.features.cube.store import cube_geobox
from minerisk.features.errors import CoverError, InputError
from minerisk.features.grid import (
    M2_PER_HA,
    MOST_IN_STRIP,
    Mask,
    RowMask,
    cells_inside,
    count_marked,
    resolution,
)
from minerisk.pipelines.language.numbers import number

LEAST_SHARE = 0.999
WITH_CENTRE = 0.75
"""Cells from its edge at which a point lies for sure in a polygon that holds a cell centre."""


@dataclass(frozen=True)
class CubeWindow:
    """The cells that are asked for: a window of the cube, and which of its cells."""

    geobox: GeoBox
    asked: Mask
    row: int
    column: int


def whole_window(cube: xr.Dataset) -> CubeWindow:
    """Ask for the whole study area, whose mask is read rows at a time."""
    geobox = cube_geobox(cube)
    return CubeWindow(geobox, RowMask(tuple(geobox.shape), partial(_rows, cube["inside"])), 0, 0)


def _rows(inside: xr.DataArray, rows: slice) -> NDArray[np.bool_]:
    return inside[rows].to_numpy().view(np.bool_)


@dataclass(frozen=True)
class MeasuredArea:
    """An area on the grid: its cells in the study area, and how much of it lies outside.

    Attributes
    ----------
    window
        None where no cell of it is in the study area.
    outside
        Share of the area, 0 to 1.
    """

    window: CubeWindow | None
    outside: float


def area_window(cube: xr.Dataset, area: gpd.GeoDataFrame, *, clip: bool = False) -> CubeWindow:
    """Ask for the cells of an area: those whose centre it holds.

    A polygon that holds no centre gets the cell that holds most of it; one that is larger than a
    cell all the same, such as a strip along a road, gets every cell it touches.

    Parameters
    ----------
    clip
        Leave out what lies outside the study area, where any of it lies inside.

    Raises
    ------
    CoverError
        If part of the area lies outside the study area of the cube, or with `clip` all of it.
    """
    measured = measure_area(cube, area)
    if measured.window is None or (not clip and measured.outside > 1 - LEAST_SHARE):
        whole = cube_geobox(cube)
        parts = area.to_crs(str(whole.crs)).explode(ignore_index=True)
        share = 1.0 if measured.window is None else measured.outside
        raise CoverError(_outside_words(parts, whole, share))
    return measured.window


def measure_area(cube: xr.Dataset, area: gpd.GeoDataFrame) -> MeasuredArea:
    """Measure an area on the grid, wherever it lies.

    Raises
    ------
    InputError
        If it has no CRS.
    """
    whole = cube_geobox(cube)
    if area.crs is None:
        raise InputError("The area has no CRS; expected one. Store the file with its CRS.")
    parts = area.to_crs(str(whole.crs)).explode(ignore_index=True)
    near = parts[parts.intersects(shapely_box(*whole.boundingbox))]
    window = _window(whole, near) if len(near) else None
    if window is None:
        return MeasuredArea(None, 1.0)
    top, left, geobox = window
    inside = cube["inside"][top : top + geobox.height, left : left + geobox.width]
    drawn: Mask = _drawn(geobox, near)
    if geobox.height * geobox.width <= MOST_IN_STRIP:  # made once, where it is small
        drawn, inside = drawn[:], inside.compute()
    asked: Mask = RowMask(drawn.shape, partial(_both, drawn, inside))
    count, within = count_marked(drawn), count_marked(asked)
    outside = _outside_share(parts, whole, count - within)
    if not within:
        return MeasuredArea(None, outside)
    if isinstance(drawn, np.ndarray):
        asked = asked[:]
    return MeasuredArea(CubeWindow(geobox, asked, top, left), outside)


def _drawn(geobox: GeoBox, parts: gpd.GeoDataFrame) -> RowMask:
    """Mark the cells of polygons, rows at a time."""
    return RowMask(tuple(geobox.shape), partial(_drawn_rows, geobox, parts, _small(geobox, parts)))


def _drawn_rows(
    geobox: GeoBox,
    parts: gpd.GeoDataFrame,
    small: tuple[NDArray[np.int64], NDArray[np.int64]],
    rows: slice,
) -> NDArray[np.bool_]:
    first, last, _ = rows.indices(geobox.height)
    found = cells_inside(geobox[first:last, :], parts)
    here = (small[0] >= first) & (small[0] < last)
    found[small[0][here] - first, small[1][here]] = True
    return found


def _both(drawn: Mask, inside: xr.DataArray, rows: slice) -> NDArray[np.bool_]:
    return drawn[rows] & (inside[rows].to_numpy() == 1)


def _window(whole: GeoBox, parts: gpd.GeoDataFrame) -> tuple[int, int, GeoBox] | None:
    """Find first row, first column and grid of what lies on the grid; None if nothing does."""
    west, south, east, north = parts.total_bounds
    cell, transform = resolution(whole), whole.transform
    left = max(math.floor((west - transform.c) / cell), 0)
    top = max(math.floor((transform.f - north) / cell), 0)
    # An edge of the area on an edge of the grid asks for no cell beyond it.
    right = min(max(left, math.ceil((east - transform.c) / cell) - 1), whole.width - 1)
    bottom = min(max(top, math.ceil((transform.f - south) / cell) - 1), whole.height - 1)
    if left > right or top > bottom:
        return None
    return top, left, whole[top : bottom + 1, left : right + 1]


def _small(geobox: GeoBox, parts: gpd.GeoDataFrame) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Find the rows and columns of the cells of polygons that hold no cell centre."""
    found = [np.empty((2, 0), dtype=np.int64)]
    cell = resolution(geobox)
    for place in range(len(parts)):
        part = parts.iloc[place : place + 1]
        shape = part.geometry.iloc[0]
        window = _window(geobox, part)
        # A disc of 0.71 cells always holds a centre.
        if window is None or not shape.buffer(-WITH_CENTRE * cell).is_empty:
            continue
        top, left, own = window
        if not cells_inside(own, part).any():
            corner = np.array([[top], [left]])
            found.append(np.argwhere(_touched(own, part)).T + corner)
    rows, columns = np.concatenate(found, axis=1)
    return rows, columns


def _touched(geobox: GeoBox, part: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the cells that a polygon touches; of one that is smaller than a cell, the one."""
    from minerisk.features.raster.rasterise import burn_mask  # compiled, and seldom needed

    touched = burn_mask(geobox, part, all_touched=True)
    shape, cell = part.geometry.iloc[0], resolution(geobox)
    if shape.area >= cell**2:
        return touched
    rows, columns = np.nonzero(touched)
    east = geobox.transform.c + cell * columns
    north = geobox.transform.f - cell * rows
    cells = shapely.box(east, north - cell, east + cell, north)
    most = int(np.argmax(shapely.area(shapely.intersection(cells, shape))))
    found = np.zeros(geobox.shape, dtype=bool)
    found[rows[most], columns[most]] = True
    return found


def _outside_share(parts: gpd.GeoDataFrame, whole: GeoBox, cells: int) -> float:
    """Measure the share of an area beyond the grid, or on cells of it outside the study area."""
    beyond = parts.geometry.difference(shapely_box(*whole.boundingbox)).area.sum()
    area = float(parts.geometry.area.sum())
    return min((float(beyond) + cells * resolution(whole) ** 2) / area, 1.0) if area else 1.0


def _outside_words(parts: gpd.GeoDataFrame, whole: GeoBox, share: float) -> str:
    hectares = float(parts.geometry.area.sum()) / M2_PER_HA
    given = _degrees(parts.geometry)
    known = _degrees(gpd.GeoSeries([shapely_box(*whole.boundingbox)], crs=str(whole.crs)))
    where = f"It reaches from {given}; the study area from {known} (longitude, latitude)."
    if share >= 1:
        return (
            f"The area leaves the study area: all of its {number(hectares, 'amount')} ha lie "
            f"outside. {where} Ask for an area inside it."
        )
    return (
        f"The area leaves the study area: {number(share, 'share')} of it "
        f"({number(share * hectares, 'amount')} of {number(hectares, 'amount')} ha) lies outside, "
        f"where the layers say nothing. {where} Give --clip to ask for the part inside, ask for an "
        "area inside it, or make a run whose boundary holds it."
    )


def _degrees(shapes: gpd.GeoSeries) -> str:
    west, south, east, north = shapes.to_crs("EPSG:4326").total_bounds
    return f"{west:.4f}°, {south:.4f}° to {east:.4f}°, {north:.4f}°"
