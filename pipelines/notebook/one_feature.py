"""One feature of one's own layers on any grid, asked for as in a configuration."""

from collections.abc import Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import geopandas as gpd
import xarray as xr
from odc.geo.geobox import GeoBox
from pydantic import JsonValue

from minerisk.configs.load import ConfigError, read_feature
from minerisk.features.cube.feature import build_window
from minerisk.features.errors import InputError
from minerisk.features.kinds import layers_of
from minerisk.features.layers.sources import Layers, RasterSource, Source, VectorSource

RASTERS = (".tif", ".tiff", ".vrt", ".zarr")
Given: TypeAlias = Path | str | gpd.GeoDataFrame | Source
"""A file, a table in memory, or a file with what has to be said of it (a `VectorSource`)."""


def build_feature(
    layers: Layers | Mapping[str, Given], geobox: GeoBox, feature: Mapping[str, JsonValue]
) -> xr.Dataset:
    """Build one feature on a grid.

    Parameters
    ----------
    layers
        Layer name to a file, a GeoDataFrame with a CRS, or a `RasterSource` or `VectorSource`,
        which state what a file does not: an error of position, a unit, columns of coordinates.
        Or the layers of a study area.
    geobox
        North-up grid in metres; see `minerisk.study_grid`. What lies around it is read as far as
        the feature looks.
    feature
        The kind and its settings, as in the list ``features`` of a configuration
        (``minerisk kinds``); those that are left out have the same defaults.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, NaN where there is no value; each variable with its unit, what it is
        in words, and the layers that it was made of.

    Raises
    ------
    InputError
        If a setting is wrong, or a layer that it names did not come or cannot be read.

    Examples
    --------
    How far each of three cells is from a road:

    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> road = shapely.LineString([(500_050, 4_400_000), (500_050, 4_400_100)])
    >>> roads = gpd.GeoDataFrame(geometry=[road], crs="EPSG:32638")
    >>> bounds = (500_000, 4_400_000, 500_300, 4_400_100)
    >>> grid = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> asked = {"kind": "distance", "layer": "roads", "cap_m": 150}
    >>> build_feature({"roads": roads}, grid, asked)["roads_distance_m"].values
    array([[  0., 100., 150.]], dtype=float32)
    """
    try:
        asked = read_feature(feature)
    except ConfigError as error:
        raise InputError(str(error)) from error
    params = asked.model_dump(exclude={"kind"})
    if isinstance(layers, Layers):
        return build_window(layers, geobox, kind=asked.kind, params=params)
    missing = [name for name in layers_of(asked.kind, params) if name not in layers]
    if missing:
        raise InputError(
            f"The feature {asked.kind} reads the layers {missing}; there are {sorted(layers)}. "
            "Give them, or name others in its settings."
        )
    with TemporaryDirectory() as folder:
        sources = {name: _source(name, given, Path(folder)) for name, given in layers.items()}
        root = Path(Path(folder).resolve().anchor)
        return build_window(Layers(sources, root), geobox, kind=asked.kind, params=params)


def _source(name: str, given: Given, folder: Path) -> Source:
    if isinstance(given, gpd.GeoDataFrame):
        path = folder / f"{name}.gpkg"
        given.to_file(path)
        return VectorSource(path, source="a table in memory")
    if isinstance(given, VectorSource | RasterSource):
        return given
    path = Path(given).absolute()
    return RasterSource(path) if path.suffix.lower() in RASTERS else VectorSource(path)
