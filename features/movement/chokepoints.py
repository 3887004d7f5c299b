"""Where movement has little choice: passes, and crossings of roads with rivers."""

import geopandas as gpd
import numba
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, to_dataset


def crossings(
    layers: Layers, geobox: GeoBox, *, layer: str, rivers: str, cap_m: float
) -> xr.Dataset:
    """Compute the distance to the nearest crossing of a road with a river.

    Parameters
    ----------
    layers
        Holds both, as lines or polygons.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer, rivers
        Names of the layers of roads (or railways, or tracks) and of rivers (or canals).
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_<rivers>_crossing_distance_m``, `cap_m` where there is none.
        A crossing may be a bridge, a culvert or a ford: the layers do not tell which.
    """
    crs = str(geobox.crs)
    roads, water = layers.vector(layer, crs=crs), layers.vector(rivers, crs=crs)
    mask = burn_mask(geobox, meeting_points(roads, water), all_touched=True)
    metres = distance_to(mask, resolution_m=resolution(geobox), cap_m=cap_m)
    words = f"distance to the nearest crossing of {layer} with {rivers}, at most {cap_m:,g} m"
    name = f"{layer}_{rivers}_crossing_distance_m"
    return to_dataset(geobox, {name: Variable(metres, "m", words)})


def meeting_points(one: gpd.GeoDataFrame, other: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Return what the geometries of two layers have in common, in the CRS of the first."""
    first = np.asarray(one.geometry.array, dtype=object)
    second = np.asarray(other.geometry.array, dtype=object)
    pairs = shapely.STRtree(second).query(first, predicate="intersects")
    shared = shapely.intersection(first[pairs[0]], second[pairs[1]])
    return gpd.GeoDataFrame(geometry=shared, crs=one.crs)


def passes(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    radius_m: float,
    rise_m: float,
    cap_m: float,
) -> xr.Dataset:
    """Compute the distance to the nearest pass: a saddle of the ground.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m` and `radius_m`.
    layer
        Name of the elevation layer.
    radius_m, rise_m
        Size of a pass: at this distance the ground is higher by `rise_m` on two sides and lower
        by as much on the two between them, metres.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``pass_distance_m``; NaN where there is no elevation.
    """
    elevation, cell = layers.raster(layer, geobox, unit="m"), resolution(geobox)
    found = saddles(elevation, radius_m=radius_m, rise_m=rise_m, resolution_m=cell)
    metres = distance_to(found, resolution_m=cell, cap_m=cap_m)
    metres = np.where(np.isnan(elevation), np.nan, metres).astype(np.float32)
    words = (
        f"distance to the nearest pass ({rise_m:,g} m of rise and fall at {radius_m:,g} m), "
        f"at most {cap_m:,g} m"
    )
    return to_dataset(geobox, {"pass_distance_m": Variable(metres, "m", words)})


def saddles(
    elevation: NDArray[np.float32], *, radius_m: float, rise_m: float, resolution_m: float
) -> NDArray[np.bool_]:
    """Mark the cells around which higher and lower ground alternate at least twice.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``.
    radius_m, rise_m
        Distance at which the ground is looked at in eight directions, and the least difference
        of height that counts, metres.
    resolution_m
        Cell size, metres.

    Returns
    -------
    ndarray of bool, shape (height, width)
        False where one of the nine cells has no value or lies outside the array.

    Notes
    -----
    Four changes of sign around the ring make a pass; Peucker and Douglas (1975),
    doi:10.1016/0146-664X(75)90005-2, here on a wider ring.

    Examples
    --------
    Higher ground to the north and south, lower to the east and west.

    >>> import numpy as np
    >>> ground = np.float32([[100, 130, 100], [70, 100, 70], [100, 130, 100]])
    >>> bool(saddles(ground, radius_m=100, rise_m=20, resolution_m=100)[1, 1])
    True
    """
    straight = max(1, round(radius_m / resolution_m))
    diagonal = max(1, round(radius_m / resolution_m / np.sqrt(2)))
    ring = np.array(
        [(-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1)], dtype=np.int64
    )
    ring[0::2] *= straight
    ring[1::2] *= diagonal
    return np.asarray(_saddles(np.asarray(elevation, np.float32), ring, np.float64(rise_m)))


@numba.njit(cache=True)
def _saddles(z, ring, rise):  # type: ignore[no-untyped-def]
    height, width = z.shape
    out = np.zeros((height, width), dtype=np.bool_)
    reach = np.abs(ring).max()
    for row in range(reach, height - reach):
        for column in range(reach, width - reach):
            first = last = changes = 0
            for k in range(8):
                there = z[row + ring[k, 0], column + ring[k, 1]]
                difference = np.float64(there) - np.float64(z[row, column])
                if np.isnan(difference):
                    changes = -9
                sign = (difference >= rise) - (difference <= -rise)
                if sign != 0:
                    if last != 0 and sign != last:
                        changes += 1
                    if first == 0:
                        first = sign
                    last = sign
            changes += first != last
            out[row, column] = changes >= 4
    return out
