"""A picture of digitised lines over the scan, to be looked at before the layer is used."""

import io
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from minerisk.features.digitise.scan import Pixels
from minerisk.features.digitise.sheet import Sheet
from minerisk.pipelines.provenance.files import replacing

LONGEST_PX = 1600
"""The longer side of the picture."""
DRAWN, BRIDGED, FRAME, POINT = (0, 90, 255), (230, 0, 180), (0, 130, 60), (220, 90, 0)
_PALER = 2
_LINE, _CROSS = 3, 9
_COLOURS = 128
_MARGIN = 0.02


def write_picture(
    path: Path,
    pixels: Pixels,
    sheet: Sheet,
    frame: shapely.Polygon,
    points: NDArray[np.float64],
) -> Path:
    """Write the scan, paler, with what was found on it.

    Drawn lines are blue, bridged gaps magenta, the cover has a green outline, and control points
    are orange crosses.

    Raises
    ------
    InputError
        If the file cannot be written.
    """
    with replacing(path) as partial:
        partial.write_bytes(picture_of(pixels, sheet, frame, points))
    return path


def picture_of(
    pixels: Pixels, sheet: Sheet, frame: shapely.Polygon, points: NDArray[np.float64]
) -> bytes:
    """Return the picture as PNG."""
    rows, columns = pixels.shape[:2]
    left, top, right, bottom = frame.bounds
    margin = _MARGIN * max(right - left, bottom - top)
    corner = np.floor(np.maximum([left - margin, top - margin], 0)).astype(int)
    end = np.ceil(np.minimum([right + margin, bottom + margin], [columns, rows])).astype(int)
    window = pixels[corner[1] : end[1], corner[0] : end[0]]
    image = Image.fromarray(window // _PALER + (255 - 255 // _PALER))
    image.thumbnail((LONGEST_PX, LONGEST_PX), Image.Resampling.LANCZOS)
    scale = image.size / (end - corner)
    image = image.quantize(_COLOURS, dither=Image.Dither.NONE)  # leaves room for those drawn
    draw = ImageDraw.Draw(image)

    def at(places: NDArray[np.float64]) -> list[tuple[float, float]]:
        return [(float(x), float(y)) for x, y in (places - corner) * scale]

    for part in shapely.get_parts(sheet.cover):
        for ring in (part.exterior, *part.interiors):
            draw.line(at(shapely.get_coordinates(ring)), fill=FRAME, width=_LINE - 1)
    for shapes, colour in ((sheet.lines, DRAWN), (sheet.bridges, BRIDGED)):
        for shape in shapes:
            draw.line(at(shapely.get_coordinates(shape)), fill=colour, width=_LINE)
    for x, y in at(points):
        draw.line([(x - _CROSS, y), (x + _CROSS, y)], fill=POINT, width=_LINE - 1)
        draw.line([(x, y - _CROSS), (x, y + _CROSS)], fill=POINT, width=_LINE - 1)
    stream = io.BytesIO()
    image.save(stream, "PNG", optimize=True)
    return stream.getvalue()
