"""Metrics and a ``tasks.json`` of a run that was never made, to be changed as a test needs."""

from dataclasses import fields

import pytest

from minerisk.configs.schema import Tasks
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.elsewhere.statement import LikeLand, TooFew
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.measures import Measure, Measures, ModelName
from minerisk.models.evaluation.results import (
    CapturePoint,
    Curves,
    Gate,
    GateName,
    Importance,
    PermutedSkill,
    RegionScores,
    ReliabilityBin,
)
from minerisk.models.folds.protocol import ProtocolName, Splitter
from minerisk.models.tasks.survey_tasks import TaskSummary
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.records.metrics import CellCounts, HeldOutFacts, Metrics, ProtocolScores
from minerisk.pipelines.records.review import State
from minerisk.pipelines.records.tasks import Capture, TaskFile

NONE = Estimate(None, None, None)
CURVE = tuple(CapturePoint(share / 100, (share / 100) ** 0.5) for share in range(101))
BINS = tuple(ReliabilityBin(p, p * 1.2, p * 0.7, p * 1.9, 100) for p in (0.001, 0.01, 0.05))
FAMILIES = (Importance("front_line", 0.05, 0.03, 0.07),)
REGIONS = tuple(
    RegionScores(
        region=region, cells=900, positive=positive, roc_auc=auc, mean_probability=0.01,
        observed=0.01, easting=4.91e6, northing=2.31e6, intervals=None,
    )
    for region, positive, auc in ((1, 20, 0.8), (2, 0, None))
)  # fmt: skip


def measures(found):
    """Measures of a model that finds a share in the first 20 % of land."""
    known = {
        Measure.ROC_AUC: Estimate(0.8, 0.78, 0.82),
        Measure.FOUND_IN_TOP_20: Estimate(found, found - 0.05, found + 0.05),
        Measure.HECTARES_TO_50: Estimate(1000.0, 900.0, 1200.0),
        Measure.HECTARES_TO_80: Estimate(5000.0, 4000.0, 6500.0),
        Measure.HECTARES_TO_95: Estimate(20000.0, None, None),
        Measure.CALIBRATION_SLOPE: Estimate(0.97, 0.9, 1.04),
    }
    return Measures(**{measure: known.get(measure, NONE) for measure in Measure})


def protocol(splitter, found, rule):
    models = {ModelName.MODEL: measures(found), ModelName.PREVALENCE: measures(0.2)}
    if rule is not None:
        models[ModelName.DISTANCE_RULE] = measures(rule)
    return ProtocolScores(splitter=splitter, folds=10, models=models)


@pytest.fixture
def metrics_of():
    """Make metrics: shares found by the model and the distance rule, and fields that differ."""

    def make(*, found=0.69, rule=0.55, **fields):
        plain = {
            "study_area": "test",
            "title": "Test area",
            "simulated": False,
            "as_of": None,
            "crs": "EPSG:3035",
            "resolution_m": 250.0,
            "cells": CellCounts(total=4800, positive=90, negative=3000, unlabelled=1710),
            "prevalence": 0.03,
            "range_m": 5_000.0,
            "block_m": 6_000.0,
            "protocols": {
                ProtocolName.FAR: protocol(Splitter.REGIONS, found, rule),
                ProtocolName.NEAR: protocol(Splitter.BLOCKS, found, rule),
                ProtocolName.RANDOM: protocol(Splitter.RANDOM, found, rule),
            },
            "held_out": HeldOutFacts(match=None, folds={}),
            "cautions": (),
            "unsurveyed": None,
            "like_this": LikeLand(2.5, 900, 20, 4.0, too_few=TooFew.REGIONS),
            "calibrators": {},
            "calibrator": "isotonic",
            "interval": IntervalScaler(0.9, 1.0, 0.1, 1.0, 10, 20),
            "interval_cover": {},
            "expected_error": None,
            "regions": REGIONS,
            "reliability_by_region": (),
            "reliability_by_hazard": (),
            "hazard_classes": (),
            "hazards": {},
            "comparison": {},
            "curves": Curves(
                boyce=None, success_rate=(), area=NONE, prediction_area=(), crossing=NONE,
                density=NONE,
            ),
            "capture": {
                ProtocolName.FAR: {ModelName.MODEL: CURVE, ModelName.DISTANCE_RULE: CURVE}
            },
            "reliability": {ProtocolName.FAR: BINS},
            "importance": FAMILIES,
            "permuted": PermutedSkill(
                (0.5, 0.48), Estimate(0.5, 0.48, 0.52), moved=0.0, passed=True
            ),
            "applicable_share": 0.8,
            "gates": (
                Gate(GateName.POSITIVE_CELLS, 50, 90, passed=True),
                Gate(GateName.APPLICABILITY, 0.9, 0.8, passed=False),
            ),
            "settings": {},
        }  # fmt: skip
        return Metrics.of(**plain | fields)

    return make


@pytest.fixture
def task_file():
    return _task_file


def _task_file(found, *, shares, minus=(), gap=None, missing=(), reasons=()):
    """Make what is known of tasks: `found` and `minus` are rules and what they find."""
    numbers = {field.name: 0 for field in fields(TaskSummary)} | {"gap": gap}
    return TaskFile.of(
        **Marks(State.DRAFT, simulated=True).columns,
        asked=Tasks(),
        summary=TaskSummary(**numbers),
        weights={"hazard": 1.0},
        criteria=(),
        missing=missing,
        standing={},
        ranked=2,
        undecided=1,
        block_side=1,
        left_out_regions=Capture(
            shares=shares, cells=10, positive=2, found=found, tasks_minus=dict(minus)
        ),
        reasons=reasons,
    )
