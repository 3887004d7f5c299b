"""How near findings are to places, and how many are near: compiled searches of square buckets."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

IN_A_BUCKET = 8.0
"""Findings in a bucket, were they spread evenly."""


class Buckets(NamedTuple):
    """Findings in square buckets.

    Attributes
    ----------
    places
        Easting and northing, metres, bucket by bucket, shape (m, 2).
    first
        First finding of each bucket, row by row, and their number at the end.
    west, south, side
        Of the buckets, metres.
    rows, columns
        Of buckets.
    """

    places: Floats
    first: NDArray[np.int64]
    west: float
    south: float
    side: float
    rows: int
    columns: int


def in_buckets(findings: Floats) -> Buckets:
    """Put findings into buckets, for any number of searches.

    Parameters
    ----------
    findings
        Easting and northing, metres, shape (m, 2), at least one.
    """
    west, south = (float(value) for value in findings.min(axis=0))
    wide, high = (float(value) for value in np.ptp(findings, axis=0))
    buckets = max(1.0, len(findings) / IN_A_BUCKET)
    side = float(max(np.sqrt(wide * high / buckets), max(wide, high) / buckets, 1.0))
    rows, columns = int(high // side) + 1, int(wide // side) + 1
    up, across = ((findings[:, 1] - south) // side, (findings[:, 0] - west) // side)
    bucket = (np.minimum(up, rows - 1) * columns + np.minimum(across, columns - 1)).astype(np.int64)
    first = np.zeros(rows * columns + 1, dtype=np.int64)
    np.cumsum(np.bincount(bucket, minlength=rows * columns), out=first[1:])
    ordered = np.ascontiguousarray(findings[np.argsort(bucket, kind="stable")])
    return Buckets(ordered, first, west, south, side, rows, columns)


def nearest_distances(
    places: Floats, found: Buckets, *, neighbours: Sequence[int], cap: float
) -> Floats:
    """Measure the distance to the nearest findings: to the first, the tenth and so on.

    Parameters
    ----------
    places
        Easting and northing, metres, shape (n, 2).
    found
        The findings, from `in_buckets`.
    neighbours
        Which; 1 is the nearest.
    cap
        Greatest distance given, also where there are fewer findings.

    Returns
    -------
    ndarray, shape (n, neighbours)
        Metres.
    """
    nearest = _nearest(np.ascontiguousarray(places), found, max(neighbours), cap)
    return nearest[:, np.asarray(neighbours) - 1]


def count_within(places: Floats, found: Buckets, radius: float) -> Floats:
    """Count the findings within `radius` metres of each place, shape (n,)."""
    return _count_within(np.ascontiguousarray(places), found, radius)


@njit(cache=True, nogil=True)
def _nearest(places: Floats, found: Buckets, count: int, cap: float) -> Floats:
    """Search rings of buckets about each place, until no finding farther out can be nearer."""
    best = np.full((len(places), count), cap * cap)
    side, rows, columns = found.side, found.rows, found.columns
    for at in range(len(places)):
        own = best[at]
        across, up = places[at, 0] - found.west, places[at, 1] - found.south
        column, row = int(np.floor(across / side)), int(np.floor(up / side))
        # From the place to the edge of its bucket; buckets are held to be a trifle wider.
        edge = min(
            across - column * side, (column + 1) * side - across,
            up - row * side, (row + 1) * side - up,
        ) - 1e-6 * side  # fmt: skip
        ring = max(-column, column - columns + 1, -row, row - rows + 1, 0)
        last = max(column, columns - 1 - column, row, rows - 1 - row)
        while ring <= last:
            apart = (ring - 1) * side + edge
            if ring > 0 and apart > 0 and apart * apart >= own[count - 1]:
                break
            left, right = max(column - ring, 0), min(column + ring, columns - 1)
            for here in range(max(row - ring, 0), min(row + ring, rows - 1) + 1):
                first = here * columns
                if abs(here - row) == ring:
                    _keep_nearest(places[at], found, first + left, first + right, own)
                    continue
                if column - ring >= 0:
                    _keep_nearest(places[at], found, first + left, first + left, own)
                if column + ring < columns:
                    _keep_nearest(places[at], found, first + right, first + right, own)
            ring += 1
    return np.sqrt(best)


@njit(cache=True, nogil=True)
def _keep_nearest(place: Floats, found: Buckets, first: int, last: int, best: Floats) -> None:
    """Put the findings of some buckets among the nearest, whose squared distances ascend."""
    for finding in range(found.first[first], found.first[last + 1]):
        across = found.places[finding, 0] - place[0]
        up = found.places[finding, 1] - place[1]
        apart = across * across + up * up
        if apart < best[-1]:
            slot = len(best) - 1
            while slot > 0 and best[slot - 1] > apart:
                best[slot] = best[slot - 1]
                slot -= 1
            best[slot] = apart


@njit(cache=True, nogil=True)
def _count_within(places: Floats, found: Buckets, radius: float) -> Floats:
    counts = np.zeros(len(places))
    side = found.side
    for at in range(len(places)):
        easting, northing = places[at, 0], places[at, 1]
        left = max(0, int(np.floor((easting - radius - found.west) / side)) - 1)
        right = min(found.columns - 1, int(np.floor((easting + radius - found.west) / side)) + 1)
        low = max(0, int(np.floor((northing - radius - found.south) / side)) - 1)
        high = min(found.rows - 1, int(np.floor((northing + radius - found.south) / side)) + 1)
        for row in range(low, high + 1 if left <= right else low):
            first = found.first[row * found.columns + left]
            last = found.first[row * found.columns + right + 1]
            for place in range(first, last):
                across, up = found.places[place, 0] - easting, found.places[place, 1] - northing
                if across * across + up * up <= radius * radius:
                    counts[at] += 1.0
    return counts
