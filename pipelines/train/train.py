"""`minerisk train`: fit, score on land held out, calibrate, and hold to the gates."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import FindingError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile, log_loss_above_prevalence
from minerisk.models.calibration.calibrator import Calibrator
from minerisk.models.calibration.conformal import IntervalScaler
from minerisk.models.calibration.cross_calibration import fit_kind
from minerisk.models.estimators.estimators import TrainBooster
from minerisk.models.evaluation.gates import refuse_too_few
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.out_of_fold_scores import fit_pipeline, grouped_importance
from minerisk.models.evaluation.results import Importance
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.risk_model import RiskModel, assemble
from minerisk.models.selection.candidates import Maker, ModelSpec, makers
from minerisk.models.selection.held_out_scores import HeldOutScores, score_held_out
from minerisk.models.selection.leakage import permuted_within_blocks
from minerisk.models.selection.nested_search import NestedChoice
from minerisk.models.selection.protocols import hold_out
from minerisk.models.table import CellTable
from minerisk.pipelines.language.metric_words import caution_words
from minerisk.pipelines.provenance.files import replacing, write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import TrainFacts
from minerisk.pipelines.records.metrics import Metrics, Trials
from minerisk.pipelines.run.contents import feature_families, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.train.dask_boosting import train_on_dask
from minerisk.pipelines.train.hazard_models import ClassResult, train_hazards
from minerisk.pipelines.train.land_samples import count_cells, land_to_predict
from minerisk.pipelines.train.run_metrics import run_metrics
from minerisk.pipelines.train.spec import model_spec

log = logging.getLogger(__name__)

FAR = ProtocolName.FAR


def train(run: Run, *, progress: Progress) -> tuple[Sequence[Path], TrainFacts]:
    """Write ``model/``, ``metrics.json`` and ``held_out.parquet`` into the run folder.

    Raises
    ------
    FindingError
        If shuffled labels can be predicted: something leaks.
    """
    table = read_cells(run)

    def train_class(part: CellTable, folder: Path) -> ClassResult:
        found = train_table(run, part, folder, progress=progress)
        return ClassResult(found.far.model, found.gates_passed)

    metrics = train_table(run, table, run.folder, progress=progress)
    hazards = train_hazards(
        table, run.config, run.folder, train_class, by_any=metrics.hazard_classes
    )
    # Cells of the run; gates go by what was drawn.
    metrics = metrics.model_copy(update={"cells": count_cells(run, table), "hazards": hazards})
    write_whole(run.files.metrics, metrics.to_json())
    names = ("model", "metrics.json", "held_out.parquet", "trials.json", "hazards")
    paths = [run.folder / name for name in names if (run.folder / name).exists()]
    return paths, TrainFacts(gates_passed=metrics.gates_passed)


def train_table(run: Run, table: CellTable, folder: Path, *, progress: Progress) -> Metrics:
    """Train on one table, and write into a folder what `train` writes."""
    config = run.config
    families = feature_families(run)
    refuse_too_few(table, least=config.gates.min_positive_cells)
    spec = model_spec(
        config.model,
        as_of=config.study_area.as_of,
        train_large=_on_cluster(run.workers.scheduler),
    )
    held = hold_out(table, target=land_to_predict(run), seed=spec.seed, **config.folds.model_dump())
    for caution in held.cautions:
        log.warning("%s", caution_words(caution))
    scores = score_held_out(table, held, spec, families=families, step=progress.step)
    permuted = permuted_within_blocks(
        table,
        held.blocks,
        spec,
        families=families,
        block_m=held.block_m,
        permutations=config.gates.permutations,
        step=progress.step,
    )
    if not permuted.passed:
        raise FindingError(
            "Labels permuted within blocks are still predicted: ROC-AUC and 99 % interval "
            f"{list(permuted.within_blocks)}, expected to hold 0.5. Something tells the model the "
            "labels of its test cells. Look for a feature made from findings; no model was written."
        )
    progress.step("importance", 0, 1)
    importance = _importance(scores, spec, families)
    progress.step("final model", 0, 1)
    make = makers(table.features, spec, families=families, block_m=held.block_m)[ModelName.MODEL]
    model = _final_model(scores, spec, make, interval=config.model.interval)
    choices: dict[str, NestedChoice] = {name.value: one for name, one in scores.choices.items()}
    if isinstance(make, NestedChoice):
        choices["final"] = make
    metrics = run_metrics(run, scores, permuted, importance, model, choices)
    _write(folder, model, metrics, scores)
    searches = {name: choice.search for name, choice in choices.items()}
    tried = Trials(schema_version=Trials.version, searches=searches)
    write_whole(RunFolder(folder).trials, tried.to_json())
    return metrics


def _on_cluster(scheduler: str | None) -> TrainBooster | None:
    if scheduler is None:
        return None
    return partial(train_on_dask, scheduler=scheduler)


def _importance(
    scores: HeldOutScores, spec: ModelSpec, families: Mapping[str, Sequence[str]]
) -> list[Importance]:
    encoder = spec.encoder
    groups: dict[str, Sequence[str]] = dict(families)
    if encoder is not None:
        groups["past_findings"] = list(encoder.get_feature_names_out())
    return grouped_importance(
        scores.scores[FAR, ModelName.MODEL],
        scores.table,
        scores.protocols[FAR],
        groups=groups,
        metric=lambda y, score: float(roc_auc_score(y, score)),
        rng=np.random.default_rng([spec.seed, 2]),
    )


def _final_model(
    scores: HeldOutScores, spec: ModelSpec, make: Maker, *, interval: float
) -> RiskModel:
    table = scores.table
    calibrator, scaler = calibrate(scores, interval=interval)
    pipeline = fit_pipeline(make(table), table, drawing=spec.drawing(scores.block_m))
    columns = pipeline.named_steps["columns"].transform(table.cells)
    shares = pipeline.named_steps["classifier"].members_.importance()
    fold = scores.held.blocks.fold_of_row(len(table.state))
    weights = dict(zip(columns.columns, shares, strict=True))
    applicability = Applicability.fit(columns, weights, fold)
    return assemble(
        pipeline,
        features=table.features,
        calibrator=calibrator,
        applicability=applicability,
        interval=scaler,
        profile=_error_profile(scores, columns, weights, applicability),
    )


def _error_profile(
    scores: HeldOutScores,
    columns: pd.DataFrame,
    weights: Mapping[str, float],
    applicability: Applicability,
) -> ErrorProfile:
    """Learn on left-out regions how the error grows where land is less like the others."""
    y = (scores.table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    # The same training points by the same seed, known by region instead of block.
    regions = Applicability.fit(columns, weights, fold).reference_fold
    novelty = replace(applicability, reference_fold=regions).held_out_novelty(columns, fold)
    return ErrorProfile.fit(novelty, log_loss_above_prevalence(y, scores.probability[FAR]))


def calibrate(scores: HeldOutScores, *, interval: float) -> tuple[Calibrator, IntervalScaler]:
    """Learn, on land held out as regions, what a score means and how far off it may be.

    The kind of calibrator was chosen on left-out regions; the log loss of every kind is in
    ``metrics.json``.
    """
    table, far = scores.table, scores.scores[FAR, ModelName.MODEL]
    y = (table.state == 1).astype(np.int8)
    fold = scores.protocols[FAR].fold_of_row(len(y))
    calibrator = fit_kind(far.score, y, fold, kind=scores.calibrator)
    probability = scores.probability[FAR]
    blocks = assign_blocks(table.coordinates, block_m=scores.block_m)
    scaler = IntervalScaler.fit(probability, far.spread, y, blocks, level=interval)
    return calibrator, scaler


def _write(folder: Path, model: RiskModel, metrics: Metrics, scores: HeldOutScores) -> None:
    target = RunFolder(folder).model
    for old in target.glob("*") if target.is_dir() else ():
        old.unlink()
    for name, content in model.to_files().items():
        write_whole(target / name, content)
    held_out = pd.DataFrame(scores.table.cells[["easting", "northing"]])
    held_out["state"] = scores.table.state
    held_out["region"] = scores.table.region
    for name, protocol in scores.protocols.items():
        held_out[f"fold_{name}"] = protocol.fold_of_row(len(held_out)).astype(np.int16)
    for (name, known), out in scores.scores.items():
        held_out[f"{name}_{known}"] = out.score.astype(np.float32)
    with replacing(RunFolder(folder).held_out) as partial:
        held_out.to_parquet(partial, index=False)
    write_whole(RunFolder(folder).metrics, metrics.to_json())
