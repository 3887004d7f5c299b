"""The nearest training point of many cells, and how many lie near: exact, in many dimensions.

A tree of points gains nothing once a score of features matter alike. Here every distance is taken,
in float32 and several at a time, and only points that might be the nearest, or might lie on the
other side of the radius, are measured again in float64. The result is that of float64 throughout.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROWS = 4_096
_SLACK = 2e-5
"""More than the relative error of a float32 sum of up to a hundred squares."""
_ROUNDING = 2.0**-23


def nearest_and_near(
    points: Array, reference: Array, *, radius: float, workers: int = 1
) -> tuple[Array, NDArray[np.int32]]:
    """Give the distance to the nearest reference point, and how many lie within `radius`.

    Parameters
    ----------
    points, reference
        Shapes (n, d) and (m, d), finite; their scale should be such that squares fit float32.
    radius
        In the same unit; points at just this distance count.
    workers
        Threads; the result depends neither on them nor on how points are cut into batches.

    Returns
    -------
    distance, near
        Each of shape (n,).
    """
    own = np.ascontiguousarray(points, dtype=np.float64)
    there = np.ascontiguousarray(reference, dtype=np.float64)
    columns = np.ascontiguousarray(there.T, dtype=np.float32)
    reach = float(radius), float(np.sqrt((there**2).sum(axis=1).max()))
    distance = np.empty(len(own))
    near = np.empty(len(own), dtype=np.int32)

    def measure(start: int) -> None:
        rows = slice(start, start + _ROWS)
        _measure(own[rows], there, columns, reach, distance[rows], near[rows])

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(measure, range(0, len(own), _ROWS)))
    return distance, near


@numba.njit(cache=True, nogil=True)
def _measure(
    points: Array,
    reference: Array,
    columns: NDArray[np.float32],
    reach: tuple[float, float],
    distance: Array,
    near: NDArray[np.int32],
) -> None:
    radius, longest = reach
    rough = np.empty(columns.shape[1], dtype=np.float32)
    for row in range(points.shape[0]):
        point = points[row]
        # Rounding to float32 moves a point by at most this, whatever the distances are.
        moved = _ROUNDING * (np.sqrt((point * point).sum()) + longest)
        _rough_squares(point.astype(np.float32), columns, rough)
        inner = np.float32(max(radius - moved, 0.0) ** 2 * (1.0 - _SLACK))
        outer = np.float32((radius + moved) ** 2 * (1.0 + _SLACK))
        least, sure = _least_and_within(rough, inner)
        limit = np.float32((np.sqrt(least) + 2.0 * moved) ** 2 * (1.0 + 2.0 * _SLACK))
        best = np.inf
        for j in range(rough.size):
            on_edge = inner < rough[j] <= outer
            if rough[j] <= limit or on_edge:
                exact = 0.0
                for d in range(point.size):
                    gap = reference[j, d] - point[d]
                    exact += gap * gap
                best = min(best, exact)
                sure += on_edge and exact <= radius * radius
        distance[row] = np.sqrt(best)
        near[row] = sure


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc", "contract"})
def _rough_squares(
    point: NDArray[np.float32], columns: NDArray[np.float32], rough: NDArray[np.float32]
) -> None:
    """Sum squared gaps, four features at a time, so that the sums are seldom stored."""
    width, count = columns.shape
    rough[:] = np.float32(0.0)
    fours = width - width % 4
    for d in range(0, fours, 4):
        one, two, three, four = columns[d], columns[d + 1], columns[d + 2], columns[d + 3]
        a, b, c, e = point[d], point[d + 1], point[d + 2], point[d + 3]
        for j in range(count):
            p, q, r, s = one[j] - a, two[j] - b, three[j] - c, four[j] - e
            rough[j] += p * p + q * q + r * r + s * s
    for d in range(fours, width):
        last, a = columns[d], point[d]
        for j in range(count):
            gap = last[j] - a
            rough[j] += gap * gap


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc"})
def _least_and_within(rough: NDArray[np.float32], limit: np.float32) -> tuple[np.float32, int]:
    least = rough[0]
    within = 0
    for j in range(rough.size):
        least = min(least, rough[j])
        within += rough[j] <= limit
    return least, within
