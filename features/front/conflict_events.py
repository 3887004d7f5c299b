"""Where people fought, as lists of events say: no nearer to a place than the list knows."""

import datetime as dt
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import geopandas as gpd
import numpy as np
import shapely
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.front.distance import position_error
from minerisk.features.front.nearest_segment import cell_places
from minerisk.features.layers.sources import Layers
from minerisk.features.variable import Variable, radius_name, to_dataset
from minerisk.features.vector_files.columns import NumberColumn, TypeColumn, column_of, text_of
from minerisk.features.vector_files.dates import day_number
from minerisk.features.vector_files.kept_rows import KeepValue

REACH = 4.0
"""An event counts as far off as this many standard deviations of where it may have been."""
Floats = NDArray[np.float64]


class _Events(NamedTuple):
    """Events: where, how far off they may be (1 sd along each axis), and what each counts."""

    easting: Floats
    northing: Floats
    error_m: Floats
    counts: dict[str, tuple[Floats, str]]


def conflict_events(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: str,
    decay_m: Sequence[float],
    precision_column: str | None = None,
    precision_m: Mapping[int | str, float] | None = None,
    type_column: str | None = None,
    types: Mapping[str, Sequence[KeepValue]] | None = None,
    periods: Mapping[str, tuple[dt.date, dt.date]] | None = None,
    deaths_column: str | None = None,
) -> xr.Dataset:
    r"""Compute how many events of war there were around, by kind and by period.

    Parameters
    ----------
    layers
        Holds `layer`: events, as points (others count at a point that lies on them).
    geobox
        North-up grid in metres; no halo is needed.
    layer
        Name of the layer.
    decay_m
        How fast an event fades with the distance, metres: standard deviation of a Gaussian.
    precision_column, precision_m
        Column with how well the place of an event is known, and by value the radius in which the
        event was, metres. Events of other values are left out: known to a province, an event says
        nothing of a valley. Without them the layer's positional error counts.
    type_column, types
        Column of the layer, and by name of a type its values: each is told apart, beside all.
    periods
        Name of a period to its first and last day. An event dated to a month or a year counts by
        the share of its days that lie in the period, one without a date in none.
    deaths_column
        Also give the deaths, summed as the events are. An event without a number adds none.

    Returns
    -------
    Dataset
        float32 ``(y, x)``, per square kilometre: by distance ``events_<layer>_<decay>``, the same
        of each type and period as ``events_<layer>_<name>_<decay>``, and
        ``deaths_<layer>_<decay>``.

    Raises
    ------
    InputError
        If a column is missing or cannot be read, types or precisions lack their column or the
        other way round, no event is left, or periods are asked for and the layer has no dates.

    Notes
    -----
    An event known within a radius :math:`R` lies anywhere in that disc. With the Gaussian of the
    decay :math:`s` its density is a Gaussian too, whose variance along each axis is
    :math:`s^2 + R^2/4`, a disc's own being :math:`R^2/4`; with a positional error :math:`\sigma`
    it is :math:`s^2 + \sigma^2`. Each event adds up to 1 over all land, however well it is known.
    """
    frame = layers.vector(layer, crs=str(geobox.crs))
    frame, error_m = _placed(layers, frame, layer, precision_column, precision_m or {})
    counts = {layer: (np.ones(len(frame)), f"number of {layer}")}
    counts |= _of_types(frame, layer, type_column, types or {})
    counts |= _of_periods(layers, frame, layer, periods or {})
    points = shapely.point_on_surface(np.asarray(frame.geometry.array, dtype=object))
    events = _Events(shapely.get_x(points), shapely.get_y(points), error_m, counts)
    variables = {
        f"events_{name}_{radius_name(decay)}": _variable(geobox, events, weight, what, decay)
        for name, (weight, what) in counts.items()
        for decay in decay_m
    }
    if deaths_column is not None:
        deaths = NumberColumn(deaths_column, "deaths_column", least=0.0).read(frame, layer)
        weight, what = np.nan_to_num(deaths, nan=0.0), f"deaths in {layer}"
        for decay in decay_m:
            name = f"deaths_{layer}_{radius_name(decay)}"
            variables[name] = _variable(geobox, events, weight, what, decay)
    return to_dataset(geobox, variables)


def spread(
    geobox: GeoBox, places: tuple[Floats, Floats], weight: Floats, sd_m: Floats
) -> NDArray[np.float32]:
    """Sum Gaussians around places, each of its own width and weight, per square kilometre.

    Parameters
    ----------
    geobox
        North-up grid in metres.
    places
        Easting and northing, shapes ``(n,)``.
    weight, sd_m
        What each adds up to over all land, and its standard deviation along each axis, metres.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 farther than `REACH` standard deviations east, west, north or south of every place.

    Examples
    --------
    One event in the middle of a cell of 1 km, known to be there give or take 2 km.

    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 501_000, 4_401_000)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=1_000)
    >>> place = np.array([500_500.0]), np.array([4_400_500.0])
    >>> spread(geobox, place, np.array([1.0]), np.array([2_000.0])).round(4)
    array([[0.0398]], dtype=float32)
    """
    easting, northing = cell_places(geobox)
    out = np.zeros((len(northing), len(easting)))
    # Many events are told of the same town: each place once, always in the same order.
    keys, index = np.unique(np.stack([*places, sd_m], axis=1), axis=0, return_inverse=True)
    total = np.bincount(index.reshape(-1), weight, minlength=len(keys))
    for (east, north, sd), amount in zip(keys, total, strict=True):
        columns = np.flatnonzero(np.abs(easting - east) <= REACH * sd)
        rows = np.flatnonzero(np.abs(northing - north) <= REACH * sd)
        if amount == 0 or not (len(columns) and len(rows)):
            continue
        across = np.exp(-0.5 * ((easting[columns] - east) / sd) ** 2)
        along = np.exp(-0.5 * ((northing[rows] - north) / sd) ** 2)
        part = out[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
        part += (amount * 1e6 / (2.0 * np.pi * sd**2)) * along[:, None] * across
    return out.astype(np.float32)


def _variable(geobox: GeoBox, events: _Events, weight: Floats, what: str, decay: float) -> Variable:
    sd = np.hypot(events.error_m, decay)
    density = spread(geobox, (events.easting, events.northing), weight, sd)
    words = (
        f"{what} per square kilometre, fading over {decay:,g} m, spread as far as they are known"
    )
    return Variable(density, "1/km2", words, disc_m=decay)


def _placed(
    layers: Layers,
    frame: gpd.GeoDataFrame,
    layer: str,
    column: str | None,
    radii: Mapping[int | str, float],
) -> tuple[gpd.GeoDataFrame, Floats]:
    """Return the events whose place is known well enough, and how far off each may be."""
    if (column is None) != (not radii):
        raise InputError(
            f"conflict_events of {layer}: precision_column is {column!r} and precision_m "
            f"{dict(radii)!r}; expected both or neither."
        )
    if column is None:
        return frame, np.full(len(frame), position_error(layers, layer))
    known = {text_of(value): metres / 2.0 for value, metres in radii.items()}
    classes = column_of(frame, layer, column, setting="precision_column").map(text_of)
    error_m = classes.map(known).to_numpy(dtype=np.float64)
    kept = np.isfinite(error_m)
    if not kept.any():
        raise InputError(
            f"No event of the layer {layer} has a value of precision_m ({sorted(known)}) in its "
            f"column {column}; it has {sorted(set(classes))[:10]}. Correct precision_m."
        )
    return frame[kept], np.asarray(error_m[kept], dtype=np.float64)


def _of_types(
    frame: gpd.GeoDataFrame,
    layer: str,
    column: str | None,
    types: Mapping[str, Sequence[KeepValue]],
) -> dict[str, tuple[Floats, str]]:
    if (column is None) != (not types):
        raise InputError(
            f"conflict_events of {layer}: type_column is {column!r} and types {dict(types)!r}; "
            "expected both or neither."
        )
    if column is None:
        return {}
    numbered = frame.assign(_row=np.arange(len(frame)))
    found = {}
    for name, own in TypeColumn(column, types).read(numbered, layer).items():
        weight = np.zeros(len(frame))
        weight[own["_row"].to_numpy()] = 1.0
        found[f"{layer}_{name}"] = weight, f"number of {layer} of the type {name}"
    return found


def _of_periods(
    layers: Layers,
    frame: gpd.GeoDataFrame,
    layer: str,
    periods: Mapping[str, tuple[dt.date, dt.date]],
) -> dict[str, tuple[Floats, str]]:
    if not periods:
        return {}
    days = layers.days(layer, frame)
    if days is None:
        raise InputError(
            f"conflict_events of {layer} asks for periods, but the layer has no date_column. "
            "State it, or leave periods out."
        )
    found = {}
    for name, (first, last) in periods.items():
        begin = np.maximum(days.first, day_number(first))
        end = np.minimum(days.last, day_number(last))
        share = np.maximum(end - begin + 1.0, 0.0) / (days.last - days.first + 1.0)
        weight = np.nan_to_num(share, nan=0.0)
        found[f"{layer}_{name}"] = weight, f"number of {layer} from {first} to {last}"
    return found
