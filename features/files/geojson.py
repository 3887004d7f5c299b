"""Which CRS a GeoJSON may name: one by its name, never one that is fetched from elsewhere.

GDAL follows a ``crs`` member of type link, esriwkt or url, at the top or in any geometry, and takes
the CRS from what the network answers. So each such member is looked at before GDAL sees the file.
"""

import json
import re
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.plain_text import plain_text

_WINDOW = 16 * 1024**2
_LONGEST = 4096
"""Bytes that a member ``crs`` may take."""

# Every spelling that a tolerant reader of JSON takes for the word: escapes, capitals, quotes.
_KEY = re.compile(
    rb"""["'](?:[cC]|\\u00[46]3)(?:[rR]|\\u00[57]2)(?:[sS]|\\u00[57]3)["']\s*""",
)
_AUTHORITY = r"(?:EPSG|OGC|ESRI|IGNF|IAU_\d{4})"
_NAME = re.compile(
    rf"""(?:urn:(?:x-)?ogc:def:crs:{_AUTHORITY}:[\w.]*:\w+
    |urn:ogc:def:crs,(?:crs:{_AUTHORITY}:[\w.]*:\w+,?)+
    |https?://(?:www\.)?opengis\.net/def/crs/{_AUTHORITY}/[\w.]+/\w+
    |{_AUTHORITY}:\w+|(?:OGC:)?CRS\d+h?|WGS84)""",
    re.VERBOSE | re.IGNORECASE,
)


def check_geojson(path: Path) -> None:
    """Refuse a GeoJSON with a ``crs`` that is something else than a name of EPSG or OGC.

    Raises
    ------
    InputError
        Naming what came.
    """
    kept = b""
    with path.open("rb") as file:
        while True:
            block = file.read(_WINDOW)
            text = kept + block
            for found in _KEY.finditer(text):
                if not block or len(text) - found.end() >= _LONGEST:
                    _check_member(path, text[found.end() : found.end() + _LONGEST])
            kept = text[-2 * _LONGEST :]
            if not block:
                return


def _check_member(path: Path, after: bytes) -> None:
    """Judge what follows the word ``crs``: nothing if it is a value, else the member's own."""
    if after[:1] not in (b":", b"/"):  # a value, or words in a text
        return
    text = after[1:].decode("utf-8", "replace").lstrip()
    if after[:1] == b":" and text[:1] in ('"', "-", "t", "f", "n", *"0123456789"):
        return  # a column of that name: what is followed is an object
    try:
        value, _ = json.JSONDecoder().raw_decode(text) if after[:1] == b":" else (None, 0)
    except (ValueError, RecursionError):
        value = None
    if not _is_name(value):
        shown = plain_text(text[:120])
        raise InputError(
            f"{path.name} has a crs that is no name of EPSG or OGC ({shown}); one that lies "
            "elsewhere is not fetched. Store the layer in EPSG:4326, or name its CRS such as "
            "urn:ogc:def:crs:EPSG::32638."
        )


def _is_name(value: object) -> bool:
    if not isinstance(value, dict) or set(value) != {"type", "properties"}:
        return False
    if not isinstance(value["properties"], dict):
        return False
    kind, properties = str(value.get("type")).lower(), value["properties"]
    if not all(isinstance(item, str | int) for item in properties.values()):
        return False
    if kind == "name":
        return set(properties) == {"name"} and bool(_NAME.fullmatch(str(properties["name"])))
    if kind == "epsg":
        return set(properties) == {"code"} and str(properties["code"]).isdecimal()
    urn = str(properties.get("urn", ""))
    return kind == "ogc" and set(properties) == {"urn"} and bool(_NAME.fullmatch(urn))
