"""How the ground lies towards the front line: which way slopes face, and how high it stands."""

from typing import NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from features.grid import resolution
from features.rasterise import burn_mask
from features.sources import Layers
from features.terrain import derivatives
from features.variable import Variable, to_dataset

_FAR = 1 << 20  # more cells than any grid has


class Nearest(NamedTuple):
    """The nearest marked cells; float64, shape ``(height, width)``.

    Attributes
    ----------
    found
        True where one lies within the cap.
    east, north
        Direction to them, a unit vector; where several are as near, the mean of the outermost
        ones' unit vectors; 0 in marked cells and where none is found.
    value
        Mean of the values there; NaN if one has none, and where none is found.
    """

    found: NDArray[np.bool_]
    east: NDArray[np.float64]
    north: NDArray[np.float64]
    value: NDArray[np.float64]


def front_facing(
    layers: Layers, geobox: GeoBox, *, layer: str, front_line: str, cap_m: float
) -> xr.Dataset:
    """Tell whether the ground faces the front line or turns away from it.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres, and `front_line`, lines.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer, front_line
        Names of the layers.
    cap_m
        Farther from the line than this, all three features are 0, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``front_facing``, the cosine of the angle between the direction of
        steepest descent and the direction to the nearest point of the line: 1 where the slope
        falls straight towards it, -1 straight away, 0 along it, on level ground and on the line;
        ``front_fall``, metres down for a metre towards the line, negative where the ground rises
        towards it; ``front_height_m``, height above the nearest point of the line.
    """
    elevation, cell = layers.raster(layer, geobox), resolution(geobox)
    mask = burn_mask(geobox, layers.vector(front_line, crs=str(geobox.crs)), all_touched=True)
    slope, northness, eastness, _, _ = derivatives(elevation, resolution_m=cell)
    near = nearest_marked(mask, elevation, cap_cells=cap_m / cell)
    facing = northness * near.north + eastness * near.east
    height = np.where(near.found, elevation - near.value, 0.0 * elevation)
    variables = {
        "front_facing": Variable(
            facing.astype(np.float32),
            "1",
            f"1 on slopes that face the front line, -1 away; 0 beyond {cap_m:g} m",
        ),
        "front_fall": Variable(
            (np.tan(np.radians(slope.astype(np.float64))) * facing).astype(np.float32),
            "1",
            f"metres down for a metre towards the front line; 0 beyond {cap_m:g} m",
        ),
        "front_height_m": Variable(
            height.astype(np.float32),
            "m",
            f"height above the nearest point of the front line; 0 beyond {cap_m:g} m",
        ),
    }
    return to_dataset(geobox, variables)


def nearest_marked(
    mask: NDArray[np.bool_], values: NDArray[np.float32], *, cap_cells: float
) -> Nearest:
    """Find the nearest marked cell of every cell: where it lies and what value it has.

    Parameters
    ----------
    mask
        True in marked cells, shape ``(height, width)``.
    values
        Their values, same shape.
    cap_cells
        Farther ones are not found, cells; the halo that makes tiles equal the whole.

    Returns
    -------
    Nearest

    Notes
    -----
    Exact, in whole numbers: Meijster, Roerdink and Hesselink (2000),
    doi:10.1007/0-306-47025-X_36. The scan is done from the west and from the east, and up and down
    count alike, so that the result of mirrored ground is mirrored even between two marked cells.
    """
    above = _rows_to_marked(mask)
    below = _rows_to_marked(mask[::-1])[::-1]
    gap = np.minimum(above, below)
    west = _nearest_columns(gap)
    east = mask.shape[1] - 1 - _nearest_columns(np.ascontiguousarray(gap[:, ::-1]))[:, ::-1]
    heights = np.asarray(values, dtype=np.float64)
    made = _point_at(above, below, west, east, heights, cap_cells * cap_cells + 1e-9)
    return Nearest(made[0] == 1, made[1], made[2], made[3])


def _rows_to_marked(mask: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Count the rows up to the nearest marked cell in the same column."""
    rows = np.arange(mask.shape[0])[:, None]
    last = np.maximum.accumulate(np.where(mask, rows, -_FAR), axis=0)
    return np.minimum(rows - last, _FAR)


@numba.njit(cache=True)
def _nearest_columns(gap):  # type: ignore[no-untyped-def]
    """Find the westernmost column in which the nearest marked cell lies."""
    height, width = gap.shape
    out = np.empty((height, width), dtype=np.int64)
    best, start = np.empty(width, dtype=np.int64), np.empty(width, dtype=np.int64)
    for i in range(height):
        count = 0
        for u in range(width):
            begin = 0
            while count > 0:
                v = best[count - 1]
                # The first column that is nearer to u's marked cell than to v's.
                begin = (u * u - v * v + gap[i, u] ** 2 - gap[i, v] ** 2) // (2 * (u - v)) + 1
                if begin > start[count - 1]:
                    break
                count -= 1
                begin = 0
            if begin < width:
                best[count], start[count] = u, begin
                count += 1
        for j in range(width - 1, -1, -1):
            while start[count - 1] > j:
                count -= 1
            out[i, j] = best[count - 1]
    return out


@numba.njit(cache=True)
def _point_at(above, below, west, east, values, cap):  # type: ignore[no-untyped-def]
    height, width = above.shape
    out = np.zeros((4, height, width))
    for i in range(height):
        for j in range(width):
            gap = min(above[i, west[i, j]], below[i, west[i, j]])
            squared = gap**2 + (west[i, j] - j) ** 2
            if squared > cap:
                out[3, i, j] = np.nan
                continue
            first = _sum(above, below, values, i, j, west[i, j])
            second = _sum(above, below, values, i, j, east[i, j])
            number = first[0] + second[0]
            reach = number * max(np.sqrt(squared), 1.0)
            out[0, i, j] = 1
            out[1, i, j] = (first[1] + second[1]) / reach
            out[2, i, j] = (first[2] + second[2]) / reach
            out[3, i, j] = (first[3] + second[3]) / number
    return out


@numba.njit(inline="always")
def _sum(above, below, values, i, j, column):  # type: ignore[no-untyped-def]
    """Sum number, columns, rows north and value of the marked cells of one column."""
    up, down = above[i, column], below[i, column]
    across = column - j
    if up < down:
        return 1, across, up, values[i - up, column]
    if down < up or up == 0:
        return 1, across, -down, values[i + down, column]
    return 2, 2 * across, 0, values[i - up, column] + values[i + down, column]
