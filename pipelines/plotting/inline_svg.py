"""A figure as an SVG element that can stand inside a page."""

import io
from xml.etree import ElementTree

import matplotlib
from markupsafe import Markup
from matplotlib.backends.backend_svg import FigureCanvasSVG
from matplotlib.figure import Figure

CROWDED = "crowded-"
"""A word whose group id starts so waits for the zoom."""
ON_MAP, IN_TABLE = "map-", "row-"
"""Ids of a task on the map and in the table of the page, which lead to each other."""
SVG = "{http://www.w3.org/2000/svg}"
KEPT = ("font-size", "font-weight", "text-anchor", "fill")


def inline_svg(figure: Figure, *, css_class: str, label: str, dpi: float) -> Markup:
    """Write a figure as inline SVG: words stay words, and no address of the web is in it.

    Style sheets of the page may change the size of words; they have a white edge.

    Parameters
    ----------
    css_class, label
        Of the element; the label is for those who cannot see it.
    dpi
        Of what is a picture.
    """
    stream = io.BytesIO()
    FigureCanvasSVG(figure)
    with matplotlib.rc_context({"svg.hashsalt": "minerisk", "svg.fonttype": "none"}):
        figure.savefig(stream, format="svg", dpi=dpi, metadata={"Date": None, "Creator": None})
    root = ElementTree.fromstring(stream.getvalue())
    box = root.attrib["viewBox"]
    for part in root.findall(f"{SVG}metadata"):
        root.remove(part)
    for part in root.findall(f"{SVG}defs"):
        for sheet in part.findall(f"{SVG}style"):  # it would hold for the whole page
            part.remove(sheet)
    for element in root.iter():
        _plain(element)
    root.attrib.clear()
    root.attrib.update(
        {"class": css_class, "viewBox": box, "role": "img", "aria-label": label},
        **{"font-family": "sans-serif"},
    )
    return Markup(ElementTree.tostring(root, encoding="unicode"))


def _plain(element: ElementTree.Element) -> None:
    """Remove namespaces and line breaks, and turn the style of words into attributes."""
    element.tag = element.tag.rpartition("}")[2]
    for name in [name for name in element.attrib if name.startswith("{")]:
        element.attrib[name.rpartition("}")[2]] = "".join(element.attrib.pop(name).split())
    element.attrib.pop("target", None)  # a link leads to another place of the same page
    if element.tag == "use":  # a style sheet that makes a symbol smaller leaves it where it is
        element.attrib["transform-origin"] = f"{element.attrib['x']} {element.attrib['y']}"
    if element.attrib.get("id", "").startswith(CROWDED):
        element.attrib["class"] = CROWDED.rstrip("-")
        element.attrib["id"] = element.attrib["id"].removeprefix(CROWDED)
    if element.tag != "text":
        return
    style = dict(part.strip().split(": ", 1) for part in element.attrib.pop("style").split(";"))
    element.attrib.update({name: style[name] for name in KEPT if name in style})
    if "fill" not in style:
        element.attrib.update({"stroke": "#fff", "stroke-width": "3", "paint-order": "stroke"})
