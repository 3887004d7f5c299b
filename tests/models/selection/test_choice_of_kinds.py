"""What competes inside a training set: kinds of models, with and without what names the place."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from minerisk.configs.schema import Model
from minerisk.models.calibration.logistic import expit
from minerisk.models.evaluation.feature_lint import place_columns
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.selection.candidates import makers
from minerisk.models.selection.nested_search import NestedChoice, within_one_error
from minerisk.models.table import CellTable
from minerisk.pipelines.train.spec import model_spec

GROUPS = 12
NAMES = ("census", "wealth")


def land(law: str) -> CellTable:
    """Twelve groups of 60 rows; the law goes by x, never by what is constant within a group."""
    rng = np.random.default_rng(4)
    group = np.repeat(np.arange(GROUPS), 60)
    x = rng.normal(size=len(group))
    told = 2.0 * x if law == "line" else 3.0 * (np.abs(x) < 0.7)
    cells = pd.DataFrame(
        {
            "easting": (group % 4) * 10_000.0 + rng.uniform(0, 10_000, len(group)),
            "northing": (group // 4) * 10_000.0 + rng.uniform(0, 10_000, len(group)),
            "x": x.astype(np.float32),
            **{name: rng.normal(size=GROUPS)[group].astype(np.float32) for name in NAMES},
        }
    )
    found = rng.random(len(group)) < expit(told - 1.5 + rng.normal(size=GROUPS)[group])
    return CellTable(
        cells=cells,
        state=found.astype(np.int8),
        weight=np.ones(len(group), dtype=np.float32),
        region=group.astype(np.int32),
        cell_ha=1.0,
    )


def chosen_for(table: CellTable, *, trials: int = 5) -> tuple[dict[str, object], int]:
    model = Model.model_validate(
        {
            "members": 2,
            "threads": 1,
            "findings": {"use": False},
            "lightgbm": {"trees": 40, "forest_trees": 40, "min_cells_in_leaf": 20},
            "choice": {"trials": trials, "trees": [40], "min_cells_in_leaf": [20]},
        }
    )
    spec = model_spec(model, as_of=None, place_columns=place_columns(table))
    make = makers(table.features, spec, families={}, block_m=5_000.0)[ModelName.MODEL]
    assert isinstance(make, NestedChoice)
    make(table)
    return dict(make.chosen[0]), len(make.trials)


def test_columns_constant_within_a_group_are_named_by_the_features_alone() -> None:
    table = land("line")
    assert place_columns(table) == NAMES
    assert place_columns(replace(table, state=1 - table.state)) == NAMES


def test_every_kind_is_tried_with_and_without_what_names_the_place() -> None:
    """Four kinds (no distance to go by), twice each; with five trials asked for."""
    _, tried = chosen_for(land("line"))
    assert tried == 8


def test_a_law_that_is_a_line_is_left_to_the_linear_model() -> None:
    assert chosen_for(land("line"))[0]["kind"] == "logistic"


def test_a_law_that_no_line_tells_is_left_to_trees() -> None:
    assert chosen_for(land("hill"))[0]["kind"] in {"boosted", "forest", "both"}


@pytest.mark.parametrize(
    ("gain", "within"),
    [
        ([0.1, 0.1, 0.1, 0.0], False),  # mean 0.075, error 0.025
        ([0.3, -0.2, 0.1, 0.0], True),  # mean 0.05, error 0.104
        ([-0.1, -0.1, -0.1], True),
        ([0.0, 0.0], False),  # of two regions nothing can be said
        ([np.nan, 0.3, -0.2, 0.1, 0.0], True),
    ],
)
def test_one_standard_error_is_measured_over_regions(gain: list[float], within: bool) -> None:
    assert within_one_error(np.array(gain)) is within
