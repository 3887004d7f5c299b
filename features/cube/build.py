"""The feature cube: every feature of a study area on one grid, in one Zarr store."""

import hashlib
import json
import logging
import os
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import xarray as xr
import zarr
from odc.geo.geobox import GeoBox
from zarr.errors import ContainsArrayError

from minerisk.features.cube.chunks import packing, write_tile
from minerisk.features.cube.feature import build_window
from minerisk.features.cube.store import stored_key
from minerisk.features.cube.zarr_files import chunk_files, put_in_place, remove_store, settle
from minerisk.features.errors import InputError
from minerisk.features.files.zarr_files import check_zarr
from minerisk.features.grid import Mask, cell_centres, mask_sha256, mask_strips, resolution
from minerisk.features.kinds import layers_of
from minerisk.features.layers.sources import Layers

FEATURES_VERSION = 2
CHUNK = 512
TILE = 2_048
DONE = "tiles"

Features = Sequence[tuple[str, Mapping[str, Any]]]
Progress = Callable[[str, int, int], None]
Task = tuple[int, int, int]
"""Number of the feature, first row and first column of the tile."""
Built = tuple[int, list[str]]
"""Number of the feature, and the names of its variables."""
_LOG = logging.getLogger(__name__)


def in_turn(work: Callable[[Task], Built], tasks: Sequence[Task]) -> Iterator[Built]:
    """Do one task after the other in this process."""
    return map(work, tasks)


@dataclass(frozen=True)
class Tiling:
    """How a cube is cut, and who works on the tiles. Neither changes a byte of it.

    Attributes
    ----------
    cells
        Side of a tile; rounded up to whole chunks, so that no two tiles share one.
    run
        Does tasks in any order and gives what they give, as `in_turn`.
    """

    cells: int = TILE
    run: Callable[[Callable[[Task], Built], Sequence[Task]], Iterator[Built]] = in_turn


def build_cube(
    layers: Layers,
    features: Features,
    *,
    geobox: GeoBox,
    inside: Mask,
    path: Path,
    progress: Progress | None = None,
    tiling: Tiling | None = None,
) -> bool:
    """Build every feature on the grid and write the cube, unless it is there already.

    Tiles that an interrupted build of the same inputs has finished are kept.

    Parameters
    ----------
    layers
        The layers that the features name.
    features
        Kind (a key of `FEATURE_KINDS`) and parameters of each feature, in order. What the kind
        `COVER` gives is kept apart: it is in no list of features.
    geobox
        North-up grid in metres.
    inside
        True in the study area, shape ``(height, width)``. Features are kept outside it as well.
    path
        The Zarr store. It appears whole or not at all.
    progress
        Called with a feature's name, how many tiles are done, and how many there are.
    tiling
        How the grid is cut, and who works on it; by default tiles of `TILE` cells in turn.

    Returns
    -------
    bool
        False if the store at `path` was made from these very inputs and was left as it is.

    Raises
    ------
    InputError
        If two features give a variable of the same name, or a kind is unknown.
    """
    if inside.shape != tuple(geobox.shape):
        raise InputError(f"inside has shape {inside.shape}; expected {tuple(geobox.shape)}.")
    key = cube_key(layers, features, geobox=geobox, inside=inside)
    if stored_key(path) == key:
        _LOG.info("%s is up to date: same features, layers and grid.", path)
        return False
    tiling = tiling or Tiling()
    store = path.with_name(f".{path.name}.partial")
    side = -(-tiling.cells // CHUNK) * CHUNK
    _begin(store, geobox, inside, key=f"{key} in tiles of {side} cells")
    tasks = [
        (number, row, column)
        for number in range(len(features))
        for row in range(0, geobox.height, side)
        for column in range(0, geobox.width, side)
    ]
    work = partial(_write_tile, layers, features, geobox, store, side)
    names = _collect(tiling.run(work, tasks), tasks, features, progress or _silent)
    group = zarr.open_group(store, mode="r+")
    for half_written in store.rglob("*.partial"):  # by a process that was killed
        half_written.unlink()
    covers = [name for name in names if group[name].attrs["role"] == "cover"]
    variables = [name for name in names if name not in covers]
    content = {"variables": variables, "covers": covers, "key": key}
    group.attrs.put({**_attributes(geobox), **content})
    settle([store / "zarr.json"])
    shutil.rmtree(store / DONE)
    put_in_place(store, path)
    return True


def cube_key(
    layers: Layers,
    features: Features,
    *,
    geobox: GeoBox,
    inside: Mask,
) -> str:
    """Return the SHA-256 of all that decides the content of a cube."""
    named = {name for kind, params in features for name in layers_of(kind, params)}
    named |= {name for own in named if (name := _cover_layer(layers, own)) is not None}
    content = {
        "version": FEATURES_VERSION,
        "features": [[kind, dict(params)] for kind, params in features],
        "layers": {name: _layer_key(layers, name) for name in sorted(named)},
        "grid": _attributes(geobox),
        "shape": list(geobox.shape),
        "inside": mask_sha256(inside),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _layer_key(layers: Layers, name: str) -> dict[str, Any]:
    # How a file is read counts as much as its bytes; where it lies does not.
    source = {field: v for field, v in asdict(layers.source(name)).items() if field != "path"}
    return {"sha256": layers.sha256(name), "source": source}


def _cover_layer(layers: Layers, name: str) -> str | None:
    coverage = layers.source(name).coverage
    return None if coverage is None else coverage.layer


def _title(kind: str, params: Mapping[str, Any]) -> str:
    return f"{kind} · {', '.join(layers_of(kind, params))}"


def _attributes(geobox: GeoBox) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.10",
        "crs": str(geobox.crs),
        "transform": list(geobox.transform)[:6],
        "resolution": resolution(geobox),
        "features_version": FEATURES_VERSION,
    }


def _array(
    group: zarr.Group,
    name: str,
    shape: tuple[int, ...],
    dtype: str,
    attributes: Mapping[str, Any],
) -> zarr.Array[Any]:
    fill = np.nan if dtype.startswith("float") else 0
    return group.create_array(
        name,
        shape=shape,
        chunks=tuple(min(CHUNK, size) for size in shape),
        dtype=dtype,
        fill_value=fill,
        compressors=packing(),
        dimension_names=("y", "x"),
        attributes={**attributes, "grid_mapping": "spatial_ref"},
    )


def _begin(store: Path, geobox: GeoBox, inside: Mask, *, key: str) -> None:
    """Make a store without features, unless an earlier build of the same began one."""
    if (store / DONE).is_dir() and stored_key(store) == key:
        check_zarr(store)
        _LOG.info("Going on with the tiles in %s.", store)
        return
    remove_store(store)
    store.parent.mkdir(parents=True, exist_ok=True)
    group = zarr.open_group(store, mode="w", zarr_format=3, attributes=_attributes(geobox))
    _write_frame(group, geobox, inside)
    (store / DONE).mkdir()
    group.attrs["key"] = key


def _write_frame(group: zarr.Group, geobox: GeoBox, inside: Mask) -> None:
    easting, northing = cell_centres(geobox)
    for name, values, standard in (("y", northing, "y"), ("x", easting, "x")):
        axis = group.create_array(
            name, data=np.ascontiguousarray(values), chunks=values.shape, dimension_names=(name,)
        )
        axis.attrs.update({"units": "m", "standard_name": f"projection_{standard}_coordinate"})
    reference = group.create_array("spatial_ref", shape=(), dtype="int32", fill_value=0)
    transform, wkt = geobox.transform, pyproj.CRS.from_user_input(str(geobox.crs)).to_wkt()
    numbers = (transform.c, transform.a, 0.0, transform.f, 0.0, transform.e)
    reference.attrs.update(
        {
            "crs_wkt": wkt,
            "spatial_ref": wkt,
            "GeoTransform": " ".join(f"{number!r}" for number in map(float, numbers)),
        }
    )
    words = {"words": "1 in the study area, 0 outside"}
    mask = _array(group, "inside", tuple(geobox.shape), "uint8", words)
    for rows, part in mask_strips(inside):
        mask[rows] = part.astype(np.uint8)


def _silent(name: str, done: int, count: int) -> None:
    pass


def _collect(
    results: Iterator[Built], tasks: Sequence[Task], features: Features, progress: Progress
) -> list[str]:
    """Wait for all tiles, and give the variables in the order of their features."""
    variables: dict[int, list[str]] = {}
    for done, (number, _, _) in enumerate(tasks):
        progress(_title(*features[number]), done, len(tasks))
        built, names = next(results)
        if built not in variables:
            variables[built] = names
            _refuse_twins(variables)
    progress("cube", len(tasks), len(tasks))
    return [name for number in sorted(variables) for name in variables[number]]


def _refuse_twins(variables: Mapping[int, Sequence[str]]) -> None:
    names = [name for own in variables.values() for name in own]
    twins = sorted({name for name in names if names.count(name) > 1})
    if twins:
        raise InputError(
            f"Two features are called {', '.join(twins)}. Leave one out, or give its layer "
            "another name."
        )


def _write_tile(
    layers: Layers, features: Features, geobox: GeoBox, store: Path, side: int, task: Task
) -> Built:
    """Build one feature on one tile into its own chunks; a mark tells that all are written."""
    number, row, column = task
    mark = store / DONE / f"{number}_{row}_{column}.json"
    if mark.is_file():
        return number, json.loads(mark.read_text(encoding="utf-8"))
    kind, params = features[number]
    rows = slice(row, min(row + side, geobox.height))
    columns = slice(column, min(column + side, geobox.width))
    part = build_window(layers, geobox[rows, columns], kind=kind, params=params)
    if mark.is_file():  # a second worker, given the tile as it was late, has been faster
        return number, json.loads(mark.read_text(encoding="utf-8"))
    group = zarr.open_group(store, mode="r+")
    names = []
    for name, variable in _named(part):
        array = _feature_array(group, name, tuple(geobox.shape), variable.attrs)
        write_tile(
            array,
            variable.to_numpy(),
            row=row,
            column=column,
            folder=store / name,
            scratch=store / DONE,
        )
        names.append(name)
    settle(chunk_files(store, names, rows=rows, columns=columns, chunk=_chunk(geobox)))
    begun = mark.with_suffix(f".{os.getpid()}.partial")  # another may be at the same tile
    begun.write_text(json.dumps(names), encoding="utf-8")
    settle([begun])
    begun.replace(mark)
    return number, names


def _chunk(geobox: GeoBox) -> tuple[int, int]:
    return min(CHUNK, geobox.height), min(CHUNK, geobox.width)


def _feature_array(
    group: zarr.Group, name: str, shape: tuple[int, ...], attributes: Mapping[str, Any]
) -> zarr.Array[Any]:
    """Make the array of a variable, or open the one that another tile has made."""
    # Asked first: Zarr's refusal holds on to the tile of whoever it refuses.
    if name not in group:
        with suppress(ContainsArrayError):
            return _array(
                group, name, shape, "float32", {**attributes, "units": attributes["unit"]}
            )
    found = group[name]
    if not isinstance(found, zarr.Array):
        raise InputError(f"{name} in {group.store_path} is no array. Build anew.")
    return found


def _named(dataset: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    for name, variable in dataset.data_vars.items():
        yield str(name), variable
