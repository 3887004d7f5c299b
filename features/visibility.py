"""What can be watched, and brought under fire, from positions and from commanding ground."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from features.grid import resolution
from features.proximity import disc_half_widths, disc_sum, distance_to
from features.rasterise import burn_mask
from features.sources import Layers
from features.terrain import position_and_roughness
from features.variable import Variable, radius_name, to_dataset

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
    elevation = layers.raster(layer, geobox)
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
    elevation, cell = layers.raster(layer, geobox), resolution(geobox)
    crs, what = str(geobox.crs), "commanding heights near the front line"
    line = burn_mask(geobox, layers.vector(front_line, crs=crs), all_touched=True)
    mask = commanding_ground(elevation, line, near_m=near_m, rise_m=rise_m, resolution_m=cell)
    if held_area is not None:
        mask &= burn_mask(geobox, layers.vector(held_area, crs=crs), all_touched=False)
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
    """
    valid = np.isfinite(elevation)
    ground = np.rint(np.where(valid, elevation, 0.0).astype(np.float64) * _STEPS_PER_METRE)
    whole = np.where(valid, ground, _MISSING).astype(np.int64)
    eye, target = round(eye_m * _STEPS_PER_METRE), round(target_m * _STEPS_PER_METRE)
    bend = (1.0 - REFRACTION) / (2.0 * EARTH_RADIUS_M) * resolution_m**2 * _STEPS_PER_METRE
    disc = disc_half_widths(radius_m, resolution_m=resolution_m)
    standing = observers & valid
    rows, columns = np.nonzero(standing)
    seeing = _count_seeing(whole, rows, columns, disc, (eye, target, bend))
    return Watched(seeing, disc_sum(standing.astype(np.int64), disc))


def _dataset(
    geobox: GeoBox,
    elevation: NDArray[np.float32],
    observers: NDArray[np.bool_],
    names: tuple[str, str],
    radii_m: Sequence[float],
    heights: Mapping[str, float],
) -> xr.Dataset:
    variables, gap = {}, np.where(np.isnan(elevation), np.nan, 0.0)
    name, what = names
    for radius in radii_m:
        watched = count_observers(
            elevation, observers, radius_m=radius, resolution_m=resolution(geobox), **heights
        )
        hidden = (watched.within - watched.seeing) / np.maximum(watched.within, 1)
        variables[f"visible_{name}_{radius_name(radius)}"] = Variable(
            (watched.seeing + gap).astype(np.float32),
            "1",
            f"number of {what} within {radius:g} m that see the place",
        )
        variables[f"dead_ground_{name}_{radius_name(radius)}"] = Variable(
            (hidden + gap).astype(np.float32),
            "1",
            f"share of {what} within {radius:g} m that do not see the place; 0 if there are none",
        )
    return to_dataset(geobox, variables)


@numba.njit(cache=True)
def _count_seeing(z, rows, columns, disc, sight):  # type: ignore[no-untyped-def]
    height, width = z.shape
    reach = disc.shape[0] // 2
    seeing = np.zeros((height, width), dtype=np.int64)
    for number in range(rows.size):
        row, column = rows[number], columns[number]
        for i in range(max(row - reach, 0), min(row + reach + 1, height)):
            half = disc[i - row + reach]
            for j in range(max(column - half, 0), min(column + half + 1, width)):
                if z[i, j] != _MISSING and _sees(z, row, column, i, j, sight):
                    seeing[i, j] += 1
    return seeing


@numba.njit(cache=True)
def _sees(z, row, column, i, j, sight):  # type: ignore[no-untyped-def]
    eye, target, bend = sight
    down, across, width = i - row, j - column, z.shape[1]
    ahead, aside = (width if down > 0 else -width), (1 if across > 0 else -1)
    steps, lesser = abs(down), abs(across)
    if steps < lesser:
        ahead, aside = aside, ahead
        steps, lesser = lesser, steps
    heights = z.ravel()
    place, part = row * width + column, 0
    start = heights[place] + eye
    climb = heights[i * width + j] + target - start
    # All heights times the number of steps, which keeps them whole; only the bulge is not.
    bulge = bend * (down * down + across * across) / max(steps, 1)
    for k in range(1, steps):
        place += ahead
        part += lesser
        if part >= steps:
            part -= steps
            place += aside
        ground = heights[place] * (steps - part)
        if part > 0:
            ground += heights[place + aside] * part
        if ground + bulge * (k * (steps - k)) > start * steps + climb * k:
            return False
    return True


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
