"""The new land of a transfer: what the model makes of each cell, kept on disk strip by strip."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.types import AnyArray

from minerisk.features.coverage import EDGE_M
from minerisk.features.cube.zarr_files import remove_store
from minerisk.features.grid import Mask, mask_strips, strips
from minerisk.models.elsewhere import TransferredModel
from minerisk.models.order_statistics import no_values
from minerisk.pipelines.predict.bands import DISSIMILARITY, PROBABILITY
from minerisk.pipelines.predict.tiles import CHUNK, TILE
from minerisk.pipelines.predict.window import whole_window
from minerisk.pipelines.prepare.cover import EDGE_CAP_M
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.transfer.record import Had

LOG_ODDS, APPLICABLE, RANK = "log_odds", "applicable", "rank"
_STORED = {
    LOG_ODDS: "float64",
    PROBABILITY: "float64",
    DISSIMILARITY: "float32",
    APPLICABLE: "uint8",
    RANK: "float32",
}


@dataclass(frozen=True)
class NewLand:
    """The new land, read rows at a time.

    Attributes
    ----------
    inside
        The study area.
    stored
        Arrays on disk of shape ``(height, width)``: what a `TransferredScore` has, and the rank of
        the land that the model can speak for: 100 is put first, equal scores share the middle of
        their ranks. NaN, or 0 for ``applicable``, where there is none.
    cells, spoken
        Cells of the study area, and those for which the model can speak.
    """

    inside: Mask
    stored: Mapping[str, AnyArray]
    cells: int
    spoken: int

    def read(self, name: str, rows: slice) -> NDArray[np.floating]:
        """Read rows of what is stored."""
        return np.asarray(self.stored[name][rows])

    def applicable(self, rows: slice) -> NDArray[np.bool_]:
        """Mark the cells for which the model can speak."""
        return self.read(APPLICABLE, rows).astype(bool)


@contextmanager
def scored_land(
    made: Run,
    model: TransferredModel,
    had: Mapping[str, Had],
    *,
    edge_m: float | None,
    store: Path,
) -> Iterator[NewLand]:
    """Score every cell of a new study area and rank them, strip by strip.

    Parameters
    ----------
    made
        Its cube and labels.
    model
        The model of the other run.
    had
        Column to whether it can be had: one that is silent is missing throughout.
    edge_m
        Distance to the edge of the cover, where the cube has none; None where it has, or the model
        reads none.
    store
        Folder for the scores, removed in the end.
    """
    cube = made.cube()
    inside = whole_window(cube).asked
    try:
        stored = _begun(store, inside.shape)
        cells = spoken = 0
        for rows, asked in mask_strips(inside):
            for left in range(0, asked.shape[1], TILE):
                window = (rows, slice(left, left + TILE))
                here = asked[:, window[1]]
                part = cube.isel(y=rows, x=window[1])
                if here.any():
                    known = _columns(part, model, had, here, edge_m)
                    spoken += _store_scores(stored, window, here, model, known)
            cells += int(asked.sum())
        land = NewLand(inside, stored, cells, spoken)
        _store_ranks(land)
        yield land
    finally:
        remove_store(store)


def _begun(store: Path, shape: tuple[int, ...]) -> dict[str, AnyArray]:
    """Create the store with nothing scored yet."""
    remove_store(store)
    group = zarr.open_group(store, mode="w", zarr_format=3)
    return {
        name: group.create_array(
            name,
            shape=shape,
            chunks=tuple(min(CHUNK, size) for size in shape),
            dtype=dtype,
            fill_value=0 if name == APPLICABLE else np.nan,
        )
        for name, dtype in _STORED.items()
    }


def _columns(
    part: xr.Dataset,
    model: TransferredModel,
    had: Mapping[str, Had],
    asked: NDArray[np.bool_],
    edge_m: float | None,
) -> pd.DataFrame:
    """Read the columns of the model that the new land has."""
    count, cells = int(asked.sum()), {}
    for name in model.model.features:
        if name == EDGE_M and edge_m is not None:
            cells[name] = np.full(count, edge_m, dtype=np.float32)
        elif had.get(name) is Had.SILENT:
            cells[name] = np.full(count, np.nan, dtype=np.float32)
        elif name not in model.lacking:
            cells[name] = part[name].to_numpy()[asked]
    return pd.DataFrame(cells)


def _store_scores(
    stored: Mapping[str, AnyArray],
    window: tuple[slice, slice],
    asked: NDArray[np.bool_],
    model: TransferredModel,
    cells: pd.DataFrame,
) -> int:
    """Score the cells of a window; count those for which the model can speak."""
    found = model.score(cells)
    for name in (LOG_ODDS, PROBABILITY, DISSIMILARITY, APPLICABLE):
        array = stored[name]
        values = np.full(asked.shape, array.fill_value, dtype=array.dtype)
        values[asked] = getattr(found, name)
        array[window] = values
    return int(found.applicable.sum())


def _store_ranks(land: NewLand) -> None:
    """Rank the land that the model can speak for, past very many scores those alike as one."""

    def told(rows: slice) -> tuple[NDArray[np.bool_], NDArray[np.float64]]:
        log_odds = land.read(LOG_ODDS, rows)
        chosen = land.applicable(rows) & np.isfinite(log_odds)
        return chosen, log_odds[chosen]

    known = no_values()
    for rows in strips(land.inside.shape):
        known = known.with_values(told(rows)[1])
    ranks, count = known.ranks, known.counts.sum()
    for rows in strips(land.inside.shape):
        chosen, log_odds = told(rows)
        rank = np.full(chosen.shape, np.nan, dtype=np.float32)
        rank[chosen] = 100.0 * (ranks[known.places(log_odds)] - 0.5) / count
        land.stored[RANK][rows] = rank


def edge_of_cover(run: Run, made: Run, layers: Sequence[str]) -> float | None:
    """Return the distance to the edge of the cover, where the model reads it and no cube has it.

    Parameters
    ----------
    layers
        The layers of the run that can be had.
    """
    if EDGE_M not in run.cube().attrs["covers"] or EDGE_M in made.cube().attrs["covers"]:
        return None
    stated = [name for name, layer in run.config.layers.items() if layer.coverage is not None]
    return EDGE_CAP_M if set(stated) & set(layers) else -EDGE_CAP_M
