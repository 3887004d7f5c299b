"""Opens files that somebody else may have put into a folder of ours, and reads JSON with limits."""

import os
import re
import stat
from io import BufferedReader, BufferedWriter
from pathlib import Path
from typing import Final

from minerisk.features.errors import FindingError, InputError

MOST_BYTES: Final = 256_000_000
MOST_DEPTH: Final = 48
_NO_FOLLOW: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK
_STRINGS: Final = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_NO_NUMBER: Final = re.compile(rb"NaN|Infinity|[0-9]{400}")


def open_plain(path: Path) -> BufferedReader:
    """Open a file to read it; a link is not followed, and a device or pipe is not waited for.

    Raises
    ------
    FindingError
        If it is a link, or no file.
    OSError
        If it is not there, or may not be read.
    """
    if path.is_symlink():
        raise FindingError(link_words(path))
    handle = os.open(path, os.O_RDONLY | _NO_FOLLOW)
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise FindingError(f"{path} is no file; a run has only files and folders. Remove it.")
    return os.fdopen(handle, "rb")


def read_plain(path: Path, *, most: int = MOST_BYTES) -> bytes:
    """Read a file whole, as `open_plain`.

    Raises
    ------
    InputError
        If it is larger than `most` bytes.
    """
    with open_plain(path) as stream:
        content = stream.read(most + 1)
    if len(content) > most:
        raise InputError(f"{path} is larger than {most:,} bytes, more than minerisk ever writes.")
    return content


def create_plain(path: Path) -> BufferedWriter:
    """Create a file that its owner alone may read; whatever has its name already is an error."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    return os.fdopen(os.open(path, flags, 0o600), "wb")


def link_words(path: Path) -> str:
    """Say that a link was found where there may be none."""
    return (
        f"{path} is a link. A run folder holds none, and this one was not followed. If you made "
        "it, put what it points to in its place; if not, ask whoever sent the folder."
    )


def check_json(content: bytes) -> None:
    """Refuse JSON that no writer of ours makes, before a parser sees it.

    Raises
    ------
    ValueError
        If it is nested too deep, or holds NaN, infinity or a number of 400 digits or more.
    """
    bare = _STRINGS.sub(b"", content)
    if _NO_NUMBER.search(bare):
        raise ValueError("it holds a number that is none")
    depth = deepest = 0
    for mark in re.findall(rb"[\[{\]}]", bare):
        depth += 1 if mark in b"[{" else -1
        deepest = max(deepest, depth)
    if deepest > MOST_DEPTH:
        raise ValueError(f"it is nested {deepest} deep")
