"""The trail of a run: what went into each stage and what came out, by SHA-256."""

import fcntl
import hashlib
import importlib.metadata
import json
import os
import platform
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from features.errors import InputError

MANIFEST = "manifest.json"
FORMAT = 1
ROOMS = ("features", "models", "pipelines", "configs")


@dataclass(frozen=True)
class Stage:
    """One step of a run.

    Attributes
    ----------
    name
        Such as ``build``.
    key
        SHA-256 of code, settings and inputs: the same key means the same outputs.
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
    inputs: dict[str, str]
    outputs: dict[str, str]
    seconds: float
    facts: dict[str, Any]


def sha256_path(path: Path) -> str:
    """Hash a file's bytes, or a folder's files by name and content.

    Returns
    -------
    str
        64 hexadecimal digits.
    """
    if path.is_dir():
        entries = sorted(item for item in path.rglob("*") if item.is_file())
        lines = [f"{item.relative_to(path).as_posix()} {sha256_path(item)}" for item in entries]
        return sha256_text("\n".join(lines))
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def sha256_text(text: str) -> str:
    """Hash a text as UTF-8."""
    return hashlib.sha256(text.encode()).hexdigest()


def canonical(value: Any) -> str:
    """Write a value as JSON that depends on nothing but the value."""
    return json.dumps(value, sort_keys=True, separators=(",", ":"), default=str)


@cache
def code_sha256() -> str:
    """Hash the source of the four packages."""
    root = Path(__file__).resolve().parent.parent
    files = sorted(
        item
        for room in ROOMS
        for item in (root / room).rglob("*")
        if item.suffix in {".py", ".j2"} and item.is_file()
    )
    return sha256_text(
        "\n".join(f"{item.relative_to(root).as_posix()} {sha256_path(item)}" for item in files)
    )


@cache
def environment() -> dict[str, Any]:
    """Say what the run ran on: Python, machine and the version of every installed package."""
    packages = {
        dist.metadata["Name"].lower(): dist.version for dist in importlib.metadata.distributions()
    }
    lock = Path(__file__).resolve().parent.parent / "requirements.lock"
    return {
        "python": platform.python_version(),
        "machine": platform.machine(),
        "packages": dict(sorted(packages.items())),
        "lock_sha256": sha256_path(lock) if lock.is_file() else None,
        "code_sha256": code_sha256(),
        "minerisk": importlib.metadata.version("minerisk"),
    }


def write_whole(path: Path, content: bytes | str) -> Path:
    """Write a file whole or not at all: temporary name, fsync, rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        with partial.open("wb") as stream:
            stream.write(content.encode() if isinstance(content, str) else content)
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
    return path


def write_json(path: Path, value: Any) -> Path:
    """Write a value as readable JSON, whole or not at all."""
    return write_whole(
        path, json.dumps(value, indent=1, sort_keys=True, default=str, allow_nan=False) + "\n"
    )


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
    except ValueError as error:
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
        and isinstance(stage.get("inputs"), dict)
        and isinstance(stage.get("outputs"), dict)
        for stage in stages
    )


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
    key = sha256_text(canonical([name, code_sha256(), settings, dict(inputs)]))
    known = stage_named(manifest, name)
    if known is not None and known["key"] == key and _intact(folder, known["outputs"]):
        return False
    started = time.monotonic()
    outputs, facts = work()
    stage = Stage(
        name=name,
        key=key,
        inputs=dict(inputs),
        outputs={path.relative_to(folder).as_posix(): sha256_path(path) for path in outputs},
        seconds=round(time.monotonic() - started, 1),
        facts=facts,
    )
    manifest["stages"] = _in_its_place(manifest["stages"], asdict(stage))
    manifest["environment"] = environment()
    write_json(folder / MANIFEST, manifest)
    return True


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
    with (folder / ".lock").open("w") as stream:
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
