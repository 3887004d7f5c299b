"""What handed-over minefield records say of a place, as far as they can be trusted."""

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.front.distance import position_error
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, to_dataset
from minerisk.features.vector_files.columns import accuracies


def minefield_records(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    accuracy: float,
    accuracy_column: str | None = None,
    cap_m: float,
) -> xr.Dataset:
    """Compute the chance that a record holds here, and the distance to records by their accuracy.

    A record is what somebody wrote down, not what was found: it is a feature with a weight and
    never a label. Records handed over in Azerbaijan proved right for about one in four minefields
    (ANAMA 2024).

    Parameters
    ----------
    layers
        Holds `layer`: points, lines or polygons of recorded minefields. The layer's
        ``position_error_m`` is how far off they may be drawn (standard deviation, metres).
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer
        Name of the layer.
    accuracy
        Share of such records that proved right, above 0 and at most 1, where a record has none
        of its own.
    accuracy_column
        Column with each record's own.
    cap_m
        Distances beyond this read as this, and records beyond it have no chance, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``. ``records_<layer>_distance_m``: the least, over the levels of
        accuracy, of distance over accuracy, metres: a record that is right one time in four
        counts as four times as far. ``records_<layer>_chance``: the chance that one of the
        nearest records of each level ``a`` at distance ``d`` is right, ``1 - prod(1 - a
        exp(-d**2 / (2 error**2)))``, levels taken as independent; without a position error only
        at the record itself.

    Raises
    ------
    InputError
        If the column is missing, or an accuracy is not above 0 and at most 1.
    """
    frame, cell = layers.vector(layer, crs=str(geobox.crs)), resolution(geobox)
    level = _accuracies(frame, layer, accuracy, accuracy_column)
    error_m = position_error(layers, layer)
    nearest = np.full(tuple(geobox.shape), cap_m)
    none_right = np.ones(tuple(geobox.shape))
    for share in np.unique(level):
        mask = burn_mask(geobox, frame[level == share], all_touched=True)
        apart = distance_to(mask, resolution_m=cell, cap_m=cap_m).astype(np.float64)
        nearest = np.minimum(nearest, apart / share)
        none_right *= 1.0 - share * _fading(apart, error_m, cap_m)
    words = f"distance to minefield records of {layer}, over their accuracy, at most {cap_m:,g} m"
    chance = (1.0 - none_right).astype(np.float32)
    return to_dataset(
        geobox,
        {
            f"records_{layer}_distance_m": Variable(nearest.astype(np.float32), "m", words),
            f"records_{layer}_chance": Variable(
                chance, "1", f"chance that a minefield record of {layer} holds here"
            ),
        },
    )


def _accuracies(
    frame: gpd.GeoDataFrame, layer: str, accuracy: float, column: str | None
) -> NDArray[np.float64]:
    if column is None:
        return np.full(len(frame), accuracy)
    own = accuracies(column).read(frame, layer)
    return np.where(np.isnan(own), accuracy, own)


def _fading(apart: NDArray[np.float64], error_m: float, cap_m: float) -> NDArray[np.float64]:
    if error_m == 0:
        return (apart == 0).astype(np.float64)
    return np.where(apart < cap_m, np.exp(-0.5 * (apart / error_m) ** 2), 0.0)
