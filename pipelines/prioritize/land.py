"""The land that survey tasks are cut from: what is open, what stands, impact and effort."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

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
from minerisk.features.evidence.labels import EVIDENCE
from minerisk.features.grid import cell_centres, cells_inside, resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.run.readers import open_labels

log = logging.getLogger(__name__)

CRITERIA: Mapping[str, str] = {
    "casualties": "threat to life and casualty rate",
    "socio_economic": "socio-economic need",
    "resettlement": "resettlement of displaced people",
    "reconstruction": "funded and ready reconstruction",
    "food_security": "food security by land type",
    "other": "other",
}
"""ANAMA's six criteria, and their words."""

WALLS = ("rivers", "roads", "railways")
LAND_CLASS = {"suspicion": "SHA", "confirmed": "CHA"}
ARC = 32  # segments of a quarter circle: 0.03 % of the distance
STEEPEST = 5.0  # times the effort of level ground, at most
LEAST_DAY = 0.25  # of a working day is left for work, however far the task: teams then camp
CLOSED = [code for name, code in EVIDENCE.items() if name != "accident"]


@dataclass(frozen=True)
class Ground:
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
        What could not be taken into account, in words.
    """

    open_land: NDArray[np.bool_]
    walls: NDArray[np.bool_]
    criteria: dict[str, NDArray[np.float64]]
    weights: dict[str, float]
    effort: NDArray[np.float64]
    base_m: NDArray[np.float32] | None
    standing: gpd.GeoDataFrame
    missing: list[str]


def task_ground(
    config: Config,
    asked: Tasks,
    layers: Layers,
    stores: tuple[xr.Dataset, xr.Dataset],
    geobox: GeoBox,
) -> Ground:
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
    """
    cube, labels = stores
    inside = cube["inside"].to_numpy().astype(bool)
    standing = standing_land(config, asked, layers, crs=str(geobox.crs))
    name = config.labels.surveyed
    surveyed = None if name is None else layers.vector(name, crs=str(geobox.crs))
    searched_too = asked.searched_land
    open_land = inside & ~_closed(labels, standing, surveyed, geobox, searched_land=searched_too)
    open_land &= filtered(asked, layers, geobox)
    criteria, weights, missing = _impact(config, asked, layers, geobox)
    effort, base_m, more = _effort(asked, layers, cube, geobox)
    walls = np.zeros(inside.shape, dtype=bool)
    names = [name for name in WALLS if name in layers.names()]
    for name in names if asked.cut_by is None else asked.cut_by:
        walls |= burn_mask(geobox, layers.vector(name, crs=str(geobox.crs)), all_touched=True)
    if asked.cut_by is None:
        absent = " or ".join(name for name in WALLS[:2] if name not in names)
        more += [f"no layer of {absent} to cut tasks by"] if absent else []
    return Ground(open_land, walls, criteria, weights, effort, base_m, standing, [*missing, *more])


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
    """Give the land within `metres` of the places of a layer, in its CRS.

    Every filter by nearness goes by it: a cell is near if its centre lies in this land.
    """
    return frame.geometry.buffer(metres, quad_segs=ARC).union_all()


def standing_land(config: Config, asked: Tasks, layers: Layers, *, crs: str) -> gpd.GeoDataFrame:
    """Gather what stands as it is: registered areas, open tasks, land around accidents."""
    evidence = config.labels.positive
    registered = asked.registered
    if registered is None:
        registered = tuple(item.layer for item in evidence if item.evidence in LAND_CLASS)
    parts = [("registered area", name, layers.vector(name, crs=crs)) for name in registered]
    if asked.open_tasks is not None:
        parts.append(("open task", asked.open_tasks, layers.vector(asked.open_tasks, crs=crs)))
    for item in evidence:
        if item.evidence == "accident":
            frame = layers.vector(item.layer, crs=crs)
            frame["geometry"] = frame.geometry.buffer(asked.accident_buffer_m, quad_segs=8)
            parts.append(("accident buffer", item.layer, frame))
    classes = {item.layer: LAND_CLASS.get(item.evidence, "") for item in evidence}
    frames = [
        gpd.GeoDataFrame(
            {
                "kind": kind,
                "Land_Class": classes.get(name, "") if kind == "registered area" else "",
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
    taken = standing[standing["kind"] != "accident buffer"]
    closed = burn_mask(geobox, taken, all_touched=False) if len(taken) else False
    if searched_land:
        return np.asarray(closed | np.zeros(geobox.shape, dtype=bool))
    known = np.isin(labels["evidence"].to_numpy(), CLOSED)
    if surveyed is not None:
        known |= burn_mask(geobox, surveyed, all_touched=False)
    return np.asarray(closed | (labels["state"].to_numpy() == 0) | known)


def _impact(
    config: Config, asked: Tasks, layers: Layers, geobox: GeoBox
) -> tuple[dict[str, NDArray[np.float64]], dict[str, float], list[str]]:
    wanted = _wanted(config, asked)
    criteria, weights = {}, {"hazard": asked.hazard_weight}
    for name, (sources, weight, reach, classes) in wanted.items():
        value = np.zeros(geobox.shape)
        for layer in sources:
            value = np.maximum(value, _criterion(config, layers, layer, geobox, (reach, classes)))
        criteria[name], weights[name] = value, weight
    missing = []
    if asked.preset == "anama":
        missing = [
            f"criterion {name} ({words}): no layer"
            for name, words in CRITERIA.items()
            if name not in criteria
        ]
    return criteria, weights, missing


def _wanted(
    config: Config, asked: Tasks
) -> dict[str, tuple[Sequence[str], float, float, tuple[int, ...]]]:
    """Give layers, weight, reach and classes of each criterion: the preset's, then those asked."""
    found: dict[str, tuple[Sequence[str], float, float, tuple[int, ...]]] = {}
    if asked.preset == "anama":
        accidents = [item.layer for item in config.labels.positive if item.evidence == "accident"]
        if accidents:
            found["casualties"] = (accidents, 1.0, 3_000.0, ())
        if "settlements" in config.layers:
            found["socio_economic"] = (["settlements"], 1.0, 3_000.0, ())
        for feature in config.features:
            if feature.kind == "land_cover" and "cropland" in feature.groups:
                found["food_security"] = ([feature.layer], 1.0, 1.0, feature.groups["cropland"])
    for name, item in asked.criteria.items():
        found[name] = ([item.layer], item.weight, item.reach_m, item.classes)
    return {name: found[name] for name in CRITERIA if name in found}


def _criterion(
    config: Config,
    layers: Layers,
    layer: str,
    geobox: GeoBox,
    shape: tuple[float, tuple[int, ...]],
) -> NDArray[np.float64]:
    reach, classes = shape
    if isinstance(config.layers.get(layer), RasterLayer):
        return np.isin(layers.raster(layer, geobox), classes).astype(np.float64)
    metres = _metres(geobox, layers.vector(layer, crs=str(geobox.crs)), reach)
    return np.asarray(1.0 - np.minimum(metres / reach, 1.0), dtype=np.float64)


def _effort(
    asked: Tasks, layers: Layers, cube: xr.Dataset, geobox: GeoBox
) -> tuple[NDArray[np.float64], NDArray[np.float32] | None, list[str]]:
    """Give team-days per hectare.

    Slope slows a team as it slows a walker (Tobler 1993, NCGIA technical report 93-1): by
    exp(3.5 tan slope), at most fivefold. Travel to the task and back comes off the working day.
    """
    missing = []
    slow = np.ones(geobox.shape)
    if "slope_deg" in cube:
        slope = np.radians(np.nan_to_num(cube["slope_deg"].to_numpy().astype(np.float64)))
        slow = np.minimum(np.exp(3.5 * np.tan(slope)), STEEPEST)
    else:
        missing.append("no slope in the cube: effort is that of level ground")
    effort = slow / asked.ha_per_team_day
    if asked.bases is None:
        return effort, None, [*missing, "no bases: travel is not counted"]
    base_m = _to_nearest(geobox, layers.vector(asked.bases, crs=str(geobox.crs)))
    hours = 2 * asked.detour * base_m / 1_000 / asked.travel_kmh
    left = np.maximum(asked.hours_per_day - hours, LEAST_DAY * asked.hours_per_day)
    return effort * asked.hours_per_day / left, base_m, missing


def _metres(geobox: GeoBox, frame: gpd.GeoDataFrame, cap_m: float) -> NDArray[np.float32]:
    mask = burn_mask(geobox, frame, all_touched=True)
    return distance_to(mask, resolution_m=resolution(geobox), cap_m=cap_m)


def _to_nearest(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.float32]:
    """Give the metres to the nearest place, which may lie outside the grid."""
    place = frame.geometry.representative_point()
    tree = cKDTree(np.column_stack([place.x, place.y]))
    easting, northing = cell_centres(geobox)
    centres = np.stack(np.meshgrid(easting, northing), axis=-1)
    return np.asarray(tree.query(centres)[0], dtype=np.float32)


def open_stores(folder: Path) -> tuple[xr.Dataset, xr.Dataset]:
    """Open cube and labels of a run."""
    return open_cube(RunFolder(folder).cube), open_labels(folder)
