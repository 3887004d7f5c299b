"""One sheet: the part of a scan that is the map, and the lines that are drawn on it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from rasterio.features import geometry_mask
from scipy import ndimage
from shapely.geometry.base import BaseGeometry
from skimage.morphology import skeletonize

from minerisk.features.digitise.colours import Colour, colour_distance, colours_at, written
from minerisk.features.digitise.dashes import join_dashes
from minerisk.features.digitise.ink import TOLERANCE, Mask, find_ink
from minerisk.features.digitise.scan import Pixels
from minerisk.features.digitise.strokes import Lines, find_strokes
from minerisk.features.errors import InputError

GAP = 3.0
"""Gaps of a broken line are bridged up to so many drawn widths, where nothing else is asked."""
MOST_INK = 0.2
"""Share of the map beyond which ink is no line but ground, forest or water."""
MOST_STROKES = 20_000
LEAST_WIDTH, MOST_WIDTH = 2.0, 200.0
"""Of a drawn line, pixels."""
MOST_TOLERANCE = 60.0
_REACH = 25


@dataclass(frozen=True)
class Sheet:
    """What a scan shows, in pixels from its upper left corner.

    Attributes
    ----------
    cover
        The map: its frame without legend, inset and whatever else hides the ground.
    lines
        That were drawn, with their gaps bridged.
    bridges
        The bridges alone.
    width_px
        How wide the ink of the lines is, measured.
    """

    cover: BaseGeometry
    lines: Lines
    bridges: Lines
    width_px: float


@dataclass(frozen=True)
class PickedColour:
    """A colour near a place of a scan.

    Attributes
    ----------
    share
        Of the pixels looked at.
    width_px
        The widest stroke of it there.
    """

    colour: Colour
    share: float
    width_px: float


def read_outline(text: str, *, name: str) -> shapely.Polygon:
    """Read an outline on a scan: ``left,top,right,bottom``, or three corners and more.

    Parameters
    ----------
    text
        Numbers, in pixels; corners are columns and rows in turn.
    name
        Of the option, for messages.

    Raises
    ------
    InputError
        If it is no outline with an area.

    Examples
    --------
    >>> read_outline("10,20,110,70", name="--frame").area
    5000.0
    >>> read_outline("10,20 110,22 108,70 9,69", name="--frame").is_valid
    True
    """
    try:
        numbers = [float(word) for word in text.replace(",", " ").replace(";", " ").split()]
    except ValueError:
        numbers = []
    if len(numbers) == 4:
        left, top, right, bottom = numbers
        outline = shapely.box(left, top, right, bottom)
        ordered = left < right and top < bottom
    else:
        ordered = len(numbers) >= 6 and len(numbers) % 2 == 0
        outline = shapely.Polygon(np.reshape(numbers, (-1, 2))) if ordered else shapely.Polygon()
    if not (ordered and all(map(math.isfinite, numbers)) and outline.is_valid and outline.area):
        raise InputError(
            f"{name} is {text[:60]!r}; expected left,top,right,bottom in pixels of the scan, or "
            "its corners in turn: column,row column,row column,row column,row."
        )
    return outline


def read_place(text: str) -> tuple[float, float]:
    """Read a place on a scan, ``column,row``.

    Raises
    ------
    InputError
        If it is no such place.

    Examples
    --------
    >>> read_place("3385,808")
    (3385.0, 808.0)
    """
    try:
        column, row = (float(word) for word in text.split(","))
    except ValueError as error:
        raise InputError(
            f"{text[:40]!r} is no place on a scan; expected column,row such as 3385,808."
        ) from error
    return column, row


def pick_colours(pixels: Pixels, place: tuple[float, float]) -> list[PickedColour]:
    """List the colours around a place of a scan, each with the width of its widest stroke there."""
    found = colours_at(pixels, place, reach=_REACH)
    column, row = (int(part) for part in place)
    rows = slice(max(row - 2 * _REACH, 0), row + 2 * _REACH)
    near = pixels[rows, max(column - 2 * _REACH, 0) : column + 2 * _REACH]
    return [
        PickedColour(one.colour, one.share, _widest(find_ink(near, one.colour, width_px=1.0)))
        for one in found
    ]


def trace_sheet(
    pixels: Pixels,
    colour: Colour,
    *,
    width_px: float,
    frame: shapely.Polygon,
    leave_out: Sequence[shapely.Polygon] = (),
    gap_px: float | None = None,
    tolerance: float = TOLERANCE,
) -> Sheet:
    """Trace the lines of one colour on a scanned map.

    Parameters
    ----------
    pixels
        Of the scan.
    colour, width_px
        Of the line as it is drawn.
    frame
        Of the map, in pixels; outside it nothing is looked for.
    leave_out
        What lies inside the frame and is no map: legend, inset.
    gap_px
        The longest gap that is bridged; `GAP` drawn widths where None.
    tolerance
        CIELAB distance up to which a pixel has the colour.

    Raises
    ------
    InputError
        If the frame is not on the scan, the width or gap is none that a drawn line has, the colour
        is that of the ground, or no line has it.
    """
    _check_sizes(width_px, gap_px, tolerance)
    cover = _cover(pixels, frame, leave_out)
    left, top, right, bottom = (int(side) for side in np.floor(frame.bounds))
    window = pixels[top : bottom + 1, left : right + 1]
    inside = _inside(cover, (left, top), window.shape[:2])
    ink = find_ink(window, colour, width_px=width_px, tolerance=tolerance) & inside
    _check_ink(ink, inside, colour)
    strokes = find_strokes(ink, width_px=width_px)
    if len(strokes.lines) + len(strokes.dots) > MOST_STROKES:
        raise InputError(
            f"The colour {written(colour)} makes {len(strokes.lines) + len(strokes.dots):,} "
            f"strokes on this map; a line makes less than {MOST_STROKES:,}. Pick the colour in the "
            "middle of the line, and state the width that it is drawn with."
        )
    gap = GAP * width_px if gap_px is None else gap_px
    joined = join_dashes(strokes, width_px=width_px, gap_px=gap)
    if not len(joined.lines):
        raise InputError(_nothing_words(window, inside, colour, width_px))
    lines, bridges = (
        shapely.transform(shapes, lambda places: places + (left, top))
        for shapes in (joined.lines, joined.bridges)
    )
    return Sheet(cover, lines, bridges, _width(ink))


def _check_sizes(width_px: float, gap_px: float | None, tolerance: float) -> None:
    if not LEAST_WIDTH <= width_px <= MOST_WIDTH:
        raise InputError(
            f"The line is said to be {width_px:g} pixels wide; lines of {LEAST_WIDTH:g} to "
            f"{MOST_WIDTH:g} are traced. Scan a thin line at more dots an inch."
        )
    if not 0 < tolerance <= MOST_TOLERANCE:
        raise InputError(
            f"The tolerance is {tolerance:g}; expected more than 0 and at most {MOST_TOLERANCE:g}. "
            "Colours that the eye takes for one are less than 10 apart."
        )
    if gap_px is not None and not 0 <= gap_px <= 10 * MOST_WIDTH:
        raise InputError(f"The gap is {gap_px:g} pixels; expected 0 to {10 * MOST_WIDTH:g}.")


def _cover(
    pixels: Pixels, frame: shapely.Polygon, leave_out: Sequence[shapely.Polygon]
) -> BaseGeometry:
    rows, columns = pixels.shape[:2]
    scan = shapely.box(0, 0, columns, rows)
    for outline, name in ((frame, "The frame"), *((one, "What is left out") for one in leave_out)):
        if not scan.covers(outline):
            raise InputError(
                f"{name} reaches from {outline.bounds[:2]} to {outline.bounds[2:]}, and the scan "
                f"has {columns:,} columns and {rows:,} rows. Give it in pixels of this scan."
            )
    cover = frame.difference(shapely.union_all(list(leave_out)))
    if cover.is_empty:
        raise InputError("Nothing of the map is left inside the frame. Leave out less of it.")
    return cover


def _inside(cover: BaseGeometry, corner: tuple[int, int], shape: tuple[int, int]) -> Mask:
    """Mark the pixels of a window whose middle is covered."""
    inside: Mask = geometry_mask(
        [cover], shape, Affine.translation(*corner), all_touched=False, invert=True
    )
    return inside


def _check_ink(ink: Mask, inside: Mask, colour: Colour) -> None:
    share = ink.sum() / max(int(inside.sum()), 1)
    if share > MOST_INK:
        raise InputError(
            f"{share:.0%} of the map has the colour {written(colour)}, so it is no line's but the "
            "ground's. Pick the colour in the middle of the line."
        )


def _nothing_words(pixels: Pixels, inside: Mask, colour: Colour, width_px: float) -> str:
    distance = np.where(inside, colour_distance(pixels, colour), np.inf)
    row, column = np.unravel_index(int(distance.argmin()), distance.shape)
    red, green, blue = (int(value) for value in pixels[row, column])
    return (
        f"No line of the colour {written(colour)}, {width_px:g} pixels wide, is on the map. The "
        f"nearest colour on it is {written((red, green, blue))}. Pick the colour in the middle of "
        "the line, state the width that it is drawn with, or a wider gap between its dashes."
    )


def _width(ink: Mask) -> float:
    """Return the width of ink in the middle of its strokes, the median in pixels."""
    middle = skeletonize(ink)
    return float(2 * np.median(ndimage.distance_transform_edt(ink)[middle]) - 1)


def _widest(ink: Mask) -> float:
    distance: NDArray[np.float64] = ndimage.distance_transform_edt(np.pad(ink, 1))
    return max(float(2 * distance.max() - 1), 0.0)
