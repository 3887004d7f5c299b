"""How the runs on the desk stand now: by what verifies, looked at anew when a file has changed."""

import os
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from minerisk.features.errors import MineriskError
from minerisk.pipelines.provenance.files import sha256_text
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.run.folder import Run

CUBE = "cube.zarr"
"""Verified where it is read: it may have many gigabytes."""

Mark = tuple[str, ...]


@dataclass(frozen=True)
class Known:
    """A run and how it stands; no run where its folder is gone or cannot be read."""

    run: Run | None
    standing: Standing
    mark: Mark = ()

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

    def of(self, folder: Path) -> Known:
        """Return how a run stands now."""
        with self._lock:
            lock = self._locks.setdefault(folder, threading.Lock())
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
        return Known(run, run.standing(names), mark)
    except (MineriskError, OSError):
        return Known(None, Standing(state=State.UNVERIFIED), mark)


def _mark(folder: Path) -> Mark:
    """Collect what changes when anything of a run does: trail and reviews by their bytes."""
    files = RunFolder(folder)
    texts = []
    for path in (files.manifest, files.reviews):
        try:
            texts.append(sha256_text(path.read_text(encoding="utf-8", errors="surrogateescape")))
        except (OSError, UnicodeError):
            texts.append("")
    return (*texts, *_stats(folder))


def _stats(folder: Path) -> Iterator[str]:
    """Yield what the file system says of each file that counts, but of requests and the cube."""
    try:
        with os.scandir(folder) as entries:
            found = sorted(entries, key=lambda entry: entry.name)
    except OSError:
        return
    for entry in found:
        if entry.name in {CUBE, "requests", "lock", "mlflow", "manifest.json", "reviews.jsonl"}:
            continue
        try:
            facts = entry.stat(follow_symlinks=False)
        except OSError:
            continue
        if entry.name.startswith(("mlflow.db", ".")):
            continue
        if entry.is_dir(follow_symlinks=False):
            yield from _stats(Path(entry.path))
        yield f"{entry.name} {facts.st_ino} {facts.st_size} {facts.st_mtime_ns} {facts.st_ctime_ns}"
