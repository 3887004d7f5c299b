"""From cells to colours: the maps that the desk shows, in the palette of the report."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from minerisk.pipelines.formats.palette import (
    CANNOT_SAY,
    CLASS_COLOURS,
    CLASS_WORDS,
    DISSIMILARITY_RAMP,
    ELEVATED,
    HIGHER,
    LOWER,
    OUTSIDE,
    PROBABILITY_RAMP,
    Ramp,
    rgba,
)
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.predict.bands import (
    DISSIMILARITY,
    LOWER_END,
    PROBABILITY,
    RISK_CLASS,
    UPPER_END,
)

Pixels = NDArray[np.uint8]
"""Shape ``(4, height, width)``: red, green, blue, opacity."""


class MapName(StrEnum):
    """A map that tiles are made of."""

    CLASS = "class"
    PROBABILITY = "probability"
    INTERVAL = "interval"
    DISSIMILARITY = "dissimilarity"
    UNKNOWN = "unknown"
    SHADE = "shade"


RISK_MAPS = (MapName.CLASS, MapName.PROBABILITY, MapName.INTERVAL, MapName.DISSIMILARITY)
"""Maps to choose from; the others lie over them."""
TITLES: Mapping[MapName, str] = {
    MapName.CLASS: marked("Risk class"),
    MapName.PROBABILITY: marked("Probability of contamination"),
    MapName.INTERVAL: marked("Width of the interval"),
    MapName.DISSIMILARITY: marked("Dissimilarity to surveyed land (over 1: cannot say)"),
}
RASTERS: Mapping[MapName, tuple[str, ...]] = {
    MapName.CLASS: (RISK_CLASS,),
    MapName.PROBABILITY: (PROBABILITY,),
    MapName.INTERVAL: (LOWER_END, UPPER_END),
    MapName.DISSIMILARITY: (DISSIMILARITY,),
    MapName.UNKNOWN: (RISK_CLASS,),
}
"""What each is made of, by the names of the rasters of a run."""
INTERVAL_RAMP: Ramp = (
    (0.01, "#eff3ff", marked("under 1 percentage point")),
    (0.02, "#c6dbef", "1 – 2"),
    (0.05, "#9ecae1", "2 – 5"),
    (0.10, "#6baed6", "5 – 10"),
    (0.20, "#3182bd", "10 – 20"),
    (0.50, "#08519c", "20 – 50"),
    (float("inf"), "#08264f", marked("over 50 percentage points: hardly anything is known")),
)
RAMPS: Mapping[MapName, Ramp] = {
    MapName.PROBABILITY: PROBABILITY_RAMP,
    MapName.INTERVAL: INTERVAL_RAMP,
    MapName.DISSIMILARITY: DISSIMILARITY_RAMP,
}
HATCH_EACH, HATCH_WIDTH = 8, 2
"""Pixels between lines, and of a line; the first goes into 256, so that lines meet at edges."""
GROUND, LINES = "#bdbdbd", "#5e5e5e"
SHADE = 90
"""Opacity of the darkest slope, of 255."""


@dataclass(frozen=True)
class Swatch:
    """A line of a legend."""

    colour: str
    words: str
    hatched: bool = False


def legend(name: MapName, texts: Texts) -> list[Swatch]:
    """List the colours of a map, the highest first, and what they mean."""
    unknown = Swatch(GROUND, texts.say(CLASS_WORDS[CANNOT_SAY]), hatched=True)
    if name is MapName.CLASS:
        codes = (HIGHER, ELEVATED, LOWER)
        return [*(Swatch(CLASS_COLOURS[code], texts.say(CLASS_WORDS[code])) for code in codes),
                unknown]  # fmt: skip
    steps = [Swatch(colour, words) for _, colour, words in reversed(texts.ramp(RAMPS[name]))]
    return [*steps, unknown]


def paint(name: MapName, cells: Sequence[np.ma.MaskedArray]) -> Pixels:
    """Colour the cells of a map.

    Parameters
    ----------
    name
        The map.
    cells
        One array a raster, in the order of `RASTERS`; shape ``(height, width)``.
    """
    if name is MapName.SHADE:
        return _shaded(cells[0])
    if name is MapName.UNKNOWN:
        return _hatched(_known(cells[0]) & (cells[0].data == CANNOT_SAY))
    if name is MapName.CLASS:
        codes = np.where(_known(cells[0]), cells[0].data, OUTSIDE).astype(np.uint8)
        table = np.zeros((256, 4), dtype=np.uint8)
        for code, colour in CLASS_COLOURS.items():
            table[code] = rgba(colour)
        return np.moveaxis(table[codes], -1, 0)
    values = cells[0].data if len(cells) == 1 else cells[1].data - cells[0].data
    known = np.logical_and.reduce([_known(each) for each in cells])
    return _stepped(np.where(known, values, np.nan), RAMPS[name])


def _known(cells: np.ma.MaskedArray) -> NDArray[np.bool_]:
    return np.asarray(~np.ma.getmaskarray(cells) & np.isfinite(cells.data))


def _stepped(values: NDArray[np.floating], ramp: Ramp) -> Pixels:
    uppers = [upper for upper, _, _ in ramp[:-1]]
    table = np.array([rgba(colour) for _, colour, _ in ramp] + [(0, 0, 0, 0)], dtype=np.uint8)
    steps = np.searchsorted(uppers, values, side="right")
    return np.moveaxis(table[np.where(np.isfinite(values), steps, len(ramp))], -1, 0)


def _hatched(where: NDArray[np.bool_]) -> Pixels:
    rows, columns = np.indices(where.shape)
    line = (rows + columns) % HATCH_EACH < HATCH_WIDTH
    pixels = np.where(line, _column(LINES), _column(GROUND))
    return np.where(where, pixels, np.uint8(0)).astype(np.uint8)


def _column(colour: str) -> Pixels:
    return np.array(rgba(colour), dtype=np.uint8).reshape(4, 1, 1)


def _shaded(light: np.ma.MaskedArray) -> Pixels:
    """Darken slopes away from the light; 128 is level ground, and stays as it is."""
    dark = np.where(_known(light), np.clip(128 - light.data.astype(np.int16), 0, 128), 0)
    pixels = np.zeros((4, *light.shape), dtype=np.uint8)
    pixels[3] = (dark * SHADE // 128).astype(np.uint8)
    return pixels
