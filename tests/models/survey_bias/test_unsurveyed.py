from pathlib import Path

import numpy as np
import pytest

from minerisk.models.survey_bias.facts import PriorEnd, ReadingKind
from minerisk.models.survey_bias.unsurveyed import assess_unsurveyed
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import load_model
from minerisk.pipelines.train.land_samples import unsurveyed_sample


def test_a_run_states_the_prevalence_of_unsurveyed_land(tiny_run: Path) -> None:
    unsurveyed = Run.open(tiny_run).metrics().unsurveyed
    found = unsurveyed.prevalence
    assert 0 < found.lower < found.estimate < found.upper < 1
    assert 0 <= unsurveyed.overlap.beyond_share <= 1


def test_a_run_sets_the_readings_of_its_labels_side_by_side(tiny_run: Path) -> None:
    unsurveyed = Run.open(tiny_run).metrics().unsurveyed
    rows = {(row.kind, row.end): row for row in unsurveyed.readings}
    stated = unsurveyed.prevalence
    assert rows[ReadingKind.RUN_MAP, None].same_top == 1
    assert (ReadingKind.UNSURVEYED_NEGATIVE, None) in rows
    search = rows[ReadingKind.SEARCH, None]
    assert search.roc_auc_difference is None
    for end, prior in zip(PriorEnd, (stated.estimate, stated.lower, stated.upper), strict=True):
        row = rows[ReadingKind.POSITIVE_UNLABELLED, end]
        assert row.prior == prior
        assert row.prevalence == pytest.approx(prior, rel=1e-3)
        assert row.roc_auc_difference.value == pytest.approx(row.roc_auc - search.roc_auc)


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
    assert assess_unsurveyed(surveyed, held_out, None, model, block_m=5_000.0, seed=0) is None


def test_blocks_too_few_to_say_are_told_apart_from_a_number(tiny_run: Path) -> None:
    run = Run.open(tiny_run)
    surveyed = read_cells(run)
    held_out = np.full(len(surveyed.state), 0.1)
    other = unsurveyed_sample(run, sample=200)
    model = load_model(tiny_run)
    assert assess_unsurveyed(surveyed, held_out, other, model, block_m=500_000.0, seed=0) is None
