"""Labels written by blocks of rows: what the whole grid gives, and regions that can be left out."""

from functools import partial

import geopandas as gpd
import numpy as np
import pytest
import xarray as xr
from odc.geo.geobox import GeoBox
from shapely.geometry import Point, box

from minerisk.features import grid
from minerisk.features.evidence.labels import EvidenceLayer, label_cells
from minerisk.pipelines.prepare.label_store import write_labels

GRID = GeoBox.from_bbox((300_000, 4_000_000, 340_000, 4_060_000), "EPSG:32638", resolution=500)
EVERYWHERE = np.ones(GRID.shape, dtype=bool)


def frame(*shapes):
    return gpd.GeoDataFrame(geometry=list(shapes), crs="EPSG:32638")


def written(path, rows, monkeypatch, grouping=None, inside=EVERYWHERE):
    source = np.random.default_rng(4)
    finds = [Point(300_000 + 40_000 * a, 4_000_000 + 60_000 * b) for a, b in source.random((60, 2))]
    suspect = box(310_200, 4_020_300, 318_900, 4_031_100)
    searched = box(300_000, 4_000_000, 340_000, 4_055_000)
    label = partial(
        label_cells,
        evidence=[
            EvidenceLayer(frame(*finds), "find", 1.0),
            EvidenceLayer(frame(suspect), "suspicion", 0.5, cells="cover", min_coverage=0.3),
        ],
        surveyed=frame(searched),
        search_weight=0.8,
    )
    monkeypatch.setattr(grid, "STRIP", rows)
    count = write_labels(
        path, GRID, inside, label=label, grouping=grouping, count=4, seed=1
    )  # fmt: skip
    return xr.open_zarr(path, chunks=None, consolidated=False).load(), count


@pytest.mark.parametrize("rows", [7, 64])
@pytest.mark.parametrize("polygons", [False, True])
def test_blocks_of_rows_give_what_the_whole_gives(rows, polygons, tmp_path, monkeypatch):
    grouping = None
    if polygons:
        wests = range(300_000, 340_000, 4_000)
        grouping = frame(*(box(west, 4_000_000, west + 4_000, 4_060_000) for west in wests))
    whole, count = written(tmp_path / "whole", 512, monkeypatch, grouping)
    part, same = written(tmp_path / "part", rows, monkeypatch, grouping)
    assert count == same == 4
    xr.testing.assert_identical(part, whole)


def test_every_region_can_be_left_out_and_no_unit_is_torn(tmp_path, monkeypatch):
    labels, count = written(tmp_path / "labels", 32, monkeypatch)
    state, region = labels["state"].to_numpy(), labels["region"].to_numpy()
    assert ((region >= 0) == (state >= 0)).all()
    assert set(np.unique(region[state == 1])) == set(range(count))
    assert set(np.unique(region[state == 0])) == set(range(count))
    block = (np.arange(120)[:, None] // 10) * 100 + np.arange(80)[None, :] // 10
    for number in np.unique(block):
        assert len(np.unique(region[(block == number) & (state >= 0)])) <= 1


def test_land_outside_has_no_label(tmp_path, monkeypatch):
    inside = np.zeros(GRID.shape, dtype=bool)
    inside[20:90, 10:70] = True
    labels, _ = written(tmp_path / "labels", 16, monkeypatch, inside=inside)
    assert (labels["state"].to_numpy()[~inside] == -1).all()
    assert (labels["state"].to_numpy()[inside] >= 0).any()
    nowhere, count = written(tmp_path / "none", 16, monkeypatch, inside=~EVERYWHERE)
    assert count == 0
    assert (nowhere["region"].to_numpy() == -1).all()
