"""What `metrics.json` says of a trained run."""

from typing import Any

import numpy as np

from models.assessment import (
    assess,
    assess_curves,
    assess_regions,
    capture_curves,
    compare_models,
    reliability_bins,
)
from models.calibration import calibration_losses
from models.feature_lint import lint_features
from models.risk_model import RiskModel
from pipelines.candidates import MODEL
from pipelines.context import Run
from pipelines.land_samples import applicable_share, run_cells, unsurveyed_sample
from pipelines.survey_bias import survey_bias
from pipelines.tested import Test, calibrated_far


def run_metrics(
    run: Run,
    test: Test,
    permuted: dict[str, Any],
    importance: list[dict[str, Any]],
    model: RiskModel,
) -> dict[str, Any]:
    """Gather the numbers of a run: every key of `metrics.json` but the gates."""
    area, table = run.config.study_area, test.table
    positive = int((table.state == 1).sum())
    protocols: dict[str, Any] = {}
    for name, protocol in test.protocols.items():
        models = {
            known: assess(
                out.score, table, protocol, block_m=test.block_m, ranks=known != "prevalence"
            )
            for (of, known), out in test.scores.items()
            if of == name
        }
        protocols[name] = {"words": protocol.words, "folds": len(protocol.folds), "models": models}
    far = {known: out.score for (of, known), out in test.scores.items() if of == "far"}
    return {
        "study_area": area.name,
        "model": MODEL,
        "title": area.title,
        "simulated": run.simulated,
        "as_of": str(area.as_of) if area.as_of else None,
        "crs": area.crs,
        "resolution_m": area.resolution_m,
        "cells": {
            "total": run_cells(run),
            "positive": positive,
            "negative": len(table.state) - positive,
            "unlabelled": run_cells(run) - len(table.state),
        },
        "prevalence": positive / len(table.state),
        "range_m": test.held.range_m,
        "block_m": test.block_m,
        "folds": {name: len(protocol.folds) for name, protocol in test.protocols.items()},
        "protocols": protocols,
        "held_out": dict(test.held.facts),
        "warnings": [*test.held.warnings, *_lint_words(test)],
        "unsurveyed": survey_bias(
            table,
            calibrated_far(test),
            unsurveyed_sample(run),
            model,
            block_m=test.block_m,
            seed=run.config.model.seed,
        ),
        "calibrators": _calibrator_losses(test),
        "interval": model.interval.to_dict(),
        "regions": assess_regions(far[MODEL], table, test.protocols["far"], block_m=test.block_m),
        "comparison": {"far": compare_models(far, table, model=MODEL, block_m=test.block_m)},
        "curves": assess_curves(far[MODEL], table, block_m=test.block_m),
        "capture": {"far": capture_curves(far, table)},
        "reliability": {
            name: reliability_bins(
                test.scores[name, MODEL].score, table, protocol, block_m=test.block_m
            )
            for name, protocol in test.protocols.items()
            if name != "random"
        },
        "importance": importance,
        "permuted": permuted,
        "applicable_share": applicable_share(run, model),
    }


def _calibrator_losses(test: Test) -> dict[str, float]:
    """Give the log loss on left-out regions of each kind of calibrator, for information."""
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols["far"].fold_of_row(len(y))
    return calibration_losses(test.scores["far", MODEL].score, y, fold)


def _lint_words(test: Test) -> tuple[str, ...]:
    """Name the features that can act as the name of a place."""
    table = test.table
    features = table.cells[table.features]
    return lint_features(
        features, table.coordinates, regions=table.region, block_m=test.block_m
    ).words
