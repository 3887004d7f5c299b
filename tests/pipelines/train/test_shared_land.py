"""Layers of the same land share what says nothing of their labels; other layers do not."""

from dataclasses import replace

import numpy as np
import pandas as pd

from minerisk.models.evaluation import feature_lint
from minerisk.models.table import CellTable
from minerisk.pipelines.train import shared_land
from minerisk.pipelines.train.shared_land import SharedLand


def land(region_told: bool) -> CellTable:
    rng = np.random.default_rng(0)
    region = np.repeat(np.arange(3, dtype=np.int32), 100)
    own = region.astype(np.float64) if region_told else rng.normal(size=300)
    cells = pd.DataFrame(
        {"easting": np.arange(300.0), "northing": np.zeros(300), "slope": own, "roads": own**2}
    )
    state = (rng.random(300) < 0.3).astype(np.int8)
    weight = np.ones(300, dtype=np.float32)
    return CellTable(cells=cells, state=state, weight=weight, region=region, cell_ha=1.0)


def test_facts_of_the_same_land_are_worked_out_once_and_of_other_land_anew(monkeypatch):
    asked = []

    def counted(table: CellTable) -> tuple[str, ...]:
        asked.append(table)
        return feature_lint.place_columns(table)

    monkeypatch.setattr(shared_land, "place_columns", counted)
    table, other = land(region_told=True), land(region_told=False)
    shared = SharedLand(table)
    heavier = replace(table, weight=2 * table.weight)
    assert shared.place_columns(table) == shared.place_columns(heavier) == ("slope", "roads")
    assert asked == [table]
    assert shared.place_columns(other) == ()
    shared.place_columns(replace(table, region=table.region.copy()))
    assert len(asked) == 3


def test_cautions_are_of_the_land_and_of_its_blocks():
    table, asked = land(region_told=False), []
    shared = SharedLand(table)

    def find() -> tuple[()]:
        asked.append(1)
        return ()

    for part, block_m in ((table, 500.0), (table, 500.0), (table, 900.0), (land(True), 500.0)):
        shared.cautions(part, block_m, find)
    assert len(asked) == 3
