"""What the land is like, as a run has it: its region, how far the line is, what covers it."""

import itertools
from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import line_columns
from minerisk.features.grid import strips
from minerisk.pipelines.records.lookback import UNSURVEYED, Grouping
from minerisk.pipelines.run.folder import Run

LINE_BANDS_M = (1_000, 3_000, 10_000)


class LandKinds(NamedTuple):
    """Land divided into kinds.

    Attributes
    ----------
    names
        Of the kinds.
    codes
        Reads rows of the land: the place in `names` of each cell's kind, -1 where it is not known.
    """

    names: list[str]
    codes: Callable[[slice], NDArray[np.int64]]


def read_land_kinds(run: Run) -> dict[Grouping, LandKinds]:
    """Divide the land of a run in every way that its cube and labels allow.

    Returns
    -------
    dict
        By region (numbers; `UNSURVEYED` for land that nobody surveyed), and by distance from the
        front line and by land cover where the cube has them (see `line_bands`, `cover_kinds`).
    """
    cube, regions = run.cube(), run.labels()["region"]
    last = max(int(regions[rows].max()) for rows in strips(regions.shape))
    names = [str(number) for number in range(UNSURVEYED, last + 1)]
    found = {
        Grouping.REGION: LandKinds(
            names, lambda rows: regions[rows].to_numpy().astype(np.int64) - UNSURVEYED
        ),
        Grouping.LINE: line_bands(cube),
        Grouping.COVER: cover_kinds(cube),
    }
    return {by: kinds for by, kinds in found.items() if kinds is not None}


def line_bands(cube: xr.Dataset) -> LandKinds | None:
    """Divide the land by distance from the nearest known front line; None where there is none."""
    lines = line_columns(cube)
    if not lines:
        return None

    def codes(rows: slice) -> NDArray[np.int64]:
        metres = np.fmin.reduce([cube[name][rows].to_numpy() for name in lines])
        return np.where(np.isnan(metres), -1, np.digitize(metres, LINE_BANDS_M))

    edges = [str(edge // 1_000) for edge in LINE_BANDS_M]
    between = [f"{low} to {high} km" for low, high in itertools.pairwise(edges)]
    return LandKinds([f"less than {edges[0]} km", *between, f"{edges[-1]} km or more"], codes)


def cover_kinds(cube: xr.Dataset) -> LandKinds | None:
    """Divide the land by the land cover with the greatest share; None where the cube has none.

    The last kind, ``other``, is land of no class that the features tell apart.
    """
    columns = [n for n in cube.attrs["variables"] if cube[n].attrs["family"] == "land_cover"]
    if not columns:
        return None

    def codes(rows: slice) -> NDArray[np.int64]:
        shares = np.stack([cube[name][rows].to_numpy() for name in columns])
        known = np.isfinite(shares).all(axis=0)
        filled = np.nan_to_num(shares)
        most = np.where(filled.max(axis=0) > 0, filled.argmax(axis=0), len(columns))
        return np.where(known, most, -1)

    names = [name.removeprefix(f"{cube[name].attrs['layer']}_") for name in columns]
    words = [name.replace("_", " ") for name in names]
    return LandKinds([*words, "other"], codes)
