"""Folders, Zarr stores above all, that processes may be killed over: how they come and go."""

import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path


def remove_store(path: Path) -> None:
    """Remove a store, its key first, so that one half removed is never gone on with."""
    (path / "zarr.json").unlink(missing_ok=True)
    shutil.rmtree(path, ignore_errors=True)


def chunk_files(
    store: Path, names: Iterable[str], *, rows: slice, columns: slice, chunk: tuple[int, int]
) -> Iterator[Path]:
    """Name the files of arrays in a window that starts at a chunk; empty chunks have none."""
    names = list(names)
    yield from (store / name / "zarr.json" for name in names)
    for row in range(rows.start // chunk[0], -(-rows.stop // chunk[0])):
        for column in range(columns.start // chunk[1], -(-columns.stop // chunk[1])):
            files = (store / name / "c" / str(row) / str(column) for name in names)
            yield from (file for file in files if file.is_file())


def settle(paths: Iterable[Path]) -> None:
    """Wait until files and their names are on the disk, so that what says so may be written."""
    files = list(paths)
    for path in dict.fromkeys([*files, *(file.parent for file in files)]):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def put_in_place(whole: Path, path: Path) -> None:
    """Rename a folder that is whole to `path`; what is there is moved aside first, then removed.

    What a process that was killed has left aside is removed too.
    """
    old = set_aside(path)
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
    whole.rename(path)
    shutil.rmtree(old, ignore_errors=True)


def set_aside(path: Path) -> Path:
    """Name the folder that `put_in_place` moves an earlier one to."""
    return path.with_name(f".{path.name}.old")
