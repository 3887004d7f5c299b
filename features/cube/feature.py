"""One feature on a grid, or on a window of it: where a kind's function is called."""

from collections.abc import Mapping, Sequence
from typing import Any

import xarray as xr
from odc.geo.geobox import GeoBox

from minerisk.features.added_kind import ADDED
from minerisk.features.coverage import covered_by_all, within_cover
from minerisk.features.feature_kind import FeatureKind
from minerisk.features.grid import pad_grid, resolution
from minerisk.features.kinds import feature_kind, layers_of
from minerisk.features.layers.sources import Layers


def build_feature(
    layers: Layers, geobox: GeoBox, *, kind: str, params: Mapping[str, Any]
) -> xr.Dataset:
    """Build one feature on a grid, with attributes that state where it comes from.

    Parameters
    ----------
    layers
        The layers that `params` name.
    geobox
        North-up grid in metres, with the kind's halo and one cell around the area that is kept.
    kind
        A key of `minerisk.features.kinds.FEATURE_KINDS`.
    params
        Its keyword arguments.

    Returns
    -------
    Dataset
        float32 ``(y, x)``; each variable with ``unit``, ``words``, ``kind``, ``family`` (the kind,
        or its layer where that tells features of a kind apart), ``halo_m``, ``layer``, ``source``,
        ``sha256``, ``role``, and ``covered``: 1 if it is nodata where a layer of its own does not
        speak.

    Raises
    ------
    InputError
        If the kind is unknown.

    Examples
    --------
    The distance to a road, on a grid of two cells.

    >>> from pathlib import Path
    >>> import geopandas as gpd
    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> from minerisk.features.layers import VectorSource
    >>> road = shapely.LineString([(500_050, 4_400_000), (500_050, 4_400_100)])
    >>> gpd.GeoDataFrame(geometry=[road], crs="EPSG:32638").to_file("roads.gpkg")
    >>> layers = Layers({"roads": VectorSource(Path("roads.gpkg"))}, Path())
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> params = {"layer": "roads", "cap_m": 500.0}
    >>> features = build_feature(layers, geobox, kind="distance", params=params)
    >>> features["roads_distance_m"].values
    array([[  0., 100.]], dtype=float32)
    >>> features["roads_distance_m"].attrs["words"]
    'distance to the nearest of roads, at most 500 m'
    """
    facts, names = feature_kind(kind), layers_of(kind, params)
    dataset = facts.build(layers, geobox, **params)
    if not facts.each_covers and (known := covered_by_all(layers, names, geobox)) is not None:
        dataset = within_cover(dataset, known, cell_m=resolution(geobox))
    origin = {
        "kind": kind,
        "family": _family(facts, kind, names, params),
        "halo_m": facts.halo_m(params),
        "layer": ", ".join(names),
        "source": "; ".join(layers.source(name).source for name in names),
        "sha256": ", ".join(layers.sha256(name) for name in names),
        "role": facts.role,
    }
    for variable in dataset.data_vars.values():
        variable.attrs.update(origin)
        del variable.attrs["disc_m"]
    return dataset


def _family(facts: FeatureKind, kind: str, names: Sequence[str], params: Mapping[str, Any]) -> str:
    if kind == ADDED:
        return str(params["name"])
    return ", ".join(names) if facts.by_layer else kind


def build_window(
    layers: Layers, geobox: GeoBox, *, kind: str, params: Mapping[str, Any]
) -> xr.Dataset:
    """Build one feature on a window: read with the halo, then cropped to the window.

    Returns
    -------
    Dataset
        As `build_feature`; the same bits as that window of the whole.
    """
    facts = feature_kind(kind)
    halo_m = facts.halo_m(params)
    # One cell more than the halo: a 3 x 3 stencil needs it even where the radius is less.
    reach_m = halo_m + resolution(geobox) if halo_m or facts.stencil else 0.0
    padded, cells = pad_grid(geobox, reach_m)
    dataset = build_feature(layers, padded, kind=kind, params=params)
    kept = slice(cells, -cells) if cells else slice(None)
    return dataset.isel(y=kept, x=kept)
