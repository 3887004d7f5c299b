"""Processor time of what the desk does for each tile, before and after, by turns."""

import sys
import time
from statistics import median

import numpy as np
import pytest
from pyproj import Transformer

from minerisk.pipelines.service.desk.standings import Standings
from minerisk.pipelines.service.tiles.cells import project, tile_places

pytestmark = pytest.mark.benchmark

ROUNDS, TIMES = 7, 20
CRS, TILE = "EPSG:32638", (323, 194, 9)


def seconds(work) -> float:
    start = time.process_time()
    for _ in range(TIMES):
        work()
    return (time.process_time() - start) / TIMES


def compare(words: str, ours, other) -> None:
    ours()
    other()
    pairs = [(seconds(ours), seconds(other)) for _ in range(ROUNDS)]
    ratios = [their / own for own, their in pairs]
    own, their = (1000 * median(pair[which] for pair in pairs) for which in (0, 1))
    sys.stdout.write(
        f"\n{words}: {own:.2f} ms, before {their:.2f} ms: {median(ratios):.1f} times less "
        f"({min(ratios):.1f} to {max(ratios):.1f})"
    )


def test_how_a_run_stands_for_a_tile(tiny_run) -> None:
    standings = Standings()
    reads = ["rasters/risk_class.tif"]
    assert standings.of(tiny_run, reads) == standings.of(tiny_run)
    compare("how a run stands", lambda: standings.of(tiny_run, reads),
            lambda: standings.of(tiny_run))  # fmt: skip


def test_the_places_of_the_pixels_of_a_tile() -> None:
    places = tile_places(*TILE)
    whole = Transformer.from_crs("EPSG:3857", CRS, always_xy=True)
    compare("places of a tile", lambda: project(CRS, *places),
            lambda: whole.transform(*np.meshgrid(*places)))  # fmt: skip
