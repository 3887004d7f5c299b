"""The polygons of a KML file, read in a process with limits."""

from collections.abc import Iterator
from pathlib import Path
from xml.etree import ElementTree as ET

import numpy as np
import shapely

from minerisk.features.errors import InputError
from minerisk.features.files.plain_files import read_plain
from minerisk.features.files.process import words_of

MOST_BYTES = 50_000_000


def kml_polygons(path: Path) -> list[str]:
    """Return the polygons of a KML file as GeoJSON, longitude first.

    Raises
    ------
    InputError
        If it is no KML, holds a document type, or takes more than it is given.
    """
    return words_of(kml_polygons_here, path)


def kml_polygons_here(path: Path) -> list[str]:
    """Read as `kml_polygons`, in this process."""
    content = read_plain(path, most=MOST_BYTES)
    if b"<!DOCTYPE" in content or b"<!ENTITY" in content or b"\0" in content:
        raise InputError("It has a document type or bytes that no KML has. Export it again.")
    try:
        root = ET.fromstring(content)
    except ET.ParseError as error:
        raise InputError(f"It is not XML ({error}). Export it again.") from error
    if not root.tag.endswith("kml"):
        raise InputError("It is XML, and no KML. Export it again.")
    return [shapely.to_geojson(shape) for shape in _polygons(root)]


def _polygons(root: ET.Element) -> Iterator[shapely.Geometry]:
    for polygon in root.iter():
        if not polygon.tag.endswith("}Polygon") and polygon.tag != "Polygon":
            continue
        rings = [_ring(element.text or "") for element in polygon.iter() if _is(element)]
        if rings:
            yield shapely.polygons(rings[0], holes=rings[1:] or None)


def _is(element: ET.Element) -> bool:
    return element.tag.rpartition("}")[2] == "coordinates"


def _ring(text: str) -> shapely.Geometry:
    try:
        places = [[float(part) for part in place.split(",")[:2]] for place in text.split()]
        ring = np.array(places, dtype=np.float64)
        if ring.ndim != 2 or len(ring) < 4 or not np.isfinite(ring).all():
            raise ValueError
        return shapely.linearrings(ring)
    except (ValueError, shapely.errors.GEOSException) as error:
        raise InputError("A polygon has no ring of four places or more. Draw it again.") from error
