"""The grid of a run by blocks of rows, so that no step need hold every cell of a large area."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.grid import Mask, mask_strips

ROWS = 512
"""Rows of a block: whole chunks of every store."""
MOST_SHUFFLED = 50_000_000
"""Cells that are still put in random order as a whole to draw from them: 0.8 GB."""
MOST_DRAWN = 1_600
"""Cells to a side of a picture, at most."""


def row_blocks(height: int) -> Iterator[slice]:
    """Yield the rows of each block, from north to south."""
    for row in range(0, height, ROWS):
        yield slice(row, min(row + ROWS, height))


def values_at(
    variable: xr.DataArray, rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[Any]:
    """Read scattered cells of a variable, one block at a time.

    Parameters
    ----------
    variable
        Dimensions ``(y, x)``, opened lazily.
    rows, columns
        Of the cells, shape ``(n,)``; rows ascend, as `numpy.nonzero` gives them.
    """
    found = np.empty(len(rows), dtype=variable.dtype)
    for block in row_blocks(variable.sizes["y"]):
        first, last = np.searchsorted(rows, (block.start, block.stop))
        if first < last:
            values = variable[block].to_numpy()
            found[first:last] = values[rows[first:last] - block.start, columns[first:last]]
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
    for strip in row_blocks(mask.shape[0]):
        first, last = np.searchsorted(rows, (strip.start, strip.stop))
        if first < last:  # of the marked cells of the strip, in order, those that were drawn
            _, marked = np.nonzero(mask[strip])
            columns[first:last] = marked[number[first:last] - before[strip.start]]
    return rows, columns


def thinning(shape: tuple[int, ...]) -> int:
    """Compute the step of rows and columns that a picture keeps: 3 keeps every third."""
    return max(1, math.ceil(max(shape) / MOST_DRAWN))


def thinned(read: Callable[[slice], NDArray[Any]], shape: tuple[int, ...]) -> NDArray[Any]:
    """Thin cells for a picture, reading them by blocks of rows.

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
        [  # copies: a view would hold its block
            read(block)[-block.start % step :: step, ::step].copy()
            for block in row_blocks(shape[0])
        ]
    )


def thinned_grid(geobox: GeoBox) -> GeoBox:
    """Return the grid that `thinned` cells are drawn on: the same land, in larger cells."""
    step = thinning(tuple(geobox.shape))
    if step == 1:
        return geobox
    height, width = (math.ceil(size / step) for size in geobox.shape)
    return GeoBox.from_bbox(geobox.boundingbox, geobox.crs, shape=(height, width))
