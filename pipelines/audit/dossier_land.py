"""What the land of each left-out region is like, so that a reader can pick those like their own."""

from collections.abc import Mapping

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import MineriskError
from minerisk.features.grid import resolution
from minerisk.pipelines.audit.dossier_pages import Block, Cell
from minerisk.pipelines.evaluate.districts import Districts, read_districts
from minerisk.pipelines.evaluate.land_kinds import Ground, read_ground
from minerisk.pipelines.evaluate.ranking_shift import region_words
from minerisk.pipelines.language.numbers import number
from minerisk.pipelines.run.folder import Run

TOLD: Mapping[str, tuple[str, float, str]] = {
    "front_distance_m": ("From the front line, km", 1e-3, ".1f"),
    "elevation_m": ("Height, m", 1.0, ",.0f"),
    "slope_deg": ("Slope, degrees", 1.0, ".0f"),
    "settlements_distance_m": ("From a settlement, km", 1e-3, ".1f"),
}
"""Columns that say what land is like: what they are called, to which unit, how written."""
PARTS = (10, 50, 90)
COVERS = 2


def land_of_regions(run: Run) -> Block:
    """Describe each region, and the land that nobody surveyed, by what the cube has of it."""
    cube, ground = open_cube(run.files.cube), read_ground(run.folder)
    inside = cube["inside"].to_numpy().astype(bool)
    districts = _districts(run, cube)
    columns = {name: cube[name].to_numpy() for name in TOLD if name in cube}
    regions = ground["region"]
    cell_km2 = resolution(cube_geobox(cube)) ** 2 / 1e6
    rows: list[list[Cell]] = []
    for code, region in enumerate(regions.names):
        chosen = inside & (regions.codes == code)
        if not chosen.any():
            continue
        row: list[Cell] = [region_words(region), f"{chosen.sum() * cell_km2:,.0f}"]
        row += [_spread(values[chosen], *TOLD[name][1:]) for name, values in columns.items()]
        if "cover" in ground:
            row.append(_covers(ground["cover"], chosen))
        if districts is not None:
            row.append(_names(districts, chosen, inside))
        rows.append(row)
    head = ["Land", "km²", *(TOLD[name][0] for name in columns)]
    head += ["Mostly"] * ("cover" in ground) + ["Districts"] * (districts is not None)
    return Block(
        "What the land of each region is like",
        (
            "Find the row most like your land, then its quality in the table above. The middle "
            "value, and below it the range that holds 8 cells of 10."
            + ("" if districts else " No names of districts were at hand."),
        ),
        head,
        rows,
    )


def _districts(run: Run, cube: xr.Dataset) -> Districts | None:
    try:
        return read_districts(run, cube_geobox(cube))
    except MineriskError:  # none are configured, or the layers stayed with their owner
        return None


def _spread(values: NDArray[np.float32], scale: float, form: str) -> Cell:
    known = values[np.isfinite(values)].astype(np.float64) * scale
    if not known.size:
        return "–"
    low, middle, high = (format(value, form) for value in np.percentile(known, PARTS))
    return middle, f"{low} to {high}"


def _covers(ground: Ground, chosen: NDArray[np.bool_]) -> str:
    count = np.bincount(ground.codes[chosen & (ground.codes >= 0)], minlength=len(ground.names))
    most = np.argsort(-count, kind="stable")[:COVERS]
    return ", ".join(
        f"{ground.names[place]} {number(count[place] / chosen.sum(), 'share')}".replace(
            " %", "\u00a0%"
        )
        for place in most
        if count[place]
    )


def _names(districts: Districts, chosen: NDArray[np.bool_], inside: NDArray[np.bool_]) -> str:
    """Name the districts of which half or more lies in a part of the land."""
    codes = districts.codes
    size = len(districts.names)
    here = np.bincount(codes[chosen & (codes >= 0)], minlength=size)
    all_of_it = np.bincount(codes[inside & (codes >= 0)], minlength=size)
    mostly = np.flatnonzero((here > 0) & (2 * here >= all_of_it))
    return ", ".join(districts.names[place] for place in mostly) or "–"
