"""Carry the record of a run from a machine without a network to another store."""

import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.verify import broken_chain, changed_outputs, unpinned
from minerisk.pipelines.provenance.files import replacing, sha256_path
from minerisk.pipelines.provenance.manifest import (
    MANIFEST,
    listing_path,
    read_manifest,
    stage_named,
)
from minerisk.pipelines.provenance.reviews import REVIEWS, ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run

CARRIED = ("configure", "train")
MAX_FILES = 10_000
MAX_BYTES = 2_000_000_000
PACKING = {zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED}
EPOCH = (1980, 1, 1, 0, 0, 0)
TOP = {MANIFEST, REVIEWS, "config.yaml", "metrics.json", "trials.json", "held_out.parquet",
       "model", "figures", "trail"}  # fmt: skip


def export_run(folder: Path, out: Path) -> dict[str, Any]:
    """Write the record of a trained run into one ZIP file: the same run, the same bytes.

    It holds the configuration, the model, the scores with every tried setting, the predictions for
    land held out, the figures, the trail and the reviews. It holds no layer, no cube and no raster;
    the held-out land does tell where something was found, so it is kept like the run folder.

    Parameters
    ----------
    folder
        Run folder, trained.
    out
        ZIP file to write.

    Returns
    -------
    dict
        ``file``, ``sha256`` of it, ``head`` of the trail and number of ``files``.

    Raises
    ------
    InputError
        If the run is not trained.
    FindingError
        If a file of it is not as it was written.
    """
    manifest = read_manifest(folder)
    _check_record(folder, manifest)
    files = sorted(_files(folder, manifest))
    with (
        replacing(out) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, (folder / name).read_bytes())
    facts = {"sha256": sha256_path(out), "head": manifest.get("head"), "files": len(files)}
    return {"file": str(out), **facts}


def import_run(
    path: Path, uri: str, *, pin: str | None = None, trust: Path | None = None
) -> dict[str, str]:
    """Log a run that `export_run` packed to the MLflow store at `uri`, as ``candidate``.

    Nothing in the file is believed before it was checked: names, sizes, every hash of the trail
    down to the layers, the structure of the model. Its reviews count only with `trust`: whoever
    packs a file can write any review into it.

    Parameters
    ----------
    path
        ZIP file.
    uri
        MLflow tracking store.
    pin
        Head of the trail or hash of a review, as it reached the reader by another way.
    trust
        File of public keys. With it the state, and the alias ``champion``, follow reviews that
        are signed by them.

    Returns
    -------
    dict
        ``run_id``, ``registered_model``, ``model_version`` and ``state``.

    Raises
    ------
    InputError
        If it is no such file, the store cannot be used, or the run is there already.
    FindingError
        If something in it is not as it was written.
    """
    from minerisk.pipelines.tracking.mlflow_record import record_run
    from minerisk.pipelines.tracking.registry import set_state

    with tempfile.TemporaryDirectory(prefix="minerisk-") as place:
        folder = Path(place)
        unpack(path, folder)
        manifest = read_manifest(folder)
        log = read_reviews(folder, trust=trust)
        _check_record(folder, manifest)
        _check_pin(manifest, log, pin)
        if trust is not None and log.problems:
            raise FindingError(f"{path.name}: {log.problems[0]}. Nothing was imported.")
        run, head = Run.open(folder), str(manifest.get("head"))
        _refuse_twice(uri, run.config.tracking.experiment, head)
        made = record_run(run, uri, figures=RunFolder(folder).figures)
        known = (made["registered_model"], made["model_version"], made["run_id"])
        told = log if trust is not None else ReviewLog()
        set_state(uri, known, told, head=head)
    return {**made, "state": told.state}


def unpack(path: Path, folder: Path) -> None:
    """Unpack a ZIP file that may be hostile into an empty folder.

    Raises
    ------
    InputError
        If it is no ZIP file, or names a file outside the folder, one that no record has, or one
        twice; or holds links, more than 10,000 files or more than 2 GB.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            entries = archive.infolist()
            _check_entries(path, entries)
            for entry in entries:
                _unpack_one(archive, entry, folder)
    except (zipfile.BadZipFile, zlib.error, EOFError, NotImplementedError) as error:
        raise InputError(
            f"{path} is not a whole ZIP file ({error}). Export it again: `minerisk runs export`."
        ) from error


def _check_entries(path: Path, entries: list[zipfile.ZipInfo]) -> None:
    if len(entries) > MAX_FILES or sum(entry.file_size for entry in entries) > MAX_BYTES:
        raise InputError(
            f"{path} holds {len(entries):,} files or more than {MAX_BYTES / 1e9:g} GB; a record "
            f"has at most {MAX_FILES:,} files and that size. It was not unpacked."
        )
    seen: set[str] = set()
    for entry in entries:
        why = _why_refused(entry, seen)
        if why:
            raise InputError(f"{path}: {entry.filename!r} {why}. Nothing of it was unpacked.")
        seen.add(entry.filename.casefold())


def _why_refused(entry: zipfile.ZipInfo, seen: Collection[str]) -> str:
    name = entry.orig_filename
    parts = PurePosixPath(name).parts
    if name.startswith("/") or ".." in parts or any(bad in name for bad in "\\:\0"):
        return "would lie outside its folder"
    if name != "/".join(parts) or not name.isprintable():
        return "is no plain file name"
    if stat.S_IFMT(entry.external_attr >> 16) not in {0, stat.S_IFREG}:
        return "is a link or a device"
    if entry.flag_bits & 1 or entry.compress_type not in PACKING:
        return "is encrypted or packed in an unusual way"
    if parts[0] not in TOP:
        return "is no part of a run's record"
    return "is there twice" if name.casefold() in seen else ""


def _unpack_one(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, folder: Path) -> None:
    """Write one file; zipfile reads no more of it than its entry says."""
    target = folder / entry.filename
    target.parent.mkdir(parents=True, exist_ok=True)
    with archive.open(entry) as packed, target.open("xb") as stream:
        shutil.copyfileobj(packed, stream)


def _carried(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Give the stages whose outputs are carried."""
    found: list[Mapping[str, Any]] = []
    for name in CARRIED:
        stage = stage_named(manifest, name)
        if stage is None:
            raise InputError(f"The run has no finished stage `{name}`. Run `minerisk run` first.")
        found.append(stage)
    return found


def _files(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    yield MANIFEST
    if (folder / REVIEWS).is_file():
        yield REVIEWS
    for name in [name for stage in _carried(manifest) for name in stage["outputs"]]:
        path = folder / name
        inside = [path]
        if path.is_dir():
            inside = [listing_path(folder, name), *(p for p in path.rglob("*") if p.is_file())]
        for item in inside:
            yield item.relative_to(folder).as_posix()


def _check_record(folder: Path, manifest: Mapping[str, Any]) -> None:
    problems = [*changed_outputs(folder, _carried(manifest)), *broken_chain(manifest)]
    if problems:
        raise FindingError(
            f"{problems[0]} ({len(problems)} problems). The record was changed; nothing was "
            "carried over. `minerisk audit verify` on the run folder says more."
        )


def _check_pin(manifest: Mapping[str, Any], log: ReviewLog, pin: str | None) -> None:
    problems = list(unpinned(manifest, log, pin))
    if problems:
        raise FindingError(f"{problems[0]}. Nothing was imported.")


def _refuse_twice(uri: str, experiment: str, head: str) -> None:
    from minerisk.pipelines.tracking.mlflow_record import store_client
    from minerisk.pipelines.tracking.registry import HEAD

    with store_client(uri) as client:
        known = client.get_experiment_by_name(experiment)
        if known is None:
            return
        words = f"tags.`{HEAD}` = '{head}'"
        found = client.search_runs([known.experiment_id], filter_string=words, max_results=1)
    if found:
        raise InputError(
            f"The run is in {experiment} already, as {found[0].info.run_id}. Nothing was imported."
        )
