"""`minerisk reproduce`: make a run again from its inputs, and find the first stage that differs."""

import logging
import math
import subprocess
import sys
import venv
from collections.abc import Callable, Iterator
from pathlib import Path

from minerisk.features.errors import InputError
from minerisk.pipelines.audit.differences import TOLERANCE, largest_difference
from minerisk.pipelines.provenance.environment import environment_causes
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.records.comparison import (
    Cause,
    CauseCode,
    OutputDifference,
    Reproduction,
    Sameness,
    StageComparison,
)
from minerisk.pipelines.records.manifest import Stage
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.steps import do_steps

log = logging.getLogger(__name__)

SKIPPED = {"track"}
"""The MLflow record holds times and random identifiers, and its aliases are not to be touched."""
PICTURES = {".png", ".html"}


def reproduce(
    original: Run, out: Path, *, last: str = "report", said: Callable[[str], None] = log.info
) -> Reproduction:
    """Make a run again in a new folder, and compare (see `compare_trails`).

    Parameters
    ----------
    original
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
    if out.resolve().is_relative_to(original.folder.resolve()):
        raise InputError(f"{out} lies in the run folder {original.folder}. Choose another --out.")
    with locked(out):
        again = Run.again(original, out)
        do_steps(again, last=last, skip=SKIPPED, said=said)
    return compare_trails(original, again, last=last)


def compare_trails(one: Run, two: Run, *, last: str = "report") -> Reproduction:
    """Compare two runs stage by stage: what they were made of, and their outputs."""
    names = [stage.name for stage in one.manifest().stages]
    names = names[: names.index(last) + 1] if last in names else names
    stages = tuple(_compare(name, one, two) for name in names if name not in SKIPPED)
    close = any(output.same is Sameness.CLOSE for stage in stages for output in stage.outputs)
    differing = [stage.stage for stage in stages if stage.differs]
    caused = [stage.stage for stage in stages if stage.causes]
    return Reproduction(
        schema_version=Reproduction.version,
        verdict=Sameness.DIFFERS if differing else Sameness.CLOSE if close else Sameness.IDENTICAL,
        first_difference=differing[0] if differing else None,
        first_cause=caused[0] if caused else None,
        stages=stages,
    )


def _compare(name: str, one: Run, two: Run) -> StageComparison:
    stage, other = one.manifest().done(name), two.manifest().stage(name)
    if other is None:
        return StageComparison(
            stage=name,
            causes=(Cause(code=CauseCode.NOT_MADE),),
            outputs=(OutputDifference(name="", same=Sameness.NOT_MADE),),
        )
    return StageComparison(
        stage=name,
        causes=(
            *_causes(stage, other),
            *environment_causes(one.manifest().environment(name), two.manifest().environment(name)),
        ),
        outputs=tuple(_outputs(stage, other, one, two)),
    )


def run_in_fresh_environment(
    folder: Path, out: Path, *, said: Callable[[str], None], as_json: bool = False
) -> int:
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
    words += ["--json"] if as_json else []
    return subprocess.run([*alone, *words], check=False, cwd=place).returncode


def _causes(stage: Stage, other: Stage) -> Iterator[Cause]:
    if stage.settings != other.settings and stage.name != "configure":
        yield Cause(code=CauseCode.SETTINGS)
    for name, digest in sorted(stage.inputs.items()):
        if name.startswith("layer:") and other.inputs.get(name) != digest:
            yield Cause(code=CauseCode.LAYER, name=name, then=digest, now=other.inputs.get(name))


def _outputs(stage: Stage, other: Stage, one: Run, two: Run) -> Iterator[OutputDifference]:
    """Compare the outputs of a stage whose bytes are not the same."""
    for name in sorted(stage.outputs.keys() | other.outputs.keys()):
        if stage.outputs.get(name) == other.outputs.get(name):
            continue
        if name not in stage.outputs or name not in other.outputs:
            yield OutputDifference(name=name, same=Sameness.ONE_SIDE)
            continue
        largest = largest_difference(one.files.output(name), two.files.output(name))
        same = Sameness.DIFFERS
        if largest is not None and largest <= TOLERANCE:
            same = Sameness.CLOSE
        elif name == "figures" or Path(name).suffix in PICTURES:
            same = Sameness.PICTURE
        known = largest is not None and math.isfinite(largest)
        yield OutputDifference(name=name, same=same, largest=largest if known else None)
