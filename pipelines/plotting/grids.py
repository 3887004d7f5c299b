"""The rasters of a request as arrays on one grid."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

HEIGHT = "elevation_m"


@dataclass(frozen=True)
class Grids:
    """Arrays on one grid; NaN, or 255 for classes, outside what was asked for.

    Attributes
    ----------
    bands
        Name to array: floats, and ``risk_class`` as uint8.
    geobox
        Where the cells are.
    elevation
        Metres, for the shade of hills; none if the run knows no heights.
    """

    bands: Mapping[str, NDArray[Any]]
    geobox: GeoBox
    elevation: NDArray[np.float32] | None
