"""Rows and belts of finds: which way they run, how far apart they lie, where they would go on."""

import math

import numpy as np
from numba import njit
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

Floats = NDArray[np.float64]

LEAST_FINDS = 8  # of a piece of a belt
TIMES_AS_LONG = 2.0  # a belt is at least this many times as long as wide
SMALLER = 0.7
STRAIGHT = 0.1


def row_geometry(places: Floats, finds: Floats, *, radius_m: float) -> Floats:
    """Compute direction, straightness and spacing of the finds around each place.

    Parameters
    ----------
    places
        Easting and northing, metres, shape ``(n, 2)``.
    finds
        Easting and northing of finds, metres, shape ``(m, 2)``.
    radius_m
        Finds within this distance of a place are looked at, metres.

    Returns
    -------
    ndarray, shape (n, 4)
        ``e sin 2b``, ``e cos 2b``, ``e``, spacing. The bearing ``b`` of the principal axis (from
        grid north, clockwise) is doubled, so that both ends of an axis are one direction. The
        elongation ``e`` is ``(l1 - l2) / (l1 + l2)`` of the variances along and across the axis:
        1 for a straight row, 0 where there is no direction or fewer than 3 finds. The spacing is
        the median distance from a find to the find next to it, metres, at most `radius_m`, which
        also stands for fewer than 2 finds. On a grid, finds are cell centres: spacings below the
        cell size cannot be seen.

    Notes
    -----
    The principal axis is that of principal component analysis, as the linear pattern deminer of
    RestoreAI (Kischelewski, Guedj and Wahl 2025, arXiv 2507.19873). Sums are over the finds from
    south to north, so that a place gets the same bits whatever it is asked with.
    """
    found = np.zeros((len(places), 4))
    found[:, 3] = radius_m
    if len(finds) < 2 or len(places) == 0:
        return found
    ordered = finds[np.lexsort((finds[:, 0], finds[:, 1]))]
    next_to, _ = cKDTree(ordered).query(ordered, k=[2])
    count, east, north, cross, spacing = _moments(
        np.ascontiguousarray(places), ordered, next_to[:, 0], radius_m
    ).T
    whole = (count >= 3) & (east + north > 0)
    total = np.where(whole, (east + north) / 2, 1.0)
    found[:, 0] = np.where(whole, cross / total, 0.0)
    found[:, 1] = np.where(whole, (north - east) / 2 / total, 0.0)
    found[:, 2] = np.minimum(np.hypot(found[:, 0], found[:, 1]), 1.0)
    found[:, 3] = np.where(count >= 2, np.minimum(spacing, radius_m), radius_m)
    return found


def fit_belts(finds: Floats, *, link_m: float) -> Floats:
    """Find the belts: straight pieces of the curves along which finds lie.

    Finds within `link_m` of one another are one group (single linkage). A group is cut in two at
    the middle of its principal axis, again and again; cuts are kept where the pieces together
    spread over clearly less land (product of the deviations along and across) than the whole, as
    the pieces of a bent row do and those of a straight row or of a field do not. That gives a
    principal curve in straight pieces. Pieces that are not at least twice as long as wide are no
    belts.

    Parameters
    ----------
    finds
        Easting and northing, metres, shape ``(m, 2)``.
    link_m
        Greatest gap inside a belt, metres.

    Returns
    -------
    ndarray, shape (belts, 5)
        Easting and northing of the middle, sine and cosine of the bearing, half the length
        (metres).

    Notes
    -----
    Principal curves: Hastie and Stuetzle 1989, doi 10.1080/01621459.1989.10478797; in straight
    pieces: Verbeek, Vlassis and Kröse 2002, doi 10.1016/S0167-8655(02)00032-6; for mine rows:
    RestoreAI, arXiv 2507.19873.
    """
    belts: list[Floats] = []
    if len(finds) >= LEAST_FINDS:
        ordered = finds[np.lexsort((finds[:, 0], finds[:, 1]))]
        for group in _groups(ordered, link_m):
            if len(group) >= LEAST_FINDS:
                belts += _pieces(group, straight_m=STRAIGHT * link_m)[0]
    return np.array(belts).reshape(-1, 5)


def nearest_belt(places: Floats, belts: Floats, *, cap_m: float) -> Floats:
    """Measure each place against the belt nearest to it.

    Parameters
    ----------
    places
        Easting and northing, metres, shape ``(n, 2)``.
    belts
        As `fit_belts` gives them.
    cap_m
        Belts farther than this are not seen, metres.

    Returns
    -------
    ndarray, shape (n, 3)
        Metres across the belt's axis; metres along it past the belt's end (0 beside the belt);
        length of the belt. Without a belt within `cap_m`: the cap, the cap and 0.
    """
    return np.asarray(_nearest_belt(np.ascontiguousarray(places), belts, cap_m))


def _groups(finds: Floats, link_m: float) -> list[Floats]:
    pairs = cKDTree(finds).query_pairs(link_m, output_type="ndarray")
    ones = np.ones(len(pairs), dtype=np.int8)
    graph = coo_array((ones, (pairs[:, 0], pairs[:, 1])), shape=(len(finds), len(finds)))
    _, group = connected_components(graph, directed=False)
    order = np.argsort(group, kind="stable")
    return np.split(finds[order], np.flatnonzero(np.diff(group[order])) + 1)


def _pieces(points: Floats, *, straight_m: float) -> tuple[list[Floats], float]:
    """Return the straight pieces of a group, and the land they spread over, m2."""
    apart = points - points.mean(axis=0)
    axis, length, width = _axis(apart)
    along = apart @ axis
    # Without bias for few points, or small pieces would always seem to spread over less.
    count = len(points)
    land = length * width * count / np.sqrt((count - 1) * (count - 2))
    if width > straight_m and count >= 2 * LEAST_FINDS:
        order = np.argsort(along, kind="stable")
        halves = [
            _pieces(points[part], straight_m=straight_m)
            for part in (order[: count // 2], order[count // 2 :])
        ]
        cut = sum(half[1] for half in halves)
        if cut < SMALLER * land:
            return halves[0][0] + halves[1][0], cut
    if length < TIMES_AS_LONG * width:
        return [], land
    middle = points.mean(axis=0) + axis * (along.min() + along.max()) / 2
    return [np.array([*middle, *axis, (along.max() - along.min()) / 2])], land


def _axis(apart: Floats) -> tuple[Floats, float, float]:
    """Return the principal axis (east, north) and the standard deviations along and across it."""
    east, north = (apart**2).mean(axis=0)
    cross = (apart[:, 0] * apart[:, 1]).mean()
    half = math.hypot((east - north) / 2, cross)
    angle = 0.5 * math.atan2(2 * cross, east - north)
    axis = np.array([math.cos(angle), math.sin(angle)])
    mean = (east + north) / 2
    return axis, math.sqrt(mean + half), math.sqrt(max(mean - half, 0.0))


@njit(cache=True, nogil=True)
def _moments(places: Floats, finds: Floats, next_to: Floats, radius: float) -> Floats:
    """Return count, variances, covariance and median spacing of the finds within the radius."""
    out = np.zeros((len(places), 5))
    near = np.empty(len(finds))
    first = np.searchsorted(finds[:, 1], places[:, 1] - radius)
    for row in range(len(places)):
        count, east, north, east2, north2, cross = 0, 0.0, 0.0, 0.0, 0.0, 0.0
        for place in range(first[row], len(finds)):
            across, up = finds[place, 0] - places[row, 0], finds[place, 1] - places[row, 1]
            if up > radius:
                break
            if across * across + up * up > radius * radius:
                continue
            near[count] = next_to[place]
            count += 1
            east += across
            north += up
            east2 += across * across
            north2 += up * up
            cross += across * up
        out[row, 0] = count
        if count > 0:
            out[row, 1] = max(east2 / count - (east / count) ** 2, 0.0)
            out[row, 2] = max(north2 / count - (north / count) ** 2, 0.0)
            out[row, 3] = cross / count - (east / count) * (north / count)
            out[row, 4] = np.median(near[:count])
    return out


@njit(cache=True, nogil=True)
def _nearest_belt(places: Floats, belts: Floats, cap: float) -> Floats:
    out = np.empty((len(places), 3))
    for row in range(len(places)):
        best = cap
        out[row, 0], out[row, 1], out[row, 2] = cap, cap, 0.0
        for belt in range(len(belts)):
            dx, dy = places[row, 0] - belts[belt, 0], places[row, 1] - belts[belt, 1]
            along = abs(dx * belts[belt, 2] + dy * belts[belt, 3])
            across = abs(dx * belts[belt, 3] - dy * belts[belt, 2])
            past = max(along - belts[belt, 4], 0.0)
            apart = np.hypot(past, across)
            if apart < best:
                best = apart
                out[row, 0], out[row, 1], out[row, 2] = across, past, 2 * belts[belt, 4]
    return out
