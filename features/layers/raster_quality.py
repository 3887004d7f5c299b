"""What is wrong with a raster layer: its unit, its cover, and values that cannot be true."""

import math
from collections.abc import Iterator

import geopandas as gpd
import numpy as np

from minerisk.features.grid import cells_inside, study_grid
from minerisk.features.layers import bands, warp
from minerisk.features.layers.problems import LayerCode, LayerProblem, error, note, warning
from minerisk.features.layers.sources import Layers
from minerisk.features.raster_files.undeclared_nodata import (
    HEIGHTS_M,
    LOWEST_LAND_M,
    Extremes,
    Suspect,
    suspects,
)

COVER_CELLS = 250_000
COVER_WARNING = 0.99
COVER_ERROR = 0.5
_CELLS_AT_ONCE = 8_000_000
_PLACES_A_SIDE = 41


def check_raster(
    layers: Layers,
    name: str,
    *,
    area: gpd.GeoDataFrame | None,
    crs: str,
    unit: str | None = None,
    reach_m: float = 0.0,
) -> Iterator[LayerProblem]:
    """Check that a raster layer can be read, covers the area, and holds values that can be true.

    Parameters
    ----------
    layers, name
        The layers, and which.
    area
        Polygons of the land the map is for; without them only the header is checked.
    crs
        CRS of the study area, projected, in metres.
    unit
        The unit that it is read in; none is its own.
    reach_m
        How far beyond the area values matter, metres.

    Raises
    ------
    InputError
        If it cannot be read, or not in that unit.
    """
    source, band = layers.raster_source(name), layers.band(name)
    factor = 1.0 if unit is None else layers.factor(name, unit)
    layers.unit(name)
    if source.band is None and band.count > 1:
        yield note(name, LayerCode.FIRST_OF_BANDS, bands=band.count)
    if area is None:
        return
    share = cover(band, area, crs=crs)
    if share < COVER_WARNING:
        problem = error if share < COVER_ERROR else warning
        yield problem(name, LayerCode.COVER, percent=round(100 * share, 6))
    if share == 0:
        return
    around = tuple(area.total_bounds + reach_m * np.array([-1.0, -1.0, 1.0, 1.0]))
    if source.valid_range is not None:
        yield from _outside_range(name, band, around, crs, source.valid_range)
        return
    extremes = Extremes()
    for rows, columns in _stripes(band, around, crs):
        extremes = extremes.with_values(band.read(rows, columns))
    heights = unit == "m"
    for suspect in suspects(
        extremes,
        declared=band.passed_over,
        bounds=(HEIGHTS_M[0] / factor, HEIGHTS_M[1] / factor) if heights else None,
        doubtful_below=LOWEST_LAND_M / factor if heights else -math.inf,
        classes=source.resampling in ("nearest", "mode"),
    ):
        yield _undeclared(name, suspect)


def cover(band: bands.Band, area: gpd.GeoDataFrame, *, crs: str) -> float:
    """Compute the share of the area's cells, on a coarse grid, on which a raster has a value."""
    west, south, east, north = area.total_bounds
    side = math.sqrt(max((east - west) * (north - south), 1.0) / COVER_CELLS)
    grid = study_grid((west, south, east, north), crs=crs, resolution_m=max(side, 1.0))
    inside = cells_inside(grid, area)
    if not inside.any():
        return 0.0
    parts = math.ceil(math.prod(band.shape) / _CELLS_AT_ONCE)
    step = max(grid.shape[0] // parts, 1)
    known = 0
    for top in range(0, grid.shape[0], step):
        values = warp.warp(band, grid[top : top + step, :], resampling="nearest")
        known += int((~np.isnan(values[inside[top : top + step]])).sum())
    return known / int(inside.sum())


def _outside_range(
    name: str,
    band: bands.Band,
    around: tuple[float, ...],
    crs: str,
    valid_range: tuple[float, float],
) -> Iterator[LayerProblem]:
    """Find source values outside the range, in the window around the area."""
    low, high = valid_range
    wrong, least, greatest = 0, math.inf, -math.inf
    for rows, columns in _stripes(band, around, crs):
        values = band.read(rows, columns)
        known = values[~np.isnan(values)]
        wrong += int(((known < low) | (known > high)).sum())
        if known.size:
            least, greatest = min(least, float(known.min())), max(greatest, float(known.max()))
    if wrong:
        found = {"low": low, "high": high, "least": least, "greatest": greatest}
        yield error(name, LayerCode.VALUE_RANGE, wrong=wrong, **found)


def _undeclared(name: str, found: Suspect) -> LayerProblem:
    """Name a value as it has to be written in the configuration to be taken away, or kept."""
    least, greatest = min(found.value, found.least), max(found.value, found.greatest)
    return error(
        name,
        LayerCode.UNDECLARED_NODATA,
        count=found.count,
        value=as_yaml(found.value),
        least=found.least,
        greatest=found.greatest,
        low=as_yaml(least),
        high=as_yaml(greatest),
    )


def as_yaml(value: float) -> str:
    """Write a number as YAML has it, to the last digit.

    Examples
    --------
    >>> as_yaml(-9999.0), as_yaml(-3.4028234663852886e38), as_yaml(float("inf"))
    ('-9999', '-3.4028234663852886e+38', '.inf')
    """
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    return str(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)


def _stripes(
    band: bands.Band, around: tuple[float, ...], crs: str
) -> Iterator[tuple[slice, slice]]:
    """Give windows of the source, from north to south, that hold a rectangle of the study area."""
    to_band = warp.transformer(crs, band)
    west, south, east, north = around
    easting, northing = np.meshgrid(
        np.linspace(west, east, _PLACES_A_SIDE), np.linspace(south, north, _PLACES_A_SIDE)
    )
    x, y = (np.asarray(values) for values in to_band.transform(easting, northing))
    columns, rows = warp.apply_affine(~band.transform, warp.around(band, x), y)
    there = np.isfinite(columns) & np.isfinite(rows)
    if not there.any():
        return
    columns, rows = columns[there], rows[there]
    left, right = max(math.floor(columns.min()), 0), min(math.ceil(columns.max()), band.shape[1])
    top, bottom = max(math.floor(rows.min()), 0), min(math.ceil(rows.max()), band.shape[0])
    step = max(1, _CELLS_AT_ONCE // max(right - left, 1))
    for start in range(top, bottom, step):
        yield slice(start, min(start + step, bottom)), slice(left, right)
