from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from configs.load import load_config
from configs.schema import Config
from models.table import CellTable
from pipelines.protocols import choose_block, hold_out, label_range

TINY = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def config() -> Config:
    return load_config(TINY)


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


def test_near_folds_are_made_towards_the_land_to_be_predicted(
    table: CellTable, config: Config
) -> None:
    target = np.column_stack([np.full(200, 75_000.0), np.linspace(0, 60_000, 200)])
    held = hold_out(table, config, target=target)
    assert held.facts["near"] == "kNNDM"
    assert held.facts["wasserstein_m"] < held.facts["wasserstein_random_m"]
    tested = np.concatenate([test for _, test in held.protocols["near"].folds])
    assert sorted(tested) == list(range(len(table.state)))


def test_without_such_land_near_is_blocks(table: CellTable, config: Config) -> None:
    held = hold_out(table, config)
    assert held.facts["near"] == "blocks"
    for (_, near), (_, block) in zip(held.protocols["near"].folds, held.blocks.folds, strict=True):
        np.testing.assert_array_equal(near, block)


def test_blocks_are_wider_than_the_range_of_the_labels(table: CellTable, config: Config) -> None:
    measured = label_range(table)
    block_m, warnings = choose_block(table, config, measured)
    assert 2_000 < measured.range_m < block_m
    assert not [words for words in warnings if "flatter" in words]


def test_blocks_that_are_too_narrow_are_told_of(table: CellTable, config: Config) -> None:
    narrow = config.model_copy(
        update={"folds": config.folds.model_copy(update={"block_m": 1_500.0})}
    )
    _, warnings = choose_block(table, narrow, label_range(table))
    assert [words for words in warnings if "flatter" in words]
