"""What files beside a GeoTIFF say of it: nodata, scale, unit, CRS and position, and a mask.

GDAL reads these too, and more: a file beside a raster can name others, on any machine. So they are
read here, by what is known of them, and GDAL is given the TIFF alone. What they say stands above
what the TIFF says itself, as in GDAL; a world file counts only where nothing else gives a position.
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from xml.etree import ElementTree

from affine import Affine

from minerisk.features.errors import InputError

MAX_BYTES = 16 * 1024**2
WORLD_FILES = (".tfw", ".tifw", ".tiffw", ".wld")
_ERDAS = b"EHFA_HEADER_TAG"


@dataclass(frozen=True)
class Beside:
    """What lies beside one band of a GeoTIFF; None where nothing is said.

    Attributes
    ----------
    nodata, scale, offset, unit
        Of the band; `nodata` is a value as it is stored, before scale and offset.
    crs, transform
        Of the raster, in the place of its own.
    world_file
        The transform of a raster that has none of its own.
    mask
        A GeoTIFF of the same shape that is 0 where nothing was measured.
    """

    nodata: float | None = None
    scale: float | None = None
    offset: float | None = None
    unit: str | None = None
    crs: str | None = None
    transform: Affine | None = None
    world_file: Affine | None = None
    mask: Path | None = None


def read_beside(path: Path, files: Iterable[Path], *, band: int) -> Beside:
    """Read what the files beside a GeoTIFF say of one of its bands.

    Parameters
    ----------
    path
        The TIFF.
    files
        It and all that belongs to it, from `minerisk.features.layers.intake.layer_files`.
    band
        From 1.

    Raises
    ------
    InputError
        If one of them cannot be read, or says what is not understood.
    """
    said = Beside()
    for found in sorted(files):
        end = found.name.lower().removeprefix(path.name.lower())
        if end == ".aux.xml":
            said = _with_pam(said, found, band)
        elif end == ".msk":
            said = replace(said, mask=found)
        elif found.suffix.lower() in WORLD_FILES:
            said = replace(said, world_file=said.world_file or _world_file(found))
        elif found.suffix.lower() == ".aux" and _content(found).startswith(_ERDAS):
            raise InputError(
                f"{found.name} beside {path.name} is a file of old versions of ArcGIS, which can "
                "declare nodata and is not read. Export the raster again, or move that file away "
                "if it holds statistics alone."
            )
    return said


def _content(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(MAX_BYTES + 1)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    return content


def _with_pam(said: Beside, path: Path, band: int) -> Beside:
    """Add what a file of GDAL's persistent auxiliary metadata (``.aux.xml``) says."""
    root = _xml(path)
    bands = {element.get("band", "1"): element for element in root.iter("PAMRasterBand")}
    others = [
        number for number, element in bands.items() if _text(element, "ColorInterp") == "Alpha"
    ]
    if others:
        raise InputError(
            f"{path.name} says that band {others[0]} is a mask (alpha), which is read only from "
            "the TIFF itself. Export the raster again."
        )
    position, crs = _text(root, "GeoTransform"), _text(root, "SRS")
    said = replace(
        said,
        crs=crs,
        transform=None if position is None else Affine.from_gdal(*_six(path, position.split(","))),
    )
    own = bands.get(str(band))
    if own is None:
        return said
    return replace(
        said,
        nodata=_nodata(path, own),
        scale=_number(path, own, "Scale"),
        offset=_number(path, own, "Offset"),
        unit=_text(own, "UnitType"),
    )


def _xml(path: Path) -> ElementTree.Element:
    content = _content(path)
    try:
        text = content.decode("utf-8-sig")
        if len(content) > MAX_BYTES or "<!DOCTYPE" in text or "<!ENTITY" in text:
            raise InputError(
                f"{path.name} is larger than {MAX_BYTES:,} bytes or declares entities; expected "
                "what GDAL writes beside a raster. Move it away."
            )
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, ValueError) as error:
        raise InputError(
            f"{path.name} is not the XML that GDAL writes beside a raster: {error}. Export the "
            "raster again, or move that file away."
        ) from error


def _text(element: ElementTree.Element, tag: str) -> str | None:
    text = element.findtext(tag)
    return text.strip() if text and text.strip() else None


def _nodata(path: Path, band: ElementTree.Element) -> float | None:
    element = band.find("NoDataValue")
    exact = None if element is None else element.get("le_hex_equiv")
    if exact:
        try:
            return float(struct.unpack("<d", bytes.fromhex(exact))[0])
        except (ValueError, struct.error) as error:
            raise _not_a_number(path, "NoDataValue", exact) from error
    return _number(path, band, "NoDataValue")


def _number(path: Path, element: ElementTree.Element, tag: str) -> float | None:
    text = _text(element, tag)
    try:
        return None if text is None else float(text)
    except ValueError as error:
        raise _not_a_number(path, tag, text) from error


def _not_a_number(path: Path, tag: str, text: str | None) -> InputError:
    return InputError(f"{path.name}: {tag} is {text!r}; expected a number. Correct it.")


def _world_file(path: Path) -> Affine:
    """Read the six lines of a world file, which gives the centre of the first cell."""
    lines = _content(path).decode("utf-8-sig", errors="replace").split()
    across, down_x, across_y, down, easting, northing = _six(path, lines[:6])
    # Line 2 is what a column adds to the northing, line 3 what a row adds to the easting.
    west, north = easting - (across + across_y) / 2, northing - (down + down_x) / 2
    return Affine(across, across_y, west, down_x, down, north)


def _six(path: Path, texts: list[str]) -> tuple[float, float, float, float, float, float]:
    try:
        a, b, c, d, e, f = (float(text) for text in texts)
    except ValueError as error:
        raise InputError(
            f"{path.name} gives the position {' '.join(texts)[:80]!r}; expected six numbers with "
            "decimal points. Correct it."
        ) from error
    if not all(map(math.isfinite, (a, b, c, d, e, f))):
        raise InputError(f"{path.name} gives a position that is not finite. Correct it.")
    return a, b, c, d, e, f
