"""The families of features, by the name they have in a configuration."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from features.access import density, distance
from features.errors import InputError
from features.fortifications import fortifications
from features.front import front_line
from features.land_cover import land_cover, value
from features.sources import Layers
from features.terrain import terrain


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
    """

    build: Callable[..., xr.Dataset]
    halo_m: Callable[[Mapping[str, Any]], float]
    words: str


def _none(params: Mapping[str, Any]) -> float:
    return 0.0


def _cap(params: Mapping[str, Any]) -> float:
    return float(params["cap_m"])


def _radius(params: Mapping[str, Any]) -> float:
    return float(max(params["radii_m"], default=0.0))


def _cap_or_radius(params: Mapping[str, Any]) -> float:
    return max(_cap(params), _radius(params))


FAMILIES: dict[str, Family] = {
    "front_line": Family(front_line, _cap, "how far the front line is, and on which side"),
    "fortifications": Family(fortifications, _cap_or_radius, "how near and how many positions are"),
    "terrain": Family(terrain, _radius, "the shape of the ground"),
    "distance": Family(distance, _cap, "how far the nearest of something is"),
    "density": Family(density, _radius, "how much of something is around"),
    "land_cover": Family(land_cover, _none, "what covers the ground"),
    "value": Family(value, _none, "a raster as it is"),
}


def layers_of(params: Mapping[str, Any]) -> list[str]:
    """Give the names of the layers that a feature reads, by its parameters."""
    named = (params.get(key) for key in ("layer", "held_area"))
    return [name for name in named if name is not None]


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
        ``layer``, ``source`` and ``sha256``.

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
    }
    for variable in dataset.data_vars.values():
        variable.attrs.update(origin)
    return dataset
