"""What is measured is the model with its own calibrator, on every page the same."""

import numpy as np
import pandas as pd
import pytest

from minerisk.models.calibration.cross_calibration import cross_calibrate
from minerisk.models.evaluation.measures import Measures, ModelName
from minerisk.models.evaluation.out_of_fold_scores import OutOfFold
from minerisk.models.folds.protocol import Protocol, ProtocolName, Splitter
from minerisk.models.folds.splits import folds_from_ids
from minerisk.models.selection.held_out_measures import (
    measure_calibrators,
    measure_models,
    measure_regions,
    measure_reliability,
    rank_protocol,
)
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.selection.protocols import HeldOut
from minerisk.models.table import CellTable

FAR, MODEL, PRIOR = ProtocolName.FAR, ModelName.MODEL, ModelName.PREVALENCE
ROWS = 1_200


def held_out_scores(kind: str) -> HeldOutScores:
    """Scores whose odds are cubed, so that the kinds of calibrator differ."""
    rng = np.random.default_rng(5)
    p = rng.uniform(0.02, 0.98, ROWS)
    state = (rng.random(ROWS) < p).astype(np.int8)
    odds = (p / (1 - p)) ** 3
    cells = pd.DataFrame(rng.uniform(0, 40_000, (ROWS, 2)), columns=["easting", "northing"])
    region = np.arange(ROWS, dtype=np.int32) % 4
    table = CellTable(cells, state, np.ones(ROWS, np.float32), region, 25.0)
    far = Protocol(FAR, Splitter.REGIONS, folds_from_ids(region))
    nothing = np.full(ROWS, np.nan)
    scores = {
        (FAR, MODEL): OutOfFold(odds / (1 + odds), nothing, ()),
        (FAR, PRIOR): OutOfFold(0.4 + 0.1 * region, nothing, ()),
    }
    held = HeldOut({FAR: far}, far, 0.0, 5_000.0, None, {}, ())
    return HeldOutScores(table, held, scores, {}, kind, {})


def measured(scores: HeldOutScores) -> dict[ModelName, Measures]:
    """Measures on far land."""
    return measure_models(scores, FAR, rank_protocol(scores, FAR))


@pytest.mark.parametrize("kind", ["shrunk", "isotonic", "venn_abers"])
def test_the_calibrator_that_is_measured_is_the_one_that_was_chosen(kind: str) -> None:
    scores = held_out_scores(kind)
    y, fold = scores.table.state, scores.table.region
    p = cross_calibrate(scores.scores[FAR, MODEL].score, y, fold, kind=kind)
    brier = np.mean((p - y) ** 2)
    assert measured(scores)[MODEL].brier.value == pytest.approx(brier)
    for row in measure_regions(scores):
        assert row.mean_probability == pytest.approx(p[fold == row.region].mean())
    tenths = measure_reliability(scores)[FAR]
    weights = [part.cells for part in tenths]
    predicted = np.average([part.predicted for part in tenths], weights=weights)
    assert predicted == pytest.approx(p.mean())


def test_the_kinds_differ_on_these_scores() -> None:
    values = {
        kind: measured(held_out_scores(kind))[MODEL].log_loss.value
        for kind in ("shrunk", "isotonic", "venn_abers")
    }
    assert len({round(value, 4) for value in values.values()}) == 3


def test_the_log_loss_of_each_kind_is_that_of_the_measured_model() -> None:
    losses = measure_calibrators(held_out_scores("shrunk"))
    for kind in ("isotonic", "venn_abers"):
        loss = measured(held_out_scores(kind))[MODEL].log_loss.value
        assert loss == pytest.approx(losses[kind], abs=1e-6)


def test_no_model_of_one_constant_a_fold_is_ranked() -> None:
    assert measured(held_out_scores("isotonic"))[PRIOR].roc_auc.value == 0.5
