"""What a feature hands over: values on a grid, their unit and what they mean."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import cell_centres


class Variable(NamedTuple):
    """One feature: values of shape ``(height, width)``, their unit, and plain words."""

    values: NDArray[np.floating]
    unit: str
    words: str


def to_dataset(geobox: GeoBox, variables: Mapping[str, Variable]) -> xr.Dataset:
    """Put variables of one grid into a float32 dataset ``(y, x)`` with cell-centre coordinates."""
    easting, northing = cell_centres(geobox)
    arrays = {
        name: (
            ("y", "x"),
            np.asarray(variable.values, dtype=np.float32),
            {"unit": variable.unit, "words": variable.words},
        )
        for name, variable in variables.items()
    }
    return xr.Dataset(arrays, coords={"y": northing, "x": easting})


def radius_name(radius_m: float) -> str:
    """Write a radius as it stands in a variable's name, such as ``500m``."""
    return f"{radius_m:g}".replace(".", "_") + "m"
