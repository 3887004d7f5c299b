"""Edges and margins: of forests, of rivers and canals, of roads."""

from collections.abc import Mapping, Sequence

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import coverage_fraction
from minerisk.features.variable import Variable, radius_name, to_dataset


def land_cover_edge(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    groups: Mapping[str, Sequence[int]],
    cap_m: float,
) -> xr.Dataset:
    """Compute the distance to the edge of each named group of land-cover classes.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of class codes read by nearest or mode.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer
        Name of the layer.
    groups
        Group name: class codes.
    cap_m
        Greater distances read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<group>_edge_m``, negative inside the group. The edge is taken to
        lie half a cell before the nearest centre on its other side, so no cell reads 0. NaN where
        the layer has no value; a gap in the layer is no edge.
    """
    codes, cell = layers.raster(layer, geobox), resolution(geobox)
    known = ~np.isnan(codes)
    variables = {}
    for name, members in groups.items():
        inside = known & np.isin(codes, list(members))
        beyond = np.where(inside, _to(known & ~inside, cell, cap_m), _to(inside, cell, cap_m))
        signed = np.where(inside, -beyond, beyond)
        variables[f"{name}_edge_m"] = Variable(
            np.where(known, signed, np.nan).astype(np.float32),
            "m",
            f"distance to the edge of {name}, negative inside it, at most {cap_m:,g} m",
        )
    return to_dataset(geobox, variables)


def _to(mask: np.ndarray, cell: float, cap_m: float) -> np.ndarray:
    return distance_to(mask, resolution_m=cell, cap_m=cap_m + cell / 2) - np.float32(cell / 2)


def margin(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    widths_m: Sequence[float],
    beyond_m: float,
) -> xr.Dataset:
    """Compute the share of each cell that lies in the margin of a road, a bank or a canal.

    Parameters
    ----------
    layers
        Holds `layer`: lines, points, or polygons, of which the boundary counts.
    geobox
        North-up grid in metres.
    layer
        Name of the layer.
    widths_m
        The margin reaches this far from the geometry on either side, metres.
    beyond_m
        What lies nearer does not count: half the width of the road, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``<layer>_margin_<width>``, 0 to 1. A cell of 250 m across a straight
        road with verges of 10 m has 2 × 10 / 250 = 0.08.

    Raises
    ------
    InputError
        If a width is not greater than `beyond_m`.
    """
    if min(widths_m) <= beyond_m:
        raise InputError(
            f"The margin of {layer} is {min(widths_m):,g} m wide and begins at {beyond_m:,g} m; "
            "expected widths_m above beyond_m."
        )
    frame = layers.vector(layer, crs=str(geobox.crs))
    near = _covered(geobox, frame, beyond_m)
    variables = {}
    for width in widths_m:
        share = np.maximum(_covered(geobox, frame, width) - near, 0).astype(np.float32)
        start = f"{beyond_m:,g} to " if beyond_m else ""
        variables[f"{layer}_margin_{radius_name(width)}"] = Variable(
            share, "1", f"share of the cell within {start}{width:,g} m of {layer}"
        )
    return to_dataset(geobox, variables)


def _covered(geobox: GeoBox, frame: gpd.GeoDataFrame, width_m: float) -> np.ndarray:
    if width_m == 0:
        return np.zeros(tuple(geobox.shape), dtype=np.float32)
    shapes = np.asarray(frame.geometry.array, dtype=object)
    polygons = shapely.get_dimensions(shapes) == 2
    shapes = np.where(polygons, shapely.boundary(shapes), shapes)
    wide = shapely.buffer(shapes, width_m, quad_segs=16)
    return coverage_fraction(geobox, gpd.GeoDataFrame(geometry=wide, crs=frame.crs))
