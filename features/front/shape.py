"""How the front line bends and faces, and how wide the land between two lines is."""

from typing import NamedTuple

import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.front.distance import (
    check_side,
    expected_distance,
    name_start,
    position_error,
)
from minerisk.features.front.nearest_segment import nearest_to_cells
from minerisk.features.front.trace import Shape, along, long_pieces, shape_of, trace_of
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.variable import Variable, to_dataset

Floats = NDArray[np.float64]


class _Near(NamedTuple):
    """For each cell, metres along all pieces of its nearest point, and what the shape weighs."""

    at: Floats
    weight: Floats


def front_shape(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    held_area: str | None = None,
    side_column: str | None = None,
    epoch: str | None = None,
    scale_m: float,
    reach_m: float,
) -> xr.Dataset:
    """Compute how the front line bends and faces at the point of it nearest to each cell.

    Parameters
    ----------
    layers, geobox, layer, held_area, side_column, epoch
        As in `distance.front_line`; no halo is needed. Pieces of line shorter than the scale
        have no shape at it: the nearest longer one counts.
    scale_m
        Length of line on either side that the bend is taken over, metres; no less than the
        layer's positional error, or the bend would be that of the drawing.
    reach_m
        The values are whole on the line and fade, evenly, to 0 at this distance from it, metres.
        Far from the line its shape says nothing but where a place is.

    Returns
    -------
    Dataset
        float32 ``(y, x)``. Where the side is known: ``front_salient``, 1/m, positive where the
        held land bulges towards the opposing side (a salient), negative where it falls back (a
        re-entrant); ``front_facing_east`` and ``front_facing_north``, the direction from the held
        to the opposing side. Otherwise ``front_bend``, 1/m, without a sign, and
        ``front_axis_north`` (1 where the line runs north-south, -1 east-west) and
        ``front_axis_northeast`` (1 where it runs north-east, -1 north-west).

    Raises
    ------
    InputError
        If the scale is finer than the line's error, no piece is as long as it, or the held area
        lies equally on both sides of a piece.
    """
    error_m = position_error(layers, layer)
    if scale_m < error_m:
        raise InputError(
            f"scale_m is {scale_m:,g} m, but the line {layer} is off by {error_m:,g} m "
            "(position_error_m): its bends at that scale are the draughtsman's. Use a scale_m no "
            "less than the error."
        )
    check_side(layer, held_area=held_area, side_column=side_column)
    crs = str(geobox.crs)
    whole = trace_of(layers.vector(layer, crs=crs), name=layer, side_column=side_column)
    trace = long_pieces(whole, least_m=scale_m, name=layer)
    shape = shape_of(trace, scale_m=scale_m)
    nearest = nearest_to_cells(trace.ends, geobox)
    near = _Near(along(trace, nearest), np.maximum(1.0 - nearest.distance / reach_m, 0.0))
    over = f"the nearest front line over {scale_m:,g} m, fading to 0 at {reach_m:,g} m from it"
    if held_area is None and side_column is None:
        return to_dataset(geobox, _unsided(shape, near, name_start(epoch), over))
    left = trace.held_left[np.searchsorted(trace.piece, shape.piece)]
    if held_area is not None:
        land = areas(layers.vector(held_area, crs=crs), name=held_area).union_all()
        left = _held_left(shape, land, offset_m=scale_m / 4.0, name=held_area)
    return to_dataset(geobox, _sided(_turned(shape, left), near, name_start(epoch), over))


def no_mans_land(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    opposing_line: str,
    epoch: str | None = None,
    cap_m: float,
) -> xr.Dataset:
    """Compute the width of no man's land where each side has a line of its own.

    Parameters
    ----------
    layers, geobox, epoch
        As in `minerisk.features.front.distance.front_line`; no halo is needed.
    layer, opposing_line
        Names of the layers of the two lines, in either order.
    cap_m
        Widths beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, metres: ``front_gap_m``, the distances to both lines together, which is
        the width of no man's land for a place inside it and more behind either line; and
        ``front_gap_expected_m`` where a layer states a positional error.
    """
    names = (layer, opposing_line)
    errors = [position_error(layers, name) for name in names]
    gap, expected = np.zeros(geobox.shape), np.zeros(geobox.shape)
    for name, error_m in zip(names, errors, strict=True):
        trace = trace_of(layers.vector(name, crs=str(geobox.crs)), name=name)
        distance = nearest_to_cells(trace.ends, geobox).distance
        gap += distance
        expected += expected_distance(distance, error_m=error_m) if error_m > 0 else distance
    start, words = name_start(epoch), "way from one line to the other through here"
    most, off = f"at most {cap_m:,g} m", "the lines being off by {:,g} and {:,g} m".format(*errors)
    variables = {f"{start}gap_m": Variable(np.minimum(gap, cap_m), "m", f"{words}, {most}")}
    if max(errors) > 0:
        variables[f"{start}gap_expected_m"] = Variable(
            np.minimum(expected, cap_m), "m", f"{words} to be expected, {off} (1 sd), {most}"
        )
    return to_dataset(geobox, variables)


def _held_left(
    shape: Shape, land: shapely.Geometry, *, offset_m: float, name: str
) -> NDArray[np.int64]:
    """Compute on which side of each piece the held land lies: 1 left, -1 right, by most nodes."""
    shapely.prepare(land)
    east, north = shape.easting, shape.northing
    left = shapely.contains_xy(land, east - offset_m * shape.north, north + offset_m * shape.east)
    right = shapely.contains_xy(land, east + offset_m * shape.north, north - offset_m * shape.east)
    votes = np.bincount(shape.piece, left.astype(np.float64) - right.astype(np.float64))
    if (votes == 0).any():
        raise InputError(
            f"{name} lies as much on one side of the front line as on the other, so the side that "
            "held the land cannot be told. Check that both layers show the same front."
        )
    return np.sign(votes).astype(np.int64)[shape.piece]


def _turned(shape: Shape, left: NDArray[np.int64]) -> Shape:
    """Draw each piece so that the held land is on its left: then a left turn is a salient."""
    return shape._replace(bend=left * shape.bend, east=left * shape.east, north=left * shape.north)


def _sided(shape: Shape, near: _Near, start: str, over: str) -> dict[str, Variable]:
    east, north = _unit(near, shape.node, shape.north, -shape.east)
    salient = near.weight * np.interp(near.at, shape.node, shape.bend)
    sign, facing = "positive is a salient of the held land, negative a re-entrant", "held to the"
    return {
        f"{start}salient": Variable(salient, "1/m", f"bend of {over}; {sign}"),
        f"{start}facing_east": Variable(
            east, "1", f"1 where the direction from the {facing} opposing side is east: {over}"
        ),
        f"{start}facing_north": Variable(
            north, "1", f"1 where the direction from the {facing} opposing side is north: {over}"
        ),
    }


def _unsided(shape: Shape, near: _Near, start: str, over: str) -> dict[str, Variable]:
    bend = near.weight * np.interp(near.at, shape.node, np.abs(shape.bend))
    # Twice the angle: a line has no direction, and opposite directions are the same.
    east, north = shape.east, shape.north
    northeast, axis = _unit(near, shape.node, 2.0 * east * north, north**2 - east**2)
    return {
        f"{start}bend": Variable(bend, "1/m", f"bend, to whichever side, of {over}"),
        f"{start}axis_north": Variable(axis, "1", f"1 north-south, -1 east-west: run of {over}"),
        f"{start}axis_northeast": Variable(
            northeast, "1", f"1 north-east, -1 north-west: run of {over}"
        ),
    }


def _unit(near: _Near, node: Floats, east: Floats, north: Floats) -> tuple[Floats, Floats]:
    east, north = np.interp(near.at, node, east), np.interp(near.at, node, north)
    length = np.maximum(np.hypot(east, north), np.finfo(np.float64).tiny)
    return near.weight * east / length, near.weight * north / length
