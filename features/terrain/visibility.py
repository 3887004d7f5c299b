"""What can be watched, and brought under fire, from positions and from commanding ground."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.discs import position_and_roughness
from minerisk.features.raster.proximity import disc_half_widths, distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, radius_name, to_dataset

EARTH_RADIUS_M = 6_371_000.0
REFRACTION = 0.13
"""Share of the earth's curvature that the air bends light back by."""

# Heights are compared as whole centimetres: no rounding, whichever way one looks.
_STEPS_PER_METRE = 100.0
_MISSING = -(10**9)


class Watched(NamedTuple):
    """How many observers lie within a radius of each cell, and how many of them see it.

    Attributes
    ----------
    seeing, within
        Whole numbers, int64, shape ``(height, width)``.
    """

    seeing: NDArray[np.int64]
    within: NDArray[np.int64]


def visibility(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    observers: str,
    radii_m: Sequence[float],
    eye_m: float,
    target_m: float,
) -> xr.Dataset:
    """Count the positions that see each cell, and tell dead ground.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres, and `observers`: points, lines or
        polygons. Every cell they touch watches once, from its centre.
    geobox
        North-up grid in metres, wider than the area asked for by the greatest radius.
    layer, observers
        Names of the layers.
    radii_m
        Ranges of sight and fire, metres.
    eye_m, target_m
        Height of the eye and of what is looked for above the ground, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, by radius: ``visible_<observers>_<radius>``, how many see the cell,
        and ``dead_ground_<observers>_<radius>``, the share of those within the radius that do not,
        0 where there are none. NaN where the elevation is missing.
    """
    elevation = layers.raster(layer, geobox, unit="m")
    mask = burn_mask(geobox, layers.vector(observers, crs=str(geobox.crs)), all_touched=True)
    names, heights = (observers, f"cells of {observers}"), {"eye_m": eye_m, "target_m": target_m}
    return _dataset(geobox, elevation, mask, names, radii_m, heights)


def commanding_view(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    front_line: str,
    near_m: float,
    rise_m: float,
    radii_m: Sequence[float],
    eye_m: float,
    target_m: float,
    held_area: str | None = None,
) -> xr.Dataset:
    """Count the commanding heights near the front line that see each cell, and tell dead ground.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres, `front_line`, lines, and `held_area`,
        polygons, if it is named.
    geobox
        North-up grid in metres, wider than the area asked for by the greatest radius and the
        greater of `near_m` and twice `rise_m`.
    layer, front_line
        Names of the layers.
    near_m, rise_m
        As in `commanding_ground`.
    radii_m, eye_m, target_m
        As in `visibility`.
    held_area
        Only heights whose cell centre it holds: those of the side that laid the belts.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, as in `visibility`: ``visible_commanding_<radius>`` and
        ``dead_ground_commanding_<radius>``.
    """
    elevation, cell = layers.raster(layer, geobox, unit="m"), resolution(geobox)
    crs, what = str(geobox.crs), "commanding heights near the front line"
    line = burn_mask(geobox, layers.vector(front_line, crs=crs), all_touched=True)
    mask = commanding_ground(elevation, line, near_m=near_m, rise_m=rise_m, resolution_m=cell)
    if held_area is not None:
        mask &= burn_mask(
            geobox, areas(layers.vector(held_area, crs=crs), name=held_area), all_touched=False
        )
        what = f"{what} and inside {held_area}"
    heights = {"eye_m": eye_m, "target_m": target_m}
    return _dataset(geobox, elevation, mask, ("commanding", what), radii_m, heights)


def commanding_ground(
    elevation: NDArray[np.float32],
    line: NDArray[np.bool_],
    *,
    near_m: float,
    rise_m: float,
    resolution_m: float,
) -> NDArray[np.bool_]:
    """Mark the heights from which a front line would be watched.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``.
    line
        True in the cells of the front line, same shape.
    near_m
        Greatest distance from the line, metres.
    rise_m
        Radius in which a height commands, metres.
    resolution_m
        Cell size, metres.

    Returns
    -------
    ndarray of bool, shape (height, width)
        True in cells no farther from the line than `near_m` that stand above the mean of the
        ground within `rise_m` (topographic position index, Weiss 2001), and by no less than any
        other cell within `rise_m`.

    Examples
    --------
    >>> import numpy as np
    >>> ground, line = np.zeros((1, 7), dtype=np.float32), np.zeros((1, 7), dtype=bool)
    >>> ground[0, 1] = ground[0, 6] = 80  # two hills, one of them near the line
    >>> line[0, 0] = True
    >>> commanding_ground(ground, line, near_m=200, rise_m=200, resolution_m=100)
    array([[False,  True, False, False, False, False, False]])
    """
    near = distance_to(line, resolution_m=resolution_m, cap_m=near_m + resolution_m) <= near_m
    position, _ = position_and_roughness(elevation, radius_m=rise_m, resolution_m=resolution_m)
    marked = np.zeros(near.shape, dtype=np.bool_)
    disc = disc_half_widths(rise_m, resolution_m=resolution_m)
    rows, columns = np.nonzero(near & (position > 0))
    _mark_greatest(position, rows, columns, disc, marked)
    return marked


def count_observers(
    elevation: NDArray[np.float32],
    observers: NDArray[np.bool_],
    *,
    radius_m: float,
    eye_m: float,
    target_m: float,
    resolution_m: float,
) -> Watched:
    r"""Count the observers within a radius, and those of them that see the cell.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``; compared to the nearest centimetre.
    observers
        True in cells with an observer, same shape. One without a height is left out.
    radius_m, resolution_m
        Radius and cell size, metres.
    eye_m, target_m
        Height of the eye and of the target above the ground, metres.

    Returns
    -------
    Watched
        Cells without a height are not seen.

    Notes
    -----
    The sight line runs from cell centre to cell centre. Where it crosses a row of centres (a
    column, if it runs more from west to east), the ground is interpolated between the two centres
    beside it, and the view is blocked if the ground stands above the line. Between two points the
    earth bulges by :math:`(1 - k)\, a b / 2 R` at the distances a and b from them, with
    :math:`k = 0.13` for refraction. A gap in the elevation blocks no view. An observer sees its
    own cell and the eight around it.

    Examples
    --------
    An observer on level ground, and a wall that hides what lies behind it.

    >>> import numpy as np
    >>> ground = np.float32([[0, 0, 30, 0, 0]])
    >>> observers = np.array([[True, False, False, False, False]])
    >>> around = {"radius_m": 400, "eye_m": 2, "target_m": 1, "resolution_m": 100}
    >>> watched = count_observers(ground, observers, **around)
    >>> watched.seeing
    array([[1, 1, 1, 0, 0]])
    >>> watched.within
    array([[1, 1, 1, 1, 1]])
    """
    heights = {"eye_m": eye_m, "target_m": target_m}
    counts = _counts(elevation, observers, radius_m, resolution_m, heights)
    return Watched(*(count.astype(np.int64) for count in counts))


def _counts(
    elevation: NDArray[np.float32],
    observers: NDArray[np.bool_],
    radius_m: float,
    resolution_m: float,
    heights: Mapping[str, float],
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the observers who see each cell, and those within the radius, int32."""
    eye, target = (round(heights[name] * _STEPS_PER_METRE) for name in ("eye_m", "target_m"))
    bend = (1.0 - REFRACTION) / (2.0 * EARTH_RADIUS_M) * resolution_m**2 * _STEPS_PER_METRE
    disc = disc_half_widths(radius_m, resolution_m=resolution_m)
    rows, columns = np.nonzero(observers)
    standing = np.isfinite(elevation[rows, columns])
    places = rows[standing], columns[standing]
    seeing, within = _count_seeing(np.asarray(elevation), *places, disc, (eye, target, bend))
    return seeing, within


def _dataset(
    geobox: GeoBox,
    elevation: NDArray[np.float32],
    observers: NDArray[np.bool_],
    names: tuple[str, str],
    radii_m: Sequence[float],
    heights: Mapping[str, float],
) -> xr.Dataset:
    variables = {}
    name, what = names
    for radius in radii_m:
        counts = _counts(elevation, observers, radius, resolution(geobox), heights)
        seen, hidden = _shares(elevation, *counts)
        variables[f"visible_{name}_{radius_name(radius)}"] = Variable(
            seen,
            "1",
            f"number of {what} within {radius:,g} m that see the place",
            disc_m=radius,
        )
        variables[f"dead_ground_{name}_{radius_name(radius)}"] = Variable(
            hidden,
            "1",
            f"share of {what} within {radius:,g} m that do not see the place; 0 if there are none",
            disc_m=radius,
        )
    return to_dataset(geobox, variables)


@numba.njit(cache=True)
def _shares(elevation, seeing, within):  # type: ignore[no-untyped-def]
    seen = np.empty(elevation.shape, dtype=np.float32)
    hidden = np.empty(elevation.shape, dtype=np.float32)
    for i in range(elevation.shape[0]):
        for j in range(elevation.shape[1]):
            known = not np.isnan(elevation[i, j])
            share = (within[i, j] - seeing[i, j]) / max(within[i, j], 1)
            seen[i, j] = seeing[i, j] if known else np.nan
            hidden[i, j] = share if known else np.nan
    return seen, hidden


@numba.njit(cache=True, error_model="numpy")
def _count_seeing(elevation, rows, columns, disc, sight):  # type: ignore[no-untyped-def]
    height, width = elevation.shape
    reach = disc.shape[0] // 2
    seeing = np.zeros((height, width), dtype=np.int32)
    within = np.zeros((height, width), dtype=np.int32)
    # One cell more on each side, so that the neighbour of any cell can be read.
    side = 2 * reach + 3
    ground, blocker = np.empty(side * side), np.zeros(side * side, dtype=np.int64)
    for number in range(rows.size):
        top, left = rows[number] - reach - 1, columns[number] - reach - 1
        _heights_around(elevation, top, left, ground.reshape((side, side)))
        # Outward from the observer: what hides a cell mostly hides the one behind it as well.
        for turn in range(2 * reach + 1):
            down = _outward(turn)
            half, i = disc[down + reach], rows[number] + down
            if not 0 <= i < height:
                continue
            for other in range(2 * half + 1):
                across = _outward(other)
                j = columns[number] + across
                if not 0 <= j < width:
                    continue
                within[i, j] += 1
                block = _blocker(ground, blocker, side, down, across, sight)
                place = (side // 2 + down) * side + side // 2 + across
                blocker[place] = block
                if block == 0 and ground[place] != _MISSING:
                    seeing[i, j] += 1
    return seeing, within


@numba.njit(cache=True)
def _outward(turn):  # type: ignore[no-untyped-def]
    """Turn 0, 1, 2, 3, 4 into 0, 1, -1, 2, -2, and so on."""
    return (turn + 1) // 2 if turn % 2 else -(turn // 2)


@numba.njit(cache=True)
def _heights_around(elevation, top, left, ground):  # type: ignore[no-untyped-def]
    """Take the ground around an observer in whole centimetres."""
    ground[:] = _MISSING
    for i in range(max(-top, 0), min(ground.shape[0], elevation.shape[0] - top)):
        for j in range(max(-left, 0), min(ground.shape[1], elevation.shape[1] - left)):
            if np.isfinite(elevation[top + i, left + j]):
                metres = np.float64(elevation[top + i, left + j])
                ground[i, j] = np.rint(metres * _STEPS_PER_METRE)


@numba.njit(cache=True, error_model="numpy")
def _blocker(ground, blocker, side, down, across, sight):  # type: ignore[no-untyped-def]
    """Return the step at which the ground stands above the line of sight, 0 where it never does."""
    eye, target, bend = sight
    steps, lesser = max(abs(down), abs(across)), min(abs(down), abs(across))
    if steps < 2:
        return 0
    ahead, aside = (side if down > 0 else -side), (1 if across > 0 else -1)
    if abs(down) < abs(across):
        ahead, aside = aside, ahead
    home = (side // 2) * (side + 1)
    there = home + down * side + across
    # All heights times the number of steps: whole numbers, which floats hold exactly; only the
    # bulge is not.
    start = ground[home] + eye
    climb, start = ground[there] + target - start, start * steps
    bulge = bend * (down * down + across * across) / steps
    # What hides the cell before this one, seen from the observer, is tried first.
    k = blocker[there - ahead - (aside if 2 * lesser >= steps else 0)]
    if k > 0:
        whole = np.int64(np.float64(lesser * k) / np.float64(steps) + 1e-9)
        place, part = home + k * ahead + whole * aside, lesser * k - whole * steps
        height = ground[place] * (steps - part) + ground[place + aside] * part
        if height + bulge * (k * (steps - k)) > start + climb * k:
            return k
    place, part = home, 0
    for k in range(1, steps):
        place += ahead
        part += lesser
        over = part >= steps
        part -= steps if over else 0
        place += aside if over else 0
        height = ground[place] * (steps - part) + ground[place + aside] * part
        if height + bulge * (k * (steps - k)) > start + climb * k:
            return k
    return 0


@numba.njit(cache=True)
def _mark_greatest(values, rows, columns, disc, marked):  # type: ignore[no-untyped-def]
    """Mark the cells among those given that no cell of their disc exceeds."""
    height, width = values.shape
    reach = disc.shape[0] // 2
    for number in range(rows.size):
        row, column = rows[number], columns[number]
        greatest = True
        for i in range(max(row - reach, 0), min(row + reach + 1, height)):
            half = disc[i - row + reach]
            for j in range(max(column - half, 0), min(column + half + 1, width)):
                if values[i, j] > values[row, column]:
                    greatest = False
                    break
            if not greatest:
                break
        marked[row, column] = greatest
