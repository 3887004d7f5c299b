"""From ink to strokes: the middle of what is drawn, as lines in pixels, and dots."""

from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy import ndimage
from skimage.morphology import skeletonize

from minerisk.features.digitise.ink import Mask

Lines = NDArray[np.object_]
"""Of shapely LineStrings."""
Places = NDArray[np.float64]
"""Columns and rows, shape (places, 2)."""

DOT = 1.6
"""What is no longer and no wider than so many drawn widths is a dot, which has no direction."""
SPUR = 1.5
"""A branch of the middle that ends within so many drawn widths is a rough rim, not a line."""
STRAIGHTENED_PX = 1.0
"""Steps of whole pixels are straightened by at most this much."""
_HALF = 0.5
_NEIGHBOURS = np.ones((3, 3))


@dataclass(frozen=True)
class Strokes:
    """What was drawn without lifting the pen, in pixels from the upper left corner.

    Attributes
    ----------
    lines
        Their vertices are columns and rows.
    dots
        Middles of the dots.
    """

    lines: Lines
    dots: Places


def find_strokes(ink: Mask, *, width_px: float) -> Strokes:
    """Thin ink to the middle of its strokes.

    Parameters
    ----------
    ink
        Shape (rows, columns).
    width_px
        Drawn width of the line.

    Notes
    -----
    The middle is that of Zhang and Suen (1984), as scikit-image has it.
    """
    dots, drawn = _dots_apart(ink, DOT * width_px)
    lines = without_spurs(merged(_links(drawn)), SPUR * width_px)
    return Strokes(shapely.simplify(lines, STRAIGHTENED_PX), dots)


def without_spurs(lines: Lines, shortest: float) -> Lines:
    """Take out branches that end soon after they leave a line, and merge what is left.

    Where nothing but short branches meets, the two longest stay: they are the dash.
    """
    if not len(lines):
        return lines
    first, last = shapely.get_point(lines, 0), shapely.get_point(lines, -1)
    ends = shapely.get_coordinates(np.concatenate([first, last]))
    _, number, count = np.unique(ends, axis=0, return_inverse=True, return_counts=True)
    node = number.reshape(2, -1)
    meet, length = count[node], shapely.length(lines)
    spurs = np.flatnonzero((meet.min(axis=0) == 1) & (meet.max(axis=0) > 2) & (length < shortest))
    leaves = node[meet.argmax(axis=0), np.arange(len(lines))]
    spurs = spurs[np.lexsort((length[spurs], leaves[spurs]))]
    _, start, at = np.unique(leaves[spurs], return_index=True, return_inverse=True)
    shorter = np.arange(len(spurs)) - start[at]  # spurs of the same junction that are shorter
    out = spurs[shorter < count[leaves[spurs]] - 2]
    return merged(np.delete(lines, out))


def merged(lines: Lines) -> Lines:
    """Make one line of lines that meet in twos."""
    if not len(lines):
        return lines
    whole: Lines = shapely.get_parts(shapely.line_merge(shapely.multilinestrings(lines)))
    return whole


def two_point_lines(places: Places) -> Lines:
    """Make lines of start and end, shape (lines, 2, 2); of none, none."""
    lines = np.empty(len(places), dtype=object)
    lines[:] = shapely.linestrings(places) if len(places) else []
    return lines


def _dots_apart(ink: Mask, size: float) -> tuple[Places, Mask]:
    """Return the middles of dots, and the ink without them."""
    number, count = ndimage.label(ink, structure=_NEIGHBOURS)
    boxes = ndimage.find_objects(number)
    small = np.array([max(part.stop - part.start for part in box) <= size for box in boxes], bool)
    chosen = np.flatnonzero(small) + 1
    middles = np.array(ndimage.center_of_mass(ink, number, chosen)).reshape(-1, 2)
    dot = np.concatenate([[False], small])
    return middles[:, ::-1] + _HALF, ink & ~dot[number]


def _links(ink: Mask) -> Lines:
    """Link neighbouring pixels of the middle, by a corner only where no side leads there."""
    middle = np.pad(skeletonize(ink), 1)
    here = middle[:-1, :-1]
    right, below, across = middle[:-1, 1:], middle[1:, :-1], middle[1:, 1:]
    found = (
        (here & right, (0, 0), (0, 1)),
        (here & below, (0, 0), (1, 0)),
        (here & across & ~right & ~below, (0, 0), (1, 1)),
        (right & below & ~here & ~across, (0, 1), (1, 0)),
    )
    links = [
        np.stack([np.argwhere(there) + start, np.argwhere(there) + end], axis=1)
        for there, start, end in found
    ]
    places = np.concatenate(links)[:, :, ::-1] - 1 + _HALF
    return two_point_lines(places)
