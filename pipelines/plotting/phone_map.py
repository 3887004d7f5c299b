"""The map of risk classes and survey tasks as tiles, drawn to be read on a phone out of doors.

Every tile is opaque: a base map under it would turn the colours of classes into others. Land that
was not asked for is hatched in pale grey, and "cannot say" in dark grey. What the run says of
itself stands in each tile.
"""

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import matplotlib as mpl
import numpy as np
import shapely
from affine import Affine
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from pyproj import Transformer
from rasterio.warp import Resampling, reproject
from shapely.geometry.base import BaseGeometry

from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    ELEVATED,
    HIGHER,
    LOWER,
    MARK_COLOUR,
    OUTSIDE,
    rgba,
)
from minerisk.pipelines.formats.tiles.mbtiles import Tile
from minerisk.pipelines.formats.tiles.web_mercator import (
    CRS,
    TILE,
    Bounds,
    TileRange,
    pixel_m,
    tiles_over,
    zooms_for,
)
from minerisk.pipelines.plotting.grids import Grids
from minerisk.pipelines.plotting.map_layers import MapLayers

SHOWN = (OUTSIDE, LOWER, CANNOT_SAY, ELEVATED, HIGHER)
"""Codes by what wins where a pixel holds several cells: the last. Cannot say is never lower."""
OUTSIDE_COLOUR = "#f2f2f2"
BLACK, WHITE, RED, ORANGE, GREY, BLUE, BROWN = (
    "#000000", "#ffffff", "#ff0000", "#f4a718", "#777777", "#1f78b4", "#8c5a2b",
)  # fmt: skip
OUTSIDE_HATCH, SILENT_HATCH = "#bdbdbd", "#5f5f5f"
INKS = (
    OUTSIDE_COLOUR,
    *(CLASS_COLOURS[code] for code in SHOWN[1:]),
    OUTSIDE_HATCH, SILENT_HATCH, BLACK, WHITE, MARK_COLOUR, RED, ORANGE, GREY, BLUE, BROWN,
)  # fmt: skip
"""The colours there are; those of classes stand where their code stands in `SHOWN`."""
CELL_PIXELS = 6
"""A cell is at least so many pixels wide at the last zoom."""
MOST_TILES = 4_000
BLOCK = 8
"""Tiles of a side of what is drawn at once."""
DASH, DOT = 16, 5
"""From the beginning of a dash to that of the next, pixels."""
HATCH, WIDE_HATCH = 8, 16
"""Between hatches, pixels; a tile is a multiple, so that they run on from tile to tile."""
WAYS_FROM, LABELS_FROM = 10, 28
"""Zoom from which roads and rivers are drawn; pixels of a task from which its number is."""
EDGE = 96
"""Pixels around a block in which something may begin that is seen in it, such as a number."""
LETTERS = 11


Place = tuple[float, float]
"""Column and row of a point in a block, pixels."""


class Stroke(NamedTuple):
    """How a line is drawn: its colour, pixels, and the length of its dashes; 0 is unbroken."""

    colour: str
    width: int
    dash: int = 0


WAYS: Mapping[str, Stroke] = {"water": Stroke(BLUE, 1), "way": Stroke(BROWN, 1)}
LANDS: Mapping[str, Stroke] = {"CHA": Stroke(RED, 3), "SHA": Stroke(ORANGE, 3, DASH)}
OTHER_LAND = Stroke(GREY, 2, DOT)
FRONT = Stroke(BLACK, 2, DASH)
ARMS: Mapping[str, Stroke] = {
    "ranked": Stroke(BLACK, 2),
    "control": Stroke(BLACK, 2, DASH),
    "learn": Stroke(BLACK, 2, DOT),
}
CASING, FAR_CASING = Stroke(WHITE, 4), Stroke(WHITE, 3)
"""The white line under an outline of a task; the second where a pixel is larger than a cell."""


@dataclass(frozen=True)
class PhoneMap:
    """What is drawn: everything in metres of Web Mercator, but the classes on their own grid.

    Attributes
    ----------
    grids
        Classes, 255 outside what was asked for.
    layers
        What is drawn over them.
    tasks
        Survey tasks with ``task`` and ``arm``.
    words
        What each tile says of itself; none is nothing.
    bounds
        Of the grid.
    """

    grids: Grids
    layers: MapLayers
    tasks: gpd.GeoDataFrame
    words: str
    bounds: Bounds

    @property
    def squeeze(self) -> float:
        """Metres on the ground for each metre of Web Mercator, in the middle of the map."""
        middle = (self.bounds[1] + self.bounds[3]) / 2
        return 1 / math.cosh(middle / 6_378_137.0)

    @property
    def zooms(self) -> range:
        """The zooms that are worth drawing."""
        finest = self.grids.geobox.resolution.x / CELL_PIXELS / self.squeeze
        return zooms_for(self.bounds, finest, most_tiles=MOST_TILES)


def phone_map(grids: Grids, layers: MapLayers, tasks: gpd.GeoDataFrame, *, words: str) -> PhoneMap:
    """Lay a map out on Web Mercator; see `PhoneMap` for what each argument means."""
    turn = Transformer.from_crs(str(grids.geobox.crs), CRS, always_xy=True)
    west, south, east, north = grids.geobox.boundingbox
    bounds = turn.transform_bounds(west, south, east, north, densify_pts=41)
    there = MapLayers(
        line=_turned(layers.line),
        registered=_turned(layers.registered),
        ways=_turned(layers.ways),
    )
    return PhoneMap(grids, there, _turned(tasks), words, bounds)


def draw_tiles(shown: PhoneMap) -> Iterator[Tile]:
    """Draw every tile that shows land that was asked for, zoom by zoom."""
    for zoom in shown.zooms:
        for block in tiles_over(shown.bounds, zoom).blocks(BLOCK):
            yield from _block_tiles(shown, block)


def class_pixels(grids: Grids, block: TileRange) -> NDArray[np.uint8]:
    """Find the class that each pixel shows, as its place in `SHOWN`.

    A pixel smaller than a cell has the class of the cell under it; a larger one that of `SHOWN`
    that wins, so that no higher cell is lost at a distance.
    """
    order = np.zeros(256, dtype=np.uint8)
    order[list(SHOWN)] = np.arange(len(SHOWN))
    found = np.zeros(block.shape, dtype=np.uint8)
    large = pixel_m(block.zoom) > grids.geobox.resolution.x
    reproject(
        order[grids.risk_class],
        found,
        src_transform=grids.geobox.transform,
        src_crs=str(grids.geobox.crs),
        dst_transform=block.transform,
        dst_crs=CRS,
        resampling=Resampling.max if large else Resampling.nearest,
        num_threads=1,
    )
    return found


def _block_tiles(shown: PhoneMap, block: TileRange) -> Iterator[Tile]:
    classes = class_pixels(shown.grids, block)
    if not classes.any():
        return
    picture = _picture(classes)
    _draw_over(picture, shown, block)
    for row in range(block.bottom - block.top):
        for column in range(block.right - block.left):
            part = np.s_[row * TILE : (row + 1) * TILE, column * TILE : (column + 1) * TILE]
            if classes[part].any():
                left, top = column * TILE, row * TILE
                tile = picture.crop((left, top, left + TILE, top + TILE))
                yield Tile(block.zoom, block.left + column, block.top + row, _png(tile))


def _picture(classes: NDArray[np.uint8]) -> Image.Image:
    """Colour the classes, and hatch what nothing is said of."""
    inks = classes.copy()
    silent, nothing = SHOWN.index(CANNOT_SAY), SHOWN.index(OUTSIDE)
    inks[(classes == silent) & (_diagonals(classes.shape) % HATCH < 2)] = INKS.index(SILENT_HATCH)
    inks[(classes == nothing) & (_diagonals(classes.shape, back=True) % WIDE_HATCH < 1)] = (
        INKS.index(OUTSIDE_HATCH)
    )
    picture = Image.fromarray(inks).convert("L")
    picture.putpalette([part for ink in INKS for part in rgba(ink)[:3]])
    return picture


def _draw_over(picture: Image.Image, shown: PhoneMap, block: TileRange) -> None:
    layers, size = shown.layers, pixel_m(block.zoom)
    if layers.ways is not None and block.zoom >= WAYS_FROM:
        for kind, stroke in WAYS.items():
            _stroke(picture, _near(layers.ways[layers.ways["kind"] == kind], block), stroke, block)
    if layers.registered is not None:
        for land, part in layers.registered.groupby("Land_Class"):
            _draw_land(picture, _near(part, block), LANDS.get(str(land)), block)
    if layers.line is not None:
        _stroke(picture, _near(layers.line, block), FRONT, block)
    tasks, far = _near(shown.tasks, block), size > shown.grids.geobox.resolution.x
    for arm, stroke in ARMS.items():
        part = tasks[tasks["arm"] == arm]
        _stroke(picture, part, FAR_CASING if far else CASING, block)
        _stroke(picture, part, stroke._replace(width=1) if far else stroke, block)
    pen = ImageDraw.Draw(picture)
    pen.fontmode = "1"  # no colours between
    for name, land in zip(tasks["task"], tasks.geometry, strict=True):
        if math.sqrt(land.area) / size >= LABELS_FROM:
            (place,) = _pixels(land.representative_point(), block.transform)
            _write(pen, place, str(name), (BLACK, WHITE), anchor="mm")
    for row in range(block.bottom - block.top):
        for column in range(block.right - block.left):
            corner = (column * TILE + 6, row * TILE + 5)
            _write(pen, corner, shown.words, (WHITE, MARK_COLOUR), anchor="la")


def _draw_land(
    picture: Image.Image, part: gpd.GeoDataFrame, stroke: Stroke | None, block: TileRange
) -> None:
    """Draw registered areas: hatched in the colour of their kind, so that the class shows too."""
    if stroke is not None:
        mask = Image.new("L", picture.size)
        pen = ImageDraw.Draw(mask)
        for shape in shapely.get_parts(part.geometry.to_numpy()):
            for ring, fill in ((shape.exterior, 1), *((hole, 0) for hole in shape.interiors)):
                pen.polygon(_pixels(ring, block.transform), fill=fill)
        lines = _diagonals(block.shape, back=True) % HATCH < 2
        hatched = np.asarray(mask).astype(bool) & lines
        picture.paste(INKS.index(stroke.colour), mask=Image.fromarray(hatched))
    _stroke(picture, part, stroke or OTHER_LAND, block)


def _stroke(picture: Image.Image, part: gpd.GeoDataFrame, stroke: Stroke, block: TileRange) -> None:
    """Draw the lines, or the edges of areas, of a layer; points are left out."""
    if part.empty:
        return
    ink, pen = INKS.index(stroke.colour), ImageDraw.Draw(picture)
    for line in _lines(part.geometry.to_numpy()):
        drawn = _pixels(line, block.transform)
        for piece in dashes(drawn, stroke.dash) if stroke.dash else [drawn]:
            pen.line(piece, fill=ink, width=stroke.width, joint="curve")


def dashes(line: Sequence[Place], length: int) -> Iterator[list[Place]]:
    """Cut a line into dashes that begin every `length` pixels along it, five eighths as long."""
    points = np.array(line)
    far = np.concatenate([[0.0], np.cumsum(np.hypot(*np.diff(points, axis=0).T))])
    begins = np.arange(0.0, far[-1], length)
    ends = np.minimum(begins + length * 5 / 8, far[-1])
    columns, rows = points.T
    for begin, end in zip(begins, ends, strict=True):
        inner = far[(far > begin) & (far < end)]
        places = np.array([begin, *inner, end])
        pair = np.interp(places, far, columns), np.interp(places, far, rows)
        yield list(zip(pair[0].tolist(), pair[1].tolist(), strict=True))


def _diagonals(shape: tuple[int, ...], *, back: bool = False) -> NDArray[np.int32]:
    """Count the diagonals that each pixel of a block lies on, rising or (`back`) falling."""
    height, width = shape
    down, across = np.arange(height, dtype=np.int32), np.arange(width, dtype=np.int32)
    return down[:, None] - across if back else down[:, None] + across


def _lines(shapes: NDArray[np.object_]) -> Iterator[BaseGeometry]:
    for part in shapely.get_parts(shapes):
        if part.geom_type == "Polygon":
            yield from (part.exterior, *part.interiors)
        elif part.geom_type in ("LineString", "LinearRing"):
            yield part


def _pixels(shape: BaseGeometry, transform: Affine) -> list[Place]:
    """Turn the corners of a shape into pixels of a block, columns first."""
    easting, northing = shapely.get_coordinates(shape).T
    columns = (easting - transform.c) / transform.a
    rows = (northing - transform.f) / transform.e
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


def _write(
    pen: ImageDraw.ImageDraw,
    place: Place,
    words: str,
    inks: tuple[str, str],
    *,
    anchor: str,
) -> None:
    """Write words in the first colour on a plate of the second."""
    if not words:
        return
    ink, plate = (INKS.index(colour) for colour in inks)
    left, top, right, bottom = pen.textbbox(place, words, font=_font(), anchor=anchor)
    pen.rectangle((left - 3, top - 2, right + 2, bottom + 2), fill=plate)
    pen.text(place, words, fill=ink, font=_font(), anchor=anchor)


@cache
def _font() -> ImageFont.FreeTypeFont:
    """Load the one font that is installed wherever this runs, with letters of three languages."""
    folder = Path(mpl.get_data_path()) / "fonts" / "ttf"
    return ImageFont.truetype(folder / "DejaVuSans-Bold.ttf", LETTERS)


def _near(frame: gpd.GeoDataFrame, block: TileRange) -> gpd.GeoDataFrame:
    """Keep the features that may be seen in a block."""
    (height, width), place = block.shape, block.transform
    west, north = place @ (-EDGE, -EDGE)
    east, south = place @ (width + EDGE, height + EDGE)
    seen = frame.sindex.query(shapely.box(west, south, east, north), sort=True)
    return frame.iloc[seen]


def _turned(frame: gpd.GeoDataFrame | None) -> gpd.GeoDataFrame | None:
    return None if frame is None else frame.to_crs(CRS)


def _png(tile: Image.Image) -> bytes:
    written = io.BytesIO()
    tile.save(written, "PNG", bits=4)
    return written.getvalue()
