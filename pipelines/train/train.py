"""`minerisk train`: fit, score on land held out, calibrate, and hold to the gates."""

import logging
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pandas as pd

from minerisk.models.estimators.member_growth import TrainBooster
from minerisk.models.evaluation.gates import refuse_too_few
from minerisk.models.fitting.training import Trained, train_model
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.selection.held_out_scores import HeldOutScores
from minerisk.models.selection.protocols import HeldOut, hold_out
from minerisk.models.table import CellTable
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.language.metric_words import caution_words
from minerisk.pipelines.provenance.files import replacing, write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.manifest import TrainFacts
from minerisk.pipelines.records.metrics import Metrics, Trials
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.cluster import Scheduler
from minerisk.pipelines.run.contents import covered_columns, feature_families, read_cells
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, FOUND
from minerisk.pipelines.run.progress import Progress
from minerisk.pipelines.train.dask_boosting import train_on_dask
from minerisk.pipelines.train.hazard_models import ClassResult, train_hazards
from minerisk.pipelines.train.land_samples import count_cells, land_to_predict
from minerisk.pipelines.train.run_metrics import run_metrics
from minerisk.pipelines.train.shared_land import SharedLand
from minerisk.pipelines.train.spec import found_spec, model_spec

log = logging.getLogger(__name__)


def train(run: Run, *, progress: Progress) -> tuple[Sequence[Path], TrainFacts]:
    """Write ``model/``, ``metrics.json`` and ``held_out.parquet`` into the run folder.

    Raises
    ------
    FindingError
        If shuffled labels can be predicted: something leaks.
    """
    table = read_cells(run)
    held, land = hold_out_table(run, table), SharedLand(table)

    def train_class(name: str, part: CellTable, folder: Path) -> ClassResult:
        # What was found is taught on the same land, by the same labels of other weights.
        own = held if name == FOUND else hold_out_table(run, part)
        found = train_table(run, part, own, folder, layer=name, progress=progress, land=land)
        return ClassResult(found.far.model, found.gates_passed)

    metrics = train_table(run, table, held, run.folder, progress=progress, land=land)
    hazards = train_hazards(
        table,
        run.folder,
        train_class,
        hazards=run.config.model.hazards,
        found=run.config.model.found,
        least=run.config.gates.min_positive_cells,
        by_any=metrics.hazard_classes,
    )
    # Cells of the run; gates go by what was drawn.
    metrics = metrics.model_copy(update={"cells": count_cells(run, table), "hazards": hazards})
    write_whole(run.files.metrics, metrics.to_json())
    names = ("model", "metrics.json", "held_out.parquet", "trials.json", "hazards")
    paths = [run.folder / name for name in names if (run.folder / name).exists()]
    return paths, TrainFacts(gates_passed=metrics.gates_passed)


def hold_out_table(run: Run, table: CellTable) -> HeldOut:
    """Make the folds of the table of a layer, and refuse one of too few finds."""
    config = run.config
    refuse_too_few(table, least=config.gates.min_positive_cells)
    held = hold_out(
        table, target=land_to_predict(run), seed=config.model.seed, **config.folds.model_dump()
    )
    for caution in held.cautions:
        log.warning("%s", caution_words(caution))
    return held


def train_table(
    run: Run,
    table: CellTable,
    held: HeldOut,
    folder: Path,
    *,
    layer: str = ANY,
    progress: Progress,
    land: SharedLand | None = None,
) -> Metrics:
    """Train on the table of one layer, and write into a folder what `train` writes.

    Layers of the same land share what does not depend on their labels, if it is given.
    """
    config, land = run.config, land or SharedLand(table)
    spec = model_spec(
        config.model,
        as_of=config.study_area.as_of,
        covered=covered_columns(run),
        place_columns=land.place_columns(table),
        train_large=_on_cluster(run.workers.cluster),
    )
    if layer == FOUND:
        spec = found_spec(spec, config.model.found)
    trained = train_model(
        table,
        held,
        spec,
        families=feature_families(run),
        interval=config.model.interval,
        permutations=config.gates.permutations,
        step=progress.step,
    )
    metrics = run_metrics(run, trained, land)
    _write(folder, trained, metrics)
    return metrics


def _on_cluster(scheduler: Scheduler | None) -> TrainBooster | None:
    """Let a cluster train what is too large for one memory; LightGBM's own ports know no TLS."""
    if scheduler is None:
        return None
    if scheduler.tls is not None and not scheduler.trust_network:
        log.info("Training stays on this machine: between workers LightGBM speaks without TLS.")
        return None
    return partial(train_on_dask, scheduler=scheduler)


def _write(folder: Path, trained: Trained, metrics: Metrics) -> None:
    target = RunFolder(folder).model
    for old in target.glob("*") if target.is_dir() else ():
        old.unlink()
    for name, content in trained.model.to_files().items():
        write_whole(target / name, content)
    with replacing(RunFolder(folder).held_out) as unfinished:
        scored = _held_out(trained.scores)
        marks = Marks(State.DRAFT, metrics.simulated)
        scored.attrs.update(marks.columns)  # kept in the metadata of the file
        scored.to_parquet(unfinished, index=False)
    write_whole(RunFolder(folder).metrics, metrics.to_json())
    searches = {name: choice.search for name, choice in trained.choices.items()}
    tried = Trials(schema_version=Trials.version, searches=searches)
    write_whole(RunFolder(folder).trials, tried.to_json())


def _held_out(scores: HeldOutScores) -> pd.DataFrame:
    """Return each labelled cell with its folds and held-out scores."""
    held_out = pd.DataFrame(scores.table.cells[["easting", "northing"]])
    held_out["state"] = scores.table.state
    held_out["region"] = scores.table.region
    for name, protocol in scores.protocols.items():
        held_out[f"fold_{name}"] = protocol.fold_of_row(len(held_out)).astype(np.int16)
    held_out["far_probability"] = scores.probability[ProtocolName.FAR].astype(np.float32)
    for (name, known), out in scores.scores.items():
        held_out[f"{name}_{known}"] = out.score.astype(np.float32)
    return held_out
