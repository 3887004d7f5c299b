"""Folds that respect space: square blocks, and regions left out whole."""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_limits

from features.errors import InputError
from models.inputs import as_coordinates, as_labels

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]

TINY_SHARE = 0.2
"""A test fold with less than this share of an even share of the rows is called tiny."""
IMBALANCE_RATIO = 3.0
"""A test fold whose prevalence is off by more than this factor is called imbalanced."""


@dataclass(frozen=True)
class BlockKFold:
    """Folds made of square blocks, balanced by positives; a scikit-learn splitter.

    Whole blocks go to one fold or another, so that test cells are not next to training cells
    save at block edges. Blocks lie on an absolute lattice: a block does not move when rows are
    added.

    Parameters
    ----------
    n_splits
        Number of folds, at least 2.
    block_m
        Side of a block in metres. Should exceed the autocorrelation range of the labels
        (`models.autocorrelation.autocorrelation_range`).
    seed
        Seed of the order among equal blocks.

    See Also
    --------
    LeaveRegionOut : how well the model travels.
    """

    n_splits: int
    _: KW_ONLY
    block_m: float
    seed: int = 0

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Give the number of folds."""
        return self.n_splits

    def split(
        self,
        X: object,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        coordinates: ArrayLike | gpd.GeoDataFrame | None = None,
    ) -> Iterator[Fold]:
        """Give training and test row numbers, fold by fold.

        Parameters
        ----------
        X
            Anything with a length, or a GeoDataFrame that carries the coordinates.
        y
            Labels 0 and 1, shape (n,). Without them, folds are balanced by rows.
        groups
            Coordinates, shape (n, 2), where the caller can pass nothing else (scikit-learn's
            ``cross_val_score(..., groups=coordinates)``).
        coordinates
            Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.

        Raises
        ------
        InputError
            If coordinates are missing, or a fold would be empty or hold one class only.
        """
        fold = self.fold_ids(_pick_coordinates(X, groups, coordinates), y)
        yield from folds_from_ids(fold)

    def fold_ids(
        self, coordinates: ArrayLike | gpd.GeoDataFrame, y: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Give the fold of every row, 0 to ``n_splits - 1``, shape (n,)."""
        blocks = assign_blocks(coordinates, block_m=self.block_m)
        return spread_blocks(blocks, y, n_splits=self.n_splits, seed=self.seed)


@dataclass(frozen=True)
class LeaveRegionOut:
    """Folds that leave one region out whole; a scikit-learn splitter.

    Regions come in ascending order of their ids.
    """

    def get_n_splits(
        self, X: object = None, y: object = None, groups: ArrayLike | None = None
    ) -> int:
        """Give the number of regions."""
        return int(np.unique(_regions(groups)).size)

    def split(
        self, X: object, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Fold]:
        """Give training and test row numbers, region by region.

        Parameters
        ----------
        X
            Not used.
        y
            Labels 0 and 1, shape (n,); None leaves the check of classes out.
        groups
            Region of every row, shape (n,).

        Raises
        ------
        InputError
            If there are fewer than two regions, or one of them holds one class only.
        """
        names, region = np.unique(_regions(groups), return_inverse=True)
        if names.size < 2:
            raise InputError(
                f"There is {names.size} region; expected at least 2, one of which can be left "
                "out. Ask for more regions or use a wider area."
            )
        if y is not None:
            _refuse_single_class(region, as_labels(y, region.size), names.size, what="region")
        yield from folds_from_ids(region)


def assign_blocks(
    coordinates: ArrayLike | gpd.GeoDataFrame,
    *,
    block_m: float,
    origin: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.int64]:
    """Name the square block that each point lies in.

    Parameters
    ----------
    coordinates
        Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.
    block_m
        Side of a block in metres.
    origin
        Easting and northing of a corner of the lattice, metres.

    Returns
    -------
    ndarray of int64, shape (n,)
        The same id for the same square, whatever other points are given.
    """
    points = as_coordinates(coordinates)
    if not (np.isfinite(block_m) and block_m > 0):
        raise InputError(f"block_m is {block_m}; expected metres above zero.")
    column_row = np.floor((points - np.asarray(origin, dtype=np.float64)) / block_m)
    if points.size and np.abs(column_row).max() >= 2**31:
        raise InputError(
            f"Blocks of {block_m:g} m are too small for coordinates up to "
            f"{np.abs(points).max():g} m. Use larger blocks."
        )
    column, row = column_row.astype(np.int64).T
    return column * 2**32 + row


def spread_blocks(
    blocks: ArrayLike, y: ArrayLike | None = None, *, n_splits: int, seed: int = 0
) -> NDArray[np.int64]:
    """Deal whole blocks out to folds, balanced by positives, then by rows.

    Blocks with positives go, most positives first, to the fold with the fewest positives; the
    others go, largest first, to the fold with the fewest rows. Equal blocks are taken in an
    order drawn with `seed`. Any partition will do as blocks: squares, hexagons, districts.

    Parameters
    ----------
    blocks
        Block id of every row, shape (n,).
    y
        Labels 0 and 1, shape (n,), or None.

    Returns
    -------
    ndarray of int64, shape (n,)
        Fold of every row.

    Raises
    ------
    InputError
        If a fold would be empty or hold one class only.
    """
    ids, block = np.unique(np.asarray(blocks), return_inverse=True)
    if n_splits < 2:
        raise InputError(f"n_splits is {n_splits}; expected at least 2 folds.")
    if ids.size < n_splits:
        raise InputError(
            f"The rows lie in {ids.size} blocks; {n_splits} folds need at least {n_splits}. "
            "Use smaller blocks, fewer folds or a wider area."
        )
    labels = None if y is None else as_labels(y, block.size)
    rows = np.bincount(block, minlength=ids.size)
    counted = np.zeros(block.size) if labels is None else labels
    positives = np.bincount(block, weights=counted, minlength=ids.size).astype(np.int64)
    fold_of_block = _deal(positives, rows, n_splits=n_splits, seed=seed)
    fold = fold_of_block[block]
    if labels is not None:
        _refuse_single_class(fold, labels, n_splits, what="fold")
    return fold


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
    points = as_coordinates(centroids)
    distinct = np.unique(points, axis=0).shape[0]
    if not 1 <= count <= distinct:
        raise InputError(
            f"{count} regions were asked for and there are {distinct} distinct places; expected "
            "1 to that many. Ask for fewer regions."
        )
    middle = points.mean(axis=0)
    with threadpool_limits(1):  # sums in threads differ in their last bits
        found = KMeans(n_clusters=count, n_init=10, random_state=seed).fit(
            points - middle, sample_weight=weights
        )
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
    region = np.array(regions, dtype=np.int64)
    points = as_coordinates(coordinates)
    labels = as_labels(y, region.size)
    while True:
        ids, index = np.unique(region, return_inverse=True)
        rows = np.bincount(index)
        positives = np.bincount(index, weights=labels)
        thin = np.flatnonzero((positives < min_positives) | (positives == rows))
        if thin.size == 0 or ids.size == 1:
            return region
        worst = thin[np.argmin(positives[thin])]
        centres = np.stack([np.bincount(index, weights=axis) / rows for axis in points.T], axis=1)
        away = np.linalg.norm(centres - centres[worst], axis=1)
        away[worst] = np.inf
        region[index == worst] = ids[np.argmin(away)]


def folds_from_ids(fold: ArrayLike) -> list[Fold]:
    """Turn the fold of every row into (training rows, test rows), in ascending order of fold."""
    ids = np.asarray(fold)
    return [(np.flatnonzero(ids != one), np.flatnonzero(ids == one)) for one in np.unique(ids)]


def fold_summary(folds: Iterable[Fold], y: ArrayLike, coordinates: ArrayLike) -> pd.DataFrame:
    """Describe folds as data, so that weak ones are seen before they are scored.

    Parameters
    ----------
    folds
        (training rows, test rows) of each fold.
    y
        Labels 0 and 1, shape (n,).
    coordinates
        Easting and northing in metres, shape (n, 2).

    Returns
    -------
    DataFrame
        One row a fold: ``fold``, ``n_train``, ``n_test``, ``positives_train``, ``positives``
        (in the test fold), ``prevalence``; the flags ``empty_test``, ``single_class_test``,
        ``class_missing_train``, ``tiny_test`` (under a fifth of an even share of the rows),
        ``imbalance`` (prevalence more than 3 times off the whole) and ``high_leakage`` (rows in
        both training and test); ``min_distance_m`` from test to training, NaN if either is
        empty.
    """
    points = as_coordinates(coordinates)
    labels = as_labels(y, points.shape[0])
    listed = list(folds)
    rows = [_fold_row(train, test, labels, points) for train, test in listed]
    table = pd.DataFrame(rows)
    table.insert(0, "fold", np.arange(len(listed)))
    table["tiny_test"] = table["n_test"] < TINY_SHARE * labels.size / max(len(listed), 1)
    return table


def _pick_coordinates(
    X: object, groups: ArrayLike | None, coordinates: ArrayLike | gpd.GeoDataFrame | None
) -> ArrayLike | gpd.GeoDataFrame:
    if coordinates is not None:
        return coordinates
    if isinstance(X, gpd.GeoDataFrame):
        return X
    if groups is not None:
        return groups
    raise InputError(
        "No coordinates came; expected easting and northing of shape (n, 2). Pass coordinates=, "
        "a GeoDataFrame as X, or the coordinates as groups."
    )


def _regions(groups: ArrayLike | None) -> NDArray[np.generic]:
    if groups is None:
        raise InputError("No regions came; expected the region of every row as groups.")
    return np.asarray(groups)


def _deal(
    positives: NDArray[np.int64], rows: NDArray[np.int64], *, n_splits: int, seed: int
) -> NDArray[np.int64]:
    """Give the fold of each block: most positives first, then most rows, ties by `seed`."""
    tie = np.random.default_rng(seed).permutation(rows.size)
    fold_positives = np.zeros(n_splits, dtype=np.int64)
    fold_rows = np.zeros(n_splits, dtype=np.int64)
    fold = np.empty(rows.size, dtype=np.int64)
    for block in np.lexsort((tie, -rows, -positives)):
        if positives[block]:
            chosen = int(np.lexsort((fold_rows, fold_positives))[0])
        else:
            chosen = int(np.argmin(fold_rows))
        fold[block] = chosen
        fold_positives[chosen] += positives[block]
        fold_rows[chosen] += rows[block]
    return fold


def _refuse_single_class(
    fold: NDArray[np.int64], labels: NDArray[np.int64], count: int, *, what: str
) -> None:
    rows = np.bincount(fold, minlength=count)
    positives = np.bincount(fold, weights=labels, minlength=count).astype(np.int64)
    for bad, missing in ((positives == 0, "positive"), (positives == rows, "negative")):
        if bad.any():
            numbers = ", ".join(str(number) for number in np.flatnonzero(bad)[:10])
            raise InputError(
                f"{int(bad.sum())} of {count} {what}s would hold no {missing} row ({what} "
                f"{numbers}); there are {int(labels.sum())} positives in {labels.size} rows. "
                "Every fold needs both classes: use smaller blocks, fewer folds or regions "
                "(join_thin_regions joins neighbours), or more labels."
            )


def _fold_row(
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    labels: NDArray[np.int64],
    points: NDArray[np.float64],
) -> dict[str, float | int | bool]:
    positives, positives_train = int(labels[test].sum()), int(labels[train].sum())
    share = positives / len(test) if len(test) else np.nan
    whole = float(labels.mean()) if labels.size else np.nan
    return {
        "n_train": len(train),
        "n_test": len(test),
        "positives_train": positives_train,
        "positives": positives,
        "prevalence": share,
        "empty_test": len(test) == 0,
        "single_class_test": positives in (0, len(test)),
        "class_missing_train": positives_train in (0, len(train)),
        "tiny_test": False,
        "imbalance": not (whole / IMBALANCE_RATIO <= share <= whole * IMBALANCE_RATIO),
        "high_leakage": bool(np.intersect1d(train, test).size),
        "min_distance_m": _min_distance(points[test], points[train]),
    }


def _min_distance(test: NDArray[np.float64], train: NDArray[np.float64]) -> float:
    """Give the least distance between two sets; each chunk is searched below the best so far."""
    if not (test.size and train.size):
        return float("nan")
    tree = cKDTree(train)
    best = np.inf
    for chunk in np.array_split(test, max(1, len(test) // 1_000)):
        distance, _ = tree.query(chunk, distance_upper_bound=best)
        best = min(best, float(distance.min()))
    return best
