"""`minerisk evaluate table`: folds, rules of thumb, gates and measures of a run, on any table."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from pydantic_core import to_jsonable_python

from minerisk.configs.feature_kinds import Value
from minerisk.configs.schema import (
    Config,
    Evidence,
    FindingsEncoder,
    Folds,
    Gates,
    Labels,
    LightGBM,
    Model,
    StudyArea,
    VectorLayer,
)
from minerisk.features.errors import InputError
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.evaluation.assessment import (
    assess,
    assess_curves,
    assess_regions,
    capture_curves,
    compare_models,
    reliability_bins,
)
from minerisk.models.evaluation.gates import hold_to_gates
from minerisk.models.evaluation.measures import ModelName
from minerisk.models.evaluation.metrics import block_bootstrap
from minerisk.models.evaluation.out_of_fold import OutOfFold, fit_pipeline
from minerisk.models.folds.protocol import Protocol, ProtocolName
from minerisk.models.folds.splits import assign_blocks
from minerisk.models.folds.time_folds import LeaveTimeOut
from minerisk.models.table import CellTable
from minerisk.pipelines.evaluate.table_intake import Intake, as_columns, read_table
from minerisk.pipelines.language.metric_words import caution_words, splitter_words
from minerisk.pipelines.provenance.files import sha256_path, write_json
from minerisk.pipelines.run.contents import MODEL
from minerisk.pipelines.run.progress import Progress, progress
from minerisk.pipelines.train.candidates import drawing, makers
from minerisk.pipelines.train.held_out_scores import Test, put_to_the_test
from minerisk.pipelines.train.leakage import permuted_within_blocks

FORMAT = 1
SCORED_LATER = ("roc_auc", "average_precision", "found_in_top_5", "found_in_top_10")
MOST_ENCODED_M = 40_000.0


def evaluate_table(
    path: Path,
    *,
    label: str,
    coordinates: tuple[str, str],
    crs: str,
    group: str | None = None,
    date: str | None = None,
    features: Sequence[str] | None = None,
    block_m: float | None = None,
    cell_ha: float | None = None,
    seed: int = 7,
    out: Path | None = None,
    threads: int = 1,
) -> dict[str, Any]:
    """Put the models to the test on a plain table, as a run puts them to the test on a grid.

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
        Column of dates; adds the protocol ``later``: trained up to the date by which half of the
        finds are dated, tested after it.
    features
        Columns to use; by default every numeric column that is nothing else.
    block_m
        Side of the blocks, metres; by default wider than the measured autocorrelation range.
    cell_ha
        Hectares that a row stands for. Without it, measures in hectares are left out.
    seed, threads
        The same seed gives the same numbers.
    out
        Folder or ``.json`` file for the result (``table_metrics.json``).

    Returns
    -------
    dict
        As ``metrics.json`` of a run: ``protocols``, ``regions``, ``capture``, ``reliability``,
        ``permuted``, ``gates``; and ``comparison`` (the model minus each other, paired),
        ``features``, ``left_out``, ``warnings``.

    Raises
    ------
    InputError
        If the table does not hold what was said, a column gives the label away, or there are too
        few finds.
    """
    columns = as_columns(label, coordinates, group=group, date=date, features=features)
    given = read_table(path, columns, crs=crs, cell_ha=cell_ha)
    config = table_config(given, path.stem, block_m=block_m, seed=seed, threads=threads)
    _refuse_few(given.table, config)
    with progress("Table") as bar:
        data = _measure(given, config, bar)
    data |= {"table": {"file": path.name, "sha256": sha256_path(path)}, "label": label}
    if cell_ha is None:
        _drop_hectares(data)
    if out is not None:
        write_json(out if out.suffix == ".json" else out / "table_metrics.json", data)
    return data


def table_config(
    given: Intake, title: str, *, block_m: float | None, seed: int, threads: int
) -> Config:
    """Give the defaults of a run, fitted to the size of a table.

    A table is smaller than a grid: leaves hold at least 1 in 100 rows, but 20 to 200, and the
    blocks of the findings encoder are at most a sixth of the area's longer side.
    """
    table = given.table
    extent = float(np.ptp(table.coordinates, axis=0).max())
    encoded_m = min(MOST_ENCODED_M, extent / 6)
    leaf = int(np.clip(table.labelled.sum() // 100, 20, 200))
    return Config(
        study_area=StudyArea(
            name="table",
            title=title[:120] or "table",
            boundary="table",
            crs=given.crs,
            resolution_m=float(np.clip(np.sqrt(table.cell_ha * 10_000), 5, 10_000)),
        ),
        layers={"table": VectorLayer(path="table")},
        features=(Value(layer="table"),),
        labels=Labels(positive=(Evidence(layer="table", evidence="find", weight=1.0),)),
        folds=Folds(block_m=block_m),
        model=Model(
            seed=seed,
            threads=threads,
            members=4,
            findings=FindingsEncoder(
                block_m=encoded_m, cap_m=1.5 * encoded_m, radii_m=(encoded_m / 4,)
            ),
            lightgbm=LightGBM(min_cells_in_leaf=leaf),
        ),
        gates=Gates(),
    )


def _refuse_few(table: CellTable, config: Config) -> None:
    counts = [int((table.state == kind).sum()) for kind in (1, 0)]
    least = config.gates.min_positive_cells
    if min(counts) < least:
        raise InputError(
            f"The table has {counts[0]:,} rows with finds and {counts[1]:,} without; expected at "
            f"least {least} of each."
        )


def _measure(given: Intake, config: Config, bar: Progress) -> dict[str, Any]:
    whole = given.table
    table = _labelled(whole)
    target = whole.coordinates[whole.state < 0]
    families = {name: [name] for name in table.features}
    test = put_to_the_test(
        table, config, families, progress=bar, target=target if len(target) else None
    )
    permuted = permuted_within_blocks(
        table, test.held.blocks, config, families, block_m=test.block_m, progress=bar
    )
    protocols = {name.value: _protocol(test, protocol) for name, protocol in test.protocols.items()}
    if given.days is not None:
        days = given.days[whole.state >= 0]
        protocols["later"] = _later(table, days, config, families, test.block_m)
    far = test.scores_of(ProtocolName.FAR)
    comparison = compare_models(far, table, block_m=test.block_m)
    share = _applicable_share(test, whole)
    positive = int((table.state == 1).sum())
    data: dict[str, Any] = {
        "format": FORMAT,
        "model": MODEL,
        "crs": given.crs,
        "features": list(given.features),
        "left_out": given.left_out,
        "warnings": [*given.warnings, *map(caution_words, test.held.cautions)],
        "cells": {
            "total": len(whole.state),
            "positive": positive,
            "negative": len(table.state) - positive,
            "unlabelled": len(target),
        },
        "prevalence": positive / len(table.state),
        "range_m": test.held.range_m,
        "block_m": test.block_m,
        "folds": {name: len(protocol.folds) for name, protocol in test.protocols.items()},
        "protocols": protocols,
        "comparison": {"far": comparison},
        "regions": assess_regions(
            far[ModelName.MODEL], table, test.protocols[ProtocolName.FAR], block_m=test.block_m
        ),
        "capture": {"far": capture_curves(far, table)},
        "curves": {"far": assess_curves(far[ModelName.MODEL], table, block_m=test.block_m)},
        "reliability": {
            name: reliability_bins(
                _of(test, name)[ModelName.MODEL].score,
                table,
                test.protocols[name],
                block_m=test.block_m,
            )
            for name in (ProtocolName.FAR, ProtocolName.NEAR)
        },
        "permuted": permuted,
        "applicable_share": share,
        "gates": hold_to_gates(
            positive_cells=positive,
            permuted=permuted,
            skill=comparison[ModelName.PREVALENCE].average_precision,
            slope=protocols[ProtocolName.FAR]["models"][ModelName.MODEL].calibration_slope,
            applicable_share=share,
            **config.gates.model_dump(exclude={"permutations"}),
        ),
    }
    plain: dict[str, Any] = to_jsonable_python(data)
    return plain


def _labelled(whole: CellTable) -> CellTable:
    table = whole.take(np.flatnonzero(whole.labelled))
    return CellTable(
        cells=table.cells.reset_index(drop=True),
        state=table.state,
        weight=table.weight,
        region=table.region,
        cell_ha=table.cell_ha,
    )


def _of(test: Test, protocol: ProtocolName) -> dict[ModelName, OutOfFold]:
    return {name: out for (known, name), out in test.scores.items() if known == protocol}


def _protocol(test: Test, protocol: Protocol) -> dict[str, Any]:
    models = {
        name: assess(
            out.score,
            test.table,
            protocol,
            block_m=test.block_m,
            ranks=name is not ModelName.PREVALENCE,
        )
        for name, out in _of(test, protocol.name).items()
    }
    return {
        "words": splitter_words(protocol.splitter, protocol.until),
        "folds": len(protocol.folds),
        "models": models,
    }


def _later(
    table: CellTable,
    days: np.ndarray[Any, np.dtype[np.float64]],
    config: Config,
    families: Mapping[str, Sequence[str]],
    block_m: float,
) -> dict[str, Any]:
    """Train up to a date and rank what came after it; calibration is not tested by one fold."""
    y = (table.state == 1).astype(np.int8)
    ((train, later),) = LeaveTimeOut(1).split(None, y, dates=days)
    blocks = assign_blocks(table.coordinates[later], block_m=block_m)
    models = {}
    for name, make in makers(table, config, families, block_m).items():
        part = table.take(train)
        fitted = fit_pipeline(make(part), part, drawing=drawing(config, block_m))
        score = fitted.predict_proba(table.cells.iloc[later])[:, 1]
        measured = block_bootstrap(y[later], score, blocks, cell_ha=table.cell_ha)
        models[name] = {known: list(measured[known]) for known in SCORED_LATER}
    cut = str(np.datetime64("1970-01-01") + int(np.nanmax(days[train])))
    words = f"trained on rows dated up to {cut}, tested on later ones"
    counts = {"trained": len(train), "tested": len(later), "positive": int(y[later].sum())}
    return {"words": words, "folds": 1, "rows": counts, "models": models}


def _applicable_share(test: Test, whole: CellTable) -> float:
    """Give the share of rows that the model can speak for.

    Of the unlabelled rows, the mean over the models that left one region out; without any, of
    each region by the model of the others.
    """
    far, fold = (
        test.protocols[ProtocolName.FAR],
        test.held.blocks.fold_of_row(len(test.table.state)),
    )
    unlabelled = whole.cells[whole.state < 0]
    shares, sizes = [], []
    for pipeline, (train, region) in zip(
        test.scores[ProtocolName.FAR, ModelName.MODEL].fitted, far.folds, strict=True
    ):
        cells = test.table.cells.iloc[region] if unlabelled.empty else unlabelled
        columns = pipeline.named_steps["columns"]
        known = columns.transform(test.table.cells.iloc[train])
        weights = pipeline.named_steps["classifier"].members_.importance()
        if not weights.any():
            continue
        importance = dict(zip(known.columns, weights, strict=True))
        area = Applicability.fit(known, importance, fold[train])
        inside = area.applicable(area.dissimilarity(columns.transform(cells), workers=1))
        shares.append(float(np.mean(inside)))
        sizes.append(len(cells))
    return float(np.average(shares, weights=sizes)) if shares else 0.0


def _drop_hectares(node: Any) -> None:
    """Leave out, at any depth, what is said in hectares."""
    if isinstance(node, dict):
        for name in [known for known in node if str(known).startswith("hectares_")]:
            del node[name]
    for item in node.values() if isinstance(node, dict) else node:
        if isinstance(item, (dict, list)):
            _drop_hectares(item)
