"""Joins the dashes and dots of a broken line, end to end, within a stated gap."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from minerisk.features.digitise.strokes import Lines, Places, Strokes, merged, two_point_lines

SHORTEST = 6.0
"""What is shorter than so many drawn widths, joined, is a letter or a symbol and no line."""
_TURN = 0.5
"""Cosine of the most that a line turns at either side of a gap: 60 degrees."""
_LOOK_BACK = 3.0
"""The direction of an end is that over so many drawn widths."""
_BEND = 2.0
"""How many times its length a gap counts for each unit of 1 - cosine that the line bends there."""


_RING = 3.0
"""A line so many times as long as the longest bridge may be closed to a ring."""


@dataclass(frozen=True)
class Joined:
    """Lines whose gaps are bridged, and the bridges, in pixels."""

    lines: Lines
    bridges: Lines


@dataclass
class _Ends:
    """The ends of strokes; a dot has two at one place.

    Attributes
    ----------
    places, directions
        Shape (ends, 2); the direction leads out of the stroke and is 0 where there is none.
    partner
        The other end of the same stroke.
    length
        Of that stroke; 0 is a dot.
    """

    places: Places
    directions: NDArray[np.float64]
    partner: NDArray[np.intp]
    length: NDArray[np.float64]


def join_dashes(strokes: Strokes, *, width_px: float, gap_px: float) -> Joined:
    """Bridge gaps between ends that point at each other, the straightest and shortest first.

    Parameters
    ----------
    strokes
        Lines and dots.
    width_px
        Drawn width of the line.
    gap_px
        The longest gap that is bridged, from ink to ink. The middle of a stroke ends half a width
        before its ink does, which is added.

    Returns
    -------
    Joined
        What is shorter than `SHORTEST` widths, joined, is left out.
    """
    ends = _ends_of(strokes, _LOOK_BACK * width_px)
    bridges = _bridges(ends, gap_px + width_px, width_px)
    whole = merged(np.concatenate([strokes.lines, bridges]))
    kept = _connected_length(whole) >= SHORTEST * width_px
    lines = whole[kept]
    if not len(lines):
        return Joined(lines, bridges[:0])
    on_line = shapely.covered_by(bridges, shapely.multilinestrings(lines))
    return Joined(lines, bridges[on_line])


def _ends_of(strokes: Strokes, back: float) -> _Ends:
    open_lines = strokes.lines[~shapely.is_closed(strokes.lines)]
    length = shapely.length(open_lines)
    places, directions = [], []
    for end, within in ((0 * length, np.minimum(back, length)), (length, length - back)):
        at = shapely.get_coordinates(shapely.line_interpolate_point(open_lines, end))
        inner = shapely.line_interpolate_point(open_lines, np.maximum(within, 0))
        places.append(at)
        directions.append(_unit(at - shapely.get_coordinates(inner)))
    no_direction = np.zeros_like(strokes.dots)
    count, dots = len(open_lines), len(strokes.dots)
    own = np.arange(2 * count).reshape(2, count)[::-1].ravel()
    of_dots = 2 * count + np.arange(2 * dots).reshape(2, dots)[::-1].ravel()
    return _Ends(
        np.concatenate([*places, strokes.dots, strokes.dots]),
        np.concatenate([*directions, no_direction, no_direction]),
        np.concatenate([own, of_dots]),
        np.concatenate([length, length, np.zeros(2 * dots)]),
    )


def _bridges(ends: _Ends, reach: float, width_px: float) -> Lines:
    """Choose pairs of ends, the best first, each end once."""
    pairs = cKDTree(ends.places).query_pairs(reach, output_type="ndarray")
    own = ends.partner[pairs[:, 0]] == pairs[:, 1]
    pairs = pairs[~own | (ends.length[pairs[:, 0]] > _RING * reach)]
    order = np.argsort(_cost(ends, pairs), kind="stable")
    directions, free, chosen = ends.directions.copy(), np.ones(len(ends.places), bool), []
    for one, other in pairs[order]:
        towards = _unit(ends.places[other] - ends.places[one])
        near = np.hypot(*(ends.places[other] - ends.places[one])) <= width_px
        turned = [_turns(directions[one], towards), _turns(directions[other], -towards)]
        if not (free[one] and free[other]) or (any(turned) and not near):
            continue
        free[[one, other]] = False
        for end, way in ((one, towards), (other, -towards)):
            partner = ends.partner[end]
            if not ends.directions[partner].any():  # a dot: the line goes on at its other side
                directions[partner] = -way
        chosen.append((one, other))
    places = ends.places[np.array(chosen, dtype=np.intp).reshape(-1, 2)]
    return two_point_lines(places)


def _turns(direction: NDArray[np.float64], towards: NDArray[np.float64]) -> bool:
    """Tell whether a line would turn more than a line does; a dot may go on in any direction."""
    return bool(direction.any() and direction @ towards < _TURN)


def _cost(ends: _Ends, pairs: NDArray[np.intp]) -> NDArray[np.float64]:
    """Return the length of each bridge, longer where the line bends."""
    way = ends.places[pairs[:, 1]] - ends.places[pairs[:, 0]]
    towards, bend = _unit(way), np.zeros(len(pairs))
    for column, sign in ((0, 1), (1, -1)):
        direction = ends.directions[pairs[:, column]]
        cosine = sign * (direction * towards).sum(axis=1)
        bend += np.where(direction.any(axis=1), 1 - cosine, 0)
    cost: NDArray[np.float64] = np.hypot(*way.T) * (1 + _BEND * bend)
    return cost


def _connected_length(lines: Lines) -> NDArray[np.float64]:
    """Return for each line the length of all lines that hang together with it."""
    if not len(lines):
        return np.zeros(0)
    first, last = (shapely.get_coordinates(shapely.get_point(lines, end)) for end in (0, -1))
    _, number = np.unique(np.concatenate([first, last]), axis=0, return_inverse=True)
    node = number.reshape(2, -1)
    size = int(node.max()) + 1
    graph = coo_array((np.ones(len(lines)), (node[0], node[1])), shape=(size, size))
    _, group = connected_components(graph, directed=False)
    of_line = group[node[0]]
    return np.bincount(of_line, weights=shapely.length(lines))[of_line]


def _unit(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    length = np.sqrt(np.square(vectors).sum(axis=-1, keepdims=True))
    return np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0)
