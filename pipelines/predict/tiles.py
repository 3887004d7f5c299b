"""Predict a window tile by tile: each tile writes its own chunks of a store.

The store is Zarr, beside the rasters that are made of it. One that an interrupted prediction has
left is gone on with, if model, cube and cells asked for are the same.
"""

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec
from zarr.types import AnyArray

from minerisk.features.cube.store import cube_geobox, families_of, open_cube, stored_key
from minerisk.features.cube.zarr_files import chunk_files, remove_store, settle
from minerisk.features.errors import InputError
from minerisk.features.grid import Mask, cell_centres, mask_strips
from minerisk.models.risk_model import RiskModel
from minerisk.pipelines.predict.bands import (
    DENSITY,
    DISSIMILARITY,
    EXPECTED_ERROR,
    LOWER_END,
    PROBABILITY,
    UPPER_END,
)
from minerisk.pipelines.predict.reasons import reason_bands
from minerisk.pipelines.provenance.environment import code_sha256
from minerisk.pipelines.run.workers import Workers

CHUNK = 512
TILE = 1_024
DONE = "tiles"

Task = tuple[int, int]
"""First row and first column of a tile in the window."""
Load = Callable[[Path], RiskModel]
Progress = Callable[[str, int, int], None]


@dataclass(frozen=True)
class TileStore:
    """Where tiles are stored until rasters are made of them, and what they are made of.

    Attributes
    ----------
    path
        The Zarr store: one float32 array per band, ``asked`` uint8, and a mark per tile done.
    cube, home
        The cube, and the folder whose ``model`` speaks.
    row, column
        Of the cube's cell that is the window's upper left.
    key
        SHA-256 of all that decides the content.
    side
        Cells to a side of a tile, whole chunks.
    """

    path: Path
    cube: Path
    home: Path
    row: int
    column: int
    key: str
    side: int


def begin_store(store: TileStore, asked: Mask, bands: tuple[str, ...]) -> None:
    """Create the store with nothing predicted yet, unless it is there already."""
    if (store.path / DONE).is_dir() and stored_key(store.path) == store.key:
        return
    remove_store(store.path)
    store.path.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.open_group(store.path, mode="w", zarr_format=3)
    for name, dtype in (("asked", "uint8"), *((band, "float32") for band in bands)):
        group.create_array(
            name,
            shape=asked.shape,
            chunks=tuple(min(CHUNK, size) for size in asked.shape),
            dtype=dtype,
            fill_value=0 if name == "asked" else np.nan,
            compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
        )
    for rows, part in mask_strips(asked):
        _array(group, "asked")[rows] = part.view(np.uint8)
    (store.path / DONE).mkdir()
    group.attrs["key"] = store.key


def store_key(home: Path, cube: Path, asked: str) -> str:
    """Hash the code, the model, the cube and what is asked of them."""
    known = (code_sha256(), stored_key(cube), asked)
    found = hashlib.sha256(repr(known).encode())
    for item in sorted((home / "model").iterdir()):
        found.update(item.name.encode() + hashlib.sha256(item.read_bytes()).digest())
    return found.hexdigest()


def predict_tiles(store: TileStore, *, load: Load, workers: Workers, progress: Progress) -> None:
    """Predict every tile of a store that is not done."""
    height, width = _array(zarr.open_group(store.path, mode="r"), "asked").shape
    tasks = [
        (row, column)
        for row in range(0, height, store.side)
        for column in range(0, width, store.side)
    ]
    work = partial(_predict_tile, load, store, None if workers.alone else 1)
    try:
        for done, _ in enumerate(workers.run(work, tasks)):
            progress("tiles", done + 1, len(tasks))
    finally:
        _opened.cache_clear()


def read_rows(store: TileStore, band: str, rows: slice) -> NDArray[np.float32]:
    """Read rows of a band; NaN where nothing was asked."""
    return np.asarray(_array(zarr.open_group(store.path, mode="r"), band)[rows])


def tile_bands(model: RiskModel, columns: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
    """Predict every band for the `RiskModel.columns` of cells; each of shape ``(n,)``."""
    found = model.predict_columns(columns)
    return {
        PROBABILITY: found.probability,
        LOWER_END: found.lower,
        UPPER_END: found.upper,
        DISSIMILARITY: found.dissimilarity / np.float32(model.applicability.threshold),
        DENSITY: found.density,
        EXPECTED_ERROR: found.expected_error,
    }


def _predict_tile(load: Load, store: TileStore, threads: int | None, task: Task) -> None:
    mark = store.path / DONE / f"{task[0]}_{task[1]}"
    if mark.exists():
        return
    model, cube, (easting, northing) = _opened(load, store, threads)
    group = zarr.open_group(store.path, mode="r+")
    window = tuple(slice(start, start + store.side) for start in task)
    asked = np.asarray(_array(group, "asked")[window]).astype(bool)
    rows, columns = np.nonzero(asked)
    if len(rows):
        top, left = store.row + task[0], store.column + task[1]
        place = {"y": slice(top, top + len(asked)), "x": slice(left, left + asked.shape[1])}
        cells: dict[str, NDArray[np.floating]] = {
            "easting": easting[left + columns],
            "northing": northing[top + rows],
        }
        for name in model.features:
            cells[name] = cube[name].isel(place).to_numpy()[rows, columns]
        known = model.columns(pd.DataFrame(cells))  # once: past findings cost as much as scores
        bands = tile_bands(model, known) | reason_bands(model, known, families_of(cube))
        if not _still_open(store, mark):
            return
        for name, values in bands.items():
            band = np.full(asked.shape, np.nan, dtype=np.float32)
            band[rows, columns] = values
            _array(group, name)[window] = band
        settle(_chunk_files(store, group, list(bands), window))
    if _still_open(store, mark):
        mark.touch()


def _still_open(store: TileStore, mark: Path) -> bool:
    """Check whether a tile is not done yet: where it is late, a second worker may do it too."""
    if stored_key(store.path) != store.key:
        raise InputError(f"{store.path} was begun anew by another command. Run this one again.")
    return not mark.exists()


def _chunk_files(
    store: TileStore, group: zarr.Group, bands: Sequence[str], window: tuple[slice, ...]
) -> Iterator[Path]:
    height, width = _array(group, "asked").shape
    rows, columns = (
        slice(part.start, min(part.stop, size))
        for part, size in zip(window, (height, width), strict=True)
    )
    down, across = _array(group, "asked").chunks
    return chunk_files(store.path, bands, rows=rows, columns=columns, chunk=(down, across))


@lru_cache(maxsize=1)
def _opened(
    load: Load, store: TileStore, threads: int | None
) -> tuple[RiskModel, xr.Dataset, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Open model and cube once in each worker; cell centres are those of the whole cube."""
    cube, model = open_cube(store.cube), load(store.home)
    if threads is not None:
        model = replace(model, threads=threads)
    return model, cube, cell_centres(cube_geobox(cube))


def _array(group: zarr.Group, name: str) -> AnyArray:
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise InputError(f"{group.store_path} has no array {name}. Remove it, and predict again.")
    return found
