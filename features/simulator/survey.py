"""A biased survey of a simulated world: SIMULATED accidents, finds, suspicion, surveyed land.

People are hurt where people go. Communities near roads, places and accidents are surveyed first.
The survey misses some of what is there and suspects land where nothing is. What it returns holds
no word of the truth beyond what it found; the truth stays in `Laying`.
"""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import NDArray
from rasterio.features import shapes
from scipy import ndimage
from scipy.spatial import cKDTree
from scipy.special import expit

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_of, resolution
from minerisk.features.simulator.land import Landscape, Mask, cell_centre_points
from minerisk.features.simulator.laying import Laying
from minerisk.features.vector_files.dates import read_days

UNIT_KM2 = 9.0
ACCIDENTS_PER_CELL = 0.06
EARLY_SHARE = 0.7
SUSPECTED_SHARE = 0.7
CLEARED_SHARE = 0.4
EARLY_ACCIDENTS = ("2020-12-01", "2021-12-31")
SURVEYS = ("2022-01-10", "2024-03-31")
LATE_ACCIDENTS = ("2022-01-01", "2024-09-30")


@dataclass(frozen=True)
class Survey:
    """What is known of a simulated world, and the chance with which land was surveyed.

    Attributes
    ----------
    finds, accidents
        Points: hazard, date, evidence; finds also the number found.
    suspect_areas, cleared
        Polygons: date, evidence. Some suspect areas hold nothing; no column says which.
    surveyed_areas
        Polygons, one per surveyed community: date, method.
    units
        Community of each cell, shape ``(height, width)``, -1 outside.
    propensity
        Chance of each cell to be surveyed, float32, NaN outside; part of the truth.
    surveyed
        Cells that were surveyed.
    """

    finds: gpd.GeoDataFrame
    accidents: gpd.GeoDataFrame
    suspect_areas: gpd.GeoDataFrame
    cleared: gpd.GeoDataFrame
    surveyed_areas: gpd.GeoDataFrame
    units: NDArray[np.int32]
    propensity: NDArray[np.float32]
    surveyed: Mask


def simulate_survey(
    laying: Laying,
    *,
    rng: np.random.Generator,
    surveyed_share: float = 0.35,
    detection: float = 0.85,
    false_suspicion: float = 0.5,
) -> Survey:
    """Let accidents happen, choose communities with bias, survey them imperfectly.

    Parameters
    ----------
    laying
        The truth.
    rng
        Source of every draw.
    surveyed_share
        Share of the land in surveyed communities; met to about one community.
    detection
        Chance that the survey finds something in a surveyed cell that holds something.
    false_suspicion
        Suspect areas with nothing in them for each one around a find.

    Raises
    ------
    InputError
        If nothing was found: too little land, contamination or survey to learn from.
    """
    land = laying.land
    units = draw_communities(land, rng=rng)
    hurt = _accident_cells(laying, laying.contaminated, EARLY_SHARE, rng=rng)
    chance = _propensity(land, units, hurt, surveyed_share, rng=rng)
    chosen = systematic_sample(chance, rng=rng)
    date = _survey_dates(chance, rng=rng)
    surveyed = (units >= 0) & chosen[units]
    found = laying.contaminated & surveyed & (rng.random(surveyed.shape) < detection)
    if not found.any():
        raise InputError(
            "The simulated survey found nothing; raise simulation.prevalence, surveyed_share or "
            "detection, or take a larger area."
        )
    late = _accident_cells(laying, laying.contaminated & ~found, 1 - EARLY_SHARE, rng=rng)
    suspect, cleared = _suspicion(laying, found, surveyed, false_suspicion, rng=rng)
    dates = date[units]
    return Survey(
        finds=_finds(laying, found, dates, rng=rng),
        accidents=_accidents(laying, hurt, late, rng=rng),
        suspect_areas=_dated(suspect, "suspicion", land, dates),
        cleared=_dated(cleared, "cleared", land, dates + 180),
        surveyed_areas=_surveyed_areas(land, units, chosen, date),
        units=units,
        propensity=np.where(units >= 0, chance[units], np.nan).astype(np.float32),
        surveyed=surveyed,
    )


def draw_communities(land: Landscape, *, rng: np.random.Generator) -> NDArray[np.int32]:
    """Divide the study area into communities of about 9 km², each cell to its nearest centre.

    Returns
    -------
    ndarray of int32, shape (height, width)
        Numbers from 0; -1 outside the study area.
    """
    cells = np.flatnonzero(land.inside)
    area_km2 = len(cells) * (resolution(land.geobox) / 1_000.0) ** 2
    number = max(round(area_km2 / UNIT_KM2), 2)
    centres = cell_centre_points(land)
    seeds = np.concatenate([land.settlements, centres[rng.choice(cells, number)]])
    _, nearest = cKDTree(seeds).query(centres[cells])
    units = np.full(land.inside.size, -1, dtype=np.int32)
    units[cells] = np.unique(nearest, return_inverse=True)[1]
    return units.reshape(land.inside.shape)


def systematic_sample(chance: NDArray[np.float64], *, rng: np.random.Generator) -> Mask:
    """Draw units in random order by systematic sampling, each with exactly its chance.

    The sum of the chances fixes how many are drawn, to one
    (Hartley & Rao 1962, doi:10.1214/aoms/1177704564).

    Parameters
    ----------
    chance
        Inclusion probability of each unit, 0 to 1, shape ``(n,)``.

    Returns
    -------
    ndarray of bool, shape (n,)

    Examples
    --------
    >>> import numpy as np
    >>> chance = np.array([1.0, 0.5, 0.5, 0.0])
    >>> drawn = systematic_sample(chance, rng=np.random.default_rng(0))
    >>> bool(drawn[0]), int(drawn.sum()), bool(drawn[3])
    (True, 2, False)
    """
    order = rng.permutation(len(chance))
    upto = np.floor(np.cumsum(chance[order]) + rng.random())
    drawn = np.zeros(len(chance), dtype=bool)
    drawn[order] = np.diff(upto, prepend=0.0) > 0
    return drawn


def _propensity(
    land: Landscape,
    units: NDArray[np.int32],
    hurt: NDArray[np.int64],
    share: float,
    *,
    rng: np.random.Generator,
) -> NDArray[np.float64]:
    """Compute how likely each community is surveyed: places, tracks, accidents, gentle slopes."""
    pull = (
        1.5 * np.exp(-land.settlement_m / 3_000.0)
        + 1.0 * np.exp(-land.track_m / 1_500.0)
        + 0.5 * np.exp(-np.abs(land.front_m) / 5_000.0)
        - 0.04 * np.minimum(land.slope_deg, 25.0)
    )
    cells = units[units >= 0]
    size = np.bincount(cells)
    score = np.bincount(cells, weights=pull[units >= 0]) / size
    accidents = np.bincount(units.ravel()[hurt], minlength=len(size))
    score = score + 0.5 * np.minimum(accidents, 3) + rng.normal(0.0, 0.25, len(size))
    score = (score - score.mean()) / max(float(score.std()), 1e-9)
    low, high = -20.0, 20.0
    for _ in range(60):
        middle = (low + high) / 2
        reached = float((expit(middle + 1.2 * score) * size).sum() / size.sum())
        low, high = (middle, high) if reached < share else (low, middle)
    return np.asarray(expit((low + high) / 2 + 1.2 * score))


def _accident_cells(
    laying: Laying, where: Mask, share: float, *, rng: np.random.Generator
) -> NDArray[np.int64]:
    """Draw cells in which someone was hurt, by how often people are there."""
    land = laying.land
    cells = np.flatnonzero(where)
    number = min(rng.poisson(share * ACCIDENTS_PER_CELL * laying.contaminated.sum()), len(cells))
    people = (
        np.exp(-land.settlement_m / 2_000.0)
        + 0.6 * np.exp(-land.track_m / 1_000.0)
        + 0.3 * np.exp(-land.river_m / 1_000.0)
        + 0.03
    ).ravel()[cells]
    if number == 0:
        return np.empty(0, dtype=np.int64)
    return rng.choice(cells, number, replace=False, p=people / people.sum())


def _finds(
    laying: Laying, found: Mask, dates: NDArray[np.int64], *, rng: np.random.Generator
) -> gpd.GeoDataFrame:
    """Return one point per found cell and hazard class, at a spot where something lay."""
    mines = laying.mines[found.ravel()[laying.mines["cell"].to_numpy()]]
    spots = mines.groupby(["cell", "hazard"], sort=True).agg(
        easting=("easting", "first"), northing=("northing", "first"), number=("count", "sum")
    )
    spots = spots.reset_index()
    day = dates.ravel()[spots["cell"]] + rng.integers(0, 30, len(spots))
    return _points(spots, laying.land, day, "find").assign(number=spots["number"])


def _accidents(
    laying: Laying,
    early: NDArray[np.int64],
    late: NDArray[np.int64],
    *,
    rng: np.random.Generator,
) -> gpd.GeoDataFrame:
    day = np.concatenate(
        [
            rng.integers(*_days(EARLY_ACCIDENTS), len(early)),
            rng.integers(*_days(LATE_ACCIDENTS), len(late)),
        ]
    )
    first = laying.mines.drop_duplicates("cell").set_index("cell")
    spots = first.loc[np.concatenate([early, late])].reset_index()
    return _points(spots, laying.land, day, "accident")


def _suspicion(
    laying: Laying, found: Mask, surveyed: Mask, false_share: float, *, rng: np.random.Generator
) -> tuple[list[shapely.Geometry], list[shapely.Geometry]]:
    """Draw suspect areas around finds, false ones elsewhere; clear some of the true ones."""
    group, _ = ndimage.label(found, structure=np.ones((3, 3)))
    mines = laying.mines[found.ravel()[laying.mines["cell"].to_numpy()]]
    points = shapely.points(mines[["easting", "northing"]].to_numpy())
    owner = group.ravel()[mines["cell"].to_numpy()]
    true = []
    for number in np.unique(owner):
        if rng.random() < SUSPECTED_SHARE:
            hull = shapely.convex_hull(shapely.multipoints(points[owner == number]))
            true.append(hull.buffer(rng.uniform(50.0, 250.0), quad_segs=4))
    false = _false_areas(laying, surveyed, round(false_share * len(true)), rng=rng)
    is_cleared = rng.random(len(true)) < CLEARED_SHARE
    suspect = [area for area, done in zip(true, is_cleared, strict=True) if not done] + false
    order = rng.permutation(len(suspect))
    cleared = [area for area, done in zip(true, is_cleared, strict=True) if done]
    return [suspect[i] for i in order], cleared


def _false_areas(
    laying: Laying, surveyed: Mask, number: int, *, rng: np.random.Generator
) -> list[shapely.Geometry]:
    """Draw areas in surveyed land that look dangerous and hold nothing."""
    land = laying.land
    size = resolution(land.geobox)
    gap = ndimage.distance_transform_edt(~laying.contaminated) * size
    ready = surveyed & (gap > 450.0 + 1.5 * size)
    weight = ready * (
        np.exp(-np.abs(land.front_m) / 4_000.0)
        + 0.3 * np.exp(-land.track_m / 1_000.0)
        + 0.3 * np.exp(-land.settlement_m / 2_000.0)
    )
    number = min(number, int(ready.sum()))
    if number == 0:
        return []
    cells = rng.choice(weight.size, number, replace=False, p=weight.ravel() / weight.sum())
    centre = shapely.points(cell_centre_points(land)[cells])
    return list(shapely.buffer(centre, rng.uniform(150.0, 450.0, number), quad_segs=4))


def _surveyed_areas(
    land: Landscape, units: NDArray[np.int32], chosen: Mask, date: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    mask = (units >= 0) & chosen[units]
    rings: dict[int, list[shapely.Geometry]] = {}
    for shape, value in shapes(units, mask=mask, transform=land.geobox.transform):
        rings.setdefault(int(value), []).append(shapely.geometry.shape(shape))
    number = sorted(rings)
    data = {"date": _iso(date[number]), "method": "non-technical survey"}
    areas = [shapely.union_all(rings[unit]) for unit in number]
    return gpd.GeoDataFrame(data, geometry=areas, crs=str(land.geobox.crs))


def _points(
    spots: pd.DataFrame, land: Landscape, day: NDArray[np.int64], evidence: str
) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame(
        {"hazard": spots["hazard"].astype(str), "date": _iso(day), "evidence": evidence},
        geometry=gpd.points_from_xy(spots["easting"], spots["northing"]),
        crs=str(land.geobox.crs),
    )


def _dated(
    areas: list[shapely.Geometry], evidence: str, land: Landscape, dates: NDArray[np.int64]
) -> gpd.GeoDataFrame:
    """Date each area by the survey of the cell at its middle, or by the first survey."""
    crs = str(land.geobox.crs)
    centre = shapely.get_coordinates(shapely.centroid(np.array(areas, dtype=object)))
    row, column = cell_of(land.geobox, centre[:, 0], centre[:, 1])
    height, width = land.inside.shape
    row, column = np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)
    data = {"date": _iso(dates[row, column]), "evidence": [evidence] * len(areas)}
    return gpd.GeoDataFrame(data, geometry=areas, crs=crs)


def _survey_dates(chance: NDArray[np.float64], *, rng: np.random.Generator) -> NDArray[np.int64]:
    """Survey the likeliest communities first, within the years of survey."""
    rank = np.argsort(np.argsort(-chance + rng.normal(0.0, 0.1, len(chance))))
    first, last = _days(SURVEYS)
    return np.asarray(first + rank * (last - first) // max(len(chance), 1), dtype=np.int64)


def _days(dates: tuple[str, str]) -> tuple[int, int]:
    first, last = read_days(pd.Series(dates))[0].last.astype(int).tolist()
    return first, last


def _iso(days: NDArray[np.int64]) -> NDArray[np.object_]:
    return np.asarray(days).astype("datetime64[D]").astype(str).astype(object)
