"""Where a layer speaks, and where that nothing is drawn says nothing."""

from collections.abc import Sequence

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import resolution
from minerisk.features.layers.sources import Layers, RasterSource
from minerisk.features.raster.proximity import (
    disc_half_widths,
    disc_sum,
    distance_to,
    signed_distance,
)
from minerisk.features.raster.rasterise import burn_mask
from minerisk.features.variable import Variable, to_dataset

EDGE_M = "cover_edge_m"
LINES_KNOWN = "lines_known"
NO_LINE, SOME_LINES, EVERY_LINE = 0, 1, 2
"""Values of `LINES_KNOWN`."""


def covered(layers: Layers, name: str, geobox: GeoBox) -> NDArray[np.bool_] | None:
    """Mark the cells that a layer speaks for.

    Returns
    -------
    ndarray of bool, shape (height, width), or None
        Cells whose centre the cover holds, or that have a value where it is that of a raster;
        None where the layer states no coverage: it is taken to speak everywhere.
    """
    coverage = layers.source(name).coverage
    if coverage is None:
        return None
    raster = name if coverage.valid_cells else coverage.layer
    if raster is not None and isinstance(layers.source(raster), RasterSource):
        return np.isfinite(layers.raster(raster, geobox))
    frame = layers.cover(name, crs=str(geobox.crs))
    return burn_mask(geobox, frame, all_touched=False)


def covered_by_all(
    layers: Layers, names: Sequence[str], geobox: GeoBox
) -> NDArray[np.bool_] | None:
    """Mark the cells that every layer speaks for; None where no layer states a coverage."""
    stated = [known for name in names if (known := covered(layers, name, geobox)) is not None]
    return np.logical_and.reduce(stated) if stated else None


def within_cover(dataset: xr.Dataset, cover: NDArray[np.bool_], *, cell_m: float) -> xr.Dataset:
    """Leave nodata where a layer says nothing.

    Parameters
    ----------
    dataset
        Variables ``(y, x)`` with ``disc_m`` (see `minerisk.features.variable.Variable`).
    cover
        True where all layers speak, shape ``(height, width)``.
    cell_m
        Cell size, metres.

    Returns
    -------
    Dataset
        NaN off the cover; and what sums up a disc also where the disc reaches off the cover: less
        than all of it would read as less of the thing.
    """
    kept = {}
    for name, variable in dataset.data_vars.items():
        radius = float(variable.attrs["disc_m"])
        known = cover
        if radius >= cell_m:
            disc = disc_half_widths(radius, resolution_m=cell_m)
            known = disc_sum((~cover).astype(np.int64), disc) == 0
        kept[name] = variable.where(known).assign_attrs(variable.attrs, covered=1)
    return dataset.assign(kept)


def cover(
    layers: Layers, geobox: GeoBox, *, layer: Sequence[str], lines: Sequence[str], cap_m: float
) -> xr.Dataset:
    """Compute how far the edge of the cover is, and whether lines are known. Not for a model.

    Parameters
    ----------
    layers
        Holds the layers.
    geobox
        North-up grid in metres, wider than the area asked for by `cap_m`.
    layer
        Layers that state a coverage.
    lines
        Layers of front lines or positions, whether they state one or not.
    cap_m
        Distances beyond this read as this, metres.

    Returns
    -------
    Dataset
        float32 ``(y, x)``: ``cover_edge_m``, metres to the edge of the land that any of `layer`
        speaks for, negative outside; and, where there are lines, ``lines_known``: 2 where every
        one speaks, 1 where some do, 0 where none does.
    """
    stated = [known for name in layer if (known := covered(layers, name, geobox)) is not None]
    any_speaks = np.logical_or.reduce(stated)
    cell = resolution(geobox)
    away = distance_to(any_speaks, resolution_m=cell, cap_m=cap_m)
    inward = distance_to(~any_speaks, resolution_m=cell, cap_m=cap_m)
    edge = signed_distance(np.maximum(away, inward), ~any_speaks)
    variables = {EDGE_M: Variable(edge, "m", "distance to the edge of the cover, negative outside")}
    if lines:
        speaking = [_everywhere(covered(layers, name, geobox), geobox) for name in lines]
        count = np.sum(speaking, axis=0)
        code = np.where(count == len(lines), EVERY_LINE, np.where(count, SOME_LINES, NO_LINE))
        words = "2 where every line speaks, 1 where some do, 0 where none does"
        variables[LINES_KNOWN] = Variable(code.astype(np.float32), "1", words)
    return to_dataset(geobox, variables)


def _everywhere(known: NDArray[np.bool_] | None, geobox: GeoBox) -> NDArray[np.bool_]:
    return np.ones(tuple(geobox.shape), dtype=bool) if known is None else known
