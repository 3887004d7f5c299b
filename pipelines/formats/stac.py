"""The STAC item of a request: what the files are, where, of when, and their hashes."""

import datetime as dt
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer

VERSION = "1.1.0"
EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
)
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
MEDIA: Mapping[str, str] = {
    ".tif": COG,
    ".gpkg": "application/geopackage+sqlite3",
    ".csv": "text/csv",
    ".geojson": "application/geo+json",
    ".kml": "application/vnd.google-earth.kml+xml",
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": "text/html",
    ".md": "text/markdown",
    ".json": "application/json",
    ".qml": "application/xml",
    ".xml": "application/xml",
    ".qgs": "application/xml",
    ".txt": "text/plain",
}
ROLES: Mapping[str, str] = {
    ".tif": "data",
    ".gpkg": "data",
    ".csv": "data",
    ".geojson": "data",
    ".kml": "data",
    ".xlsx": "data",
}
CORNERS = 8
"""Points along each edge of the footprint: an edge of the grid is bent in degrees."""


def stac_item(
    hashes: Mapping[str, str],
    folder: Path,
    geobox: GeoBox,
    *,
    name: str,
    when: dt.date | None,
    facts: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe the files of a request as a STAC item.

    Parameters
    ----------
    hashes
        File name to SHA-256.
    folder
        Where the files are.
    geobox
        Grid of the rasters.
    name
        Id of the item.
    when
        Day up to which evidence counts; none if the evidence bears no date, and the item then
        gives the whole of time that evidence can be of (1900 on), and says so.
    facts
        More properties, such as ``title`` and ``processing:lineage``.

    Returns
    -------
    dict
        The MLM extension is left out: it describes a model that is handed over, and none is.
    """
    ring = _footprint(geobox)
    east, north = [point[0] for point in ring], [point[1] for point in ring]
    return {
        "type": "Feature",
        "stac_version": VERSION,
        "stac_extensions": list(EXTENSIONS),
        "id": name,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
        "bbox": [min(east), min(north), max(east), max(north)],
        "properties": {**_when(when), **_grid(geobox), **facts},
        "links": [],
        "assets": {file: _asset(file, digest, folder) for file, digest in sorted(hashes.items())},
    }


def _when(when: dt.date | None) -> dict[str, Any]:
    if when is not None:
        return {"datetime": f"{when.isoformat()}T00:00:00Z"}
    return {
        "datetime": None,
        "start_datetime": "1900-01-01T00:00:00Z",
        "end_datetime": "9999-12-31T00:00:00Z",
        "minerisk:when": "the evidence bears no common date",
    }


def _grid(geobox: GeoBox) -> dict[str, Any]:
    return {
        "proj:code": str(geobox.crs),
        "proj:shape": list(geobox.shape),
        "proj:transform": list(geobox.transform)[:6],
    }


def _asset(name: str, digest: str, folder: Path) -> dict[str, Any]:
    suffix = Path(name).suffix
    return {
        "href": f"./{name}",
        "type": MEDIA.get(suffix, "application/octet-stream"),
        "roles": [ROLES.get(suffix, "metadata")],
        "file:checksum": f"1220{digest}",  # multihash: SHA-256, 32 bytes
        "file:size": (folder / name).stat().st_size,
    }


def _footprint(geobox: GeoBox) -> list[list[float]]:
    box = geobox.boundingbox
    corners = [
        (box.left, box.bottom),
        (box.right, box.bottom),
        (box.right, box.top),
        (box.left, box.top),
    ]
    degrees = Transformer.from_crs(CRS(str(geobox.crs)), CRS("EPSG:4326"), always_xy=True)
    ring = []
    for (x0, y0), (x1, y1) in zip(corners, [*corners[1:], corners[0]], strict=True):
        for place in range(CORNERS):
            share = place / CORNERS
            found = degrees.transform(x0 + share * (x1 - x0), y0 + share * (y1 - y0))
            ring.append([round(float(value), 7) for value in found])
    return [*ring, ring[0]]
