"""The cells under the pixels of a tile, read from a raster of the desk.

The process of a desk has no warping of GDAL, which needs formats that are closed to files of other
people. So each pixel looks up the cell that its middle lies in: no cell is ever mixed with another.
"""

import math
from functools import cache
from pathlib import Path

import numpy as np
import rasterio
from numpy.typing import NDArray
from pyproj import Transformer
from pyproj.enums import TransformDirection
from rasterio.windows import Window

SIDE, APART = 256, 8
"""Pixels of a side, and how far those are apart that are projected; others lie between them."""
FROM_ZOOM = 3
HALF_WORLD_M = 20_037_508.342789244
"""Half the side of the Web Mercator square (EPSG:3857)."""
Cells = np.ma.MaskedArray
"""Shape ``(256, 256)``; masked where the raster holds nothing."""


def tile_places(x: int, y: int, z: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the middles of a tile's pixels in EPSG:3857: eastings (256,), northings (256,)."""
    pixel = 2 * HALF_WORLD_M / 2**z / SIDE
    steps = (np.arange(SIDE) + 0.5) * pixel
    return (x * SIDE * pixel - HALF_WORLD_M + steps, HALF_WORLD_M - y * SIDE * pixel - steps)


def cells_of_tile(path: Path, x: int, y: int, z: int) -> Cells | None:
    """Read the cells under a tile; None where the tile lies away from the raster."""
    east, north = tile_places(x, y, z)
    with rasterio.open(path, driver="GTiff") as raster:
        across, down = project(raster.crs.to_wkt(), east, north)
        grid = raster.transform  # north up, as every raster of a run
        columns, rows = (across - grid.c) / grid.a, (down - grid.f) / grid.e
        inside = (rows >= 0) & (rows < raster.height) & (columns >= 0) & (columns < raster.width)
        if not inside.any():
            return _nothing(raster) if _is_beside(raster, east, north) else None
        window, thin = _window(rows[inside], columns[inside])
        shape = (math.ceil(window.height / thin), math.ceil(window.width / thin))
        read = raster.read(1, window=window, out_shape=shape)
        empty = raster.nodata
    row = _places(rows - window.row_off, inside, window.height, shape[0])
    column = _places(columns - window.col_off, inside, window.width, shape[1])
    found = read[row, column]
    missing = np.isnan(found) if found.dtype.kind == "f" else found == empty
    return np.ma.MaskedArray(found, mask=missing | ~inside)


def project(
    crs: str, east: NDArray[np.float64], north: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Project the middles of pixels from EPSG:3857; two arrays of shape ``(256, 256)``.

    Every eighth pixel is projected and the others are interpolated. Within 8 pixels a projection
    bends by at most 8² / 8 pixel / R, R the radius of the Earth: from zoom 3 on by less than
    0.03 pixel. At smaller scales each pixel is projected.
    """
    step = abs(east[1] - east[0])
    transformer = _transformer(crs)
    if step * SIDE > 2 * HALF_WORLD_M / 2**FROM_ZOOM * 1.5:
        across, down = transformer.transform(*np.meshgrid(east, north))
        return np.asarray(across), np.asarray(down)
    nodes = np.arange(SIDE // APART + 1) * APART
    places = np.meshgrid(east[0] + nodes * step, north[0] - nodes * step)
    across, down = (_between(_between(part).T).T for part in transformer.transform(*places))
    return across, down


def _between(nodes: NDArray[np.float64]) -> NDArray[np.float64]:
    """Interpolate rows of nodes to rows of pixels."""
    pixels = np.arange(SIDE)
    before, share = pixels // APART, (pixels % APART / APART)[:, None]
    return nodes[before] + share * (nodes[before + 1] - nodes[before])


def _is_beside(
    raster: rasterio.DatasetReader, east: NDArray[np.float64], north: NDArray[np.float64]
) -> bool:
    """Tell whether a tile touches the box around a raster, which is aslant in this projection."""
    left, bottom, right, top = raster.bounds
    west, south, right, top = _transformer(raster.crs.to_wkt()).transform_bounds(
        left, bottom, right, top, direction=TransformDirection.INVERSE
    )
    return bool(east[0] <= right and east[-1] >= west and north[-1] <= top and north[0] >= south)


def _nothing(raster: rasterio.DatasetReader) -> Cells:
    nothing = np.zeros((SIDE, SIDE), dtype=raster.dtypes[0])
    return np.ma.MaskedArray(nothing, mask=True)


def _window(rows: NDArray[np.float64], columns: NDArray[np.float64]) -> tuple[Window, int]:
    """Return the part of a raster that holds places, and by how much it is thinned to be read."""
    top, left = math.floor(rows.min()), math.floor(columns.min())
    height, width = math.floor(rows.max()) + 1 - top, math.floor(columns.max()) + 1 - left
    thin = max(1, math.floor(math.sqrt(height * width / rows.size)))
    return Window(left, top, width, height), thin


def _places(
    cells: NDArray[np.float64], inside: NDArray[np.bool_], whole: int, read: int
) -> NDArray[np.int64]:
    """Turn places in a window into places in what was read of it."""
    found = np.floor(np.where(inside, cells, 0) * (read / whole)).astype(np.int64)
    return np.clip(found, 0, read - 1)


@cache
def _transformer(crs: str) -> Transformer:
    return Transformer.from_crs("EPSG:3857", crs, always_xy=True)
