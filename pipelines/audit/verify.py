"""`minerisk audit verify`: lead every byte of a run back to the bytes it came from."""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError, MineriskError
from minerisk.models.evaluation.results import GateName
from minerisk.models.risk_model import RiskModel
from minerisk.models.trees.check import checked_trees
from minerisk.pipelines.feedback.store import FEEDBACK, read_deliveries
from minerisk.pipelines.language.metric_words import GATES
from minerisk.pipelines.provenance.environment import code_sha256, environment
from minerisk.pipelines.provenance.files import (
    THREADS,
    canonical,
    listing,
    read_listing,
    sha256_path,
    sha256_text,
)
from minerisk.pipelines.provenance.manifest import (
    MANIFEST,
    header_sha256,
    listing_path,
    read_manifest,
    stage_key,
)
from minerisk.pipelines.provenance.reviews import REVIEWS, ReviewLog, read_reviews
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run, read_config
from minerisk.pipelines.steps import STEPS

UNTRACKED = {MANIFEST, REVIEWS, ".lock", "mlflow.db", "minerisk.log"}
UNTRACKED_FOLDERS = {"mlflow", "requests", FEEDBACK}
STAGES = tuple(name for name, step in STEPS.items() if step.when is None)
AGREED = {
    "positive_cells": "min_positive_cells",
    "leakage": "permuted_auc_margin",
    "null_model": "min_skill",
    "calibration": "calibration_slope_margin",
    "applicability": "min_applicable_share",
}
MAX_FEATURES = 10_000


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    checked
        How many files and layers were hashed and compared.
    problems
        One line each; empty when everything is as recorded.
    notes
        One line each: what could not be checked, or is worth knowing and no finding.
    gates
        What was agreed before training, with the value reached.
    head
        Hash of the last entry of the trail: pins everything before it.
    state
        ``draft``, ``reviewed``, ``approved`` or ``withdrawn``.
    """

    checked: int
    problems: tuple[str, ...]
    notes: tuple[str, ...] = ()
    gates: tuple[Mapping[str, Any], ...] = ()
    head: str = ""
    state: str = "draft"


def audit_run(
    folder: Path, *, layers: bool = True, pin: str | None = None, trust: Path | None = None
) -> Audit:
    """Check a run folder, from raster back to layer.

    Every output of every stage is hashed; every input of a stage must be an output of an earlier
    one with the same hash, or a layer whose file still has it; every entry of the trail must hold
    the hash of the one before; no file may be there that no stage made; the model must be one that
    can be read; and reviews must be chained, signed as they say, and be of this trail.

    Parameters
    ----------
    layers
        Whether the layers are at hand. Without them the trail is checked down to their hashes.
    pin
        Head of the trail or hash of a review, as it reached the reader by another way: it must be
        in the chain.
    trust
        File of public keys, ``<key in base64> <whose>`` a line. With it every decision must be
        signed by one of them.

    Raises
    ------
    InputError
        If `folder` is no run, or another process is at work in it.
    """
    with _still(folder):
        manifest = read_manifest(folder)
        log = read_reviews(folder, trust=trust)
        gates, wrong_gates = _gates(folder)
        problems = list(changed_outputs(folder, manifest["stages"]))
        problems += _broken_links(folder, manifest, layers=layers)
        problems += broken_chain(manifest)
        problems += unpinned(manifest, log, pin)
        problems += _strangers(folder, manifest)
        problems += _simulated_flag(folder, manifest)
        problems += wrong_gates
        problems += log.problems
        problems += read_deliveries(folder).problems
        store_problems, store_notes = _store(folder, manifest)
    notes = [*_notes(folder, manifest, layers=layers), *log.notes, *store_notes]
    checked = sum(len(stage["inputs"]) + len(stage["outputs"]) for stage in manifest["stages"])
    return Audit(
        checked=checked,
        problems=tuple(dict.fromkeys([*problems, *store_problems])),
        notes=tuple(notes),
        gates=gates,
        head=str(manifest.get("head", "")),
        state=log.state,
    )


@contextmanager
def _still(folder: Path) -> Iterator[None]:
    """Hold off other processes where there is a lock to hold; a folder on a disc has none."""
    try:
        stream = (RunFolder(folder).lock).open("rb")
    except OSError:
        yield
        return
    with stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"Another minerisk process is at work in {folder}. Wait for it, then audit."
            ) from error
        yield


def _simulated_flag(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    try:
        simulated = read_config(RunFolder(folder).config).simulated
    except MineriskError as error:
        yield f"config.yaml cannot be read: {error}"
        return
    if manifest.get("simulated") is not simulated:
        yield "manifest.json and config.yaml disagree on whether findings are SIMULATED"


def changed_outputs(folder: Path, stages: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """Name every output of `stages` that is not as it was written, and a model not to be read."""
    asked = [
        (stage["name"], name, digest)
        for stage in stages
        for name, digest in stage["outputs"].items()
    ]
    with ThreadPoolExecutor(THREADS) as pool:
        for lines in pool.map(lambda item: list(_changed(folder, *item)), asked):
            yield from lines
    yield from _model_problems(folder)


def _changed(folder: Path, stage: str, name: str, digest: str) -> Iterator[str]:
    path = folder / name
    try:
        inside = path.resolve().is_relative_to(folder.resolve())
    except (OSError, ValueError, RuntimeError):
        inside = False
    if not inside:
        yield f"{name!r} (stage {stage}) lies outside the run folder"
    elif not path.exists():
        yield f"{name} (stage {stage}) is missing"
    elif not path.is_dir():
        if sha256_path(path) != digest:
            yield f"{name} (stage {stage}) is not as it was written"
    else:
        yield from _changed_folder(folder, stage, name, digest)


def _changed_folder(folder: Path, stage: str, name: str, digest: str) -> Iterator[str]:
    """Name the files of a folder that changed, by the listing of when it was written."""
    content = listing(folder / name)
    stored = listing_path(folder, name)
    known = stored.read_bytes() if stored.is_file() else b""
    if hashlib.sha256(known).hexdigest() != digest:
        yield f"{stored.relative_to(folder)} is not the listing that the trail names"
    if hashlib.sha256(content).hexdigest() == digest:
        return
    yield f"{name} (stage {stage}) is not as it was written"
    before, now = read_listing(known), read_listing(content)
    for item in sorted(before.keys() | now.keys()):
        if item not in now:
            yield f"{name}/{item} is missing"
        elif item not in before:
            yield f"{name}/{item} was added"
        elif before[item] != now[item]:
            yield f"{name}/{item} has other bytes"


def _model_problems(folder: Path) -> Iterator[str]:
    """Check the model's text before any parser sees it, then that it is a whole model."""
    if not (RunFolder(folder).model / "model.json").is_file():
        return
    texts = True
    files = {p.name: p.read_bytes() for p in (RunFolder(folder).model).iterdir() if p.is_file()}
    for name in sorted(files):
        if name.endswith(".lgb"):
            try:
                checked_trees(files[name], features=MAX_FEATURES)
            except MineriskError as error:
                texts = False
                yield f"model/{name} cannot be used: {error}"
    if not texts:
        return
    try:
        RiskModel.from_files(files)
    except (MineriskError, ValueError, KeyError, TypeError, OSError) as error:
        yield f"model/ cannot be used: {error}"


def _broken_links(folder: Path, manifest: Mapping[str, Any], *, layers: bool) -> Iterator[str]:
    known: dict[str, str] = {}
    current = _layer_hashes(folder, manifest) if layers else {}
    for stage in manifest["stages"]:
        for name, digest in stage["inputs"].items():
            if not name.startswith("layer:"):
                if known.get(name) != digest:
                    yield f"{name}, used by stage {stage['name']}, is not what was made before it"
            elif layers and isinstance(current[name], MineriskError):
                yield f"{name} (stage {stage['name']}) cannot be checked: {current[name]}"
            elif layers and current[name] != digest:
                yield f"{name} has changed since stage {stage['name']} read it"
        known.update(stage["outputs"])


def _layer_hashes(folder: Path, manifest: Mapping[str, Any]) -> dict[str, str | MineriskError]:
    """Hash the layers that stages read, as they are now."""
    names = {name for stage in manifest["stages"] for name in stage["inputs"]}
    names = {name for name in names if name.startswith("layer:")}
    try:
        layers = Run.open(folder).layers()
    except MineriskError as error:
        return dict.fromkeys(names, error)

    def digest(name: str) -> str | MineriskError:
        try:
            return layers.sha256(name.removeprefix("layer:"))
        except MineriskError as error:
            return error

    with ThreadPoolExecutor(THREADS) as pool:
        return dict(zip(sorted(names), pool.map(digest, sorted(names)), strict=True))


def broken_chain(manifest: Mapping[str, Any]) -> Iterator[str]:
    """Name every entry of the trail that does not hold the hash of what stands before it."""
    digest = header_sha256(manifest)
    environments = manifest.get("environments")
    environments = environments if isinstance(environments, dict) else {}
    for stage in manifest["stages"]:
        name = stage["name"]
        if stage.get("before") != digest:
            yield f"{MANIFEST}: stage {name} does not follow from what stands before it"
        digest = sha256_text(canonical(stage))
        used = environments.get(stage.get("environment"))
        if not isinstance(used, dict) or sha256_text(canonical(used)) != stage["environment"]:
            yield f"{MANIFEST}: what stage {name} was done with is not on record as it was"
            continue
        made_of = (str(used.get("code_sha256")), str(stage.get("settings")), stage["inputs"])
        if stage["key"] != stage_key(name, *made_of):
            yield f"{MANIFEST}: the key of stage {name} is not that of its code, settings, inputs"
    if manifest.get("head") != digest:
        yield f"{MANIFEST}: its head is not the hash of its last entry"


def unpinned(manifest: Mapping[str, Any], log: ReviewLog, pin: str | None) -> Iterator[str]:
    """Say if a hash that reached the reader by another way is not in the trail."""
    known = {str(manifest.get("head")), *(str(entry["sha256"]) for entry in log.entries)}
    if pin is not None and pin not in known:
        yield f"{pin} is neither the head of the trail nor a review: the run was rewritten"


def _gates(folder: Path) -> tuple[tuple[Mapping[str, Any], ...], list[str]]:
    """Read the gates, each held against the threshold that the configuration agreed."""
    path = RunFolder(folder).metrics
    if not path.is_file():
        return (), []
    try:
        found = json.loads(path.read_text(encoding="utf-8"))["gates"]
        gates = tuple(
            {
                **gate,
                "threshold": float(gate["threshold"]),
                "words": GATES[GateName(gate["name"])],
            }
            for gate in found
        )
        names = {str(gate["name"]): bool(gate["passed"]) for gate in gates}
        agreed = read_config(RunFolder(folder).config).gates
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        return (), [f"metrics.json does not tell its gates ({error!r})"]
    except MineriskError:
        return (), []
    problems = [f"gate {name} is missing in metrics.json" for name in AGREED if name not in names]
    for gate in gates:
        setting = AGREED.get(str(gate["name"]))
        if setting and float(getattr(agreed, setting)) != gate["threshold"]:
            problems.append(
                f"gate {gate['name']} was held against {gate['threshold']:g}; agreed was "
                f"{getattr(agreed, setting):g} (gates.{setting})"
            )
    return gates, problems


def _strangers(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    outputs = {name for stage in manifest["stages"] for name in stage["outputs"]}
    made = outputs | {listing_path(folder, name).relative_to(folder).as_posix() for name in outputs}
    for place, folders, files in os.walk(folder):
        here = Path(place).relative_to(folder)
        if here == Path():
            folders[:] = [name for name in folders if name not in UNTRACKED_FOLDERS]
            for left in [name for name in folders if name.endswith(".partial")]:
                folders.remove(left)
                yield f"{left} is half-made: a stage was stopped; the same run goes on with it"
        for item in sorted([*folders, *files]):
            name = here / item
            path = folder / name
            if path.is_symlink() and not path.is_file():
                yield f"{name.as_posix()} was made by no stage of this run: it is a link"
            elif path.is_dir() or name.as_posix() in UNTRACKED:
                continue
            elif not path.is_file():
                yield f"{name.as_posix()} is no file"
            elif name.as_posix() not in made and not _parents(name) & outputs:
                yield f"{name.as_posix()} was made by no stage of this run"


def _parents(name: Path) -> set[str]:
    return {parent.as_posix() for parent in name.parents}


def _store(folder: Path, manifest: Mapping[str, Any]) -> tuple[list[str], list[str]]:
    """Compare with MLflow, which knows nothing of whom the reader trusts."""
    from minerisk.pipelines.tracking.registry import moved_behind

    try:
        return moved_behind(Run.open(folder), manifest, read_reviews(folder))
    except MineriskError as error:
        return [f"the MLflow record cannot be checked: {error}"], []


def unfinished(manifest: Mapping[str, Any]) -> list[str]:
    """Name the stages that are not done."""
    done = {stage["name"] for stage in manifest["stages"]}
    return [name for name in STAGES if name not in done]


def _notes(folder: Path, manifest: Mapping[str, Any], *, layers: bool) -> Iterator[str]:
    missing = unfinished(manifest)
    if missing:
        yield f"the run is not finished: {', '.join(missing)} not done"
    if not layers:
        yield "layers were not at hand: the trail was checked down to their hashes"
    if not manifest.get("trained_by"):
        yield "nobody is named as having made this run (`minerisk run … --by`)"
    environments = manifest.get("environments")
    for used in environments.values() if isinstance(environments, dict) else ():
        if isinstance(used, dict):
            yield from _code_notes(used)
    if (RunFolder(folder).requests).is_dir():
        yield "requests/ (rasters of areas asked for later) is not part of the trail"


def _code_notes(used: Mapping[str, Any]) -> Iterator[str]:
    commit = str(used.get("code_commit") or "no known commit")[:12]
    if used.get("code_dirty"):
        yield f"made with code that had changes in no commit (after {commit})"
    if used.get("code_sha256") != code_sha256():
        yield f"made with other code than this program's (commit {commit})"
    if used.get("lock_sha256") != environment()["lock_sha256"]:
        yield "made with another requirements.lock than this program's"
