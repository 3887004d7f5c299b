"""Where a scan has the ink of the line: pixels of its colour, freed of text and specks."""

import numpy as np
from numpy.typing import NDArray
from scipy import ndimage
from skimage import morphology

from minerisk.features.digitise.colours import Colour, colour_distance
from minerisk.features.digitise.scan import Pixels

Mask = NDArray[np.bool_]

TOLERANCE = 18.0
"""CIELAB distance up to which a pixel has the colour of the line, where none is asked for."""
THINNEST = 0.4
"""A stroke thinner than this share of the drawn width is text or the rim of something else."""
SMALLEST = 0.35
"""A speck with less than this share of the drawn width squared is no dash and no dot."""


def find_ink(
    pixels: Pixels, colour: Colour, *, width_px: float, tolerance: float = TOLERANCE
) -> Mask:
    """Mark the pixels that the line was drawn on.

    Parameters
    ----------
    pixels
        Of the map inside its frame, shape (rows, columns, 3).
    colour
        Of the line.
    width_px
        Drawn width of the line.
    tolerance
        CIELAB distance up to which a pixel has the colour.

    Returns
    -------
    ndarray of bool, shape (rows, columns)
        Strokes about as wide as the line, and wider; holes in them that are smaller than the line
        is wide are filled.
    """
    near = colour_distance(pixels, colour) <= tolerance
    stroke = ndimage.binary_opening(near, structure=_disc(THINNEST * width_px / 2))
    whole = morphology.remove_small_holes(stroke, max_size=int(width_px**2))
    kept: Mask = morphology.remove_small_objects(whole, max_size=int(SMALLEST * width_px**2))
    return kept


def _disc(radius: float) -> Mask:
    across = np.arange(-int(radius), int(radius) + 1)
    return np.hypot(across[:, None], across[None, :]) <= radius
