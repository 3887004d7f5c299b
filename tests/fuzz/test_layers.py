"""What validate passes build reads, and what is read equals an independent reading.

`make test` tries some hundred layers; ``make fuzz-layers`` sets MINERISK_FUZZ_LAYERS to 10,000 and
keeps a record. The layers are the same ones every time.
"""

import json
import logging
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from docs.build.reliability_page import Trial, commit, record
from minerisk.features.files import forks
from tests.fuzz.holding import Outcome, Tally, emptied, hold_raster, hold_vector
from tests.fuzz.raster_plans import RasterPlan, raster_plans
from tests.fuzz.vector_plans import VectorPlan, vector_plans

ASKED = int(os.environ.get("MINERISK_FUZZ_LAYERS", "0"))
RASTERS, VECTORS = (6 * ASKED // 10, 4 * ASKED // 10) if ASKED else (120, 80)
IN_OWN_PROCESS = 40
"""One of so many layers is read in a process of their own, as the command line does."""

logger = logging.getLogger(__name__)


def tried(count: int) -> settings:
    return settings(
        max_examples=count,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
        report_multiple_bugs=False,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("layers")


@pytest.fixture(scope="module")
def raster_tally() -> Iterator[Tally]:
    yield from told("fuzz_raster_layers", "Raster")


@pytest.fixture(scope="module")
def vector_tally() -> Iterator[Tally]:
    yield from told("fuzz_vector_layers", "Vector")


def told(name: str, what: str) -> Iterator[Tally]:
    """Give a tally; then say what it counted and, where many were asked for, keep it."""
    tally, began = Tally(), time.monotonic()
    yield tally
    if not (ASKED and tally.tried):
        return
    wrongly = [f"{count} valid refused: {why}" for why, count in tally.wrongly.most_common()]
    logger.warning("%s layers: %s", what, tally.facts())
    path = Path("build/fuzz") / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tally.facts(), indent=1, ensure_ascii=False) + "\n", "utf-8")
    trial = Trial(
        what=f"{what} layers, drawn: what `validate` passes, `build` reads, and it equals what "
        "rasterio, xarray, geopandas or pandas read. "
        + ", ".join(f"{o.value.replace('_', ' as ')}: {tally.outcomes[o]:,}" for o in Outcome),
        tried=tally.tried,
        found=[*wrongly, *(f"{count} faults: {what}" for what, count in tally.faults.items())],
        seconds=time.monotonic() - began,
        commit=commit(),
        command="make fuzz-layers",
    )
    record(name, trial)


@pytest.fixture
def now_and_then_apart(monkeypatch: pytest.MonkeyPatch) -> Callable[[Tally], None]:
    """Read one layer of many in a process of its own, as the command line does all."""
    forked = forks.FORKS

    def choose(tally: Tally) -> None:
        alone = tally.tried % IN_OWN_PROCESS == 0
        monkeypatch.setattr(forks, "FORKS", forked and alone)

    return choose


Choose = Callable[[Tally], None]


def test_rasters(folder: Path, raster_tally: Tally, now_and_then_apart: Choose) -> None:
    @tried(RASTERS)
    @given(plan=raster_plans())
    def hold(plan: RasterPlan) -> None:
        now_and_then_apart(raster_tally)
        try:
            raster_tally.add(plan.kind, *hold_raster(plan, emptied(folder / "raster")))
        except Exception as error:  # noqa: BLE001
            raster_tally.add_fault(error, plan)

    hold()
    assert (raster_tally.faults, raster_tally.examples, raster_tally.wrongly) == ({}, {}, {})


def test_vectors(folder: Path, vector_tally: Tally, now_and_then_apart: Choose) -> None:
    @tried(VECTORS)
    @given(plan=vector_plans())
    def hold(plan: VectorPlan) -> None:
        now_and_then_apart(vector_tally)
        try:
            vector_tally.add(plan.suffix, *hold_vector(plan, emptied(folder / "vector")))
        except Exception as error:  # noqa: BLE001
            vector_tally.add_fault(error, plan)

    hold()
    assert (vector_tally.faults, vector_tally.examples, vector_tally.wrongly) == ({}, {}, {})
