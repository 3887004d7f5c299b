"""`minerisk audit verify`: lead every byte of a run back to the bytes it came from."""

import fcntl
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from minerisk.configs.load import ConfigError, parse_config
from minerisk.configs.schema import Config, Gates
from minerisk.features.errors import FindingError, InputError, MineriskError
from minerisk.features.files.plain_files import open_plain
from minerisk.features.layers.intake import sha256_of
from minerisk.features.layers.sources import Layers
from minerisk.models.evaluation.results import Gate, GateName
from minerisk.models.risk_model import RiskModel
from minerisk.models.trees import checked_trees
from minerisk.pipelines.feedback.store import read_deliveries
from minerisk.pipelines.provenance.chain import LAYER, broken_chain, broken_links, unpinned
from minerisk.pipelines.provenance.environment import code_sha256, environment
from minerisk.pipelines.provenance.files import THREADS
from minerisk.pipelines.provenance.links import links_below
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.outputs import changed_outputs
from minerisk.pipelines.provenance.reviews import ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import read_trusted
from minerisk.pipelines.provenance.snapshot import Snapshot, take_snapshot
from minerisk.pipelines.provenance.standing import stand
from minerisk.pipelines.records.manifest import Environment, Manifest
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.review import (
    Audit,
    Standing,
    State,
    TrailCode,
    TrailNotice,
    trail_notice,
)
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import STEPS
from minerisk.pipelines.tracking.registry import moved_behind, taken_away

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
        try:
            manifest = read_manifest(files)
        except FindingError as error:
            return _unreadable(files, str(error))
        log = read_reviews(files, manifest, trusted=None if trust is None else read_trusted(trust))
        own = log if trust is None else read_reviews(files, manifest)  # MLflow knows no trust
        snapshot = take_snapshot(files, manifest.outputs)
        config = _config(snapshot)
        run = Run.of(files, manifest, config) if isinstance(config, Config) else None
        gates, wrong_gates = _gates(snapshot, run)
        of_run = [
            *_links(files),
            *changed_outputs(snapshot, manifest.stages),
            *_model_problems(snapshot),
            *broken_links(manifest),
            *broken_chain(manifest),
            *unpinned(manifest, log, pin),
            *_simulated_flag(config, manifest),
            *wrong_gates,
            *_taken_away(run, manifest, own),
        ]
        changed, absent = _layers(manifest, run) if layers else ([], [])
        store_problems, store_notes = _store(run, manifest, own)
        beside = [
            *changed,
            *_strangers(files, manifest),
            *read_deliveries(files).problems,
            *store_problems,
        ]
    notes = [*_notes(files, manifest, layers=layers), *absent, *log.notes, *store_notes]
    return Audit(
        schema_version=Audit.version,
        checked=sum(len(stage.inputs) + len(stage.outputs) for stage in manifest.stages),
        problems=_distinct([*of_run, *log.problems, *beside]),
        notes=tuple(notes),
        gates=gates,
        head=manifest.head,
        standing=stand(manifest, log, of_run),
    )


def _unreadable(files: RunFolder, why: str) -> Audit:
    """Report a manifest that was cut off or changed: nothing can be held against it."""
    found = trail_notice(TrailCode.MANIFEST_UNREADABLE, why=why.rstrip("."))
    problems = (found, *_links(files))
    return Audit(
        schema_version=Audit.version,
        checked=0,
        problems=problems,
        standing=Standing(state=State.UNVERIFIED, reasons=problems),
    )


def _links(files: RunFolder) -> list[TrailNotice]:
    """Name every link in the folder."""
    return [trail_notice(TrailCode.STRANGE_LINK, name=name) for name in links_below(files.path)]


def _distinct(found: Iterable[TrailNotice]) -> tuple[TrailNotice, ...]:
    """Leave out what was found before."""
    return tuple({notice.model_dump_json(): notice for notice in found}.values())


@contextmanager
def _still(files: RunFolder) -> Iterator[None]:
    """Keep other processes away where there is a lock to hold; a folder on a disc has none."""
    try:
        stream = open_plain(files.lock)
    except (FindingError, OSError):
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
    except (MineriskError, ArithmeticError, LookupError, TypeError, ValueError) as error:
        yield trail_notice(TrailCode.MODEL_UNUSABLE, name="model/", why=str(error))


def _layers(manifest: Manifest, run: Run | None) -> tuple[list[TrailNotice], list[TrailNotice]]:
    """Hold the layers that are at hand against the trail.

    Returns
    -------
    problems, notes
        Layers that changed, named at the first stage that read them otherwise; and one note on
        all that could not be read here, which says nothing against the run.
    """
    current = _layer_hashes(manifest, run)
    changed = dict[str, TrailNotice]()
    for stage in manifest.stages:
        for name, digest in stage.inputs.items():
            found = current.get(name)
            if isinstance(found, str) and found != digest and name not in changed:
                changed[name] = trail_notice(
                    TrailCode.LAYER_CHANGED, name=name.removeprefix(LAYER), stage=stage.name
                )
    missing = {name: why for name, why in current.items() if isinstance(why, MineriskError)}
    if not missing:
        return list(changed.values()), []
    note = trail_notice(
        TrailCode.NOTE_LAYERS_ABSENT,
        count=len(missing),
        of=len(current),
        names=tuple(name.removeprefix(LAYER) for name in missing),
        why=str(next(iter(missing.values()))).rstrip("."),
    )
    return list(changed.values()), [note]


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


def _gates(snapshot: Snapshot, run: Run | None) -> tuple[tuple[Gate, ...], list[TrailNotice]]:
    """Read the gates, and compare their thresholds with what the configuration agreed."""
    path = snapshot.files.metrics
    content = snapshot.contents.get(snapshot.files.name_of(path))
    if content is None:
        return (), []
    try:
        gates = Metrics.parse(content, source=path).gates
    except MineriskError as error:
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
    untracked = files.untracked
    for place, folders, names in os.walk(files.path):
        here = Path(place)
        if here == files.path:
            folders[:] = [name for name in folders if here / name not in untracked]
            for left in [name for name in folders if name.endswith(".partial")]:
                folders.remove(left)
                yield trail_notice(TrailCode.HALF_MADE, name=left)
        for item in sorted([*folders, *names]):
            path = here / item
            name = files.name_of(path)
            if path.is_symlink() or path.is_dir() or path in untracked:
                continue  # links are named by themselves
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


def _taken_away(run: Run | None, manifest: Manifest, log: ReviewLog) -> list[TrailNotice]:
    """Find reviews that MLflow knows and the log has lost."""
    try:
        found = None if run is None else taken_away(run, manifest, log)
    except MineriskError:  # named elsewhere: the facts of the stage are not as they were written
        return []
    return [] if found is None else [found]


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
    for translation in files.translations:
        yield trail_notice(TrailCode.NOTE_TRANSLATION, name=files.name_of(translation))


def _code_notes(used: Environment) -> Iterator[TrailNotice]:
    commit = (used.code_commit or "no known commit")[:12]
    if used.code_dirty:
        yield trail_notice(TrailCode.NOTE_CODE_DIRTY, commit=commit)
    if used.code_sha256 != code_sha256():
        yield trail_notice(TrailCode.NOTE_OTHER_CODE, commit=commit)
    if used.lock_sha256 != environment().lock_sha256:
        yield trail_notice(TrailCode.NOTE_OTHER_LOCK)
