"""`minerisk audit verify`: lead every byte of a run back to the bytes it came from."""

import fcntl
import hashlib
import os
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from minerisk.configs.load import ConfigError, parse_config
from minerisk.configs.schema import Config, Gates
from minerisk.features.errors import InputError, MineriskError
from minerisk.features.layers.intake import sha256_of
from minerisk.features.layers.sources import Layers
from minerisk.models.evaluation.results import Gate, GateName
from minerisk.models.risk_model import RiskModel
from minerisk.models.trees.check import checked_trees
from minerisk.pipelines.audit.snapshot import Snapshot, is_inside, take_snapshot
from minerisk.pipelines.feedback.store import read_deliveries
from minerisk.pipelines.provenance.environment import code_sha256, environment
from minerisk.pipelines.provenance.files import THREADS, read_listing
from minerisk.pipelines.provenance.manifest import (
    environment_sha256,
    header_sha256,
    read_manifest,
    stage_key,
    stage_sha256,
)
from minerisk.pipelines.provenance.reviews import ReviewLog, check_reviews, review_lines
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import read_trusted
from minerisk.pipelines.records.manifest import Environment, Manifest, Stage
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import Audit, TrailCode, TrailNotice, trail_notice
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import STEPS
from minerisk.pipelines.tracking.registry import moved_behind

STAGES = tuple(name for name, step in STEPS.items() if step.when is None)
MAX_FEATURES = 10_000


def audit_run(
    files: RunFolder, *, layers: bool = True, pin: str | None = None, trust: Path | None = None
) -> Audit:
    """Check a run folder, from raster back to layer; every file is read once.

    Every output of every stage is hashed; every input of a stage must be an output of an earlier
    one with the same hash, or a layer whose file still has it; every entry of the trail must hold
    the hash of the one before; no file may be there that no stage made; the model must be one that
    can be read; and reviews must be chained, signed as they say, and be of this trail.

    Parameters
    ----------
    layers
        Whether the layers are at hand. Without them the trail is checked down to their hashes.
    pin
        Head of the trail or hash of a review, received through a separate channel: it must be in
        the chain.
    trust
        File of public keys, ``<key in base64> <whose>`` a line. With it every decision must be
        signed by one of them.

    Raises
    ------
    InputError
        If there is no run in the folder, or another process is at work in it.
    """
    with _still(files):
        manifest = read_manifest(files)
        reviews = review_lines(files)
        log = check_reviews(
            reviews, manifest, trusted=None if trust is None else read_trusted(trust)
        )
        snapshot = take_snapshot(files, manifest.outputs)
        config = _config(snapshot)
        run = Run.of(files, manifest, config) if isinstance(config, Config) else None
        gates, wrong_gates = _gates(snapshot, run)
        problems = [
            *changed_outputs(snapshot, manifest.stages),
            *_broken_links(manifest, run, layers=layers),
            *broken_chain(manifest),
            *unpinned(manifest, log, pin),
            *_strangers(files, manifest),
            *_simulated_flag(config, manifest),
            *wrong_gates,
            *log.problems,
            *read_deliveries(files).problems,
        ]
        # MLflow knows nothing of whom the reader trusts.
        store_problems, store_notes = _store(run, manifest, check_reviews(reviews, manifest))
    notes = [*_notes(files, manifest, layers=layers), *log.notes, *store_notes]
    return Audit(
        schema_version=Audit.version,
        checked=sum(len(stage.inputs) + len(stage.outputs) for stage in manifest.stages),
        problems=_distinct([*problems, *store_problems]),
        notes=tuple(notes),
        gates=gates,
        head=manifest.head,
        state=log.state,
    )


def _distinct(found: Iterable[TrailNotice]) -> tuple[TrailNotice, ...]:
    """Leave out what was found before."""
    return tuple({notice.model_dump_json(): notice for notice in found}.values())


@contextmanager
def _still(files: RunFolder) -> Iterator[None]:
    """Keep other processes away where there is a lock to hold; a folder on a disc has none."""
    try:
        stream = files.lock.open("rb")
    except OSError:
        yield
        return
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"Another minerisk process is at work in {files.path}. Wait for it, then audit."
            ) from error
        yield


def _config(snapshot: Snapshot) -> Config | ConfigError:
    path = snapshot.files.config
    content = snapshot.contents.get(snapshot.files.name_of(path))
    if content is None:
        return ConfigError(f"{path}: there is no such file. Check the path.")
    try:
        return parse_config(content, source=path)
    except ConfigError as error:
        return error


def _simulated_flag(config: Config | ConfigError, manifest: Manifest) -> Iterator[TrailNotice]:
    if isinstance(config, ConfigError):
        yield trail_notice(TrailCode.CONFIG_UNREADABLE, why=str(config))
    elif manifest.simulated is not config.simulated:
        yield trail_notice(TrailCode.SIMULATED_DISAGREES)


def changed_outputs(snapshot: Snapshot, stages: Sequence[Stage]) -> Iterator[TrailNotice]:
    """Name every output of `stages` that is not as it was written, and a model not to be read."""
    for stage in stages:
        for name, digest in stage.outputs.items():
            yield from _changed(snapshot, stage.name, name, digest)
    yield from _model_problems(snapshot)


def _changed(snapshot: Snapshot, stage: str, name: str, digest: str) -> Iterator[TrailNotice]:
    if not is_inside(snapshot.files, name):
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
    known = stored.read_bytes() if stored.is_file() else b""
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


def _model_problems(snapshot: Snapshot) -> Iterator[TrailNotice]:
    """Check the model's text before any parser sees it, then that it is a whole model."""
    model = snapshot.model()
    if "model.json" not in model:
        return
    texts = True
    for name in sorted(model):
        if name.endswith(".lgb"):
            try:
                checked_trees(model[name], features=MAX_FEATURES)
            except MineriskError as error:
                texts = False
                yield trail_notice(TrailCode.MODEL_UNUSABLE, name=f"model/{name}", why=str(error))
    if not texts:
        return
    try:
        RiskModel.from_files(model)
    except (MineriskError, ValueError, KeyError, TypeError, OSError) as error:
        yield trail_notice(TrailCode.MODEL_UNUSABLE, name="model/", why=str(error))


def _broken_links(manifest: Manifest, run: Run | None, *, layers: bool) -> Iterator[TrailNotice]:
    known: dict[str, str] = {}
    current = _layer_hashes(manifest, run) if layers else {}
    for stage in manifest.stages:
        for name, digest in stage.inputs.items():
            if not name.startswith("layer:"):
                if known.get(name) != digest:
                    yield trail_notice(TrailCode.LINK_BROKEN, name=name, stage=stage.name)
            elif layers:
                found = current[name]
                if isinstance(found, MineriskError):
                    yield trail_notice(
                        TrailCode.LAYER_UNREADABLE, name=name, stage=stage.name, why=str(found)
                    )
                elif found != digest:
                    yield trail_notice(TrailCode.LAYER_CHANGED, name=name, stage=stage.name)
        known.update(stage.outputs)


def _layer_hashes(manifest: Manifest, run: Run | None) -> dict[str, str | MineriskError]:
    """Hash the layers that stages read, as they are now."""
    names = sorted(manifest.layers)
    if run is None:
        return dict.fromkeys(names, InputError("config.yaml cannot be read"))
    try:
        layers = run.layers()
    except MineriskError as error:
        return dict.fromkeys(names, error)

    located = {name: _located(layers, name) for name in names}
    paths = sorted({path for path in located.values() if isinstance(path, Path)})
    with ThreadPoolExecutor(THREADS) as pool:  # a file that holds several layers is read once
        digests = dict(zip(paths, pool.map(_digest, paths), strict=True))
    return {
        name: digests[path] if isinstance(path, Path) else path for name, path in located.items()
    }


def _located(layers: Layers, name: str) -> Path | MineriskError:
    try:
        return layers.path(name.removeprefix("layer:"))
    except MineriskError as error:
        return error


def _digest(path: Path) -> str | MineriskError:
    try:
        return sha256_of(path)
    except MineriskError as error:
        return error


def broken_chain(manifest: Manifest) -> Iterator[TrailNotice]:
    """Name every entry of the trail that does not hold the hash of the entry before it."""
    digest = header_sha256(manifest)
    for stage in manifest.stages:
        name = stage.name
        if stage.before != digest:
            yield trail_notice(TrailCode.ENTRY_UNCHAINED, stage=name)
        digest = stage_sha256(stage)
        used = manifest.environments.get(stage.environment)
        if used is None or environment_sha256(used) != stage.environment:
            yield trail_notice(TrailCode.ENVIRONMENT_CHANGED, stage=name)
        elif stage.key != stage_key(name, used.code_sha256, stage.settings, stage.inputs):
            yield trail_notice(TrailCode.KEY_WRONG, stage=name)
    if manifest.head != digest:
        yield trail_notice(TrailCode.HEAD_WRONG)


def unpinned(manifest: Manifest, log: ReviewLog, pin: str | None) -> Iterator[TrailNotice]:
    """Check that a hash received through a separate channel is in the trail."""
    if pin is not None and pin not in {manifest.head, *(entry.sha256 for entry in log.entries)}:
        yield trail_notice(TrailCode.PIN_UNKNOWN, pin=pin)


def _gates(snapshot: Snapshot, run: Run | None) -> tuple[tuple[Gate, ...], list[TrailNotice]]:
    """Read the gates, and compare their thresholds with what the configuration agreed."""
    path = snapshot.files.metrics
    content = snapshot.contents.get(snapshot.files.name_of(path))
    if content is None:
        return (), []
    try:
        gates = Metrics.parse(content, source=path).gates
    except InputError as error:
        return (), [trail_notice(TrailCode.GATES_UNREADABLE, why=str(error))]
    if run is None:
        return (), []
    agreed = agreed_thresholds(run.config.gates)
    used = {gate.name: gate.threshold for gate in gates}
    problems = [
        trail_notice(TrailCode.GATE_MISSING, gate=name) for name in agreed if name not in used
    ]
    problems += [
        trail_notice(TrailCode.GATE_OTHER_THRESHOLD, gate=name, used=threshold, agreed=agreed[name])
        for name, threshold in used.items()
        if threshold != agreed[name]
    ]
    return gates, problems


def agreed_thresholds(agreed: Gates) -> dict[GateName, float]:
    """Return the threshold of each gate, as the configuration agreed it."""
    return {
        GateName.POSITIVE_CELLS: float(agreed.min_positive_cells),
        GateName.LEAKAGE: agreed.permuted_auc_margin,
        GateName.NULL_MODEL: agreed.min_skill,
        GateName.CALIBRATION: agreed.calibration_slope_margin,
        GateName.APPLICABILITY: agreed.min_applicable_share,
    }


def _strangers(files: RunFolder, manifest: Manifest) -> Iterator[TrailNotice]:
    outputs = manifest.outputs.keys()
    made = outputs | {files.name_of(files.listing(name)) for name in outputs}
    for place, folders, names in os.walk(files.path):
        here = Path(place)
        if here == files.path:
            folders[:] = [name for name in folders if here / name not in files.untracked]
            for left in [name for name in folders if name.endswith(".partial")]:
                folders.remove(left)
                yield trail_notice(TrailCode.HALF_MADE, name=left)
        for item in sorted([*folders, *names]):
            path = here / item
            name = files.name_of(path)
            if path.is_symlink() and not path.is_file():
                yield trail_notice(TrailCode.STRANGE_LINK, name=name)
            elif path.is_dir() or path in files.untracked:
                continue
            elif not path.is_file():
                yield trail_notice(TrailCode.NO_FILE, name=name)
            elif name not in made and not _parents(name) & outputs:
                yield trail_notice(TrailCode.STRANGE_FILE, name=name)


def _parents(name: str) -> set[str]:
    return {parent.as_posix() for parent in PurePosixPath(name).parents}


def _store(
    run: Run | None, manifest: Manifest, log: ReviewLog
) -> tuple[list[TrailNotice], list[TrailNotice]]:
    """Compare with MLflow."""
    if run is None:
        return [], []
    try:
        return moved_behind(run, manifest, log)
    except MineriskError as error:
        return [trail_notice(TrailCode.STORE_UNREADABLE, why=str(error))], []


def unfinished(manifest: Manifest) -> list[str]:
    """Name the stages that are not done."""
    return [name for name in STAGES if manifest.stage(name) is None]


def _notes(files: RunFolder, manifest: Manifest, *, layers: bool) -> Iterator[TrailNotice]:
    missing = unfinished(manifest)
    if missing:
        yield trail_notice(TrailCode.NOTE_UNFINISHED, stages=tuple(missing))
    if not layers:
        yield trail_notice(TrailCode.NOTE_NO_LAYERS)
    if not manifest.trained_by:
        yield trail_notice(TrailCode.NOTE_NO_MAKER)
    for used in manifest.environments.values():
        yield from _code_notes(used)
    if files.requests.is_dir():
        yield trail_notice(TrailCode.NOTE_REQUESTS)


def _code_notes(used: Environment) -> Iterator[TrailNotice]:
    commit = (used.code_commit or "no known commit")[:12]
    if used.code_dirty:
        yield trail_notice(TrailCode.NOTE_CODE_DIRTY, commit=commit)
    if used.code_sha256 != code_sha256():
        yield trail_notice(TrailCode.NOTE_OTHER_CODE, commit=commit)
    if used.lock_sha256 != environment().lock_sha256:
        yield trail_notice(TrailCode.NOTE_OTHER_LOCK)
