from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from minerisk.configs.load import load_config
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.selection.candidates import makers
from minerisk.models.table import CellTable
from minerisk.pipelines.run.cluster import Scheduler
from minerisk.pipelines.train.dask_boosting import train_on_dask
from minerisk.pipelines.train.spec import findings_encoder, model_spec

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("block_m", 7_000.0),
        ("neighbours", (2,)),
        ("radii_m", (900.0,)),
        ("cap_m", 8_000.0),
        ("hazards", ("ap",)),
        ("evidence", ("accident",)),
        ("half_life_years", 3.0),
        ("belts", True),
        ("belt_radius_m", 800.0),
        ("belt_link_m", 700.0),
    ],
)
def test_every_setting_reaches_the_encoder_of_findings(name: str, value: Any) -> None:
    tiny = load_config(TINY)
    findings = tiny.model.findings.model_copy(update={name: value})
    model = tiny.model.model_copy(update={"findings": findings})
    before, after = (findings_encoder(one, as_of=None) for one in (tiny.model, model))
    assert before is not None
    assert after is not None
    assert before.get_params() | {name: value} == after.get_params()


def test_what_trains_on_a_cluster_reaches_the_classifier() -> None:
    columns = {"easting": [0.0], "northing": [0.0], "slope_deg": [1.0]}
    table = CellTable(
        cells=pd.DataFrame(columns),
        state=np.array([1], dtype=np.int8),
        weight=np.ones(1),
        region=np.zeros(1, dtype=np.int64),
        cell_ha=1.0,
    )
    train_large = partial(train_on_dask, scheduler=Scheduler("tcp://10.0.0.1:8786"))
    spec = model_spec(load_config(TINY).model, as_of=None, train_large=train_large)
    made = makers(table.features, spec.without_search(), families={}, block_m=5_000.0)
    classifier = made[ModelName.MODEL](table).named_steps["classifier"]
    assert classifier.train_large is train_large
