"""What past findings say about a cell, learned without telling a cell about itself."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.spatial import cKDTree
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.utils.validation import check_is_fitted

from features.errors import InputError
from models.splits import assign_blocks


class FindingsEncoder(TransformerMixin, BaseEstimator):
    """Distance to the k-th nearest finding, and findings within a radius.

    The findings are the positive cells of the rows it is fitted on, so inside a scikit-learn
    `Pipeline` nothing of a held-out fold can reach it. Rows it is fitted on are *cross-fitted*:
    each sees only the findings outside its own block (`fit_transform`), as later land, which has
    no findings of its own, will (Micci-Barreca 2001, doi 10.1145/507533.507538, for the idea of
    out-of-fold encoding).

    Parameters
    ----------
    block_m
        Side of the square cross-fitting blocks, metres.
    neighbours
        Which neighbours: 1 is the nearest finding.
    radii_m
        Radii for the number of findings within, metres.
    cap_m
        Distances beyond this read as this, metres.
    """

    def __init__(
        self,
        *,
        block_m: float = 10_000.0,
        neighbours: Sequence[int] = (1, 10),
        radii_m: Sequence[float] = (5_000.0,),
        cap_m: float = 30_000.0,
    ) -> None:
        self.block_m = block_m
        self.neighbours = neighbours
        self.radii_m = radii_m
        self.cap_m = cap_m

    def fit(self, X: ArrayLike, y: ArrayLike) -> "FindingsEncoder":
        """Keep where the findings are.

        Parameters
        ----------
        X
            Easting and northing, metres, shape ``(n, 2)``.
        y
            1 where something was found, shape ``(n,)``.
        """
        coordinates = _coordinates(X)
        self.findings_ = np.unique(coordinates[np.asarray(y) == 1], axis=0)
        return self

    def transform(self, X: ArrayLike) -> NDArray[np.float32]:
        """Encode any land against all the findings.

        Returns
        -------
        ndarray of float32, shape (n, len(neighbours) + len(radii_m))
            Metres to the k-th finding (capped), then findings within each radius.
        """
        check_is_fitted(self, "findings_")
        return self._encode(_coordinates(X), self.findings_)

    def fit_transform(self, X: ArrayLike, y: ArrayLike, **_: Any) -> NDArray[np.float32]:
        """Fit, and encode each row against the findings outside its own block."""
        self.fit(X, y)
        coordinates = _coordinates(X)
        row_block = assign_blocks(coordinates, block_m=self.block_m)
        finding_block = assign_blocks(self.findings_, block_m=self.block_m)
        encoded = self._encode(coordinates, self.findings_[:0])
        order = np.argsort(row_block, kind="stable")
        blocks, starts = np.unique(row_block[order], return_index=True)
        for block, rows in zip(blocks, np.split(order, starts[1:]), strict=True):
            encoded[rows] = self._encode(coordinates[rows], self.findings_[finding_block != block])
        return encoded

    def get_feature_names_out(self, input_features: object = None) -> NDArray[np.object_]:
        """Name the encoded columns."""
        near = [f"findings_{k}_distance_m" for k in self.neighbours]
        within = [f"findings_within_{radius:g}m" for radius in self.radii_m]
        return np.asarray(near + within, dtype=object)

    def _encode(
        self, coordinates: NDArray[np.float64], findings: NDArray[np.float64]
    ) -> NDArray[np.float32]:
        width = len(self.neighbours) + len(self.radii_m)
        encoded = np.zeros((len(coordinates), width), dtype=np.float32)
        encoded[:, : len(self.neighbours)] = self.cap_m
        if len(findings) == 0 or len(coordinates) == 0:
            return encoded
        tree = cKDTree(findings)
        by_northing = findings[np.argsort(findings[:, 1], kind="stable")]
        distance, _ = tree.query(
            coordinates, k=list(self.neighbours), distance_upper_bound=self.cap_m
        )
        encoded[:, : len(self.neighbours)] = np.minimum(distance, self.cap_m)
        for column, radius in enumerate(self.radii_m, start=len(self.neighbours)):
            encoded[:, column] = _count_within(coordinates, by_northing, float(radius))
        return encoded


@njit(cache=True)  # a tree that lists the neighbours is forty times slower at 10 km
def _count_within(
    coordinates: NDArray[np.float64], findings: NDArray[np.float64], radius: float
) -> NDArray[np.float32]:
    """Count the findings, ascending by northing, within `radius` of each place."""
    counts = np.zeros(len(coordinates), dtype=np.float32)
    first = np.searchsorted(findings[:, 1], coordinates[:, 1] - radius)
    for row in range(len(coordinates)):
        easting, northing = coordinates[row]
        for place in range(first[row], len(findings)):
            across, up = findings[place, 0] - easting, findings[place, 1] - northing
            if up > radius:
                break
            if across * across + up * up <= radius * radius:
                counts[row] += 1
    return counts


def _coordinates(X: ArrayLike) -> NDArray[np.float64]:
    coordinates = np.asarray(X, dtype=np.float64)
    if coordinates.ndim != 2 or coordinates.shape[1] != 2:
        raise InputError(
            f"The findings encoder got an array of shape {coordinates.shape}; expected (n, 2): "
            "easting and northing in metres."
        )
    return coordinates
