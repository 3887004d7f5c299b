"""Survey results come back, are compared with the map, and become labels of the next run."""

import datetime as dt
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray

from minerisk.features.errors import CoverError, InputError
from minerisk.features.grid import M2_PER_HA
from minerisk.features.layers.vectors import read_frame
from minerisk.features.vector_files.dates import iso_day
from minerisk.pipelines.evaluate.comparison_lines import made_of_lines, map_lines, score_lines
from minerisk.pipelines.feedback.field_check import check_in_field, field_lines
from minerisk.pipelines.feedback.form_rows import is_form_table
from minerisk.pipelines.feedback.store import (
    Delivery,
    add_delivery,
    intact,
    stored_results,
    write_features,
)
from minerisk.pipelines.feedback.survey_results import (
    FIND,
    NO_FIND,
    CheckedResults,
    check_results,
    read_results,
)
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.records.comparison import Comparison, TaskMoves
from minerisk.pipelines.records.feedback import DeliveryEntry, Feedback, ResultCode, RowProblem
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.run.derived import derive_config
from minerisk.pipelines.run.folder import RESULTS, Run, marks_of, refuse_unverified
from minerisk.pipelines.steps import run_steps

FINDS, SEARCHES = "results_finds", "results_searches"


def deliver(run: Run, source: Delivery, *, layer: str | None = None) -> DeliveryEntry:
    """Check survey results and add them to those of a run; nothing of the run is changed.

    Raises
    ------
    InputError
        If a result cannot be taken (then none is), or the file is on record already.
    CoverError
        If a result lies outside the study area.
    """
    results = read_results(
        source.path,
        crs=run.config.study_area.crs,
        today=now().date(),
        layer=layer,
        hours_per_ha=source.hours_per_ha,
        export=source.export,
        tasks=outlines_of(run, source),
    )
    _check_place(run, results, source.path.name)
    return add_delivery(run, results, source)


def check_delivery(run: Run, source: Delivery) -> CheckedResults:
    """Tell of each row of survey results what is wrong with it; nothing is added.

    Raises
    ------
    InputError
        If the file cannot be read, or has not the columns of a delivery.
    """
    found = check_results(
        source.path,
        crs=run.config.study_area.crs,
        today=now().date(),
        hours_per_ha=source.hours_per_ha,
        export=source.export,
        tasks=outlines_of(run, source),
    )
    shapes = found.frame.geometry
    outside = ~(_inside(run, found.frame) | shapes.isna() | shapes.is_empty)
    beyond = [
        RowProblem(row=place + 1, why=Notice(code=ResultCode.OUTSIDE))
        for place in map(int, np.flatnonzero(outside))
    ]
    problems = sorted([*found.problems, *beyond], key=lambda each: each.row)
    return CheckedResults(found.frame, tuple(problems))


def outlines_of(run: Run, source: Delivery) -> gpd.GeoDataFrame | None:
    """Read the outlines of the tasks that rows of a form may name, in the CRS of the study area."""
    path = source.tasks or run.files.tasks_gpkg
    if not is_form_table(source.path) or not path.is_file():
        return None
    return read_frame(path, layer="tasks").to_crs(run.config.study_area.crs)


def show_feedback(run: Run) -> Feedback:
    """Compare what a run predicted with its survey results."""
    log = intact(run.files)
    results = stored_results(run.files, log, crs=run.config.study_area.crs)
    return Feedback(
        schema_version=Feedback.version,
        simulated=run.simulated,
        deliveries=log.entries,
        check=check_in_field(run, results),
    )


def feedback_lines(found: Feedback) -> Iterator[str]:
    """Word the deliveries, then the check in the field."""
    if found.simulated:
        yield "SIMULATED findings: this says nothing about real land."
    last, results = found.deliveries[-1], sum(entry.records for entry in found.deliveries)
    yield (
        f"Deliveries: {len(found.deliveries)}, with {results} results, the last of {last.at}. "
        f"They end in {last.sha256}."
    )
    yield from field_lines(found.check)


class Retrained(NamedTuple):
    """A run that learned from survey results, and how it compares with the one before."""

    run: Run
    difference: Path
    comparison: Comparison


def retrain(
    run: Run,
    out: Path,
    *,
    by: str | None = None,
    key: Path | None = None,
    difference: Path | None = None,
    said: Callable[[str], None],
) -> Retrained:
    """Make a new run whose labels include the survey results, and compare it with the old one.

    Finds are positive of their hazard class; land searched without a find is negative, weighted by
    reliability and effort. The new run is a candidate: a draft until it is reviewed.

    Parameters
    ----------
    out
        Folder of the new run.
    by, key
        As in `minerisk.pipelines.steps.run_steps`.
    difference
        Folder for ``rank_shift.tif`` and ``.png``, ``comparison.json`` and
        ``tasks_gone_and_new.csv``; by default beside the new run.

    Raises
    ------
    InputError
        If there are no results, or a folder lies in the old run.
    FindingError
        If the old run does not verify.
    """
    target = difference or out.with_name(f"{out.name}_difference")
    for folder in (out, target):
        check_outside(run, folder)
    refuse_unverified(run.folder, run.standing(), "No run was made from it")
    made = run_steps(results_config(run), out, by=by, key=key, said=said)
    return Retrained(made, target, write_difference(run, made, target))


def write_difference(run: Run, made: Run, out: Path) -> Comparison:
    """Compare a run with the one made anew from it, and write what moved."""
    from minerisk.pipelines.evaluate.compare import compare_runs

    found = compare_runs(run, made, out=out)
    table = task_changes(run, made, found.tasks).assign(**marks_of(run, made).columns)
    write_whole(out / "tasks_gone_and_new.csv", csv_text(table))
    return found


def retrain_lines(made: Retrained) -> Iterator[str]:
    """Word a retrained run; that its layers and labels differ goes without saying."""
    found = made.comparison
    expected = {"layers", "labels"}
    settings = [change for change in found.settings if change.name.split(".")[0] not in expected]
    yield from made_of_lines(found, settings)
    yield from score_lines(found.scores)
    yield from map_lines(found)
    yield f"Tasks gone: {len(found.tasks.gone)}. Tasks new: {len(found.tasks.new)}."
    yield f"New run, a draft until it is reviewed: {made.run.folder}"
    yield f"What moved: {made.difference}/rank_shift.tif, rank_shift.png, tasks_gone_and_new.csv"


def check_outside(run: Run, folder: Path) -> None:
    """Stop before anything is made if a folder for it lies in the old run.

    Raises
    ------
    InputError
        If it does.
    """
    if folder.resolve().is_relative_to(run.folder.resolve()):
        raise InputError(f"{folder} lies in the run folder {run.folder}. Choose another --out.")


def results_config(run: Run) -> Path:
    """Write the configuration of the next run and the results it reads beside each other.

    They go into ``feedback/labels_<number of the last delivery>/``; results that this run was
    trained on itself are kept with them.
    """
    crs = run.config.study_area.crs
    results = stored_results(run.files, intact(run.files), crs=crs)
    last = int(results["delivery"].max())
    results = _with_earlier(run, results)
    home = run.files.retraining(last)
    if not home.results.is_file():
        write_features(home.results, results)
    return derive_config(
        run,
        home.config,
        lambda content: _add_results(
            content, results, home.results.name, as_of=run.config.study_area.as_of
        ),
        words=f"labels with survey results of deliveries 1 to {last}, {home.results.name}",
    )


def task_changes(one: Run, two: Run, moves: TaskMoves) -> pd.DataFrame:
    """List the ranked tasks that are gone and those that are new, a row each."""
    rows = []
    for change, run, moved in (("gone", one, moves.gone), ("new", two, moves.new)):
        tasks = read_frame(run.files.tasks_gpkg, layer="tasks").set_index("task")
        middle = tasks.geometry.representative_point()
        for task in moved:
            rows.append(
                {
                    "change": change,
                    "task": task.task,
                    "hectares": round(float(tasks.geometry[task.task].area) / M2_PER_HA, 2),
                    "easting": round(middle[task.task].x, 1),
                    "northing": round(middle[task.task].y, 1),
                }
            )
    return pd.DataFrame(rows, columns=["change", "task", "hectares", "easting", "northing"])


def _inside(run: Run, results: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the results that touch the study area."""
    boundary = run.layers().vector(run.config.study_area.boundary, crs=run.config.study_area.crs)
    inside: NDArray[np.bool_] = results.intersects(boundary.geometry.union_all()).to_numpy(bool)
    return inside


def _check_place(run: Run, results: gpd.GeoDataFrame, name: str) -> None:
    inside = _inside(run, results)
    if not inside.all():
        rows = [str(row + 1) for row in range(len(results)) if not inside[row]]
        more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
        raise CoverError(
            f"{name} was not taken, nothing was added: row {', '.join(rows[:10])}{more} lies "
            f"outside the study area {run.config.study_area.name}. Check the CRS of the file, or "
            "leave the row out."
        )


def _with_earlier(run: Run, results: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the results that the run itself was trained on."""
    crs, layers = run.config.study_area.crs, run.layers()
    earlier = [layers.vector(name, crs=crs) for name in (FINDS, SEARCHES) if name in layers.names()]
    if not earlier:
        return results
    return gpd.GeoDataFrame(pd.concat([*earlier, results], ignore_index=True), crs=results.crs)


def _add_results(
    content: dict[str, Any], results: gpd.GeoDataFrame, file: str, *, as_of: dt.date | None
) -> None:
    labels = content["labels"]
    evidence = {"evidence": "find", "weight": 1.0, "hazard_column": "hazard", "cells": "touch"}
    search: dict[str, Any] = {"weight": 1.0}
    parts = ((FINDS, FIND, "positive", evidence), (SEARCHES, NO_FIND, "searches", search))
    for name, outcome, kind, settings in parts:
        if not (results["outcome"] == outcome).any():
            continue
        content["layers"][name] = {
            "kind": "vector",
            "path": f"{RESULTS}{file}",
            "keep": {"outcome": [outcome]},
            "date_column": "date",
            "source": "survey results delivered to `minerisk feedback add`",
        }
        kept = [item for item in labels.get(kind) or [] if item["layer"] != name]
        labels[kind] = [*kept, {"layer": name, **settings, "weight_column": "weight"}]
    latest = iso_day(str(results["date"].max()))
    if as_of is not None and latest is not None:
        content["study_area"]["as_of"] = max(as_of, latest)
