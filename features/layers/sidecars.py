"""Files beside a layer that are part of it, and those that hold what is not in it yet."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from minerisk.features.errors import InputError


@dataclass(frozen=True)
class Beside:
    """How the files beside a layer are named.

    Attributes
    ----------
    suffixes
        In the place of the layer's own suffix, such as ``towns.prj`` beside ``towns.shp``.
    endings
        After its whole name, such as ``dem.tif.aux.xml`` beside ``dem.tif``.
    """

    suffixes: tuple[str, ...] = ()
    endings: tuple[str, ...] = ()


READ_WITH: Mapping[str, Beside] = {
    # Its spatial and attribute indices (.qix .sbn .idm), metadata (.shp.xml) and the .qpj of old
    # versions of QGIS change nothing of what GDAL reads.
    "ESRI Shapefile": Beside(suffixes=(".shx", ".dbf", ".prj", ".cpg")),
    # Overviews (.ovr) change nothing of what is read.
    "GTiff": Beside(
        suffixes=(".tfw", ".tifw", ".tiffw", ".wld", ".aux"), endings=(".aux.xml", ".msk", ".aux")
    ),
}
"""Kind of layer to the files that are read, and hashed, with it."""

UNWRITTEN: Mapping[str, Beside] = {"GPKG": Beside(endings=("-wal", "-journal"))}
"""Kind of layer to the files that hold changes which another program has not put into it yet."""


def files_read_with(path: Path, kind: str | None) -> list[Path]:
    """List the files beside a layer that are read with it; letter case of suffixes is ignored."""
    return _beside(path, READ_WITH.get(kind or "", Beside()))


def refuse_unwritten(path: Path, kind: str) -> None:
    """Refuse a layer with changes that lie in a file beside it.

    Such a layer is two states at once: what it holds, and what a program that folds the changes
    in would read. SQLite ignores a file that begins with zeros, which some programs leave behind.

    Raises
    ------
    InputError
        If a write-ahead log or a rollback journal of SQLite lies beside it and holds anything.
    """
    for found in _beside(path, UNWRITTEN.get(kind, Beside())):
        if any(_head(found)):
            raise InputError(
                f"{path.name} is open in another program, or was not closed well: {found.name} "
                f"beside it holds changes ({found.stat().st_size:,} bytes) that are not in the "
                "file yet. Close it in QGIS or whatever has it open; if nothing has, open it in "
                "QGIS and close it again."
            )


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(8)
    except OSError as error:
        raise InputError(f"{path.name} cannot be read: {error.strerror}.") from error


def _beside(path: Path, names: Beside) -> list[Path]:
    wanted = {f"{path.stem}{suffix}" for suffix in names.suffixes}
    wanted |= {f"{path.name}{ending}" for ending in names.endings}
    if not wanted:
        return []
    try:
        same_start = [found for found in path.parent.iterdir() if found.name.startswith(path.stem)]
    except PermissionError as error:
        raise InputError(
            f"{path.parent} cannot be listed, so what belongs to {path.name} is not known. Allow "
            "it to be read."
        ) from error
    return sorted(found for found in same_start if _lower_end(found, path) in wanted)


def _lower_end(found: Path, path: Path) -> str:
    """Return a file's name with all that follows the layer's stem in small letters."""
    stem = path.name if found.name.startswith(path.name) else path.stem
    return stem + found.name[len(stem) :].lower()
