"""The feature cube: every feature of a study area on one grid, in one Zarr store."""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import xarray as xr
import zarr
from affine import Affine
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from zarr.codecs import BloscCodec

from features.errors import InputError
from features.families import FAMILIES, build_feature, layers_of
from features.grid import cell_centres, pad_grid, resolution
from features.sources import Layers

FEATURES_VERSION = 1
CHUNK = 512
TILE = 4_096

Progress = Callable[[str, int, int], None]
_LOG = logging.getLogger(__name__)


def build_cube(
    layers: Layers,
    features: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    geobox: GeoBox,
    inside: NDArray[np.bool_],
    path: Path,
    progress: Progress | None = None,
) -> bool:
    """Build every feature on the grid and write the cube, unless it is there already.

    Parameters
    ----------
    layers
        The layers that the features name.
    features
        Kind (a key of `FAMILIES`) and parameters of each feature, in order.
    geobox
        North-up grid in metres.
    inside
        True in the study area, shape ``(height, width)``. Features are kept outside it as well.
    path
        The Zarr store. It appears whole or not at all.
    progress
        Called with a feature's name, how many are done, and how many there are.

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
    partial = path.with_name(f".{path.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.parent.mkdir(parents=True, exist_ok=True)
    try:
        group = zarr.open_group(partial, mode="w", zarr_format=3, attributes=_attributes(geobox))
        _write_frame(group, geobox, inside)
        names = _write_features(group, layers, features, geobox, progress or _silent)
        group.attrs.update({"variables": names, "key": key})
        _put_in_place(partial, path)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return True


def open_cube(path: Path) -> xr.Dataset:
    """Open a cube lazily.

    Returns
    -------
    Dataset
        Features float32 ``(y, x)`` in the order they were asked for, and ``inside`` uint8, with
        coordinates ``y``, ``x`` and
        ``spatial_ref``; attributes ``crs``, ``transform``, ``resolution``, ``key``.

    Raises
    ------
    InputError
        If there is no finished cube.
    """
    if stored_key(path) is None:
        raise InputError(f"There is no finished cube at {path}. Build it first.")
    cube = xr.open_zarr(path, chunks=None, consolidated=False, decode_coords="all")
    return cube[[*cube.attrs["variables"], "inside"]]


def cube_geobox(cube: xr.Dataset) -> GeoBox:
    """Give the grid of an open cube."""
    shape = (cube.sizes["y"], cube.sizes["x"])
    return GeoBox(shape, Affine(*cube.attrs["transform"]), cube.attrs["crs"])


def cube_key(
    layers: Layers,
    features: Sequence[tuple[str, Mapping[str, Any]]],
    *,
    geobox: GeoBox,
    inside: NDArray[np.bool_],
) -> str:
    """Give the SHA-256 of all that decides the content of a cube."""
    named = sorted({name for _, params in features for name in layers_of(params)})
    content = {
        "version": FEATURES_VERSION,
        "features": [[kind, dict(params)] for kind, params in features],
        "layers": {name: _layer_key(layers, name) for name in named},
        "grid": _attributes(geobox),
        "shape": list(geobox.shape),
        "inside": hashlib.sha256(np.packbits(inside).tobytes()).hexdigest(),
    }
    text = json.dumps(content, sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def stored_key(path: Path) -> str | None:
    """Give the key of the cube at `path`, or None if no finished cube is there."""
    if not (path / "zarr.json").is_file():
        return None
    attributes = json.loads((path / "zarr.json").read_text()).get("attributes", {})
    return attributes.get("key")


def _layer_key(layers: Layers, name: str) -> dict[str, Any]:
    # How a file is read counts as much as its bytes; where it lies does not.
    source = {field: v for field, v in asdict(layers.source(name)).items() if field != "path"}
    return {"sha256": layers.sha256(name), "source": source}


def _title(kind: str, params: Mapping[str, Any]) -> str:
    return f"{kind} · {', '.join(layers_of(params))}"


def _attributes(geobox: GeoBox) -> dict[str, Any]:
    return {
        "Conventions": "CF-1.10",
        "crs": str(geobox.crs),
        "transform": list(geobox.transform)[:6],
        "resolution": resolution(geobox),
        "features_version": FEATURES_VERSION,
    }


def _array(group: zarr.Group, name: str, shape: tuple[int, ...], dtype: str) -> zarr.Array[Any]:
    fill = np.nan if dtype.startswith("float") else 0
    return group.create_array(
        name,
        shape=shape,
        chunks=tuple(min(CHUNK, size) for size in shape),
        dtype=dtype,
        fill_value=fill,
        compressors=BloscCodec(cname="zstd", clevel=3, shuffle="bitshuffle"),
        dimension_names=("y", "x"),
    )


def _write_frame(group: zarr.Group, geobox: GeoBox, inside: NDArray[np.bool_]) -> None:
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
    mask = _array(group, "inside", tuple(geobox.shape), "uint8")
    mask[...] = inside.astype(np.uint8)
    mask.attrs.update({"grid_mapping": "spatial_ref", "words": "1 in the study area, 0 outside"})


def _silent(name: str, done: int, count: int) -> None:
    pass


def _write_features(
    group: zarr.Group,
    layers: Layers,
    features: Sequence[tuple[str, Mapping[str, Any]]],
    geobox: GeoBox,
    progress: Progress,
) -> list[str]:
    names: list[str] = []
    for done, (kind, params) in enumerate(features):
        progress(_title(kind, params), done, len(features))
        names += _write_feature(group, layers, geobox, kind, params)
    progress("cube", len(features), len(features))
    return names


def _write_feature(
    group: zarr.Group, layers: Layers, geobox: GeoBox, kind: str, params: Mapping[str, Any]
) -> list[str]:
    if kind not in FAMILIES:
        raise InputError(f"The feature kind is {kind!r}; expected one of {sorted(FAMILIES)}.")
    arrays: dict[str, zarr.Array[Any]] = {}
    for rows, columns in _tiles(geobox):
        part = build_window(layers, geobox[rows, columns], kind=kind, params=params)
        for name, variable in _named(part):
            if name not in arrays:
                if name in group:
                    raise InputError(
                        f"Two features are called {name}. Leave one out, or give its layer "
                        "another name."
                    )
                arrays[name] = _array(group, name, tuple(geobox.shape), "float32")
                attributes = {**variable.attrs, "units": variable.attrs["unit"]}
                arrays[name].attrs.update({**attributes, "grid_mapping": "spatial_ref"})
            arrays[name][rows, columns] = variable.to_numpy()
    return list(arrays)


def _named(dataset: xr.Dataset) -> Iterator[tuple[str, xr.DataArray]]:
    for name, variable in dataset.data_vars.items():
        yield str(name), variable


def build_window(
    layers: Layers, geobox: GeoBox, *, kind: str, params: Mapping[str, Any]
) -> xr.Dataset:
    """Build one feature on a window: read with the halo, then cropped to the window.

    Returns
    -------
    Dataset
        As `features.families.build_feature`; the same bits as that window of the whole.
    """
    # One cell more than the halo: a 3 x 3 stencil needs it even where the radius is less.
    halo_m = FAMILIES[kind].halo_m(params)
    padded, cells = pad_grid(geobox, halo_m + resolution(geobox) if halo_m or _stencil(kind) else 0)
    dataset = build_feature(layers, padded, kind=kind, params=params)
    kept = slice(cells, -cells) if cells else slice(None)
    return dataset.isel(y=kept, x=kept)


def _stencil(kind: str) -> bool:
    return kind == "terrain"


def _tiles(geobox: GeoBox) -> Iterator[tuple[slice, slice]]:
    height, width = geobox.shape
    for row in range(0, height, TILE):
        for column in range(0, width, TILE):
            yield (
                slice(row, min(row + TILE, height)),
                slice(column, min(column + TILE, width)),
            )


def _put_in_place(partial: Path, path: Path) -> None:
    if path.exists():
        old = path.with_name(f".{path.name}.old")
        shutil.rmtree(old, ignore_errors=True)
        path.rename(old)
        partial.rename(path)
        shutil.rmtree(old)
    else:
        partial.rename(path)
