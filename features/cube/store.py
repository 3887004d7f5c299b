"""The feature cube on disk, as a reader needs it: nothing here knows how features are built."""

import json
from pathlib import Path

import xarray as xr
from affine import Affine
from odc.geo.geobox import GeoBox

from minerisk.features.errors import MakeAgainError
from minerisk.features.files.zarr_files import check_zarr


def open_cube(path: Path) -> xr.Dataset:
    """Open a cube lazily.

    Returns
    -------
    Dataset
        Features float32 ``(y, x)`` in the order they were asked for, named in the attribute
        ``variables``; where layers speak, named in ``covers``; and ``inside`` uint8, with
        coordinates ``y``, ``x`` and ``spatial_ref``; attributes ``crs``, ``transform``,
        ``resolution``, ``key``.

    Raises
    ------
    MakeAgainError
        If there is no finished cube.
    """
    if stored_key(path) is None:
        raise MakeAgainError(f"There is no finished cube at {path}. Build it first.")
    check_zarr(path)
    cube = xr.open_zarr(path, chunks=None, consolidated=False, decode_coords="all")
    try:
        return cube[[*cube.attrs["variables"], *cube.attrs["covers"], "inside"]]
    except (KeyError, TypeError) as error:
        raise MakeAgainError(f"The cube at {path} lacks {error}. Make the run again.") from error


def open_store(path: Path) -> xr.Dataset:
    """Open another store of a run lazily, after a check of what it declares."""
    check_zarr(path)
    return xr.open_zarr(path, chunks=None, consolidated=False)


def cube_geobox(cube: xr.Dataset) -> GeoBox:
    """Return the grid of an open cube."""
    shape = (cube.sizes["y"], cube.sizes["x"])
    return GeoBox(shape, Affine(*cube.attrs["transform"]), cube.attrs["crs"])


def families_of(cube: xr.Dataset) -> dict[str, list[str]]:
    """Group a cube's features by family, in the order of the cube."""
    families: dict[str, list[str]] = {}
    for name in cube.attrs["variables"]:
        families.setdefault(str(cube[name].attrs["family"]), []).append(str(name))
    return families


def line_columns(cube: xr.Dataset) -> list[str]:
    """Name the distances to front lines, of whatever epochs, in the order of the cube."""
    families = families_of(cube)
    lines = [*families.get("front_line", ()), *families.get("front_epochs", ())]
    return [name for name in lines if name.endswith("_distance_m")]


def stored_key(path: Path) -> str | None:
    """Return the key of the cube at `path`, or None if no finished cube is there."""
    if not (path / "zarr.json").is_file():
        return None
    try:
        attributes = json.loads((path / "zarr.json").read_bytes()).get("attributes", {})
        key: str | None = attributes.get("key")
    except (ValueError, AttributeError, RecursionError) as error:
        raise MakeAgainError(f"{path} is damaged: {error}. Build it again.") from error
    return key
