"""The filters of a request: whether they are known, and which land passes them."""

import datetime as dt
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from minerisk.configs.schema import Criterion, Tasks, VectorLayer
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import CoverError, InputError
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import areas
from minerisk.pipelines.predict.window import area_window
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.named import check_known, check_named
from minerisk.pipelines.run.folder import Run

if TYPE_CHECKING:
    from minerisk.pipelines.prioritize.land import CriterionSource

HAZARD_WEIGHT, MOST_WEIGHT = "hazard", 100
"""The weight of the hazard itself among those of criteria, and the greatest of all."""


def check_filters(run: Run, filters: Filters) -> None:
    """Refuse a layer, distance, district, hazard class, budget, criterion or day that is not known.

    Raises
    ------
    InputError
        With the choices there are.
    """
    check_named(run.folder, run.config, filters)
    for name in filters.near:
        check_known("layer", name, _vector_layers(run))
    if filters.districts:
        _district_polygons(run, filters.districts)
    if filters.weights:
        _check_weights(run, filters.weights)
    if filters.as_of is not None:
        _check_day(run, filters, filters.as_of)


def request_area(run: Run, filters: Filters) -> gpd.GeoDataFrame:
    """Return the land that a request is about, in the CRS of the run.

    A cell is in it if its centre is. Polygons alone are returned as they are given: whoever takes
    their cells checks that the study area holds them.

    Raises
    ------
    InputError
        If the file given cannot be used, or holds points or lines.
    CoverError
        If nothing is left, or the polygons given reach outside the study area.
    """
    crs = run.config.study_area.crs
    given = {}
    if filters.aoi is not None:
        polygons = _polygons_of(run, filters.aoi, filters.layer)
        if not (filters.near or filters.districts):  # needs no layer of the run
            return polygons
        # Refuses what reaches outside.
        area_window(open_cube(run.files.cube), polygons, clip=filters.clip)
        given[f"in {filters.aoi.name}"] = polygons.geometry.union_all()
    from minerisk.pipelines.prioritize.land import land_near

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


def criteria_of(run: Run) -> dict[str, float]:
    """Map the hazard and each criterion of impact that layers allow to its weight.

    A criterion that the configuration does not count has 0.
    """
    counted = {name: source.weight for name, source in _sources(run, run.config.tasks).items()}
    known = dict.fromkeys(_sources(run, _anama(run.config.tasks)), 0.0)
    return {HAZARD_WEIGHT: run.config.tasks.hazard_weight, **known, **counted}


def own_tasks(run: Run, filters: Filters) -> Tasks:
    """Return what the configuration asks of tasks, changed by the filters of a request."""
    tasks, named = run.config.tasks, run.config.study_area.districts
    near, districts = dict(tasks.near), dict(tasks.districts)
    if filters.within_m is not None:
        near |= dict.fromkeys(filters.near, filters.within_m)
    if filters.districts and named is not None:
        districts[f"{named.layer}.{named.name_column}"] = filters.districts
    hazard = filters.hazard or tasks.hazard
    return tasks.model_copy(
        update={
            "near": near,
            "districts": districts,
            "hazard": hazard,
            "budget_ha": filters.budget_ha or tasks.budget_ha,
            "hazard_weight": filters.weights.get(HAZARD_WEIGHT, tasks.hazard_weight),
            "criteria": dict(tasks.criteria) | _weighed(run, filters.weights),
        }
    )


def _weighed(run: Run, weights: Mapping[str, float]) -> dict[str, Criterion]:
    """Return criteria with the weights of a request, made of what they are made of anyway."""
    if not weights:
        return {}
    sources = _sources(run, _anama(run.config.tasks))
    return {
        name: Criterion(
            layer=tuple(sources[name].layers),
            weight=weight,
            reach_m=sources[name].reach_m,
            classes=sources[name].classes,
        )
        for name, weight in weights.items()
        if name != HAZARD_WEIGHT
    }


def _sources(run: Run, tasks: Tasks) -> dict[str, "CriterionSource"]:
    """List what criteria are made of, where their layers are at hand."""
    from minerisk.pipelines.prioritize.land import criterion_sources

    present = set(run.layers().names())
    found = criterion_sources(run.config, tasks)
    return {str(name): source for name, source in found.items() if present >= set(source.layers)}


def _anama(tasks: Tasks) -> Tasks:
    return tasks.model_copy(update={"preset": "anama"})


def _check_weights(run: Run, weights: Mapping[str, float]) -> None:
    known = criteria_of(run)
    for name, weight in weights.items():
        check_known("criterion", name, list(known))
        if not 0 <= weight <= MOST_WEIGHT:
            raise InputError(f"--weight {name} is {weight:g}; expected 0 to {MOST_WEIGHT}.")
    if not any({**known, **weights}.values()):
        raise InputError("Every weight is 0, so that no land matters more than other. Raise one.")


def _vector_layers(run: Run) -> list[str]:
    present = run.layers().names()
    layers = run.config.layers
    return sorted(name for name in present if isinstance(layers.get(name), VectorLayer))


def _district_polygons(run: Run, names: Sequence[str]) -> gpd.GeoDataFrame:
    asked = run.config.study_area.districts
    if asked is None:
        raise InputError(
            "The configuration names no layer of districts (study_area.districts: its layer and "
            "name_column; the regions of the folds are something else). Ask with --near, --aoi or "
            "--hazard."
        )
    frame = run.layers().vector(asked.layer, crs=run.config.study_area.crs)
    columns = [str(name) for name in frame.columns if name != frame.geometry.name]
    if asked.name_column not in columns:
        raise InputError(
            f"study_area.districts.name_column is {asked.name_column!r}; expected a column of "
            f"{asked.layer}: {', '.join(columns)}."
        )
    column = frame[asked.name_column].astype(str)
    for name in names:
        check_known("district", name, sorted(set(column)))
    return frame[column.isin(names)]


def _polygons_of(run: Run, path: Path, layer: str | None) -> gpd.GeoDataFrame:
    source, crs = VectorSource(path.resolve(), layer=layer), run.config.study_area.crs
    frame = Layers({"aoi": source}, source.path.parent).vector("aoi", crs=crs)
    frame = areas(frame, name=path.name)
    return gpd.GeoDataFrame(geometry=[frame.geometry.union_all()], crs=crs)


def _check_day(run: Run, filters: Filters, day: dt.date) -> None:
    if not is_other_day(run, filters):
        return
    labels, layers = run.config.labels, run.config.layers
    named = [item.layer for item in (*labels.positive,)]
    named += [item.layer for item in labels.searches]
    named += [labels.surveyed] if labels.surveyed is not None else []
    vectors = {name: layer for name, layer in layers.items() if isinstance(layer, VectorLayer)}
    undated = [name for name in named if name in vectors and vectors[name].date_column is None]
    if undated:
        raise InputError(
            f"The layers {', '.join(undated)} have no date_column, so the evidence up to {day} "
            "cannot be selected. Leave --as-of out, or add the dates."
        )


def is_other_day(run: Run, filters: Filters) -> bool:
    """Tell whether a request asks for another day than the run's."""
    return filters.as_of is not None and filters.as_of != run.config.study_area.as_of
