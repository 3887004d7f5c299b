"""Tasks of a large area are cut from blocks of cells: what a block says of its cells."""

from dataclasses import fields, replace

import numpy as np
import pandas as pd
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.models.tasks.survey_tasks import SurveyTasks, TaskSummary
from minerisk.pipelines.formats.cog import write_raster
from minerisk.pipelines.formats.palette import CLASS_LEGEND, PROBABILITY_RAMP
from minerisk.pipelines.prioritize import grid

CELLS = GeoBox.from_bbox((300_000, 4_000_000, 302_300, 4_002_700), "EPSG:32638", resolution=100)
GRID = grid.TaskGrid(CELLS, 5)  # 27 x 23 cells: 5 x 4 blocks, 2 rows and 3 columns left over


def test_a_small_area_keeps_its_cells_and_a_large_one_gets_as_many_blocks_as_fit():
    assert grid.task_grid(CELLS, min_ha=1).side == 1
    large = GeoBox.from_bbox((0, 0, 500_000, 500_000), "EPSG:32638", resolution=25)
    coarse = grid.task_grid(large, min_ha=100)
    assert coarse.side == 10
    assert coarse.geobox.shape == (2_000, 2_000)
    with pytest.raises(InputError, match="50 ha"):  # eight blocks of 250 m
        grid.task_grid(large, min_ha=49)


def test_blocks_lie_on_the_cells_they_are_made_of():
    box, whole = GRID.geobox.boundingbox, CELLS.boundingbox
    assert tuple(GRID.geobox.shape) == (5, 4)
    assert (box.left, box.top) == (whole.left, whole.top)
    assert (box.right, box.bottom) == (whole.left + 2_000, whole.top - 2_500)
    rows, columns = GRID.centres(np.array([0, 4]), np.array([1, 3]))
    assert rows.tolist() == [2, 22]
    assert columns.tolist() == [7, 17]


@pytest.mark.parametrize("rows", [5, 12, 512])
def test_probabilities_are_means_and_one_cell_without_a_statement_silences_its_block(
    rows, tmp_path, monkeypatch
):
    monkeypatch.setattr("minerisk.features.grid.STRIP", rows)
    source = np.random.default_rng(1)
    probability = source.random((27, 23)).astype(np.float32)
    probability[:5, :5], probability[0, 6] = np.nan, np.nan
    classes = np.full((27, 23), 2, dtype=np.uint8)
    classes[7, 7], classes[12, 0], classes[13, 1] = 0, 0, 255
    for name, values, style in (
        ("probability", probability, PROBABILITY_RAMP),
        ("risk_class", classes, CLASS_LEGEND),
    ):
        write_raster(tmp_path / f"{name}.tif", values, CELLS, description="", style=style)
    found = grid.block_raster(tmp_path / "probability.tif", GRID)
    assert found.shape == (5, 4)
    assert np.isnan(found[0, 0])
    assert found[0, 1] == pytest.approx(np.nanmean(probability[:5, 5:10]))
    assert found[4, 3] == pytest.approx(probability[20:25, 15:20].mean())
    kinds = grid.block_raster(tmp_path / "risk_class.tif", GRID)
    expected = np.full((5, 4), 2)
    expected[1, 1], expected[2, 0] = 0, 255
    np.testing.assert_array_equal(kinds, expected)


def test_one_searched_or_known_cell_closes_its_block_and_one_outside_takes_it_out():
    inside = np.ones((27, 23), dtype=np.uint8)
    inside[0, 0] = 0
    state = np.full((27, 23), -1, dtype=np.int8)
    evidence = np.zeros((27, 23), dtype=np.uint8)
    state[6, 6], evidence[24, 19], evidence[10, 10] = 0, 3, 2
    stores = (
        xr.Dataset({"inside": (("y", "x"), inside)}),
        xr.Dataset({"state": (("y", "x"), state), "evidence": (("y", "x"), evidence)}),
    )
    cube, labels = grid.block_stores(stores, GRID, [1, 3])
    assert np.argwhere(cube["inside"].to_numpy() == 0).tolist() == [[0, 0]]
    assert np.argwhere(labels["state"].to_numpy() == 0).tolist() == [[1, 1]]
    assert np.argwhere(np.isin(labels["evidence"].to_numpy(), [1, 3])).tolist() == [[4, 3]]


SUMMARY = {field.name: 0 for field in fields(TaskSummary)}


def test_finds_are_counted_by_cell():
    # Two blocks of 25 cells, each cell with a find in ten: 5 finds on 50 ha.
    columns = {"cells": 2, "expected_finds": 0.2, "expected_finds_per_ha": 0.2 / 50}
    table = pd.DataFrame({**columns, "benefit": 0.2, "benefit_per_day": 0.1}, index=[0])
    summary = TaskSummary(**SUMMARY | {"expected_finds_all": 2.0, "gap": 0.1})
    tasks = SurveyTasks(np.zeros((5, 4), dtype=np.int32), table, summary)
    counted = grid.count_cells(tasks, GRID)
    assert counted.table.loc[0, "cells"] == 50
    assert counted.table.loc[0, "expected_finds"] == pytest.approx(5)
    assert counted.table.loc[0, "expected_finds_per_ha"] == pytest.approx(0.1)
    assert counted.summary == replace(summary, expected_finds_all=50.0)
