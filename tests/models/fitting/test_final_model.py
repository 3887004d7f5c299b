"""The interval of land of which a layer says nothing, learned on held-out land of the kind."""

from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.logistic import expit
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import OutOfFold
from minerisk.models.fitting.final_model import interval_of_silent_land
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.table import CellTable

FAR, BLOCK_M = ProtocolName.FAR, 5_000.0


def held_out(silent_blocks: int, *, blocks: int = 60, cells: int = 200) -> HeldOutScores:
    """Blocks in a row; in the first ones no line is known, and they differ more from the model."""
    rng = np.random.default_rng(0)
    block = np.repeat(np.arange(blocks), cells)
    silent = block < silent_blocks
    off = rng.normal(0, np.where(np.arange(blocks) < silent_blocks, 1.2, 0.2))
    found = rng.random(len(block)) < expit(-2.5 + off)[block]
    frame = pd.DataFrame(
        {
            "easting": 5_000.0 * block + rng.uniform(1, 4_999, len(block)),
            "northing": 100.0,
            "line_m": np.where(silent, np.nan, 1_000.0).astype(np.float32),
            "slope": np.float32(1.0),
        }
    )
    table = CellTable(
        frame, found.astype(np.int8), np.ones(len(block), np.float32), block.astype(np.int32), 6.25
    )
    p = np.full(len(block), 0.08)
    out = OutOfFold(p, np.zeros(len(block)), ())
    return HeldOutScores(
        table,
        SimpleNamespace(block_m=BLOCK_M),
        {(FAR, ModelName.MODEL): out},
        {},
        "shrunk",
        {FAR: p},
    )


def test_it_is_learned_on_such_land_alone() -> None:
    scores = held_out(30)
    told = interval_of_silent_land(scores, ["line_m"], interval=0.9)
    assert told is not None
    lacking = scores.table.cells["line_m"].isna().to_numpy()
    expected = IntervalScaler.fit(
        scores.probability[FAR][lacking],
        np.zeros(lacking.sum()),
        scores.table.state[lacking],
        assign_blocks(scores.table.coordinates[lacking], block_m=BLOCK_M),
        level=0.9,
    )
    assert told.interval == expected
    whole = IntervalScaler.fit(
        scores.probability[FAR],
        np.zeros(len(lacking)),
        scores.table.state,
        assign_blocks(scores.table.coordinates, block_m=BLOCK_M),
        level=0.9,
    )
    assert told.interval.log_odds_sd(0.0) > 1.2 * whole.log_odds_sd(0.0)


@pytest.mark.parametrize(("blocks", "columns"), [(30, []), (0, ["line_m"]), (7, ["line_m"])])
def test_where_hardly_any_was_held_out_it_is_that_of_all_land(
    blocks: int, columns: list[str]
) -> None:
    assert interval_of_silent_land(held_out(blocks), columns, interval=0.9) is None
