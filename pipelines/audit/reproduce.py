"""`minerisk reproduce`: make a run again from its inputs, and say where it first came out other."""

import logging
import subprocess
import sys
import venv
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.differences import TOLERANCE, largest_difference
from minerisk.pipelines.provenance.environment import NOW, environment_causes, environment_of
from minerisk.pipelines.provenance.manifest import locked, read_manifest, stage_named
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import do_steps

log = logging.getLogger(__name__)

SKIPPED = {"track"}
"""The MLflow record holds times and numbers drawn anew, and its aliases are not to be touched."""

IDENTICAL, CLOSE, DIFFERS = "identical", "within 1e-6", "differs"
PICTURES = {".png", ".html"}
"""How a line ends that tells two environments apart."""


def reproduce(
    folder: Path, out: Path, *, last: str = "report", said: Callable[[str], None] = log.info
) -> dict[str, Any]:
    """Make a run again in a new folder, and compare (see `compare_trails`).

    Parameters
    ----------
    folder
        A run whose layers are at hand.
    out
        New folder, or one that an earlier try left half done.
    last
        Name of the last stage to make again.
    said
        Called with a line for each stage.

    Raises
    ------
    InputError
        If `out` lies in the run or holds something else, or a layer cannot be read.
    """
    if out.resolve().is_relative_to(folder.resolve()):
        raise InputError(f"{out} lies in the run folder {folder}. Choose another --out.")
    original = Run.open(folder)
    with locked(out):
        do_steps(Run.again(original, out), last=last, skip=SKIPPED, said=said)
    return compare_trails(folder, out, last=last)


def compare_trails(folder: Path, again: Path, *, last: str = "report") -> dict[str, Any]:
    """Compare two runs stage by stage: what they were made of, and what came out.

    Returns
    -------
    dict
        ``verdict``: *identical*, *within 1e-6* or *differs*, of all outputs but pictures and pages
        that show them. ``first_difference``: first stage with an output beyond 1e-6.
        ``first_cause``: first stage with other settings, layers, code or libraries. ``stages``:
        for each, its causes and the outputs that are not byte-identical.
    """
    one, two = read_manifest(folder), read_manifest(again)
    stages = []
    for stage in one["stages"]:
        if stage["name"] in SKIPPED:
            continue
        other = stage_named(two, stage["name"])
        if other is None:
            stages.append(_not_made(stage["name"]))
        else:
            causes = list(_causes(stage, other, one, two))
            outputs = list(_outputs(stage, other, folder, again))
            stages.append({"stage": stage["name"], "causes": causes, "outputs": outputs})
        if stage["name"] == last:
            break
    verdicts = [output["same"] for stage in stages for output in stage["outputs"]]
    differs = any(_is_other(output) for stage in stages for output in stage["outputs"])
    verdict = DIFFERS if differs else CLOSE if CLOSE in verdicts else IDENTICAL
    return {
        "verdict": verdict,
        "first_difference": _first(stages, lambda s: any(_is_other(o) for o in s["outputs"])),
        "first_cause": _first(stages, lambda s: bool(s["causes"])),
        "stages": stages,
    }


def words_of(found: Mapping[str, Any]) -> list[str]:
    """Say what a comparison of trails found, a line each; what lasts is said where it began."""
    lines = []
    before: list[str] = []
    for stage in found["stages"]:
        known = [cause for cause in before if cause.endswith(NOW)]
        lines += [f"{stage['stage']}: {cause}" for cause in stage["causes"] if cause not in known]
        before = stage["causes"]
        for output in stage["outputs"]:
            size = "" if output["largest"] is None else f" (largest: {output['largest']:.3g})"
            lines.append(f"{stage['stage']}: {output['name']} {output['same']}{size}")
    if found["verdict"] == DIFFERS:
        lines.append(f"It came out other, first in stage {found['first_difference']}.")
        if found["first_cause"]:
            lines.append(f"What it was made of was other first in stage {found['first_cause']}.")
    elif found["verdict"] == CLOSE:
        lines.append(f"It came out the same within {TOLERANCE:g}, not to the byte.")
    else:
        lines.append("It came out the same, byte for byte.")
    return lines


def run_in_fresh_environment(folder: Path, out: Path, *, said: Callable[[str], None]) -> int:
    """Install ``requirements.lock`` into a new environment beside `out`, and reproduce there.

    pip takes the packages from where it is set to (an index, or ``PIP_FIND_LINKS`` offline); each
    must have the hash of the lock.

    Returns
    -------
    int
        Exit code of `minerisk reproduce` in that environment.

    Raises
    ------
    InputError
        If there is no lock beside the program, or the installation fails.
    """
    root = Path(__file__).resolve().parents[2]
    lock = root / "requirements.lock"
    out = out.resolve()  # pip and the run are called from other folders
    place = out.with_name(f"{out.name}.env")
    if not lock.is_file():
        raise InputError(f"There is no {lock}; --fresh-env works from a checkout of the code.")
    if place.exists():
        raise InputError(f"{place} is there already; a fresh environment is wanted. Remove it.")
    said(f"Installing {lock.name} into {place}")
    venv.create(place, with_pip=True)
    python = str(place / "bin" / "python")
    alone = [python, "-I", "-m"]  # no PYTHONPATH and no packages of the user's
    pip = [*alone, "pip", "install", "-qq", "--disable-pip-version-check"]
    for words in (
        ["--require-hashes", "-r", str(lock)],
        ["--no-deps", "--no-build-isolation", "-e", str(root)],  # beside its lock and its commit
    ):
        if subprocess.run([*pip, *words], check=False, stdout=sys.stderr).returncode != 0:
            raise InputError(f"pip could not install {words[-1]} (see above). Check its index.")
    words = ["minerisk", "reproduce", str(folder.resolve()), "--out", str(out)]
    return subprocess.run([*alone, *words], check=False, cwd=place).returncode


def _causes(
    stage: Mapping[str, Any],
    other: Mapping[str, Any],
    one: Mapping[str, Any],
    two: Mapping[str, Any],
) -> list[str]:
    causes = []
    if stage.get("settings") != other.get("settings") and stage["name"] != "configure":
        causes.append("its settings are other")
    for name, digest in sorted(stage["inputs"].items()):
        if name.startswith("layer:") and other["inputs"].get(name) != digest:
            causes.append(f"{name} has other bytes")
    return causes + environment_causes(environment_of(one, stage), environment_of(two, other))


def _outputs(
    stage: Mapping[str, Any], other: Mapping[str, Any], folder: Path, again: Path
) -> list[dict[str, Any]]:
    """Compare the outputs of a stage that have not the same bytes."""
    found = []
    for name in sorted(stage["outputs"].keys() | other["outputs"].keys()):
        if stage["outputs"].get(name) == other["outputs"].get(name):
            continue
        if name not in stage["outputs"] or name not in other["outputs"]:
            found.append({"name": name, "same": "missing on one side", "largest": None})
            continue
        largest = largest_difference(folder / name, again / name)
        same = CLOSE if largest is not None and largest <= TOLERANCE else DIFFERS
        if same == DIFFERS and (name == "figures" or Path(name).suffix in PICTURES):
            same = "other picture"
        found.append({"name": name, "same": same, "largest": largest})
    return found


def _is_other(output: Mapping[str, Any]) -> bool:
    return output["same"] in {DIFFERS, "missing on one side"}


def _not_made(name: str) -> dict[str, Any]:
    missing = {"name": "all outputs", "same": DIFFERS, "largest": None}
    return {"stage": name, "causes": ["not made again"], "outputs": [missing]}


def _first(stages: list[dict[str, Any]], chosen: Callable[[dict[str, Any]], bool]) -> str | None:
    return next((str(stage["stage"]) for stage in stages if chosen(stage)), None)
