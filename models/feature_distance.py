"""The nearest training point of many cells, and how many lie near: exact, in many dimensions.

Features matter by their importance, so that a few carry most of a distance. Training points are
put in blocks that lie together, and a block is left out where even the near side of its box is too
far. Within a block every distance is taken, in float32 and several at a time, and only points that
might be the nearest, or might lie on the other side of the radius, are measured again in float64.
The result is that of float64 throughout.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROWS = 4_096
_BLOCK = 64
_SLACK = 2e-5
"""More than the relative error of a float32 sum of up to a hundred squares."""
_MORE = np.float32(1.0 + _SLACK)
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
    there = np.asarray(reference, dtype=np.float64)
    there = np.ascontiguousarray(there[_together(there)])
    blocks, boxes = _blocks(there)
    reach = float(radius), float(np.sqrt((there**2).sum(axis=1).max()))
    distance = np.empty(len(own))
    near = np.empty(len(own), dtype=np.int32)

    def measure(start: int) -> None:
        rows = slice(start, start + _ROWS)
        _measure(own[rows], there, blocks, boxes, reach, distance[rows], near[rows])

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(measure, range(0, len(own), _ROWS)))
    return distance, near


def _together(reference: Array) -> NDArray[np.int64]:
    """Order points so that every `_BLOCK` of them lie together: halve along the widest feature."""
    parts, done = [np.arange(len(reference))], []
    while parts:
        part = parts.pop()
        if len(part) <= _BLOCK:
            done.append(part)
            continue
        widest = np.argmax(np.ptp(reference[part], axis=0))
        part = part[np.argsort(reference[part, widest], kind="stable")]
        half = -(-len(part) // _BLOCK) // 2 * _BLOCK
        parts += [part[half:], part[:half]]
    return np.concatenate(done)


def _blocks(reference: Array) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Give points by block (blocks, d, `_BLOCK`) and boxes (2, d, blocks): least, greatest."""
    count, width = -(-len(reference) // _BLOCK), reference.shape[1]
    padded = np.full((count * _BLOCK, width), np.inf, dtype=np.float32)
    padded[: len(reference)] = reference
    blocks = np.ascontiguousarray(padded.reshape(count, _BLOCK, width).transpose(0, 2, 1))
    greatest = np.where(np.isinf(blocks), -np.inf, blocks).max(axis=2)
    return blocks, np.ascontiguousarray(np.stack([blocks.min(axis=2).T, greatest.T]))


@numba.njit(cache=True, nogil=True)
def _measure(
    points: Array,
    reference: Array,
    blocks: NDArray[np.float32],
    boxes: NDArray[np.float32],
    reach: tuple[float, float],
    distance: Array,
    near: NDArray[np.int32],
) -> None:
    radius, longest = reach
    rough = np.empty((blocks.shape[0], blocks.shape[2]), dtype=np.float32)
    away = np.empty(blocks.shape[0], dtype=np.float32)
    kept = np.empty(blocks.shape[0], dtype=np.int64)
    for row in range(points.shape[0]):
        point = points[row]
        small = point.astype(np.float32)
        # Rounding to float32 moves a point by at most this, whatever the distances are.
        moved = _ROUNDING * (np.sqrt((point * point).sum()) + longest)
        inner = np.float32(max(radius - moved, 0.0) ** 2 * (1.0 - _SLACK))
        outer = np.float32((radius + moved) ** 2 * (1.0 + _SLACK))
        _box_squares(small, boxes, away)
        first = np.argmin(away)
        _rough_squares(small, blocks[first], rough[first])
        least, sure = _least_and_within(rough[first], inner)
        limit = np.float32((np.sqrt(least) + 2.0 * moved) ** 2 * (1.0 + 2.0 * _SLACK))
        kept[0], count = first, 1
        for block in range(blocks.shape[0]):
            if block != first and away[block] <= max(limit, outer) * _MORE:
                _rough_squares(small, blocks[block], rough[block])
                other, within = _least_and_within(rough[block], inner)
                sure += within
                if other < least:
                    least = other
                    limit = np.float32((np.sqrt(least) + 2.0 * moved) ** 2 * (1.0 + 2.0 * _SLACK))
                kept[count] = block
                count += 1
        best = np.inf
        for number in kept[:count]:
            for j in range(blocks.shape[2]):
                value = rough[number, j]
                on_edge = inner < value <= outer
                if value <= limit or on_edge:
                    exact = _exact_square(reference[number * blocks.shape[2] + j], point)
                    best = min(best, exact)
                    sure += on_edge and exact <= radius * radius
        distance[row] = np.sqrt(best)
        near[row] = sure


@numba.njit(cache=True, nogil=True, inline="always")
def _exact_square(reference: Array, point: Array) -> float:
    exact = 0.0
    for d in range(point.size):
        gap = reference[d] - point[d]
        exact += gap * gap
    return exact


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc", "contract"})
def _box_squares(
    point: NDArray[np.float32], boxes: NDArray[np.float32], away: NDArray[np.float32]
) -> None:
    """Give the square of the distance to each block's box, 0 within it."""
    away[:] = np.float32(0.0)
    for d in range(point.size):
        least, greatest, a = boxes[0, d], boxes[1, d], point[d]
        for j in range(away.size):
            gap = max(max(least[j] - a, a - greatest[j]), np.float32(0.0))
            away[j] += gap * gap


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
