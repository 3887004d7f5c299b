"""How near, and how thick on the ground, are roads, rivers, settlements and the like."""

from collections.abc import Sequence

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import disc_density, disc_half_widths, disc_sum, distance_to
from minerisk.features.raster.rasterise import burn_mask, count_points, line_length
from minerisk.features.variable import Variable, radius_name, to_dataset
from minerisk.features.vector_files.columns import amounts, people

# Lengths and weights are summed as whole thousandths: no rounding, so tiles equal the whole.
_STEPS = 1_000.0


def distance(layers: Layers, geobox: GeoBox, *, layer: str, cap_m: float) -> xr.Dataset:
    """Compute the distance to the nearest geometry of a layer.

    Parameters
    ----------
    layers
        Holds `layer`: points, lines or polygons.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer
        Name of the layer.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_distance_m``, between cell centres; 0 in cells it touches.
    """
    mask = burn_mask(geobox, layers.vector(layer, crs=str(geobox.crs)), all_touched=True)
    metres = distance_to(mask, resolution_m=resolution(geobox), cap_m=cap_m)
    words = f"distance to the nearest of {layer}, at most {cap_m:,g} m"
    return to_dataset(geobox, {f"{layer}_distance_m": Variable(metres, "m", words)})


def density(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    radii_m: Sequence[float],
    weight_column: str | None = None,
) -> xr.Dataset:
    """Compute points, or metres of line, per square kilometre within each radius.

    Parameters
    ----------
    layers
        Holds `layer`: lines, or points (polygons count once, at a point that lies on them).
    geobox
        North-up grid in metres, wider than the area asked for by the greatest radius.
    layer
        Name of the layer.
    radii_m
        Radii of the discs, metres.
    weight_column
        Sum this column instead of counting. A record without a value adds nothing.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_density_<radius>``.

    Raises
    ------
    InputError
        If the column is missing, holds text or infinity, or the layer mixes lines with points.
    """
    frame, cell = layers.vector(layer, crs=str(geobox.crs)), resolution(geobox)
    amount, unit, what = _amount(frame, geobox, layer, weight_column)
    variables = {}
    for radius in radii_m:
        disc = disc_half_widths(radius, resolution_m=cell)
        km2 = float((2 * disc + 1).sum()) * cell * cell / 1e6
        value = disc_density(amount, disc, steps=_STEPS, per=_STEPS * km2)
        variables[f"{layer}_density_{radius_name(radius)}"] = Variable(
            value, unit, f"{what} per square kilometre within {radius:,g} m", disc_m=radius
        )
    return to_dataset(geobox, variables)


def population_change(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    before_column: str,
    after_column: str,
    radii_m: Sequence[float],
    abandoned_share: float,
    cap_m: float,
) -> xr.Dataset:
    """Compute where people have gone, and how far the nearest abandoned settlement is.

    Parameters
    ----------
    layers
        Holds `layer`: settlements (polygons count at a point that lies on them).
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m` and every radius.
    layer, before_column, after_column
        Name of the layer, and of its columns with the number of people before and after the war.
    radii_m
        Radii in which people are counted, metres.
    abandoned_share
        A settlement with people before, and at most this share of them after, is abandoned.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_abandoned_distance_m`` and, by radius,
        ``<layer>_people_change_<radius>``: the natural logarithm of (1 + people after) over
        (1 + people before); 0 where nobody came or went, -2.3 where one in ten is left.
        Settlements without both numbers are left out.

    Raises
    ------
    InputError
        If a column is missing or holds text, infinity or a negative number.
    """
    frame, cell = layers.vector(layer, crs=str(geobox.crs)), resolution(geobox)
    before = people(before_column, "before_column").read(frame, layer)
    after = people(after_column, "after_column").read(frame, layer)
    counted = ~np.isnan(before) & ~np.isnan(after)
    frame, before, after = frame[counted], before[counted], after[counted]
    left = frame[(before > 0) & (after <= abandoned_share * before)]
    metres = distance_to(burn_mask(geobox, left, all_touched=True), resolution_m=cell, cap_m=cap_m)
    words = f"distance to the nearest of {layer} that was abandoned, at most {cap_m:,g} m"
    variables = {f"{layer}_abandoned_distance_m": Variable(metres, "m", words)}
    burnt = [count_points(geobox, frame, number) for number in (before, after)]
    for radius in radii_m:
        disc = disc_half_widths(radius, resolution_m=cell)
        then, now = (disc_sum(np.rint(count).astype(np.int64), disc) for count in burnt)
        change = np.log1p(now.astype(np.float64)) - np.log1p(then.astype(np.float64))
        variables[f"{layer}_people_change_{radius_name(radius)}"] = Variable(
            change.astype(np.float32),
            "1",
            f"change of the people within {radius:,g} m, as a logarithm; negative where they left",
            disc_m=radius,
        )
    return to_dataset(geobox, variables)


def _amount(
    frame: gpd.GeoDataFrame, geobox: GeoBox, layer: str, weight_column: str | None
) -> tuple[NDArray[np.float64], str, str]:
    lines = shapely.get_dimensions(np.asarray(frame.geometry.array, dtype=object)) == 1
    if lines.any() and not lines.all():
        raise InputError(
            f"Layer {layer} mixes lines with points or polygons; expected one kind for a density. "
            "Split it into two layers."
        )
    if weight_column is not None:
        weights = np.nan_to_num(amounts(weight_column).read(frame, layer), nan=0.0)
        return count_points(geobox, frame, weights), "1/km2", f"{weight_column} of {layer}"
    if lines.all():
        return line_length(geobox, frame), "m/km2", f"metres of {layer}"
    return count_points(geobox, frame), "1/km2", f"number of {layer}"
