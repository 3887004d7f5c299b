"""What the land of each left-out region is like, so that a reader can pick those like their own."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import MineriskError
from minerisk.features.grid import resolution
from minerisk.pipelines.evaluate.districts import Districts, read_districts
from minerisk.pipelines.evaluate.land_kinds import LandKinds, read_land_kinds
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.lookback import Grouping
from minerisk.pipelines.run.folder import Run

PARTS = (10, 50, 90)
COVERS = 2


@dataclass(frozen=True)
class Column:
    """A column of the cube that describes land.

    Attributes
    ----------
    words
        What it is called.
    scale
        To the unit in `words`.
    form
        Format of its values.
    """

    name: str
    words: str
    scale: float
    form: str


COLUMNS: Sequence[Column] = (
    Column("front_distance_m", marked("From the front line, km"), 1e-3, ".1f"),
    Column("elevation_m", marked("Height, m"), 1.0, ",.0f"),
    Column("slope_deg", marked("Slope, degrees"), 1.0, ".0f"),
    Column("settlements_distance_m", marked("From a settlement, km"), 1e-3, ".1f"),
)


@dataclass(frozen=True)
class Spread:
    """The middle value, and the range that holds 8 cells of 10."""

    low: float
    middle: float
    high: float


@dataclass(frozen=True)
class Cover:
    """A land cover, and its share of a region."""

    name: str
    share: float


@dataclass(frozen=True)
class RegionLand:
    """What a region is like.

    Attributes
    ----------
    region
        Its number; None for land that nobody surveyed.
    spreads
        For each column of `LandTable.columns`; None where it has no value.
    covers
        The most frequent land covers.
    districts
        Those of which half or more lies in it.
    """

    region: int | None
    km2: float
    spreads: tuple[tuple[Column, Spread | None], ...]
    covers: tuple[Cover, ...]
    districts: tuple[str, ...]


@dataclass(frozen=True)
class LandTable:
    """The regions of a run, and what is known of their land."""

    columns: tuple[Column, ...]
    has_cover: bool
    has_districts: bool
    rows: tuple[RegionLand, ...]


def land_of_regions(run: Run) -> LandTable:
    """Describe each region, and the land that nobody surveyed, by what the cube has of it."""
    cube, kinds = open_cube(run.files.cube), read_land_kinds(run)
    inside = cube["inside"].to_numpy().astype(bool)
    cell_km2 = resolution(cube_geobox(cube)) ** 2 / 1e6
    districts = _districts(run, cube)
    columns = tuple(column for column in COLUMNS if column.name in cube)
    values = [(column, cube[column.name].to_numpy()) for column in columns]
    regions, cover = kinds[Grouping.REGION], kinds.get(Grouping.COVER)
    rows = []
    for code, region in enumerate(regions.names):
        chosen = inside & (regions.codes == code)
        if not chosen.any():
            continue
        rows.append(
            RegionLand(
                region=int(region) if int(region) >= 0 else None,
                km2=float(chosen.sum() * cell_km2),
                spreads=tuple((column, _spread(of[chosen], column)) for column, of in values),
                covers=() if cover is None else _covers(cover, chosen),
                districts=() if districts is None else _names(districts, chosen, inside),
            )
        )
    return LandTable(columns, cover is not None, districts is not None, tuple(rows))


def _districts(run: Run, cube: xr.Dataset) -> Districts | None:
    try:
        return read_districts(run, cube_geobox(cube))
    except MineriskError:  # none are configured, or the layers stayed with their owner
        return None


def _spread(values: NDArray[np.float32], column: Column) -> Spread | None:
    known = values[np.isfinite(values)].astype(np.float64) * column.scale
    if not known.size:
        return None
    return Spread(*(float(value) for value in np.percentile(known, PARTS)))


def _covers(kinds: LandKinds, chosen: NDArray[np.bool_]) -> tuple[Cover, ...]:
    count = np.bincount(kinds.codes[chosen & (kinds.codes >= 0)], minlength=len(kinds.names))
    most = np.argsort(-count, kind="stable")[:COVERS]
    return tuple(
        Cover(str(kinds.names[place]), float(count[place] / chosen.sum()))
        for place in most
        if count[place]
    )


def _names(
    districts: Districts, chosen: NDArray[np.bool_], inside: NDArray[np.bool_]
) -> tuple[str, ...]:
    """Name the districts of which half or more lies in a part of the land."""
    codes, size = districts.codes, len(districts.names)
    here = np.bincount(codes[chosen & (codes >= 0)], minlength=size)
    all_of_it = np.bincount(codes[inside & (codes >= 0)], minlength=size)
    mostly = np.flatnonzero((here > 0) & (2 * here >= all_of_it))
    return tuple(districts.names[place] for place in mostly)
