"""Relief: how much the ground rises and falls around a cell."""

import numpy as np
import xarray as xr
from odc.geo.geobox import GeoBox
from scipy.ndimage import maximum_filter, minimum_filter

from minerisk.features.feature_kind import FeatureKind
from minerisk.features.grid import resolution
from minerisk.features.layers import Layers
from minerisk.features.variable import Variable, to_dataset


def relief(layers: Layers, geobox: GeoBox, *, raster: str, radius_m: float) -> xr.Dataset:
    """Compute the greatest minus the least height within a radius, metres.

    The grid comes padded by `FeatureKind.halo_m`, so that a tile equals the whole.
    """
    height = layers.raster(raster, geobox, unit="m")
    reach = round(radius_m / resolution(geobox))
    far, across = np.ogrid[-reach : reach + 1, -reach : reach + 1]
    disc = np.hypot(far, across) <= reach
    known = np.isfinite(height)
    top = maximum_filter(np.where(known, height, -np.inf), footprint=disc)
    bottom = minimum_filter(np.where(known, height, np.inf), footprint=disc)
    values = np.where(known, top - bottom, np.nan)  # nodata is NaN, and never 0
    words = f"rise and fall of the ground within {radius_m:g} m"
    return to_dataset(geobox, {f"relief_{radius_m:g}m": Variable(values, "m", words)})


RELIEF = FeatureKind(
    relief,
    reads={"raster": "raster"},
    halo_m=lambda settings: float(settings["radius_m"]),
    words="rise and fall of the ground",
    units=("m",),
)
