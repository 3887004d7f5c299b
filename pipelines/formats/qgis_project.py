"""A QGIS project beside the files of a request: one double click opens all, in order and styled."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from markupsafe import Markup
from odc.geo.geobox import GeoBox
from pyproj import CRS
from pyproj.enums import WktVersion

from minerisk.pipelines.formats.templating import template

MARK_FORMAT = (
    '<text-style fontSize="12" fontSizeUnit="Point" namedStyle="Bold" fontWeight="75" '
    'textColor="255,255,255,255" textOpacity="1"/>'
)
"""Of the title decoration, as QGIS keeps it in a project."""


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
    """

    source: str
    title: str
    style: str
    geometry: str = "Raster"
    shown: bool = False
    group: str = ""
    part: str = ""

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
    def inner_style(self) -> Markup:
        """What the QML holds, out of its outer element."""
        start = self.style.index(">", self.style.index("<qgis")) + 1
        return Markup(self.style[start : self.style.rindex("</qgis>")].strip())


def project_text(
    layers: Sequence[ProjectLayer], *, title: str, geobox: GeoBox, mark: str = ""
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
        What the canvas says of itself, in its title decoration; empty is none. A layer styled by
        `minerisk.pipelines.formats.qml.mark_qml` says it in every other picture too.
    """
    crs = str(geobox.crs)
    return template("project.qgs.j2").render(
        layers=layers,
        groups=groupby(layers, key=lambda layer: layer.group),
        title=title,
        crs=crs,
        wkt=CRS(crs).to_wkt(WktVersion.WKT2_2019),
        extent=geobox.boundingbox,
        mark=mark,
        mark_format=MARK_FORMAT,
    )
