"""Shape of the ground: slope, aspect, curvature, position and roughness.

Derivatives come from the least-squares quadratic over 3 x 3 cells (Evans 1980; Florinsky 2017,
doi:10.1177/0309133317733667), which is exact on every plane and paraboloid.
"""

from collections.abc import Sequence

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.discs import positions_and_roughnesses
from minerisk.features.variable import Variable, radius_name, to_dataset


def terrain(layers: Layers, geobox: GeoBox, *, layer: str, radii_m: Sequence[float]) -> xr.Dataset:
    """Describe the ground around each cell.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres.
    geobox
        North-up grid in metres; wider than the area asked for by the greatest radius.
    layer
        Name of the elevation layer.
    radii_m
        Radii of position and roughness, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``elevation_m``, ``slope_deg``, ``northness``, ``eastness``,
        ``curvature_profile``, ``curvature_tangential``, ``tpi_<radius>``, ``roughness_<radius>``.
    """
    elevation = layers.raster(layer, geobox, unit="m")
    cell = resolution(geobox)
    # Discs first: what they add up is let go before the derivatives take memory.
    around = positions_and_roughnesses(elevation, radii_m=radii_m, resolution_m=cell)
    slope, north, east, profile, tangential = derivatives(elevation, resolution_m=cell)
    variables = {
        "elevation_m": Variable(elevation, "m", "height of the ground"),
        "slope_deg": Variable(slope, "degree", "steepness of the ground"),
        "northness": Variable(north, "1", "1 on slopes that face north, -1 south, 0 level"),
        "eastness": Variable(east, "1", "1 on slopes that face east, -1 west, 0 level"),
        "curvature_profile": Variable(profile, "1/m", "bend down the slope; positive is convex"),
        "curvature_tangential": Variable(
            tangential, "1/m", "bend across the slope; positive is convex, such as a spur"
        ),
    }
    for radius, (position, roughness) in zip(radii_m, around, strict=True):
        near, name = f"the ground within {radius:,g} m", radius_name(radius)
        variables[f"tpi_{name}"] = Variable(
            position, "m", f"height above the mean of {near}", disc_m=radius
        )
        variables[f"roughness_{name}"] = Variable(
            roughness, "m", f"standard deviation of the height of {near}", disc_m=radius
        )
    return to_dataset(geobox, variables)


def derivatives(
    elevation: NDArray[np.float32], *, resolution_m: float
) -> tuple[NDArray[np.float32], ...]:
    """Compute slope, northness, eastness, profile and tangential curvature in one pass.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``, north up.
    resolution_m
        Cell size, metres.

    Returns
    -------
    slope, northness, eastness, profile, tangential
        float32 of the same shape. Slope in degrees; northness and eastness the cosine and sine of
        the direction of steepest descent, 0 on level ground; curvatures in 1/m, positive where
        the ground is convex, and the mean curvature where it is level. NaN at the outermost
        cells and wherever one of the nine cells is NaN.

    Notes
    -----
    Curvatures as in Mitasova and Hofierka (1993), doi:10.1007/BF00893172, signs turned.

    Examples
    --------
    A plane that rises 10 m a cell to the east: steep as 10 m in 100 m, and facing west.

    >>> import numpy as np
    >>> plane = np.tile(np.float32([0, 10, 20]), (3, 1))
    >>> slope, northness, eastness, _, _ = derivatives(plane, resolution_m=100)
    >>> slope[1, 1].round(2), northness[1, 1], eastness[1, 1]
    (np.float32(5.71), np.float32(-0.0), np.float32(-1.0))
    """
    return tuple(_derivatives(np.asarray(elevation, dtype=np.float32), float(resolution_m)))


@numba.njit(cache=True, error_model="numpy")
def _derivatives(z, cell):  # type: ignore[no-untyped-def]
    height, width = z.shape
    out = np.full((5, height, width), np.nan, dtype=np.float32)
    first, second, mixed = 1.0 / (6.0 * cell), 1.0 / (3.0 * cell * cell), 0.25 / (cell * cell)
    for i in range(1, height - 1):
        for j in range(1, width - 1):
            nw, n, ne = z[i - 1, j - 1], z[i - 1, j], z[i - 1, j + 1]
            w, c, e = z[i, j - 1], z[i, j], z[i, j + 1]
            sw, s, se = z[i + 1, j - 1], z[i + 1, j], z[i + 1, j + 1]
            # Heights above the centre: NaN in any of the nine cells reaches all five results.
            nw, n, ne, w = _float(nw) - c, _float(n) - c, _float(ne) - c, _float(w) - c
            sw, s, se, e = _float(sw) - c, _float(s) - c, _float(se) - c, _float(e) - c
            west, east, across = (nw + sw) + w, (ne + se) + e, n + s
            north, south, along = (nw + ne) + n, (sw + se) + s, w + e
            gap = 0.0 * (across + along)
            p = (east - west) * first + gap
            q = (north - south) * first + gap
            r = ((east + west) - 2.0 * across) * second
            t = ((north + south) - 2.0 * along) * second
            m = ((ne + sw) - (nw + se)) * mixed
            steep = p * p + q * q
            level = steep < 1e-12
            safe = 1.0 if level else steep
            slope, rise = np.sqrt(safe), 1.0 + safe
            out[0, i, j] = np.arctan(np.sqrt(steep)) * (180.0 / np.pi)
            out[1, i, j] = 0.0 if level else -q / slope
            out[2, i, j] = 0.0 if level else -p / slope
            mean = -(r + t) * 0.5
            down = p * p * r + 2.0 * p * q * m + q * q * t
            side = q * q * r - 2.0 * p * q * m + p * p * t
            out[3, i, j] = mean if level else -down / (safe * rise * np.sqrt(rise))
            out[4, i, j] = mean if level else -side / (safe * np.sqrt(rise))
    return out


@numba.njit(inline="always")
def _float(value):  # type: ignore[no-untyped-def]
    return np.float64(value)
