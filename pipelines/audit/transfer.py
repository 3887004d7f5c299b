"""Carry the record of a run from a machine without a network to another store."""

import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.unpack import unpack
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.chain import broken_chain, unpinned
from minerisk.pipelines.provenance.files import files_below, replacing, sha256_path
from minerisk.pipelines.provenance.outputs import changed_outputs
from minerisk.pipelines.provenance.reviews import ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import read_trusted
from minerisk.pipelines.provenance.snapshot import take_snapshot
from minerisk.pipelines.provenance.standing import stand
from minerisk.pipelines.records.manifest import Manifest, Stage
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.tracking.mlflow_record import record_run, store_client
from minerisk.pipelines.tracking.registry import HEAD, set_state

CARRIED = ("configure", "train")
EPOCH = (1980, 1, 1, 0, 0, 0)


class Exported(Record):
    """A packed record.

    Attributes
    ----------
    sha256
        Of the file.
    head
        Head of the trail.
    files
        How many it holds.
    """

    file: str
    sha256: str
    head: str
    files: int


class Imported(Record):
    """A record in an MLflow store."""

    run_id: str
    registered_model: str
    model_version: str
    state: State


def export_run(run: Run, out: Path) -> Exported:
    """Write the record of a trained run into one ZIP file: the same run, the same bytes.

    It holds the configuration, the model, the scores with every tried setting, the predictions for
    land held out, the figures, the trail and the reviews. It holds no layer, no cube and no raster;
    the held-out land shows where something was found, so it is kept like the run folder.

    Parameters
    ----------
    run
        A trained run.
    out
        ZIP file to write.

    Raises
    ------
    InputError
        If the run is not trained.
    FindingError
        If a file of it is not as it was written.
    """
    manifest = run.manifest()
    _check_record(run.files, manifest)
    files = sorted(_files(run.files, manifest))
    with (
        replacing(out) as partial,
        zipfile.ZipFile(partial, "w", zipfile.ZIP_DEFLATED) as archive,
    ):
        for name in files:
            entry = zipfile.ZipInfo(name, EPOCH)
            entry.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(entry, run.files.output(name).read_bytes())
    return Exported(file=str(out), sha256=sha256_path(out), head=manifest.head, files=len(files))


def import_run(
    path: Path, uri: str, *, pin: str | None = None, trust: Path | None = None
) -> Imported:
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
        Head of the trail or hash of a review, received through a separate channel.
    trust
        File of public keys. With it the state, and the alias ``champion``, follow reviews that
        are signed by them.

    Raises
    ------
    InputError
        If it is no such file, the store cannot be used, or the run is there already.
    FindingError
        If something in it is not as it was written.
    """
    with tempfile.TemporaryDirectory(prefix="minerisk-") as place:
        folder = Path(place)
        unpack(path, folder)
        run = Run.open(folder)
        manifest = run.manifest()
        trusted = None if trust is None else read_trusted(trust)
        log = read_reviews(run.files, manifest, trusted=trusted)
        _check_record(run.files, manifest)
        _check_pin(manifest, log, pin)
        if trust is not None and log.problems:
            raise FindingError(
                f"{path.name}: {ENGLISH.say(log.problems[0])}. Nothing was imported."
            )
        _refuse_twice(uri, run.config.tracking.experiment, manifest.head)
        made = record_run(run, uri, figures=run.files.figures)
        followed = log if trust is not None else ReviewLog()
        standing = stand(manifest, followed)
        set_state(uri, run, made, standing, end=followed.end)
    return Imported(
        run_id=made.run_id,
        registered_model=made.registered_model,
        model_version=made.model_version,
        state=standing.state,
    )


def _carried(manifest: Manifest) -> list[Stage]:
    """Find the stages whose outputs are carried."""
    return [manifest.done(name) for name in CARRIED]


def _files(files: RunFolder, manifest: Manifest) -> Iterator[str]:
    yield files.name_of(files.manifest)
    if files.reviews.is_file():
        yield files.name_of(files.reviews)
    for name in [name for stage in _carried(manifest) for name in stage.outputs]:
        path = files.output(name)
        inside = [path]
        if path.is_dir():
            inside = [files.listing(name), *files_below(path)]
        for item in inside:
            yield files.name_of(item)


def _check_record(files: RunFolder, manifest: Manifest) -> None:
    carried = _carried(manifest)
    snapshot = take_snapshot(files, [name for stage in carried for name in stage.outputs])
    problems = [*changed_outputs(snapshot, carried), *broken_chain(manifest)]
    if problems:
        raise FindingError(
            f"{ENGLISH.say(problems[0])} ({len(problems)} in all). The record was changed; "
            "nothing was carried over. `minerisk audit verify` on the run folder says more."
        )


def _check_pin(manifest: Manifest, log: ReviewLog, pin: str | None) -> None:
    problems = list(unpinned(manifest, log, pin))
    if problems:
        raise FindingError(f"{ENGLISH.say(problems[0])}. Nothing was imported.")


def _refuse_twice(uri: str, experiment: str, head: str) -> None:
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
