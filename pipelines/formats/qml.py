"""Layer styles for QGIS (QML)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minerisk.pipelines.formats.forms import ARMS, LANDS, NO_FORM, WAYS, LayerForm
from minerisk.pipelines.formats.palette import NO_VALUE, Legend, Ramp, rgba
from minerisk.pipelines.formats.templating import template
from minerisk.pipelines.language.marks import MARK_COLUMNS
from minerisk.pipelines.language.messages import ENGLISH, Texts

WAY_COLOURS = ("31,120,180,255", "140,90,43,255")
"""Of water, and of roads and railways."""
ARM_LINES = ("solid", "dot", "dash")
"""Of ranked tasks, tasks to learn from and control tasks."""
MARK_TIP = (
    "[% if(\"run_state\" = 'approved', '', \"run_state\") %] "
    "[% if(\"simulated\" = 1, 'SIMULATED', '') %]"
)
LABELS_TO = 400_000
"""Scale (1 to so much) up to which the numbers of tasks are shown; farther out they would cover
the map."""

_NUMBER = re.compile(r"(format_number\([^()]+, \d)\)")


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
    silent = next((colour for bound, colour, _ in style if bound == NO_VALUE), "")
    return template("raster.qml.j2").render(ramp=style, silent=silent)


def in_language(expression: str, texts: Texts) -> str:
    """Return a QGIS expression whose numbers are written as in a language, whatever that of QGIS.

    Azerbaijani takes Russian, the locale of QGIS that writes as `minerisk` does in both. What
    names a language already, such as coordinates, stays.
    """
    locale = "en" if texts.style.point == "." else "ru"
    return _NUMBER.sub(rf"\1, '{locale}')", expression)


def tasks_qml(texts: Texts = ENGLISH, *, form: LayerForm = NO_FORM) -> str:
    """Write the QGIS style of the task layer: outlines that show on every class, and numbers.

    Parameters
    ----------
    form
        Its columns in words, for tables and forms.
    """
    casing = _outline("255,255,255,255", "solid", "1.2")
    symbols = [
        Symbol("fill", "SimpleFill", (casing, _outline("0,0,0,255", line, "0.5")), arm, words)
        for (arm, words), line in zip(texts.words(ARMS).items(), ARM_LINES, strict=True)
    ]
    tip = (
        '<b>[% "task" %]</b> [% represent_value("arm") %]<br>[% format_number("hectares", 1) %] ha'
        "[% coalesce('<br>' || attribute($currentfeature, 'why'), '') %]"
        "<br><b>" + MARK_TIP + "</b>"
    )
    tip = in_language(tip, texts)
    return _vector_qml(symbols, column="arm", label="task", farthest=LABELS_TO, form=form, tip=tip)


def mark_qml() -> str:
    """Write the QGIS style of what a map says of itself: its column ``mark``, in white on red.

    It is drawn across the top of whatever part of the map is shown, in the canvas, in a picture of
    it and in a print layout: the place is made of the extent of the map, not of the feature.
    """
    return template("mark.qml.j2").render()


def registered_qml(texts: Texts = ENGLISH, *, form: LayerForm = NO_FORM) -> str:
    """Write the QGIS style of registered areas: IMAS colours for CHA and SHA, others in outline."""
    drawn = (
        ("255,0,0", "127", "solid"),
        ("244,167,24", "127", "dash"),
        ("119,119,119", "0", "dot"),
    )
    lands = [
        (value, words, *look)
        for (value, words), look in zip(texts.words(LANDS).items(), drawn, strict=True)
    ]
    symbols = [
        Symbol("fill", "SimpleFill", (_area(colour, opacity, line),), value, words)
        for value, words, colour, opacity, line in lands
    ]
    return _vector_qml(
        symbols,
        column="Land_Class",
        label="imsma_id",
        farthest=LABELS_TO // 4,
        form=form,
        tip='<b>[% "Land_Class" %] [% "imsma_id" %]</b><br>[% "Evid_Cont" %]: [% "Evid_Type" %]',
    )


def ways_qml(texts: Texts = ENGLISH, *, form: LayerForm = NO_FORM) -> str:
    """Write the QGIS style of lines that lead people, by their column ``kind``."""
    symbols = [
        Symbol("line", "SimpleLine", ({"line_color": colour, "line_width": "0.3"},), kind, words)
        for (kind, words), colour in zip(texts.words(WAYS).items(), WAY_COLOURS, strict=True)
    ]
    return _vector_qml(symbols, column="kind", form=form, tip='[% represent_value("kind") %]')


def districts_qml(*, form: LayerForm = NO_FORM) -> str:
    """Write the QGIS style of districts: grey edges, with their names."""
    edge = Symbol("fill", "SimpleFill", (_outline("85,85,85,255", "dash", "0.4"),))
    return _vector_qml([edge], label="name", form=form, tip='[% "name" %]')


def hillshade_qml() -> str:
    """Write the QGIS style of heights: hills shaded from the north-west."""
    return template("hillshade.qml.j2").render()


def line_qml(*, form: LayerForm = NO_FORM) -> str:
    """Write the QGIS style of a front line: black, dash and dot."""
    options = {"line_color": "0,0,0,255", "line_style": "dash dot", "line_width": "0.8"}
    return _vector_qml([Symbol("line", "SimpleLine", (options,))], form=form)


def points_qml(
    colour: str, *, label: str = "", size_mm: float = 1.6, form: LayerForm = NO_FORM, tip: str = ""
) -> str:
    """Write the QGIS style of points: small circles with a black edge, labelled by a column."""
    red, green, blue, opacity = rgba(colour)
    options = {
        "name": "circle",
        "color": f"{red},{green},{blue},{opacity}",
        "outline_color": "0,0,0,255",
        "size": f"{size_mm:g}",
    }
    marker = Symbol("marker", "SimpleMarker", (options,))
    return _vector_qml([marker], label=label, form=form, tip=tip)


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
    form: LayerForm = NO_FORM,
    tip: str = "",
) -> str:
    """Fill the style of vectors, told apart by `column` and labelled by the column `label`."""
    return template("vector.qml.j2").render(
        symbols=symbols,
        column=column,
        label=label,
        farthest=farthest,
        form=form,
        locked=[name for name in MARK_COLUMNS if name in form.aliases],
        tip=tip,
    )
