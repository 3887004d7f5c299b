"""The front line as it is drawn: its pieces, its sides, how it bends and runs.

Everything here is worked out from the whole line, never from the part in the window at hand.
"""

from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.front.nearest_segment import Nearest
from minerisk.features.vector_files import columns

_NODES_PER_SCALE = 8
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]


class Trace(NamedTuple):
    """A line as straight segments, in the order and direction in which it was drawn.

    Attributes
    ----------
    ends
        Easting and northing of both ends of each segment, metres, shape ``(n, 4)``.
    piece
        Number of the connected piece each belongs to, ascending, shape ``(n,)``.
    start
        Metres along its piece at which each begins, shape ``(n,)``.
    held_left
        1 where the side that laid the belts held the land on the left of the segment, -1 on its
        right, 0 where nothing says so, shape ``(n,)``.
    """

    ends: Floats
    piece: Whole
    start: Floats
    held_left: Whole


class Shape(NamedTuple):
    """How a trace bends and lies at nodes along it, pieces one after another.

    Attributes
    ----------
    node
        Metres along all pieces, one metre between pieces, ascending, shape ``(m,)``.
    bend
        Turn to the left per metre, 1/m.
    east, north
        Direction in which the line runs, of length 1.
    easting, northing
        Place of the node, metres.
    piece
        Piece of each node.
    """

    node: Floats
    bend: Floats
    east: Floats
    north: Floats
    easting: Floats
    northing: Floats
    piece: Whole


def trace_of(frame: gpd.GeoDataFrame, *, name: str, side_column: str | None = None) -> Trace:
    """Join the lines of a layer into pieces.

    Parameters
    ----------
    frame
        Lines, or polygons whose boundaries count, in metres.
    name
        Name of the layer, for messages.
    side_column
        Column that says ``left`` or ``right``: on which side of the line, as it was drawn, the
        land was held by the side that laid the belts. Only lines that agree are joined, and only
        head to tail.

    Raises
    ------
    InputError
        If there is no line, or the column is missing or holds another word.

    Examples
    --------
    >>> import shapely
    >>> lines = [shapely.LineString([(0, 0), (0, 300)]), shapely.LineString([(0, 300), (400, 300)])]
    >>> frame = gpd.GeoDataFrame(geometry=lines, crs="EPSG:32638")
    >>> trace = trace_of(frame, name="front")
    >>> trace.piece, trace.start
    (array([0, 0]), array([  0., 300.]))
    """
    shapes = np.asarray(frame.geometry.array, dtype=object)
    surfaces = shapely.get_dimensions(shapes) == 2
    shapes = np.where(surfaces, shapely.boundary(shapes), shapes)
    sides = _sides(frame, name, side_column)
    merged, held = [], []
    for side in np.unique(sides):
        parts = shapely.get_parts(shapely.get_parts(shapes[sides == side]))
        parts = parts[(shapely.get_dimensions(parts) == 1) & (shapely.length(parts) > 0)]
        whole = shapely.line_merge(shapely.multilinestrings(parts), directed=bool(side))
        merged.append(shapely.get_parts(whole))
        held.append(np.full(len(merged[-1]), side))
    lines = np.concatenate(merged) if merged else np.empty(0, dtype=object)
    if not len(lines):
        raise InputError(f"The layer {name} holds no line; expected the front line. Check it.")
    return _trace(lines, np.concatenate(held))


def _sides(frame: gpd.GeoDataFrame, name: str, column: str | None) -> Whole:
    if column is None:
        return np.zeros(len(frame), dtype=np.int64)
    held = columns.sides(column).read(frame, name)
    return np.where(held == "left", 1, -1).astype(np.int64)


def _trace(lines: NDArray[np.object_], held: Whole) -> Trace:
    places, owner = shapely.get_coordinates(lines, return_index=True)
    ends = np.hstack([places[:-1], places[1:]])
    kept = (owner[1:] == owner[:-1]) & ((ends[:, :2] != ends[:, 2:]).any(axis=1))
    ends, piece = np.ascontiguousarray(ends[kept]), owner[1:][kept].astype(np.int64)
    length = np.hypot(ends[:, 2] - ends[:, 0], ends[:, 3] - ends[:, 1])
    begin = np.cumsum(length) - length
    first = np.flatnonzero(np.diff(piece, prepend=-1))
    return Trace(ends, piece, begin - begin[first][piece], held[piece])


def stretches(trace: Trace, begin: Floats, end: Floats) -> NDArray[np.object_]:
    """Cut out what lies between places along all pieces, overlaps joined.

    Parameters
    ----------
    begin, end
        Metres as `along` gives them, and less or more; each stretch stays on the piece that holds
        its middle. Shapes ``(k,)``.

    Returns
    -------
    ndarray of LineString
    """
    lines, begins = [], _begins(trace)
    own = np.searchsorted(begins, (begin + end) / 2.0, side="right") - 1
    for piece, length in enumerate(_lengths(trace)):
        stations, corners = _piece(trace, piece, length)
        parts = np.column_stack([begin, end])[own == piece] - begins[piece]
        for low, high in _joined(np.clip(parts, 0.0, length)):
            inner = stations[(stations > low) & (stations < high)]
            at = np.concatenate([[low], inner, [high]])
            axes = [np.interp(at, stations, axis) for axis in corners.T]
            lines.append(shapely.linestrings(np.column_stack(axes)))
    return np.array(lines, dtype=object)


def _joined(parts: Floats) -> list[tuple[float, float]]:
    joined: list[tuple[float, float]] = []
    for low, high in sorted(map(tuple, parts.tolist())):
        if joined and low <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(high, joined[-1][1]))
        elif high > low:
            joined.append((low, high))
    return joined


def _piece(trace: Trace, piece: int, length: float) -> tuple[Floats, Floats]:
    """Compute the metres along a piece of its corners, and the corners."""
    own = trace.piece == piece
    corners = np.vstack([trace.ends[own, :2], trace.ends[own][-1:, 2:]])
    return np.append(trace.start[own], length), corners


def along(trace: Trace, nearest: Nearest) -> Floats:
    """Compute the metres along all pieces, as `Shape.node` counts them, of nearest points."""
    return _begins(trace)[trace.piece[nearest.segment]] + _along_piece(trace, nearest)


def to_nearer_end(trace: Trace, nearest: Nearest) -> Floats:
    """Compute the metres along the line from nearest points to the nearer end of their piece.

    Half its length on a piece that ends where it begins.
    """
    piece = trace.piece[nearest.segment]
    at, length = _along_piece(trace, nearest), _lengths(trace)[piece]
    return np.where(_closed(trace)[piece], length / 2.0, np.minimum(at, length - at))


def long_pieces(trace: Trace, *, least_m: float, name: str) -> Trace:
    """Keep the pieces of a trace that are at least so long.

    Raises
    ------
    InputError
        If none is.
    """
    lengths = _lengths(trace)
    kept = (lengths >= least_m)[trace.piece]
    if not kept.any():
        raise InputError(
            f"The longest connected piece of the layer {name} is {lengths.max():,.0f} m long; "
            f"expected at least {least_m:,g} m. Use a finer scale, or join its lines end to end."
        )
    piece = np.unique(trace.piece[kept], return_inverse=True)[1].astype(np.int64)
    return Trace(trace.ends[kept], piece, trace.start[kept], trace.held_left[kept])


def left_of(trace: Trace, nearest: Nearest, easting: Floats, northing: Floats) -> Whole:
    """Compute which side of the trace places are on, seen along it: 1 on its left, else -1.

    At a corner the mean of both normals decides (Baerentzen and Aanaes 2005,
    doi:10.1109/TVCG.2005.49); beyond an open end, the last segment drawn on.
    """
    run = trace.ends[:, 2:] - trace.ends[:, :2]
    run = run / np.hypot(*run.T)[:, None]
    before, after = _neighbours(trace)
    at_start, at_end = nearest.share == 0.0, nearest.share == 1.0
    other = np.where(at_start, before[nearest.segment], nearest.segment)
    other = np.where(at_end, after[nearest.segment], other)
    way = run[nearest.segment] + run[other]
    ends = trace.ends[nearest.segment]
    foot = ends[..., :2] + nearest.share[..., None] * (ends[..., 2:] - ends[..., :2])
    cross = way[..., 0] * (northing - foot[..., 1]) - way[..., 1] * (easting - foot[..., 0])
    return np.where(cross >= 0, 1, -1)


def _segment_lengths(trace: Trace) -> Floats:
    lengths: Floats = np.hypot(*(trace.ends[:, 2:] - trace.ends[:, :2]).T)
    return lengths


def _along_piece(trace: Trace, nearest: Nearest) -> Floats:
    length = _segment_lengths(trace)
    return trace.start[nearest.segment] + nearest.share * length[nearest.segment]


def _lengths(trace: Trace) -> Floats:
    return np.bincount(trace.piece, _segment_lengths(trace)).astype(np.float64)


def _begins(trace: Trace) -> Floats:
    # One metre between pieces keeps the nodes ascending.
    return np.concatenate([[0.0], np.cumsum(_lengths(trace) + 1.0)[:-1]])


def _ends_of_pieces(trace: Trace) -> tuple[Whole, Whole]:
    first = np.flatnonzero(np.diff(trace.piece, prepend=-1))
    return first, np.append(first[1:], len(trace.piece)) - 1


def _closed(trace: Trace) -> NDArray[np.bool_]:
    first, last = _ends_of_pieces(trace)
    closed: NDArray[np.bool_] = (trace.ends[first, :2] == trace.ends[last, 2:]).all(axis=1)
    return closed


def _neighbours(trace: Trace) -> tuple[Whole, Whole]:
    """Return the segment before and after each in its piece; itself at an open end."""
    number = np.arange(len(trace.piece))
    first, last = _ends_of_pieces(trace)
    closed = _closed(trace)
    before, after = number - 1, number + 1
    before[first] = np.where(closed, last, first)
    after[last] = np.where(closed, first, last)
    return before, after


def shape_of(trace: Trace, *, scale_m: float) -> Shape:
    r"""Compute the bend and direction of a trace at a scale.

    Parameters
    ----------
    scale_m
        The bend at a point is the angle between the chords to the points this far before and
        after it along the line, over their mean length along the line; the direction is that from
        the one to the other. Nearer than half of it to an open end, the point at half of it
        counts.

    Returns
    -------
    Shape
        Nodes an eighth of the scale apart. On a circle of radius :math:`R` the chords over arcs
        :math:`s` meet at the angle :math:`s / R`, so the bend is :math:`1 / R` exactly.

    Examples
    --------
    A circle of 1 km bends by a thousandth to the metre.

    >>> import shapely
    >>> circle = shapely.Point(0, 0).buffer(1_000, quad_segs=256).boundary
    >>> frame = gpd.GeoDataFrame(geometry=[circle], crs="EPSG:32638")
    >>> bend = shape_of(trace_of(frame, name="front"), scale_m=500).bend
    >>> np.abs(bend).mean().round(6)
    np.float64(0.001)
    """
    begins, closed, lengths = _begins(trace), _closed(trace), _lengths(trace)
    parts = []
    for piece, length in enumerate(lengths):
        stations, corners = _piece(trace, piece, length)
        at = np.linspace(0.0, length, int(np.ceil(_NODES_PER_SCALE * length / scale_m)) + 1)
        values = _bend(at, stations, corners, closed=bool(closed[piece]), scale_m=scale_m)
        parts.append((at + begins[piece], *values, np.full(len(at), piece)))
    return Shape(*(np.concatenate(column) for column in zip(*parts, strict=True)))


def _bend(
    at: Floats, stations: Floats, corners: Floats, *, closed: bool, scale_m: float
) -> tuple[Floats, ...]:
    length = stations[-1]

    def place(where: Floats) -> Floats:
        where = np.mod(where, length) if closed else where
        return np.column_stack([np.interp(where, stations, axis) for axis in corners.T])

    middle, most = at, np.full(len(at), min(scale_m, length / 4.0))
    before = after = most
    if not closed:
        margin = min(scale_m, length) / 2.0
        middle = np.clip(at, margin, length - margin)
        before, after = np.minimum(scale_m, middle), np.minimum(scale_m, length - middle)
    first, here, last = place(middle - before), place(middle), place(middle + after)
    (e1, n1), (e2, n2), (e, n) = (here - first).T, (last - here).T, (last - first).T
    turn = np.arctan2(e1 * n2 - n1 * e2, e1 * e2 + n1 * n2)
    size = np.hypot(e, n)
    # Where the line doubles back on itself the two points meet, and it runs nowhere.
    size = np.maximum(size, np.finfo(np.float64).tiny)
    here = place(at)
    return 2.0 * turn / (before + after), e / size, n / size, here[:, 0], here[:, 1]
