"""Cells of a run read strip by strip, so that no step need hold every cell of a large area."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import Mask, mask_strips, strips

MOST_SHUFFLED = 50_000_000
"""Cells that are still put in random order as a whole to draw from them: 0.8 GB."""
MOST_DRAWN = 1_600
"""Cells to a side of a picture, at most."""


def values_at(
    variable: xr.DataArray, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[Any]:
    """Read scattered cells of a variable of dimensions ``(y, x)``; see `cells_of_rows`."""
    return cells_of_rows(lambda part: variable[part].to_numpy(), variable.shape, rows, columns)


def cells_of_rows(
    read: Callable[[slice], NDArray[Any]],
    shape: Iterable[int],
    rows: NDArray[np.int64],
    columns: NDArray[np.int64],
) -> NDArray[Any]:
    """Read scattered cells, one strip at a time.

    Parameters
    ----------
    read
        Reads rows of the whole.
    shape
        Height and width of the whole.
    rows, columns
        Of the cells, in any order, shape ``(n,)``.
    """
    order = np.argsort(rows, kind="stable")
    ascending, parts = rows[order], [read(slice(0, 0)).ravel()]
    for strip in strips(shape):
        own = order[slice(*np.searchsorted(ascending, (strip.start, strip.stop)))]
        if own.size:
            parts.append(read(strip)[rows[own] - strip.start, columns[own]])
    ordered = np.concatenate(parts)
    found = np.empty_like(ordered)
    found[order] = ordered
    return found


def draw_cells(
    mask: Mask, sample: int, *, rng: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw up to `sample` of the marked cells, each as likely as the others.

    Returns
    -------
    rows, columns
        In the order of the grid, row by row.
    """
    counts = [np.count_nonzero(part, axis=1) for _, part in mask_strips(mask)]
    before = np.concatenate([[0], np.cumsum(np.concatenate(counts))])
    count = int(before[-1])
    if count <= MOST_SHUFFLED:
        drawn = rng.permutation(count)[:sample]
    else:
        drawn = rng.choice(count, size=min(sample, count), replace=False)
    number = np.sort(drawn)
    rows = np.searchsorted(before, number, side="right") - 1
    columns = np.empty(len(number), dtype=np.int64)
    for strip in strips(mask.shape):
        first, last = np.searchsorted(rows, (strip.start, strip.stop))
        if first < last:  # of the marked cells of the strip, in order, those that were drawn
            _, marked = np.nonzero(mask[strip])
            columns[first:last] = marked[number[first:last] - before[strip.start]]
    return rows, columns


def thinning(shape: tuple[int, ...]) -> int:
    """Compute the step of rows and columns that a picture keeps: 3 keeps every third."""
    return max(1, math.ceil(max(shape) / MOST_DRAWN))


def thinned(read: Callable[[slice], NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
    """Thin cells for a picture, reading them strip by strip.

    Parameters
    ----------
    read
        Reads rows of the whole.
    shape
        Height and width of the whole.

    Returns
    -------
    ndarray
        At most `MOST_DRAWN` cells a side; a cell that is kept keeps its value.
    """
    step = thinning(shape)
    return np.concatenate(
        [  # copies: a view would hold its strip
            read(strip)[-strip.start % step :: step, ::step].copy() for strip in strips(shape)
        ]
    )


def thinned_grid(geobox: GeoBox) -> GeoBox:
    """Return the grid that `thinned` cells are drawn on: the same land, in larger cells."""
    step = thinning(tuple(geobox.shape))
    if step == 1:
        return geobox
    height, width = (math.ceil(size / step) for size in geobox.shape)
    return GeoBox.from_bbox(geobox.boundingbox, geobox.crs, shape=(height, width))
