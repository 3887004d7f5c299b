"""Folders that are whole or not there: written beside, put in place last."""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from minerisk.features.cube.zarr_files import put_in_place, set_aside, settle
from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER, files_below


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """Yield a new, empty folder to fill; it takes the place of `path` when all went well.

    It is on the disk before it is renamed. After an error, an interrupt or a kill `path` is what it
    was, or what it is to be. What a process that was killed has left beside `path` is taken away,
    or put back, by the next that writes it.

    Raises
    ------
    InputError
        If another process writes the same folder, or `path` cannot be renamed: it is the top of a
        disk, or no folder.
    """
    path = path.resolve()  # a link stays; what it leads to is replaced
    if path.is_mount() or (path.exists() and not path.is_dir()):
        raise InputError(f"{path} is no folder that can be replaced; expected a folder in a disk.")
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    handle = _held(partial, path)
    try:
        _finish_earlier(path)
        for item in partial.iterdir():
            _remove(item)
        yield partial
        files = files_below(partial)
        settle([*files, partial])
        put_in_place(partial, path)
        settle([path.parent])
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        os.close(handle)


def _held(partial: Path, path: Path) -> int:
    """Make the folder and hold it for this process, until the handle is closed."""
    while True:
        partial.mkdir(mode=FOLDER, exist_ok=True)
        try:
            handle = os.open(partial, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
        except FileNotFoundError:  # another process has just finished with it
            continue
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            os.close(handle)
            raise InputError(
                f"Another minerisk process writes {path}. Wait for it, or use another --out."
            ) from error
        if partial.exists() and os.path.samestat(os.fstat(handle), partial.stat()):
            return handle
        os.close(handle)


def _finish_earlier(path: Path) -> None:
    """Put back or take away the earlier folder that a killed process had moved aside."""
    old = set_aside(path)
    if old.exists() and not path.exists():
        old.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def _remove(item: Path) -> None:
    if item.is_dir() and not item.is_symlink():
        shutil.rmtree(item)
    else:
        item.unlink()


def check_place(path: Path) -> None:
    """Refuse a place for results that cannot be written, before anything is computed for it.

    Raises
    ------
    InputError
        If the folder, or the first of those above it that exists, is read-only or no folder.
    """
    there = next((place for place in (path, *path.absolute().parents) if place.exists()), path)
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return
    if there == path and path.is_file() and os.access(path.parent, os.W_OK):
        return  # a file that is replaced
    raise InputError(
        f"{path} cannot be written: {there} is {'read-only' if there.is_dir() else 'no folder'}. "
        "Choose another place, or change its permissions."
    )
