"""What form the ground has, and how open it lies to the sky: ridges, valleys, passes."""

from collections.abc import Sequence
from typing import NamedTuple

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.discs import position_and_roughness
from minerisk.features.variable import Variable, radius_name, to_dataset

FORMS = {
    "flat": "level ground",
    "peak": "a summit",
    "ridge": "a ridge",
    "shoulder": "a shoulder, the edge of a height",
    "spur": "a spur",
    "slope": "an even slope",
    "hollow": "a hollow in a slope",
    "footslope": "the foot of a slope",
    "valley": "a valley floor",
    "pit": "a basin without an outlet in sight",
}
"""The ten landforms, in the order of their numbers, and what they are in words."""

_FLAT, _PEAK, _RIDGE, _SHOULDER, _SPUR, _SLOPE, _HOLLOW, _FOOT, _VALLEY, _PIT = range(10)
_NONE = -1  # more than eight directions: cannot be
# Rows: how many of eight directions lie lower; columns: how many lie higher.
_TABLE = np.array(
    [
        [_FLAT, _FLAT, _FLAT, _FOOT, _FOOT, _VALLEY, _VALLEY, _VALLEY, _PIT],
        [_FLAT, _FLAT, _FOOT, _FOOT, _FOOT, _VALLEY, _VALLEY, _VALLEY, _NONE],
        [_FLAT, _SHOULDER, _SLOPE, _SLOPE, _HOLLOW, _HOLLOW, _VALLEY, _NONE, _NONE],
        [_SHOULDER, _SHOULDER, _SLOPE, _SLOPE, _SLOPE, _HOLLOW, _NONE, _NONE, _NONE],
        [_SHOULDER, _SHOULDER, _SPUR, _SLOPE, _SLOPE, _NONE, _NONE, _NONE, _NONE],
        [_RIDGE, _RIDGE, _SPUR, _SPUR, _NONE, _NONE, _NONE, _NONE, _NONE],
        [_RIDGE, _RIDGE, _RIDGE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE],
        [_RIDGE, _RIDGE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE],
        [_PEAK, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE, _NONE],
    ],
    dtype=np.int64,
)
# Eight directions clockwise from north, as rows and columns.
_ROWS = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
_COLUMNS = np.array([0, 1, 1, 1, 0, -1, -1, -1])


class Outlook(NamedTuple):
    """What is seen from each cell in eight directions; float32, shape ``(height, width)``.

    Attributes
    ----------
    positive, negative
        Openness to the sky and seen from below, degrees: both 90 on even ground; the first above
        it on heights, the second in valleys and basins.
    form
        Number of the landform, in the order of `FORMS`.
    crossings
        How often higher and lower ground take turns around the cell: 4 or more at a pass.
    """

    positive: NDArray[np.float32]
    negative: NDArray[np.float32]
    form: NDArray[np.float32]
    crossings: NDArray[np.float32]


def landform(
    layers: Layers, geobox: GeoBox, *, layer: str, radii_m: Sequence[float], flat_deg: float
) -> xr.Dataset:
    """Describe the form of the ground around each cell.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres.
    geobox
        North-up grid in metres; wider than the area asked for by the greatest radius.
    layer
        Name of the elevation layer.
    radii_m
        How far is looked, metres; one set of features for each.
    flat_deg
        As in `outlook`.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, by radius: ``landform_<form>_<radius>``, 1 or 0, for the ten `FORMS`;
        ``landform_pass_<radius>``, 1 or 0; ``openness_positive_<radius>`` and
        ``openness_negative_<radius>`` in degrees; ``ruggedness_<radius>`` in metres, the root mean
        square difference of height between the cell and the disc around it (the terrain
        ruggedness index of Riley et al. 1999, over a disc and as a mean).
    """
    elevation, cell = layers.raster(layer, geobox, unit="m"), resolution(geobox)
    variables = {}
    for radius in radii_m:
        name, near = radius_name(radius), f"within {radius:,g} m"
        seen = outlook(elevation, radius_m=radius, resolution_m=cell, flat_deg=flat_deg)
        for number, (form, words) in enumerate(FORMS.items()):
            variables[f"landform_{form}_{name}"] = Variable(
                _indicator(seen.form == number, seen.form),
                "1",
                f"1 on {words}, seen {near}",
                disc_m=radius,
            )
        variables[f"landform_pass_{name}"] = Variable(
            _indicator(seen.crossings >= 4, seen.form),
            "1",
            f"1 on a pass: higher on two sides and lower on two, seen {near}",
            disc_m=radius,
        )
        variables[f"openness_positive_{name}"] = Variable(
            seen.positive,
            "degree",
            f"how open the sky is {near}: heights and wide floors",
            disc_m=radius,
        )
        variables[f"openness_negative_{name}"] = Variable(
            seen.negative,
            "degree",
            f"how high ground closes in {near}: valleys and basins",
            disc_m=radius,
        )
        height = position_and_roughness(elevation, radius_m=radius, resolution_m=cell)
        variables[f"ruggedness_{name}"] = Variable(
            np.hypot(*height), "m", f"mean difference of height to the ground {near}", disc_m=radius
        )
    return to_dataset(geobox, variables)


def outlook(
    elevation: NDArray[np.float32], *, radius_m: float, resolution_m: float, flat_deg: float
) -> Outlook:
    """Look from each cell in eight directions, and name what the ground is from there.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``, north up.
    radius_m, resolution_m
        How far is looked, at least to the next cell, and cell size; metres.
    flat_deg
        A direction is higher (or lower) ground if the steepest sight up and the steepest sight
        down add up to more than this (or less than its negative), degrees.

    Returns
    -------
    Outlook
        NaN where the cell has no height, or a whole direction has none.

    Notes
    -----
    Openness: Yokoyama, Shirasawa and Pike (2002), Photogrammetric Engineering and Remote Sensing
    68(3), 257-265. Landforms: geomorphons of Jasiewicz and Stepinski (2013),
    doi:10.1016/j.geomorph.2012.11.005. Passes: four changes of sign around the cell, Peucker and
    Douglas (1975), doi:10.1016/0146-664X(75)90005-2, counted on the same eight directions.
    Each cell looks for itself, so a tile with a halo of the radius holds the bits of the whole.

    Examples
    --------
    A peak has nothing but lower ground around it.

    >>> import numpy as np
    >>> ground = np.zeros((3, 3), dtype=np.float32)
    >>> ground[1, 1] = 50
    >>> seen = outlook(ground, radius_m=100, resolution_m=100, flat_deg=1)
    >>> list(FORMS)[int(seen.form[1, 1])]
    'peak'
    >>> seen.positive[1, 1] > 90 > seen.negative[1, 1]
    np.True_
    """
    steps = [max(1, int(radius_m / (resolution_m * length) + 1e-9)) for length in (1.0, 2**0.5)]
    heights = np.ascontiguousarray(elevation, dtype=np.float32)
    made = _outlook(heights, np.array(steps), float(resolution_m), float(np.radians(flat_deg)))
    return Outlook(*made)


def _indicator(marked: NDArray[np.bool_], known: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.where(np.isnan(known), np.nan, marked).astype(np.float32)


@numba.njit(cache=True, error_model="numpy")
def _outlook(z, steps, cell, flat):  # type: ignore[no-untyped-def]
    height, width = z.shape
    out = np.full((4, height, width), np.nan, dtype=np.float32)
    up, down = np.empty(8), np.empty(8)
    for i in range(height):
        for j in range(width):
            _look(z, i, j, steps, cell, up, down)
            sky = below = 0.0
            higher = lower = crossings = first = last = 0
            for k in range(8):
                sky += up[k]
                below += down[k]
                lean = up[k] + down[k]
                sign = 1 if lean > flat else (-1 if lean < -flat else 0)
                higher += sign == 1
                lower += sign == -1
                if sign != 0:
                    crossings += last != 0 and sign != last
                    first = sign if first == 0 else first
                    last = sign
            if np.isnan(sky):
                continue
            out[0, i, j] = 90.0 - sky * (22.5 / np.pi)
            out[1, i, j] = 90.0 + below * (22.5 / np.pi)
            out[2, i, j] = _TABLE[lower, higher]
            out[3, i, j] = crossings + (first != last)
    return out


@numba.njit(inline="always")
def _look(z, i, j, steps, cell, up, down):  # type: ignore[no-untyped-def]
    """Write the steepest angles of sight up and down, radians, NaN where nothing is known."""
    height, width = z.shape
    here = np.float64(z[i, j])
    for k in range(8):
        reach = cell * np.sqrt(2.0) if k % 2 else cell
        most, least = -np.inf, np.inf
        for step in range(1, steps[k % 2] + 1):
            row, column = i + step * _ROWS[k], j + step * _COLUMNS[k]
            if row < 0 or row >= height or column < 0 or column >= width:
                break
            rise = (np.float64(z[row, column]) - here) / (step * reach)
            if rise > most:
                most = rise
            if rise < least:
                least = rise
        known = most >= least
        up[k] = np.arctan(most) if known else np.nan
        down[k] = np.arctan(least) if known else np.nan
