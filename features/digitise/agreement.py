"""How well two drawings of one line agree: distances and lengths, each way."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import shapely

from minerisk.features.errors import InputError

STEP_M = 50.0
"""Lines are held against each other at points so far apart."""


@dataclass(frozen=True)
class Agreement:
    """How far the points of one drawing are from another.

    Attributes
    ----------
    length_m
        Of the drawing.
    median_m, ninetieth_m
        Of the distance from its points to the nearest of the other.
    found
        Share of its length that is within the stated distance of the other.
    """

    length_m: float
    median_m: float
    ninetieth_m: float
    found: float


def hold_against(lines: gpd.GeoSeries, others: gpd.GeoSeries, *, within_m: float) -> Agreement:
    """Measure how far one drawing is from another, at points `STEP_M` apart.

    Parameters
    ----------
    lines, others
        In the same projected CRS, metres.
    within_m
        Up to which distance a piece counts as found.

    Raises
    ------
    InputError
        If one of them is empty.
    """
    if lines.empty or others.empty:
        raise InputError("There is no line to hold against another.")
    pieces = shapely.get_parts(shapely.line_merge(shapely.union_all(lines.to_numpy())))
    count = np.maximum(np.ceil(shapely.length(pieces) / STEP_M).astype(int), 1)
    of_piece = np.repeat(np.arange(len(pieces)), count)
    nth = np.arange(len(of_piece)) - np.repeat(np.cumsum(count) - count, count)
    along = (nth + 0.5) / count[of_piece]
    points = shapely.line_interpolate_point(pieces[of_piece], along, normalized=True)
    distance = shapely.distance(points, shapely.union_all(others.to_numpy()))
    return Agreement(
        length_m=float(shapely.length(pieces).sum()),
        median_m=float(np.median(distance)),
        ninetieth_m=float(np.quantile(distance, 0.9)),
        found=float((distance <= within_m).mean()),
    )
