"""Land that a layer says nothing of: what a model is taught of it.

A value that is missing teaches nothing by itself: in training it mostly marks quiet land beyond
the sheets. A model has to have learned the world without the layer.
"""

from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float32]
BeyondCover = Literal["nodata", "twice", "blend"]


class Taught(NamedTuple):
    """Rows as they are taught: which row of the land each is, and what share of its weight."""

    matrix: Matrix
    row: NDArray[np.int64]
    share: NDArray[np.float64]

    def weights(self, weight: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the weight of each row taught, by the weight of each row of the land."""
        return weight[self.row] * self.share


def silenced(matrix: Matrix, columns: NDArray[np.bool_]) -> Matrix:
    """Return rows as if no layer with a coverage spoke for them: NaN in their columns.

    Examples
    --------
    >>> silenced(np.float32([[1, 2], [3, 4]]), np.array([False, True]))
    array([[ 1., nan],
           [ 3., nan]], dtype=float32)
    """
    out = matrix.copy()
    out[:, columns] = np.nan
    return out


def taught_twice(matrix: Matrix, columns: NDArray[np.bool_]) -> Taught:
    """Double the rows that layers speak for: once as they are, once as if none did.

    Each copy has half the weight, so that a row counts as much as before. A row that no layer
    speaks for stays as it is.

    Parameters
    ----------
    matrix
        Shape ``(n, p)``.
    columns
        True for columns of layers that state their coverage, shape ``(p,)``.

    Examples
    --------
    >>> land = np.float32([[1, 2], [3, np.nan]])
    >>> taught = taught_twice(land, np.array([False, True]))
    >>> taught.matrix
    array([[ 1.,  2.],
           [ 3., nan],
           [ 1., nan]], dtype=float32)
    >>> taught.row, taught.share
    (array([0, 1, 0]), array([0.5, 1. , 0.5]))
    """
    spoken_for = np.isfinite(matrix[:, columns]).any(axis=1)
    again = np.flatnonzero(spoken_for)
    share = np.where(spoken_for, 0.5, 1.0)
    return Taught(
        matrix=np.concatenate([matrix, silenced(matrix[again], columns)]),
        row=np.concatenate([np.arange(len(matrix)), again]),
        share=np.concatenate([share, share[again]]),
    )
