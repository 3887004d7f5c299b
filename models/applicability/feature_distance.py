"""The nearest training point of many cells, and how many lie near: exact, in many dimensions.

Cells that follow each other lie side by side on the ground and are much alike. All distances are
taken from the middle of a few of them, once; which training points can be the nearest to one of
them, or within the radius of one but not another, follows by the triangle inequality, and only
those are looked at for each. Where cells that follow each other are not alike, training points are
put in blocks that lie together, and a block is left out where even the near side of its box is too
far. Distances are taken in float32, several at a time, and only points that might be the nearest,
or might lie on the other side of the radius, are measured again in float64. The result is that of
float64 throughout.
"""

from concurrent.futures import ThreadPoolExecutor

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROWS = 4_096
_BLOCK = 64
_GROUP, _FEW = 16, 4
"""Points measured together, if what they have to be held against is less than one in so many."""
_SLACK = 2e-5
"""More than the relative error of a float32 sum of up to a hundred squares."""
_MORE = np.float32(1.0 + _SLACK)
_ROUNDING = 2.0**-23


def nearest_and_near(
    points: Array, reference: Array, *, radius: float, workers: int = 1
) -> tuple[Array, NDArray[np.int32]]:
    """Measure the distance to the nearest reference point, and count those within `radius`.

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

    Examples
    --------
    >>> reference = np.array([[0.0, 1.0], [0.0, 2.0], [3.0, 4.0]])
    >>> nearest_and_near(np.array([[0.0, 0.0]]), reference, radius=2.0)
    (array([1.]), array([2], dtype=int32))
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
    """Return points by block (blocks, d, `_BLOCK`) and boxes (2, d, blocks): least, greatest."""
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
    """Measure points a group at a time where its points are alike, else one by one."""
    width, count = blocks.shape[1], blocks.shape[0] * blocks.shape[2]
    columns = np.empty((width, count), dtype=np.float32)
    for block in range(blocks.shape[0]):
        columns[:, block * blocks.shape[2] : (block + 1) * blocks.shape[2]] = blocks[block]
    rough = np.empty(count, dtype=np.float32)
    held = np.empty((2, count), dtype=np.int64)
    store = np.empty((2, columns.size), dtype=np.float32)
    for start in range(0, points.shape[0], _GROUP):
        rows = slice(start, min(start + _GROUP, points.shape[0]))
        group = points[rows]
        sure, closest, edge = _candidates(group, columns, reach, rough, held)
        if closest + edge > count // _FEW:
            _measure_rows(group, reference, blocks, boxes, reach, distance[rows], near[rows])
            continue
        nearby = _picked(columns, held[0, :closest], store[0])
        around = _picked(columns, held[1, :edge], store[1])
        for row in range(group.shape[0]):
            point, moved = group[row], _moved(group[row], reach[1])
            small = point.astype(np.float32)
            _rough_squares(small, nearby, rough[:closest])
            limit = _beyond(rough[:closest].min(), moved)
            best = np.inf
            for j in range(closest):
                if rough[j] <= limit:
                    best = min(best, _exact_square(reference[held[0, j]], point))
            distance[start + row] = np.sqrt(best)
            inner, outer = _edges(reach[0], moved)
            _rough_squares(small, around, rough[:edge])
            within = sure
            for j in range(edge):
                if rough[j] <= inner:
                    within += 1
                elif rough[j] <= outer:
                    exact = _exact_square(reference[held[1, j]], point)
                    within += exact <= reach[0] * reach[0]
            near[start + row] = within


@numba.njit(cache=True, nogil=True)
def _candidates(
    group: Array,
    columns: NDArray[np.float32],
    reach: tuple[float, float],
    rough: NDArray[np.float32],
    held: NDArray[np.int64],
) -> tuple[int, int, int]:
    """List what may be the nearest to a point of a group, and what may be on either side.

    By the triangle inequality a point's distances are those of the group's centre, give or take
    how far the point is from the centre.

    Returns
    -------
    sure, closest, edge
        How many lie within the radius of every point; and lengths of the lists, in `held`.
    """
    centre = np.zeros(group.shape[1])
    for row in range(group.shape[0]):
        centre += group[row] / group.shape[0]
    apart, moved = 0.0, _moved(centre, reach[1])
    for row in range(group.shape[0]):
        apart = max(apart, _exact_square(group[row], centre))
    off = np.sqrt(apart) * (1.0 + _SLACK) + moved
    _rough_squares(centre.astype(np.float32), columns, rough)
    inner, outer = _edges(reach[0], off)
    limit = _beyond(rough.min(), off)
    sure = closest = edge = 0
    for j in range(rough.size):
        value = rough[j]
        if value <= limit:
            held[0, closest] = j
            closest += 1
        if value <= inner:
            sure += 1
        elif value <= outer:
            held[1, edge] = j
            edge += 1
    return sure, closest, edge


@numba.njit(cache=True, nogil=True)
def _picked(
    columns: NDArray[np.float32], rows: NDArray[np.int64], store: NDArray[np.float32]
) -> NDArray[np.float32]:
    """Put the points of some rows side by side, shape (d, rows)."""
    picked = store[: columns.shape[0] * rows.size].reshape(columns.shape[0], rows.size)
    for d in range(columns.shape[0]):
        for j in range(rows.size):
            picked[d, j] = columns[d, rows[j]]
    return picked


@numba.njit(cache=True, nogil=True, inline="always")
def _moved(point: Array, longest: float) -> float:
    """Bound how far rounding to float32 moves a point, whatever the distances are."""
    return _ROUNDING * (np.sqrt((point * point).sum()) + longest)


@numba.njit(cache=True, nogil=True, inline="always")
def _edges(radius: float, off: float) -> tuple[np.float32, np.float32]:
    """Return the squares below which a point surely lies within, and above which it does not."""
    inner = np.float32(max(radius - off, 0.0) ** 2 * (1.0 - _SLACK))
    return inner, np.float32((radius + off) ** 2 * (1.0 + _SLACK))


@numba.njit(cache=True, nogil=True, inline="always")
def _beyond(least: np.float32, off: float) -> np.float32:
    """Return the square above which a point cannot be the nearest."""
    return np.float32((np.sqrt(np.float64(least)) + 2.0 * off) ** 2 * (1.0 + 2.0 * _SLACK))


@numba.njit(cache=True, nogil=True)
def _measure_rows(
    points: Array,
    reference: Array,
    blocks: NDArray[np.float32],
    boxes: NDArray[np.float32],
    reach: tuple[float, float],
    distance: Array,
    near: NDArray[np.int32],
) -> None:
    rough = np.empty((blocks.shape[0], blocks.shape[2]), dtype=np.float32)
    away = np.empty(blocks.shape[0], dtype=np.float32)
    kept = np.empty(blocks.shape[0], dtype=np.int64)
    for row in range(points.shape[0]):
        point, moved = points[row], _moved(points[row], reach[1])
        small = point.astype(np.float32)
        inner, outer = _edges(reach[0], moved)
        _box_squares(small, boxes, away)
        first = np.argmin(away)
        _rough_squares(small, blocks[first], rough[first])
        least, sure = _least_and_within(rough[first], inner)
        limit = _beyond(least, moved)
        kept[0], count = first, 1
        for block in range(blocks.shape[0]):
            if block != first and away[block] <= max(limit, outer) * _MORE:
                _rough_squares(small, blocks[block], rough[block])
                other, within = _least_and_within(rough[block], inner)
                sure += within
                if other < least:
                    least = other
                    limit = _beyond(least, moved)
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
                    sure += on_edge and exact <= reach[0] * reach[0]
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
    """Return the square of the distance to each block's box, 0 within it."""
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
