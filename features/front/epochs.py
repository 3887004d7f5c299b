"""Several front lines: of several years, or drawn by several hands, each for its own land."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.coverage import covered
from minerisk.features.errors import InputError
from minerisk.features.front.distance import expected_distance, name_start, position_error
from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers
from minerisk.features.layers.vectors import areas
from minerisk.features.raster.proximity import distance_to
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, radius_name, to_dataset

Floats = NDArray[np.float32]


class _Line(NamedTuple):
    """The line of an epoch: distance to it, as drawn and as expected, NaN where it is silent."""

    epoch: str
    distance: Floats
    expected: Floats
    error_m: float
    covered: bool


def front_epochs(
    layers: Layers,
    geobox: GeoBox,
    *,
    layer: Mapping[str, str],
    held_area: Mapping[str, str] | None = None,
    near_m: Sequence[float],
    cap_m: float,
) -> xr.Dataset:
    """Compute how far each of several lines is, how far the nearest, and who held the land when.

    Each line speaks only for the land that its layer covers, and is off by the error that its
    layer states. What is said of several goes by those that speak for the cell.

    Parameters
    ----------
    layers
        Holds the lines and, if named, the polygons of the side that laid the belts.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m` and `near_m`.
    layer
        Epoch to the layer of its line.
    held_area
        Epoch to the polygons that one side held then; the same side in all epochs.
    near_m
        Distances within which epochs are counted, metres.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``. By epoch ``front_<epoch>_distance_m`` and, where its layer states a
        positional error, ``front_<epoch>_expected_m``; ``front_nearest_m``, to the nearest of all
        that speak for the cell, and ``front_nearest_expected_m``; by distance
        ``front_epochs_within_<distance>``, the share of the epochs that speak for the cell whose
        line is that near; with `held_area` ``front_held_share``, the share of the epochs in which
        that side held the cell, and, of two or more, ``front_changed_hands``, how often it changed
        hands. NaN where no epoch speaks, and of changes where fewer than two do.

    Raises
    ------
    InputError
        If a held area is named for an epoch without a line.

    Notes
    -----
    Epochs follow each other in the order of their names.
    """
    held_area = held_area or {}
    if unknown := sorted(set(held_area) - set(layer)):
        raise InputError(
            f"held_area names the epochs {unknown}, of which layer has no line; it has "
            f"{sorted(layer)}. Name the same epochs."
        )
    lines = [_line(layers, geobox, epoch, layer[epoch], cap_m) for epoch in sorted(layer)]
    variables = {name: value for line in lines for name, value in _of_one(line, cap_m).items()}
    variables |= _of_all(lines, near_m, cap_m)
    variables |= _sides(layers, geobox, held_area)
    return to_dataset(geobox, variables)


def _line(layers: Layers, geobox: GeoBox, epoch: str, name: str, cap_m: float) -> _Line:
    mask = burn_mask(geobox, layers.vector(name, crs=str(geobox.crs)), all_touched=True)
    distance = distance_to(mask, resolution_m=resolution(geobox), cap_m=cap_m)
    error_m, known = position_error(layers, name), covered(layers, name, geobox)
    expected = expected_distance(distance, error_m=error_m) if error_m > 0 else distance
    if known is not None:
        distance = np.where(known, distance, np.float32(np.nan))
        expected = np.where(known, expected, np.float32(np.nan))
    return _Line(epoch, distance, expected, error_m, known is not None)


def _of_one(line: _Line, cap_m: float) -> dict[str, Variable]:
    start, when = name_start(line.epoch), line.epoch.replace("_", " ")
    words = f"distance to the front line of {when}, at most {cap_m:,g} m"
    found = {f"{start}distance_m": Variable(line.distance, "m", words, covered=line.covered)}
    if line.error_m > 0:
        off = f"the drawn line being off by {line.error_m:,g} m (1 sd)"
        words = f"distance to be expected to the front line of {when}, {off}"
        found[f"{start}expected_m"] = Variable(line.expected, "m", words, covered=line.covered)
    return found


def _of_all(lines: Sequence[_Line], near_m: Sequence[float], cap_m: float) -> dict[str, Variable]:
    partly, most = any(line.covered for line in lines), f"at most {cap_m:,g} m"
    distance = np.stack([line.distance for line in lines])
    words = f"distance to the nearest front line of any epoch that is known here, {most}"
    nearest = np.fmin.reduce(distance)
    found = {"front_nearest_m": Variable(nearest, "m", words, covered=partly)}
    if any(line.error_m > 0 for line in lines):
        expected = np.fmin.reduce([line.expected for line in lines])
        words = "distance to be expected to the nearest front line that is known here"
        found["front_nearest_expected_m"] = Variable(expected, "m", words, covered=partly)
    known = np.isfinite(distance)
    for near in near_m:
        share = _share(distance <= near, known)
        words = f"share of the epochs known here whose front line is within {near:,g} m"
        found[f"front_epochs_within_{radius_name(near)}"] = Variable(
            share, "1", words, covered=partly
        )
    return found


def _sides(layers: Layers, geobox: GeoBox, held_area: Mapping[str, str]) -> dict[str, Variable]:
    if not held_area:
        return {}
    held, known = [], []
    for epoch in sorted(held_area):
        area = held_area[epoch]
        polygons = areas(layers.vector(area, crs=str(geobox.crs)), name=area)
        held.append(burn_mask(geobox, polygons, all_touched=False))
        speaks = covered(layers, area, geobox)
        known.append(np.ones(tuple(geobox.shape), dtype=bool) if speaks is None else speaks)
    there, sides = np.stack(known), np.stack(held)
    partly = any(layers.source(area).coverage is not None for area in held_area.values())
    words = "share of the epochs known here in which the side of the held areas held it"
    found = {"front_held_share": Variable(_share(sides, there), "1", words, covered=partly)}
    if len(held_area) > 1:
        words = "how often it changed hands between the epochs known here"
        found["front_changed_hands"] = Variable(_changes(sides, there), "1", words, covered=partly)
    return found


def _share(true: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    """Compute the share of what is known that is true; NaN where nothing is known."""
    count = known.sum(axis=0)
    share = (true & known).sum(axis=0) / np.maximum(count, 1)
    return np.where(count > 0, share, np.nan).astype(np.float32)


def _changes(side: NDArray[np.bool_], known: NDArray[np.bool_]) -> Floats:
    """Count how often the side differs from that of the last epoch that is known."""
    last, seen = side[0].copy(), known[0].copy()
    changes = np.zeros(side.shape[1:], dtype=np.float32)
    for now in range(1, len(side)):
        both = seen & known[now]
        changes += both & (side[now] != last)
        last = np.where(known[now], side[now], last)
        seen |= known[now]
    return np.where(known.sum(axis=0) > 1, changes, np.nan).astype(np.float32)
