"""Where the seconds of a small request go, in a process of its own.

``python -m tests.benchmarks.request_stages RUN AREA OUT`` answers a request of the polygons AREA
from the ready run RUN and prints wall and processor seconds of this process by stage. The preview
is drawn in a process apart, as for the command, where there is a second core; not with ``--here``.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

Pair = list[float]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("run", "area", "out"):
        parser.add_argument(name, type=Path)
    parser.add_argument("--here", action="store_true")
    asked = parser.parse_args()
    begun, stages = now(), dict[str, Pair]()
    from pipelines.cli import _prepare_drawing

    if not asked.here:
        _prepare_drawing()
    from pipelines import filters, predict

    stages["imports"] = since(begun)
    for name in ("load_model", "predict_tiles", "preview_png", "_write_bands", "_write_classes"):
        setattr(predict, name, timed(getattr(predict, name), stages, name))
    request = timed(filters.predict_request, stages, "request")
    request(asked.run, filters.Filters(aoi=asked.area), out=asked.out, said=lambda line: None)
    sys.stdout.write(json.dumps(told(stages)))


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
