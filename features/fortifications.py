"""Where a place lies with respect to trenches, bunkers and other positions."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from features.grid import resolution
from features.proximity import disc_half_widths, disc_sum, distance_to
from features.rasterise import burn_mask, count_points
from features.sources import Layers
from features.variable import Variable, radius_name, to_dataset


def fortifications(
    layers: Layers, geobox: GeoBox, *, layer: str, radii_m: Sequence[float], cap_m: float
) -> xr.Dataset:
    """Give the distance to fortifications and how many lie within each radius.

    Parameters
    ----------
    layers
        Holds `layer`: points, lines or polygons. Each geometry counts once, lines and polygons
        at a point that lies on them.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m` and every radius.
    layer
        Name of the layer.
    radii_m, cap_m
        Radii of the counts, and the distance beyond which all read the same, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``fortifications_<layer>_distance_m`` and, by radius,
        ``fortifications_<layer>_count_<radius>``.
    """
    frame, cell = layers.vector(layer, crs=str(geobox.crs)), resolution(geobox)
    mask = burn_mask(geobox, frame, all_touched=True)
    variables = {
        f"fortifications_{layer}_distance_m": Variable(
            distance_to(mask, resolution_m=cell, cap_m=cap_m),
            "m",
            f"distance to the nearest of {layer}, at most {cap_m:g} m",
        )
    }
    counts = np.rint(count_points(geobox, frame)).astype(np.int64)
    for radius in radii_m:
        number = disc_sum(counts, disc_half_widths(radius, resolution_m=cell))
        variables[f"fortifications_{layer}_count_{radius_name(radius)}"] = Variable(
            number.astype(np.float32), "1", f"number of {layer} within {radius:g} m"
        )
    return to_dataset(geobox, variables)
