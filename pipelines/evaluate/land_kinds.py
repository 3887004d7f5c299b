"""What the land is like, as a run has it: its region, how far the line is, what covers it."""

import itertools
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import open_cube
from minerisk.pipelines.provenance.run_folder import RunFolder

LINE_BANDS_M = (1_000, 3_000, 10_000)


class Ground(NamedTuple):
    """Land cut into kinds: their names, and the place of each cell's in them; -1: not known."""

    names: list[Any]
    codes: NDArray[np.integer[Any]]


def read_ground(folder: Path) -> dict[str, Ground]:
    """Cut the land of a run in every way that it can be cut.

    Returns
    -------
    dict
        ``region`` (numbers, -1 for land that nobody surveyed), ``line`` and ``cover`` where the
        cube has them (see `line_bands`, `cover_kinds`); codes of shape ``(y, x)``.
    """
    cube = open_cube(RunFolder(folder).cube)
    labels = xr.open_zarr(RunFolder(folder).labels, chunks=None, consolidated=False)
    regions = labels["region"].to_numpy()
    found = {
        "region": Ground(list(range(-1, int(regions.max()) + 1)), regions + 1),
        "line": line_bands(cube),
        "cover": cover_kinds(cube),
    }
    return {name: ground for name, ground in found.items() if ground is not None}


def line_bands(cube: xr.Dataset) -> Ground | None:
    """Cut the land by its distance from the front line; None where the cube has no such column."""
    name = next((n for n in cube.attrs["variables"] if _is_line(cube[n])), None)
    if name is None:
        return None
    metres = cube[name].to_numpy()
    codes = np.digitize(metres, LINE_BANDS_M)
    codes[np.isnan(metres)] = -1
    edges = [str(edge // 1_000) for edge in LINE_BANDS_M]
    between = [f"{low} to {high} km" for low, high in itertools.pairwise(edges)]
    return Ground([f"less than {edges[0]} km", *between, f"{edges[-1]} km or more"], codes)


def _is_line(array: xr.DataArray) -> bool:
    return bool(array.attrs["family"] == "front_line" and str(array.name).endswith("distance_m"))


def cover_kinds(cube: xr.Dataset) -> Ground | None:
    """Cut the land by the land cover with the greatest share; None where the cube has none.

    The last kind, ``other``, is land of no class that the features tell apart.
    """
    columns = [n for n in cube.attrs["variables"] if cube[n].attrs["family"] == "land_cover"]
    if not columns:
        return None
    shares = np.stack([cube[name].to_numpy() for name in columns])
    known = np.isfinite(shares).all(axis=0)
    filled = np.nan_to_num(shares)
    codes = np.where(filled.max(axis=0) > 0, filled.argmax(axis=0), len(columns))
    names = [name.removeprefix(f"{cube[name].attrs['layer']}_") for name in columns]
    words = [name.replace("_", " ") for name in names]
    return Ground([*words, "other"], np.where(known, codes, -1))
