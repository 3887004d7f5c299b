"""The nearest training point of many cells, and how many lie near: exact, in many dimensions.

Distances do not change when the axes are turned, so they are turned until the first few of them
hold nearly all of what training points differ by (principal axes). Points that lie together make a
block; a block is left out as soon as its box, the first axes or the first and second part of them
say that all of its points are too far. These sums are taken in float32, and only points that might
be the nearest, or might lie on the other side of the radius, are measured again in float64 and in
the axes they came in. The result is that of float64 throughout.
"""

from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple, Self

import numba
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

_ROWS = 4_096
_BLOCK = 64
_TOGETHER = 16
"""Cells that a block is held against while it lies in the cache."""
_AT_ONCE, _FIRST, _SECOND, _BOX = 8, 8, 16, 6
"""Axes of one pass; axes by which a block is tried first and then; axes of its box."""
_SLACK = 2e-5
"""More than the relative error of a float32 sum of up to a hundred squares."""
_MORE = np.float32(1.0 + _SLACK)
_ROUNDING = 2.0**-23


class Reference(NamedTuple):
    """Training points made ready for many searches.

    Attributes
    ----------
    centre, axes
        Mean of the points, shape (d,), and the axes they are turned to, shape (d, d).
    points, times
        Each point once, block after block, shape (blocks * 64, d), and how often it is there; 0
        for what fills up the last block.
    blocks
        The points in turned axes, infinity where there is none, float32 of shape (blocks, d, 64);
        d is filled up to a multiple of 8.
    boxes
        Least and greatest of the first axes of each block, float32 of shape (2, axes, blocks).
    longest
        Distance of the point farthest from the centre.
    """

    centre: Array
    axes: Array
    points: Array
    times: NDArray[np.int32]
    blocks: NDArray[np.float32]
    boxes: NDArray[np.float32]
    longest: float

    @classmethod
    def of(cls, reference: Array) -> Self:
        """Make training points ready, shape (m, d), finite."""
        points, times = np.unique(
            np.asarray(reference, dtype=np.float64), axis=0, return_counts=True
        )
        centre = points.mean(axis=0)
        axes = np.linalg.eigh((points - centre).T @ (points - centre))[1][:, ::-1]
        turned = (points - centre) @ axes
        order = _together(turned)
        blocks, width = -(-len(points) // _BLOCK), points.shape[1]
        filled = np.zeros((blocks * _BLOCK, -(-width // _AT_ONCE) * _AT_ONCE), dtype=np.float32)
        filled[len(points) :] = np.inf
        filled[: len(points), :width] = turned[order]
        cut = np.ascontiguousarray(filled.reshape(blocks, _BLOCK, -1).transpose(0, 2, 1))
        first = cut[:, :_BOX]
        greatest = np.where(np.isinf(first), -np.inf, first).max(axis=2)
        more = blocks * _BLOCK - len(points)
        return cls(
            centre=centre,
            axes=np.ascontiguousarray(axes),
            points=np.pad(points[order], ((0, more), (0, 0))),
            times=np.pad(times[order], (0, more)).astype(np.int32),
            blocks=cut,
            boxes=np.ascontiguousarray(np.stack([first.min(axis=2).T, greatest.T])),
            longest=float(np.sqrt((turned**2).sum(axis=1).max())),
        )

    def turned(self, points: Array) -> tuple[NDArray[np.float32], Array]:
        """Turn points to the axes, and give how far each may be from where float32 puts it."""
        turned = (points - self.centre) @ self.axes
        small = np.zeros((len(points), self.blocks.shape[1]), dtype=np.float32)
        small[:, : turned.shape[1]] = turned
        return small, _ROUNDING * (np.sqrt((turned**2).sum(axis=1)) + self.longest)


def nearest_and_near(
    points: Array, reference: Array | Reference, *, radius: float, workers: int = 1
) -> tuple[Array, NDArray[np.int32]]:
    """Measure the distance to the nearest reference point, and count those within `radius`.

    Parameters
    ----------
    points, reference
        Shapes (n, d) and (m, d), finite; their scale should be such that squares fit float32.
        Reference points that are searched again and again are made ready once: `Reference.of`.
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
    ready = reference if isinstance(reference, Reference) else Reference.of(reference)
    own = np.ascontiguousarray(points, dtype=np.float64)
    distance = np.empty(len(own))
    near = np.empty(len(own), dtype=np.int32)

    def measure(start: int) -> None:
        rows = slice(start, start + _ROWS)
        turned = ready.turned(own[rows])
        _measure(own[rows], turned, ready, float(radius), distance[rows], near[rows])

    with ThreadPoolExecutor(max_workers=workers) as pool:
        list(pool.map(measure, range(0, len(own), _ROWS)))
    return distance, near


def _together(reference: Array) -> NDArray[np.int64]:
    """Order points so that every `_BLOCK` of them lie together: halve along the widest axis."""
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


@numba.njit(cache=True, nogil=True)
def _measure(points, turned, reference, radius, distance, near):  # type: ignore[no-untyped-def]
    """Hold every block against a few cells at a time; see `nearest_and_near`."""
    small, off = turned
    blocks, count = reference.blocks, reference.times
    most_held = len(count) + 1
    away = np.empty((_TOGETHER, blocks.shape[0]), dtype=np.float32)
    best, nearest = np.empty(_TOGETHER), np.zeros(_TOGETHER, dtype=np.int64)
    limit, inner, outer = np.empty((3, _TOGETHER), dtype=np.float32)
    held = np.empty((_TOGETHER, most_held), dtype=np.int64)
    value = np.empty((_TOGETHER, most_held), dtype=np.float32)
    sure, many = np.empty((2, _TOGETHER), dtype=np.int64)
    squares = np.empty(_BLOCK, dtype=np.float32)
    start_at = 0
    for start in range(0, len(points), _TOGETHER):
        size = min(_TOGETHER, len(points) - start)
        for i in range(size):
            best[i] = _exact_square(reference.points[start_at], points[start + i])
            nearest[i] = start_at
            limit[i] = _beyond(best[i], off[start + i])
            inner[i], outer[i] = _edges(radius, off[start + i])
            sure[i], many[i] = 0, 0
            _box_squares(small[start + i], reference.boxes, away[i])
        for block in range(blocks.shape[0]):
            own = count[block * _BLOCK : (block + 1) * _BLOCK]
            for i in range(size):
                most = max(limit[i], outer[i])
                if away[i, block] > most * _MORE:
                    continue
                if not _reaches(small[start + i], blocks[block], most, squares):
                    continue
                limit[i] = min(limit[i], _beyond(np.float64(_least(squares)), off[start + i]))
                sure[i] += _counted(squares, own, inner[i])
                edges = inner[i], outer[i], limit[i]
                many[i] = _kept(squares, block * _BLOCK, edges, held[i], value[i], many[i])
        for i in range(size):
            for n in range(many[i]):
                on_edge = inner[i] < value[i, n] <= outer[i]
                if value[i, n] <= limit[i] or on_edge:
                    exact = _exact_square(reference.points[held[i, n]], points[start + i])
                    if exact < best[i]:
                        best[i], nearest[i] = exact, held[i, n]
                    sure[i] += count[held[i, n]] * (on_edge and exact <= radius * radius)
            distance[start + i] = np.sqrt(best[i])
            near[start + i] = sure[i]
        start_at = nearest[size - 1]


@numba.njit(cache=True, nogil=True, inline="always")
def _edges(radius, off):  # type: ignore[no-untyped-def]
    """Return the squares to which a point surely lies within, and above which it does not."""
    outer = np.float32((radius + off) ** 2 * (1.0 + _SLACK))
    if radius <= off:
        return np.float32(-1.0), outer
    return np.float32((radius - off) ** 2 * (1.0 - _SLACK)), outer


@numba.njit(cache=True, nogil=True, inline="always")
def _beyond(least, off):  # type: ignore[no-untyped-def]
    """Return the square above which a point cannot be the nearest."""
    return np.float32((np.sqrt(least) + 2.0 * off) ** 2 * (1.0 + 2.0 * _SLACK))


@numba.njit(cache=True, nogil=True)
def _exact_square(reference, point):  # type: ignore[no-untyped-def]
    exact = 0.0
    for d in range(point.size):
        gap = reference[d] - point[d]
        exact += gap * gap
    return exact


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc", "contract"})
def _box_squares(point, boxes, away):  # type: ignore[no-untyped-def]
    """Return the square of the distance to each block's box, 0 within it."""
    away[:] = np.float32(0.0)
    for d in range(boxes.shape[1]):
        least, greatest, a = boxes[0, d], boxes[1, d], point[d]
        for j in range(away.size):
            gap = max(max(least[j] - a, a - greatest[j]), np.float32(0.0))
            away[j] += gap * gap


@numba.njit(cache=True, nogil=True)
def _reaches(point, block, most, squares):  # type: ignore[no-untyped-def]
    """Square the distances to a block; False as soon as all are above `most`."""
    squares[:] = np.float32(0.0)
    begin, width = 0, block.shape[0]
    for end in (min(_FIRST, width), min(_SECOND, width), width):
        for d in range(begin, end, _AT_ONCE):
            _add_squares(point, block, squares, d)
        within = np.int32(0)  # as wide as the squares, so that as many are compared at a time
        for j in range(_BLOCK):
            within += np.int32(squares[j] <= most)
        if within == 0:
            return False
        begin = end
    return True


@numba.njit(cache=True, nogil=True, fastmath={"nnan", "nsz", "reassoc", "contract"})
def _add_squares(point, block, squares, d):  # type: ignore[no-untyped-def]
    """Add the squared gaps of eight axes, so that the sums are seldom stored."""
    p0, p1, p2, p3 = block[d], block[d + 1], block[d + 2], block[d + 3]
    p4, p5, p6, p7 = block[d + 4], block[d + 5], block[d + 6], block[d + 7]
    a0, a1, a2, a3 = point[d], point[d + 1], point[d + 2], point[d + 3]
    a4, a5, a6, a7 = point[d + 4], point[d + 5], point[d + 6], point[d + 7]
    for j in range(_BLOCK):
        g0, g1, g2, g3 = p0[j] - a0, p1[j] - a1, p2[j] - a2, p3[j] - a3
        g4, g5, g6, g7 = p4[j] - a4, p5[j] - a5, p6[j] - a6, p7[j] - a7
        squares[j] += (g0 * g0 + g1 * g1 + g2 * g2 + g3 * g3) + (
            g4 * g4 + g5 * g5 + g6 * g6 + g7 * g7
        )


@numba.njit(cache=True, nogil=True)
def _least(squares):  # type: ignore[no-untyped-def]
    """Return the least of numbers above 0: their order is that of their bits, which is faster."""
    bits = squares.view(np.int32)
    place = 0
    least = bits[0]
    for j in range(_BLOCK):
        least = min(least, bits[j])
    while bits[place] != least:
        place += 1
    return squares[place]


@numba.njit(cache=True, nogil=True)
def _kept(squares, first, edges, held, value, many):  # type: ignore[no-untyped-def]
    """Add to a list what may be the nearest or lies on the edge; give how long the list is."""
    inner, outer, limit = edges
    for j in range(_BLOCK):
        held[many], value[many] = first + j, squares[j]
        many += ((inner < squares[j]) & (squares[j] <= outer)) | (squares[j] <= limit)
    return many


@numba.njit(cache=True, nogil=True)
def _counted(squares, count, limit):  # type: ignore[no-untyped-def]
    """Count points, each as often as it is there, whose square is at most `limit`."""
    within = np.int32(0)
    for j in range(_BLOCK):
        within += count[j] * np.int32(squares[j] <= limit)
    return within
