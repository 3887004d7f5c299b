"""The land that survey tasks are cut from: what is open, what is given, impact and effort."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import pandas as pd
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.spatial import cKDTree
from shapely.geometry.base import BaseGeometry

from minerisk.configs.schema import Config, RasterLayer, Tasks
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError
from minerisk.features.evidence.codes import EVIDENCE
from minerisk.features.grid import cell_centres, cells_inside, resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.models.tasks.rank_intervals import HAZARD
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.tasks import Criterion, Lack, Standing
from minerisk.pipelines.run.readers import open_labels

log = logging.getLogger(__name__)

WALLS = ("rivers", "roads", "railways")
NO_WALLS: Mapping[tuple[str, ...], Lack] = {
    ("rivers",): Lack.NO_RIVERS,
    ("roads",): Lack.NO_ROADS,
    ("rivers", "roads"): Lack.NO_RIVERS_OR_ROADS,
}
"""What is stated where these layers are not at hand."""
LAND_CLASS = {"suspicion": "SHA", "confirmed": "CHA"}
ARC = 32  # segments of a quarter circle: 0.03 % of the distance
STEEPEST = 5.0  # times the effort of level ground, at most
LEAST_DAY = 0.25  # of a working day is left for work, however far the task: teams then camp
CLOSED = [code for name, code in EVIDENCE.items() if name != "accident"]


@dataclass(frozen=True)
class TaskGround:
    """What tasks are made on, beside the model's rasters.

    Attributes
    ----------
    open_land
        Where a task may lie, bool ``(height, width)``.
    walls
        Cells of rivers and roads, which no task crosses.
    criteria, weights
        Impact: criterion to 0 to 1 ``(height, width)``, and to its weight.
    effort
        Team-days per hectare, travel included.
    base_m
        Metres to the nearest base in a straight line; none without bases.
    standing
        Registered areas, open tasks and accident buffers, with ``kind``,
        ``Land_Class`` (SHA, CHA), ``layer`` and ``row``.
    missing
        What could not be taken into account.
    """

    open_land: NDArray[np.bool_]
    walls: NDArray[np.bool_]
    criteria: dict[Criterion, NDArray[np.float64]]
    weights: dict[str, float]
    effort: NDArray[np.float64]
    base_m: NDArray[np.float32] | None
    standing: gpd.GeoDataFrame
    missing: tuple[Notice[Lack], ...]


class CriterionSource(NamedTuple):
    """What a criterion of impact is made of.

    Attributes
    ----------
    layers
        Their names; where there are several, the greatest value counts.
    weight
        Beside that of the hazard and of other criteria.
    reach_m
        Distance at which the impact has fallen to 0, metres; of vector layers.
    classes
        Codes that count; of raster layers.
    """

    layers: Sequence[str]
    weight: float
    reach_m: float
    classes: tuple[int, ...]


def task_ground(
    config: Config,
    asked: Tasks,
    layers: Layers,
    stores: tuple[xr.Dataset, xr.Dataset],
    geobox: GeoBox,
    *,
    area: gpd.GeoDataFrame | None = None,
) -> TaskGround:
    """Gather what tasks are made on.

    Parameters
    ----------
    config
        The study area.
    asked
        What is asked of the tasks: those of the configuration, or of one request.
    layers
        The layers of the run.
    stores
        Cube and labels of the run.
    geobox
        Their grid.
    area
        Polygons that tasks keep to; none is all land.
    """
    cube, labels = stores
    inside = cube["inside"].to_numpy().astype(bool)
    standing = standing_land(config, asked, layers, crs=str(geobox.crs))
    name = config.labels.surveyed
    surveyed = None if name is None else areas(layers.vector(name, crs=str(geobox.crs)), name=name)
    searched_too = asked.searched_land
    open_land = inside & ~_closed(labels, standing, surveyed, geobox, searched_land=searched_too)
    open_land &= filtered(asked, layers, geobox)
    if area is not None:
        open_land &= cells_inside(geobox, area)
    criteria, weights, missing = _impact(config, asked, layers, geobox)
    effort, base_m, more = _effort(asked, layers, cube, geobox)
    walls = np.zeros(inside.shape, dtype=bool)
    names = [name for name in WALLS if name in layers.names()]
    for name in names if asked.cut_by is None else asked.cut_by:
        walls |= burn_mask(geobox, layers.vector(name, crs=str(geobox.crs)), all_touched=True)
    if asked.cut_by is None:
        absent = tuple(name for name in WALLS[:2] if name not in names)
        more += [Notice[Lack](code=NO_WALLS[absent])] if absent else []
    lacks = (*missing, *more)
    return TaskGround(open_land, walls, criteria, weights, effort, base_m, standing, lacks)


def filtered(asked: Tasks, layers: Layers, geobox: GeoBox) -> NDArray[np.bool_]:
    """Mark the cells that the filters ask for: near layers, and in districts.

    Raises
    ------
    InputError
        If a layer, a column or a district is not known; the choices are named.
    """
    kept = np.ones(geobox.shape, dtype=bool)
    for name, metres in asked.near.items():
        frame = layers.vector(name, crs=str(geobox.crs))
        near = gpd.GeoDataFrame(geometry=[land_near(frame, metres)], crs=str(geobox.crs))
        kept &= cells_inside(geobox, near)
    for place, wanted in asked.districts.items():
        name, _, column = place.partition(".")
        frame = layers.vector(name, crs=str(geobox.crs))
        if column not in frame.columns or column == "geometry":
            known = sorted(set(map(str, frame.columns)) - {"geometry"})
            raise InputError(f"The layer {name} has no column {column!r}; it has {known}.")
        given = set(frame[column].dropna().astype(str))
        unknown = [district for district in wanted if district not in given]
        if unknown:
            raise InputError(f"No {place} is {unknown}; there are {sorted(given)}.")
        kept &= cells_inside(geobox, frame[frame[column].astype(str).isin(wanted)])
    return kept


def land_near(frame: gpd.GeoDataFrame, metres: float) -> BaseGeometry:
    """Return the land within `metres` of the places of a layer, in its CRS.

    Every filter by nearness goes by it: a cell is near if its centre lies in this land.
    """
    return frame.geometry.buffer(metres, quad_segs=ARC).union_all()


def standing_land(config: Config, asked: Tasks, layers: Layers, *, crs: str) -> gpd.GeoDataFrame:
    """Gather what is shown as it is given: registered areas, open tasks, land around accidents."""
    evidence = config.labels.positive
    registered = asked.registered
    if registered is None:
        registered = tuple(item.layer for item in evidence if item.evidence in LAND_CLASS)
    parts = [(Standing.REGISTERED, name, layers.vector(name, crs=crs)) for name in registered]
    if (name := asked.open_tasks) is not None:
        parts.append((Standing.OPEN_TASK, name, layers.vector(name, crs=crs)))
    for item in evidence:
        if item.evidence == "accident":
            frame = layers.vector(item.layer, crs=crs)
            frame["geometry"] = frame.geometry.buffer(asked.accident_buffer_m, quad_segs=8)
            parts.append((Standing.ACCIDENT, item.layer, frame))
    classes = {item.layer: LAND_CLASS.get(item.evidence, "") for item in evidence}
    frames = [
        gpd.GeoDataFrame(
            {
                "kind": str(kind),
                "Land_Class": classes.get(name, "") if kind == Standing.REGISTERED else "",
                "layer": name,
                "row": np.arange(1, len(frame) + 1),
            },
            geometry=frame.geometry.to_numpy(),
            crs=crs,
        )
        for kind, name, frame in parts
    ]
    columns: dict[str, list[str]] = {"kind": [], "Land_Class": [], "layer": [], "row": []}
    empty = gpd.GeoDataFrame(columns, geometry=[], crs=crs)
    return pd.concat(frames, ignore_index=True) if frames else empty


def _closed(
    labels: xr.Dataset,
    standing: gpd.GeoDataFrame,
    surveyed: gpd.GeoDataFrame | None,
    geobox: GeoBox,
    *,
    searched_land: bool,
) -> NDArray[np.bool_]:
    taken = standing[standing["kind"] != Standing.ACCIDENT]
    closed = burn_mask(geobox, taken, all_touched=False) if len(taken) else False
    if searched_land:
        return np.asarray(closed | np.zeros(geobox.shape, dtype=bool))
    known = np.isin(labels["evidence"].to_numpy(), CLOSED)
    if surveyed is not None:
        known |= burn_mask(geobox, surveyed, all_touched=False)
    return np.asarray(closed | (labels["state"].to_numpy() == 0) | known)


def _impact(
    config: Config, asked: Tasks, layers: Layers, geobox: GeoBox
) -> tuple[dict[Criterion, NDArray[np.float64]], dict[str, float], list[Notice[Lack]]]:
    wanted = criterion_sources(config, asked)
    criteria: dict[Criterion, NDArray[np.float64]] = {}
    weights = {str(HAZARD): asked.hazard_weight}
    for name, source in wanted.items():
        value = np.zeros(geobox.shape)
        for layer in source.layers:
            value = np.maximum(value, _criterion(config, layers, layer, geobox, source))
        criteria[name], weights[str(name)] = value, source.weight
    absent = [name for name in Criterion if asked.preset == "anama" and name not in criteria]
    lack = Lack.NO_CRITERION_LAYER
    missing = [Notice[Lack](code=lack, values={"criterion": str(name)}) for name in absent]
    return criteria, weights, missing


def criterion_sources(config: Config, asked: Tasks) -> dict[Criterion, CriterionSource]:
    """List what each criterion is made of: the preset's, then those asked for, in their order."""
    found: dict[Criterion, CriterionSource] = {}
    if asked.preset == "anama":
        accidents = [item.layer for item in config.labels.positive if item.evidence == "accident"]
        if accidents:
            found[Criterion.CASUALTIES] = CriterionSource(accidents, 1.0, 3_000.0, ())
        if "settlements" in config.layers:
            near = CriterionSource(["settlements"], 1.0, 3_000.0, ())
            found[Criterion.SOCIO_ECONOMIC] = near
        for feature in config.features:
            if feature.kind == "land_cover" and "cropland" in feature.groups:
                classes = feature.groups["cropland"]
                fields = CriterionSource([feature.layer], 1.0, 1.0, classes)
                found[Criterion.FOOD_SECURITY] = fields
    for name, item in asked.criteria.items():
        source = CriterionSource(item.layers, item.weight, item.reach_m, item.classes)
        found[Criterion(name)] = source
    return {name: found[name] for name in Criterion if name in found}


def _criterion(
    config: Config,
    layers: Layers,
    layer: str,
    geobox: GeoBox,
    source: CriterionSource,
) -> NDArray[np.float64]:
    if isinstance(config.layers.get(layer), RasterLayer):
        return np.isin(layers.raster(layer, geobox), source.classes).astype(np.float64)
    metres = _metres(geobox, layers.vector(layer, crs=str(geobox.crs)), source.reach_m)
    return np.asarray(1.0 - np.minimum(metres / source.reach_m, 1.0), dtype=np.float64)


def _effort(
    asked: Tasks, layers: Layers, cube: xr.Dataset, geobox: GeoBox
) -> tuple[NDArray[np.float64], NDArray[np.float32] | None, list[Notice[Lack]]]:
    """Compute team-days per hectare.

    Slope slows a team as it slows a walker (Tobler 1993, NCGIA technical report 93-1): by
    exp(3.5 tan slope), at most fivefold. Travel to the task and back comes off the working day.
    """
    missing: list[Notice[Lack]] = []
    slow = np.ones(geobox.shape)
    if "slope_deg" in cube:
        slope = np.radians(np.nan_to_num(cube["slope_deg"].to_numpy().astype(np.float64)))
        slow = np.minimum(np.exp(3.5 * np.tan(slope)), STEEPEST)
    else:
        missing.append(Notice[Lack](code=Lack.NO_SLOPE))
    effort = slow / asked.ha_per_team_day
    if asked.bases is None:
        return effort, None, [*missing, Notice[Lack](code=Lack.NO_BASES)]
    base_m = _to_nearest(geobox, layers.vector(asked.bases, crs=str(geobox.crs)))
    hours = 2 * asked.detour * base_m / 1_000 / asked.travel_kmh
    left = np.maximum(asked.hours_per_day - hours, LEAST_DAY * asked.hours_per_day)
    return effort * asked.hours_per_day / left, base_m, missing


def _metres(geobox: GeoBox, frame: gpd.GeoDataFrame, cap_m: float) -> NDArray[np.float32]:
    mask = burn_mask(geobox, frame, all_touched=True)
    return distance_to(mask, resolution_m=resolution(geobox), cap_m=cap_m)


def _to_nearest(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.float32]:
    """Compute the metres to the nearest place, which may lie outside the grid."""
    place = frame.geometry.representative_point()
    tree = cKDTree(np.column_stack([place.x, place.y]))
    easting, northing = cell_centres(geobox)
    centres = np.stack(np.meshgrid(easting, northing), axis=-1)
    return np.asarray(tree.query(centres)[0], dtype=np.float32)


def open_stores(folder: Path) -> tuple[xr.Dataset, xr.Dataset]:
    """Open cube and labels of a run."""
    return open_cube(RunFolder(folder).cube), open_labels(folder)
