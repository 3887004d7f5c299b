"""What covers the ground, and other rasters taken as they are or as their change."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.layers.sources import Layers
from minerisk.features.variable import Variable, to_dataset


def land_cover(
    layers: Layers, geobox: GeoBox, *, layer: str, groups: Mapping[str, Sequence[int]]
) -> xr.Dataset:
    """Compute one indicator per named group of land-cover classes.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of class codes read by nearest or mode.
    geobox
        North-up grid in metres.
    layer
        Name of the layer.
    groups
        Group name: class codes.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``land_cover_<group>``, 1 or 0; NaN where the layer has no value.
    """
    codes = layers.raster(layer, geobox)
    variables = {}
    for name, members in groups.items():
        found = np.where(np.isnan(codes), np.nan, np.isin(codes, list(members)))
        listed = ", ".join(str(member) for member in members)
        variables[f"land_cover_{name}"] = Variable(
            found.astype(np.float32), "1", f"1 where {layer} is {name} (codes {listed})"
        )
    return to_dataset(geobox, variables)


def value(layers: Layers, geobox: GeoBox, *, layer: str) -> xr.Dataset:
    """Take a raster as it is.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: one variable named like the layer, in the layer's unit.
    """
    unit = layers.unit(layer) or "1"
    words = f"value of {layer}"
    return to_dataset(geobox, {layer: Variable(layers.raster(layer, geobox), unit, words)})


def change(layers: Layers, geobox: GeoBox, *, layer: str, before: str) -> xr.Dataset:
    """Compute the change from one raster to another of the same thing, such as people or greenness.

    Parameters
    ----------
    layers
        Holds both rasters, in units of which one becomes the other.
    geobox
        North-up grid in metres.
    layer, before
        Names of the later and the earlier layer.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_change``, later less earlier, in the unit of the later; NaN
        where either has no value.

    Raises
    ------
    InputError
        If only one states a unit, or the units are of different things.
    """
    unit, other = layers.unit(layer), layers.unit(before)
    if (unit is None) != (other is None):
        raise InputError(
            f"The layer {layer} is in {unit or 'no stated unit'} and {before} in "
            f"{other or 'no stated unit'}; expected one unit for both. State the other's."
        )
    values = layers.raster(layer, geobox) - layers.raster(before, geobox, unit=unit)
    words = f"{layer} less {before}: negative where it fell"
    return to_dataset(geobox, {f"{layer}_change": Variable(values, unit or "1", words)})
