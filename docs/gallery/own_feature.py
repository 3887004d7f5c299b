"""How do I add a feature? A kind of one's own, as a function

A feature is a function from layers and a grid to a Dataset, and a record of what it reads and how far it looks. As an
entry point of a small package it can be asked for in a study area: [how](../extend.md).
"""

import matplotlib.pyplot as plt
import numpy as np
from scipy.ndimage import maximum_filter, minimum_filter

from minerisk import datasets
from minerisk.features.feature_kind import FeatureKind
from minerisk.features.grid import pad_grid, resolution
from minerisk.features.variable import Variable, to_dataset


def relief(layers, geobox, *, raster, radius_m):
    height = layers.raster(raster, geobox, unit="m")
    side = 2 * round(radius_m / resolution(geobox)) + 1
    values = maximum_filter(height, side) - minimum_filter(height, side)
    return to_dataset(geobox, {"relief_m": Variable(values, "m", f"relief within {radius_m} m")})


kind = FeatureKind(
    relief,
    reads={"raster": "raster"},
    words="rise and fall of the ground",
    halo_m=lambda settings: settings["radius_m"],
    units=("m",),
)

area = datasets.tiny()
padded, cells = pad_grid(area.geobox, kind.halo_m({"radius_m": 1500}))
built = kind.build(area.layers, padded, raster="elevation", radius_m=1500)
built = built.isel(y=slice(cells, -cells), x=slice(cells, -cells))
print(built["relief_m"].attrs["words"], "| median", float(np.nanmedian(built["relief_m"])), "m")

built["relief_m"].plot(cmap="cividis", figsize=(5, 4))
plt.gca().set_aspect("equal")
