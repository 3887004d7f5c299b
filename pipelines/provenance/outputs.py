"""Which outputs of a run are not as its stages wrote them."""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from minerisk.features.files.plain_files import read_plain
from minerisk.pipelines.provenance.files import files_below, read_listing, sha256_path
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.snapshot import Snapshot, is_inside
from minerisk.pipelines.records.manifest import Manifest, Stage
from minerisk.pipelines.records.review import TrailCode, TrailNotice, trail_notice


def changed_outputs(snapshot: Snapshot, stages: Sequence[Stage]) -> Iterator[TrailNotice]:
    """Name every output of `stages` that is not as it was written."""
    for stage in stages:
        for name, digest in stage.outputs.items():
            yield from _changed(snapshot, stage.name, name, digest)


def _changed(snapshot: Snapshot, stage: str, name: str, digest: str) -> Iterator[TrailNotice]:
    if not is_inside(name):
        yield trail_notice(TrailCode.OUTSIDE, name=repr(name), stage=stage)
    elif name in snapshot.folders:
        yield from _changed_folder(snapshot, stage, name, digest)
    elif name not in snapshot.digests:
        yield trail_notice(TrailCode.MISSING, name=name, stage=stage)
    elif snapshot.digests[name] != digest:
        yield trail_notice(TrailCode.CHANGED, name=name, stage=stage)


def _changed_folder(
    snapshot: Snapshot, stage: str, name: str, digest: str
) -> Iterator[TrailNotice]:
    """Name the files of a folder that changed, by the listing of when it was written."""
    content = snapshot.listing(name)
    stored = snapshot.files.listing(name)
    known = _listing(stored)
    if hashlib.sha256(known).hexdigest() != digest:
        yield trail_notice(TrailCode.LISTING_CHANGED, name=snapshot.files.name_of(stored))
    if hashlib.sha256(content).hexdigest() == digest:
        return
    yield trail_notice(TrailCode.CHANGED, name=name, stage=stage)
    before, now = read_listing(known), read_listing(content)
    for item in sorted(before.keys() | now.keys()):
        if item not in now:
            yield trail_notice(TrailCode.FILE_MISSING, name=f"{name}/{item}")
        elif item not in before:
            yield trail_notice(TrailCode.FILE_ADDED, name=f"{name}/{item}")
        elif before[item] != now[item]:
            yield trail_notice(TrailCode.FILE_CHANGED, name=f"{name}/{item}")


def _listing(stored: Path) -> bytes:
    """Read a listing; nothing where there is none, or a link has its place."""
    return read_plain(stored) if stored.is_file() and not stored.is_symlink() else b""


def changed_parts(
    files: RunFolder, manifest: Manifest, name: str, wanted: Callable[[str], bool]
) -> Iterator[TrailNotice]:
    """Name the files of an output that is a folder, among those wanted, that were changed.

    The listing of when the folder was written is held against the trail, and the files against it,
    so that only what is read of a large store has to be hashed.

    Parameters
    ----------
    name
        Of the output, such as ``cube.zarr``.
    wanted
        Tells by its name in the folder whether a file is read.
    """
    stored, home = files.listing(name), files.output(name)
    known = _listing(stored)
    if hashlib.sha256(known).hexdigest() != manifest.outputs.get(name):
        yield trail_notice(TrailCode.LISTING_CHANGED, name=files.name_of(stored))
        return
    before = {item: digest for item, digest in read_listing(known).items() if wanted(item)}
    now = {
        item: path
        for path in files_below(home)
        if wanted(item := path.relative_to(home).as_posix())
    }
    for item in sorted(before.keys() | now.keys()):
        if item not in now:
            yield trail_notice(TrailCode.FILE_MISSING, name=f"{name}/{item}")
        elif item not in before:
            yield trail_notice(TrailCode.FILE_ADDED, name=f"{name}/{item}")
        elif sha256_path(now[item]) != before[item]:
            yield trail_notice(TrailCode.FILE_CHANGED, name=f"{name}/{item}")
