"""Where a place lies with respect to the front line."""

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from features.grid import resolution
from features.proximity import distance_to, signed_distance
from features.rasterise import burn_mask
from features.sources import Layers
from features.variable import Variable, to_dataset


def front_line(
    layers: Layers, geobox: GeoBox, *, layer: str, held_area: str | None = None, cap_m: float
) -> xr.Dataset:
    """Give the distance to the front line, and signed by the side that held the land.

    Parameters
    ----------
    layers
        Holds the line and, if named, the polygons of the side that laid the belts.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer, held_area
        Names of the layers.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, metres: ``front_distance_m``; with `held_area` also
        ``front_signed_m``, negative inside the held area and positive on the opposing side; and,
        where the layer states a positional error, ``front_expected_m``.
    """
    crs = str(geobox.crs)
    line = burn_mask(geobox, layers.vector(layer, crs=crs), all_touched=True)
    distance = distance_to(line, resolution_m=resolution(geobox), cap_m=cap_m)
    variables = {
        "front_distance_m": Variable(
            distance, "m", f"distance to the front line, at most {cap_m:g} m"
        )
    }
    if held_area is not None:
        held = burn_mask(geobox, layers.vector(held_area, crs=crs), all_touched=False)
        variables["front_signed_m"] = Variable(
            signed_distance(distance, held),
            "m",
            f"distance to the front line, negative inside {held_area}, at most {cap_m:g} m",
        )
    error_m = getattr(layers.source(layer), "position_error_m", 0.0)
    if error_m > 0:
        variables["front_expected_m"] = Variable(
            expected_distance(distance, error_m=error_m),
            "m",
            f"distance to be expected, the drawn line being off by {error_m:g} m (1 sd)",
        )
    return to_dataset(geobox, variables)


def expected_distance(distance: NDArray[np.float32], *, error_m: float) -> NDArray[np.float32]:
    r"""Give the distance to be expected from a line whose drawn position is uncertain.

    Parameters
    ----------
    distance
        Metres to the drawn line.
    error_m
        Standard deviation of the line's position across itself, metres.

    Returns
    -------
    ndarray of float32
        Metres, never less than `distance`.

    Notes
    -----
    For a locally straight line and an isotropic Gaussian error only the part across the line
    counts, :math:`e \sim N(0, \sigma^2)`, and the mean of the folded normal is

    .. math::
        E|d + e| = \sigma \sqrt{2/\pi} \, e^{-d^2 / 2\sigma^2}
            + d \, \mathrm{erf}(d / \sigma\sqrt 2)

    Leone, Nelson and Nottingham (1961), doi:10.1080/00401706.1961.10489974.
    """
    d = distance.astype(np.float64)
    spread = error_m * np.sqrt(2.0 / np.pi) * np.exp(-(d**2) / (2.0 * error_m**2))
    return (spread + d * erf(d / (error_m * np.sqrt(2.0)))).astype(np.float32)
