"""Layer styles for QGIS (QML)."""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import quoteattr

from minerisk.pipelines.formats.palette import Ramp, rgba
from minerisk.pipelines.language.messages import ENGLISH, Texts

LABELS_TO = 400_000


Symbol = tuple[str, str, str, str, Sequence[Mapping[str, str]]]


def class_qml(colours: Mapping[int, str], words: Mapping[int, str]) -> str:
    """Write the QGIS style of a class raster (raster renderer only, no expressions)."""
    entries = "\n".join(
        f'        <paletteEntry value="{code}" color="{colour}" alpha="255" '
        f"label={quoteattr(words.get(code, str(code)))}/>"
        for code, colour in sorted(colours.items(), reverse=True)
    )
    return _raster_qml(
        '    <rasterrenderer type="paletted" band="1" opacity="1" alphaBand="-1" '
        'nodataColor="">\n      <rasterTransparency/>\n'
        f"      <colorPalette>\n{entries}\n      </colorPalette>\n    </rasterrenderer>"
    )


def ramp_qml(ramp: Ramp) -> str:
    """Write the QGIS style of a raster of numbers: fixed steps, the same on every map."""
    items = "\n".join(
        f'          <item value="{upper:g}" color="{colour}" alpha="255" label={quoteattr(words)}/>'
        for upper, colour, words in ramp
    )
    return _raster_qml(
        '    <rasterrenderer type="singlebandpseudocolor" band="1" opacity="1" alphaBand="-1" '
        'nodataColor="" classificationMin="0" classificationMax="1">\n      <rasterTransparency/>\n'
        '      <rastershader>\n        <colorrampshader colorRampType="DISCRETE" '
        'classificationMode="1" clip="0" minimumValue="0" maximumValue="1">\n'
        f"{items}\n        </colorrampshader>\n      </rastershader>\n    </rasterrenderer>"
    )


def _raster_qml(renderer: str) -> str:
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        '<qgis version="3.28.0" styleCategories="Symbology">\n  <pipe>\n'
        f"{renderer}\n"
        '    <brightnesscontrast brightness="0" contrast="0" gamma="1"/>\n'
        '    <huesaturation saturation="0" colorizeOn="0" grayscaleMode="0"/>\n'
        '    <rasterresampler maxOversampling="2"/>\n'
        "  </pipe>\n  <blendMode>0</blendMode>\n</qgis>\n"
    )


def tasks_qml(texts: Texts = ENGLISH) -> str:
    """Write the QGIS style of the task layer: outlines that show on every class, and numbers."""
    symbols: list[Symbol] = []
    for arm, line, words in (
        ("ranked", "solid", texts.say("ranked by the model")),
        ("learn", "dot", texts.say("survey to learn: the model cannot say")),
        ("control", "dash", texts.say("control, drawn blind")),
    ):
        casing = _outline("255,255,255,255", "solid", "1.2")
        symbols.append(
            (arm, words, "fill", "SimpleFill", (casing, _outline("0,0,0,255", line, "0.5")))
        )
    return _categorized_qml("arm", symbols, label="task", farthest=LABELS_TO)


def _outline(colour: str, line: str, width: str) -> Mapping[str, str]:
    return {
        "style": "no",
        "outline_color": colour,
        "outline_style": line,
        "outline_width": width,
    }


def registered_qml(texts: Texts = ENGLISH) -> str:
    """Write the QGIS style of registered areas: IMAS colours for CHA and SHA, others in outline."""
    lands = (
        ("CHA", texts.say("CHA as registered"), "255,0,0", "127", "solid"),
        ("SHA", texts.say("SHA as registered"), "244,167,24", "127", "dash"),
        ("", texts.say("other registered land"), "119,119,119", "0", "dot"),
    )
    symbols: list[Symbol] = [
        (
            value,
            words,
            "fill",
            "SimpleFill",
            (
                {
                    "color": f"{colour},{opacity}",
                    "outline_color": f"{colour},255",
                    "outline_style": line,
                    "outline_width": "0.4",
                    "style": "solid",
                },
            ),
        )
        for value, words, colour, opacity, line in lands
    ]
    return _categorized_qml("Land_Class", symbols)


def line_qml() -> str:
    """Write the QGIS style of a front line: black, dash and dot."""
    options = {"line_color": "0,0,0,255", "line_style": "dash dot", "line_width": "0.8"}
    return _single_qml("line", "SimpleLine", options)


def points_qml(colour: str, *, label: str = "", size_mm: float = 1.6) -> str:
    """Write the QGIS style of points: small circles with a black edge, labelled by a column."""
    red, green, blue, opacity = rgba(colour)
    options = {
        "name": "circle",
        "color": f"{red},{green},{blue},{opacity}",
        "outline_color": "0,0,0,255",
        "size": f"{size_mm:g}",
    }
    return _single_qml("marker", "SimpleMarker", options, label=label)


def _categorized_qml(
    column: str, symbols: Sequence[Symbol], *, label: str = "", farthest: int = 0
) -> str:
    categories = "".join(
        f'      <category value={quoteattr(value)} symbol="{place}" render="true" '
        f"label={quoteattr(words)}/>\n"
        for place, (value, words, *_) in enumerate(symbols)
    )
    drawn = "".join(_symbol_qml(place, *symbol[2:]) for place, symbol in enumerate(symbols))
    return _vector_qml(
        f'  <renderer-v2 type="categorizedSymbol" attr="{column}" forceraster="0" '
        f'symbollevels="0">\n    <categories>\n{categories}    </categories>\n'
        f"    <symbols>\n{drawn}    </symbols>\n  </renderer-v2>\n",
        label=label,
        farthest=farthest,
    )


def _single_qml(kind: str, layer: str, options: Mapping[str, str], *, label: str = "") -> str:
    return _vector_qml(
        '  <renderer-v2 type="singleSymbol" forceraster="0" symbollevels="0">\n'
        f"    <symbols>\n{_symbol_qml(0, kind, layer, (options,))}    </symbols>\n"
        "  </renderer-v2>\n",
        label=label,
    )


def _symbol_qml(place: int, kind: str, layer: str, options: Sequence[Mapping[str, str]]) -> str:
    layers = ""
    for single in options:
        lines = "".join(
            f'            <Option type="QString" name="{name}" value="{value}"/>\n'
            for name, value in single.items()
        )
        layers += (
            f'        <layer class="{layer}" enabled="1" pass="0" locked="0">\n'
            f'          <Option type="Map">\n{lines}          </Option>\n        </layer>\n'
        )
    return (
        f'      <symbol type="{kind}" name="{place}" alpha="1" clip_to_extent="1">\n'
        f"{layers}      </symbol>\n"
    )


def _vector_qml(renderer: str, *, label: str = "", farthest: int = 0) -> str:
    """Join renderer and labels; `farthest` is the scale (1 to so much) up to which labels show."""
    scales = f'      <rendering scaleVisibility="1" scaleMin="1" scaleMax="{farthest}"/>\n'
    labelling = (
        '  <labeling type="simple">\n    <settings calloutType="simple">\n'
        f'      <text-style fieldName="{label}" fontSize="8" textColor="0,0,0,255">\n'
        '        <text-buffer bufferDraw="1" bufferSize="0.8" bufferColor="255,255,255,255"/>\n'
        f"      </text-style>\n{scales if farthest else ''}    </settings>\n  </labeling>\n"
    )
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'<qgis version="3.28.0" styleCategories="Symbology|Labeling" '
        f'labelsEnabled="{bool(label):d}">\n'
        f"{renderer}{labelling if label else ''}</qgis>\n"
    )
