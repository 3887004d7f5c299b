"""Survey results come back, are compared with the map, and become labels of the next run."""

import datetime as dt
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import geopandas as gpd
import pandas as pd

from minerisk.features.errors import CoverError, InputError
from minerisk.pipelines.evaluate.compare import compare_runs
from minerisk.pipelines.feedback.field_check import check_in_field, field_words
from minerisk.pipelines.feedback.store import (
    Delivery,
    add_delivery,
    intact,
    stored_results,
    write_features,
)
from minerisk.pipelines.feedback.survey_results import FIND, NO_FIND, read_results
from minerisk.pipelines.formats.csv_table import csv_text
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.delivery import DeliveryEntry
from minerisk.pipelines.run.derived import derive_config
from minerisk.pipelines.run.folder import RESULTS, Run
from minerisk.pipelines.steps import run_steps

FINDS, SEARCHES = "results_finds", "results_searches"


def deliver(run_dir: Path, source: Delivery, *, layer: str | None = None) -> DeliveryEntry:
    """Check survey results and add them to those of a run; nothing of the run is changed.

    Raises
    ------
    InputError
        If a result cannot be taken (then none is), or the file is on record already.
    CoverError
        If a result lies outside the study area.
    """
    run = Run.open(run_dir)
    results = read_results(
        source.path,
        crs=run.config.study_area.crs,
        today=now().date(),
        layer=layer,
        hours_per_ha=source.hours_per_ha,
    )
    _check_place(run, results, source.path.name)
    return add_delivery(run, results, source)


def show_feedback(run_dir: Path) -> dict[str, Any]:
    """Say what a run had said where its survey results lie.

    Returns
    -------
    dict
        ``deliveries``, what `field_check.check_in_field` gives, and ``words``.
    """
    run = Run.open(run_dir)
    log = intact(run.files)
    entries = log.entries
    results = stored_results(run.files, log, crs=run.config.study_area.crs)
    check = check_in_field(run, results)
    lines = ["SIMULATED findings: this says nothing about real land."] if run.simulated else []
    lines.append(
        f"{len(entries)} deliveries, {len(results)} results, the last of {entries[-1].at}. "
        f"They end in {entries[-1].sha256}."
    )
    return {
        "simulated": run.simulated,
        "deliveries": [entry.model_dump() for entry in entries],
        **check,
        "words": [*lines, *field_words(check)],
    }


def retrain(
    run_dir: Path,
    out: Path,
    *,
    by: str | None = None,
    difference: Path | None = None,
    said: Callable[[str], None],
) -> dict[str, Any]:
    """Make a new run whose labels include the survey results, and hold it against the old one.

    Finds are positive of their hazard class; land searched without a find is negative, believed by
    reliability and effort. The new run is a candidate: a draft until it is reviewed.

    Parameters
    ----------
    out
        Folder of the new run.
    difference
        Folder for ``rank_shift.tif`` and ``.png``, ``comparison.json`` and
        ``tasks_in_and_out.csv``; by default beside the new run.

    Raises
    ------
    InputError
        If there are no results, or a folder lies in the old run.
    """
    target = difference or out.with_name(f"{out.name}_difference")
    for folder in (out, target):
        check_outside(run_dir, folder)
    config = results_config(Run.open(run_dir))
    made = run_steps(config, out, by=by, said=said)
    found = compare_runs(run_dir, out, out=target)
    table = task_changes(run_dir, out, found["tasks"])
    write_whole(target / "tasks_in_and_out.csv", csv_text(table))
    words = [
        *(
            line
            for line in found["words"]
            if not line.startswith(("  layers.", "  labels", "Tasks "))
        ),
        *(f"Tasks {change}: {len(names)}." for change, names in found["tasks"].items()),
        f"New run, a draft until it is reviewed: {made.folder}",
        f"What moved: {target}/rank_shift.tif, rank_shift.png, tasks_in_and_out.csv",
    ]
    return {**found, "run": str(made.folder), "difference": str(target), "words": words}


def check_outside(run_dir: Path, folder: Path) -> None:
    """Refuse a folder in the run folder: what is on record there must stay as it is."""
    if folder.resolve().is_relative_to(run_dir.resolve()):
        raise InputError(f"{folder} lies in the run folder {run_dir}. Choose another --out.")


def results_config(run: Run) -> Path:
    """Write the configuration of the next run and the results it reads beside each other.

    They go into ``feedback/labels_<number of the last delivery>/``; results that this run was
    taught on itself are kept with them.
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
        lambda content: _add_results(content, results, home.results.name),
        words=f"labels with survey results of deliveries 1 to {last}, {home.results.name}",
    )


def task_changes(first: Path, second: Path, changes: Mapping[str, list[str]]) -> pd.DataFrame:
    """List the ranked tasks that are gone and those that are new, a row each."""
    rows = []
    for change, folder in (("out", first), ("in", second)):
        tasks = gpd.read_file(RunFolder(folder).tasks_gpkg, layer="tasks").set_index("task")
        middle = tasks.geometry.representative_point()
        for name in changes[change]:
            rows.append(
                {
                    "change": change,
                    "task": name,
                    "hectares": round(float(tasks.geometry[name].area) / 10_000, 2),
                    "easting": round(middle[name].x, 1),
                    "northing": round(middle[name].y, 1),
                }
            )
    return pd.DataFrame(rows, columns=["change", "task", "hectares", "easting", "northing"])


def _check_place(run: Run, results: gpd.GeoDataFrame, name: str) -> None:
    boundary = run.layers().vector(run.config.study_area.boundary, crs=run.config.study_area.crs)
    inside = results.geometry.intersects(boundary.geometry.union_all()).to_numpy()
    if not inside.all():
        rows = [str(row + 1) for row in range(len(results)) if not inside[row]]
        more = f" and {len(rows) - 10} more" if len(rows) > 10 else ""
        raise CoverError(
            f"{name} was not taken, nothing was added: row {', '.join(rows[:10])}{more} lies "
            f"outside the study area {run.config.study_area.name}. Check the CRS of the file, or "
            "leave the row out."
        )


def _with_earlier(run: Run, results: gpd.GeoDataFrame) -> gpd.GeoDataFrame:
    """Add the results that the run itself was taught on."""
    crs, layers = run.config.study_area.crs, run.layers()
    earlier = [layers.vector(name, crs=crs) for name in (FINDS, SEARCHES) if name in layers.names()]
    if not earlier:
        return results
    return gpd.GeoDataFrame(pd.concat([*earlier, results], ignore_index=True), crs=results.crs)


def _add_results(content: dict[str, Any], results: gpd.GeoDataFrame, file: str) -> None:
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
    as_of = content["study_area"].get("as_of")
    if as_of is not None:
        latest = dt.date.fromisoformat(str(results["date"].max()))
        content["study_area"]["as_of"] = max(dt.date.fromisoformat(str(as_of)), latest)
