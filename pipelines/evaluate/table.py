"""`minerisk evaluate table`: folds, rules of thumb, gates and measures of a run, on any table."""

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from minerisk.configs.schema import Choice, FindingsEncoder, Folds, Gates, LightGBM, Model
from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.estimate import Estimate
from minerisk.models.evaluation.assessment import assess_curves, capture_curves
from minerisk.models.evaluation.comparison import compare_models
from minerisk.models.evaluation.gates import hold_to_gates, over_rule
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.evaluation.out_of_fold_scores import fit_pipeline
from minerisk.models.evaluation.results import PermutedSkill, RegionScores
from minerisk.models.folds.blocks import assign_blocks
from minerisk.models.folds.protocol import ProtocolName
from minerisk.models.folds.time_folds import LeaveTimeOut
from minerisk.models.selection.candidates import ModelSpec, makers
from minerisk.models.selection.held_out_measures import (
    measure_models,
    measure_regions,
    measure_reliability,
    rank_protocol,
)
from minerisk.models.selection.held_out_scores import HeldOutScores, score_held_out
from minerisk.models.selection.leakage import permuted_within_blocks
from minerisk.models.selection.protocols import hold_out
from minerisk.models.table import CellTable
from minerisk.pipelines.evaluate.table_intake import Intake, as_columns, read_table
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.metric_words import caution_words
from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.records.evaluations import (
    LaterMeasures,
    LaterScores,
    TableFile,
    TableMetrics,
)
from minerisk.pipelines.records.metrics import CellCounts, ProtocolScores
from minerisk.pipelines.report.summary import score_lines
from minerisk.pipelines.run.progress import Progress, progress
from minerisk.pipelines.train.spec import model_spec

MOST_ENCODED_M = 40_000.0
FAR = ProtocolName.FAR


def evaluate_table(
    path: Path,
    *,
    label: str,
    coordinates: tuple[str, str],
    crs: str,
    group: str | None = None,
    date: str | None = None,
    date_format: str | None = None,
    features: Sequence[str] | None = None,
    block_m: float | None = None,
    cell_ha: float | None = None,
    seed: int = 7,
    out: Path | None = None,
    threads: int = 1,
) -> TableMetrics:
    """Evaluate models on a plain table, as a run evaluates them on a grid.

    Parameters
    ----------
    path
        CSV or Parquet, one row a place.
    label
        Column with 1 (found), 0 (searched, nothing found) or blank (not searched: the land to be
        predicted, towards which the near folds are made and applicability is measured).
    coordinates
        Columns of easting and northing (longitude and latitude where `crs` is geographic).
    crs
        CRS of the coordinates. Never guessed.
    group
        Column of the land unit, left out whole in the far protocol (more than 10 are joined to 10
        compact regions). Without it, rows are grouped by place.
    date
        Column of dates; adds scores on later rows: trained up to the date by which half of the
        finds are dated.
    date_format
        How dates are written, such as ``%d.%m.%Y``; by default YYYY-MM-DD. Never guessed.
    features
        Columns to use; by default every numeric column that is nothing else.
    block_m
        Side of the blocks, metres; by default wider than the measured autocorrelation range.
    cell_ha
        Hectares that a row stands for. Without it, measures in hectares have no value.
    seed, threads
        The same seed gives the same numbers.
    out
        Folder or ``.json`` file for the result (``table_metrics.json``).

    Raises
    ------
    InputError
        If the table does not hold what was stated, a column gives the label away, or there are
        too few finds.
    """
    columns = as_columns(
        label, coordinates, group=group, date=date, date_format=date_format, features=features
    )
    given = read_table(path, columns, crs=crs, cell_ha=cell_ha)
    source = TableFile(file=path.name, sha256=sha256_path(path.resolve()), label=label)
    spec = table_spec(given, seed=seed, threads=threads)
    gates = Gates()
    _refuse_few(given.table, least=gates.min_positive_cells)
    with progress("Table") as bar:
        found = _measure(
            given, source, spec, Folds(block_m=block_m), gates, bar, hectares=cell_ha is not None
        )
    if out is not None:
        target = out if out.suffix == ".json" else out / "table_metrics.json"
        write_whole(target, found.to_json())
    return found


def table_spec(given: Intake, *, seed: int, threads: int) -> ModelSpec:
    """Return the model that a run has by default, fitted to the size of a table.

    Kinds of models, with and without the columns that name a group, are tried inside each training
    set. A table is smaller than a grid: leaves hold at least 1 in 100 rows, but 20 to 200, and the
    blocks of the findings encoder are at most a sixth of the area's longer side.
    """
    table = given.table
    extent = float(np.ptp(table.coordinates, axis=0).max())
    encoded_m = min(MOST_ENCODED_M, extent / 6)
    leaf = int(np.clip(table.labelled.sum() // 100, 20, 200))
    model = Model(
        seed=seed,
        threads=threads,
        members=4,
        findings=FindingsEncoder(
            block_m=encoded_m, cap_m=1.5 * encoded_m, radii_m=(encoded_m / 4,)
        ),
        choice=Choice(inner_folds=5),
        # A forest as large as the one that the model is held against.
        lightgbm=LightGBM(
            min_cells_in_leaf=leaf, forest_trees=100, forest_leaves=1_000, forest_min_cells=50
        ),
    )
    return model_spec(model, as_of=None, place_columns=given.place_columns)


def _refuse_few(table: CellTable, *, least: int) -> None:
    counts = [int((table.state == kind).sum()) for kind in (1, 0)]
    if min(counts) < least:
        raise InputError(
            f"The table has {counts[0]:,} rows with finds and {counts[1]:,} without; expected at "
            f"least {least} of each."
        )


def _measure(
    given: Intake,
    source: TableFile,
    spec: ModelSpec,
    folds: Folds,
    gates: Gates,
    bar: Progress,
    *,
    hectares: bool,
) -> TableMetrics:
    whole, table = given.table, _labelled(given.table)
    target = whole.coordinates[whole.state < 0]
    families = {name: [name] for name in table.features}
    held = hold_out(
        table, target=target if len(target) else None, seed=spec.seed, **folds.model_dump()
    )
    scores = score_held_out(table, held, spec, families=families, step=bar.step)
    permuted = permuted_within_blocks(
        table,
        held.blocks,
        spec,
        families=families,
        block_m=held.block_m,
        permutations=gates.permutations,
        step=bar.step,
    )
    later = None
    if given.days is not None:
        days = given.days[whole.state >= 0]
        later = _later(table, days, spec, families, held.block_m)
    found = _gather(given, source, scores, permuted, later, gates)
    return found if hectares else without_hectares(found)


def _gather(
    given: Intake,
    source: TableFile,
    scores: HeldOutScores,
    permuted: PermutedSkill,
    later: LaterScores | None,
    gates: Gates,
) -> TableMetrics:
    whole, table, block_m = given.table, scores.table, scores.block_m
    positive, far = int((table.state == 1).sum()), scores.scores_of(FAR)
    ranked = {name: rank_protocol(scores, name) for name in scores.protocols}
    comparison = {name: compare_models(ranked[name]) for name in (FAR, ProtocolName.NEAR)}
    protocols = {
        name: ProtocolScores.of(protocol, measure_models(scores, name, ranked[name]))
        for name, protocol in scores.protocols.items()
    }
    share = _applicable_share(scores, whole)
    return TableMetrics(
        schema_version=TableMetrics.version,
        table=source,
        crs=given.crs,
        features=given.features,
        left_out=given.left_out,
        notices=given.notices,
        cautions=scores.held.cautions,
        hectares=True,
        cells=CellCounts(
            total=len(whole.state),
            positive=positive,
            negative=len(table.state) - positive,
            unlabelled=len(whole.state) - len(table.state),
        ),
        prevalence=positive / len(table.state),
        range_m=scores.held.range_m,
        block_m=block_m,
        protocols=protocols,
        later=later,
        comparison=comparison,
        regions=measure_regions(scores),
        capture={FAR: capture_curves(far, table)},
        curves=assess_curves(far[ModelName.MODEL], table, block_m=block_m),
        reliability=measure_reliability(scores),
        permuted=permuted,
        applicable_share=share,
        gates=hold_to_gates(
            positive_cells=positive,
            permuted=permuted,
            skill=comparison[FAR][ModelName.PREVALENCE].average_precision,
            over_rule=over_rule(comparison[FAR]),
            slope=protocols[FAR].model.calibration_slope,
            applicable_share=share,
            **gates.model_dump(exclude={"permutations"}),
        ),
    )


def _labelled(whole: CellTable) -> CellTable:
    table = whole.take(np.flatnonzero(whole.labelled))
    return CellTable(
        cells=table.cells.reset_index(drop=True),
        state=table.state,
        weight=table.weight,
        region=table.region,
        cell_ha=table.cell_ha,
    )


def _later(
    table: CellTable,
    days: NDArray[np.float64],
    spec: ModelSpec,
    families: Mapping[str, Sequence[str]],
    block_m: float,
) -> LaterScores:
    """Train up to a date and rank what came after it; calibration is not measured on one fold."""
    y = (table.state == 1).astype(np.int8)
    ((train, later),) = LeaveTimeOut(1).split(None, y, dates=days)
    blocks = assign_blocks(table.coordinates[later], block_m=block_m)
    models = {}
    for name, make in makers(table.features, spec, families=families, block_m=block_m).items():
        part = table.take(train)
        fitted = fit_pipeline(make(part), part, drawing=spec.drawing(block_m))
        score = fitted.predict_proba(table.cells.iloc[later])[:, 1]
        measured = block_bootstrap(y[later], score, blocks, cell_ha=table.cell_ha)
        models[name] = LaterMeasures(
            **{known: Estimate.of(measured[known]) for known in LaterMeasures.model_fields}
        )
    return LaterScores(
        until=dt.date(1970, 1, 1) + dt.timedelta(days=int(np.nanmax(days[train]))),
        trained=len(train),
        tested=len(later),
        positive=int(y[later].sum()),
        models=models,
    )


def _applicable_share(scores: HeldOutScores, whole: CellTable) -> float:
    """Measure the share of rows inside the area of applicability.

    Of the unlabelled rows, the mean over the models that left one region out; without any, of
    each region by the model of the others.
    """
    far, fold = scores.protocols[FAR], scores.held.blocks.fold_of_row(len(scores.table.state))
    unlabelled = whole.cells[whole.state < 0]
    shares, sizes = [], []
    fitted = scores.scores[FAR, ModelName.MODEL].fitted
    for pipeline, (train, region) in zip(fitted, far.folds, strict=True):
        cells = scores.table.cells.iloc[region] if unlabelled.empty else unlabelled
        columns = pipeline.named_steps["columns"]
        known = columns.transform(scores.table.cells.iloc[train])
        weights = pipeline.named_steps["classifier"].members_.importance()
        if not weights.any():
            continue
        importance = dict(zip(known.columns, weights, strict=True))
        area = Applicability.fit(known, importance, fold[train])
        inside = area.applicable(area.dissimilarity(columns.transform(cells), workers=1))
        shares.append(float(np.mean(inside)))
        sizes.append(len(cells))
    return float(np.average(shares, weights=sizes)) if shares else 0.0


def table_lines(found: TableMetrics, texts: Texts = ENGLISH) -> Iterator[str]:
    """Write the scores for a person at a terminal."""
    yield from score_lines(found, texts=texts)
    if found.later is not None:
        auc = found.later.models[ModelName.MODEL].roc_auc
        ends = texts.interval(auc.low, auc.high)
        yield (
            f"later: trained on rows dated up to {found.later.until}, scored on "
            f"{found.later.tested:,} later ones: ROC-AUC {texts.number(auc.value)} ({ends})."
        )
    for notice in found.notices:
        yield texts.say(notice)
    for caution in found.cautions:
        yield caution_words(caution, texts)


def without_hectares(found: TableMetrics) -> TableMetrics:
    """Return the scores without a value in hectares: what a row stands for is not known."""
    protocols = {
        name: protocol.model_copy(
            update={"models": {known: m.without_hectares() for known, m in protocol.models.items()}}
        )
        for name, protocol in found.protocols.items()
    }
    comparison = {
        name: {known: measures.without_hectares() for known, measures in models.items()}
        for name, models in found.comparison.items()
    }
    regions = tuple(_region_without_hectares(region) for region in found.regions)
    return found.model_copy(
        update={
            "hectares": False,
            "protocols": protocols,
            "comparison": comparison,
            "regions": regions,
        }
    )


def _region_without_hectares(region: RegionScores) -> RegionScores:
    if region.intervals is None:
        return region
    return replace(region, intervals=region.intervals.without_hectares())
