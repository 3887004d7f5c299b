"""Where water gathers: the topographic wetness index, its catchment cut at a radius."""

from collections.abc import Sequence

import numba
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.terrain.terrain import derivatives
from minerisk.features.variable import Variable, radius_name, to_dataset

LEAST_GRADIENT = 0.001
"""Flatter ground counts as this steep, so that the index stays finite."""

_EXPONENT = 1.1
_ROWS = np.array([-1, -1, 0, 1, 1, 1, 0, -1])
_COLUMNS = np.array([0, 1, 1, 1, 0, -1, -1, -1])


def wetness(layers: Layers, geobox: GeoBox, *, layer: str, radii_m: Sequence[float]) -> xr.Dataset:
    r"""Compute the topographic wetness index, counting water from no farther than each radius.

    Parameters
    ----------
    layers
        Holds `layer`, a raster of elevations in metres.
    geobox
        North-up grid in metres; wider than the area asked for by the greatest radius.
    layer
        Name of the elevation layer.
    radii_m
        How far water is followed, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``wetness_<radius>``, :math:`\ln(a / \tan\beta)`.

    Notes
    -----
    Beven and Kirkby (1979), doi:10.1080/02626667909491834. The area that drains through a cell
    has no bound, so no tile could know it; here :math:`a` counts the rain that arrives within
    ``radius / cell size`` steps, metres of catchment for a metre of contour. Hollows are not
    filled: water that reaches one stays there.
    """
    elevation, cell = layers.raster(layer, geobox, unit="m"), resolution(geobox)
    slope = derivatives(elevation, resolution_m=cell)[0]
    gradient = np.maximum(np.tan(np.radians(slope.astype(np.float64))), LEAST_GRADIENT)
    variables = {}
    for radius in radii_m:
        cells = gathered_cells(elevation, steps=int(radius / cell + 1e-9))
        variables[f"wetness_{radius_name(radius)}"] = Variable(
            np.log(cells * cell / gradient).astype(np.float32),
            "1",
            f"where water gathers from up to {radius:,g} m and stands: high on wet valley floors",
            disc_m=radius,
        )
    return to_dataset(geobox, variables)


def gathered_cells(elevation: NDArray[np.float32], *, steps: int) -> NDArray[np.float64]:
    """Follow the rain of every cell downhill for some steps, and count what passes each cell.

    Parameters
    ----------
    elevation
        Metres, shape ``(height, width)``.
    steps
        How many cells water moves.

    Returns
    -------
    ndarray of float64, shape (height, width)
        Cells of rain, at least the cell's own 1; NaN where there is no height.

    Notes
    -----
    Water is shared among all lower neighbours by their gradient to the power 1.1; Freeman (1991),
    doi:10.1016/0098-3004(91)90048-I. Each step adds eight neighbours in one order, so a tile with
    a halo of `steps` and one cell holds the bits of the whole.

    Examples
    --------
    Down a straight slope each cell passes on the rain of all above it, as far as it is followed.

    >>> import numpy as np
    >>> gathered_cells(np.float32([[40, 30, 20, 10]]), steps=2)
    array([[1., 2., 3., 3.]])
    """
    heights = np.ascontiguousarray(elevation, dtype=np.float32)
    total = _gather(_shares(heights), steps)
    return np.where(np.isnan(heights), np.nan, total)


@numba.njit(cache=True, error_model="numpy")
def _shares(z):  # type: ignore[no-untyped-def]
    """Share of a cell's water that goes to each of its eight neighbours."""
    height, width = z.shape
    shares = np.zeros((height, width, 8), dtype=np.float32)
    for i in range(height):
        for j in range(width):
            total = 0.0
            for k in range(8):
                row, column = i + _ROWS[k], j + _COLUMNS[k]
                if row < 0 or row >= height or column < 0 or column >= width:
                    continue
                fall = np.float64(z[i, j]) - np.float64(z[row, column])
                if fall > 0:
                    share = (fall / np.sqrt(2.0) if k % 2 else fall) ** _EXPONENT
                    shares[i, j, k] = share
                    total += share
            if total > 0:
                for k in range(8):
                    shares[i, j, k] /= total
    return shares


@numba.njit(cache=True)
def _gather(shares, steps):  # type: ignore[no-untyped-def]
    height, width, _ = shares.shape
    total = np.ones((height, width))
    moving, arriving = np.ones((height, width)), np.empty((height, width))
    for _step in range(steps):
        for i in range(height):
            for j in range(width):
                flow = 0.0
                for k in range(8):
                    row, column = i + _ROWS[k], j + _COLUMNS[k]
                    if 0 <= row < height and 0 <= column < width:
                        flow += moving[row, column] * shares[row, column, (k + 4) % 8]
                arriving[i, j] = flow
                total[i, j] += flow
        moving, arriving = arriving, moving
    return total
