"""What a feature hands over: values on a grid, their unit and what they mean."""

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import cell_centres


class Variable(NamedTuple):
    """One feature.

    Attributes
    ----------
    values
        Of shape ``(height, width)``.
    unit, words
        Their unit, and plain words.
    disc_m
        Radius of the disc whose ground is summed up in a value, metres: told only where all of it
        is known. 0 for what is read at the cell, or of the nearest of something.
    covered
        Whether it is nodata where a layer does not speak (see `minerisk.features.coverage`).
    """

    values: NDArray[np.floating]
    unit: str
    words: str
    disc_m: float = 0.0
    covered: bool = False


def to_dataset(geobox: GeoBox, variables: Mapping[str, Variable]) -> xr.Dataset:
    """Put variables of one grid into a float32 dataset ``(y, x)`` with cell-centre coordinates."""
    easting, northing = cell_centres(geobox)
    arrays = {
        name: (
            ("y", "x"),
            np.asarray(variable.values, dtype=np.float32),
            {
                "unit": variable.unit,
                "words": variable.words,
                "disc_m": float(variable.disc_m),
                "covered": int(variable.covered),
            },
        )
        for name, variable in variables.items()
    }
    return xr.Dataset(arrays, coords={"y": northing, "x": easting})


def radius_name(radius_m: float) -> str:
    """Write a radius as it stands in a variable's name, such as ``500m``."""
    return f"{radius_m:g}".replace(".", "_") + "m"
