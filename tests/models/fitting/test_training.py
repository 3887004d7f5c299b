"""A model that predicts permuted labels is refused before it is fitted."""

import numpy as np
import pandas as pd
import pytest

from minerisk.features.errors import FindingError
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.results import PermutedSkill
from minerisk.models.fitting import training
from minerisk.models.fitting.training import Trained, train_model
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.candidates import ModelSpec
from minerisk.models.selection.protocols import hold_out
from minerisk.models.table import CellTable

ROWS = 900
SPEC = ModelSpec(
    trees={"kind": "both", "trees": 20, "forest_trees": 10, "min_cells_in_leaf": 20},
    encoder=None,
    members=2,
    threads=1,
    seed=3,
    negatives_per_positive=4.0,
)


def land() -> CellTable:
    """Finds are where `a` is high; `b` is noise. 30 x 30 cells of 1 km in four regions."""
    rng = np.random.default_rng(1)
    row, column = np.divmod(np.arange(ROWS), 30)
    cells = pd.DataFrame({"easting": 1_000.0 * column, "northing": 1_000.0 * row})
    cells["a"], cells["b"] = rng.normal(size=(2, ROWS)).astype(np.float32)
    chance = 1 / (1 + np.exp(-3 * cells["a"].to_numpy()))
    region = (column // 15 + 2 * (row // 15)).astype(np.int32)
    state = (rng.random(ROWS) < chance).astype(np.int8)
    return CellTable(cells, state, np.ones(ROWS, np.float32), region, 100.0)


def trained(steps: list[str]) -> Trained:
    table = land()
    return train_model(
        table,
        hold_out(table, seed=SPEC.seed, count=3, block_m=5_000.0),
        SPEC,
        families={"first": ["a"], "second": ["b"]},
        interval=0.9,
        permutations=2,
        step=lambda name, *_: steps.append(name),
    )


def test_what_is_kept_is_fitted_on_all_land_after_all_else_is_known() -> None:
    steps: list[str] = []
    found = trained(steps)
    assert steps[-2:] == ["importance", "final model"]
    assert found.permuted.passed
    assert [part.family for part in found.importance] == ["first", "second"]
    predicted = found.model.predict(land().cells)
    order = np.argsort(predicted.probability)
    assert land().cells["a"].to_numpy()[order[-90:]].min() > 0
    assert set(found.scores.protocols) == {
        ProtocolName.FAR, ProtocolName.NEAR, ProtocolName.RANDOM
    }  # fmt: skip
    assert found.choices == {}


def test_a_model_that_predicts_permuted_labels_is_not_fitted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leaked = PermutedSkill((0.7,), Estimate(0.7, 0.65, 0.75), 0.0, False)
    monkeypatch.setattr(training, "permuted_within_blocks", lambda *_, **__: leaked)
    steps: list[str] = []
    with pytest.raises(FindingError, match="no model was written"):
        trained(steps)
    assert "final model" not in steps


def test_a_model_whose_scores_move_with_the_labels_left_out_is_not_fitted() -> None:
    moved = PermutedSkill((0.5,), Estimate(0.5, 0.45, 0.55), 0.25, False)
    with pytest.raises(FindingError, match=r"25\.00% of the scores of a fold left out change"):
        training.refuse_leak(moved)
