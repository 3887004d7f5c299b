"""`minerisk train`: fit, put to the test on land held out, calibrate, and pass the gates."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from sklearn.metrics import roc_auc_score

from configs.schema import Config
from features.cube import open_cube
from features.errors import FindingError, InputError
from models.applicability import Applicability
from models.assessment import (
    assess,
    assess_curves,
    assess_regions,
    capture_curves,
    compare_models,
    reliability_bins,
)
from models.calibration import Calibrator, LogisticCalibrator, calibration_losses
from models.choice import NestedChoice
from models.conformal import IntervalScaler
from models.evaluation import (
    OutOfFold,
    Protocol,
    calibrate_across_folds,
    fit_pipeline,
    grouped_importance,
    out_of_fold,
)
from models.feature_lint import lint_features
from models.risk_model import RiskModel, assemble
from models.splits import assign_blocks
from models.table import CellTable
from pipelines.build import feature_families, read_cells
from pipelines.candidates import MODEL, drawing, findings_encoder, makers, without_choice
from pipelines.console import Progress
from pipelines.context import Run
from pipelines.manifest import read_manifest, stage_named, write_json, write_whole
from pipelines.permuted import permuted_within_blocks
from pipelines.protocols import HeldOut, hold_out
from pipelines.survey_bias import survey_bias

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Test:
    """A model put to the test by every protocol."""

    table: CellTable
    held: HeldOut
    scores: Mapping[tuple[str, str], OutOfFold]
    choices: Mapping[str, NestedChoice]

    @property
    def protocols(self) -> Mapping[str, Protocol]:
        """The protocols by name."""
        return self.held.protocols

    @property
    def block_m(self) -> float:
        """Side of the blocks, metres."""
        return self.held.block_m


def train(run: Run, *, progress: Progress) -> tuple[Sequence[Path], dict[str, Any]]:
    """Write ``model/``, ``metrics.json`` and ``held_out.parquet`` into the run folder.

    Raises
    ------
    FindingError
        If shuffled labels can be predicted: something leaks.
    """
    config = run.config
    table = read_cells(run)
    families = feature_families(run)
    _enough(table, config)
    target = land_to_predict(run)
    test = put_to_the_test(table, config, families, progress=progress, target=target)
    permuted = permuted_within_blocks(
        table, test.held.blocks, config, families, block_m=test.block_m, progress=progress
    )
    if not permuted["passed"]:
        raise FindingError(
            "Labels dealt out anew within blocks are still predicted: ROC-AUC and 99 % interval "
            f"{permuted['within_blocks']}, expected to hold 0.5. Something tells the model the "
            "labels of its test cells. Look for a feature made from findings; no model was written."
        )
    progress.step("importance", 0, 1)
    importance = _importance(test, config, families)
    progress.step("final model", 0, 1)
    model = _final_model(test, config, families, importance)
    metrics = _metrics(run, test, permuted, importance, model)
    metrics["gates"] = gates(config, metrics)
    paths = _write(run.folder, model, metrics, test)
    return paths, {"gates_passed": all(gate["passed"] for gate in metrics["gates"])}


def put_to_the_test(
    table: CellTable,
    config: Config,
    families: Mapping[str, Sequence[str]],
    *,
    progress: Progress,
    target: NDArray[np.float64] | None = None,
) -> Test:
    """Score every model on every protocol's held-out land.

    Parameters
    ----------
    table
        Labelled cells.
    families
        Family of features to its columns.
    target
        Easting and northing of the land to be predicted, shape ``(m, 2)``.
    """
    held = hold_out(table, config, target=target)
    scores: dict[tuple[str, str], OutOfFold] = {}
    choices: dict[str, NestedChoice] = {}
    for protocol in held.protocols.values():
        settings = config if protocol.name != "random" else without_choice(config)
        made = makers(table, settings, families, held.block_m)
        for name, make in made.items():
            progress.step(f"{protocol.name} folds, {name}", len(scores), 3 * len(made))
            scores[protocol.name, name] = out_of_fold(
                make, table, protocol, drawing=drawing(config, held.block_m)
            )
            if isinstance(make, NestedChoice):
                choices[protocol.name] = make
    return Test(table, held, scores, choices)


def land_to_predict(run: Run) -> NDArray[np.float64] | None:
    """Give places of the study area that nobody surveyed, shape ``(m, 2)``; none if all was."""
    table = unsurveyed_sample(run, sample=5_000)
    return None if table is None else table.coordinates


def gates(config: Config, metrics: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Hold a run against what was agreed before training."""
    agreed = config.gates
    far = metrics["protocols"]["far"]["models"]
    skill = metrics["comparison"]["far"]["prevalence"]["average_precision"]
    slope = far[MODEL]["calibration_slope"]
    calibrated = slope[0] is not None and (slope[1] <= 1 <= slope[2] or abs(slope[0] - 1) <= 0.25)
    permuted = abs(metrics["permuted"]["within_blocks"][0] - 0.5)
    rows = [
        (
            "positive_cells",
            "enough positive cells",
            agreed.min_positive_cells,
            metrics["cells"]["positive"],
            metrics["cells"]["positive"] >= agreed.min_positive_cells,
        ),
        (
            "leakage",
            "labels dealt out anew within blocks cannot be predicted (ROC-AUC, distance from 0.5)",
            agreed.permuted_auc_margin,
            permuted,
            metrics["permuted"]["passed"] and permuted <= agreed.permuted_auc_margin,
        ),
        (
            "null_model",
            "better than prevalence on far land (average precision, low end of the difference)",
            0.0,
            skill[1],
            skill[1] > 0,
        ),
        (
            "calibration",
            "far calibration slope: its distance from 1 (also passed if its interval holds 1)",
            0.25,
            abs((slope[0] or 0.0) - 1),
            calibrated,
        ),
        (
            "applicability",
            "share of the study area that the training data speak for",
            agreed.min_applicable_share,
            metrics["applicable_share"],
            metrics["applicable_share"] >= agreed.min_applicable_share,
        ),
    ]
    return [
        {
            "name": name,
            "words": words,
            "threshold": float(threshold),
            "value": float(value),
            "passed": bool(passed),
        }
        for name, words, threshold, value, passed in rows
    ]


def _enough(table: CellTable, config: Config) -> None:
    positive = int((table.state == 1).sum())
    negative = int((table.state == 0).sum())
    least = config.gates.min_positive_cells
    if positive < least or negative < least:
        raise InputError(
            f"The labels have {positive:,} positive and {negative:,} negative cells; expected at "
            f"least {least} of each (gates.min_positive_cells). Add finding layers, or a "
            "labels.surveyed layer that says where people looked."
        )


def _importance(
    test: Test, config: Config, families: Mapping[str, Sequence[str]]
) -> list[dict[str, Any]]:
    encoder = findings_encoder(config)
    groups: dict[str, Sequence[str]] = dict(families)
    if encoder is not None:
        groups["past_findings"] = list(encoder.get_feature_names_out())
    return grouped_importance(
        test.scores["far", MODEL],
        test.table,
        test.protocols["far"],
        groups=groups,
        metric=lambda y, score: float(roc_auc_score(y, score)),
        rng=np.random.default_rng([config.model.seed, 2]),
    )


def _final_model(
    test: Test,
    config: Config,
    families: Mapping[str, Sequence[str]],
    importance: Sequence[Mapping[str, Any]],
) -> RiskModel:
    table = test.table
    calibrator, interval = calibrate(test, config)
    make = makers(table, config, families, test.block_m)[MODEL]
    pipeline = fit_pipeline(make(table), table, drawing=drawing(config, test.block_m))
    columns = pipeline.named_steps["columns"].transform(table.cells)
    gain = np.mean(
        [b.feature_importance("gain") for b in pipeline.named_steps["classifier"].boosters_], axis=0
    )
    fold = test.held.blocks.fold_of_row(len(table.state))
    applicability = Applicability.fit(
        columns, dict(zip(columns.columns, gain / gain.sum(), strict=True)), fold
    )
    return assemble(
        pipeline,
        features=table.features,
        calibrator=calibrator,
        applicability=applicability,
        interval=interval,
    )


def calibrate(test: Test, config: Config) -> tuple[Calibrator, IntervalScaler]:
    """Learn, on land held out as regions, what a score means and how far off it may be.

    Platt's curve is used; the log loss of every kind is in ``metrics.json``, for information. Why
    the kind with the least is not taken is in docs/methods.md.
    """
    table, far = test.table, test.scores["far", MODEL]
    y = (table.state == 1).astype(np.int8)
    calibrator = LogisticCalibrator().fit(far.score, y)
    probability = _calibrated_far(test)
    blocks = assign_blocks(table.coordinates, block_m=test.block_m)
    interval = IntervalScaler.fit(probability, far.spread, y, blocks, level=config.model.interval)
    return calibrator, interval


def _metrics(
    run: Run,
    test: Test,
    permuted: dict[str, Any],
    importance: list[dict[str, Any]],
    model: RiskModel,
) -> dict[str, Any]:
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
            _calibrated_far(test),
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


def _calibrated_far(test: Test) -> NDArray[np.float64]:
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols["far"].fold_of_row(len(y))
    return calibrate_across_folds(test.scores["far", MODEL].score, y, fold)


def _calibrator_losses(test: Test) -> dict[str, float]:
    """Give the log loss on left-out regions of each kind of calibrator, for information."""
    y = (test.table.state == 1).astype(np.int8)
    fold = test.protocols["far"].fold_of_row(len(y))
    return calibration_losses(test.scores["far", MODEL].score, y, fold)


def unsurveyed_sample(run: Run, *, sample: int = 20_000) -> CellTable | None:
    """Read a sample of the cells that nobody surveyed; none if there are none."""
    cube = open_cube(run.folder / "cube.zarr")
    labels = xr.open_zarr(run.folder / "labels.zarr", chunks=None, consolidated=False)
    unsurveyed = (cube["inside"].to_numpy() == 1) & (labels["state"].to_numpy() < 0)
    if not unsurveyed.any():
        return None
    rng = np.random.default_rng([run.config.model.seed, 4])
    chosen = np.zeros(unsurveyed.size, dtype=bool)
    chosen[rng.permutation(np.flatnonzero(unsurveyed))[:sample]] = True
    return read_cells(run, chosen.reshape(unsurveyed.shape))


def _lint_words(test: Test) -> tuple[str, ...]:
    """Name the features that can act as the name of a place."""
    table = test.table
    features = table.cells[table.features]
    return lint_features(
        features, table.coordinates, regions=table.region, block_m=test.block_m
    ).words


def run_cells(run: Run) -> int:
    """Count the cells of the study area."""
    build = stage_named(read_manifest(run.folder), "build")
    if build is None:
        raise InputError(
            f"{run.folder} has no finished stage `build`. Run `minerisk run` to go on."
        )
    return int(build["facts"]["cells"])


def applicable_share(run: Run, model: RiskModel, *, sample: int = 20_000) -> float:
    """Estimate the share of the study area that the model can speak for, from a sample."""
    inside = open_cube(run.folder / "cube.zarr")["inside"].to_numpy().astype(bool)
    cells = np.flatnonzero(inside)
    rng = np.random.default_rng([run.config.model.seed, 3])
    chosen = np.zeros(inside.size, dtype=bool)
    chosen[rng.permutation(cells)[:sample]] = True
    table = read_cells(run, chosen.reshape(inside.shape))
    columns = model.columns(table.cells)
    return float(model.applicability.applicable(model.applicability.dissimilarity(columns)).mean())


def _write(folder: Path, model: RiskModel, metrics: Mapping[str, Any], test: Test) -> list[Path]:
    target = folder / "model"
    for old in target.glob("*") if target.is_dir() else ():
        old.unlink()
    for name, content in model.to_files().items():
        write_whole(target / name, content)
    held_out = pd.DataFrame(test.table.cells[["easting", "northing"]])
    held_out["state"] = test.table.state
    held_out["region"] = test.table.region
    for name, protocol in test.protocols.items():
        held_out[f"fold_{name}"] = protocol.fold_of_row(len(held_out)).astype(np.int16)
    for (name, known), out in test.scores.items():
        held_out[f"{name}_{known}"] = out.score.astype(np.float32)
    path = folder / "held_out.parquet"
    partial = folder / ".held_out.parquet.partial"
    held_out.to_parquet(partial, index=False)
    partial.replace(path)
    trials = folder / "trials.json"
    tried = {
        name: {"trials": choice.trials, "chosen": list(choice.chosen)}
        for name, choice in test.choices.items()
    }
    return [
        target,
        path,
        write_json(trials, tried),
        write_json(folder / "metrics.json", metrics),
    ]
