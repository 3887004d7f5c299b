"""How much the features change when drawn lines are moved by their stated positional error."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.feature import build_window
from minerisk.features.errors import InputError
from minerisk.features.front.distance import position_error
from minerisk.features.kinds import layers_of
from minerisk.features.layers.sources import Layers, Source

CORRELATION = 4.0
"""The displacement changes over this many positional errors: a smooth shift, never a tangle."""
_WAVES = 64

Features = Sequence[tuple[str, Mapping[str, Any]]]
Floats = NDArray[np.float64]


class Sensitivity(NamedTuple):
    """How a feature answers to lines being off.

    Attributes
    ----------
    change
        Mean absolute change over cells and draws, in the feature's unit.
    spread
        Standard deviation of the feature as drawn, over cells.
    share
        `change` over `spread`; NaN for a feature that is the same everywhere.
    """

    change: float
    spread: float
    share: float


class _Waves(NamedTuple):
    """A smooth random displacement: waves and phases for each axis, its size, and where it is.

    `line` names the layer that it keeps to: away from it the displacement dies out.
    """

    number: Floats
    phase: Floats
    size_m: float
    line: str | None = None


class _Moved(Layers):
    """Layers of which some are displaced."""

    def __init__(self, layers: Layers, waves: Mapping[str, _Waves]) -> None:
        self._layers, self._waves = layers, dict(waves)

    def names(self) -> list[str]:
        return self._layers.names()

    def source(self, name: str) -> Source:
        return self._layers.source(name)

    def sha256(self, name: str) -> str:
        return self._layers.sha256(name)

    def vector(self, name: str, *, crs: str) -> gpd.GeoDataFrame:
        frame = self._layers.vector(name, crs=crs)
        if name not in self._waves:
            return frame
        line = self._waves[name].line
        near = None if line is None else self._layers.vector(line, crs=crs).union_all()
        return _displaced(frame, self._waves[name], near)

    def cover(self, name: str, *, crs: str) -> gpd.GeoDataFrame:
        return self._layers.cover(name, crs=crs)

    def raster(self, name: str, geobox: GeoBox, *, unit: str | None = None) -> NDArray[np.float32]:
        return self._layers.raster(name, geobox, unit=unit)

    def unit(self, name: str) -> str | None:
        return self._layers.unit(name)


def front_sensitivity(
    layers: Layers,
    features: Features,
    *,
    geobox: GeoBox,
    inside: NDArray[np.bool_],
    draws: int,
    rng: np.random.Generator,
) -> dict[str, Sensitivity]:
    """Compute how much features change when the layers they read are off by their stated error.

    Parameters
    ----------
    layers, features, geobox, inside
        As for `build.build_cube`. Features that read no layer with a stated error are
        left out of the answer.
    draws
        How many displaced maps to compare with the drawn one.
    rng
        The same generator in the same state gives the same answer.

    Returns
    -------
    dict
        Name of each feature to its `Sensitivity`, over the cells inside that have a value in
        both maps.

    Raises
    ------
    InputError
        If there is no draw.

    Notes
    -----
    Every layer with a stated error is displaced by a smooth random field of its own, with that
    error as its standard deviation along each axis and a Gaussian correlation over `CORRELATION`
    errors (a sum of random waves; Rahimi and Recht 2007). The held area goes with its line where
    it borders on it; its other borders stay.
    """
    if draws < 1:
        raise InputError(f"draws is {draws}; expected at least one displaced map.")
    follows = dict(pair for _, params in features for pair in _held_beside(params))
    named = sorted({name for item in features for name in layers_of(*item)} - set(follows))
    moved = [name for name in named if position_error(layers, name) > 0]
    uncertain = {*moved, *(held for held, line in follows.items() if line in moved)}
    read = [item for item in features if set(layers_of(*item)) & uncertain]
    drawn = _values(layers, read, geobox, inside)
    change = dict.fromkeys(drawn, 0.0)
    for _ in range(draws):
        waves = {name: _waves(position_error(layers, name), rng) for name in moved}
        for held, line in follows.items():
            if line in waves:
                waves[held] = waves[line]._replace(line=line)
        for name, values in _values(_Moved(layers, waves), read, geobox, inside).items():
            change[name] += float(np.nanmean(np.abs(values - drawn[name]))) / draws
    spread = {name: float(np.nanstd(values)) for name, values in drawn.items()}
    return {
        name: Sensitivity(
            change[name], spread[name], change[name] / spread[name] if spread[name] else np.nan
        )
        for name in drawn
    }


def _held_beside(params: Mapping[str, Any]) -> list[tuple[str, str]]:
    """List the held areas that a feature names, each with the line that it borders on."""
    held, line = params.get("held_area"), params.get("front_line", params["layer"])
    if isinstance(held, Mapping):  # by epoch
        return [(area, line[epoch]) for epoch, area in held.items()]
    return [] if held is None else [(held, line)]


def _values(
    layers: Layers, features: Features, geobox: GeoBox, inside: NDArray[np.bool_]
) -> dict[str, Floats]:
    values = {}
    for kind, params in features:
        for name, variable in build_window(layers, geobox, kind=kind, params=params).items():
            values[str(name)] = variable.to_numpy()[inside].astype(np.float64)
    return values


def _waves(error_m: float, rng: np.random.Generator) -> _Waves:
    number = rng.normal(size=(2, _WAVES, 2)) / (CORRELATION * error_m)
    return _Waves(number, rng.uniform(0.0, 2.0 * np.pi, (2, _WAVES)), error_m)


def _displaced(
    frame: gpd.GeoDataFrame, waves: _Waves, near: shapely.Geometry | None
) -> gpd.GeoDataFrame:
    def shift(places: Floats) -> Floats:
        angle = np.einsum("pc,awc->paw", places, waves.number) + waves.phase
        size: Floats = np.full((len(places), 1), waves.size_m * np.sqrt(2.0 / _WAVES))
        if near is not None:
            away = shapely.distance(shapely.points(places), near) / (2.0 * waves.size_m)
            size *= np.exp(-0.5 * away**2)[:, None]
        return np.asarray(places + size * np.cos(angle).sum(axis=2), dtype=np.float64)

    # Corners close enough together that a long straight stretch bends as well.
    shapes = shapely.segmentize(np.asarray(frame.geometry.array, dtype=object), waves.size_m)
    shapes = shapely.transform(shapes, shift)
    surfaces = shapely.get_dimensions(shapes) == 2
    shapes = np.where(surfaces, shapely.make_valid(shapes), shapes)
    return frame.set_geometry(gpd.GeoSeries(shapes, index=frame.index, crs=frame.crs))
