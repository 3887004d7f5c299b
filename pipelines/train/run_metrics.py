"""What `metrics.json` says of a trained run."""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.models.calibration.conformal import cover_across_folds
from minerisk.models.calibration.cross_calibration import calibration_losses
from minerisk.models.evaluation.assessment import (
    assess,
    assess_curves,
    assess_regions,
    capture_curves,
    compare_models,
    reliability_bins,
)
from minerisk.models.evaluation.feature_lint import lint_features
from minerisk.models.evaluation.reliability import reliability_by_hazard, reliability_by_region
from minerisk.models.folds.splits import assign_blocks
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.train.held_out_scores import Test
from minerisk.pipelines.train.land_samples import applicable_share, run_cells, unsurveyed_sample
from minerisk.pipelines.train.survey_bias import survey_bias

log = logging.getLogger(__name__)


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
                out.score,
                table,
                protocol,
                block_m=test.block_m,
                ranks=known != "prevalence",
                kind=test.calibrator if known == MODEL else "shrunk",
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
            test.probability["far"],
            unsurveyed_sample(run),
            model,
            block_m=test.block_m,
            seed=run.config.model.seed,
        ),
        "calibrators": _calibrator_losses(test),
        "calibrator": test.calibrator,
        "interval": model.interval.to_dict(),
        "interval_cover": {
            name: _interval_cover(test, name, level=run.config.model.interval)
            for name in ("far", "near")
        },
        "regions": assess_regions(
            far[MODEL],
            table,
            test.protocols["far"],
            block_m=test.block_m,
            kind=test.calibrator,
        ),
        "reliability_by_region": _by_region(test),
        "reliability_by_hazard": _by_hazard(test),
        "expected_error": None if model.profile is None else model.profile.to_dict(),
        "comparison": {"far": compare_models(far, table, model=MODEL, block_m=test.block_m)},
        "curves": assess_curves(far[MODEL], table, block_m=test.block_m),
        "capture": {"far": capture_curves(far, table)},
        "reliability": {
            name: reliability_bins(
                test.scores[name, MODEL].score,
                table,
                protocol,
                block_m=test.block_m,
                kind=test.calibrator,
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


def _interval_cover(test: Test, name: str, *, level: float) -> dict[str, Any] | None:
    """Say how often the interval holds what was found, each fold with the others' interval."""
    table, out = test.table, test.scores[name, MODEL]
    y = (table.state == 1).astype(np.int8)
    try:
        return cover_across_folds(
            test.probability[name],
            out.spread,
            y,
            _blocks(test),
            fold_ids=test.protocols[name].fold_of_row(len(y)),
            level=level,
        )
    except InputError as error:
        log.warning("The cover of the interval on %s land cannot be told: %s", name, error)
        return None


def _by_region(test: Test) -> list[dict[str, Any]]:
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols["far"].fold_of_row(len(y))
    return reliability_by_region(y, test.probability["far"], fold, blocks=_blocks(test))


def _by_hazard(test: Test) -> list[dict[str, Any]]:
    y = (test.table.state == 1).astype(np.int8)
    return reliability_by_hazard(
        y, test.probability["far"], test.table.hazard, blocks=_blocks(test)
    )


def _blocks(test: Test) -> NDArray[np.int64]:
    return assign_blocks(test.table.coordinates, block_m=test.block_m)


def _lint_words(test: Test) -> tuple[str, ...]:
    """Name the features that can act as the name of a place."""
    table = test.table
    features = table.cells[table.features]
    return lint_features(
        features, table.coordinates, regions=table.region, block_m=test.block_m
    ).words
