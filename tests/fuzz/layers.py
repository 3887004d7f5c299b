"""Draws layers and holds three readings of each against each other, thousand upon thousand.

``python -m tests.fuzz.layers --count 10000`` (``make fuzz-layers``) draws layers in stretches, each
of a seed of its own, and goes on after the last stretch of its record.
"""

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from unittest.mock import patch

import pyproj
from hypothesis import HealthCheck, Phase, given, seed, settings

from docs.build.records import commit
from docs.build.reliability_page import Trial, added, last_seed, record, recorded
from minerisk.features.files import forks
from tests.fuzz.holding import Outcome, Tally, emptied, hold_raster, hold_vector
from tests.fuzz.raster_plans import RasterPlan, raster_plans
from tests.fuzz.vector_plans import VectorPlan, vector_plans

NAME = "fuzz_layers"
RASTERS, VECTORS = 150, 100
"""Layers of a stretch."""
STRETCH = RASTERS + VECTORS
IN_OWN_PROCESS = 40
"""One of so many layers is read in a process of its own, as the command line does."""


def tried(count: int) -> settings:
    """Try so many examples that are drawn, and look for no simpler one."""
    return settings(
        max_examples=max(count, 1),
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


def draw_layers(tally: Tally, *, number: int, rasters: int = 0, vectors: int = 0) -> None:
    """Draw layers by the seed of their stretch, and count what becomes of them."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)

        @seed(number)
        @tried(rasters)
        @given(plan=raster_plans())
        def hold_rasters(plan: RasterPlan) -> None:
            try:
                with _now_and_then_apart(tally):
                    tally.add(plan.kind, *hold_raster(plan, emptied(folder / "raster")))
            except Exception as error:  # noqa: BLE001
                tally.add_fault(error, plan)

        @seed(number)
        @tried(vectors)
        @given(plan=vector_plans())
        def hold_vectors(plan: VectorPlan) -> None:
            try:
                with _now_and_then_apart(tally):
                    tally.add(plan.suffix, *hold_vector(plan, emptied(folder / "vector")))
            except Exception as error:  # noqa: BLE001
                tally.add_fault(error, plan)

        if rasters:
            hold_rasters()
        if vectors:
            hold_vectors()


@contextmanager
def _now_and_then_apart(tally: Tally) -> Iterator[None]:
    """Read one layer of many in a process of its own, as the command line does all."""
    alone = tally.tried % IN_OWN_PROCESS == 0
    with patch.object(forks, "FORKS", forks.FORKS and alone):
        yield


def main() -> None:
    """Draw layers from the first that is not on record, and add what became of them to it."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--count", type=int, default=10_000, help="in all, with those on record")
    parser.add_argument("--minutes", type=float, default=float("inf"), help="stop after these")
    asked = parser.parse_args()
    begun, wrong = time.monotonic(), 0
    # Ways between two CRS are the same ones again and again, and take longest to find.
    known = lru_cache(maxsize=256)(pyproj.Transformer.from_crs)
    with patch.object(pyproj.Transformer, "from_crs", known):
        for first in range(last_seed(NAME) + 1, asked.count, STRETCH):
            if time.monotonic() - begun > 60 * asked.minutes:
                break
            start, tally = time.monotonic(), Tally()
            draw_layers(tally, number=first // STRETCH, rasters=RASTERS, vectors=VECTORS)
            wrong += _report(tally, first, asked.count, time.monotonic() - start)
    sys.exit(bool(wrong))


def _report(tally: Tally, first: int, asked: int, seconds: float) -> int:
    """Add a stretch to the record; return how much of it was wrong."""
    found = [f"{count} valid refused: {why}" for why, count in tally.wrongly.most_common()]
    found += [
        f"{count} faults: {what}, {tally.examples[what]}" for what, count in tally.faults.items()
    ]
    counts = Counter({str(o).replace("_", " as "): tally.outcomes[o] for o in Outcome})
    counts += Counter({f"in {kind}": count for kind, count in tally.kinds.items()})
    for line in (f"{first + STRETCH:,}: {dict(counts)}, {seconds:.0f} s", *found):
        sys.stdout.write(f"{line}\n")
    sys.stdout.flush()
    now = Trial(
        what="Layers, drawn: what `validate` passes, `build` reads, and it equals what rasterio, "
        "xarray, geopandas or pandas read",
        tried=tally.tried,
        found=found,
        seconds=round(seconds, 1),
        commit=commit(),
        command="make fuzz-layers",
        asked=asked,
        outcomes=dict(counts),
        seeds=[[first, first + STRETCH - 1]],
    )
    record(NAME, added(recorded(NAME), now))
    return len(found)


if __name__ == "__main__":
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
