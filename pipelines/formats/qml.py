"""Layer styles for QGIS (QML)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minerisk.pipelines.formats.palette import NO_VALUE, Legend, Ramp, rgba
from minerisk.pipelines.formats.templating import template
from minerisk.pipelines.language.messages import ENGLISH, Texts

LABELS_TO = 400_000
"""Scale (1 to so much) up to which the numbers of tasks are shown; farther out they would cover
the map."""


@dataclass(frozen=True)
class Symbol:
    """How QGIS draws the features of one value.

    Attributes
    ----------
    kind
        ``fill``, ``line`` or ``marker``.
    renderer
        Symbol layer class of QGIS, such as ``SimpleFill``.
    layers
        Options of each symbol layer, lowest first.
    value, words
        Value of the column that tells features apart, and its words in the legend.
    """

    kind: str
    renderer: str
    layers: Sequence[Mapping[str, str]]
    value: str = ""
    words: str = ""


def raster_qml(style: Legend | Ramp) -> str:
    """Write the QGIS style of a raster: codes, or fixed steps that are the same on every map.

    It is a raster renderer only; no expression is in it. Where the first step of a ramp is of
    cells without a value, they are drawn in its colour: in a raster by itself nothing is left
    blank that could be taken for low.
    """
    if isinstance(style, Legend):
        return template("raster.qml.j2").render(legend=style)
    silent = style[0][1] if style[0][0] == NO_VALUE else ""
    return template("raster.qml.j2").render(ramp=style, silent=silent)


def tasks_qml(texts: Texts = ENGLISH, *, aliases: Mapping[str, str] | None = None) -> str:
    """Write the QGIS style of the task layer: outlines that show on every class, and numbers.

    Parameters
    ----------
    aliases
        Columns in words, for tables and forms.
    """
    casing = _outline("255,255,255,255", "solid", "1.2")
    symbols = [
        Symbol("fill", "SimpleFill", (casing, _outline("0,0,0,255", line, "0.5")), arm, words)
        for arm, line, words in (
            ("ranked", "solid", texts.say("ranked by the model")),
            ("learn", "dot", texts.say("survey to learn: the model cannot say")),
            ("control", "dash", texts.say("control, drawn blind")),
        )
    ]
    tip = '<b>[% "task" %]</b><br>[% "hectares" %] ha<br>[% "why" %]'
    return _vector_qml(
        symbols, column="arm", label="task", farthest=LABELS_TO, aliases=aliases, tip=tip
    )


def mark_qml() -> str:
    """Write the QGIS style of what a map says of itself: its column ``mark``, in white on red.

    It is drawn across the top of whatever part of the map is shown, in the canvas, in a picture of
    it and in a print layout: the place is made of the extent of the map, not of the feature.
    """
    return template("mark.qml.j2").render()


def registered_qml(texts: Texts = ENGLISH) -> str:
    """Write the QGIS style of registered areas: IMAS colours for CHA and SHA, others in outline."""
    lands = (
        ("CHA", texts.say("CHA as registered"), "255,0,0", "127", "solid"),
        ("SHA", texts.say("SHA as registered"), "244,167,24", "127", "dash"),
        ("", texts.say("other registered land"), "119,119,119", "0", "dot"),
    )
    symbols = [
        Symbol("fill", "SimpleFill", (_area(colour, opacity, line),), value, words)
        for value, words, colour, opacity, line in lands
    ]
    return _vector_qml(
        symbols,
        column="Land_Class",
        label="imsma_id",
        farthest=LABELS_TO // 4,
        tip='[% "Land_Class" %] [% "imsma_id" %]',
    )


def ways_qml(texts: Texts = ENGLISH) -> str:
    """Write the QGIS style of lines that lead people, by their column ``kind``."""
    symbols = [
        Symbol("line", "SimpleLine", ({"line_color": colour, "line_width": "0.3"},), kind, words)
        for kind, colour, words in (
            ("water", "31,120,180,255", texts.say("river, stream or canal")),
            ("way", "140,90,43,255", texts.say("road or railway")),
        )
    ]
    return _vector_qml(symbols, column="kind")


def districts_qml() -> str:
    """Write the QGIS style of districts: grey edges, with their names."""
    return _vector_qml(
        [Symbol("fill", "SimpleFill", (_outline("85,85,85,255", "dash", "0.4"),))], label="name"
    )


def hillshade_qml() -> str:
    """Write the QGIS style of heights: hills shaded from the north-west."""
    return template("hillshade.qml.j2").render()


def line_qml() -> str:
    """Write the QGIS style of a front line: black, dash and dot."""
    options = {"line_color": "0,0,0,255", "line_style": "dash dot", "line_width": "0.8"}
    return _vector_qml([Symbol("line", "SimpleLine", (options,))])


def points_qml(colour: str, *, label: str = "", size_mm: float = 1.6) -> str:
    """Write the QGIS style of points: small circles with a black edge, labelled by a column."""
    red, green, blue, opacity = rgba(colour)
    options = {
        "name": "circle",
        "color": f"{red},{green},{blue},{opacity}",
        "outline_color": "0,0,0,255",
        "size": f"{size_mm:g}",
    }
    return _vector_qml([Symbol("marker", "SimpleMarker", (options,))], label=label)


def _outline(colour: str, line: str, width: str) -> Mapping[str, str]:
    return {
        "style": "no",
        "outline_color": colour,
        "outline_style": line,
        "outline_width": width,
    }


def _area(colour: str, opacity: str, line: str) -> Mapping[str, str]:
    return {
        "color": f"{colour},{opacity}",
        "outline_color": f"{colour},255",
        "outline_style": line,
        "outline_width": "0.4",
        "style": "solid",
    }


def _vector_qml(
    symbols: Sequence[Symbol],
    *,
    column: str = "",
    label: str = "",
    farthest: int = 0,
    aliases: Mapping[str, str] | None = None,
    tip: str = "",
) -> str:
    """Fill the style of vectors, told apart by `column` and labelled by the column `label`."""
    return template("vector.qml.j2").render(
        symbols=symbols,
        column=column,
        label=label,
        farthest=farthest,
        aliases=aliases or {},
        tip=tip,
    )
