"""Unpacks a ZIP file that may be hostile: an entry is judged by the name it is written to."""

import shutil
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections.abc import Sequence
from pathlib import Path, PurePosixPath
from typing import Final

from minerisk.features.errors import InputError
from minerisk.features.files.plain_files import create_plain
from minerisk.pipelines.provenance.files import FOLDER

MAX_FILES: Final = 10_000
MAX_BYTES: Final = 2_000_000_000
MAX_RATIO: Final = 200
SMALL_BYTES: Final = 10_000_000
"""Below this no ratio is looked at: a short text of one letter packs to a thousandth."""
PACKING: Final = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
TOP: Final = {"manifest.json", "reviews.jsonl", "config.yaml", "metrics.json", "trials.json",
              "held_out.parquet", "model", "hazards", "figures", "trail"}  # fmt: skip
_HEADER: Final = 30
_SECOND_NAME: Final = 0x7075
_DOS_NAMES: Final = {"con", "prn", "aux", "nul"}


def unpack(path: Path, folder: Path) -> None:
    """Unpack a ZIP file that may be hostile into an empty folder.

    Raises
    ------
    InputError
        If it is no ZIP file, or names a file outside the folder, one that no record has, or one
        twice; or holds links, entries with two names or on top of each other, more than 10,000
        files or more than 2 GB.
    """
    if not path.is_file() or path.stat().st_size > MAX_BYTES:
        raise InputError(f"{path} is no file of at most {MAX_BYTES / 1e9:g} GB. Check the path.")
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_sizes(path, entries)
            _check_names(path, entries)
            for entry in entries:
                _unpack_one(archive, entry, folder)
    except (
        zipfile.BadZipFile, zlib.error, struct.error, EOFError, NotImplementedError, ValueError,
        RuntimeError, OverflowError, FileExistsError, NotADirectoryError, IsADirectoryError,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path} is not a whole ZIP file ({error}). Export it again: `minerisk runs export`."
        ) from error


def _check_sizes(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse what would fill the disk, by the sizes that entries state: no more of them is read."""
    whole = sum(entry.file_size for entry in entries)
    if len(entries) > MAX_FILES or whole > MAX_BYTES:
        raise InputError(
            f"{path} holds {len(entries):,} files or more than {MAX_BYTES / 1e9:g} GB; a record "
            f"has at most {MAX_FILES:,} files and that size. It was not unpacked."
        )
    if whole > SMALL_BYTES and whole > MAX_RATIO * path.stat().st_size:
        raise InputError(
            f"{path} would grow to {whole / 1e6:,.0f} MB, more than {MAX_RATIO} times its size; "
            "no record packs so well. It was not unpacked."
        )
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        if entry.header_offset < end:
            raise InputError(
                f"{path}: {entry.filename!r} lies on top of another file. It was not unpacked."
            )
        end = entry.header_offset + _HEADER + entry.compress_size


def _check_names(path: Path, entries: Sequence[zipfile.ZipInfo]) -> None:
    """Refuse an entry by its name, before any is unpacked."""
    seen: set[str] = set()
    for entry in entries:
        why = _why_refused(entry, seen)
        if why:
            raise InputError(f"{path}: {entry.filename!r} {why}. Nothing of it was unpacked.")
        seen.add(_folded(entry.filename))
    for name in sorted(seen):
        if any(parent.as_posix() in seen for parent in PurePosixPath(name).parents):
            raise InputError(
                f"{path}: {name!r} lies in a folder that is a file. Nothing of it was unpacked."
            )


def _why_refused(entry: zipfile.ZipInfo, seen: set[str]) -> str:
    name = entry.filename  # the name it is written to, whatever else the entry calls itself
    parts = PurePosixPath(name).parts
    if name != entry.orig_filename or _has_second_name(entry.extra):
        return "has two names"
    if name.startswith("/") or ".." in parts or any(bad in name for bad in "\\:\0"):
        return "would lie outside its folder"
    if name != "/".join(parts) or not name.isprintable() or any(map(_is_odd, parts)):
        return "is no plain file name"
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        return "is a link or a device"
    if entry.flag_bits & 1 or entry.compress_type not in PACKING:
        return "is encrypted or packed in an unusual way"
    if parts[0] not in TOP:
        return "is no part of a run's record"
    return "is there twice" if _folded(name) in seen else ""


def _folded(name: str) -> str:
    """Make two names equal that some file system does not tell apart."""
    return unicodedata.normalize("NFKC", name).casefold()


def _is_odd(part: str) -> bool:
    """Tell a name that some file system changes, or takes for a device."""
    return part != part.rstrip(" .") or part.split(".")[0].casefold() in _DOS_NAMES


def _has_second_name(extra: bytes) -> bool:
    """Look for the field that newer readers take for the name of the entry."""
    while len(extra) >= 4:
        kind, size = struct.unpack_from("<HH", extra)
        if kind == _SECOND_NAME:
            return True
        extra = extra[4 + size :]
    return False


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Write one file; zipfile reads no more of it than its entry says."""
    target = folder / entry.filename
    target.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    with archive.open(entry) as packed, create_plain(target) as stream:
        shutil.copyfileobj(packed, stream)
