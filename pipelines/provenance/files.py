"""Hashes of files and folders, and writes that are whole or not there."""

import glob
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Any

from pydantic import JsonValue

from minerisk.features.files.plain_files import create_plain, open_plain

THREADS = 8
FOLDER, FILE = 0o700, 0o600  # findings are for whoever made the run


def sha256_path(path: Path) -> str:
    """Hash a file's bytes, or a folder's listing (see `listing`); no link is followed.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if path.is_dir():
        return hashlib.sha256(listing(path)).hexdigest()
    with open_plain(path) as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_paths(paths: Iterable[Path]) -> list[str]:
    """Hash files and folders side by side, in their order."""
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(sha256_path, paths))


def listing(folder: Path) -> bytes:
    """List the files of a folder as ``sha256sum`` does: hash, two blanks, name; by name."""
    files = files_below(folder)
    names = [item.relative_to(folder).as_posix() for item in files]
    return listing_of(dict(zip(names, sha256_paths(files), strict=True)))


def listing_of(digests: Mapping[str, str]) -> bytes:
    """List files by name and hash, as `listing` does."""
    ordered = sorted(digests.items(), key=lambda item: PurePosixPath(item[0]))
    return b"".join(f"{digest}  {_one_line(name)}\n".encode() for name, digest in ordered)


def files_below(folder: Path) -> list[Path]:
    """Find the files below a folder, in order; links are left out."""
    return sorted(item for item in folder.rglob("*") if item.is_file() and not item.is_symlink())


def _one_line(name: str) -> str:
    return (
        name.replace("\\", "\\\\").replace("\n", "\\n").encode(errors="backslashreplace").decode()
    )


def read_listing(content: bytes) -> dict[str, str]:
    """Read a listing as name to hash; a line that is none is left out."""
    lines = [line.split("  ", 1) for line in content.decode(errors="replace").splitlines()]
    return {line[1]: line[0] for line in lines if len(line) == 2}


def sha256_text(text: str) -> str:
    """Hash a text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Mapping[str, JsonValue] | Sequence[JsonValue]) -> str:
    """Write a value as JSON that depends on nothing but the value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


@contextmanager
def replacing(path: Path, *, scratch: Path | None = None) -> Iterator[Path]:
    """Yield a name to write to; the file takes the place of `path` when all went well.

    It is on the disk before it is renamed, and its owner alone may read it. After an error or an
    interrupt `path` is what it was, and nothing else is left. The name has the suffix of `path`, by
    which drivers go. A link or a second name of the file that `path` was is not written through: it
    is replaced.

    Parameters
    ----------
    scratch
        Folder on the same disk; none is that of `path`. Writers of one `path` at a time need one
        each.
    """
    path.parent.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    partial = (scratch or path.parent) / f".{path.name}.partial{path.suffix}"
    _remove(partial)
    try:
        yield partial
        handle = os.open(partial, os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC)
        try:
            os.fchmod(handle, FILE)
            os.fsync(handle)
        finally:
            os.close(handle)
        partial.replace(path)
    finally:
        _remove(partial)


def _remove(partial: Path) -> None:
    """Remove what is half written, with what drivers put beside it (journals, statistics)."""
    for leftover in partial.parent.glob(f"{glob.escape(partial.name)}*"):
        leftover.unlink(missing_ok=True)


def remove_half_written(folder: Path) -> None:
    """Remove files that a killed process left half written in a folder, not below it."""
    for leftover in folder.glob(".*.partial*"):
        if leftover.is_file():
            leftover.unlink(missing_ok=True)


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all."""
    with replacing(path) as partial, create_plain(partial) as stream:
        stream.write(content.encode() if isinstance(content, str) else content)
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a value as readable JSON, whole or not at all."""
    return write_whole(
        path, json.dumps(value, indent=1, sort_keys=True, default=str, allow_nan=False) + "\n"
    )
