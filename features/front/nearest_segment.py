"""The nearest of many segments for every cell, found exactly.

Cell centres are counted on the lattice of the cell size and all segments are looked at, wherever
the window lies: so a tile holds the bits of the whole and needs no halo.
"""

from typing import NamedTuple

import numba
import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution

# Cells to the side of the larger and of the smaller square that share their candidates.
_SQUARES = (64, 8)
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Nearest(NamedTuple):
    """The nearest point of segments for each of many places.

    Attributes
    ----------
    distance
        Metres.
    segment
        Its segment; of several that are as near, the first.
    share
        Where on the segment, 0 at its beginning and 1 at its end.
    """

    distance: Floats
    segment: Whole
    share: Floats


def cell_places(geobox: GeoBox) -> tuple[Floats, Floats]:
    """Return easting and northing of the cell centres, the same bits in every tile of a grid.

    Returns
    -------
    easting, northing
        Metres, shapes ``(width,)`` and ``(height,)``.
    """
    size, transform = resolution(geobox), geobox.transform
    column, row = round(transform.c / size), round(transform.f / size)
    shifts = round(transform.c / size - column, 6), round(transform.f / size - row, 6)
    columns = np.arange(column, column + geobox.width) + (0.5 + shifts[0])
    rows = np.arange(row, row - geobox.height, -1) + (-0.5 + shifts[1])
    return np.asarray(columns * size, np.float64), np.asarray(rows * size, np.float64)


def nearest_to_cells(ends: Floats, geobox: GeoBox) -> Nearest:
    """Find the nearest point of segments for each cell centre, exactly.

    Parameters
    ----------
    ends
        Easting and northing of both ends of each segment, metres, shape ``(n, 4)``; a point is a
        segment whose ends are the same.
    geobox
        North-up grid in metres.

    Returns
    -------
    Nearest
        Arrays of shape ``(height, width)``.

    Examples
    --------
    >>> import numpy as np
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> line = np.array([[500_000.0, 4_400_000.0, 500_000.0, 4_400_100.0]])
    >>> nearest_to_cells(line, geobox).distance
    array([[ 50., 150.]])
    """
    easting, northing = cell_places(geobox)
    shape = (len(northing), len(easting))
    segment, share, squared = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    _search(ends, easting, northing, segment, share, squared)
    return Nearest(np.sqrt(squared), segment, share)


def nearest_to_points(ends: Floats, easting: Floats, northing: Floats) -> Nearest:
    """Find the nearest point of segments for each of some points, exactly.

    Examples
    --------
    >>> import numpy as np
    >>> ends = np.array([[0.0, 0.0, 0.0, 100.0], [0.0, 100.0, 100.0, 100.0]])
    >>> nearest = nearest_to_points(ends, np.array([30.0, 50.0]), np.array([20.0, 140.0]))
    >>> nearest.distance, nearest.segment, nearest.share
    (array([30., 40.]), array([0, 1]), array([0.2, 0.5]))
    """
    shape = easting.shape
    segment, share, squared = np.zeros(shape, np.int64), np.zeros(shape), np.zeros(shape)
    _search_points(ends, easting, northing, segment, share, squared)
    return Nearest(np.sqrt(squared), segment, share)


@numba.njit(cache=True)
def _foot(ends, k, x, y):  # type: ignore[no-untyped-def]
    """Share of the way along segment k of the point nearest to (x, y), and squared distance."""
    across, up = ends[k, 2] - ends[k, 0], ends[k, 3] - ends[k, 1]
    dx, dy = x - ends[k, 0], y - ends[k, 1]
    whole = across * across + up * up
    share = 0.0
    if whole > 0.0:
        share = min(max((dx * across + dy * up) / whole, 0.0), 1.0)
    if share == 1.0:
        # From the far end itself, so that both segments at a corner give the same distance.
        dx, dy = x - ends[k, 2], y - ends[k, 3]
    else:
        dx, dy = dx - share * across, dy - share * up
    return share, dx * dx + dy * dy


@numba.njit(cache=True)
def _prune(ends, among, count, x, y, radius, kept, distance):  # type: ignore[no-untyped-def]
    """Keep the segments that can be nearest to some place within `radius` of (x, y)."""
    least = np.inf
    for i in range(count):
        distance[i] = np.sqrt(_foot(ends, among[i], x, y)[1])
        least = min(least, distance[i])
    number = 0
    for i in range(count):
        if distance[i] <= least + 2.0 * radius * 1.000001 + 1e-3:
            kept[number] = among[i]
            number += 1
    return number


@numba.njit(cache=True)
def _nearest_of(ends, among, count, x, y):  # type: ignore[no-untyped-def]
    best, best_share, least = among[0], 0.0, np.inf
    for i in range(count):
        share, squared = _foot(ends, among[i], x, y)
        if squared < least:
            best, best_share, least = among[i], share, squared
    return best, best_share, least


@numba.njit(cache=True)
def _search_points(ends, easting, northing, segment, share, squared):  # type: ignore[no-untyped-def]
    everything = np.arange(ends.shape[0])
    for i in range(easting.shape[0]):
        found = _nearest_of(ends, everything, ends.shape[0], easting[i], northing[i])
        segment[i], share[i], squared[i] = found


@numba.njit(cache=True)
def _search(ends, easting, northing, segment, share, squared):  # type: ignore[no-untyped-def]
    """Search for each cell among the segments near its square of cells."""
    height, width = segment.shape
    count = ends.shape[0]
    everything, distance = np.arange(count), np.empty(count)
    large, small = np.empty(count, np.int64), np.empty(count, np.int64)
    wide, narrow = _SQUARES
    for top in range(0, height, wide):
        for left in range(0, width, wide):
            bottom, right = min(top + wide, height), min(left + wide, width)
            x, y = (
                (easting[left] + easting[right - 1]) / 2,
                (northing[top] + northing[bottom - 1]) / 2,
            )
            radius = np.hypot(easting[right - 1] - x, northing[top] - y)
            many = _prune(ends, everything, count, x, y, radius, large, distance)
            for row in range(top, bottom, narrow):
                for column in range(left, right, narrow):
                    low, far = min(row + narrow, bottom), min(column + narrow, right)
                    x = (easting[column] + easting[far - 1]) / 2
                    y = (northing[row] + northing[low - 1]) / 2
                    radius = np.hypot(easting[far - 1] - x, northing[row] - y)
                    few = _prune(ends, large, many, x, y, radius, small, distance)
                    for i in range(row, low):
                        for j in range(column, far):
                            found = _nearest_of(ends, small, few, easting[j], northing[i])
                            segment[i, j], share[i, j], squared[i, j] = found
