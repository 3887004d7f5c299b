"""What a map looks like: one palette for GIS styles, pictures and the report.

Purple and blue, told apart with every common kind of colour vision and in print. Registered areas
(CHA, SHA) keep red and orange to themselves; "cannot say" is grey; green is not used.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minerisk.pipelines.language.words import marked

CANNOT_SAY, LOWER, ELEVATED, HIGHER, OUTSIDE = 0, 1, 2, 3, 255

CLASS_NAMES: Mapping[int, str] = {
    CANNOT_SAY: "cannot_say",
    LOWER: "lower",
    ELEVATED: "elevated",
    HIGHER: "higher",
}
CLASS_WORDS: Mapping[int, str] = {
    HIGHER: marked("higher: survey first"),
    ELEVATED: marked("elevated: survey next"),
    LOWER: marked("lower: survey later"),
    CANNOT_SAY: marked("cannot say: the data do not support a statement"),
}
CLASS_COLOURS: Mapping[int, str] = {
    CANNOT_SAY: "#969696",
    LOWER: "#c3d7ee",
    ELEVATED: "#7b3f9b",
    HIGHER: "#3b0050",
}
"""Told apart in black and white too: cannot say prints darker than lower, never as less of it."""

Ramp = Sequence[tuple[float, str, str]]
"""Steps of a scale, lowest first: upper bound, colour, words."""


@dataclass(frozen=True)
class Legend:
    """What the codes of a raster look like (``#rrggbb``) and are called."""

    colours: Mapping[int, str]
    words: Mapping[int, str]


MARK_CODE, MARK_BOUND, MARK_COLOUR = 254, -1e30, "#b00020"
"""A code and a bound that no cell has or reaches: their words are those of marks in a legend."""


def marked_style(style: Ramp | Legend, words: Sequence[str]) -> Ramp | Legend:
    """Put marks first in a legend, so that a raster that is opened by itself shows them."""
    if not words:
        return style
    line = " · ".join(words)
    if isinstance(style, Legend):
        colours = {MARK_CODE: MARK_COLOUR, **style.colours}
        return Legend(colours, {MARK_CODE: line, **style.words})
    return ((MARK_BOUND, MARK_COLOUR, line), *style)


CLASS_LEGEND = Legend(CLASS_COLOURS, CLASS_WORDS)
AREA_LEGEND = Legend(
    {1: "#b5d2ea", 0: CLASS_COLOURS[CANNOT_SAY]},
    {1: marked("like the surveyed land"), 0: CLASS_WORDS[CANNOT_SAY]},
)
"""Of the area of applicability: 1 inside, 0 outside."""

LINES_LEGEND = Legend(
    {2: "#b5d2ea", 1: "#c9a6dc", 0: CLASS_COLOURS[CANNOT_SAY]},
    {
        2: marked("every line is known here"),
        1: marked("some lines are known here, others say nothing"),
        0: marked("no line is known here: that none is drawn says nothing"),
    },
)
"""Of what is known of front lines and positions; codes of `minerisk.features.coverage`."""

PROBABILITY_RAMP: Ramp = (
    (0.005, "#bfd3e6", marked("under 0.5 %")),
    (0.01, "#9ebcda", "0.5 – 1 %"),
    (0.02, "#8c96c6", "1 – 2 %"),
    (0.05, "#8c6bb1", "2 – 5 %"),
    (0.10, "#88419d", "5 – 10 %"),
    (0.20, "#810f7c", "10 – 20 %"),
    (0.50, "#4d004b", "20 – 50 %"),
    (float("inf"), "#1d001c", marked("over 50 %")),
)
NO_VALUE = -9999.0
"""Bound of a step that no cell reaches: its words stand in the legend for cells without a value."""
SPOKEN_RAMP: Ramp = (
    (
        NO_VALUE,
        CLASS_COLOURS[CANNOT_SAY],
        marked("nothing is said: cannot say, or outside the study area"),
    ),
    *PROBABILITY_RAMP,
)
"""Of a probability that is kept back where the model cannot say."""
UNMASKED_RAMP: Ramp = (
    (0.005, "#f0f0f0", marked("NOT FOR RANKING: under 0.5 %")),
    (0.01, "#e0e0e0", "0.5 – 1 %"),
    (0.02, "#cccccc", "1 – 2 %"),
    (0.05, "#b3b3b3", "2 – 5 %"),
    (0.10, "#8c8c8c", "5 – 10 %"),
    (0.20, "#666666", "10 – 20 %"),
    (0.50, "#404040", "20 – 50 %"),
    (float("inf"), "#1a1a1a", marked("over 50 %")),
)
"""Of every cell's number, cannot say too: in greys, so that it is not taken for the map."""
DISSIMILARITY_RAMP: Ramp = (
    (0.1, "#eff3ff", marked("under 0.1: much like surveyed land")),
    (0.2, "#d3e3f3", "0.1 – 0.2"),
    (0.4, "#b5d2ea", "0.2 – 0.4"),
    (0.7, "#8fbce0", "0.4 – 0.7"),
    (1.0, "#6aa3d5", "0.7 – 1"),
    (float("inf"), "#6e6e6e", marked("over 1: unlike any surveyed land")),
)
DENSITY_RAMP: Ramp = (
    (0.5, "#6e6e6e", marked("none: no surveyed cell like this one")),
    (10.5, "#6aa3d5", marked("1 – 10: a few")),
    (100.5, "#8fbce0", "11 – 100"),
    (500.5, "#b5d2ea", "101 – 500"),
    (float("inf"), "#d3e3f3", marked("over 500: many surveyed cells like this one")),
)
"""Of at most 5,000 surveyed cells that are kept."""
EXPECTED_ERROR_RAMP: Ramp = (
    (-0.05, "#eff3ff", marked("under -0.05: says much more than the average")),
    (-0.02, "#c6dbef", "-0.05 – -0.02"),
    (-0.005, "#9ecae1", "-0.02 – -0.005"),
    (0.0, "#6baed6", marked("-0.005 – 0: says hardly more than the average")),
    (0.005, "#8c6bb1", marked("0 – 0.005: says less than the average")),
    (float("inf"), "#88419d", marked("over 0.005: misleads")),
)


def rgba(colour: str) -> tuple[int, int, int, int]:
    """Turn ``#rrggbb`` into four bytes."""
    red, green, blue = (int(colour[place : place + 2], 16) for place in (1, 3, 5))
    return red, green, blue, 255
