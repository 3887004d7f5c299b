"""Depth zones along a front line whose drawn position is uncertain."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy.special import erf

from minerisk.features.front.distance import held_side, name_start, position_error
from minerisk.features.front.nearest_segment import nearest_to_cells
from minerisk.features.front.trace import trace_of
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.variable import Variable, to_dataset

Floats = NDArray[np.float64]


def front_zones(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    held_area: str | None = None,
    side_column: str | None = None,
    epoch: str | None = None,
    edges_m: Sequence[float],
) -> xr.Dataset:
    """Compute the share of each cell to be expected in each depth zone along the front line.

    Parameters
    ----------
    layers, geobox, layer, held_area, side_column, epoch
        As in `distance.front_line`; no halo is needed. The layer's positional error, where
        it states one, smears the zones.
    edges_m
        Edges of the zones, ascending, metres from the line.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, 0 to 1: ``front_zone_<begin>_<end>m``; where the side is known instead
        ``front_opposing_<begin>_<end>m``, ``front_held_<begin>_<end>m`` and ``front_held_share``,
        the share to be expected on the held side.
    """
    frame = layers.vector(layer, crs=str(geobox.crs))
    distance = nearest_to_cells(trace_of(frame, name=layer).ends, geobox).distance
    held = held_side(layers, geobox, layer=layer, held_area=held_area, side_column=side_column)
    error_m, cell, start = position_error(layers, layer), resolution(geobox), name_start(epoch)
    off = f", the line being off by {error_m:,g} m (1 sd)" if error_m else ""
    variables = {}
    for begin, end, name in zones(edges_m):
        for side, share in _shares(distance, held, (begin, end), error_m, cell).items():
            on = "" if held is None else f" on the {side} side"
            words = f"expected share of the cell {begin:,g} to {end:,g} m from the front line"
            variables[f"{start}{side}_{name}"] = Variable(share, "1", f"{words}{on}{off}")
    if held is not None:
        behind = share_below(np.where(held, distance, -distance), error_m=error_m, cell_m=cell)
        words = f"expected share of the cell on the held side of the front line{off}"
        variables[f"{start}held_share"] = Variable(as_share(behind), "1", words)
    return to_dataset(geobox, variables)


def zones(edges_m: Sequence[float]) -> list[tuple[float, float, str]]:
    """Return beginning, end and name, such as ``50_150m``, of the zones between ascending edges.

    Examples
    --------
    >>> zones([0, 50, 150])
    [(0, 50, '0_50m'), (50, 150, '50_150m')]
    """
    return [(begin, end, f"{_number(begin)}_{_number(end)}m") for begin, end in pairwise(edges_m)]


def zone_share(
    place: Floats, zone: tuple[float, float], *, error_m: float, cell_m: float
) -> Floats:
    r"""Compute the share of a cell to be expected in a zone, the drawn line being uncertain.

    Parameters
    ----------
    place
        Metres from the line to the cell centre, across the line, positive on the side of the zone.
    zone
        The zone begins and ends this far from the line, metres.
    error_m
        Standard deviation of the line's position across itself, metres; 0 for an exact line.
    cell_m
        Width of the cell across the line, metres; 0 for the chance that its centre lies there.

    Returns
    -------
    ndarray of float64
        0 to 1.

    Notes
    -----
    For a locally straight line and a normal error :math:`e \sim N(0, \sigma^2)` across it, the
    chance that a place at :math:`s` lies in the zone is
    :math:`\Phi((b - s) / \sigma) - \Phi((a - s) / \sigma)`. The chances on both sides add up to
    that of the folded normal (Leone, Nelson and Nottingham 1961,
    doi:10.1080/00401706.1961.10489974). Its mean over the width of the cell follows from
    :math:`\int \Phi(y / \sigma) dy = y \Phi(y / \sigma) + \sigma \varphi(y / \sigma)`.

    Examples
    --------
    A cell of 50 m whose centre lies on the edge of a zone: half of it is inside if the line is
    exact, and less if it may be off by 100 m.

    >>> import numpy as np
    >>> place = np.array([50.0])
    >>> zone_share(place, (50, 150), error_m=0, cell_m=50)
    array([0.5])
    >>> zone_share(place, (50, 150), error_m=100, cell_m=50).round(3)
    array([0.339])
    """
    begin, end = zone
    inner = share_below(begin - place, error_m=error_m, cell_m=cell_m)
    return np.clip(share_below(end - place, error_m=error_m, cell_m=cell_m) - inner, 0.0, 1.0)


def share_below(reach: Floats, *, error_m: float, cell_m: float) -> Floats:
    """Compute the share of a cell to be expected short of a limit `reach` metres from its centre.

    Parameters
    ----------
    reach
        Metres from the cell centre to the limit; negative where the centre lies beyond it.
    error_m, cell_m
        As in `zone_share`.

    Examples
    --------
    >>> import numpy as np
    >>> share_below(np.array([-25.0, 0.0, 10.0, 25.0]), error_m=0, cell_m=50)
    array([0. , 0.5, 0.7, 1. ])
    """
    if cell_m == 0:
        return _chance(reach, error_m)
    half = cell_m / 2.0
    whole = _sum_of_chance(reach + half, error_m) - _sum_of_chance(reach - half, error_m)
    return np.clip(whole / cell_m, 0.0, 1.0)


def as_share(values: Floats) -> NDArray[np.float32]:
    """Bring shares between 0 and 1; what is under a millionth is 0, not the noise of rounding."""
    return np.where(values < 1e-6, 0.0, np.minimum(values, 1.0)).astype(np.float32)


def _shares(
    distance: Floats,
    held: NDArray[np.bool_] | None,
    zone: tuple[float, float],
    error_m: float,
    cell_m: float,
) -> dict[str, NDArray[np.float32]]:
    place = distance if held is None else np.where(held, -distance, distance)
    opposing = zone_share(place, zone, error_m=error_m, cell_m=cell_m)
    behind = zone_share(-place, zone, error_m=error_m, cell_m=cell_m)
    if held is None:
        return {"zone": as_share(opposing + behind)}
    return {"opposing": as_share(opposing), "held": as_share(behind)}


def _chance(y: Floats, error_m: float) -> Floats:
    if error_m == 0:
        return np.where(y > 0, 1.0, 0.0)
    return np.asarray(0.5 * (1.0 + erf(y / (error_m * np.sqrt(2.0)))), dtype=np.float64)


def _sum_of_chance(y: Floats, error_m: float) -> Floats:
    if error_m == 0:
        return np.maximum(y, 0.0)
    density = np.exp(-0.5 * (y / error_m) ** 2) / np.sqrt(2.0 * np.pi)
    return np.asarray(y * _chance(y, error_m) + error_m * density, dtype=np.float64)


def _number(metres: float) -> str:
    return f"{metres:g}".replace(".", "_")
