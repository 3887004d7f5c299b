"""The families of features, by the name they have in a configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.evidence.minefield_records import minefield_records
from minerisk.features.evidence.search_effort import search_effort
from minerisk.features.front.depth_zones import front_zones
from minerisk.features.front.distance import front_line
from minerisk.features.front.facing import front_facing
from minerisk.features.front.fortifications import fortifications
from minerisk.features.front.front_of_positions import STRETCH_M, front_of_positions
from minerisk.features.front.own_side_share import own_side_share
from minerisk.features.front.shape import front_shape, no_mans_land
from minerisk.features.land_use.distance_and_density import density, distance, population_change
from minerisk.features.land_use.edges import land_cover_edge, margin
from minerisk.features.land_use.land_cover import change, land_cover, value
from minerisk.features.layers.sources import Layers, layers_of
from minerisk.features.movement.avenues_of_approach import approach
from minerisk.features.movement.chokepoints import crossings, passes
from minerisk.features.movement.trafficability import trafficability
from minerisk.features.terrain.landform import landform
from minerisk.features.terrain.terrain import terrain
from minerisk.features.terrain.visibility import commanding_view, visibility
from minerisk.features.terrain.wetness import wetness


@dataclass(frozen=True)
class Family:
    """One kind of feature.

    Attributes
    ----------
    build
        ``build(layers, geobox, **params)`` gives a float32 Dataset ``(y, x)``. It is right where
        `geobox` reaches `halo_m` and one cell beyond the area that is kept.
    halo_m
        How far the features look, metres, by their parameters.
    words
        What the family tells, in plain words.
    role
        ``feature``, or ``effort`` for what tells of the search and not of the ground: such a
        family is for models of survey bias.
    units
        The units of its variables; empty where the layer's own unit is theirs.
    """

    build: Callable[..., xr.Dataset]
    halo_m: Callable[[Mapping[str, Any]], float]
    words: str
    role: str = "feature"
    units: tuple[str, ...] = ()


def _none(params: Mapping[str, Any]) -> float:
    return 0.0


def _cap(params: Mapping[str, Any]) -> float:
    return float(params["cap_m"])


def _radius(params: Mapping[str, Any]) -> float:
    return float(max(params["radii_m"], default=0.0))


def _cap_or_radius(params: Mapping[str, Any]) -> float:
    return max(_cap(params), _radius(params))


def _approach(params: Mapping[str, Any]) -> float:
    return _cap(params) + float(params["beside_m"]) + float(params["crossing_m"])


def _passes(params: Mapping[str, Any]) -> float:
    return _cap(params) + float(params["radius_m"])


def _commanding(params: Mapping[str, Any]) -> float:
    return _radius(params) + max(float(params["near_m"]), 2.0 * float(params["rise_m"]))


def _edges(params: Mapping[str, Any]) -> float:
    return float(max(params["edges_m"]))


def _reach(params: Mapping[str, Any]) -> float:
    return float(params["reach_m"])


def _cap_or_stretch(params: Mapping[str, Any]) -> float:
    return max(_cap(params), STRETCH_M)


FAMILIES: dict[str, Family] = {
    "front_line": Family(
        front_line, _cap, "how far the front line is, and on which side", units=("m",)
    ),
    "front_zones": Family(
        front_zones, _edges, "in which depth zone along the front line it lies", units=("1",)
    ),
    "front_shape": Family(
        front_shape, _reach, "how the front line bends and which way it faces", units=("1/m", "1")
    ),
    "own_side_share": Family(
        own_side_share, _radius, "how much of the land around its own side held", units=("1",)
    ),
    "no_mans_land": Family(
        no_mans_land, _cap, "how wide the land between two lines is", units=("m",)
    ),
    "fortifications": Family(
        fortifications, _cap_or_radius, "how near and how many positions are", units=("m", "1")
    ),
    "front_of_positions": Family(
        front_of_positions,
        _cap_or_stretch,
        "what lies in front of positions, and what behind",
        units=("m", "1"),
    ),
    "terrain": Family(
        terrain, _radius, "the shape of the ground", units=("m", "degree", "1", "1/m")
    ),
    "landform": Family(
        landform,
        _radius,
        "ridge, valley floor, pass, and how open the ground lies",
        units=("1", "degree", "m"),
    ),
    "front_facing": Family(
        front_facing, _cap, "whether slopes face the front line", units=("1", "m")
    ),
    "wetness": Family(wetness, _radius, "where water gathers", units=("1",)),
    "trafficability": Family(
        trafficability, _radius, "how well feet and wheels get through", units=("m/s", "1")
    ),
    "visibility": Family(
        visibility, _radius, "how many positions see the place, and dead ground", units=("1",)
    ),
    "commanding_view": Family(
        commanding_view,
        _commanding,
        "how many heights near the front line see the place",
        units=("1",),
    ),
    "distance": Family(distance, _cap, "how far the nearest of something is", units=("m",)),
    "density": Family(
        density, _radius, "how much of something is around", units=("m/km2", "1/km2")
    ),
    "land_cover": Family(land_cover, _none, "what covers the ground", units=("1",)),
    "land_cover_edge": Family(
        land_cover_edge, _cap, "how far the edge of a forest or field is", units=("m",)
    ),
    "value": Family(value, _none, "a raster as it is"),
    "change": Family(change, _none, "how a raster changed between two times"),
    "margin": Family(
        margin, _none, "how much of the cell is verge of a road, or bank of a river", units=("1",)
    ),
    "minefield_records": Family(
        minefield_records,
        _cap,
        "how near minefield records are, as far as they can be trusted",
        units=("m", "1"),
    ),
    "population_change": Family(
        population_change,
        _cap_or_radius,
        "where people have left, and abandoned settlements",
        units=("m", "1"),
    ),
    "approach": Family(
        approach, _approach, "how near the cheapest routes across the front pass", units=("m",)
    ),
    "crossings": Family(
        crossings, _cap, "how far the nearest bridge, culvert or ford is", units=("m",)
    ),
    "passes": Family(passes, _passes, "how far the nearest pass is", units=("m",)),
    "search_effort": Family(
        search_effort,
        _cap,
        "where, how long ago and by what means people searched",
        "effort",
        units=("1", "m", "year"),
    ),
}


def build_feature(
    layers: Layers, geobox: GeoBox, *, kind: str, params: Mapping[str, Any]
) -> xr.Dataset:
    """Build one feature on a grid and say in its attributes where it comes from.

    Parameters
    ----------
    layers
        The layers that `params` name.
    geobox
        North-up grid in metres, with the family's halo and one cell around the area that is kept.
    kind
        A key of `FAMILIES`.
    params
        The family's keyword arguments.

    Returns
    -------
    Dataset
        float32 ``(y, x)``; each variable with ``unit``, ``words``, ``family``, ``halo_m``,
        ``layer``, ``source``, ``sha256`` and ``role``.

    Raises
    ------
    InputError
        If the kind is unknown.
    """
    if kind not in FAMILIES:
        raise InputError(f"The feature kind is {kind!r}; expected one of {sorted(FAMILIES)}.")
    family, names = FAMILIES[kind], layers_of(params)
    dataset = family.build(layers, geobox, **params)
    origin = {
        "family": kind,
        "halo_m": family.halo_m(params),
        "layer": ", ".join(names),
        "source": "; ".join(layers.source(name).source for name in names),
        "sha256": ", ".join(layers.sha256(name) for name in names),
        "role": family.role,
    }
    for variable in dataset.data_vars.values():
        variable.attrs.update(origin)
    return dataset
