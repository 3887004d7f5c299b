"""The project of a pack with the addresses of its files: QGIS opens a result without a download.

Addresses hold no token. QGIS takes it from its own store of sign-ins, by the id of an entry there,
or GDAL from a header. With an entry, vectors are read as features (OGC API): to read them by GDAL,
QGIS (3.22) writes name and password of the entry into the address that the layer keeps.
"""

import re
import xml.etree.ElementTree as ET
from dataclasses import dataclass

from pyproj import CRS
from pyproj.enums import WktVersion

HERE = "./"
"""Before the files of a pack, as its project names them."""
LAYERS = "<!DOCTYPE qgis-layer-definition>\n"
PROJECT = "<!DOCTYPE qgis PUBLIC 'http://mrcc.com/qgis.dtd' 'SYSTEM'>\n"


VECTORS = re.compile(r"\./(tasks|map)\.gpkg\|layername=(\w+)")
DEGREES = "EPSG:4326"
FEATURES = "OAPIF"
"""How QGIS names its reader of OGC API - Features."""


@dataclass(frozen=True)
class Remote:
    """Where a result is.

    Attributes
    ----------
    base
        Address of the desk, without a slash at its end.
    asked
        Id of the request.
    entry
        Id of the entry in QGIS's store that holds the token; none for a header.
    """

    base: str
    asked: str
    entry: str | None = None

    def source(self, own: str) -> tuple[str, str | None]:
        """Return where a layer of the pack is, and its reader if it is another."""
        vectors = VECTORS.fullmatch(own)
        if vectors is not None and self.entry is not None:
            kind, layer = vectors.groups()
            name = collection_of(self.asked, None if kind == "tasks" else layer)
            return (
                f"authcfg={self.entry} typename='{name}' url='{self.base}/api/ogc' "
                "version='OGC_API_FEATURES'",
                FEATURES,
            )
        led = f"/vsicurl/{self.base}/api/requests/{self.asked}/files/{own.removeprefix(HERE)}"
        return led + ("" if self.entry is None else f" authcfg='{self.entry}'"), None


def collection_of(asked: str, layer: str | None) -> str:
    """Name a layer of a result among the features: its tasks, or what is drawn over its maps."""
    return f"tasks-{asked}" if layer is None else f"drawn-{layer}-{asked}"


def remote_project(text: bytes, remote: Remote) -> str:
    """Lead a project of our own from the files beside it to their addresses."""
    return PROJECT + ET.tostring(_led(text, remote), encoding="unicode")


def remote_layers(text: bytes, remote: Remote) -> str:
    """Make a layer definition (``.qlr``) of the layers of a project, by their addresses."""
    project = _led(text, remote)
    definition = ET.Element("qlr")
    definition.extend(project.findall("layer-tree-group"))
    layers = ET.SubElement(definition, "maplayers")
    layers.extend(project.findall("projectlayers/maplayer"))
    return LAYERS + ET.tostring(definition, encoding="unicode")


def _led(text: bytes, remote: Remote) -> ET.Element:
    project = ET.fromstring(text)
    for layer in project.iter("maplayer"):
        place, reader = layer.find("datasource"), layer.find("provider")
        if place is not None and reader is not None and (place.text or "").startswith(HERE):
            place.text, other = remote.source(place.text or "")
            reader.text = other or reader.text
            if other == FEATURES:
                _in_degrees(layer)
    for branch in project.iter("layer-tree-layer"):
        if branch.attrib.get("source", "").startswith(HERE):
            led, named = remote.source(branch.attrib.get("source", ""))
            branch.set("source", led)
            branch.set("providerKey", named or branch.attrib.get("providerKey", ""))
    return project


def _in_degrees(layer: ET.Element) -> None:
    """State that the coordinates of a layer are longitude and latitude, as features have them.

    What is placed by the extent of the map is placed in the coordinates of the layer.
    """
    for label in layer.iter("placement"):
        made = label.attrib.get("geometryGenerator")
        if made is not None and "@map_extent" in made:
            label.set("geometryGenerator", f"transform({made}, @map_crs, '{DEGREES}')")
    for place in layer.findall("srs"):
        layer.remove(place)
    system = ET.SubElement(ET.SubElement(layer, "srs"), "spatialrefsys")
    ET.SubElement(system, "wkt").text = CRS(DEGREES).to_wkt(WktVersion.WKT2_2019)
    ET.SubElement(system, "srsid").text = "0"
    ET.SubElement(system, "authid").text = DEGREES
