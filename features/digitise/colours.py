"""Colours of a scan: how they are written, which are at a place, and how far two are apart."""

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from skimage.color import rgb2lab

from minerisk.features.digitise.scan import Pixels
from minerisk.features.errors import InputError

Colour = tuple[int, int, int]
Floats32 = NDArray[np.float32]

_HEX = re.compile(r"#?([0-9a-fA-F]{2})([0-9a-fA-F]{2})([0-9a-fA-F]{2})")
_TRIPLE = re.compile(r"(\d{1,3})[ ,;]+(\d{1,3})[ ,;]+(\d{1,3})")
_ROWS_AT_ONCE = 256
_ALIKE = 10.0
"""CIELAB distance below which two colours are listed as one."""


@dataclass(frozen=True)
class ColourShare:
    """A colour, and the share of the pixels looked at that have it or nearly."""

    colour: Colour
    share: float


def read_colour(text: str) -> Colour:
    """Read a colour that was written as ``#733c46`` or ``115,60,70``.

    Raises
    ------
    InputError
        If it is written otherwise, or beyond 255.

    Examples
    --------
    >>> read_colour("#733c46"), read_colour("115, 60, 70")
    ((115, 60, 70), (115, 60, 70))
    """
    if found := _HEX.fullmatch(text.strip()):
        red, green, blue = (int(part, 16) for part in found.groups())
        return red, green, blue
    if found := _TRIPLE.fullmatch(text.strip()):
        red, green, blue = (int(part) for part in found.groups())
        if max(red, green, blue) <= 255:
            return red, green, blue
    raise InputError(
        f"{text[:40]!r} is no colour; expected #733c46 or 115,60,70. "
        "`minerisk colours` lists the colours at a place of the scan."
    )


def written(colour: Colour) -> str:
    """Write a colour as ``#rrggbb``."""
    return "#{:02x}{:02x}{:02x}".format(*colour)


def colour_distance(pixels: Pixels, colour: Colour) -> Floats32:
    """Compute how far each pixel's colour is from one colour, as the eye sees it.

    Returns
    -------
    ndarray of float32, shape (rows, columns)
        Euclidean distance in CIELAB (CIE 1976); about 2 is the least that the eye sees.
    """
    wanted = _lab(np.array([[colour]], dtype=np.uint8))
    distance = np.empty(pixels.shape[:2], dtype=np.float32)
    for start in range(0, pixels.shape[0], _ROWS_AT_ONCE):
        rows = slice(start, start + _ROWS_AT_ONCE)
        distance[rows] = np.sqrt(np.square(_lab(pixels[rows]) - wanted).sum(axis=-1))
    return distance


def colours_at(
    pixels: Pixels, place: tuple[float, float], *, reach: int, most: int = 5
) -> list[ColourShare]:
    """List the colours around a place of a scan, those of the line and of what lies below it.

    Parameters
    ----------
    place
        Column and row.
    reach
        How far around it to look, pixels.
    most
        How many colours to list.

    Returns
    -------
    list
        The most frequent first; a colour is the median of the pixels that are alike.

    Raises
    ------
    InputError
        If the place is not on the scan.
    """
    rows, columns = pixels.shape[:2]
    column, row = place
    if not (0 <= column < columns and 0 <= row < rows):
        raise InputError(
            f"The place {column:g},{row:g} is not on the scan, which has {columns:,} columns and "
            f"{rows:,} rows. Give column,row from its upper left corner."
        )
    top, left = max(int(row) - reach, 0), max(int(column) - reach, 0)
    near = pixels[top : int(row) + reach + 1, left : int(column) + reach + 1].reshape(-1, 3)
    lab, unseen = _lab(near), np.ones(len(near), dtype=bool)
    found: list[ColourShare] = []
    while unseen.any() and len(found) < most:
        alike = _most_alike(lab, unseen)
        red, green, blue = (int(value) for value in np.median(near[alike], axis=0))
        found.append(ColourShare((red, green, blue), float(alike.mean())))
        unseen &= ~alike
    return found


def _most_alike(lab: Floats32, unseen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the pixels around the colour that most of those left are alike to."""
    places = np.flatnonzero(unseen)
    centres = lab[places[:: max(1, len(places) // 200)]]
    near = [unseen & (np.square(lab - centre).sum(axis=1) < _ALIKE**2) for centre in centres]
    return max(near, key=lambda mask: int(mask.sum()))


def _lab(pixels: Pixels) -> Floats32:
    lab: Floats32 = rgb2lab(pixels.astype(np.float32) / 255)
    return lab
