"""k-means on one thread: the same bits, and no setting of the process changed."""

from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from sklearn.cluster import KMeans
from threadpoolctl import threadpool_info, threadpool_limits

from minerisk.models.folds.kmeans import fit_on_one_thread

POINTS = np.random.default_rng(2).uniform(0, 1e5, (4_000, 2))


def threads(api: str) -> set[int]:
    return {known["num_threads"] for known in threadpool_info() if known["user_api"] == api}


class Watched:
    """Looks at the process while it is fitted, from its own thread and from another."""

    def __init__(self, other: ThreadPoolExecutor) -> None:
        self.other = other

    def fit(self, points: np.ndarray, sample_weight: None) -> "Watched":
        self.own = threads("openmp")
        self.elsewhere = self.other.submit(threads, "openmp").result()
        self.blas = threads("blas")
        return self


def test_a_fit_limits_the_thread_it_runs_in_and_no_other() -> None:
    KMeans(2, n_init=1).fit(POINTS[:9])  # its libraries are loaded at the first fit
    with ThreadPoolExecutor(1) as other, threadpool_limits(2, user_api="blas"):
        other.submit(threadpool_limits, 2, user_api="openmp").result()
        watched = fit_on_one_thread(Watched(other), POINTS)
        assert watched.own == {1}
        assert watched.elsewhere == {2}
        assert watched.blas == {2}


@pytest.mark.parametrize("start", ["k-means++", "random"])
def test_bits_are_the_same_for_any_number_of_threads(start: str) -> None:
    def bits() -> bytes:
        model = KMeans(30, init=start, n_init=1, random_state=5)
        return fit_on_one_thread(model, POINTS).cluster_centers_.tobytes()

    known = bits()
    for count in (1, 2, 4):
        with threadpool_limits(count):
            assert bits() == known
    with ThreadPoolExecutor(4) as pool:
        assert {found.result() for found in [pool.submit(bits) for _ in range(8)]} == {known}
