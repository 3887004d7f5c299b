"""Whose land lies around a place: salients, pockets and the depth behind a line."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import disc_half_widths, disc_sum
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, radius_name, to_dataset


def own_side_share(
    layers: Layers, geobox: GeoBox, *, layer: str, land: str, radii_m: Sequence[float]
) -> xr.Dataset:
    """Compute the share of the land around each cell that its own side held.

    One half on a straight line; less in a salient, which the other side looks into from three
    sides; near 1 deep behind the line. Unlike a distance it does not grow without end, and it
    says how a drawn line winds within the radius, not where exactly it runs.

    Parameters
    ----------
    layers
        Holds `layer` and `land`, polygons.
    geobox
        North-up grid in metres, wider than the area asked for by the greatest radius.
    layer
        Polygons of one side; all other land is the other side's.
    land
        Polygons of the land that counts: no land beyond the border, no sea.
    radii_m
        Radii of the discs, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``own_side_share_<radius>``, 0 to 1; NaN outside `land`. A cell belongs
        to a polygon that holds its centre.
    """
    crs = str(geobox.crs)
    known = burn_mask(geobox, areas(layers.vector(land, crs=crs), name=land), all_touched=False)
    held = known & burn_mask(
        geobox, areas(layers.vector(layer, crs=crs), name=layer), all_touched=False
    )
    variables = {}
    for radius in radii_m:
        disc = disc_half_widths(radius, resolution_m=resolution(geobox))
        around = disc_sum(known.astype(np.int64), disc)
        theirs = disc_sum(held.astype(np.int64), disc)
        own = np.where(held, theirs, around - theirs) / np.maximum(around, 1)
        variables[f"own_side_share_{radius_name(radius)}"] = Variable(
            np.where(known, own, np.nan).astype(np.float32),
            "1",
            f"share of the land within {radius:,g} m that the side holding the cell held",
            disc_m=radius,
        )
    return to_dataset(geobox, variables)
