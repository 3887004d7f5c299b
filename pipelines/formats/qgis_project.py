"""A QGIS project beside the files of a request: one double click opens all, in order and styled."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from xml.sax.saxutils import escape, quoteattr

from odc.geo.geobox import GeoBox
from pyproj import CRS
from pyproj.enums import WktVersion


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
        QML as `minerisk.pipelines.formats.palette` writes it.
    geometry
        ``Raster``, ``Polygon``, ``Line`` or ``Point``.
    shown
        Whether it is ticked when the project opens.
    group
        Name of the folder of the layer tree that it lies in; none is the tree itself.
    """

    source: str
    title: str
    style: str
    geometry: str = "Raster"
    shown: bool = False
    group: str = ""

    @property
    def id(self) -> str:
        """Name of the layer in the project's own links."""
        return "layer_" + "".join(sign if sign.isalnum() else "_" for sign in self.source)


def project_text(
    layers: Sequence[ProjectLayer],
    *,
    title: str,
    geobox: GeoBox,
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
    """
    tree = "".join(
        _grouped(group, "".join(_leaf(layer) for layer in members))
        for group, members in groupby(layers, key=lambda layer: layer.group)
    )
    order = "".join(f"<item>{layer.id}</item>\n" for layer in layers)
    crs, names = str(geobox.crs), ("xmin", "ymin", "xmax", "ymax")
    sides = zip(names, geobox.boundingbox, strict=True)
    extent = "".join(f"<{name}>{value}</{name}>" for name, value in sides)
    return (
        "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"
        f'<qgis version="3.22.0" projectname={quoteattr(title)}>\n'
        f"<title>{escape(title)}</title>\n<projectCrs>{_srs(crs)}</projectCrs>\n"
        '<layer-tree-group>\n<layer-tree-group expanded="1" checked="Qt::Checked" '
        f"name={quoteattr(title)}>\n{tree}</layer-tree-group>\n"
        f'<custom-order enabled="0">\n{order}</custom-order>\n</layer-tree-group>\n'
        f'<mapcanvas name="theMapCanvas"><units>meters</units><extent>{extent}</extent>'
        f"<destinationsrs>{_srs(crs)}</destinationsrs></mapcanvas>\n"
        f"<projectlayers>\n{''.join(_layer(layer, crs) for layer in layers)}</projectlayers>\n"
        '<properties><Paths><Absolute type="bool">false</Absolute></Paths>'
        '<SpatialRefSys><ProjectionsEnabled type="int">1</ProjectionsEnabled></SpatialRefSys>'
        "</properties>\n</qgis>\n"
    )


def _grouped(group: str, leaves: str) -> str:
    if not group:
        return leaves
    return (
        f'<layer-tree-group expanded="0" checked="Qt::Unchecked" name={quoteattr(group)}>\n'
        f"{leaves}</layer-tree-group>\n"
    )


def _leaf(layer: ProjectLayer) -> str:
    return (
        f'<layer-tree-layer id="{layer.id}" name={quoteattr(layer.title)} expanded="0" '
        f'checked="{"Qt::Checked" if layer.shown else "Qt::Unchecked"}" '
        f'source={quoteattr(f"./{layer.source}")} providerKey="{_provider(layer)}"/>\n'
    )


def _layer(layer: ProjectLayer, crs: str) -> str:
    kind = f'type="vector" labelsEnabled="1" geometry="{layer.geometry}"'
    if layer.geometry == "Raster":
        kind = 'type="raster"'
    return (
        f"<maplayer {kind}>\n<id>{layer.id}</id>\n"
        f"<datasource>./{escape(layer.source)}</datasource>\n"
        f"<layername>{escape(layer.title)}</layername>\n<srs>{_srs(crs)}</srs>\n"
        f"<provider>{_provider(layer)}</provider>\n{_inner(layer.style)}\n</maplayer>\n"
    )


def _provider(layer: ProjectLayer) -> str:
    return "gdal" if layer.geometry == "Raster" else "ogr"


def _inner(style: str) -> str:
    """Take what a QML file holds out of its outer element."""
    start = style.index(">", style.index("<qgis")) + 1
    return style[start : style.rindex("</qgis>")].strip()


def _srs(crs: str) -> str:
    wkt = CRS(crs).to_wkt(WktVersion.WKT2_2019)
    return (
        f"<spatialrefsys><wkt>{escape(wkt)}</wkt><srsid>0</srsid>"
        f"<authid>{escape(crs)}</authid></spatialrefsys>"
    )
