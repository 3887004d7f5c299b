"""What the land of each left-out region is like, so that a reader can pick those like their own."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import NDArray

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.features.errors import MineriskError
from minerisk.features.grid import resolution, strips
from minerisk.models.land_curves import count_pairs
from minerisk.models.order_statistics import percentiles
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


@dataclass(frozen=True)
class _Counts:
    """Cells of each region, by what else is known of them.

    Attributes
    ----------
    cells
        Shape (regions,).
    covers, districts
        Shapes (regions, kinds) and (regions, names).
    """

    cells: NDArray[np.int64]
    covers: NDArray[np.int64]
    districts: NDArray[np.int64]


def land_of_regions(run: Run) -> LandTable:
    """Describe each region, and the land that nobody surveyed, by what the cube has of it."""
    cube, kinds = open_cube(run.files.cube), read_land_kinds(run)
    cell_km2 = resolution(cube_geobox(cube)) ** 2 / 1e6
    districts = _districts(run)
    columns = tuple(column for column in COLUMNS if column.name in cube)
    regions, cover = kinds[Grouping.REGION], kinds.get(Grouping.COVER)
    counts = _count(cube, regions, cover, districts)
    spreads = [_spreads(cube, regions, column) for column in columns]
    rows = tuple(
        RegionLand(
            region=int(region) if int(region) >= 0 else None,
            km2=float(counts.cells[code] * cell_km2),
            spreads=tuple((column, of[code]) for column, of in zip(columns, spreads, strict=True)),
            covers=() if cover is None else _covers(cover, counts.covers[code], counts.cells[code]),
            districts=() if districts is None else _names(districts, counts.districts, code),
        )
        for code, region in enumerate(regions.names)
        if counts.cells[code]
    )
    return LandTable(columns, cover is not None, districts is not None, rows)


def _districts(run: Run) -> Districts | None:
    try:
        return read_districts(run)
    except MineriskError:  # none are configured, or the layers stayed with their owner
        return None


def _by_region(cube: xr.Dataset, regions: LandKinds) -> Iterator[tuple[slice, NDArray[np.int64]]]:
    """Yield the rows of each strip, and the region of each of its cells; -1 outside."""
    for rows in strips(cube["inside"].shape):
        yield rows, np.where(cube["inside"][rows].to_numpy() == 1, regions.codes(rows), -1)


def _count(
    cube: xr.Dataset, regions: LandKinds, cover: LandKinds | None, districts: Districts | None
) -> _Counts:
    many, geobox = len(regions.names), cube_geobox(cube)
    covers = np.zeros((many, 0 if cover is None else len(cover.names)), dtype=np.int64)
    named = np.zeros((many, 0 if districts is None else len(districts.names)), dtype=np.int64)
    cells = np.zeros(many, dtype=np.int64)
    for rows, region in _by_region(cube, regions):
        cells += np.bincount(region[region >= 0], minlength=len(cells))
        if cover is not None:
            covers += _crossed(region, cover.codes(rows), covers.shape)
        if districts is not None:
            named += _crossed(region, districts.codes(geobox[rows, :]), named.shape)
    return _Counts(cells, covers, named)


def _crossed(
    region: NDArray[np.int64], kind: NDArray[np.integer], shape: tuple[int, ...]
) -> NDArray[np.int64]:
    """Count the cells of each region and kind."""
    known = (region >= 0) & (kind >= 0)
    return count_pairs(region[known], kind[known].astype(np.int64), (shape[0], shape[1]))


def _spreads(cube: xr.Dataset, regions: LandKinds, column: Column) -> list[Spread | None]:
    """Find what a column holds in each region; None where it has no value."""

    def parts() -> Iterator[tuple[NDArray[np.float64], NDArray[np.int64]]]:
        for rows, region in _by_region(cube, regions):
            values = cube[column.name][rows].to_numpy()
            known = np.isfinite(values) & (region >= 0)
            yield values[known].astype(np.float64) * column.scale, region[known]

    found = percentiles(parts, len(regions.names), PARTS)
    return [None if np.isnan(row[0]) else Spread(*row.tolist()) for row in found]


def _covers(kinds: LandKinds, count: NDArray[np.int64], cells: int) -> tuple[Cover, ...]:
    most = np.argsort(-count, kind="stable")[:COVERS]
    return tuple(
        Cover(str(kinds.names[place]), float(count[place] / cells))
        for place in most
        if count[place]
    )


def _names(districts: Districts, counts: NDArray[np.int64], region: int) -> tuple[str, ...]:
    """Name the districts of which half or more lies in a region."""
    here = counts[region]
    mostly = np.flatnonzero((here > 0) & (2 * here >= counts.sum(axis=0)))
    return tuple(districts.names[place] for place in mostly)
