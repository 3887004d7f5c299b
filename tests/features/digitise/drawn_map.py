"""A map that is drawn here, so that the true place of every line on it is known."""

from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import shapely
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont
from shapely.ops import substring

INK, RED, PAPER, GROUND = (115, 60, 70), (190, 70, 60), (250, 248, 252), (214, 222, 214)
WIDTH, PIXEL_M, TURN_DEG = 9, 30.0, 3.0
SIZE = (1100, 900)
FRAME = "60,60,1040,840"
LEGEND = "760,80,1020,180"
ORIGIN = np.array([560_000.0, 4_950_000.0])


def ground_of(pixels: NDArray[np.float64]) -> NDArray[np.float64]:
    """Place pixels on the ground (EPSG:32633): thirty metres each, and a sheet laid askew."""
    turn = np.radians(TURN_DEG)
    column, row = np.asarray(pixels, dtype=np.float64).T * PIXEL_M
    east = np.cos(turn) * column + np.sin(turn) * row
    north = np.sin(turn) * column - np.cos(turn) * row
    return np.stack([east, north], axis=1) + ORIGIN


@dataclass(frozen=True)
class DrawnMap:
    """A map and its truth.

    Attributes
    ----------
    solid, dashed, dotted
        Where the lines run, columns and rows.
    crossings
        Of the graticule, columns and rows.
    """

    image: Image.Image
    solid: shapely.LineString
    dashed: shapely.LineString
    dotted: shapely.LineString
    crossings: NDArray[np.float64]

    def save(self, path: Path, **options: int | str) -> Path:
        self.image.save(path, **options)
        return path

    def write_points(self, path: Path, *, scan: str) -> Path:
        rows = [
            f"{scan},{column:.2f},{row:.2f},{east:.2f},{north:.2f}"
            for (column, row), (east, north) in zip(
                self.crossings, ground_of(self.crossings), strict=True
            )
        ]
        path.write_text("\n".join(["file,column,row,easting,northing", *rows]), encoding="utf-8")
        return path


def wave(start: tuple[float, float], end: tuple[float, float], bend: float) -> shapely.LineString:
    along = np.linspace(0, 1, 200)[:, None]
    straight = np.array(start) * (1 - along) + np.array(end) * along
    across = np.array([start[1] - end[1], end[0] - start[0]])
    across = across / np.hypot(*across)
    return shapely.LineString(straight + bend * np.sin(3 * np.pi * along) * across)


def stroke(draw: ImageDraw.ImageDraw, line: shapely.LineString, colour: tuple[int, ...]) -> None:
    """Draw a line as wide as the ink is; a pixel's middle is half a pixel from its corner."""
    places = [(x - 0.5, y - 0.5) for x, y in line.coords]
    draw.line(places, fill=colour, width=WIDTH, joint="curve")


def dashes(line: shapely.LineString, *pattern: float) -> list[shapely.LineString]:
    """Cut a line into strokes; the pattern is stroke, gap, stroke, gap …"""
    found, at, turn = [], 0.0, 0
    while at < line.length:
        length = pattern[turn % len(pattern)]
        if turn % 2 == 0:
            found.append(substring(line, at, min(at + length, line.length)))
        at, turn = at + length, turn + 1
    return found


@lru_cache
def draw_map(*, noise: float = 6.0, seed: int = 1) -> DrawnMap:
    """Draw lines of three kinds among roads, text in their colour, an arrow and a legend."""
    image = Image.new("RGB", SIZE, PAPER)
    draw = ImageDraw.Draw(image)
    for x in range(80, 1000, 160):
        draw.ellipse([x, 200 + x % 300, x + 110, 330 + x % 300], fill=GROUND)
    for k in range(12):  # roads, thin and of many colours
        draw.line([(60, 90 + 65 * k), (1040, 840 - 60 * k)], fill=(190, 180, 160), width=2)
    solid = wave((60, 700), (1040, 640), 60)
    dashed = wave((120, 560), (960, 260), 35)
    dotted = wave((150, 180), (620, 220), 20)
    stroke(draw, solid, INK)
    for piece in (*dashes(dashed, 34, 14, 9, 14), *dashes(dotted, 9, 13)):
        stroke(draw, piece, INK)
    draw.rectangle([760, 80, 1020, 180], fill=PAPER, outline=(40, 40, 40), width=3)
    draw.line([(780, 130), (880, 130)], fill=INK, width=WIDTH)  # the sample in the legend
    font = ImageFont.load_default(size=26)
    draw.text((200, 770), "FRONT LINE AS OF MAY", fill=INK, font=font)
    draw.text((890, 115), "May 1992", fill=(40, 40, 40), font=font)
    draw.line([(300, 480), (500, 780)], fill=RED, width=14)  # an arrow across the solid line
    draw.rectangle([60, 60, 1040, 840], outline=(30, 30, 30), width=3)
    spread = np.random.default_rng(seed).normal(0, noise, (SIZE[1], SIZE[0], 3))
    noisy = np.clip(np.asarray(image) + spread, 0, 255).astype(np.uint8)
    crossings = np.array([(x, y) for x in (150.0, 500.0, 950.0) for y in (120.0, 450.0, 800.0)])
    return DrawnMap(Image.fromarray(noisy), solid, dashed, dotted, crossings)
