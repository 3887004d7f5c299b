"""Where the seconds of a small request go, in a process of its own.

``python -m tests.benchmarks.request_stages RUN AREA OUT`` answers a request of the polygons AREA
from the ready run RUN and prints wall and processor seconds of this process by stage. The preview
is drawn in a process apart, as for the command, where there is a second core. With ``--turns 10``
it instead times the whole command ten times, and by turns as if there were one core: the preview
is drawn by the command itself then.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median
from typing import Any

from minerisk.pipelines.request import answer

Pair = list[float]
COMMAND = """
import os, sys
os.cpu_count = lambda: int(sys.argv[4])
from minerisk.pipelines.cli.main import app
app(["maps", sys.argv[1], "--aoi", sys.argv[2], "--out", sys.argv[3]])
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "area", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--turns", type=int, default=0)
    asked = parser.parse_args()
    if asked.turns:
        by_turns([str(asked.run), str(asked.area), str(asked.out)], asked.turns)
        return
    begun, stages = now(), dict[str, Pair]()
    from minerisk.pipelines.cli.request_commands import prepare_drawing

    prepare_drawing()
    from minerisk.pipelines.predict import predict

    stages["imports"] = since(begun)
    for name in ("load_model", "predict_tiles", "preview_png", "_write_bands", "_write_classes"):
        setattr(predict, name, timed(getattr(predict, name), stages, name))
    from minerisk.pipelines.records.request import Filters

    def request() -> None:
        answer.write_maps(answer.open_request(asked.run, Filters(aoi=asked.area)), asked.out)

    timed(request, stages, "request")()
    sys.stdout.write(json.dumps(told(stages)))


def by_turns(words: list[str], turns: int) -> None:
    seconds: dict[str, list[float]] = {"2": [], "1": []}
    for _ in range(turns):
        for cores, found in seconds.items():
            begun = time.perf_counter()
            command = [sys.executable, "-c", COMMAND, *words, cores]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
            found.append(time.perf_counter() - begun)
    for cores, found in seconds.items():
        sys.stdout.write(
            f"{cores} cores: {median(found):.2f} s from start to end "
            f"({min(found):.2f} to {max(found):.2f})\n"
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

    stages = {
        "imports": found["imports"],
        "area and checks": less("request", "_write_bands", "_write_classes"),
        "model": found["load_model"],
        "tiles": less("predict_tiles", "load_model"),
        "writing": [
            bands + classes
            for bands, classes in zip(
                less("_write_bands", "predict_tiles"),
                less("_write_classes", "preview_png"),
                strict=True,
            )
        ],
        "preview": found["preview_png"],
    }
    return {name: {"wall_s": wall, "processor_s": cpu} for name, (wall, cpu) in stages.items()}


if __name__ == "__main__":
    main()
