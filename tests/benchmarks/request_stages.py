"""Where the seconds of a small request go, in a process of its own.

``python -m tests.benchmarks.request_stages RUN AREA OUT`` answers a request of the polygons AREA
from the ready run RUN and prints wall and processor seconds of this process by stage. The preview
is drawn in a process apart, as for the command, where there is a second core. With ``--turns 10``
it instead times the whole command ten times, by turns as if there were one core (the preview is
drawn by the command itself then), a request that is refused, and, with ``--before TREE``, the same
command of another checkout. That is recorded for ``docs/performance.md``.
"""

import argparse
import json
import os
import shutil
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tests.benchmarks.record import Cost

Pair = list[float]
COMMAND = """
import os, sys
cores = int(sys.argv.pop(1))
os.cpu_count = lambda: cores
from minerisk.pipelines.cli.main import main
main()
"""
HERE = Path(__file__).parents[2]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "area", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--turns", type=int, default=0)
    parser.add_argument("--before", type=Path, help="another checkout, to take turns with")
    asked = parser.parse_args()
    if asked.turns:
        by_turns([str(asked.run), str(asked.area), str(asked.out)], asked.turns, asked.before)
        return
    begun, stages = now(), dict[str, Pair]()
    from minerisk.pipelines.cli.request_commands import prepare_drawing

    prepare_drawing()
    from minerisk.pipelines.predict import predict
    from minerisk.pipelines.records.request import Filters
    from minerisk.pipelines.request import answer, opening

    stages["imports"] = since(begun)
    for name in (
        "load_model",
        "predict_tiles",
        "preview_png",
        "_write_predicted",
        "_write_classes",
    ):
        setattr(predict, name, timed(getattr(predict, name), stages, name))

    def request() -> None:
        answer.write_maps(opening.open_request(asked.run, Filters(aoi=asked.area)), asked.out)

    timed(request, stages, "request")()
    sys.stdout.write(json.dumps(told(stages)))


def by_turns(words: list[str], turns: int, before: Path | None) -> None:
    from tests.benchmarks.record import record

    trees = {"now": HERE} | ({} if before is None else {"before": before})
    kinds = {"maps two": "2", "maps one": "1", "refused": "2"}
    found: dict[str, list[Cost]] = {f"{tree} {kind}": [] for tree in trees for kind in kinds}
    for _ in range(turns):
        for name, tree in trees.items():
            for kind, cores in kinds.items():
                found[f"{name} {kind}"].append(turn(words, cores, tree, refused=kind == "refused"))
    command = "python -m tests.benchmarks.request_stages RUN AREA OUT --turns"
    for name, kind, what, limit in (
        ("request_two_cores", "maps two", "A request of 100 km², two cores", 2.5),
        ("request_one_core", "maps one", "A request of 100 km², as with one core", 3.0),
        ("request_refused", "refused", "A request that is refused", 1.0),
    ):
        for place, unit in enumerate(("processor s", "s")):
            costs = {tree: [cost[place] for cost in found[f"{tree} {kind}"]] for tree in trees}
            ours = costs.pop("now")
            kept = f"{name}_processor" if unit != "s" else name
            limited = limit if unit == "s" or kind == "maps one" else None
            record(kept, what, ours, costs, unit=unit, at_most=limited, command=command)


def turn(words: list[str], cores: str, tree: Path, *, refused: bool) -> "Cost":
    """Time a whole command with all processes that it starts."""
    from tests.benchmarks.record import cost_of

    run, area, out = words
    shutil.rmtree(out, ignore_errors=True)
    asked = ["--near", "no_such_layer", "--within", "500"] if refused else ["--aoi", area]
    return cost_of(
        [sys.executable, "-c", COMMAND, cores, "maps", run, *asked, "--out", out],
        code=2 if refused else 0,
        environment={**os.environ, "PYTHONPATH": str(tree)},
    )


def now() -> Pair:
    return [time.perf_counter(), time.process_time()]


def since(begun: Pair) -> Pair:
    return [late - early for late, early in zip(now(), begun, strict=True)]


def timed(work: Callable[..., Any], stages: dict[str, Pair], name: str) -> Callable[..., Any]:
    def wrapped(*given: Any, **named: Any) -> Any:
        begun = now()
        try:
            return work(*given, **named)
        finally:
            stages[name] = since(begun)

    return wrapped


def told(found: dict[str, Pair]) -> dict[str, dict[str, float]]:
    """Take what one stage does within another apart."""

    def less(name: str, *parts: str) -> Pair:
        return [
            all_s - sum(found[part][at] for part in parts) for at, all_s in enumerate(found[name])
        ]

    writing = [
        bands + classes
        for bands, classes in zip(
            less("_write_predicted", "predict_tiles"), found["_write_classes"], strict=True
        )
    ]
    stages = {
        "imports": found["imports"],
        "area and checks": less("request", "_write_predicted", "_write_classes", "preview_png"),
        "model": found["load_model"],
        "tiles": less("predict_tiles", "load_model"),
        "writing": writing,
        "preview": found["preview_png"],
    }
    return {name: {"wall_s": wall, "processor_s": cpu} for name, (wall, cpu) in stages.items()}


if __name__ == "__main__":
    main()
