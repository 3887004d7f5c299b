"""Avenues of approach: the cheapest routes between the two sides, and how far off them a place is.

Cost is counted in metres of level open ground, in whole centimetres: whole numbers have no
rounding, and a route never costs less than its length, so what lies beyond the cap cannot matter.
"""

import heapq
from typing import Any, NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.ndimage import minimum_filter1d

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import disc_half_widths, distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, to_dataset

STEEPEST_ON_FOOT = 1.0
STEEPEST_ON_WHEELS = 0.3
"""Slopes (rise over run) that are not climbed; on a road wheels are not stopped by any."""
OFF_ROAD = 2.0
"""Metres of road that a metre of level ground off the road is worth to a vehicle."""
RIVER_ON_FOOT_M = 500.0
RIVER_ON_WHEELS_M = 5_000.0
"""What crossing a river away from a road costs, metres of level ground."""

_STEPS = 100.0
_BARRED = np.int32(2**31 - 1)
# Dearer than any route, and still exact in float64, in which SciPy filters whole numbers.
_NEVER = np.int64(2**52)
# East, south-east, south and south-west; the other four are the same edges the other way.
_EDGES = ((0, 1), (1, 1), (1, 0), (1, -1))
# Costs by slope are read from a table in thousandths: the same slope, the same whole number.
_SLOPES = np.arange(0, 3_001) / 1_000.0


_WAY = {"foot": "on foot", "wheeled": "on wheels"}


class _Ground(NamedTuple):
    elevation: NDArray[np.float32]
    river: NDArray[np.bool_]
    road: NDArray[np.bool_]


def approach(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    held_area: str,
    elevation: str,
    front_line: str | None = None,
    rivers: str | None = None,
    roads: str | None = None,
    cap_m: float,
    beside_m: float,
    crossing_m: float,
) -> xr.Dataset:
    """Compute the cheapest route between the sides through each cell, on foot and by road.

    Parameters
    ----------
    layers
        Holds the places that routes begin and end at (settlements or road heads), the polygons of
        one side, and the elevation in metres; front line, rivers and roads if named.
    geobox
        North-up grid in metres, wider than the area asked for by all three distances together.
    layer, held_area, elevation, front_line, rivers, roads
        Names of the layers. Where road and river share a cell there is a bridge.
    cap_m
        Routes that cost more than this on either side of the cell are not looked for, metres.
    beside_m
        A route is compared with the cheapest through any cell within this radius, metres.
    crossing_m
        The edge of the held area is crossed only within this distance of the front line, metres:
        elsewhere it is a state border, or the sea. Without `front_line`, anywhere.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, metres of level ground: ``approach_<mode>_route_m``, the cost of the
        cheapest route from a place on one side to a place on the other through the cell, and
        ``approach_<mode>_detour_m``, how much more that is than the cheapest nearby: 0 on the
        corridor. The greatest value, twice `cap_m` and `cap_m`, where there is no such route. NaN
        where there is no elevation. The modes are foot and, with roads, wheeled.
    """
    crs, cell = str(geobox.crs), resolution(geobox)
    blank = np.zeros(tuple(geobox.shape), dtype=bool)
    ground = _Ground(
        layers.raster(elevation, geobox, unit="m"),
        blank if rivers is None else burn_mask(geobox, layers.vector(rivers, crs=crs), True),
        blank if roads is None else burn_mask(geobox, layers.vector(roads, crs=crs), True),
    )
    places = burn_mask(geobox, layers.vector(layer, crs=crs), all_touched=True)
    held = burn_mask(
        geobox, areas(layers.vector(held_area, crs=crs), name=held_area), all_touched=False
    )
    open_edge = ~blank
    if front_line is not None:
        line = burn_mask(geobox, layers.vector(front_line, crs=crs), all_touched=True)
        open_edge = distance_to(line, resolution_m=cell, cap_m=2 * crossing_m) <= crossing_m
    disc = disc_half_widths(beside_m, resolution_m=cell)
    variables: dict[str, Variable] = {}
    modes = {"foot": on_foot} if roads is None else {"foot": on_foot, "wheeled": on_wheels}
    for mode, costs in modes.items():
        steps = bar_edge(costs(*ground, resolution_m=cell), held, open_edge)
        one = route_costs(places & held, steps, cap_m=cap_m)
        other = route_costs(places & ~held, steps, cap_m=cap_m)
        route, detour = corridor(one, other, cap_m=cap_m, beside=disc)
        for name, values, words in (
            ("route", route, "cost of the cheapest route across the front through here"),
            ("detour", detour, f"cost over the cheapest such route within {beside_m:,g} m"),
        ):
            shown = np.where(np.isnan(ground.elevation), np.nan, values).astype(np.float32)
            variables[f"approach_{mode}_{name}_m"] = Variable(
                shown, "m", f"{words}, {_WAY[mode]}, in metres of level ground"
            )
    return to_dataset(geobox, variables)


def on_foot(
    elevation: NDArray[np.float32],
    river: NDArray[np.bool_],
    road: NDArray[np.bool_],
    *,
    resolution_m: float,
) -> NDArray[np.int32]:
    """Compute the cost of each step from cell to cell on foot.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``; NaN cannot be entered.
    river, road
        True in cells that hold one, same shape. Stepping into or out of a river costs half of
        `RIVER_ON_FOOT_M`, unless both cells are road.
    resolution_m
        Cell size, metres.

    Returns
    -------
    ndarray of int32, shape (4, height, width)
        Centimetres of level ground to the neighbour in the east, south-east, south and
        south-west.

    Notes
    -----
    Time there and back by Tobler's hiking function, :math:`6 e^{-3.5 |S + 0.05|}` km/h for the
    slope :math:`S`, over that on level ground; Tobler (1993), NCGIA technical report 93-1.

    Examples
    --------
    On level ground a step costs its length, in centimetres, rounded up.

    >>> import numpy as np
    >>> level, none = np.zeros((2, 2), dtype=np.float32), np.zeros((2, 2), dtype=bool)
    >>> east, south_east, south, south_west = on_foot(level, none, none, resolution_m=100)
    >>> east[0, 0], south_east[0, 0]
    (np.int32(10000), np.int32(14143))
    """
    there, back = np.abs(_SLOPES + 0.05), np.abs(_SLOPES - 0.05)
    factor = (np.exp(3.5 * there) + np.exp(3.5 * back)) / (2 * np.exp(3.5 * 0.05))
    factor[_SLOPES > STEEPEST_ON_FOOT] = np.inf
    ground = _Ground(elevation, river, road)
    return _steps(ground, factor, RIVER_ON_FOOT_M, resolution_m=resolution_m)


def on_wheels(
    elevation: NDArray[np.float32],
    river: NDArray[np.bool_],
    road: NDArray[np.bool_],
    *,
    resolution_m: float,
) -> NDArray[np.int32]:
    """Compute the cost of each step from cell to cell for a wheeled vehicle.

    Parameters and result are those of `on_foot`. From road to road a step costs its length. Off
    the road it costs `OFF_ROAD` times that on level ground, rising as the reserve of climbing
    power falls linearly to nothing at `STEEPEST_ON_WHEELS`; these numbers are chosen, not measured.
    """
    with np.errstate(divide="ignore"):
        factor = OFF_ROAD / np.maximum(1 - _SLOPES / STEEPEST_ON_WHEELS, 0.0)
    ground = _Ground(elevation, river, road)
    steps = _steps(ground, factor, RIVER_ON_WHEELS_M, resolution_m=resolution_m)
    for number, (rows, columns) in enumerate(_EDGES):
        here, there = _pair(road, rows, columns)
        known_here, known_there = _pair(~np.isnan(elevation), rows, columns)
        both = here & there & known_here & known_there
        _inner(steps[number], rows, columns)[both] = _length(rows, columns, resolution_m)
    return steps


def bar_edge(
    steps: NDArray[np.int32], held: NDArray[np.bool_], open_edge: NDArray[np.bool_]
) -> NDArray[np.int32]:
    """Bar the steps over the edge of the held area, but where either cell lies in `open_edge`."""
    barred = steps.copy()
    for number, (rows, columns) in enumerate(_EDGES):
        here, there = _pair(held, rows, columns)
        open_here, open_there = _pair(open_edge, rows, columns)
        _inner(barred[number], rows, columns)[(here != there) & ~(open_here | open_there)] = _BARRED
    return barred


def route_costs(
    sources: NDArray[np.bool_], steps: NDArray[np.int32], *, cap_m: float
) -> NDArray[np.int64]:
    """Compute the cost of the cheapest route from the nearest source to each cell.

    Parameters
    ----------
    sources
        True where routes begin, shape ``(height, width)``.
    steps
        From `on_foot` or `on_wheels`.
    cap_m
        Dearer routes are not looked for, metres of level ground.

    Returns
    -------
    ndarray of int64, shape (height, width)
        Centimetres of level ground; 2**52 where no route is cheap enough.

    Notes
    -----
    Dijkstra (1959), doi:10.1007/BF01386390, over eight neighbours: a route may look up to 8 %
    longer than it is, by the direction it takes.
    """
    return np.asarray(_dijkstra(sources, steps, np.int64(round(cap_m * _STEPS)), _NEVER))


def corridor(
    one: NDArray[np.int64],
    other: NDArray[np.int64],
    *,
    cap_m: float,
    beside: NDArray[np.int64],
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Compute the cost of the route through each cell, and over the cheapest one beside it.

    Parameters
    ----------
    one, other
        Costs from either side, from `route_costs`.
    cap_m
        Its cap.
    beside
        Half widths of the disc to compare in, from `proximity.disc_half_widths`.

    Returns
    -------
    route, detour
        Metres, shape ``(height, width)``; ``2 cap_m`` and ``cap_m`` where there is no route.
    """
    reached = (one < _NEVER) & (other < _NEVER)
    total = np.where(reached, np.where(reached, one, 0) + np.where(reached, other, 0), _NEVER)
    least = _disc_least(total, beside)
    most = round(cap_m * _STEPS)
    route = np.where(reached, total, 2 * most)
    detour = np.where(reached, np.minimum(total - least, most), most)
    return route / _STEPS, detour / _STEPS


def _disc_least(values: NDArray[np.int64], half_widths: NDArray[np.int64]) -> NDArray[np.int64]:
    reach, height = len(half_widths) // 2, values.shape[0]
    least = values.copy()
    for half in np.unique(half_widths):
        rows = minimum_filter1d(values, 2 * int(half) + 1, axis=1, mode="nearest")
        for shift in np.flatnonzero(half_widths == half) - reach:
            to, other = _shifted(int(shift), height)
            np.minimum(least[to], rows[other], out=least[to])
    return least


def _shifted(shift: int, height: int) -> tuple[slice, slice]:
    here = slice(max(-shift, 0), max(min(height - shift, height), 0))
    return here, slice(max(shift, 0), max(min(height + shift, height), 0))


def _steps(
    ground: _Ground, factor: NDArray[np.float64], river_m: float, *, resolution_m: float
) -> NDArray[np.int32]:
    steps = np.full((len(_EDGES), *ground.elevation.shape), _BARRED, dtype=np.int32)
    wet, most = round(river_m / 2 * _STEPS), float(_BARRED)
    for number, (rows, columns) in enumerate(_EDGES):
        high, low = _pair(ground.elevation.astype(np.float64), rows, columns)
        run = _length(rows, columns, resolution_m)
        rise = np.rint(np.abs(high - low) * _STEPS / run * 1_000.0)
        known = ~np.isnan(rise) & (rise < len(factor))
        cost = np.ceil(factor[np.where(known, rise, 0).astype(np.int64)] * run)
        cost += wet * _wades(ground, rows, columns)
        cost = np.where(known & (cost < most), cost, most)
        _inner(steps[number], rows, columns)[...] = cost.astype(np.int32)
    return steps


def _wades(ground: _Ground, rows: int, columns: int) -> NDArray[np.bool_]:
    here, there = _pair(ground.river, rows, columns)
    road_here, road_there = _pair(ground.road, rows, columns)
    return (here != there) & ~(road_here & road_there)


def _length(rows: int, columns: int, resolution_m: float) -> int:
    return int(np.ceil(np.hypot(rows, columns) * resolution_m * _STEPS))


def _inner(values: NDArray[np.int32], rows: int, columns: int) -> NDArray[np.int32]:
    """Return the cells that have a neighbour there."""
    height, width = values.shape
    return values[: height - rows, max(-columns, 0) : width - max(columns, 0)]


def _pair(values: NDArray[Any], rows: int, columns: int) -> tuple[NDArray[Any], NDArray[Any]]:
    height, width = values.shape
    left, right = max(-columns, 0), width - max(columns, 0)
    return values[: height - rows, left:right], values[rows:, left + columns : right + columns]


@numba.njit(cache=True)
def _dijkstra(sources, steps, cap, never):  # type: ignore[no-untyped-def]
    height, width = sources.shape
    cost = np.full((height, width), never)
    queue = [(np.int64(0), np.int64(0))]
    queue.pop()
    for row in range(height):
        for column in range(width):
            if sources[row, column]:
                cost[row, column] = 0
                queue.append((np.int64(0), np.int64(row * width + column)))
    while queue:
        so_far, place = heapq.heappop(queue)
        row, column = place // width, place % width
        if so_far > cost[row, column]:
            continue
        for direction in range(8):
            edge = direction % 4
            down = 0 if edge == 0 else 1
            right = -1 if edge == 3 else (0 if edge == 2 else 1)
            if direction >= 4:
                down, right = -down, -right
            to_row, to_column = row + down, column + right
            if to_row < 0 or to_row >= height or to_column < 0 or to_column >= width:
                continue
            step = steps[edge, row, column] if direction < 4 else steps[edge, to_row, to_column]
            further = so_far + np.int64(step)
            if further <= cap and further < cost[to_row, to_column]:
                cost[to_row, to_column] = further
                heapq.heappush(queue, (further, np.int64(to_row * width + to_column)))
    return cost
