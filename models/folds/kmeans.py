"""k-means with the same bits on any machine, and nothing changed for other threads."""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from sklearn.cluster import KMeans

Array = NDArray[np.float64]


def fit_on_one_thread(model: "KMeans", points: Array, weights: ArrayLike | None = None) -> "KMeans":
    """Fit k-means on one OpenMP thread, since sums in several differ in their last bits.

    OpenMP counts the threads of each calling thread by itself, so that fits which run at once in
    one process do not change each other. Threads of BLAS are counted for the whole process and
    stay as they are: they change no bit of k-means.

    Parameters
    ----------
    model
        Not fitted.
    points
        Shape (n, d).
    weights
        How much each counts, shape (n,).
    """
    from threadpoolctl import threadpool_limits

    with threadpool_limits(1, user_api="openmp"):
        return model.fit(points, sample_weight=weights)
