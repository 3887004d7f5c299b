"""How fast the ground can be crossed on foot, and where wheels can go."""

from collections.abc import Mapping, Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import disc_half_widths, disc_sum
from minerisk.features.terrain.terrain import derivatives
from minerisk.features.variable import Variable, radius_name, to_dataset

OFF_PATH = 0.6
"""Tobler's factor for walking where there is no path."""


def trafficability(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    radii_m: Sequence[float],
    wheeled_limit: float,
    land_cover: str | None = None,
    cover_speed: Mapping[int, float] | None = None,
) -> xr.Dataset:
    """Compute the speed on foot and on wheels off the roads, and the ground that wheels can use.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres, and the land cover if it is named.
    geobox
        North-up grid in metres; wider than the area asked for by the greatest radius.
    layer
        Name of the elevation layer.
    radii_m
        Radii of the share of ground that wheels can use, metres.
    wheeled_limit
        Steepest gradient for wheels, metres up for a metre on: an assumption to be set for the
        vehicles that were there.
    land_cover, cover_speed
        A raster of class codes, and the share of speed left on a class: 1 unhindered, 0 where
        nobody gets through. Classes that are not named do not hinder.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``speed_on_foot`` in m/s, ``speed_wheeled``, the share of the speed on
        level ground, and ``wheeled_ground_<radius>``, the share of the ground within the radius
        (of that whose slope is known) that wheels can use.
    """
    cell = resolution(geobox)
    slope = derivatives(layers.raster(layer, geobox, unit="m"), resolution_m=cell)[0]
    gradient = np.tan(np.radians(slope.astype(np.float64)))
    ease = np.ones(gradient.shape)
    if land_cover is not None:
        ease = _ease(layers.raster(land_cover, geobox), cover_speed or {})
    wheeled = wheeled_speed(gradient, limit=wheeled_limit) * ease
    variables = {
        "speed_on_foot": Variable(
            (walking_speed(gradient) * ease).astype(np.float32),
            "m/s",
            "walking speed off the paths, up and down the steepest line",
        ),
        "speed_wheeled": Variable(
            wheeled.astype(np.float32),
            "1",
            "speed on wheels off the roads, as a share of that on level ground",
        ),
    }
    known = np.isfinite(wheeled)
    for radius in radii_m:
        disc = disc_half_widths(radius, resolution_m=cell)
        usable = disc_sum((known & (wheeled > 0)).astype(np.int64), disc)
        share = usable / np.maximum(disc_sum(known.astype(np.int64), disc), 1)
        variables[f"wheeled_ground_{radius_name(radius)}"] = Variable(
            np.where(known, share, np.nan).astype(np.float32),
            "1",
            f"share of the ground within {radius:,g} m that wheels can use",
            disc_m=radius,
        )
    return to_dataset(geobox, variables)


def walking_speed(gradient: NDArray[np.float64]) -> NDArray[np.float64]:
    r"""Compute the speed of walking up and down a slope again, off the paths.

    Parameters
    ----------
    gradient
        Metres up for a metre on, not negative.

    Returns
    -------
    ndarray of float64
        Metres on the map for a second: twice the way over the time up and the time down.

    Notes
    -----
    Tobler (1993), NCGIA technical report 93-1: :math:`v(S) = 6 e^{-3.5 |S + 0.05|}` km/h, and
    0.6 of it off the paths. The harmonic mean of :math:`v(S)` and :math:`v(-S)` does not depend on
    the way a walker goes.

    Examples
    --------
    >>> import numpy as np
    >>> walking_speed(np.array([0.0, 0.3])).round(2)
    array([0.84, 0.34])
    """
    level = OFF_PATH * 6.0 / 3.6
    hours = np.exp(3.5 * np.abs(gradient + 0.05)) + np.exp(3.5 * np.abs(gradient - 0.05))
    return 2.0 * level / hours


def wheeled_speed(gradient: NDArray[np.float64], *, limit: float) -> NDArray[np.float64]:
    """Compute the speed on wheels as a share of that on level ground.

    Parameters
    ----------
    gradient
        Metres up for a metre on, not negative.
    limit
        Steepest gradient that can be driven.

    Returns
    -------
    ndarray of float64
        Falls in a straight line from 1 on level ground to 0 at the limit and beyond.

    Examples
    --------
    >>> import numpy as np
    >>> wheeled_speed(np.array([0.0, 0.15, 0.4]), limit=0.3)
    array([1. , 0.5, 0. ])
    """
    return np.maximum(1.0 - gradient / limit, 0.0)


def _ease(codes: NDArray[np.float32], speed: Mapping[int, float]) -> NDArray[np.float64]:
    ease = np.where(np.isnan(codes), np.nan, 1.0)
    for code, share in speed.items():
        ease[codes == code] = share
    return ease
