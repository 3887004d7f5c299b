"""How near findings are to places, and how many are near: compiled searches of a sorted list."""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FEW_PAIRS = 20_000_000
"""Pairs of a place and a finding up to which each pair is looked at: some 0.03 seconds.

A tree takes fewer looks, but importing SciPy's takes ten times as long as a small request looks.
"""
IN_A_BUCKET = 2.0
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


def nearest_distances(
    places: Floats, findings: Floats, *, neighbours: Sequence[int], cap: float
) -> Floats:
    """Measure the distance to the nearest findings: to the first, the tenth and so on.

    Parameters
    ----------
    places, findings
        Easting and northing, metres, shapes (n, 2) and (m, 2).
    neighbours
        Which; 1 is the nearest.
    cap
        Greatest distance given, also where there are fewer findings.

    Returns
    -------
    ndarray, shape (n, neighbours)
        Metres.
    """
    if len(places) * len(findings) <= FEW_PAIRS:
        pair = np.ascontiguousarray(places), np.ascontiguousarray(findings)
        return _of_all_pairs(*pair, max(neighbours), cap)[:, np.asarray(neighbours) - 1]
    from scipy.spatial import cKDTree

    found, _ = cKDTree(findings).query(places, k=list(neighbours), distance_upper_bound=cap)
    return np.asarray(np.minimum(found, cap))


def count_within(places: Floats, findings: Floats, radius: float) -> Floats:
    """Count the findings within `radius` metres of each place, shape (n,)."""
    if len(findings) == 0:
        return np.zeros(len(places))
    return _count_within(np.ascontiguousarray(places), _in_buckets(findings), radius)


def _in_buckets(findings: Floats) -> Buckets:
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


@njit(cache=True)
def _of_all_pairs(places: Floats, findings: Floats, count: int, cap: float) -> Floats:
    best = np.full((len(places), count), cap * cap)
    for at in range(len(places)):
        own = best[at]
        for place in range(len(findings)):
            across = findings[place, 0] - places[at, 0]
            up = findings[place, 1] - places[at, 1]
            apart = across * across + up * up
            if apart < own[count - 1]:
                slot = count - 1
                while slot > 0 and own[slot - 1] > apart:
                    own[slot] = own[slot - 1]
                    slot -= 1
                own[slot] = apart
    return np.sqrt(best)


@njit(cache=True)
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
