"""How the ground lies towards the front line: which way slopes face, and how high it stands."""

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from minerisk.features.front.distance import position_error
from minerisk.features.front.nearest_segment import cell_places, nearest_to_cells
from minerisk.features.front.trace import trace_of
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.terrain.terrain import derivatives
from minerisk.features.variable import Variable, to_dataset


def front_facing(
    layers: Layers, geobox: GeoBox, *, layer: str, front_line: str, cap_m: float
) -> xr.Dataset:
    """Compute whether the ground faces the front line or turns away from it.

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
        towards it; ``front_height_m``, height above the nearest point of the line. Of points that
        are as near, the first that was drawn counts. Where the line states a positional error,
        also ``front_facing_expected`` and ``front_fall_expected``, see `chance_of_side`.
    """
    elevation, cell = layers.raster(layer, geobox, unit="m"), resolution(geobox)
    line = trace_of(layers.vector(front_line, crs=str(geobox.crs)), name=front_line)
    slope, northness, eastness, _, _ = derivatives(elevation, resolution_m=cell)
    distance, (east, north, height) = _towards(elevation, geobox, line.ends, cap_m)
    facing = northness * north + eastness * east
    fall = np.tan(np.radians(slope.astype(np.float64))) * facing
    faces = "1 on slopes that face the front line, -1 away"
    falls, beyond = "metres down for a metre towards the front line", f"; 0 beyond {cap_m:,g} m"
    variables = {
        "front_facing": Variable(facing, "1", faces + beyond),
        "front_fall": Variable(fall, "1", falls + beyond),
        "front_height_m": Variable(
            elevation - height, "m", f"height above the nearest point of the front line{beyond}"
        ),
    }
    error_m = position_error(layers, front_line)
    if error_m > 0:
        sure = chance_of_side(distance, error_m=error_m)
        off = f", to be expected of a drawn line that is off by {error_m:,g} m (1 sd)"
        variables["front_facing_expected"] = Variable(facing * sure, "1", faces + off + beyond)
        variables["front_fall_expected"] = Variable(fall * sure, "1", falls + off + beyond)
    return to_dataset(geobox, variables)


def chance_of_side(distance_m: NDArray[np.float64], *, error_m: float) -> NDArray[np.float64]:
    r"""Compute the chance that the true line lies where it is drawn, less that it lies behind.

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

    Examples
    --------
    >>> import numpy as np
    >>> chance_of_side(np.array([0.0, 500.0, 5_000.0]), error_m=1_000).round(2)
    array([0.  , 0.38, 1.  ])
    """
    return erf(distance_m / (error_m * np.sqrt(2.0)))


def _towards(
    elevation: NDArray[np.float32], geobox: GeoBox, ends: NDArray[np.float64], cap_m: float
) -> tuple[NDArray[np.float64], NDArray[np.float32]]:
    """Return distance to the line, and direction east, north and height of its nearest point."""
    near, places, cell = nearest_to_cells(ends, geobox), cell_places(geobox), resolution(geobox)
    column, row = round(geobox.transform.c / cell), round(geobox.transform.f / cell)
    # Where centres lie in their cells on the lattice: the same, whichever window looks.
    right = round(places[0][0] / cell - column, 6)
    down = round(places[1][0] / cell - row, 6)
    lattice = (float(cell), column, row, right, down)
    return near.distance, _point_at(elevation, places, ends, near, lattice, cap_m)


@numba.njit(cache=True, error_model="numpy")
def _point_at(z, places, ends, near, lattice, cap):  # type: ignore[no-untyped-def]
    height, width = z.shape
    cell, first_column, first_row, right, down = lattice
    out = np.zeros((3, height, width), dtype=np.float32)
    for i in range(height):
        for j in range(width):
            if near.distance[i, j] > cap:
                out[2, i, j] = z[i, j]
                continue
            k, share = near.segment[i, j], near.share[i, j]
            east = ends[k, 0] + share * (ends[k, 2] - ends[k, 0])
            north = ends[k, 1] + share * (ends[k, 3] - ends[k, 1])
            reach = max(near.distance[i, j], 1e-3)
            out[0, i, j] = (east - places[0][j]) / reach
            out[1, i, j] = (north - places[1][i]) / reach
            across, along = east / cell - right, down - north / cell
            column, row = int(np.floor(across)), int(np.floor(along))
            a, b = across - column, along - row
            column, row = column - first_column, row + first_row
            if 0 <= row < height - 1 and 0 <= column < width - 1:
                upper = z[row, column] * (1.0 - a) + z[row, column + 1] * a
                lower = z[row + 1, column] * (1.0 - a) + z[row + 1, column + 1] * a
                out[2, i, j] = upper * (1.0 - b) + lower * b
            else:
                out[2, i, j] = np.nan
    return out
