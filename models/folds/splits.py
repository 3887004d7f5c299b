"""Folds that respect space and time: blocks, buffers, regions left out whole, later dates.

All are scikit-learn splitters. None gives a fold that is empty or lacks a class in training or in
test: it says why it cannot, and what would help.
"""

from collections.abc import Iterable, Iterator
from dataclasses import KW_ONLY, dataclass

import geopandas as gpd
import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.models.folds.blocks import (
    Shape,
    assign_blocks,
    assign_hexagons,
    assign_polygons,
    refuse_poor,
    refuse_single_class,
    spread_blocks,
)
from minerisk.models.folds.facts import Fold
from minerisk.models.inputs import as_coordinates, as_labels, pick_coordinates


@dataclass(frozen=True, eq=False)
class BlockKFold:
    """Folds made of whole blocks, balanced by positives; a scikit-learn splitter.

    Whole blocks go to one fold or another, so that test cells are not next to training cells
    save at block edges. Squares and hexagons lie on an absolute lattice: a block does not move
    when rows are added.

    Parameters
    ----------
    n_splits
        Number of folds, at least 2.
    block_m
        Side of a square, or distance between opposite sides of a hexagon, in metres; not used
        for polygons. Should exceed the autocorrelation range of the labels
        (`minerisk.models.folds.autocorrelation.autocorrelation_range`).
    shape
        ``square``, ``hexagon`` or ``polygons``.
    polygons
        With ``polygons``: districts or the like, in the CRS of the coordinates. A row outside
        all of them belongs to the nearest. Without them, `groups` of `split` name the polygon of
        every row.
    seed
        Seed of the order among equal blocks.

    See Also
    --------
    LeaveRegionOut : how well the model travels.
    BufferedKFold : the same with a buffer around the test blocks.

    Examples
    --------
    >>> eastings = np.array([500, 1_500, 2_500, 3_500])
    >>> places = np.column_stack([eastings, np.full(4, 500)])
    >>> for train, test in BlockKFold(2, block_m=2_000).split(places, coordinates=places):
    ...     print(eastings[train], eastings[test])
    [2500 3500] [ 500 1500]
    [ 500 1500] [2500 3500]
    """

    n_splits: int
    _: KW_ONLY
    block_m: float | None = None
    shape: Shape = "square"
    polygons: gpd.GeoDataFrame | None = None
    seed: int = 0

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds."""
        return self.n_splits

    def split(
        self,
        X: object,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        coordinates: ArrayLike | gpd.GeoDataFrame | None = None,
    ) -> Iterator[Fold]:
        """Yield training and test row numbers, fold by fold.

        Parameters
        ----------
        X
            A DataFrame with columns ``easting`` and ``northing``, a GeoDataFrame, or anything with
            a length.
        y
            Labels 0 and 1, shape (n,). Without them, folds are balanced by rows.
        groups
            Coordinates, shape (n, 2), where the caller can pass nothing else (scikit-learn's
            ``cross_val_score(..., groups=coordinates)``); or, for ``polygons`` without a frame,
            the polygon's id of every row, shape (n,).
        coordinates
            Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.

        Raises
        ------
        InputError
            If coordinates are missing, or a fold would be empty or hold one class only.
        """
        if self.shape == "polygons" and self.polygons is None:
            if groups is None:
                raise InputError(
                    "Blocks are polygons and none came; pass polygons= (a GeoDataFrame), or the "
                    "polygon's id of every row as groups."
                )
            fold = spread_blocks(groups, y, n_splits=self.n_splits, seed=self.seed)
        else:
            fold = self.fold_ids(pick_coordinates(X, groups, coordinates), y)
        yield from folds_from_ids(fold)

    def fold_ids(
        self, coordinates: ArrayLike | gpd.GeoDataFrame, y: ArrayLike | None = None
    ) -> NDArray[np.int64]:
        """Return the fold of every row, 0 to ``n_splits - 1``, shape (n,)."""
        blocks = self.block_ids(coordinates)
        return spread_blocks(blocks, y, n_splits=self.n_splits, seed=self.seed)

    def block_ids(self, coordinates: ArrayLike | gpd.GeoDataFrame) -> NDArray[np.int64]:
        """Return the block of every row, shape (n,)."""
        if self.shape == "polygons":
            if self.polygons is None:
                raise InputError("Blocks are polygons and none came; pass polygons=.")
            return assign_polygons(coordinates, self.polygons)
        if self.shape not in ("square", "hexagon"):
            raise InputError(
                f"The shape is {self.shape!r}; expected 'square', 'hexagon' or 'polygons'."
            )
        if self.block_m is None:
            raise InputError(f"A {self.shape} needs its size; pass block_m= in metres.")
        assign = assign_blocks if self.shape == "square" else assign_hexagons
        return assign(coordinates, block_m=self.block_m)


@dataclass(frozen=True, eq=False)
class BufferedKFold:
    """Folds with a buffer: training rows near a test row are dropped; a scikit-learn splitter.

    Every row is tested once. Rows within `buffer_m` of any test row of a fold neither train nor
    test in it, so that even cells at the edge of a test block are far from training.

    Parameters
    ----------
    blocks
        How test folds are made.
    buffer_m
        Width of the buffer in metres. A row exactly so far is dropped.

    Examples
    --------
    Cells every kilometre; those within a kilometre of a test cell do not train.

    >>> places = np.column_stack([np.arange(6) * 1_000, np.zeros(6)])
    >>> folds = BufferedKFold(BlockKFold(2, block_m=3_000), buffer_m=1_000)
    >>> [(train.tolist(), test.tolist()) for train, test in folds.split(None, groups=places)]
    [([4, 5], [0, 1, 2]), ([0, 1], [3, 4, 5])]
    """

    blocks: BlockKFold
    _: KW_ONLY
    buffer_m: float

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds."""
        return self.blocks.get_n_splits()

    def split(
        self,
        X: object,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        coordinates: ArrayLike | gpd.GeoDataFrame | None = None,
    ) -> Iterator[Fold]:
        """Yield training and test row numbers, fold by fold; arguments as in `BlockKFold.split`.

        Raises
        ------
        InputError
            As `BlockKFold.split`, or if the buffer leaves too little to train on.
        """
        points = pick_coordinates(X, groups, coordinates)
        if points is groups and np.asarray(groups).ndim == 1:
            raise InputError(
                "Groups name polygons and no coordinates came; the buffer needs them. Pass "
                "coordinates=."
            )
        folds = self.blocks.split(X, y, groups, coordinates=points)
        yield from with_buffer(folds, points, y, buffer_m=self.buffer_m)


@dataclass(frozen=True)
class LeaveRegionOut:
    """Folds that leave one region out whole; a scikit-learn splitter.

    Regions come in ascending order of their ids.

    Examples
    --------
    >>> regions = ["Agdam", "Agdam", "Fizuli", "Fizuli"]
    >>> [test.tolist() for _, test in LeaveRegionOut().split(None, [0, 1, 1, 0], groups=regions)]
    [[0, 1], [2, 3]]
    """

    def get_n_splits(
        self, X: object = None, y: object = None, groups: ArrayLike | None = None
    ) -> int:
        """Return the number of regions."""
        return int(np.unique(_regions(groups)).size)

    def split(
        self, X: object, y: ArrayLike | None = None, groups: ArrayLike | None = None
    ) -> Iterator[Fold]:
        """Yield training and test row numbers, region by region.

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
            refuse_single_class(region, as_labels(y, region.size), names.size, what="region")
        yield from folds_from_ids(region)


def with_buffer(
    folds: Iterable[Fold],
    coordinates: ArrayLike | gpd.GeoDataFrame,
    y: ArrayLike | None = None,
    *,
    buffer_m: float,
) -> Iterator[Fold]:
    """Drop the training rows that lie within a distance of any test row of their fold.

    Any folds will do: blocks, regions left out, dates.

    Parameters
    ----------
    folds
        (training rows, test rows) of each fold.
    coordinates
        Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.
    y
        Labels 0 and 1, shape (n,); None leaves the check of classes out.
    buffer_m
        Width of the buffer in metres. A row exactly so far is dropped.

    Raises
    ------
    InputError
        If training would be empty or lack a class.

    Examples
    --------
    >>> places = np.column_stack([np.arange(6) * 1_000, np.zeros(6)])
    >>> folds = folds_from_ids([0, 0, 0, 1, 1, 1])
    >>> [train.tolist() for train, _ in with_buffer(folds, places, buffer_m=1_000)]
    [[4, 5], [0, 1]]
    """
    if not (np.isfinite(buffer_m) and buffer_m >= 0):
        raise InputError(f"buffer_m is {buffer_m}; expected metres, 0 or more.")
    points = as_coordinates(coordinates)
    labels = None if y is None else as_labels(y, len(points))
    reach = np.nextafter(buffer_m, np.inf)
    for number, (train, test) in enumerate(folds):
        away, _ = cKDTree(points[test]).query(points[train], distance_upper_bound=reach)
        kept = train[away > buffer_m]
        advice = (
            f"The buffer of {buffer_m:g} m drops {train.size - kept.size} of {train.size} "
            "training rows. Use a narrower one, larger blocks, more folds or a wider area."
        )
        refuse_poor(kept, test, labels, where=f"Fold {number}", advice=advice)
        yield kept, test


def folds_from_ids(fold: ArrayLike) -> list[Fold]:
    """Convert the fold of every row into (training rows, test rows), in ascending order of fold.

    Examples
    --------
    >>> [(train.tolist(), test.tolist()) for train, test in folds_from_ids([0, 1, 1])]
    [([1, 2], [0]), ([0], [1, 2])]
    """
    ids = np.asarray(fold)
    return [(np.flatnonzero(ids != one), np.flatnonzero(ids == one)) for one in np.unique(ids)]


def _regions(groups: ArrayLike | None) -> NDArray[np.generic]:
    if groups is None:
        raise InputError("No regions came; expected the region of every row as groups.")
    return np.asarray(groups)
