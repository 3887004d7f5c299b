"""How the ground lies towards the front line: which way slopes face, and how high it stands."""

from typing import NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from features.grid import resolution
from features.rasterise import burn_mask
from features.sources import Layers
from features.terrain import derivatives
from features.variable import Variable, to_dataset

_FAR = 1 << 20  # more cells than any grid has


class Nearest(NamedTuple):
    """The nearest marked cells; arrays of shape ``(height, width)``.

    Attributes
    ----------
    distance
        Cells to them; infinite where none lies within the cap.
    east, north
        Direction to them, a unit vector; where several are as near, the mean of the outermost
        ones' unit vectors; 0 in marked cells and where none is found.
    value
        Mean of the values there; NaN if one has none, and where none is found.
    """

    distance: NDArray[np.float32]
    east: NDArray[np.float32]
    north: NDArray[np.float32]
    value: NDArray[np.float32]


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
        Farther from the line than this, all features are 0, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``front_facing``, the cosine of the angle between the direction of
        steepest descent and the direction to the nearest point of the line: 1 where the slope
        falls straight towards it, -1 straight away, 0 along it, on level ground and on the line;
        ``front_fall``, metres down for a metre towards the line, negative where the ground rises
        towards it; ``front_height_m``, height above the nearest point of the line. Where the line
        states a positional error, also ``front_facing_expected`` and ``front_fall_expected``, see
        `chance_of_side`.
    """
    elevation, cell = layers.raster(layer, geobox), resolution(geobox)
    mask = burn_mask(geobox, layers.vector(front_line, crs=str(geobox.crs)), all_touched=True)
    slope, northness, eastness, _, _ = derivatives(elevation, resolution_m=cell)
    near = nearest_marked(mask, elevation, cap_cells=cap_m / cell)
    facing = northness * near.north + eastness * near.east
    fall = np.tan(np.radians(slope.astype(np.float64))) * facing
    height = np.where(np.isfinite(near.distance), elevation - near.value, 0.0 * elevation)
    faces = "1 on slopes that face the front line, -1 away"
    falls, beyond = "metres down for a metre towards the front line", f"; 0 beyond {cap_m:g} m"
    variables = {
        "front_facing": _variable(facing, "1", faces + beyond),
        "front_fall": _variable(fall, "1", falls + beyond),
        "front_height_m": _variable(
            height, "m", f"height above the nearest point of the front line{beyond}"
        ),
    }
    error_m = getattr(layers.source(front_line), "position_error_m", 0.0)
    if error_m > 0:
        sure = chance_of_side(near.distance * cell, error_m=error_m)
        off = f", to be expected of a drawn line that is off by {error_m:g} m (1 sd)"
        variables["front_facing_expected"] = _variable(facing * sure, "1", faces + off + beyond)
        variables["front_fall_expected"] = _variable(fall * sure, "1", falls + off + beyond)
    return to_dataset(geobox, variables)


def chance_of_side(distance_m: NDArray[np.float32], *, error_m: float) -> NDArray[np.float64]:
    r"""Give the chance that the true line lies where the drawn one does, less that it lies behind.

    Parameters
    ----------
    distance_m
        Metres to the drawn line.
    error_m
        Standard deviation of the line's position across itself, metres.

    Returns
    -------
    ndarray of float64
        0 on the drawn line, 1 far from it. What points towards the line is expected to point there
        by this much.

    Notes
    -----
    As for the expected distance, the line is taken as locally straight and its error :math:`e` as
    Gaussian: :math:`P(e < d) - P(e > d) = \mathrm{erf}(d / \sigma\sqrt 2)`.
    """
    return erf(np.asarray(distance_m, dtype=np.float64) / (error_m * np.sqrt(2.0)))


def _variable(values: NDArray[np.floating], unit: str, words: str) -> Variable:
    return Variable(values.astype(np.float32), unit, words)


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
    made = _point_at(above, below, np.asarray(values), cap_cells * cap_cells + 1e-9)
    return Nearest(*made)


def _rows_to_marked(mask: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Count the rows up to the nearest marked cell in the same column."""
    rows = np.arange(mask.shape[0], dtype=np.int32)[:, None]
    last = np.maximum.accumulate(np.where(mask, rows, np.int32(-_FAR)), axis=0)
    return np.minimum(rows - last, np.int32(_FAR))


@numba.njit(cache=True)
def _point_at(above, below, values, cap):  # type: ignore[no-untyped-def]
    height, width = above.shape
    out = np.zeros((4, height, width), dtype=np.float32)
    out[0], out[3] = np.inf, np.nan
    for i in range(height):
        up, down = above[i].astype(np.int64), below[i].astype(np.int64)
        gap = np.minimum(up, down)
        west = _nearest_columns(gap)
        east = width - 1 - _nearest_columns(gap[::-1])[::-1]
        for j in range(width):
            squared = gap[west[j]] ** 2 + (west[j] - j) ** 2
            if squared > cap:
                continue
            first = _sum(up, down, values, i, j, west[j])
            second = _sum(up, down, values, i, j, east[j])
            number = first[0] + second[0]
            reach = number * max(np.sqrt(squared), 1.0)
            out[0, i, j] = np.sqrt(squared)
            out[1, i, j] = (first[1] + second[1]) / reach
            out[2, i, j] = (first[2] + second[2]) / reach
            out[3, i, j] = (first[3] + second[3]) / number
    return out


@numba.njit(cache=True)
def _nearest_columns(gap):  # type: ignore[no-untyped-def]
    """Find, along a row, the westernmost column in which the nearest marked cell lies."""
    width = gap.size
    out = np.empty(width, dtype=np.int64)
    best, start = np.empty(width, dtype=np.int64), np.empty(width, dtype=np.int64)
    count = 0
    for u in range(width):
        begin = 0
        while count > 0:
            v = best[count - 1]
            # The first column that is nearer to u's marked cell than to v's.
            begin = (u * u - v * v + gap[u] ** 2 - gap[v] ** 2) // (2 * (u - v)) + 1
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
        out[j] = best[count - 1]
    return out


@numba.njit(inline="always")
def _sum(above, below, values, i, j, column):  # type: ignore[no-untyped-def]
    """Sum number, columns, rows north and value of the marked cells of one column."""
    up, down = above[column], below[column]
    across = column - j
    if up < down:
        return 1, across, up, np.float64(values[i - up, column])
    if down < up or up == 0:
        return 1, across, -down, np.float64(values[i + down, column])
    both = np.float64(values[i - up, column]) + np.float64(values[i + down, column])
    return 2, 2 * across, 0, both
