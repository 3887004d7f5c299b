"""Blocks of land: squares, hexagons, polygons; and how they are assigned to folds."""

from typing import Literal

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.inputs import as_coordinates, as_labels

Shape = Literal["square", "hexagon", "polygons"]


def assign_blocks(
    coordinates: ArrayLike | gpd.GeoDataFrame,
    *,
    block_m: float,
    origin: tuple[float, float] = (0.0, 0.0),
) -> NDArray[np.int64]:
    """Return the id of the square block that each point lies in.

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

    Examples
    --------
    >>> block = assign_blocks([[500, 500], [1_500, 500], [2_500, 500]], block_m=2_000)
    >>> bool(block[0] == block[1]), bool(block[1] == block[2])
    (True, False)
    """
    points = as_coordinates(coordinates)
    _check_size(points, block_m)
    column_row = np.floor((points - np.asarray(origin, dtype=np.float64)) / block_m)
    column, row = column_row.astype(np.int64).T
    return column * 2**32 + row


def assign_hexagons(
    coordinates: ArrayLike | gpd.GeoDataFrame, *, block_m: float
) -> NDArray[np.int64]:
    """Return the id of the regular hexagon that each point lies in.

    Hexagons stand on a corner; neighbouring centres are `block_m` apart, and one centre is at
    easting 0, northing 0. No two points of a hexagon are more than ``1.155 * block_m`` apart;
    in a square that is ``1.414 * block_m``.

    Parameters
    ----------
    coordinates
        Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.
    block_m
        Distance between opposite sides of a hexagon, metres.

    Returns
    -------
    ndarray of int64, shape (n,)
        The same id for the same hexagon, whatever other points are given.
    """
    points = as_coordinates(coordinates)
    _check_size(points, block_m)
    # The centres are two rectangular lattices, one moved by half a step both ways; a point
    # belongs to the nearest centre.
    step = np.array([block_m, block_m * np.sqrt(3.0)])
    even = 2 * np.rint(points / step)
    odd = 2 * np.floor(points / step) + 1
    away = [np.linalg.norm(points - centre * step / 2, axis=1) for centre in (even, odd)]
    centre = np.where((away[0] <= away[1])[:, None], even, odd).astype(np.int64)
    return np.asarray(centre[:, 0] * 2**32 + centre[:, 1])


def assign_polygons(
    coordinates: ArrayLike | gpd.GeoDataFrame, polygons: gpd.GeoDataFrame
) -> NDArray[np.int64]:
    """Return the polygon that each point lies in, or else the nearest one.

    Parameters
    ----------
    coordinates
        Easting and northing in metres in the CRS of the polygons, shape (n, 2), or a
        GeoDataFrame in that CRS.
    polygons
        Polygons in a projected CRS, such as districts. Where some overlap, the first counts.

    Returns
    -------
    ndarray of int64, shape (n,)
        Position of the polygon in the frame. A point outside all polygons belongs to the
        nearest, so that no row is lost.

    Raises
    ------
    InputError
        If there are no polygons, or the CRS is not projected or not that of the coordinates.
    """
    if len(polygons) == 0 or not polygons.geom_type.isin(["Polygon", "MultiPolygon"]).all():
        raise InputError(
            f"The blocks are {len(polygons)} shapes of type "
            f"{sorted(map(str, polygons.geom_type.unique()))}; expected polygons. Pass districts "
            "or survey areas."
        )
    if polygons.crs is None or not polygons.crs.is_projected:
        raise InputError(
            f"The polygons are in {polygons.crs}; expected a projected CRS in metres. Reproject "
            "them first."
        )
    own = getattr(coordinates, "crs", polygons.crs)
    if own != polygons.crs:
        raise InputError(
            f"The coordinates are in {own} and the polygons in {polygons.crs}; expected the same "
            "CRS. Reproject one of them."
        )
    points = gpd.points_from_xy(*as_coordinates(coordinates).T)
    index = polygons.geometry.reset_index(drop=True).sindex
    point, found = index.nearest(points, return_all=True, return_distance=False)
    out = np.full(len(points), len(polygons), dtype=np.int64)
    np.minimum.at(out, point, found)
    return out


def spread_blocks(
    blocks: ArrayLike, y: ArrayLike | None = None, *, n_splits: int, seed: int = 0
) -> NDArray[np.int64]:
    """Assign whole blocks to folds, balanced by positives, then by rows.

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

    Examples
    --------
    >>> blocks = ["a", "a", "b", "b", "c", "d"]
    >>> spread_blocks(blocks, [1, 0, 1, 0, 0, 0], n_splits=2)
    array([1, 1, 0, 0, 0, 1])
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
    if labels is not None:
        _refuse_few_places(block, labels, n_splits)
    fold_of_block = deal_counts(positives, rows, n_splits=n_splits, seed=seed)
    fold = fold_of_block[block]
    if labels is not None:
        refuse_single_class(fold, labels, n_splits, what="fold")
    return fold


def refuse_single_class(
    fold: NDArray[np.int64], labels: NDArray[np.int64], count: int, *, what: str
) -> None:
    """Raise where a fold holds one class only, and say what would help.

    Parameters
    ----------
    fold
        Fold of every row, 0 to ``count - 1``, shape (n,).
    labels
        Labels 0 and 1, shape (n,).
    what
        What the folds are called in the message, ``fold`` or ``region``.

    Raises
    ------
    InputError
        If one of the folds is empty, or holds no positive or no negative row.
    """
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


def refuse_poor(
    train: NDArray[np.int64],
    test: NDArray[np.int64],
    labels: NDArray[np.int64] | None,
    *,
    where: str,
    advice: str,
) -> None:
    """Raise where training or test is empty or lacks a class.

    Parameters
    ----------
    train, test
        Row numbers.
    labels
        Labels 0 and 1, shape (n,); None leaves the check of classes out.
    where, advice
        First and last words of the message.

    Raises
    ------
    InputError
        If a set is empty or holds one class only.
    """
    for rows, name in ((train, "training"), (test, "test")):
        positives = -1 if labels is None else int(labels[rows].sum())
        if rows.size == 0:
            raise InputError(f"{where}: the {name} set would be empty. {advice}")
        if positives in (0, rows.size):
            missing = "positive" if positives == 0 else "negative"
            raise InputError(
                f"{where}: the {name} set of {rows.size} rows would hold no {missing} row. "
                f"Every fold needs both classes. {advice}"
            )


def _refuse_few_places(block: NDArray[np.int64], labels: NDArray[np.int64], n_splits: int) -> None:
    """Raise where a class lies in fewer blocks than there are folds: no dealing can help."""
    for value, name in ((1, "positive"), (0, "negative")):
        places = np.unique(block[labels == value]).size
        if places < n_splits:
            advice = (
                f"use at most {places} folds, or smaller blocks"
                if places > 1
                else ("use smaller blocks" if (labels == value).sum() > 1 else "add labels")
            )
            raise InputError(
                f"{n_splits - places} of {n_splits} folds would hold no {name} row: the "
                f"{int((labels == value).sum())} {name} rows lie in {places} of "
                f"{np.unique(block).size} blocks, and a block is never cut. Every fold needs "
                f"both classes: {advice}."
            )


def deal_counts(
    positives: NDArray[np.int64], rows: NDArray[np.int64], *, n_splits: int, seed: int
) -> NDArray[np.int64]:
    """Return the fold of each block: most positives first, then most rows, ties by `seed`.

    A fold that holds positives only takes a block without any before the others do.
    """
    tie = np.random.default_rng(seed).permutation(rows.size)
    fold_positives = np.zeros(n_splits, dtype=np.int64)
    fold_rows = np.zeros(n_splits, dtype=np.int64)
    fold = np.empty(rows.size, dtype=np.int64)
    for block in np.lexsort((tie, -rows, -positives)):
        if positives[block]:
            chosen = int(np.lexsort((fold_rows, fold_positives))[0])
        else:
            lacks_negative = fold_rows == fold_positives
            chosen = int(np.lexsort((fold_rows, ~lacks_negative))[0])
        fold[block] = chosen
        fold_positives[chosen] += positives[block]
        fold_rows[chosen] += rows[block]
    return fold


def _check_size(points: NDArray[np.float64], block_m: float) -> None:
    if not (np.isfinite(block_m) and block_m > 0):
        raise InputError(f"block_m is {block_m}; expected metres above zero.")
    if points.size and np.abs(points).max() / block_m >= 2**30:
        raise InputError(
            f"Blocks of {block_m:g} m are too small for coordinates up to "
            f"{np.abs(points).max():g} m. Use larger blocks."
        )
