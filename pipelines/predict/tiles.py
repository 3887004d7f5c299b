"""What a model says of a window, tile by tile: each tile writes its own chunks of a draft.

A draft is a Zarr store beside the rasters that are made of it. One that an interrupted prediction
has left is gone on with, if model, cube and cells asked for are the same.
"""

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr
import zarr
from numpy.typing import NDArray
from zarr.codecs import BloscCodec

from minerisk.features.cube.store import cube_geobox, families_of, open_cube, stored_key
from minerisk.features.cube.zarr_files import chunk_files, remove_store, settle
from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres
from minerisk.models.risk_model import RiskModel
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
class Draft:
    """Where a prediction is drafted, and what it is made of.

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


def begin_draft(draft: Draft, asked: NDArray[np.bool_], bands: tuple[str, ...]) -> None:
    """Make the store with nothing predicted yet, unless it is there already."""
    if (draft.path / DONE).is_dir() and stored_key(draft.path) == draft.key:
        return
    remove_store(draft.path)
    draft.path.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.open_group(draft.path, mode="w", zarr_format=3)
    for name, dtype in (("asked", "uint8"), *((band, "float32") for band in bands)):
        group.create_array(
            name,
            shape=asked.shape,
            chunks=tuple(min(CHUNK, size) for size in asked.shape),
            dtype=dtype,
            fill_value=0 if name == "asked" else np.nan,
            compressors=BloscCodec(cname="zstd", clevel=1, shuffle="bitshuffle"),
        )
    _array(group, "asked")[...] = asked.view(np.uint8)
    (draft.path / DONE).mkdir()
    group.attrs["key"] = draft.key


def draft_key(home: Path, cube: Path, content: Mapping[str, Any]) -> str:
    """Hash the code, the model, the cube and what is asked of them."""
    known = (code_sha256(), stored_key(cube), sorted(content.items()))
    found = hashlib.sha256(repr(known).encode())
    for item in sorted((home / "model").iterdir()):
        found.update(item.name.encode() + hashlib.sha256(item.read_bytes()).digest())
    return found.hexdigest()


def predict_tiles(draft: Draft, *, load: Load, workers: Workers, progress: Progress) -> None:
    """Predict every tile of a draft that is not done."""
    height, width = _array(zarr.open_group(draft.path, mode="r"), "asked").shape
    tasks = [
        (row, column)
        for row in range(0, height, draft.side)
        for column in range(0, width, draft.side)
    ]
    work = partial(_predict_tile, load, draft, None if workers.alone else 1)
    try:
        for done, _ in enumerate(workers.run(work, tasks)):
            progress("tiles", done + 1, len(tasks))
    finally:
        _opened.cache_clear()


def read_draft(draft: Draft, band: str, rows: slice) -> NDArray[np.float32]:
    """Read rows of a band; NaN where nothing was asked."""
    return np.asarray(_array(zarr.open_group(draft.path, mode="r"), band)[rows])


def tile_bands(model: RiskModel, columns: pd.DataFrame) -> dict[str, NDArray[np.float32]]:
    """Give every band for cells, of which `RiskModel.columns` are given; each of shape ``(n,)``."""
    found = model.predict_columns(columns)
    return {
        "probability": found.probability,
        "probability_lower": found.lower,
        "probability_upper": found.upper,
        "dissimilarity": found.dissimilarity / np.float32(model.applicability.threshold),
        "local_point_density": found.density,
        "expected_error": found.expected_error,
    }


def _predict_tile(load: Load, draft: Draft, threads: int | None, task: Task) -> None:
    mark = draft.path / DONE / f"{task[0]}_{task[1]}"
    if mark.exists():
        return
    model, cube, (easting, northing) = _opened(load, draft, threads)
    group = zarr.open_group(draft.path, mode="r+")
    window = tuple(slice(start, start + draft.side) for start in task)
    asked = np.asarray(_array(group, "asked")[window]).astype(bool)
    rows, columns = np.nonzero(asked)
    if len(rows):
        top, left = draft.row + task[0], draft.column + task[1]
        place = {"y": slice(top, top + len(asked)), "x": slice(left, left + asked.shape[1])}
        cells: dict[str, Any] = {
            "easting": easting[left + columns],
            "northing": northing[top + rows],
        }
        for name in model.features:
            cells[name] = cube[name].isel(place).to_numpy()[rows, columns]
        known = model.columns(pd.DataFrame(cells))  # once: past findings cost as much as scores
        bands = tile_bands(model, known) | reason_bands(model, known, families_of(cube))
        if not _still_open(draft, mark):
            return
        for name, values in bands.items():
            band = np.full(asked.shape, np.nan, dtype=np.float32)
            band[rows, columns] = values
            _array(group, name)[window] = band
        settle(_chunk_files(draft, group, list(bands), window))
    if _still_open(draft, mark):
        mark.touch()


def _still_open(draft: Draft, mark: Path) -> bool:
    """Tell whether a tile is not done yet: where it is late, a second worker may do it too."""
    if stored_key(draft.path) != draft.key:
        raise InputError(f"{draft.path} was begun anew by another command. Give this one again.")
    return not mark.exists()


def _chunk_files(
    draft: Draft, group: zarr.Group, bands: Sequence[str], window: tuple[slice, ...]
) -> Iterator[Path]:
    height, width = _array(group, "asked").shape
    rows, columns = (
        slice(part.start, min(part.stop, size))
        for part, size in zip(window, (height, width), strict=True)
    )
    chunk = _array(group, "asked").chunks
    return chunk_files(draft.path, bands, rows=rows, columns=columns, chunk=chunk)


@lru_cache(maxsize=1)
def _opened(
    load: Load, draft: Draft, threads: int | None
) -> tuple[RiskModel, xr.Dataset, tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Open model and cube once in each worker; cell centres are those of the whole cube."""
    cube, model = open_cube(draft.cube), load(draft.home)
    if threads is not None:
        model = replace(model, threads=threads)
    return model, cube, cell_centres(cube_geobox(cube))


def _array(group: zarr.Group, name: str) -> Any:
    return group[name]
