"""A QGIS project beside the files of a request: one double click opens all, in order and styled.

Two print layouts go with it: the whole map on a sheet, and a sheet for each task.
"""

import re
import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import NamedTuple

from markupsafe import Markup
from odc.geo.geobox import GeoBox
from odc.geo.geom import BoundingBox
from pyproj import CRS
from pyproj.enums import WktVersion

from minerisk.pipelines.formats.palette import MARK_CODE
from minerisk.pipelines.formats.templating import template

MARK_FORMAT = (
    '<text-style fontSize="10" fontSizeUnit="Point" namedStyle="Bold" fontWeight="75" '
    'textColor="255,255,255,255" textOpacity="1"/>'
)
"""Of the title decoration, as QGIS keeps it in a project: unread, it would be black on red."""
CANVAS_HEAD = 0.15
"""Of the height of the land, what the canvas shows above it when it opens: the mark lies there."""
SPACE = uuid.UUID("6f1d2c52-8a2e-5d0e-9d57-5f0a1c8e7b11")
"""Of the names of items, so that the same project has the same bytes."""
AIR = 1.06
"""Of the map around the land asked for."""
HEAD = 0.12
"""Part of the map of a sheet, from its top, that is kept for the mark: it covers no land."""


@dataclass(frozen=True)
class ProjectLayer:
    """A layer of a project.

    Attributes
    ----------
    source
        File in the project's folder; of a GeoPackage with ``|layername=``.
    title
        What the layer tree shows.
    style
        QML as `minerisk.pipelines.formats.qml` writes it.
    geometry
        ``Raster``, ``Polygon``, ``Line`` or ``Point``.
    shown
        Whether it is ticked when the project opens.
    group
        Name of the folder of the layer tree that it lies in; none is the tree itself.
    part
        Tells layers of one source apart.
    least_scale
        Denominator of the smallest scale at which it is drawn; 0 is every scale.
    """

    source: str
    title: str
    style: str
    geometry: str = "Raster"
    shown: bool = False
    group: str = ""
    part: str = ""
    least_scale: int = 0

    @property
    def id(self) -> str:
        """Name of the layer in the project's own links."""
        return "layer_" + "".join(
            sign if sign.isalnum() else "_" for sign in self.source + self.part
        )

    @property
    def provider(self) -> str:
        """What QGIS reads the layer by."""
        return "gdal" if self.geometry == "Raster" else "ogr"

    @property
    def legend_nodes(self) -> str:
        """Lines of a legend on paper: of a raster of codes all but the band and its marks."""
        codes = re.findall(r'<paletteEntry value="(\d+)"', self.style)
        return ",".join(str(place) for place, code in enumerate(codes, 1) if int(code) != MARK_CODE)

    @property
    def inner_style(self) -> Markup:
        """What the QML holds, out of its outer element."""
        start = self.style.index(">", self.style.index("<qgis")) + 1
        return Markup(self.style[start : self.style.rindex("</qgis>")].strip())


class Frame(NamedTuple):
    """Where an item lies on its sheet, millimetres from the upper left corner."""

    left: float
    top: float
    width: float
    height: float


class TaskLine(NamedTuple):
    """A line of the sheet of a task: what it tells, and the QGIS expression that tells it."""

    words: str
    expression: str


@dataclass(frozen=True)
class Sheets:
    """What the print layouts of a project say.

    Attributes
    ----------
    map_name, tasks_name
        Of the layouts.
    title, mark, foot
        Above the map, across it in white on red, and below; the last two on every sheet.
    task_lines
        Beside the map of a task.
    coverage
        Id of the layer of tasks, of which each has a sheet; empty is none.
    legend
        The layers that the legend names, in order.
    """

    map_name: str
    tasks_name: str
    title: str
    mark: str
    foot: str
    task_lines: Sequence[TaskLine]
    coverage: str
    legend: Sequence[ProjectLayer]


MAP_FRAME = Frame(10, 26, 179, 166)
TASK_FRAME = Frame(10, 34, 190, 118)


def project_text(
    layers: Sequence[ProjectLayer],
    *,
    title: str,
    geobox: GeoBox,
    mark: str = "",
    sheets: Sheets | None = None,
) -> str:
    """Write a QGIS project (``.qgs``) with relative paths.

    Parameters
    ----------
    layers
        From the top of the layer tree to the bottom; those of one group stand together, and a
        group opens unticked, since its maps would cover those beneath.
    title
        Of the project, and of the group that holds the layers.
    geobox
        The land to show when the project opens; its CRS is the project's.
    mark
        What the canvas says of itself, in its title decoration; empty is none. QGIS breaks no
        line of it, so that each has to be short enough for a narrow canvas. A layer styled by
        `minerisk.pipelines.formats.qml.mark_qml` says it in every other picture too.
    sheets
        What its print layouts say; none has none.
    """
    crs = str(geobox.crs)
    return template("project.qgs.j2").render(
        layers=layers,
        groups=groupby(layers, key=lambda layer: layer.group),
        title=title,
        crs=crs,
        wkt=CRS(crs).to_wkt(WktVersion.WKT2_2019),
        extent=_opened_extent(geobox, head=CANVAS_HEAD if mark else 0.0),
        mark=mark,
        mark_format=MARK_FORMAT,
        sheets=sheets,
        item_id=item_id,
        map_frame=MAP_FRAME,
        task_frame=TASK_FRAME,
        seen=seen_extent(geobox, MAP_FRAME, head=HEAD),
        seen_task=seen_extent(geobox, TASK_FRAME),
    )


def _opened_extent(geobox: GeoBox, *, head: float) -> BoundingBox:
    """Return the land that the canvas opens on, and `head` of its height above it."""
    box = geobox.boundingbox
    return BoundingBox(box.left, box.bottom, box.right, box.top + head * box.span_y, crs=box.crs)


def item_id(layout: str, item: str) -> str:
    """Name an item of a layout, as QGIS names them."""
    return "{" + str(uuid.uuid5(SPACE, f"{layout}/{item}")) + "}"


def seen_extent(
    geobox: GeoBox, frame: Frame, *, head: float = 0.0
) -> tuple[float, float, float, float]:
    """Widen the land of a grid to the shape of a frame: west, south, east, north.

    Of the frame's height, the share `head` at the top is left without land.
    """
    frame = frame._replace(height=frame.height * (1 - head))
    left, bottom, right, top = geobox.boundingbox
    width, height = AIR * (right - left), AIR * (top - bottom)
    width, height = (
        max(width, height * frame.width / frame.height),
        max(height, width * frame.height / frame.width),
    )
    middle, centre = (left + right) / 2, (bottom + top) / 2
    top = centre - height / 2 + height / (1 - head)
    return middle - width / 2, centre - height / 2, middle + width / 2, top
