"""What a whole command takes: seconds, seconds of the processor, and memory of each process.

``python -m tests.benchmarks.whole_run run CONFIG OUT`` makes a run from layers to report, and
``… predict OUT`` all rasters of a run that is there anew, for which those it has are deleted. Both
record what they took for the table in ``docs/performance.md``, with the limits that are set here.
Kernels are compiled before: the first run after an installation is not one to measure.
"""

import argparse
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.folder import Run
from tests.benchmarks.memory import family, most_held_mb
from tests.benchmarks.record import Cost, counted, record

LOOK_S = 0.5
MIB_A_GB = 1e9 / 2**20


class Limits(NamedTuple):
    """The most that a run may take; none where nothing was set."""

    wall_s: float | None = None
    processor_s: float | None = None
    memory_gb: float | None = None


RUNS = {
    "bosnia": Limits(300, 540, 2),
    "karabakh": Limits(75),
    "tiny": Limits(10),
}
PREDICTIONS = {"bosnia": Limits(processor_s=13)}


def taken(command: list[str]) -> tuple[Cost, float]:
    """Run a command, which must end well; give what it cost, and the most GB a process held."""
    most = 0.0
    with counted() as cost, subprocess.Popen(command, stdout=sys.stderr) as work:
        while work.poll() is None:
            most = max(most, *(most_held_mb(pid) for pid in family(work.pid)))
            with suppress(subprocess.TimeoutExpired):
                work.wait(LOOK_S)
    if work.returncode:
        raise SystemExit(f"{' '.join(command)} ended with {work.returncode}")
    return cost(), most / MIB_A_GB


def tell(name: str, what: str, found: tuple[Cost, float], limits: Limits, command: str) -> None:
    """Record seconds, seconds of the processor and memory, each beside its limit."""
    cost, memory_gb = found
    for part, unit, took, limit in (
        ("wall", "s", cost.wall_s, limits.wall_s),
        ("processor", "processor s", cost.processor_s, limits.processor_s),
        ("memory", "GB", memory_gb, limits.memory_gb),
    ):
        record(f"{name}_{part}", what, [took], unit=unit, at_most=limit, command=command)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    kinds = parser.add_subparsers(dest="kind", required=True)
    run = kinds.add_parser("run")
    run.add_argument("config", type=Path)
    run.add_argument("out", type=Path)
    kinds.add_parser("predict").add_argument("out", type=Path)
    asked = parser.parse_args()
    minerisk = str(Path(sys.executable).with_name("minerisk"))
    if asked.kind == "run":
        if asked.out.exists():
            shutil.rmtree(asked.out)
        name = asked.config.stem
        found = taken([minerisk, "run", str(asked.config), "--out", str(asked.out)])
        command = f"python -m tests.benchmarks.whole_run run {asked.config} DIR"
        what = f"`{asked.config.name}`, from layers to report"
        tell(f"run_{name}", what, found, RUNS.get(name, Limits()), command)
        return
    name = Run.open(asked.out).config.study_area.name
    shutil.rmtree(RunFolder(asked.out).rasters)
    found = taken([minerisk, "predict", str(asked.out)])
    command = f"python -m tests.benchmarks.whole_run predict DIR ({name})"
    what = f"every raster and reason of {name}, from its model"
    tell(f"predict_{name}", what, found, PREDICTIONS.get(name, Limits()), command)


if __name__ == "__main__":
    main()
