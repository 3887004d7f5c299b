"""The lattice of tiles that phones and web maps share: Web Mercator, halved at each zoom."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from affine import Affine

CRS = "EPSG:3857"
TILE = 256
"""Pixels of a side of a tile."""
HALF_M = math.pi * 6_378_137.0
"""From the middle of the projected world to its edge, metres (EPSG:3857)."""
MOST_ZOOM, AROUND = 22, 3

Bounds = tuple[float, float, float, float]
"""West, south, east, north in metres of `CRS`."""


class TileRange(NamedTuple):
    """Tiles of a zoom: columns from the west, rows from the north; ends are not part of it."""

    zoom: int
    left: int
    top: int
    right: int
    bottom: int

    @property
    def number(self) -> int:
        """How many tiles."""
        return (self.right - self.left) * (self.bottom - self.top)

    def blocks(self, side: int) -> Iterator["TileRange"]:
        """Cut the range into parts of at most `side` by `side` tiles, row by row."""
        for top in range(self.top, self.bottom, side):
            for left in range(self.left, self.right, side):
                right, bottom = min(left + side, self.right), min(top + side, self.bottom)
                yield TileRange(self.zoom, left, top, right, bottom)

    @property
    def transform(self) -> Affine:
        """From pixels of the range, counted from its north-western corner, to metres."""
        size = pixel_m(self.zoom)
        west, north = self.left * TILE * size - HALF_M, HALF_M - self.top * TILE * size
        return Affine(size, 0.0, west, 0.0, -size, north)

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of its pixels."""
        return (self.bottom - self.top) * TILE, (self.right - self.left) * TILE


def pixel_m(zoom: int) -> float:
    """Compute the metres of `CRS` that a pixel covers.

    Examples
    --------
    >>> round(pixel_m(0), 2)
    156543.03
    """
    return 2 * HALF_M / (TILE * 2**zoom)


def tiles_over(bounds: Bounds, zoom: int) -> TileRange:
    """Find the tiles of a zoom that bounds touch."""
    size, last = TILE * pixel_m(zoom), 2**zoom - 1
    west, south, east, north = bounds

    def place(metres: float) -> int:
        return min(max(math.floor(metres / size), 0), last)

    return TileRange(
        zoom,
        place(west + HALF_M),
        place(HALF_M - north),
        place(east + HALF_M) + 1,
        place(HALF_M - south) + 1,
    )


def zooms_for(bounds: Bounds, finest_m: float, *, most_tiles: int) -> range:
    """Choose zooms: from one that shows bounds at a glance, to one with pixels fine enough.

    The first is one where they fill four tiles or fewer, and `AROUND` before the last or earlier.

    Parameters
    ----------
    finest_m
        A pixel of the last zoom is no larger, metres of `CRS`.
    most_tiles
        The last zoom has no more tiles, even if its pixels are larger then.
    """
    last = 0
    while last < MOST_ZOOM and pixel_m(last) > finest_m:
        if tiles_over(bounds, last + 1).number > most_tiles:
            break
        last += 1
    first = max(last - AROUND, 0)
    while first > 0 and tiles_over(bounds, first).number > 4:
        first -= 1
    return range(first, last + 1)
