"""What may be opened: paths, file kinds and sizes, judged before GDAL sees a file."""

import codecs
import hashlib
import logging
import os
import re
from functools import lru_cache
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.features.files.zarr_files import check_zarr
from minerisk.features.layers import sidecars
from minerisk.plain_text import plain_text

logger = logging.getLogger(__name__)

MAX_FEATURES = 5_000_000
MAX_VERTICES = 200_000_000

RASTER_KINDS = {".tif": "GTiff", ".tiff": "GTiff", ".zarr": "Zarr"}
VECTOR_KINDS = {
    ".gpkg": "GPKG",
    ".geojson": "GeoJSON",
    ".json": "GeoJSON",
    ".shp": "ESRI Shapefile",
    ".fgb": "FlatGeobuf",
    ".parquet": "Parquet",
    ".geoparquet": "Parquet",
    ".csv": "CSV",
}
PICKLES = {".pkl", ".pickle", ".joblib", ".skops", ".pt", ".pth", ".npy", ".npz"}

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_GEOJSON_TYPE = re.compile(
    rb'"type"\s*:\s*"(FeatureCollection|Feature|GeometryCollection|'
    rb'(Multi)?(Point|LineString|Polygon))"'
)
_SUBDATASET = re.compile(r"^[A-Za-z][A-Za-z0-9_]+:")


class MissingCrsError(InputError):
    """A layer without a CRS, which is never guessed."""


def checked_path(path: Path | str, root: Path | str) -> Path:
    """Return the real path of a layer, or refuse it.

    Parameters
    ----------
    path
        A file or a Zarr folder, relative to `root` or absolute inside it.
    root
        The data root. Nothing outside it is opened, whether by ``..`` or by a symbolic link.

    Raises
    ------
    InputError
        If the path names a URL, a virtual file system or a subdataset, leaves the root, is
        missing, is a pickle, is of a kind that is not read, or holds something else than its
        suffix says.
    """
    text = os.fspath(path)
    real_root = Path(os.path.realpath(root))
    _refuse_special_name(text, real_root)
    real = Path(os.path.realpath(real_root / text))
    if not real.is_relative_to(real_root):
        raise InputError(
            f"{text} lies outside the data root {real_root}; layers are read from inside it only. "
            "Copy the file there, or set data_root to the folder that holds it."
        )
    if real.suffix.lower() in PICKLES or Path(text).suffix.lower() in PICKLES:
        raise InputError(f"{text} is a pickle or array dump; these can run code and are not read.")
    if not real.exists():
        raise InputError(f"{text} does not exist in {real_root}. Check the layer's path.")
    for part in layer_files(real):
        if not Path(os.path.realpath(part)).is_relative_to(real_root):
            raise InputError(f"{part} links outside the data root {real_root}. Copy it there.")
        if part.is_dir() and part != real:
            raise InputError(f"{part} links to a folder, which is not read. Copy it there.")
        if part != real and not part.is_file():
            raise InputError(f"{part} is no file (a pipe, a device or a dead link). Take it away.")
    sniff(real)
    return real


def _refuse_special_name(text: str, root: Path) -> None:
    """Refuse what GDAL would take for something else than a plain file.

    Files are opened by their whole path, which begins with a slash, so a colon or ``/vsi`` within
    it means nothing to GDAL; only where no such file is there is the name one of another kind.
    """
    if not text or plain_text(text) != text:
        raise InputError(
            f"A layer's path is empty or has a control or direction character ({text[:80]!r}); "
            "expected a plain name. Rename the file."
        )
    virtual = text.lower().replace("\\", "/").startswith(("/vsi", "vsi"))
    if (virtual and text[:1] in "/\\") or os.path.realpath(root / text).startswith("/vsi"):
        raise InputError(
            f"{text[:80]!r} begins like a virtual file system of GDAL; expected a plain file in "
            "the data root. Unpack or download it first, or rename its first folder."
        )
    if os.path.lexists(root / text):
        return
    if "://" in text or virtual or "<" in text:
        raise InputError(
            f"{text[:80]!r} is a URL, a virtual file system or XML; expected a plain file in the "
            "data root. Download or unpack it first."
        )
    if _SUBDATASET.match(text):
        raise InputError(
            f"{text[:80]!r} names a subdataset or a connection; expected a plain file. Export the "
            "subdataset to GeoTIFF or GeoPackage first."
        )


def kind_of(path: Path) -> str:
    """Name the one driver by which a file is opened, from its suffix."""
    kind = {**RASTER_KINDS, **VECTOR_KINDS}.get(path.suffix.lower())
    if kind is None:
        known = " ".join(sorted({**RASTER_KINDS, **VECTOR_KINDS}))
        raise InputError(f"{path.name} is of a kind that is not read; expected one of {known}.")
    return kind


def sniff(path: Path) -> None:
    """Check that a file holds what its suffix says, from its first bytes.

    Raises
    ------
    InputError
        If it does not, such as a VRT that is named ``.tif``.
    """
    kind = kind_of(path)
    if kind == "Zarr":
        if not path.is_dir():
            raise InputError(f"{path.name} is a file; expected a Zarr folder.")
        check_zarr(path)
        return
    if not path.is_file():
        raise InputError(f"{path.name} is not a regular file; expected a {kind} file.")
    try:
        with path.open("rb") as file:
            head = file.read(65_536)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error
    if not _looks_like(kind, head):
        raise InputError(
            f"{path.name} does not begin like a {kind} file ({head[:12]!r}); expected what its "
            "suffix says. Export the layer again, or give the file its true suffix."
        )
    sidecars.refuse_unwritten(path, kind)
    if kind == "ESRI Shapefile":
        _check_shapefile_parts(path)


def _check_shapefile_parts(path: Path) -> None:
    """Refuse a shapefile that lacks a part, or has one that GDAL passes by for its letter case."""
    parts = {part.suffix: part for part in sidecars.files_read_with(path, "ESRI Shapefile")}
    for suffix, part in parts.items():
        if suffix not in (suffix.lower(), suffix.upper()):
            raise InputError(f"{part.name} is not read; name it {path.stem}{suffix.lower()}.")
    missing = [need for need in (".shx", ".dbf") if not {need, need.upper()} & set(parts)]
    if missing:
        raise InputError(f"{path.name} lacks its {' and '.join(missing)}; copy all its parts.")


def begins_like_tiff(path: Path) -> bool:
    """Return whether a file begins like a TIFF, whatever its name."""
    with path.open("rb") as file:
        return file.read(4) in _TIFF


def _looks_like(kind: str, head: bytes) -> bool:
    if kind == "GTiff":
        return head[:4] in _TIFF
    if kind == "GPKG":
        return head[:16] == b"SQLite format 3\x00" and head[68:72] in (b"GPKG", b"GP10", b"GP11")
    if kind == "ESRI Shapefile":
        return head[:4] == b"\x00\x00\x27\x0a"
    if kind == "FlatGeobuf":
        return head[:3] == b"fgb" and head[4:7] == b"fgb"
    if kind == "Parquet":
        return head[:4] == b"PAR1"
    text = head.removeprefix(b"\xef\xbb\xbf").lstrip()
    if kind == "GeoJSON":
        return text[:1] == b"{" and _GEOJSON_TYPE.search(text) is not None
    if head[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):  # what Excel calls Unicode text
        text = head.decode("utf-16", errors="ignore").strip().encode()
    return b"\x00" not in text and text[:1] not in (b"<", b"{") and len(text) > 0


def layer_files(path: Path) -> list[Path]:
    """List the files of a layer, sorted: itself and those read with it, or a folder's files."""
    if path.is_dir():
        return sorted(
            found for found in path.rglob("*") if found.is_symlink() or not found.is_dir()
        )
    kind = {**RASTER_KINDS, **VECTOR_KINDS}.get(path.suffix.lower())
    return sorted([path, *sidecars.files_read_with(path, kind)])


def sha256_of(path: Path) -> str:
    """Hash the bytes of a layer.

    A single file gives the SHA-256 of its bytes. A folder, or a file with others beside it that
    are read with it, gives the SHA-256 over the lines ``<sha256>  <relative name>`` of the sorted
    files.
    """
    files = layer_files(path)
    if files == [path]:
        return _file_sha256(path)
    base = path if path.is_dir() else path.parent
    lines = [f"{_file_sha256(file)}  {file.relative_to(base).as_posix()}\n" for file in files]
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _file_sha256(path: Path) -> str:
    status = path.stat()
    return _hash_file(str(path), status.st_size, status.st_mtime_ns)


@lru_cache(maxsize=4096)
def _hash_file(path: str, size: int, mtime_ns: int) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
