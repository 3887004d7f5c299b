"""Regions, to be left out whole: grouped from places, and joined where they hold too little."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.folds.kmeans import fit_on_one_thread
from minerisk.models.inputs import as_coordinates, as_labels


def cluster_regions(
    centroids: ArrayLike, weights: ArrayLike | None = None, *, count: int, seed: int = 0
) -> NDArray[np.int64]:
    """Group places into compact regions by k-means on their centroids.

    Parameters
    ----------
    centroids
        Easting and northing in metres, shape (m, 2): of municipalities, or of cells.
    weights
        How much each place counts, such as its cells, shape (m,).
    count
        Number of regions.

    Returns
    -------
    ndarray of int64, shape (m,)
        Region 0 to ``count - 1``, numbered from west to east by the regions' centres.

    Raises
    ------
    InputError
        If there are fewer distinct places than regions.
    """
    from sklearn.cluster import KMeans

    points = as_coordinates(centroids)
    distinct = np.unique(points, axis=0).shape[0]
    if not 1 <= count <= distinct:
        raise InputError(
            f"{count} regions were asked for and there are {distinct} distinct places; expected "
            "1 to that many. Ask for fewer regions."
        )
    middle = points.mean(axis=0)
    model = KMeans(n_clusters=count, n_init=10, random_state=seed)
    found = fit_on_one_thread(model, points - middle, weights)
    order = np.lexsort((found.cluster_centers_[:, 1], found.cluster_centers_[:, 0]))
    number = np.empty(count, dtype=np.int64)
    number[order] = np.arange(count)
    return number[found.labels_]


def join_thin_regions(
    regions: ArrayLike, y: ArrayLike, coordinates: ArrayLike, *, min_positives: int = 1
) -> NDArray[np.int64]:
    """Join regions that hold too few positives, or no negative, to the nearest other region.

    The thinnest region is joined first, to the region whose centre is nearest, until every
    region holds at least `min_positives` positives and one negative, or one region is left.

    Returns
    -------
    ndarray of int64, shape (n,)
        Region of every row; ids of joined regions are gone, the others are kept.
    """
    ids, index = np.unique(np.asarray(regions, dtype=np.int64), return_inverse=True)
    points, labels = as_coordinates(coordinates), as_labels(y, index.size)
    sums = np.stack([np.bincount(index, weights=axis) for axis in points.T], axis=1)
    rows, positives = np.bincount(index), np.bincount(index, weights=labels)
    return ids[join_thin_groups(rows, positives, sums, min_positives=min_positives)][index]


def join_thin_groups(
    rows: ArrayLike, positives: ArrayLike, sums: ArrayLike, *, min_positives: int = 1
) -> NDArray[np.int64]:
    """Join groups of rows as `join_thin_regions` does, from what each group adds up to.

    Parameters
    ----------
    rows, positives
        Of each group, shape ``(m,)``.
    sums
        Eastings and northings of its rows, summed, metres, shape ``(m, 2)``.

    Returns
    -------
    ndarray of int64, shape (m,)
        Number of the group that each group belongs to.
    """
    rows, positives = np.array(rows, dtype=np.int64), np.array(positives, dtype=np.float64)
    sums = np.array(sums, dtype=np.float64)
    into = np.arange(rows.size)
    while True:
        left = np.flatnonzero(rows)
        thin = left[(positives[left] < min_positives) | (positives[left] == rows[left])]
        if thin.size == 0 or left.size == 1:
            return into
        worst = thin[np.argmin(positives[thin])]
        centres = sums / np.maximum(rows, 1)[:, None]
        away = np.linalg.norm(centres[left] - centres[worst], axis=1)
        away[left == worst] = np.inf
        nearest = left[np.argmin(away)]
        into[into == worst] = nearest
        for total in (rows, positives, sums):
            total[nearest] += total[worst]
            total[worst] = 0
