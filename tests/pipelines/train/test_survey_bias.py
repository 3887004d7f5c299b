import json
from pathlib import Path

import numpy as np
import pytest

from minerisk.models.survey_bias.label_readings import SEARCH, UNKNOWN, UNLABELLED
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.train.land_samples import unsurveyed_sample
from minerisk.pipelines.train.survey_bias import RUN, survey_bias, survey_bias_rows


def test_a_run_states_the_prevalence_of_unsurveyed_land(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    found = metrics["unsurveyed"]["prevalence"]
    assert 0 < found["lower"] < found["estimate"] < found["upper"] < 1
    assert 0 <= metrics["unsurveyed"]["overlap"]["beyond_share"] <= 1


def test_a_run_sets_the_readings_of_its_labels_side_by_side(tiny_run: Path) -> None:
    metrics = json.loads((tiny_run / "metrics.json").read_text(encoding="utf-8"))
    rows = {row["reading"]: row for row in survey_bias_rows(metrics)}
    stated = metrics["unsurveyed"]["prevalence"]
    assert rows[RUN]["same_top"] == 1
    assert UNKNOWN in rows
    for end in ("estimate", "lower", "upper"):
        row = next(row for name, row in rows.items() if f"{stated[end]:.2%}" in name)
        assert row["reading"].startswith(UNLABELLED)
        assert row["prevalence"] == pytest.approx(stated[end], rel=1e-3)
        assert row["roc_auc_difference"][0] == pytest.approx(
            row["roc_auc"] - rows[SEARCH]["roc_auc"]
        )


def test_a_run_that_says_nothing_of_unsurveyed_land_has_no_rows() -> None:
    assert survey_bias_rows({"unsurveyed": None}) == []


def test_the_sample_is_of_land_nobody_surveyed(tiny_run: Path) -> None:
    sample = unsurveyed_sample(Run.open(tiny_run), sample=100)
    assert sample is not None
    assert len(sample.state) == 100
    assert (sample.state == -1).all()


def test_where_all_land_was_surveyed_nothing_is_said(tiny_run: Path) -> None:
    run = Run.open(tiny_run)
    surveyed = read_cells(run)
    held_out = np.full(len(surveyed.state), 0.1)
    model = load_model(tiny_run)
    assert survey_bias(surveyed, held_out, None, model, block_m=5_000.0, seed=0) is None


def test_blocks_too_few_to_say_are_told_apart_from_a_number(tiny_run: Path) -> None:
    run = Run.open(tiny_run)
    surveyed = read_cells(run)
    held_out = np.full(len(surveyed.state), 0.1)
    other = unsurveyed_sample(run, sample=200)
    model = load_model(tiny_run)
    assert survey_bias(surveyed, held_out, other, model, block_m=500_000.0, seed=0) is None
