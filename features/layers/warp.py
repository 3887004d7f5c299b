"""Rasters on a grid: each cell computed from its own coordinates, so parts equal the whole.

GDAL's warper approximates transforms and weights per chunk. Here every cell is transformed by
PROJ and resampled by itself, in float64, so that any window gives the bytes of the whole.
"""

import math
from functools import lru_cache, partial

import numba
import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.bands import Band
from minerisk.features.raster_files import lattice

MAX_WINDOW_CELLS = 400_000_000
MAX_SAMPLES = 64
_SAMPLES_AT_ONCE = 2_000_000
_METRES_PER_DEGREE = 111_195.0

Floats = NDArray[np.float64]


def warp(band: Band, geobox: GeoBox, *, resampling: str) -> NDArray[np.float32]:
    """Resample a band to a grid.

    Parameters
    ----------
    band
        The source.
    geobox
        The target grid, north-up or not.
    resampling
        ``nearest``: the source cell under the cell centre. ``bilinear``: bilinear, averaged over
        sub-samples where the source is finer than the grid. ``average`` and ``mode``: mean and
        most frequent value of the source cells under a lattice of sub-samples of the cell (of
        values that are as frequent, the least).

    Returns
    -------
    ndarray of float32, shape (height, width)
        NaN where the source has no value or does not reach. A bilinear value is NaN where the
        source cell under the point is NaN; other NaN neighbours are left out of the weights.
    """
    if resampling not in ("nearest", "bilinear", "average", "mode"):
        raise InputError(f"Resampling {resampling!r} is unknown; use nearest, bilinear or average.")
    samples = _samples_per_side(band, geobox, resampling)
    out = np.empty(tuple(geobox.shape), dtype=np.float32)
    rows_at_once = max(1, _SAMPLES_AT_ONCE // (geobox.width * samples * samples))
    to_source = transformer(str(geobox.crs), band)
    along = lattice.runs_along(geobox.transform, band.transform, to_source.definition)
    for top in range(0, geobox.height, rows_at_once):
        part = geobox[top : min(top + rows_at_once, geobox.height), :]
        if along and samples == 1:
            lines = lattice.source_lines(part, band.transform)
            read = partial(_read, band)
            out[top : top + part.height] = lattice.take(
                lines, band.shape, read, bilinear=resampling == "bilinear"
            )
            continue
        column, row = _source_positions(part, band, to_source, samples)
        stacked = _resample(band, column, row, bilinear=resampling == "bilinear")
        sampled = stacked.reshape(part.height, samples, part.width, samples).transpose(0, 2, 1, 3)
        cells = sampled.reshape(part.height, part.width, samples * samples)
        out[top : top + part.height] = _mode(cells) if resampling == "mode" else _mean(cells)
    return out


def transformer(crs: str, band: Band) -> pyproj.Transformer:
    """Return the way from a CRS to that of a band, easting first."""
    own = pyproj.CRS.from_user_input(crs)
    try:
        return _way(own, band.crs)
    except pyproj.exceptions.ProjError as error:
        raise InputError(
            f"No way is known from {own.name} to the raster's CRS {band.crs.name}: {error} Store "
            "the raster with a CRS that has a code."
        ) from error


@lru_cache(maxsize=64)
def _way(own: pyproj.CRS, other: pyproj.CRS) -> pyproj.Transformer:
    """Search PROJ's ways once: it takes longer than the cells of a tile."""
    return pyproj.Transformer.from_crs(own, other, always_xy=True)


def _samples_per_side(band: Band, geobox: GeoBox, resampling: str) -> int:
    """Count sub-samples per cell side; it depends on the two cell sizes only, never on a window."""
    if resampling == "nearest":
        return 1
    ratio = cell_metres(geobox.transform, pyproj.CRS.from_user_input(str(geobox.crs)))
    ratio /= cell_metres(band.transform, band.crs)
    whole = math.ceil(round(ratio, 3))
    return int(min(MAX_SAMPLES, max(1, whole if resampling == "bilinear" else 2 * whole)))


def cell_metres(transform: Affine, crs: pyproj.CRS) -> float:
    """Compute the height of a cell in metres; a degree of latitude counts as 111,195 m."""
    height = math.hypot(transform.b, transform.e)
    if crs.is_geographic:
        return height * _METRES_PER_DEGREE
    return height * float(crs.axis_info[0].unit_conversion_factor)


def _source_positions(
    part: GeoBox, band: Band, to_source: pyproj.Transformer, samples: int
) -> tuple[Floats, Floats]:
    """Return the fractional source column and row of every sub-sample.

    Positions are rounded to 1e-7 of a target unit, so that a window, whose origin is another
    float, gives the same numbers as the whole.
    """
    steps = (np.arange(samples) + 0.5) / samples
    columns = (np.arange(part.width)[:, None] + steps).ravel()
    rows = (np.arange(part.height)[:, None] + steps).ravel()
    column, row = np.meshgrid(columns, rows)
    easting, northing = apply_affine(part.transform, column, row)
    x, y = to_source.transform(np.round(easting, 7), np.round(northing, 7))
    return apply_affine(~band.transform, around(band, np.asarray(x)), np.asarray(y))


def around(band: Band, longitude: Floats) -> Floats:
    """Add or take whole turns from longitudes that lie beside a raster in degrees.

    Longitudes come as -180 to 180; a raster may run from 0 to 360, or across the date line. What
    is within the raster stays as it is.
    """
    if not band.crs.is_geographic:
        return longitude
    # An axis states its unit in radians.
    turn = 2 * math.pi / float(band.crs.axis_info[0].unit_conversion_factor)
    height, width = band.shape
    corners = apply_affine(
        band.transform, np.array([0.0, width, 0.0, width]), np.array([0.0, 0.0, height, height])
    )[0]
    west, east = float(corners.min()), float(corners.max())
    beside = (longitude < west) | (longitude > east)
    if not beside.any():
        return longitude
    turned = west + np.mod(longitude - west, turn)
    return np.where(beside & (turned <= east), turned, longitude)


def apply_affine(transform: Affine, across: Floats, down: Floats) -> tuple[Floats, Floats]:
    """Apply an affine transform to arrays of places."""
    a, b, c, d, e, f = transform[:6]
    return a * across + b * down + c, d * across + e * down + f


def _resample(band: Band, column: Floats, row: Floats, *, bilinear: bool) -> Floats:
    """Read the window that holds the positions, and take its values there."""
    height, width = band.shape
    edge = 1e-9
    inside = (column >= -edge) & (column <= width + edge) & (row >= -edge) & (row <= height + edge)
    out = np.full(column.shape, np.nan)
    if not inside.any():
        return out
    column, row = column[inside], row[inside]
    near_column = np.clip(np.floor(column), 0, width - 1).astype(np.int64)
    near_row = np.clip(np.floor(row), 0, height - 1).astype(np.int64)
    left, right = max(int(near_column.min()) - 1, 0), min(int(near_column.max()) + 2, width)
    top, bottom = max(int(near_row.min()) - 1, 0), min(int(near_row.max()) + 2, height)
    values = _read(band, slice(top, bottom), slice(left, right))
    nearest = values[near_row - top, near_column - left]
    if not bilinear:
        out[inside] = nearest
        return out
    mixed = _bilinear(values, column, row, (top, left), band.shape)
    out[inside] = np.where(np.isnan(nearest), np.nan, mixed)
    return out


def _read(band: Band, rows: slice, columns: slice) -> Floats:
    cells = (columns.stop - columns.start) * (rows.stop - rows.start)
    if cells > MAX_WINDOW_CELLS:
        raise InputError(
            f"A read of {cells:,} source cells; at most {MAX_WINDOW_CELLS:,} are taken. Use a "
            "coarser source, or cut it to the study area."
        )
    return band.read(rows, columns)


@numba.njit(cache=True)
def _bilinear(values, column, row, origin, shape):  # type: ignore[no-untyped-def]
    """Mix the four nearest cell centres; beyond the outermost centres the edge value holds."""
    out = np.full(column.shape, np.nan)
    for place in range(column.size):
        across = min(max(column[place] - 0.5, 0.0), shape[1] - 1.0)
        down = min(max(row[place] - 0.5, 0.0), shape[0] - 1.0)
        west = min(int(np.floor(across)), max(shape[1] - 2, 0))
        north = min(int(np.floor(down)), max(shape[0] - 2, 0))
        right, below = across - west, down - north
        total, weight = 0.0, 0.0
        for south, east in ((0, 0), (0, 1), (1, 0), (1, 1)):
            value = values[
                min(north + south, shape[0] - 1) - origin[0],
                min(west + east, shape[1] - 1) - origin[1],
            ]
            if not np.isnan(value):
                share = (below if south else 1 - below) * (right if east else 1 - right)
                total += value * share
                weight += share
        if weight > 0:
            out[place] = total / weight
    return out


def _mean(cells: Floats) -> Floats:
    if cells.shape[-1] == 1:
        return cells[..., 0]
    valid = ~np.isnan(cells)
    count = valid.sum(axis=-1)
    total = np.where(valid, cells, 0.0).sum(axis=-1)
    return np.divide(total, count, out=np.full(total.shape, np.nan), where=count > 0)


def _mode(cells: Floats) -> Floats:
    """Return the most frequent value of the last axis, the least of equals; NaN where none is."""
    ordered = np.sort(cells, axis=-1)
    best = np.full(ordered.shape[:-1], np.nan)
    best_count = np.zeros(ordered.shape[:-1], dtype=np.int64)
    run = np.zeros(ordered.shape[:-1], dtype=np.int64)
    for index in range(ordered.shape[-1]):
        value = ordered[..., index]
        same = value == ordered[..., index - 1] if index else np.zeros(value.shape, dtype=bool)
        run = np.where(same, run + 1, np.where(np.isnan(value), 0, 1))
        better = run > best_count
        best = np.where(better, value, best)
        best_count = np.where(better, run, best_count)
    return best
