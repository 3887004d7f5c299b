"""The trail of a run: what went into each stage and what came out, entry chained to entry."""

import fcntl
import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.environment import code_sha256, environment
from minerisk.pipelines.provenance.files import (
    canonical,
    listing,
    sha256_path,
    sha256_text,
    write_json,
    write_whole,
)
from minerisk.pipelines.provenance.run_folder import RunFolder

MANIFEST = "manifest.json"
FORMAT = 1
TRAIL = "trail"
HEADER = ("format", "study_area", "title", "simulated", "trained_by")


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes
    ----------
    name
        Such as ``build``.
    key
        SHA-256 of name, code, settings and inputs: the same key means the same outputs.
    settings
        SHA-256 of the part of the configuration that matters here.
    environment
        SHA-256 of the entry of ``environments`` that it was done in.
    inputs, outputs
        Name to SHA-256. Inputs are layers (``layer:<name>``), ``config.yaml`` or outputs of earlier
        stages; outputs are paths relative to the run folder.
    seconds
        How long it took.
    facts
        What the stage wants to have said of it.
    """

    name: str
    key: str
    settings: str
    environment: str
    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float
    facts: dict[str, Any]


def listing_path(folder: Path, name: str) -> Path:
    """Say where the listing of an output that is a folder lies."""
    return folder / TRAIL / f"{name.replace('/', '__')}.sha256"


def read_manifest(folder: Path) -> dict[str, Any]:
    """Read the manifest of a run folder.

    Raises
    ------
    InputError
        If there is none, or it is not one.
    """
    path = folder / MANIFEST
    if not path.is_file():
        raise InputError(
            f"{folder} has no {MANIFEST}; expected the folder of a run. Make one with "
            "`minerisk run CONFIG --out DIR`."
        )
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{path} is not JSON ({error}). It was changed by hand.") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise InputError(f"{path} is not a manifest of format {FORMAT}. Make the run again.")
    if not _are_stages(manifest.get("stages")):
        raise InputError(f"{path} lists no stages. It was changed by hand; make the run again.")
    return manifest


def _are_stages(stages: Any) -> bool:
    return isinstance(stages, list) and all(
        isinstance(stage, dict)
        and isinstance(stage.get("name"), str)
        and isinstance(stage.get("key"), str)
        and _are_hashes(stage.get("inputs"))
        and _are_hashes(stage.get("outputs"))
        for stage in stages
    )


def _are_hashes(found: Any) -> bool:
    return isinstance(found, dict) and all(isinstance(digest, str) for digest in found.values())


def write_manifest(folder: Path, manifest: Mapping[str, Any]) -> dict[str, Any]:
    """Write a manifest, every stage holding the hash of what is before it.

    ``head`` is the hash of the last entry: it changes with every byte of what stages went in, came
    out and in which order. Whoever keeps it elsewhere can tell later that nothing was rewritten.
    """
    stages: list[dict[str, Any]] = []
    digest = header_sha256(manifest)
    for stage in manifest["stages"]:
        stages.append(stage | {"before": digest})
        digest = sha256_text(canonical(stages[-1]))
    whole = {**manifest, "stages": stages, "head": digest}
    write_json(folder / MANIFEST, whole)
    return whole


def header_sha256(manifest: Mapping[str, Any]) -> str:
    """Hash what a manifest says of the run as a whole; where its configuration lies may change."""
    return sha256_text(canonical([[name, manifest.get(name)] for name in HEADER]))


def record_trainer(folder: Path, name: str) -> None:
    """Add a name to those who say that they made this run; none is ever taken from the system."""
    manifest = read_manifest(folder)
    known = list(manifest.get("trained_by") or [])
    if name.strip() and name.strip() not in known:
        write_manifest(folder, manifest | {"trained_by": [*known, name.strip()]})


def stage_named(manifest: Mapping[str, Any], name: str) -> dict[str, Any] | None:
    """Find a stage in a manifest."""
    found = [stage for stage in manifest["stages"] if stage["name"] == name]
    return found[0] if found else None


def do_stage(
    folder: Path,
    name: str,
    *,
    inputs: Mapping[str, str],
    settings: Any,
    work: Callable[[], tuple[Sequence[Path], dict[str, Any]]],
) -> bool:
    """Do a stage unless its outputs are there already, and record it.

    Parameters
    ----------
    folder
        Run folder, with a manifest.
    name
        Name of the stage.
    inputs
        Name to SHA-256 of what goes in.
    settings
        The part of the configuration that matters here.
    work
        Makes the outputs; returns their paths and facts worth keeping.

    Returns
    -------
    bool
        False if there was nothing to do.
    """
    manifest = read_manifest(folder)
    settled = sha256_text(canonical(settings))
    key = stage_key(name, code_sha256(), settled, inputs)
    known = stage_named(manifest, name)
    same_key = known is not None and known["key"] == key
    if known is not None and same_key and _intact(folder, known["outputs"]):
        return False
    started = time.monotonic()
    paths, facts = work()
    outputs = _record_outputs(folder, paths)
    if known is not None and same_key and known["outputs"] == outputs:
        return True  # lost, and made again the same: the trail stays as it is
    here = environment()
    stage = Stage(
        name=name,
        key=key,
        settings=settled,
        environment=sha256_text(canonical(here)),
        inputs=dict(inputs),
        outputs=outputs,
        seconds=round(time.monotonic() - started, 1),
        facts=facts,
    )
    stages = _in_its_place(manifest["stages"], asdict(stage))
    used = {known.get("environment") for known in stages}
    kept = {**manifest.get("environments", {}), stage.environment: here}
    environments = {digest: value for digest, value in kept.items() if digest in used}
    write_manifest(
        folder,
        manifest | {"stages": stages, "environment": here, "environments": environments},
    )
    return True


def stage_key(name: str, code: str, settings: str, inputs: Mapping[str, str]) -> str:
    """Hash what decides the outputs of a stage: its name, code, settings and inputs."""
    return sha256_text(canonical([name, code, settings, dict(inputs)]))


def _record_outputs(folder: Path, paths: Sequence[Path]) -> dict[str, str]:
    """Hash outputs; a folder's listing is kept, so that a file in it can be named later."""
    outputs = {}
    for path in paths:
        name = path.relative_to(folder).as_posix()
        if path.is_dir():
            content = listing(path)
            write_whole(listing_path(folder, name), content)
            outputs[name] = hashlib.sha256(content).hexdigest()
        else:
            outputs[name] = sha256_path(path)
    return outputs


def outputs_of(folder: Path, *names: str) -> dict[str, str]:
    """Give the outputs of earlier stages, path to SHA-256, for use as inputs."""
    manifest = read_manifest(folder)
    found: dict[str, str] = {}
    for name in names:
        stage = stage_named(manifest, name)
        if stage is None:
            raise InputError(
                f"{folder} has no finished stage `{name}`. Run `minerisk run` to go on."
            )
        found.update(stage["outputs"])
    return found


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Keep a run folder for this process alone.

    Raises
    ------
    InputError
        If another process is at work in it.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with (RunFolder(folder).lock).open("w") as stream:
        try:
            fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise InputError(
                f"Another minerisk process is at work in {folder}. Wait for it, or use another "
                "--out folder."
            ) from error
        yield


def _in_its_place(stages: Sequence[dict[str, Any]], stage: dict[str, Any]) -> list[dict[str, Any]]:
    """Put a stage where it was before: what is made comes before what is made of it."""
    if stage["name"] in [known["name"] for known in stages]:
        return [stage if known["name"] == stage["name"] else known for known in stages]
    return [*stages, stage]


def _intact(folder: Path, outputs: Mapping[str, str]) -> bool:
    return all(
        (folder / name).exists() and sha256_path(folder / name) == digest
        for name, digest in outputs.items()
    )
