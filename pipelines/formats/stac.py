"""The STAC item of a request: what the files are, where, of when, and their hashes."""

import datetime as dt
import json
from collections.abc import Mapping
from pathlib import Path

import pystac
from odc.geo.geobox import GeoBox
from pyproj import CRS, Transformer
from pystac import MediaType

EXTENSIONS = (
    "https://stac-extensions.github.io/projection/v2.0.0/schema.json",
    "https://stac-extensions.github.io/file/v2.1.0/schema.json",
    "https://stac-extensions.github.io/processing/v1.2.0/schema.json",
)
MEDIA: Mapping[str, str] = {
    ".tif": MediaType.COG,
    ".gpkg": MediaType.GEOPACKAGE,
    ".csv": "text/csv",
    ".geojson": MediaType.GEOJSON,
    ".kml": MediaType.KML,
    ".xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    ".html": MediaType.HTML,
    ".md": "text/markdown",
    ".json": MediaType.JSON,
    ".qml": MediaType.XML,
    ".xml": MediaType.XML,
    ".qgs": MediaType.XML,
    ".txt": MediaType.TEXT,
    ".mbtiles": "application/vnd.sqlite3",
}
ROLES: Mapping[str, str] = {
    ".tif": "data",
    ".gpkg": "data",
    ".csv": "data",
    ".geojson": "data",
    ".kml": "data",
    ".xlsx": "data",
    ".mbtiles": "visual",
}
EARLIEST = dt.datetime(1900, 1, 1, tzinfo=dt.UTC)
LATEST = dt.datetime(9999, 12, 31, tzinfo=dt.UTC)
CORNERS = 8
"""Points along each edge of the footprint: an edge of the grid is bent in degrees."""


def stac_item(
    hashes: Mapping[str, str],
    folder: Path,
    geobox: GeoBox,
    *,
    name: str,
    when: dt.date | None,
    properties: Mapping[str, str],
) -> pystac.Item:
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
        covers all time that evidence can be of (1900 on), and says so.
    properties
        More properties, such as ``title`` and ``processing:lineage``.

    Returns
    -------
    pystac.Item
        The MLM extension is left out: it describes a model that is handed over, and none is.
    """
    ring = _footprint(geobox)
    east, north = [point[0] for point in ring], [point[1] for point in ring]
    return pystac.Item(
        id=name,
        geometry={"type": "Polygon", "coordinates": [ring]},
        bbox=[min(east), min(north), max(east), max(north)],
        datetime=None if when is None else dt.datetime.combine(when, dt.time(), dt.UTC),
        start_datetime=EARLIEST if when is None else None,
        end_datetime=LATEST if when is None else None,
        properties={
            **({"minerisk:when": "all evidence up to the day of the run"} if when is None else {}),
            "proj:code": str(geobox.crs),
            "proj:shape": list(geobox.shape),
            "proj:transform": list(geobox.transform)[:6],
            **properties,
        },
        stac_extensions=list(EXTENSIONS),
        assets={file: _asset(file, digest, folder) for file, digest in sorted(hashes.items())},
    )


def item_text(item: pystac.Item) -> str:
    """Write an item as JSON."""
    return json.dumps(item.to_dict(include_self_link=False), indent=1, sort_keys=True) + "\n"


def _asset(name: str, digest: str, folder: Path) -> pystac.Asset:
    suffix = Path(name).suffix
    return pystac.Asset(
        href=f"./{name}",
        media_type=MEDIA.get(suffix, "application/octet-stream"),
        roles=[ROLES.get(suffix, "metadata")],
        extra_fields={
            "file:checksum": f"1220{digest}",  # multihash: SHA-256, 32 bytes
            "file:size": (folder / name).stat().st_size,
        },
    )


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
