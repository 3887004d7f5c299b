"""Reads a scanned map: what the file says is judged first, and it is read in a process with limits.

A place on a scan is a column and a row in pixels from its upper left corner, so that the middle of
the first pixel is (0.5, 0.5), as QGIS and GDAL count.
"""

import logging
import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from minerisk.features.errors import InputError
from minerisk.features.files import process

logger = logging.getLogger(__name__)

Pixels = NDArray[np.uint8]

MOST_PIXELS = 100_000_000
"""Of a scan; a sheet of 594 x 841 mm at 300 dots an inch has 70 million."""
KINDS = {".jpg": "JPEG", ".jpeg": "JPEG", ".png": "PNG", ".tif": "TIFF", ".tiff": "TIFF"}
_WHITE = (255, 255, 255, 255)
_ORIENTATION, _UPRIGHT = 274, 1
"""The tag of EXIF that tells how a picture is turned, and its value where it is not."""


def read_scan(path: Path) -> Pixels:
    """Read a scanned map.

    Parameters
    ----------
    path
        A JPEG, PNG or TIFF, in colour.

    Returns
    -------
    ndarray of uint8, shape (rows, columns, 3)
        Red, green and blue; what is transparent is white.

    Raises
    ------
    InputError
        If it is no such file, has too many pixels, is to be turned before it is shown, is grey, or
        takes more memory or time than a file of its size is given.
    """
    if not path.is_file():
        raise InputError(f"{path} is not a file; expected a scanned map, JPEG, PNG or TIFF.")
    if path.suffix.lower() not in KINDS:
        raise InputError(
            f"{path.name} is of a kind that is not read as a scan; expected one of "
            f"{' '.join(KINDS)}. Export it as PNG."
        )
    return process.array_of(pixels_here, path, cells=0)


def pixels_here(path: Path) -> Pixels:
    """Read a scanned map in this process, as `read_scan` does in one with limits."""
    kind = KINDS[path.suffix.lower()]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)  # judged below
            with Image.open(path, formats=[kind]) as image:
                _check(image, path)
                return np.array(_in_colour(image))
    except Image.DecompressionBombError as error:
        raise InputError(_too_large(path, "far more")) from error
    except UnidentifiedImageError as error:
        raise InputError(
            f"{path.name} is no {kind} file, as its suffix says it is. Give it its true suffix, or "
            "export it again."
        ) from error
    except (OSError, SyntaxError, ValueError) as error:
        raise InputError(f"{path.name} is damaged ({error}). Scan or export it again.") from error


def _check(image: Image.Image, path: Path) -> None:
    width, height = image.size
    if width * height > MOST_PIXELS:
        raise InputError(_too_large(path, f"{width:,} x {height:,}"))
    turned = image.getexif().get(_ORIENTATION, _UPRIGHT)
    if turned != _UPRIGHT:
        raise InputError(
            f"{path.name} is stored turned (EXIF orientation {turned}), and programs disagree on "
            "where its pixels are. Turn it upright, save it without that tag, and take the control "
            "points anew."
        )
    if image.mode in ("1", "L", "LA", "I", "F") or image.mode.startswith("I;16"):
        raise InputError(
            f"{path.name} is grey (mode {image.mode}); the line is found by its colour. Scan it in "
            "colour."
        )


def _too_large(path: Path, size: str) -> str:
    return (
        f"{path.name} has {size} pixels; at most {MOST_PIXELS:,} are taken. Cut it to the map's "
        "frame, or reduce it until the line is some five pixels wide."
    )


def _in_colour(image: Image.Image) -> Image.Image:
    """Return a picture as red, green and blue, what is transparent as white paper."""
    if "A" in image.getbands() or "transparency" in image.info:
        seen = image.convert("RGBA")
        return Image.alpha_composite(Image.new("RGBA", seen.size, _WHITE), seen).convert("RGB")
    return image.convert("RGB")
