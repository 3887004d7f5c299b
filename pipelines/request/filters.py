"""Filters of a request: near layers, in districts, of a hazard class, as of a date."""

import datetime as dt
import difflib
import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import geopandas as gpd
from shapely.geometry.base import BaseGeometry

from minerisk.configs.schema import VectorLayer
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import CoverError, InputError
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.pipelines.predict.window import area_window
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.hazards import ANY, trained_hazards

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


def task_settings(run: Run, filters: Filters) -> dict[str, Any]:
    """Give the filters as settings of `minerisk.configs.schema.Tasks`."""
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
    area_window(open_cube(run.files.cube), area)  # refuses what reaches outside
    return area.geometry.union_all()


def _check_day(run: Run, text: str) -> None:
    from minerisk.pipelines.provenance.clock import now

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
