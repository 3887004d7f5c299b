"""What a map looks like: one palette for GIS styles, pictures and the report.

Purple and blue, told apart with every common kind of colour vision and in print. Registered areas
(CHA, SHA) keep red and orange to themselves; "cannot say" is grey; green is not used.
"""

from collections.abc import Mapping, Sequence
from xml.sax.saxutils import escape, quoteattr

from pipelines.texts import ENGLISH, Texts, marked

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
APPLICABLE_WORDS: Mapping[int, str] = {
    1: marked("like the surveyed land"),
    0: CLASS_WORDS[CANNOT_SAY],
}
APPLICABLE_COLOURS: Mapping[int, str] = {1: CLASS_COLOURS[LOWER], 0: CLASS_COLOURS[CANNOT_SAY]}

Ramp = Sequence[tuple[float, str, str]]
"""Steps of a scale, lowest first: upper bound, colour, words."""
LABELS_TO = 400_000
"""Scale up to which the numbers of tasks are shown; farther out they would cover the map."""
Symbol = tuple[str, str, str, str, Sequence[Mapping[str, str]]]
"""Value, words, type, class, and options of each of its layers, lowest first."""

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


def aux_xml(
    numbers: Mapping[str, str],
    categories: Mapping[int, str],
    colormap: Mapping[int, str] | Ramp | None,
) -> str:
    """Write the side file that GDAL and ArcGIS read: statistics, and names of classes."""
    lines = "".join(f'      <MDI key="{key}">{value}</MDI>\n' for key, value in numbers.items())
    metadata = f"    <Metadata>\n{lines}    </Metadata>\n" if numbers else ""
    colours = colormap if isinstance(colormap, Mapping) else {}
    table = _attribute_table(categories, colours) if categories else ""
    return (
        '<PAMDataset>\n  <PAMRasterBand band="1">\n'
        f"{table}{metadata}  </PAMRasterBand>\n</PAMDataset>\n"
    )


def _attribute_table(categories: Mapping[int, str], colours: Mapping[int, str]) -> str:
    fields = (("Value", 0, 5), ("Class", 2, 2), ("Red", 0, 6), ("Green", 0, 7), ("Blue", 0, 8))
    head = "".join(
        f'      <FieldDefn index="{place}"><Name>{name}</Name><Type>{kind}</Type>'
        f"<Usage>{usage}</Usage></FieldDefn>\n"
        for place, (name, kind, usage) in enumerate(fields)
    )
    rows = ""
    for place, (code, words) in enumerate(sorted(categories.items())):
        red, green, blue, _ = rgba(colours.get(code, "#000000"))
        cells = "".join(f"<F>{escape(str(v))}</F>" for v in (code, words, red, green, blue))
        rows += f'      <Row index="{place}">{cells}</Row>\n'
    return (
        f'    <GDALRasterAttributeTable tableType="thematic">\n{head}{rows}'
        "    </GDALRasterAttributeTable>\n"
    )
