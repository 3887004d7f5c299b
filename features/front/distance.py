"""Where a place lies with respect to the front line."""

from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from minerisk.features.errors import InputError
from minerisk.features.front.nearest_segment import cell_places, nearest_to_cells
from minerisk.features.front.trace import left_of, to_nearer_end, trace_of
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import distance_to, signed_distance
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, to_dataset


def front_line(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    held_area: str | None = None,
    side_column: str | None = None,
    epoch: str | None = None,
    along: bool = False,
    cap_m: float,
) -> xr.Dataset:
    """Compute the distance to the front line, and signed by the side that held the land.

    Parameters
    ----------
    layers
        Holds the line and, if named, the polygons of the side that laid the belts.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer, held_area
        Names of the layers.
    side_column
        Instead of `held_area`: column of `layer` with ``left`` or ``right``, the side of the line,
        as it was drawn, on which they held the land.
    epoch
        Stands in the names after ``front_``, so that lines of several epochs do not collide.
    along
        Also give the distance along the line to the nearer end of its piece. It comes close to
        naming the place, which a model may learn by heart.
    cap_m
        Distances from the line beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, metres: ``front_distance_m``; where the side is known also
        ``front_signed_m``, negative on the held side and positive on the opposing side; where the
        layer states a positional error, ``front_expected_m``; and with `along` ``front_to_end_m``,
        on a closed line half its length.
    """
    frame, start = layers.vector(layer, crs=str(geobox.crs)), name_start(epoch)
    line = burn_mask(geobox, frame, all_touched=True)
    distance = distance_to(line, resolution_m=resolution(geobox), cap_m=cap_m)
    most = f"at most {cap_m:,g} m"
    variables = {
        f"{start}distance_m": Variable(distance, "m", f"distance to the front line, {most}")
    }
    held = held_side(layers, geobox, layer=layer, held_area=held_area, side_column=side_column)
    if held is not None:
        where = f"inside {held_area}" if held_area else "on the held side"
        words = f"distance to the front line, negative {where}, {most}"
        variables[f"{start}signed_m"] = Variable(signed_distance(distance, held), "m", words)
    error_m = position_error(layers, layer)
    if error_m > 0:
        words = f"distance to be expected, the drawn line being off by {error_m:,g} m (1 sd)"
        expected = expected_distance(distance, error_m=error_m)
        variables[f"{start}expected_m"] = Variable(expected, "m", words)
    if along:
        trace = trace_of(frame, name=layer)
        ends = to_nearer_end(trace, nearest_to_cells(trace.ends, geobox)).astype(np.float32)
        words = "distance along the front line to the nearer end of its piece"
        variables[f"{start}to_end_m"] = Variable(ends, "m", words)
    return to_dataset(geobox, variables)


def held_side(
    layers: Layers, geobox: GeoBox, *, layer: str, held_area: str | None, side_column: str | None
) -> NDArray[np.bool_] | None:
    """Mark the cells on the side that laid the belts.

    Parameters
    ----------
    layers, geobox, layer, held_area, side_column
        As in `front_line`. No halo is needed.

    Returns
    -------
    ndarray of bool, shape (height, width), or None
        None where neither `held_area` nor `side_column` is named.

    Raises
    ------
    InputError
        If both are named.
    """
    check_side(layer, held_area=held_area, side_column=side_column)
    crs = str(geobox.crs)
    if held_area is not None:
        return burn_mask(
            geobox, areas(layers.vector(held_area, crs=crs), name=held_area), all_touched=False
        )
    if side_column is None:
        return None
    trace = trace_of(layers.vector(layer, crs=crs), name=layer, side_column=side_column)
    nearest, (easting, northing) = nearest_to_cells(trace.ends, geobox), cell_places(geobox)
    left = left_of(trace, nearest, easting[None, :], northing[:, None])
    held: NDArray[np.bool_] = left == trace.held_left[nearest.segment]
    return held


def check_side(layer: str, *, held_area: str | None, side_column: str | None) -> None:
    """Raise InputError where the side of a line is given twice."""
    if held_area is not None and side_column is not None:
        raise InputError(
            f"The side of {layer} is given twice, by held_area {held_area} and by side_column "
            f"{side_column}. Name one of them."
        )


def position_error(layers: Layers, layer: str) -> float:
    """Return the stated positional error of a layer, metres; 0 if none is stated."""
    return float(getattr(layers.source(layer), "position_error_m", 0.0))


def name_start(epoch: str | None) -> str:
    """Return what the names of the variables of an epoch start with."""
    return "front_" if epoch is None else f"front_{epoch}_"


def expected_distance(distance: NDArray[Any], *, error_m: float) -> NDArray[np.float32]:
    r"""Compute the distance to be expected from a line whose drawn position is uncertain.

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

    Examples
    --------
    On the drawn line itself the true line is most probably some way off; far from it the error
    cancels out.

    >>> import numpy as np
    >>> expected_distance(np.array([0.0, 500.0, 5_000.0]), error_m=1_000).round()
    array([ 798.,  896., 5000.], dtype=float32)
    """
    d = distance.astype(np.float64)
    spread = error_m * np.sqrt(2.0 / np.pi) * np.exp(-(d**2) / (2.0 * error_m**2))
    return np.asarray(spread + d * erf(d / (error_m * np.sqrt(2.0))), dtype=np.float32)
