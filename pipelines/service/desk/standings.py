"""How the runs on the desk stand now: by what verifies, looked at anew when a file has changed."""

import os
import threading
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from minerisk.features.errors import MineriskError
from minerisk.pipelines.provenance.clock import read_time
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.run.folder import Run

CUBE = "cube.zarr"
"""Verified where it is read: it may have many gigabytes."""
PASSED_OVER = {CUBE, "requests", "lock", "mlflow", "manifest.json", "reviews.jsonl"}

Facts = tuple[int, ...]
"""Inode, size, and the nanoseconds of the last change of content and of anything."""


@dataclass(frozen=True)
class Mark:
    """What changes when anything of a run does.

    Attributes
    ----------
    trail, reviews
        The bytes of manifest and decisions.
    files
        What the file system says of each other file, by its name below the folder.
    """

    trail: bytes = b""
    reviews: bytes = b""
    files: dict[str, Facts | None] = field(default_factory=dict)


@dataclass(frozen=True)
class Known:
    """A run and how it stands; no run where its folder is gone or cannot be read.

    Attributes
    ----------
    decided_at
        When the last decision on it was made, seconds since 1970-01-01.
    """

    run: Run | None
    standing: Standing
    mark: Mark = field(default_factory=Mark)
    decided_at: float | None = None

    @property
    def state(self) -> State:
        """How it stands."""
        return self.standing.state


class Standings:
    """How runs stand. A run is verified again when any of its files was touched."""

    def __init__(self) -> None:
        self._known: dict[Path, Known] = {}
        self._locks: dict[Path, threading.Lock] = {}
        self._lock = threading.Lock()

    def of(self, folder: Path, reads: Collection[str] | None = None) -> Known:
        """Return how a run stands now.

        Parameters
        ----------
        folder
            Of the run.
        reads
            Names of the files that are read for this call, where it is one of many, such as a tile:
            they, the trail and the decisions are looked at, so that a run that was withdrawn is
            known at the next call. None is every file.
        """
        with self._lock:
            lock = self._locks.setdefault(folder, threading.Lock())
        if reads is not None:
            known = self._known.get(folder)
            if known is not None and _holds(known.mark, folder, reads):
                return known
        with lock:
            known, mark = self._known.get(folder), _mark(folder)
            if known is None or known.mark != mark:
                known = _verified(folder, mark)
                self._known[folder] = known
            return known


def _verified(folder: Path, mark: Mark) -> Known:
    try:
        run = Run.open(folder)
        names = [name for name in run.manifest().outputs if name != CUBE]
        decisions = run.reviews().entries
        decided = read_time(decisions[-1].at).timestamp() if decisions else None
        return Known(run, run.standing(names), mark, decided)
    except (MineriskError, OSError, ValueError):
        return Known(None, Standing(state=State.UNVERIFIED), mark)


def _mark(folder: Path) -> Mark:
    trail, reviews = _texts(folder)
    return Mark(trail, reviews, dict(_files(folder, "")))


def _holds(mark: Mark, folder: Path, reads: Collection[str]) -> bool:
    if (mark.trail, mark.reviews) != _texts(folder):
        return False
    return all(_facts(folder / name) == mark.files.get(name) for name in reads)


def _texts(folder: Path) -> tuple[bytes, bytes]:
    files = RunFolder(folder)
    return _bytes(files.manifest), _bytes(files.reviews)


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


def _facts(path: Path) -> Facts | None:
    try:
        found = path.lstat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns


def _files(folder: Path, below: str) -> Iterator[tuple[str, Facts | None]]:
    """Yield what the file system says of each file that counts, but of requests and the cube."""
    try:
        with os.scandir(folder) as entries:
            found = list(entries)
    except OSError:
        return
    for entry in found:
        if entry.name in PASSED_OVER or entry.name.startswith(("mlflow.db", ".")):
            continue
        name = f"{below}{entry.name}"
        if entry.is_dir(follow_symlinks=False):
            yield from _files(Path(entry.path), f"{name}/")
        yield name, _facts(Path(entry.path))
