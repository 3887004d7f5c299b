"""Filters of a request: near layers, in districts, of a hazard class, as of a date."""

import datetime as dt
import difflib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from configs.schema import VectorLayer
from features.cube_store import open_cube
from features.errors import CoverError, InputError
from features.sources import Layers, VectorSource
from pipelines.console import Progress, progress
from pipelines.context import Run
from pipelines.derived_run import derive_config
from pipelines.hazards import ANY, predict_classes, trained_hazards
from pipelines.manifest import locked, read_manifest, sha256_path, write_json
from pipelines.predict import area_window, predict
from pipelines.run import run_steps
from pipelines.workers import ALONE, Workers

SHOWN = 60


@dataclass(frozen=True)
class Filters:
    """What a request is about; every filter that is given must hold.

    Attributes
    ----------
    near
        Vector layers of the configuration.
    within_m
        Greatest distance to each of them, metres.
    districts
        Names in the layer of ``study_area.regions``; any of them.
    hazard
        Hazard class; none is any hazard, and beside it every class that has a model.
    as_of
        Day (YYYY-MM-DD) of the evidence; none is that of the run.
    aoi, layer
        File of polygons, and the layer of it.
    """

    near: tuple[str, ...] = ()
    within_m: float | None = None
    districts: tuple[str, ...] = ()
    hazard: str | None = None
    as_of: str | None = None
    aoi: Path | None = None
    layer: str | None = None

    def __bool__(self) -> bool:
        """Tell whether any filter is given."""
        return self != Filters()

    @property
    def limits_land(self) -> bool:
        """Tell whether only part of the study area is asked for."""
        return bool(self.near or self.districts) or self.aoi is not None

    @property
    def name(self) -> str:
        """Name of the request's folder."""
        parts = [self.aoi.stem] if self.aoi is not None else []
        parts += [f"near_{name}_{self.within_m:g}m" for name in self.near]
        parts += [f"district_{name}" for name in self.districts]
        parts += [f"hazard_{self.hazard}"] if self.hazard is not None else []
        parts += [f"as_of_{self.as_of}"] if self.as_of is not None else []
        return re.sub(r"[^\w.-]+", "_", "__".join(parts))[:120]


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
    from pipelines.prioritize import write_tasks

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
    target = out or run_dir / "requests" / filters.name
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


def check_filters(run: Run, filters: Filters) -> None:
    """Refuse a layer, distance, district, hazard class or day that is not known.

    Raises
    ------
    InputError
        With the choices there are.
    """
    if bool(filters.near) != (filters.within_m is not None):
        raise InputError(
            "--near and --within go together: a layer, and metres, such as --near "
            f"{_vector_layers(run)[0]} --within 500."
        )
    if filters.within_m is not None and not 0 < filters.within_m <= 1_000_000:
        raise InputError(f"--within is {filters.within_m:g}; expected metres above 0.")
    for name in filters.near:
        _known("layer", name, _vector_layers(run))
    if filters.districts:
        _district_polygons(run, filters.districts)
    if filters.hazard is not None:
        _known("hazard class", filters.hazard, [ANY, *trained_hazards(run.folder)])
    if filters.as_of is not None:
        _check_day(run, filters.as_of)


def request_area(run: Run, filters: Filters) -> gpd.GeoDataFrame:
    """Give the land that a request is about, within the study area.

    A cell is in it if its centre is.

    Raises
    ------
    CoverError
        If nothing is left, or the polygons given reach outside the study area.
    """
    crs = run.config.study_area.crs
    given = {}
    if filters.aoi is not None:
        given[f"in {filters.aoi.name}"] = _polygons_of(run, filters.aoi, filters.layer)
    if given and not (filters.near or filters.districts):  # needs no layer of the run
        return gpd.GeoDataFrame(geometry=list(given.values()), crs=crs)
    from pipelines.task_land import land_near

    layers, parts = run.layers(), dict[str, BaseGeometry]()
    for name in filters.near:
        parts[f"within {filters.within_m:g} m of {name}"] = land_near(
            layers.vector(name, crs=crs), float(filters.within_m or 0)
        )
    if filters.districts:
        parts[f"in {', '.join(filters.districts)}"] = _district_polygons(
            run, filters.districts
        ).geometry.union_all()
    parts |= given
    area = layers.vector(run.config.study_area.boundary, crs=crs).geometry.union_all()
    for part in parts.values():
        area = area.intersection(part)
    if area.is_empty or area.area == 0:
        raise CoverError(
            f"No land of the study area {run.config.study_area.name} is {' and '.join(parts)}. "
            "Ask for a greater distance or for other land."
        )
    return gpd.GeoDataFrame(geometry=[area], crs=crs)


def task_settings(run: Run, filters: Filters) -> dict[str, Any]:
    """Give the filters as settings of `configs.schema.Tasks`."""
    settings: dict[str, Any] = {"near": {}, "districts": {}}
    if filters.hazard is not None:
        settings["hazard"] = filters.hazard
    if filters.within_m is not None:
        settings["near"] = dict.fromkeys(filters.near, filters.within_m)
    if filters.districts:
        regions = run.config.study_area.regions
        settings["districts"] = {f"{regions.layer}.{regions.name_column}": filters.districts}
    return settings


def _vector_layers(run: Run) -> list[str]:
    present = run.layers().names()
    layers = run.config.layers
    return sorted(name for name in present if isinstance(layers.get(name), VectorLayer))


def _known(what: str, given: str, choices: Sequence[str]) -> None:
    if given in choices:
        return
    close = difflib.get_close_matches(given, choices, n=1)
    hint = f" Did you mean {close[0]!r}?" if close else ""
    more = f" and {len(choices) - SHOWN} more" if len(choices) > SHOWN else ""
    raise InputError(
        f"No {what} is named {given!r}.{hint} There are: {', '.join(choices[:SHOWN])}{more}."
    )


def _district_polygons(run: Run, names: Sequence[str]) -> gpd.GeoDataFrame:
    regions = run.config.study_area.regions
    if regions.layer is None:
        raise InputError(
            "The configuration names no layer of districts (study_area.regions.layer); it cannot "
            "be asked by district. Ask with --near, --aoi or --hazard."
        )
    frame = run.layers().vector(regions.layer, crs=run.config.study_area.crs)
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    if regions.name_column not in columns:
        came = "is not given" if regions.name_column is None else f"is {regions.name_column!r}"
        raise InputError(
            f"study_area.regions.name_column {came}; expected a column of {regions.layer}: "
            f"{', '.join(columns)}."
        )
    column = frame[regions.name_column].astype(str)
    for name in names:
        _known("district", name, sorted(set(column)))
    return frame[column.isin(names)]


def _polygons_of(run: Run, path: Path, layer: str | None) -> BaseGeometry:
    source = VectorSource(path.resolve(), layer=layer)
    layers = Layers({"aoi": source}, source.path.parent)
    area = layers.vector("aoi", crs=run.config.study_area.crs)
    area_window(open_cube(run.folder / "cube.zarr"), area)  # refuses what reaches outside
    return area.geometry.union_all()


def _check_day(run: Run, text: str) -> None:
    from pipelines.review import now

    try:
        day = dt.date.fromisoformat(text)
    except ValueError as error:
        raise InputError(f"--as-of is {text!r}; expected a day as YYYY-MM-DD.") from error
    if day > now().date():
        raise InputError(f"--as-of is {day}, a day to come; expected one up to {now().date()}.")
    if not _other_day(run, Filters(as_of=text)):
        return
    labels, layers = run.config.labels, run.config.layers
    named = [item.layer for item in (*labels.positive,)]
    named += [item.layer for item in labels.searches]
    named += [labels.surveyed] if labels.surveyed is not None else []
    undated = [name for name in named if getattr(layers[name], "date_column", None) is None]
    if undated:
        raise InputError(
            f"The layers {', '.join(undated)} have no date_column, so what was known on {day} "
            "cannot be told. Leave --as-of out, or add the dates."
        )


def _other_day(run: Run, filters: Filters) -> bool:
    if filters.as_of is None:
        return False
    return dt.date.fromisoformat(filters.as_of) != run.config.study_area.as_of


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
