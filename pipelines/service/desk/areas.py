"""Files of polygons that somebody sent or drew: judged, read with limits, kept as they came."""

import json
import os
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import geopandas as gpd
import shapely
from geojson_pydantic import MultiPolygon
from pyproj import CRS
from pyproj.exceptions import CRSError
from sqlalchemy.orm import Session

from minerisk.features.errors import InputError
from minerisk.features.files.plain_files import create_plain
from minerisk.features.layers.intake import MissingCrsError, checked_path, sha256_of
from minerisk.features.layers.vectors import layer_names, read_frame
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.provenance.files import FOLDER
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.accounts.people import new_id
from minerisk.pipelines.service.desk.kml import kml_polygons
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.store.models import Area
from minerisk.plain_text import plain_text

KINDS = (".gpkg", ".geojson", ".json", ".kml", ".zip")
PARTS = {".shp", ".shx", ".dbf", ".prj", ".cpg"}
MOST_UNPACKED = 200_000_000
MOST_PARTS = 30
EQUAL_AREA = "EPSG:6933"
SHOWN_DEG = 0.0001
"""How far the outline that is drawn may be from the file's."""


class AreaFacts(Record):
    """What a file of polygons holds.

    Attributes
    ----------
    hectares
        On an equal-area projection.
    west, south, east, north
        Degrees.
    outline
        For a map, simplified; the request is answered from the file itself.
    """

    polygons: int
    hectares: float
    west: float
    south: float
    east: float
    north: float
    crs: str
    outline: MultiPolygon


@dataclass(frozen=True)
class Sent:
    """A file as it was sent, in a folder of its own.

    Attributes
    ----------
    crs
        Named by the sender, for a Shapefile that does not say it.
    """

    path: Path
    layer: str | None = None
    crs: str | None = None


def keep_area(
    session: Session, home: Path, sent: Sent, *, account: str, at: float
) -> tuple[Area, AreaFacts]:
    """Judge and keep a file that was sent; its folder is taken over.

    Raises
    ------
    RefusedError
        If it is of no kind that is taken, cannot be read, has no CRS, or holds no land.
    """
    path = _unpacked(sent.path)
    if sent.crs is not None:
        _state_crs(path, sent.crs)
    facts, layer = read_area(path, sent.layer, name=sent.path.name)
    area = Area(
        id=new_id(), account_id=account, name=path.name, layer=layer, sha256=sha256_of(path),
        facts=facts.model_dump_json(), created_at=at,
    )  # fmt: skip
    target = home / area.id
    target.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    sent.path.parent.rename(target)
    session.add(area)
    return area, facts


def area_path(area: Area) -> PurePosixPath:
    """Return where the file of an area is, below the folder of areas."""
    return PurePosixPath(area.id) / area.name


def sent_name(name: str) -> str:
    """Return the name under which a file is kept: its own, if it is a plain one.

    Raises
    ------
    RefusedError
        If it is of no kind that is taken, or no plain name.
    """
    plain = plain_text(name).strip()
    suffix = PurePosixPath(plain).suffix.lower()
    if suffix not in KINDS:
        raise RefusedError(DeskCode.AREA_KIND, name=plain[:80] or "–", choices=KINDS)
    stem = re.sub(r"[^\w.-]+", "_", plain[: -len(suffix)]).strip("._")[:80]
    return f"{stem or 'area'}{suffix}"


def read_area(path: Path, layer: str | None, *, name: str) -> tuple[AreaFacts, str | None]:
    """Read what a file of polygons holds, in a process with limits.

    Raises
    ------
    RefusedError
        If it cannot be read, has no CRS, or holds no land.
    """
    try:
        checked_path(path, path.parent)
        layers = layer_names(path)
        if layer is None and len(layers) > 1:
            raise RefusedError(
                DeskCode.AREA_NOT_READ, name=name, why="it holds several layers", choices=layers
            )
        frame = read_frame(path, layer=layer)
    except RefusedError:
        raise
    except MissingCrsError as error:
        raise RefusedError(DeskCode.AREA_WITHOUT_CRS, name=name) from error
    except InputError as error:
        raise RefusedError(DeskCode.AREA_NOT_READ, name=name, why=str(error)) from error
    return _facts(frame, name), layer


def _facts(frame: gpd.GeoDataFrame, name: str) -> AreaFacts:
    shapes = frame.geometry[~(frame.geometry.isna() | frame.geometry.is_empty)]
    if len(shapes) and (shapely.get_dimensions(shapes.array) < 2).any():
        raise RefusedError(DeskCode.AREA_NO_POLYGONS, name=name)
    shapes = shapes.make_valid()
    hectares = float(shapes.to_crs(EQUAL_AREA).area.sum()) / 10_000
    if not hectares > 0:
        raise RefusedError(DeskCode.AREA_EMPTY)
    degrees = shapes.to_crs("EPSG:4326")
    west, south, east, north = (float(edge) for edge in degrees.total_bounds)
    return AreaFacts(
        polygons=len(shapes),
        hectares=hectares,
        west=west,
        south=south,
        east=east,
        north=north,
        crs=str(frame.crs.to_string() if frame.crs is not None else ""),
        outline=_outline(degrees),
    )


def _outline(degrees: gpd.GeoSeries) -> MultiPolygon:
    simple = shapely.simplify(degrees.union_all(), SHOWN_DEG)
    parts = [part for part in shapely.get_parts(simple) if shapely.get_dimensions(part) == 2]
    whole = shapely.multipolygons(parts or [degrees.union_all().envelope])
    return MultiPolygon.model_validate_json(shapely.to_geojson(whole))


def _state_crs(path: Path, crs: str) -> None:
    """Write the CRS that the sender names beside a Shapefile; one that says its own keeps it."""
    try:
        found = CRS.from_user_input(crs)
    except CRSError as error:
        why = f"{crs[:60]!r} is no coordinate system; expected one such as EPSG:32638"
        raise RefusedError(DeskCode.BODY_WRONG, place="crs", why=why) from error
    beside = path.with_suffix(".prj")
    if path.suffix == ".shp" and not beside.exists():
        with create_plain(beside) as stream:
            stream.write(found.to_wkt("WKT1_ESRI").encode())


def _unpacked(path: Path) -> Path:
    """Turn a zipped Shapefile or a KML into what is read; return the file to read."""
    suffix = path.suffix.lower()
    if suffix == ".zip":
        return _shapefile(path)
    if suffix != ".kml":
        return path
    target = path.with_suffix(".geojson")
    try:
        shapes = kml_polygons(path)
    except InputError as error:
        raise RefusedError(DeskCode.AREA_NOT_READ, name=path.name, why=str(error)) from error
    if not shapes:
        raise RefusedError(DeskCode.AREA_NO_POLYGONS, name=path.name)
    features = [
        {"type": "Feature", "properties": {}, "geometry": json.loads(shape)} for shape in shapes
    ]
    with create_plain(target) as stream:
        stream.write(json.dumps({"type": "FeatureCollection", "features": features}).encode())
    path.unlink()
    return target


def _shapefile(path: Path) -> Path:
    """Unpack the one Shapefile of a ZIP file, each part under a name of ours."""
    try:
        with zipfile.ZipFile(path) as archive:
            parts = _parts(path, archive)
            for suffix, entry in parts.items():
                target = path.with_suffix(suffix)
                with archive.open(entry) as packed, create_plain(target) as stream:
                    shutil.copyfileobj(packed, stream)
    except (
        zipfile.BadZipFile,
        NotImplementedError,
        RuntimeError,
        EOFError,
        OSError,
        ValueError,
    ) as e:
        why = "it is not a whole ZIP file"
        raise RefusedError(DeskCode.AREA_NOT_READ, name=path.name, why=why) from e
    os.unlink(path)  # noqa: PTH108 - a path of ours
    return path.with_suffix(".shp")


def _parts(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    """Find the parts of the one Shapefile, however its folder is named."""
    entries = [entry for entry in archive.infolist() if not entry.is_dir()]
    whole = sum(entry.file_size for entry in entries)
    if len(entries) > MOST_PARTS or whole > MOST_UNPACKED:
        raise RefusedError(DeskCode.AREA_NOT_READ, name=path.name, why="it holds too much")
    stems = {PurePosixPath(e.filename).stem for e in entries if e.filename.lower().endswith(".shp")}
    hidden = {stem for stem in stems if stem.startswith("._")}  # what macOS puts beside
    if len(stems - hidden) != 1:
        raise RefusedError(
            DeskCode.AREA_NOT_READ, name=path.name, why="it holds no Shapefile, or several"
        )
    stem = (stems - hidden).pop()
    found = dict[str, zipfile.ZipInfo]()
    for entry in entries:
        own = PurePosixPath(entry.filename)
        if own.stem == stem and own.suffix.lower() in PARTS:
            found.setdefault(own.suffix.lower(), entry)
    return found
