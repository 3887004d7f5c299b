"""Answers to a request: its rasters and its tasks."""

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd

from minerisk.pipelines.predict.hazard_rasters import predict_classes
from minerisk.pipelines.predict.predict import predict
from minerisk.pipelines.provenance.files import sha256_path, write_json
from minerisk.pipelines.provenance.manifest import locked, read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.request.filters import (
    Filters,
    _other_day,
    check_filters,
    request_area,
    task_settings,
)
from minerisk.pipelines.run.derived import derive_config
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY
from minerisk.pipelines.run.progress import Progress, progress
from minerisk.pipelines.run.workers import ALONE, Workers
from minerisk.pipelines.steps import run_steps


def predict_request(
    run_dir: Path,
    filters: Filters,
    *,
    out: Path | None = None,
    said: Callable[[str], None],
    workers: Workers = ALONE,
) -> Sequence[Path]:
    """Write rasters of the land that a request is about, into ``requests/<name>/`` or `out`.

    Where no class is asked for they are those of any hazard, and those of each class that has a
    model in a folder of its name.

    As of another day than the run's, a run of its own is made first, taught on what was known that
    day, in ``requests/<name>/run/``: a map of the past cannot be cut from a map of today.

    Raises
    ------
    InputError
        If a layer, district, hazard class or day is not known; the choices are named.
    CoverError
        If no cell of the study area is left, or the polygons reach outside it.
    """
    run, target, area = open_request(run_dir, filters, out=out, said=said, workers=workers)
    if area is None:
        area = request_area(run, filters)
    with locked(target), progress("Risk rasters") as bar:
        one = partial(_predict_one, run, area, target, bar)
        if filters.hazard is None:
            paths, facts = predict_classes(run.folder, target, one)
        else:
            paths, facts = one(None if filters.hazard == ANY else filters.hazard)
    return [*paths, _write_request(run, filters, target, facts)]


def _predict_one(
    run: Run, area: gpd.GeoDataFrame, folder: Path, bar: Progress, hazard: str | None
) -> tuple[Sequence[Path], dict[str, Any]]:
    return predict(run, progress=bar, area=area, folder=folder, hazard=hazard)


def prioritize_request(
    run_dir: Path, filters: Filters, *, out: Path | None = None, said: Callable[[str], None]
) -> Sequence[Path]:
    """Write survey tasks on the land that a request is about, into ``requests/<name>/`` or `out`.

    The tasks are made anew for that land, with the budget of the configuration.

    Raises
    ------
    InputError
        As `predict_request`, and if no task fits the land.
    """
    from minerisk.pipelines.prioritize.prioritize import write_tasks

    run, target, _ = open_request(run_dir, filters, out=out, said=said)
    known = run.config.tasks
    settings = task_settings(run, filters)
    both = {name: {**getattr(known, name), **settings[name]} for name in ("near", "districts")}
    target.mkdir(parents=True, exist_ok=True)
    paths, _ = write_tasks(run, folder=target, asked=known.model_copy(update=settings | both))
    return paths


def open_request(
    run_dir: Path,
    filters: Filters,
    *,
    out: Path | None = None,
    said: Callable[[str], None],
    workers: Workers = ALONE,
) -> tuple[Run, Path, gpd.GeoDataFrame | None]:
    """Check the filters of a request; give the run that answers it and the folder for it.

    With them comes the land (see `request_area`) where it is that of the run asked and limited.
    """
    run = replace(Run.open(run_dir), workers=workers)
    check_filters(run, filters)
    # Refused before anything is made for it.
    area = request_area(run, filters) if filters.limits_land else None
    target = out or RunFolder(run_dir).requests / filters.name
    if not _other_day(run, filters):
        return run, target, area
    day = dt.date.fromisoformat(str(filters.as_of))
    config = derive_config(
        run,
        target / "config.yaml",
        lambda content: content["study_area"].update(as_of=day),
        words=f"as of {day}",
    )
    said(f"Taught anew on what was known on {day}:")
    made = run_steps(config, target / "run", last="predict", said=said, workers=workers)
    return replace(made, workers=workers), target, None


def _write_request(run: Run, filters: Filters, target: Path, facts: Mapping[str, Any]) -> Path:
    asked = asdict(filters) | {"aoi": None if filters.aoi is None else filters.aoi.name}
    cell_ha = run.config.study_area.resolution_m**2 / 10_000
    aoi = None if filters.aoi is None else sha256_path(filters.aoi)
    return write_json(
        target / "request.json",
        {
            "asked": asked,
            "aoi_sha256": aoi,
            "run_head": read_manifest(run.folder).get("head"),
            "cells": facts["cells"],
            "hectares": facts["cells"] * cell_ha,
            "hazards": facts.get("hazards", {}),
            "simulated": run.simulated,
        },
    )
