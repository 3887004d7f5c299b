import dataclasses
import datetime as dt
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy.spatial import cKDTree

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.models.cautions import CautionCode
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.selection.protocols import HeldOut, choose_block, hold_out, label_range
from minerisk.models.table import CellTable

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"

CONFIG = load_config(TINY)


@pytest.fixture(scope="module")
def table() -> CellTable:
    """Findings in clusters of 4 km across, on a lattice of 500 m cells over 60 km."""
    rng = np.random.default_rng(3)
    easting, northing = np.meshgrid(np.arange(0, 60_000, 1_000), np.arange(0, 60_000, 1_000))
    places = np.column_stack([easting.ravel(), northing.ravel()]).astype(float)
    centres = rng.uniform(0, 60_000, (25, 2))
    near = np.linalg.norm(places[:, None] - centres[None], axis=2).min(axis=1) < 2_500
    cells = pd.DataFrame(places, columns=["easting", "northing"]).assign(a=rng.normal(size=3_600))
    return CellTable(
        cells=cells,
        state=near.astype(np.int8),
        weight=np.ones(3_600, dtype=np.float32),
        region=(places[:, 0] // 15_000).astype(np.int32),
        cell_ha=100.0,
    )


def held_out(table: CellTable, *, target: np.ndarray | None = None, **folds: object) -> HeldOut:
    stated = CONFIG.folds.model_dump() | folds
    return hold_out(table, target=target, seed=CONFIG.model.seed, **stated)


def test_near_folds_are_made_towards_the_land_to_be_predicted(table: CellTable) -> None:
    target = np.column_stack([np.full(200, 75_000.0), np.linspace(0, 60_000, 200)])
    held = held_out(table, target=target)
    assert held.protocols[ProtocolName.NEAR].splitter is Splitter.KNNDM
    assert held.match.wasserstein_m < held.match.wasserstein_random_m
    tested = np.concatenate([test for _, test in held.protocols["near"].folds])
    assert sorted(tested) == list(range(len(table.state)))


def test_without_such_land_near_is_blocks(table: CellTable) -> None:
    held = held_out(table)
    assert held.protocols[ProtocolName.NEAR].splitter is Splitter.BLOCKS
    assert held.match is None
    for (_, near), (_, block) in zip(held.protocols["near"].folds, held.blocks.folds, strict=True):
        np.testing.assert_array_equal(near, block)


def test_blocks_are_wider_than_the_range_of_the_labels(table: CellTable) -> None:
    measured = label_range(table)
    block_m, cautions = choose_block(table, measured, count=CONFIG.folds.count)
    assert 2_000 < measured.range_m < block_m
    assert CautionCode.BLOCKS_TOO_SMALL not in {caution.code for caution in cautions}


def test_blocks_that_are_too_narrow_are_cautioned(table: CellTable) -> None:
    _, cautions = choose_block(table, label_range(table), block_m=1_500.0)
    assert CautionCode.BLOCKS_TOO_SMALL in {caution.code for caution in cautions}


def rows_held(protocol: Protocol) -> list[list[int]]:
    return [test.tolist() for _, test in protocol.folds]


def test_every_switch_of_the_folds_changes_them(table: CellTable) -> None:
    plain = held_out(table)
    for folds in ({"shape": "hexagon"}, {"shape": "regions"}, {"block_m": 6_000.0}, {"count": 4}):
        assert rows_held(held_out(table, **folds).blocks) != rows_held(plain.blocks), folds


def test_regions_are_dealt_whole_to_the_folds_of_blocks(table: CellTable) -> None:
    held = held_out(table, shape="regions", count=2)
    for train, test in held.blocks.folds:
        assert not set(table.region[train]) & set(table.region[test])


def test_no_training_cell_lies_in_the_buffer(table: CellTable) -> None:
    held = held_out(table, buffer_m=2_000.0)
    plain = held_out(table)
    for protocol, before in ((held.blocks, plain.blocks), (held.protocols["far"], None)):
        for train, test in protocol.folds:
            away, _ = cKDTree(table.coordinates[test]).query(table.coordinates[train])
            assert away.min() > 2_000
        if before is not None:
            assert rows_held(protocol) == rows_held(before)


def test_later_finds_are_tested_by_models_trained_on_earlier_ones(table: CellTable) -> None:
    rng = np.random.default_rng(5)
    day = np.where(table.state == 1, rng.integers(0, 10_000, len(table.state)), np.nan)
    day[np.flatnonzero(table.state == 1)[::7]] = np.nan
    dated = dataclasses.replace(table, cells=table.cells.assign(finding_day=day))
    until = dt.date(1985, 1, 1)
    cut = (until - dt.date(1970, 1, 1)).days
    held = held_out(dated, train_until=until)
    assert list(held.protocols) == ["far", "near", "later", "random"]
    assert "later" not in held_out(dated).protocols
    for train, test in held.protocols["later"].folds:
        found = dated.state == 1
        assert (day[train[found[train]]] <= cut).all()
        assert (day[test[found[test]]] > cut).all()
    tested = np.concatenate([test for _, test in held.protocols["later"].folds])
    assert sorted(tested) == np.flatnonzero(~found | (day > cut)).tolist()


def test_a_date_without_dated_finds_is_refused(table: CellTable) -> None:
    with pytest.raises(InputError, match="finding_day"):
        held_out(table, train_until=dt.date(2000, 1, 1))
    undated = dataclasses.replace(table, cells=table.cells.assign(finding_day=np.nan))
    with pytest.raises(InputError, match="no date"):
        held_out(undated, train_until=dt.date(2000, 1, 1))
