"""What lies in front of trenches, bunkers and other positions: the ground they were to bar.

A position faces the enemy: the direction from it to the nearest point of the front line. Protective
minefields lie in that direction, close enough to be watched and beyond the throw of a grenade.
"""

import math
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numba
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from minerisk.features.errors import InputError
from minerisk.features.front.depth_zones import as_share, zones
from minerisk.features.front.distance import position_error
from minerisk.features.front.fortifications import by_type, length_within
from minerisk.features.front.nearest_segment import cell_places, nearest_to_cells, nearest_to_points
from minerisk.features.front.trace import Trace, along, stretches, trace_of
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.variable import Variable, radius_name, to_dataset

FRONTAGE_M = 300.0
"""Width of ground that a point or polygon stands for: the front of one minefield."""
STRETCH_M = 2_000.0
"""Radius in which the front line is looked at for positions that cover it."""
_SPACING_M = (5.0, 25.0)
_TAIL = 5.0
Floats = NDArray[np.float64]


class Posts(NamedTuple):
    """Positions as points that face the enemy, each array of shape ``(n,)``.

    Attributes
    ----------
    easting, northing
        Metres.
    east, north
        Direction towards the front line, of length 1.
    half
        Half the width of ground it stands for, across that direction, metres.
    chance
        That it stands on the side of the front line on which it is drawn, 0.5 to 1.
    along
        Metres along the front line of the point nearest to it.
    distance
        Metres to that point.
    """

    easting: Floats
    northing: Floats
    east: Floats
    north: Floats
    half: Floats
    chance: Floats
    along: Floats
    distance: Floats


def front_of_positions(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    front_line: str,
    held_area: str | None = None,
    type_column: str | None = None,
    types: Mapping[str, Sequence[str | int]] | None = None,
    edges_m: Sequence[float],
    cap_m: float,
) -> xr.Dataset:
    """Compute how far a place lies in front of or behind positions, and in which depth zone.

    Parameters
    ----------
    layers
        Holds the positions (points, lines, polygons) and the front line.
    geobox
        North-up grid in metres, wider than the area asked for by `STRETCH_M`.
    layer, front_line
        Names of the layers.
    held_area
        Polygons of the side that laid the belts: only positions in them count, because a side
        lays its belts in front of its own positions. Without it the positions of both sides do.
    type_column, types
        As in `minerisk.features.front.fortifications.fortifications`.
    edges_m
        Edges of the depth zones in front of a position, ascending, metres.
    cap_m
        Metres in front or behind beyond this read as this.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, for the layer and each type: ``fortifications_<name>_ahead_m``, metres
        in front of the nearest position, counted towards the enemy: 0 beside it, negative behind
        it; ``..._front_<begin>_<end>m``, the share of the cell to be expected in that zone in
        front of positions, at most 1; and ``..._covered_2000m``, metres of front line within
        `STRETCH_M` that have a position no farther than that from them.

    Notes
    -----
    A point or polygon bars a strip `FRONTAGE_M` wide, a line one as wide as it is long, seen from
    the enemy. Where the errors of line and position leave open on which side of the line it
    stands, its zones are shared out between both directions; an error of the position also smears
    them.
    """
    crs = str(geobox.crs)
    trace = trace_of(layers.vector(front_line, crs=crs), name=front_line)
    frame = layers.vector(layer, crs=crs)
    if held_area is not None:
        frame = _inside(
            frame, areas(layers.vector(held_area, crs=crs), name=held_area), layer, held_area
        )
    own_error = position_error(layers, layer)
    error_m = math.hypot(own_error, position_error(layers, front_line))
    variables: dict[str, Variable] = {}
    for name, own in by_type(frame, layer, type_column=type_column, types=types).items():
        posts = _posts(own, trace, error_m=error_m, spacing_m=_spacing(geobox))
        start, what = f"fortifications_{name}_", name.replace("_", " ")
        for key, variable in {
            **_ahead(geobox, posts, what, cap_m=cap_m),
            **_zones(geobox, posts, what, edges_m=edges_m, error_m=own_error),
            **_covered(geobox, trace, posts, what),
        }.items():
            variables[f"{start}{key}"] = variable
    return to_dataset(geobox, variables)


def _inside(
    frame: gpd.GeoDataFrame, area: gpd.GeoDataFrame, layer: str, held_area: str
) -> gpd.GeoDataFrame:
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    kept = shapely.intersects(points, area.union_all())
    if not kept.any():
        raise InputError(
            f"None of the {len(frame)} records of {layer} lies in {held_area}; expected positions "
            "of the side that held it. Leave held_area out to take those of both sides."
        )
    return frame[kept].reset_index(drop=True)


def _spacing(geobox: GeoBox) -> float:
    return float(np.clip(resolution(geobox) / 2.0, *_SPACING_M))


def _posts(frame: gpd.GeoDataFrame, trace: Trace, *, error_m: float, spacing_m: float) -> Posts:
    shapes = np.asarray(frame.geometry.array, dtype=object)
    lines = shapely.get_dimensions(shapes) == 1
    single = shapely.get_parts(shapes[~lines])
    points = shapely.get_coordinates(shapely.point_on_surface(single))
    middles, runs = _steps(shapes[lines], spacing_m)
    place = np.vstack([points, middles])
    nearest = nearest_to_points(trace.ends, *np.ascontiguousarray(place.T))
    ends = trace.ends[nearest.segment]
    way = ends[:, :2] + nearest.share[:, None] * (ends[:, 2:] - ends[:, :2]) - place
    # On the line itself nothing tells the sides apart: it faces across, either way as likely.
    across = np.column_stack([ends[:, 1] - ends[:, 3], ends[:, 2] - ends[:, 0]])
    way = np.where(nearest.distance[:, None] > 0, way, across)
    east, north = (way / np.hypot(*way.T)[:, None]).T
    half = np.full(len(place), FRONTAGE_M / 2.0)
    own = slice(len(points), None)
    half[own] = np.abs(runs[:, 0] * north[own] - runs[:, 1] * east[own]) / 2.0
    distance = nearest.distance
    chance = np.where(distance > 0, 1.0, 0.5)
    if error_m > 0:
        chance = 0.5 * (1.0 + erf(distance / (error_m * np.sqrt(2.0))))
    at = along(trace, nearest)
    return Posts(place[:, 0], place[:, 1], east, north, half, chance, at, distance)


def _steps(lines: NDArray[np.object_], spacing_m: float) -> tuple[Floats, Floats]:
    """Cut lines into steps no longer than the spacing; give their middles and their extent."""
    if not len(lines):
        return np.empty((0, 2)), np.empty((0, 2))
    ends = trace_of(gpd.GeoDataFrame(geometry=lines), name="positions").ends
    count = np.ceil(np.hypot(*(ends[:, 2:] - ends[:, :2]).T) / spacing_m).astype(np.int64)
    owner = np.repeat(np.arange(len(ends)), count)
    number = np.arange(len(owner)) - np.repeat(np.cumsum(count) - count, count)
    step = ((ends[:, 2:] - ends[:, :2]) / count[:, None])[owner]
    return ends[owner, :2] + (number + 0.5)[:, None] * step, step


def _ahead(geobox: GeoBox, posts: Posts, what: str, *, cap_m: float) -> dict[str, Variable]:
    own = nearest_to_cells(np.column_stack(posts[:2] * 2), geobox).segment
    easting, northing = cell_places(geobox)
    ahead = (easting[None, :] - posts.easting[own]) * posts.east[own]
    ahead += (northing[:, None] - posts.northing[own]) * posts.north[own]
    metres = np.clip(ahead, -cap_m, cap_m).astype(np.float32)
    words = f"metres in front of the nearest of {what}, negative behind, at most {cap_m:,g} m"
    return {"ahead_m": Variable(metres, "m", words)}


def _zones(
    geobox: GeoBox, posts: Posts, what: str, *, edges_m: Sequence[float], error_m: float
) -> dict[str, Variable]:
    easting, northing = cell_places(geobox)
    shares = np.zeros((len(edges_m) - 1, len(northing), len(easting)))
    columns = np.column_stack(posts[:6])
    edges = np.asarray(edges_m, dtype=np.float64)
    _stamp(shares, columns, edges, easting, northing, resolution(geobox), error_m)
    off = f", they being off by {error_m:,g} m (1 sd)" if error_m else ""
    return {
        f"front_{name}": Variable(
            as_share(share),
            "1",
            f"expected share of the cell {begin:,g} to {end:,g} m in front of {what}{off}",
        )
        for (begin, end, name), share in zip(zones(edges_m), shares, strict=True)
    }


def _covered(geobox: GeoBox, trace: Trace, posts: Posts, what: str) -> dict[str, Variable]:
    near = posts.distance <= STRETCH_M
    lines = stretches(
        trace, posts.along[near] - posts.half[near], posts.along[near] + posts.half[near]
    )
    frame = gpd.GeoDataFrame(geometry=lines, crs=str(geobox.crs))
    metres = length_within(geobox, frame, radius_m=STRETCH_M)
    words = f"metres of front line within {STRETCH_M:,g} m that {what} cover"
    return {f"covered_{radius_name(STRETCH_M)}": Variable(metres, "m", words, disc_m=STRETCH_M)}


@numba.njit(cache=True)
def _below(y, error, cell):  # type: ignore[no-untyped-def]
    """`minerisk.features.front.depth_zones.share_below`, one number at a time."""
    return (_summed(y + 0.5 * cell, error) - _summed(y - 0.5 * cell, error)) / cell


@numba.njit(cache=True)
def _summed(y, error):  # type: ignore[no-untyped-def]
    if error == 0.0:
        return max(y, 0.0)
    chance = 0.5 * (1.0 + math.erf(y / (error * math.sqrt(2.0))))
    density = math.exp(-0.5 * (y / error) ** 2) / math.sqrt(2.0 * math.pi)
    return y * chance + error * density


@numba.njit(cache=True)
def _stamp(shares, posts, edges, easting, northing, cell, error):  # type: ignore[no-untyped-def]
    """Add to each cell its expected share in the zones in front of each post."""
    height, width = shares.shape[1:]
    for k in range(posts.shape[0]):
        x, y, east, north, half, chance = posts[k]
        reach = math.hypot(edges[-1], half) + cell + _TAIL * error
        left = max(int((x - reach - easting[0]) / cell) - 1, 0)
        right = min(int((x + reach - easting[0]) / cell) + 2, width)
        top = max(int((northing[0] - y - reach) / cell) - 1, 0)
        bottom = min(int((northing[0] - y + reach) / cell) + 2, height)
        for i in range(top, bottom):
            for j in range(left, right):
                dx, dy = easting[j] - x, northing[i] - y
                # By the cell's own place, so that it does not matter where a tile begins.
                if dx * dx + dy * dy > reach * reach:
                    continue
                ahead, beside = dx * east + dy * north, dx * north - dy * east
                beside_share = _below(half - beside, error, cell)
                beside_share -= _below(-half - beside, error, cell)
                if beside_share <= 0.0:
                    continue
                for z in range(edges.shape[0] - 1):
                    front = _below(edges[z + 1] - ahead, error, cell)
                    front -= _below(edges[z] - ahead, error, cell)
                    if chance < 1.0:
                        back = _below(edges[z + 1] + ahead, error, cell)
                        back -= _below(edges[z] + ahead, error, cell)
                        front = chance * front + (1.0 - chance) * back
                    shares[z, i, j] += front * beside_share
