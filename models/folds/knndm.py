"""Folds that are as far from their training rows as the land to be predicted is: kNNDM."""

from collections.abc import Iterator
from dataclasses import KW_ONLY, dataclass
from typing import Any, Literal

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.stats import ks_2samp, wasserstein_distance
from sklearn.cluster import KMeans

from minerisk.features.errors import InputError
from minerisk.models.folds.blocks import deal_counts
from minerisk.models.folds.facts import Fold, MatchFacts, Matching
from minerisk.models.folds.kmeans import fit_on_one_thread
from minerisk.models.folds.nearest import (
    Neighbours,
    Order,
    across_folds,
    measure_neighbours,
    nearest_distance,
    nearest_index,
)
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.folds.target_points import draw_rows, prediction_points, standardised
from minerisk.models.gower import has_categories
from minerisk.models.inputs import as_coordinates, as_labels, pick_coordinates

Array = NDArray[np.float64]
Clustering = Literal["hierarchical", "kmeans"]
Space = Literal["geographic", "features"]

MAX_CELLS = 2_000
"""Rows clustered at most; the others follow the nearest of them."""
MAX_MEASURED = 4_000
"""Rows, and points of the target, whose nearest distance is measured at most."""
STEPS = 100
"""Numbers of clusters tried, evenly spaced in their logarithm."""
KMEANS_STEPS = 30
"""The same for k-means, which starts again for each."""
TRIED = ["clusters", "wasserstein", "largest_share", "refused"]
_LEVEL = 0.05
_SHORT = 0.1
_SPREAD_STARTS = 100


@dataclass(frozen=True, eq=False)
class Match:
    """The folds found, and how well they match the land to be predicted.

    Attributes
    ----------
    fold
        Fold of every row, shape (n,).
    clusters
        Number of clusters the folds are made of; None for random folds.
    wasserstein
        Mean difference between the nearest distances from the target to the rows and those from
        test rows to training rows over all folds: metres, or deviations in feature space.
    wasserstein_random
        The same for random folds.
    tried
        One row a number of clusters: ``clusters``, ``wasserstein`` (NaN where refused),
        ``largest_share``, ``refused`` (why; empty if not).
    target_distance, test_distance
        The distances compared, ascending.
    facts
        What was found, for reports.
    """

    fold: NDArray[np.int64]
    clusters: int | None
    wasserstein: float
    wasserstein_random: float
    tried: pd.DataFrame
    target_distance: Array
    test_distance: Array
    facts: MatchFacts


@dataclass(frozen=True, eq=False)
class KNNDM:
    """Folds whose test rows are as far from training as the target is; a scikit-learn splitter.

    Its folds can differ in size and share of positives, so scores are pooled over all folds,
    not averaged.

    Parameters
    ----------
    n_splits
        Number of folds, at least 2.
    target
        The land to be predicted. In geographic space: easting and northing, shape (m, 2), or a
        GeoDataFrame of points or polygons in the CRS of the coordinates. In feature space: the
        features there, shape (m, d), with the columns of X.
    space
        ``geographic``, or ``features``: standardised by mean and deviation of the rows; where a
        column of X holds classes, in Gower's distance (`minerisk.models.gower`).
    clustering
        ``hierarchical`` (Ward; with Gower's distance by means) or ``kmeans``, which is the default
        in feature space without classes.
    max_share
        Greatest share of the rows in one fold. More lets folds be farther from training. With
        2 folds, 0.5 allows even halves only.
    seed
        Seed of every draw.

    Notes
    -----
    Linnenbrink, Milà, Ludwig and Meyer 2024, doi 10.5194/gmd-17-5897-2024. If the rows are no
    nearer to each other than the target is to them (one-sided Kolmogorov-Smirnov test at 5 %),
    folds are random. If not, rows are clustered, clusters are assigned to folds, and of all numbers
    of clusters, random folds included, the one with the least Wasserstein distance is taken.
    Departures: clusters are assigned balanced by positives, so that no fold lacks a class; above
    2,000 rows, 2,000 drawn at random are clustered and the others follow the nearest of these.
    Up to 4,000 rows and points of the target are measured, above that as many drawn at random.

    Examples
    --------
    Four surveyed towns, and land to be predicted between them. Random folds would test next door;
    whole towns left out are as far from training as that land is.

    >>> rng = np.random.default_rng(0)
    >>> towns = np.array([[0, 0], [20_000, 0], [0, 20_000], [20_000, 20_000]])
    >>> cells = np.concatenate([town + rng.uniform(0, 1_000, (30, 2)) for town in towns])
    >>> between = np.column_stack([np.linspace(9_000, 11_000, 5), np.full(5, 10_000)])
    >>> match = KNNDM(4, target=between).match(None, coordinates=cells)
    >>> match.clusters
    4
    >>> [len(set(fold)) for fold in match.fold.reshape(4, 30).tolist()]
    [1, 1, 1, 1]
    >>> bool(match.wasserstein < match.wasserstein_random)
    True
    """

    n_splits: int
    _: KW_ONLY
    target: ArrayLike | pd.DataFrame | gpd.GeoDataFrame
    space: Space = "geographic"
    clustering: Clustering | None = None
    max_share: float = 0.5
    seed: int = 0

    def get_n_splits(self, X: object = None, y: object = None, groups: object = None) -> int:
        """Return the number of folds."""
        return self.n_splits

    def split(
        self,
        X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame | None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        coordinates: ArrayLike | gpd.GeoDataFrame | None = None,
    ) -> Iterator[Fold]:
        """Yield training and test row numbers, fold by fold; arguments as in `match`."""
        yield from folds_from_ids(self.match(X, y, groups, coordinates=coordinates).fold)

    def match(
        self,
        X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame | None,
        y: ArrayLike | None = None,
        groups: ArrayLike | None = None,
        *,
        coordinates: ArrayLike | gpd.GeoDataFrame | None = None,
    ) -> Match:
        """Find the folds, and tell how well they match.

        Parameters
        ----------
        X
            In feature space: the features, shape (n, d). In geographic space a GeoDataFrame that
            carries the coordinates, or anything.
        y
            Labels 0 and 1, shape (n,); without them folds may lack a class.
        groups
            Coordinates, shape (n, 2), where the caller can pass nothing else.
        coordinates
            Easting and northing in metres, shape (n, 2), or a GeoDataFrame in a projected CRS.

        Raises
        ------
        InputError
            If inputs do not fit, or there are fewer rows of a class than folds.
        """
        self._check()
        rng = np.random.default_rng(self.seed)
        order: Order = 1 if self.space == "features" and has_categories(X) else 2
        points, target = self._spaces(X, groups, coordinates)
        n = len(points)
        labels = np.zeros(n, dtype=np.int64) if y is None else as_labels(y, n)
        random = _random_folds(labels, self.n_splits, both=y is not None, rng=rng)
        leaves, cell = _cells(points, rng, order)
        rows = draw_rows(n, MAX_MEASURED, rng)
        found = measure_neighbours(points, cell, random, rows=rows, order=order)
        drawn = draw_rows(len(target), MAX_MEASURED, rng)
        reach = nearest_distance(target[drawn], points, order=order)
        at_random = float(wasserstein_distance(reach, found.to_other_fold))
        easy = ks_2samp(found.to_any, reach, alternative="greater", method="asymp")
        tried, best = pd.DataFrame(columns=TRIED), None
        searched = bool(easy.pvalue < _LEVEL)
        if searched:
            known = labels if y is not None else None
            tried, best = self._search(leaves, cell, known, reach=reach, found=found, order=order)
        least = tried["wasserstein"].min() if best is not None else np.inf
        clusters, fold, distance = None, random, found.to_other_fold
        if best is not None and least < at_random:
            clusters = int(tried.loc[tried["wasserstein"] == least, "clusters"].to_numpy()[0])
            fold, distance = best[cell], across_folds(found.to_cell, cell[rows], best)
        w = float(wasserstein_distance(reach, distance))
        return Match(
            fold=fold,
            clusters=clusters,
            wasserstein=w,
            wasserstein_random=at_random,
            tried=tried,
            target_distance=np.sort(reach),
            test_distance=np.sort(distance),
            facts=_facts(
                clusters, w, at_random, reach, distance, tried["refused"] if searched else None
            ),
        )

    def _check(self) -> None:
        if self.n_splits < 2:
            raise InputError(f"n_splits is {self.n_splits}; expected at least 2 folds.")
        if not 1 / self.n_splits <= self.max_share <= 1:
            raise InputError(
                f"max_share is {self.max_share}; expected from 1/{self.n_splits}, an even share "
                "of the rows, to 1."
            )
        if self.space not in ("geographic", "features"):
            raise InputError(f"The space is {self.space!r}; expected 'geographic' or 'features'.")
        if self.clustering not in (None, "hierarchical", "kmeans"):
            raise InputError(
                f"The clustering is {self.clustering!r}; expected 'hierarchical' or 'kmeans'."
            )

    def _spaces(
        self,
        X: ArrayLike | pd.DataFrame | gpd.GeoDataFrame | None,
        groups: ArrayLike | None,
        coordinates: ArrayLike | gpd.GeoDataFrame | None,
    ) -> tuple[Array, Array]:
        """Return rows and target in the space where distances are taken."""
        if self.space == "features":
            return standardised(X, self.target)
        given = pick_coordinates(X, groups, coordinates)
        own, wanted = getattr(given, "crs", None), getattr(self.target, "crs", None)
        if own is not None and wanted is not None and own != wanted:
            raise InputError(
                f"The coordinates are in {own} and the target in {wanted}; expected the same CRS. "
                "Reproject one of them."
            )
        points = as_coordinates(given)
        target = prediction_points(self.target, count=MAX_MEASURED, seed=self.seed)
        middle = points.mean(axis=0) if len(points) else 0.0
        return points - middle, target - middle

    def _search(
        self,
        leaves: Array,
        cell: NDArray[np.int64],
        labels: NDArray[np.int64] | None,
        *,
        reach: Array,
        found: Neighbours,
        order: Order,
    ) -> tuple[pd.DataFrame, NDArray[np.int64] | None]:
        """Try numbers of clusters; give all tried, and the fold of each cell of the best."""
        rows = np.bincount(cell)
        counted = np.zeros(cell.size) if labels is None else labels
        positives = np.bincount(cell, weights=counted).astype(np.int64)
        tried, best, least = [], None, np.inf
        for count, cluster in self._clusterings(leaves, order):
            fold = deal_counts(
                np.bincount(cluster, weights=positives).astype(np.int64),
                np.bincount(cluster, weights=rows).astype(np.int64),
                n_splits=self.n_splits,
                seed=self.seed,
            )[cluster]
            size = np.bincount(fold, weights=rows, minlength=self.n_splits)
            held = np.bincount(fold, weights=positives, minlength=self.n_splits)
            refused = self._refusal(size, None if labels is None else held)
            w = np.nan
            if not refused:
                distance = across_folds(found.to_cell, cell[found.rows], fold)
                w = float(wasserstein_distance(reach, distance))
                if w < least:
                    best, least = fold, w
            tried.append((count, w, float(size.max() / size.sum()), refused))
        return pd.DataFrame(tried, columns=TRIED), best

    def _refusal(self, size: NDArray[Any], positives: NDArray[Any] | None) -> str:
        if (size == 0).any():
            return "a fold is empty"
        if size.max() > self.max_share * size.sum():
            return f"a fold holds more than {self.max_share:g} of the rows"
        if positives is not None and (positives == 0).any():
            return "a fold holds no positive"
        if positives is not None and (positives == size).any():
            return "a fold holds no negative"
        return ""

    def _clusterings(self, leaves: Array, order: Order) -> Iterator[tuple[int, NDArray[np.int64]]]:
        """Return numbers of clusters and the cluster of each cell, coarse to fine."""
        plain = self.space == "geographic" or order == 1
        method = self.clustering or ("hierarchical" if plain else "kmeans")
        steps = STEPS if method == "hierarchical" else KMEANS_STEPS
        most = max(len(leaves), self.n_splits)
        counts = np.unique(np.geomspace(self.n_splits, most, steps).round().astype(int))
        tree = _tree(leaves, order) if method == "hierarchical" and len(leaves) > 1 else None
        for count in counts[counts <= len(leaves)]:
            if count == len(leaves):
                yield int(count), np.arange(count)
            elif tree is not None:
                yield int(count), fcluster(tree, count, "maxclust").astype(np.int64) - 1
            else:
                yield int(count), _kmeans(leaves, int(count), self.seed)


def _tree(leaves: Array, order: Order) -> Array:
    """Join clusters: by Ward's rule, or by the mean of the sums of absolute differences."""
    joined = linkage(leaves, "ward") if order == 2 else linkage(leaves, "average", "cityblock")
    return np.asarray(joined, dtype=np.float64)


def _cells(
    points: Array, rng: np.random.Generator, order: Order
) -> tuple[Array, NDArray[np.int64]]:
    """Return the rows that are clustered, and which of them each row follows."""
    drawn = np.unique(points[draw_rows(len(points), MAX_CELLS, rng)], axis=0)
    cell = nearest_index(points, drawn, order=order)
    used, cell = np.unique(cell, return_inverse=True)
    return drawn[used], cell.astype(np.int64)


def _random_folds(
    labels: NDArray[np.int64], n_splits: int, *, both: bool, rng: np.random.Generator
) -> NDArray[np.int64]:
    fold = np.empty(labels.size, dtype=np.int64)
    start = 0
    for value in (1, 0) if both else (0,):
        rows = np.flatnonzero(labels == value)
        if rows.size < n_splits:
            name = ("negative", "positive")[value] if both else "labelled"
            raise InputError(
                f"There are {rows.size} {name} rows; {n_splits} folds need at least {n_splits}. "
                "Use fewer folds or add labels."
            )
        fold[rng.permutation(rows)] = (start + np.arange(rows.size)) % n_splits
        start += rows.size
    return fold


def _kmeans(points: Array, count: int, seed: int) -> NDArray[np.int64]:
    # Spreading many starts costs more than the clustering and gains little.
    start = "k-means++" if count <= _SPREAD_STARTS else "random"
    model = KMeans(count, init=start, n_init=1, max_iter=20, random_state=seed)
    found = fit_on_one_thread(model, points)
    return np.asarray(np.unique(found.labels_, return_inverse=True)[1], dtype=np.int64)


def _facts(
    clusters: int | None,
    w: float,
    at_random: float,
    reach: Array,
    distance: Array,
    refused: pd.Series | None,
) -> MatchFacts:
    most = ""
    if clusters is not None:
        matching = Matching.CLUSTERS
    elif refused is None:
        matching = Matching.RANDOM_IS_FAR_ENOUGH
    elif refused.empty or (refused == "").any():
        matching = Matching.RANDOM_IS_BEST
    else:
        matching, most = Matching.CLUSTERS_REFUSED, str(refused.value_counts().index[0])
    return MatchFacts(
        matching=matching,
        clusters=clusters,
        refused=most,
        wasserstein_m=w,
        wasserstein_random_m=at_random,
        test_distance_m=float(distance.mean()),
        target_distance_m=float(reach.mean()),
        too_near=bool(distance.mean() < (1 - _SHORT) * reach.mean()),
    )
