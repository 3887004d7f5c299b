"""`minerisk audit`: lead every byte of a run back to the bytes it came from."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from features.errors import MineriskError
from models.risk_model import RiskModel
from pipelines.context import Run, read_config
from pipelines.manifest import MANIFEST, read_manifest, sha256_path

UNTRACKED = {MANIFEST, ".lock", "mlflow.db", "minerisk.log"}
UNTRACKED_FOLDERS = {"mlflow", "requests"}


@dataclass(frozen=True)
class Audit:
    """What an audit found.

    Attributes
    ----------
    checked
        How many files and layers were hashed and compared.
    problems
        One line each; empty when everything is as recorded.
    """

    checked: int
    problems: tuple[str, ...]


def audit_run(folder: Path) -> Audit:
    """Check a run folder, from raster back to layer.

    Every output of every stage is hashed; every input of a stage must be an output of an earlier
    one with the same hash, or a layer whose file still has it; no file may be there that no stage
    made; and the model must be one that can be read.
    """
    manifest = read_manifest(folder)
    problems = list(_changed_outputs(folder, manifest))
    problems += _broken_links(folder, manifest)
    problems += _strangers(folder, manifest)
    problems += _simulated_flag(folder, manifest)
    checked = sum(len(stage["inputs"]) + len(stage["outputs"]) for stage in manifest["stages"])
    return Audit(checked=checked, problems=tuple(problems))


def _simulated_flag(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    try:
        simulated = read_config(folder / "config.yaml").simulation is not None
    except MineriskError as error:
        yield f"config.yaml cannot be read: {error}"
        return
    if manifest.get("simulated") is not simulated:
        yield "manifest.json and config.yaml disagree on whether findings are SIMULATED"


def _changed_outputs(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    for stage in manifest["stages"]:
        for name, digest in stage["outputs"].items():
            path = folder / name
            if not path.resolve().is_relative_to(folder.resolve()):
                yield f"{name} (stage {stage['name']}) lies outside the run folder"
            elif not path.exists():
                yield f"{name} (stage {stage['name']}) is missing"
            elif sha256_path(path) != digest:
                yield f"{name} (stage {stage['name']}) is not as it was written"
    if (folder / "model" / "model.json").is_file():
        try:
            files = {item.name: item.read_bytes() for item in (folder / "model").iterdir()}
            RiskModel.from_files(files)
        except (MineriskError, ValueError, KeyError) as error:
            yield f"model/ cannot be used: {error}"


def _broken_links(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    known: dict[str, str] = {}
    layers: Run | None = None
    for stage in manifest["stages"]:
        for name, digest in stage["inputs"].items():
            if not name.startswith("layer:"):
                if known.get(name) != digest:
                    yield f"{name}, used by stage {stage['name']}, is not what was made before it"
                continue
            try:
                layers = layers or Run.open(folder)
                if layers.layers().sha256(name.removeprefix("layer:")) != digest:
                    yield f"{name} has changed since stage {stage['name']} read it"
            except MineriskError as error:
                yield f"{name} (stage {stage['name']}) cannot be checked: {error}"
        known.update(stage["outputs"])


def _strangers(folder: Path, manifest: Mapping[str, Any]) -> Iterator[str]:
    made = {name for stage in manifest["stages"] for name in stage["outputs"]}
    for item in sorted(folder.rglob("*")):
        name = item.relative_to(folder)
        folders = item.is_dir() and not item.is_symlink()
        if folders or name.as_posix() in UNTRACKED or name.parts[0] in UNTRACKED_FOLDERS:
            continue
        parents = {parent.as_posix() for parent in name.parents}
        if name.as_posix() not in made and not parents & made:
            yield f"{name.as_posix()} was made by no stage of this run"
