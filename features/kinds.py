"""The kinds of features that can be asked for: this is where a new kind is entered.

`FEATURE_KINDS` holds what there is to know of each kind apart from its settings, whose types,
bounds and defaults are those of its class in `minerisk.configs.feature_kinds`. Every other list of
kinds, of the layers they read and of what they refer to is made from the two.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from minerisk.features.added_kind import ADDED, ADDED_KIND
from minerisk.features.coverage import cover
from minerisk.features.errors import InputError
from minerisk.features.evidence.minefield_records import minefield_records
from minerisk.features.evidence.search_effort import search_effort
from minerisk.features.feature_kind import FeatureKind, Halo, Reads
from minerisk.features.front.conflict_events import conflict_events
from minerisk.features.front.depth_zones import front_zones
from minerisk.features.front.distance import front_line
from minerisk.features.front.epochs import front_epochs
from minerisk.features.front.facing import front_facing
from minerisk.features.front.fortifications import fortifications
from minerisk.features.front.front_of_positions import STRETCH_M, front_of_positions
from minerisk.features.front.own_side_share import own_side_share
from minerisk.features.front.shape import front_shape, no_mans_land
from minerisk.features.land_use.distance_and_density import density, distance, population_change
from minerisk.features.land_use.edges import land_cover_edge, margin
from minerisk.features.land_use.land_cover import change, land_cover, value
from minerisk.features.movement.avenues_of_approach import approach
from minerisk.features.movement.chokepoints import crossings, passes
from minerisk.features.movement.trafficability import trafficability
from minerisk.features.terrain.landform import landform
from minerisk.features.terrain.terrain import terrain
from minerisk.features.terrain.visibility import commanding_view, visibility
from minerisk.features.terrain.wetness import wetness
from minerisk.features.vector_files.columns import (
    Column,
    NumberColumn,
    TextColumn,
    TypeColumn,
    accuracies,
    amounts,
    people,
    sides,
)


def _greatest(*names: str) -> Halo:
    """Return the halo that is the greatest of some parameters, each a length or several."""

    def halo_m(params: Mapping[str, Any]) -> float:
        return float(np.max(np.hstack([0.0, *(params[name] for name in names)])))

    return halo_m


_none, _cap, _radius = _greatest(), _greatest("cap_m"), _greatest("radii_m")
_cap_or_radius, _cap_or_near = _greatest("cap_m", "radii_m"), _greatest("cap_m", "near_m")


def _approach(params: Mapping[str, Any]) -> float:
    return _cap(params) + float(params["beside_m"]) + float(params["crossing_m"])


def _passes(params: Mapping[str, Any]) -> float:
    return _cap(params) + float(params["radius_m"])


def _commanding(params: Mapping[str, Any]) -> float:
    return _radius(params) + max(float(params["near_m"]), 2.0 * float(params["rise_m"]))


def _cap_or_stretch(params: Mapping[str, Any]) -> float:
    return max(_cap(params), STRETCH_M)


_RASTER: Reads = {"layer": "raster"}
_VECTOR: Reads = {"layer": "vector"}
_LINE: Reads = {"layer": "vector", "held_area": "vector"}
_TRANSFORM = ("10.4086/toc.2012.v008a019", "10.1007/0-306-47025-X_36")
"""Felzenszwalb and Huttenlocher (2012), Meijster and others (2000): exact distances on a grid."""
_FOLDED_NORMAL = "10.1080/00401706.1961.10489974"
"""Leone, Nelson and Nottingham (1961)."""
_NORMALS = "10.1109/TVCG.2005.49"
"""Baerentzen and Aanaes (2005): the side of a line at its corners."""
_PEUKER_DOUGLAS = "10.1016/0146-664X(75)90005-2"
"""Peuker and Douglas (1975): forms of the ground from what rises and falls around a cell."""

FEATURE_KINDS: dict[str, FeatureKind] = {
    "front_line": FeatureKind(
        front_line,
        _LINE,
        _cap,
        "how far the front line is, and on which side",
        units=("m",),
        first=True,
        references=(_FOLDED_NORMAL, _NORMALS),
    ),
    "front_zones": FeatureKind(
        front_zones,
        _LINE,
        _greatest("edges_m"),
        "in which depth zone along the front line it lies",
        units=("1",),
        references=(_FOLDED_NORMAL, _NORMALS),
    ),
    "front_shape": FeatureKind(
        front_shape,
        _LINE,
        _greatest("reach_m"),
        "how the front line bends and which way it faces",
        units=("1/m", "1"),
        references=(_NORMALS,),
    ),
    "front_epochs": FeatureKind(
        front_epochs,
        {"layer": "vector", "held_area": "vector"},
        _cap_or_near,
        "what several lines, or one at several times, say together",
        units=("m", "1"),
        each_covers=True,
        references=(_FOLDED_NORMAL,),
    ),
    "own_side_share": FeatureKind(
        own_side_share,
        {"layer": "vector", "land": "vector"},
        _radius,
        "how much of the land around its own side held",
        units=("1",),
    ),
    "no_mans_land": FeatureKind(
        no_mans_land,
        {"layer": "vector", "opposing_line": "vector"},
        _cap,
        "how wide the land between two lines is",
        units=("m",),
    ),
    "fortifications": FeatureKind(
        fortifications,
        _VECTOR,
        _cap_or_radius,
        "how near and how many positions are",
        units=("m", "1"),
    ),
    "front_of_positions": FeatureKind(
        front_of_positions,
        {"layer": "vector", "held_area": "vector", "front_line": "vector"},
        _cap_or_stretch,
        "what lies in front of positions, and what behind",
        units=("m", "1"),
    ),
    "conflict_events": FeatureKind(
        conflict_events,
        _VECTOR,
        _greatest("decay_m"),
        "how many events of war there were around, as well as their places are known",
        units=("1/km2",),
    ),
    "terrain": FeatureKind(
        terrain,
        _RASTER,
        _radius,
        "the shape of the ground",
        units=("m", "degree", "1", "1/m"),
        stencil=True,
        first=True,
        references=("10.1007/BF00893172", "10.1177/0309133317733667"),
    ),
    "landform": FeatureKind(
        landform,
        _RASTER,
        _radius,
        "ridge, valley floor, pass, and how open the ground lies",
        units=("1", "degree", "m"),
        references=(_PEUKER_DOUGLAS, "10.1016/j.geomorph.2012.11.005"),
    ),
    "front_facing": FeatureKind(
        front_facing,
        {"layer": "raster", "front_line": "vector"},
        _cap,
        "whether slopes face the front line",
        units=("1", "m"),
    ),
    "wetness": FeatureKind(
        wetness,
        _RASTER,
        _radius,
        "where water gathers",
        units=("1",),
        references=("10.1016/0098-3004(91)90048-I", "10.1080/02626667909491834"),
    ),
    "trafficability": FeatureKind(
        trafficability,
        {"layer": "raster", "land_cover": "raster"},
        _radius,
        "how well feet and wheels get through",
        units=("m/s", "1"),
    ),
    "visibility": FeatureKind(
        visibility,
        {"layer": "raster", "observers": "vector"},
        _radius,
        "how many positions see the place, and dead ground",
        units=("1",),
    ),
    "commanding_view": FeatureKind(
        commanding_view,
        {"layer": "raster", "held_area": "vector", "front_line": "vector"},
        _commanding,
        "how many heights near the front line see the place",
        units=("1",),
    ),
    "distance": FeatureKind(
        distance,
        _VECTOR,
        _cap,
        "how far the nearest of something is",
        units=("m",),
        by_layer=True,
        first=True,
        references=_TRANSFORM,
    ),
    "density": FeatureKind(
        density,
        _VECTOR,
        _radius,
        "how much of something is around",
        units=("m/km2", "1/km2"),
        by_layer=True,
        first=True,
    ),
    "land_cover": FeatureKind(
        land_cover, _RASTER, _none, "what covers the ground", units=("1",), first=True
    ),
    "land_cover_edge": FeatureKind(
        land_cover_edge,
        _RASTER,
        _cap,
        "how far the edge of a forest or field is",
        units=("m",),
        references=_TRANSFORM,
    ),
    "value": FeatureKind(value, _RASTER, _none, "a raster as it is", by_layer=True, first=True),
    "change": FeatureKind(
        change,
        {"layer": "raster", "before": "raster"},
        _none,
        "how a raster changed between two times",
    ),
    "margin": FeatureKind(
        margin,
        _VECTOR,
        _none,
        "how much of the cell is verge of a road, or bank of a river",
        units=("1",),
    ),
    "minefield_records": FeatureKind(
        minefield_records,
        _VECTOR,
        _cap,
        "how near minefield records are, as far as they can be trusted",
        units=("m", "1"),
    ),
    "population_change": FeatureKind(
        population_change,
        _VECTOR,
        _cap_or_radius,
        "where people have left, and abandoned settlements",
        units=("m", "1"),
    ),
    "approach": FeatureKind(
        approach,
        {
            **{"layer": "vector", "held_area": "vector", "front_line": "vector"},
            **{"elevation": "raster", "rivers": "vector", "roads": "vector"},
        },
        _approach,
        "how near the cheapest routes across the front pass",
        units=("m",),
        references=("10.1007/BF01386390",),
    ),
    "crossings": FeatureKind(
        crossings,
        {"layer": "vector", "rivers": "vector"},
        _cap,
        "how far the nearest bridge, culvert or ford is",
        units=("m",),
        references=_TRANSFORM,
    ),
    "passes": FeatureKind(
        passes,
        _RASTER,
        _passes,
        "how far the nearest pass is",
        units=("m",),
        references=(_PEUKER_DOUGLAS, *_TRANSFORM),
    ),
    "search_effort": FeatureKind(
        search_effort,
        _VECTOR,
        _cap,
        "where, how long ago and by what means people searched",
        units=("1", "m", "year"),
        role="effort",
    ),
}


COVER = "cover"
"""The kind that is not asked for: it comes with every layer that states its coverage."""
_COVER = FeatureKind(
    cover,
    {"layer": "vector", "lines": "vector"},
    _cap,
    "where layers speak",
    units=("m", "1"),
    role="cover",
    each_covers=True,
)


def feature_kind(name: str) -> FeatureKind:
    """Return a kind by the name it has in a configuration.

    Raises
    ------
    InputError
        If there is no such kind.

    Examples
    --------
    >>> feature_kind("terrain").words
    'the shape of the ground'
    """
    if name == COVER:
        return _COVER
    if name == ADDED:
        return ADDED_KIND
    if name not in FEATURE_KINDS:
        raise InputError(f"The feature kind is {name!r}; expected one of {sorted(FEATURE_KINDS)}.")
    return FEATURE_KINDS[name]


def columns_of(params: Mapping[str, Any]) -> list[Column]:
    """Return the columns that a feature reads of its ``layer``, by its parameters.

    Examples
    --------
    >>> [column.name for column in columns_of({"layer": "towns", "weight_column": "people"})]
    ['people']
    """
    readers: dict[str, Callable[[str], Column]] = {
        "side_column": sides,
        "type_column": lambda name: TypeColumn(name, params["types"] or {}),
        "means_column": lambda name: TextColumn(name, "means_column"),
        "weight_column": amounts,
        "accuracy_column": accuracies,
        "deaths_column": lambda name: NumberColumn(name, "deaths_column", least=0.0),
        "precision_column": lambda name: TextColumn(name, "precision_column"),
        "before_column": lambda name: people(name, "before_column"),
        "after_column": lambda name: people(name, "after_column"),
    }
    return [read(params[name]) for name, read in readers.items() if params.get(name) is not None]


def layers_of(kind: str, params: Mapping[str, Any]) -> list[str]:
    """Return the names of the layers that a feature reads, by its kind and parameters.

    Examples
    --------
    >>> layers_of("crossings", {"layer": "roads", "rivers": "streams", "cap_m": 500.0})
    ['roads', 'streams']
    """
    given = (params.get(parameter) for parameter in feature_kind(kind).reads)
    named = [name for value in given if value is not None for name in _names(value)]
    return list(dict.fromkeys(named))


def _names(value: Any) -> list[str]:
    """List the layers that a parameter names: one, several, or one for each epoch."""
    if isinstance(value, str):
        return [value]
    return list(value.values()) if isinstance(value, Mapping) else list(value)
