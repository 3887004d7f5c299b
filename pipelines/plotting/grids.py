"""What the maps of a run or a request are drawn of, on one grid."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

HEIGHT = "elevation_m"


@dataclass(frozen=True)
class Grids:
    """Arrays on one grid; NaN, or 255 for classes, outside what was asked for.

    Attributes
    ----------
    risk_class
        Codes of risk classes.
    geobox
        Where the cells are.
    probability
        Of contamination; none if it is not there.
    elevation
        Metres, for the shade of hills; none if the run knows no heights.
    """

    risk_class: NDArray[np.uint8]
    geobox: GeoBox
    probability: NDArray[np.float32] | None = None
    elevation: NDArray[np.float32] | None = None
