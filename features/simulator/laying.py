"""Mines laid by doctrine over real or made-up ground, SIMULATED: the truth of a made-up world.

Fields are laid one after another until exactly the wanted number of cells holds something. The
layout follows published practice: obstacles 40-100 m in front of a position, fields 120-600 m in
front, rows further out; anti-tank mines on tracks, valley floors and crossings; a stated share
away from the line, around places, fields, banks and cemeteries. No output is evidence of anything.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy import ndimage
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_of, resolution
from minerisk.features.simulator.land import (
    Grid,
    Landscape,
    Mask,
    cell_centre_points,
    displace_front,
)

HAZARDS = ("ap", "at", "uxo")
LINE_ZONE_M = 7_000.0
POSITION_SPACING_M = 900.0
POSITIONS_PER_KM = 0.8
SPOT_SPACING_M = 40.0
# Items beyond the first at a spot, by class: shelled ground holds many, as 55 % of items found are.
MORE_AT_A_SPOT = {"ap": 1.0, "at": 1.0, "uxo": 12.0}


@dataclass(frozen=True)
class Phase:
    """When a part of the mines was laid, how far behind the line its positions stood, how deep.

    `bands` are (nearest, furthest, share) of the belts in metres in front of the position.
    """

    name: str
    share: float
    setback_m: tuple[float, float]
    bands: tuple[tuple[float, float, float], ...]


PHASES = (
    Phase(
        "1988-1994",
        0.35,
        (0.0, 1_500.0),
        ((40.0, 100.0, 0.40), (120.0, 600.0, 0.45), (600.0, 2_000.0, 0.15)),
    ),
    Phase(
        "1994-2020",
        0.45,
        (0.0, 1_500.0),
        ((40.0, 100.0, 0.35), (120.0, 600.0, 0.40), (2_000.0, 4_000.0, 0.20), (4e3, 7e3, 0.05)),
    ),
    Phase(
        "after 2020",
        0.20,
        (2_500.0, 5_500.0),
        ((40.0, 100.0, 0.40), (120.0, 600.0, 0.50), (600.0, 2_000.0, 0.10)),
    ),
)
# Share of a class in what is laid: by the depth of a belt, else by the kind of place.
BELT_AT_SHARE = {40.0: 0.10, 120.0: 0.45, 600.0: 0.60, 2_000.0: 0.70, 4_000.0: 0.70}
CLUSTERS_ON_THE_LINE = {
    "way": (0.12, (0.05, 0.90, 0.05)),
    "defile": (0.06, (0.90, 0.05, 0.05)),
    "shelled position": (0.17, (0.00, 0.00, 1.00)),
}
CLUSTERS_AWAY = {
    "settlement": (0.35, (0.25, 0.05, 0.70)),
    "farmland": (0.25, (0.25, 0.25, 0.50)),
    "river bank": (0.15, (0.40, 0.20, 0.40)),
    "cemetery": (0.10, (0.80, 0.05, 0.15)),
    "track": (0.15, (0.15, 0.60, 0.25)),
}


@dataclass(frozen=True)
class Laying:
    """The truth of a simulated world.

    Attributes
    ----------
    land
        The ground, its `front_m` measured from the front as it was in this world.
    positions
        One row per position: easting, northing, phase, facing_easting, facing_northing (unit
        vector towards the opposing side).
    mines
        One row per spot: easting, northing, cell (row-major index), hazard, count, kind, phase,
        position (-1 if none), depth_m (in front of the position; NaN if no belt).
    counts
        Mines and other ordnance in each cell, shape ``(3, height, width)``: ap, at, uxo.
    contaminated
        Cells that hold any, shape ``(height, width)``.
    """

    land: Landscape
    positions: pd.DataFrame
    mines: pd.DataFrame
    counts: NDArray[np.int64]
    contaminated: Mask


def simulate_laying(
    land: Landscape,
    *,
    rng: np.random.Generator,
    prevalence: float = 0.02,
    away_share: float = 0.4,
    line_error_m: float = 0.0,
) -> Laying:
    """Lay mines over the ground until the wanted share of cells holds something.

    Parameters
    ----------
    land
        The ground.
    rng
        Source of every draw; the same state gives the same world.
    prevalence
        Share of the cells inside that are contaminated; met to one cell.
    away_share
        Share of the contaminated cells more than 7 km from the front; met to one cell.
    line_error_m
        Median distance between the mapped line and the front of this world, metres.

    Raises
    ------
    InputError
        If the wanted number of cells does not fit: too little land near or away from the line.
    """
    land = displace_front(land, rng=rng, median_m=line_error_m)
    total = round(prevalence * int(land.inside.sum()))
    away = round(away_share * total)
    near_zone = land.inside & (np.abs(land.front_m) <= LINE_ZONE_M)
    positions = place_positions(land, rng=rng)
    wanted = total - away
    near = _take(_lay_on_the_line(land, positions, wanted, rng=rng), near_zone, wanted)
    distant = _take(_lay_away(land, away, rng=rng), land.inside & ~near_zone, away)
    mines = pd.concat([near, distant], ignore_index=True)
    counts = np.zeros((len(HAZARDS), land.inside.size), dtype=np.int64)
    code = mines["hazard"].map({name: i for i, name in enumerate(HAZARDS)}).to_numpy(dtype=int)
    np.add.at(counts, (code, mines["cell"].to_numpy()), mines["count"].to_numpy())
    counts = counts.reshape(len(HAZARDS), *land.inside.shape)
    return Laying(land, positions, mines, counts, counts.sum(axis=0) > 0)


def place_positions(land: Landscape, *, rng: np.random.Generator) -> pd.DataFrame:
    """Put outposts and trenches on ground that commands the approach, in the held land.

    Cells are drawn with a chance that grows with their height above the ground around, at least
    900 m apart, at the setback of each phase behind the line, 0.8 per km of front and phase.

    Returns
    -------
    DataFrame
        easting, northing, phase, facing_easting, facing_northing.
    """
    facing = _facing(land)
    command = command_of(land)
    size = resolution(land.geobox)
    front_km = (land.inside & (np.abs(land.front_m) < size)).sum() * size / 2 / 1_000.0
    most = max(round(POSITIONS_PER_KM * front_km), 1)
    frames = []
    for phase in PHASES:
        low, high = phase.setback_m
        ready = land.inside & (-land.front_m >= low) & (-land.front_m <= high)
        cell = np.flatnonzero(ready)
        key = 1.5 * command.ravel()[cell] + rng.gumbel(size=len(cell))
        cell = cell[np.argsort(-key, kind="stable")]
        cell = cell[_spaced(cell_centre_points(land)[cell], POSITION_SPACING_M)][:most]
        place = cell_centre_points(land)[cell]
        frames.append(
            pd.DataFrame(
                {
                    "easting": place[:, 0],
                    "northing": place[:, 1],
                    "phase": phase.name,
                    "facing_easting": facing[0].ravel()[cell],
                    "facing_northing": facing[1].ravel()[cell],
                }
            )
        )
    return pd.concat(frames, ignore_index=True)


def command_of(land: Landscape) -> Grid:
    """Measure how far the ground stands above what is around it, in standard deviations."""
    return land.relative_m / max(float(land.relative_m[land.inside].std()), 1.0)


def _lay_on_the_line(
    land: Landscape, positions: pd.DataFrame, wanted: int, *, rng: np.random.Generator
) -> pd.DataFrame:
    if wanted == 0:
        return _no_mines()
    if positions.empty:
        raise InputError("No cell of the study area lies in the held land near the front line.")
    fields = 3 * wanted + 50
    nearness = np.exp(-np.abs(land.front_m) / 3_000.0)
    weights = {
        "way": (land.track_m < 300) * 3.0
        + ((land.relative_m < 0) & (land.slope_deg < 5)) * 0.3
        + ((land.track_m < 500) & (land.river_m < 500)) * 6.0,
        "defile": np.clip(-land.relative_m, 0, None) * (land.slope_deg > 8) + 1e-3,
        "shelled position": _around(land, positions, 800.0) + 1e-6,
    }
    ways = sum(share for share, _ in CLUSTERS_ON_THE_LINE.values())
    laid = [_lay_belts(land, positions, round((1 - ways) * fields), rng=rng)]
    for kind, (share, mix) in CLUSTERS_ON_THE_LINE.items():
        zone = land.inside & (np.abs(land.front_m) <= LINE_ZONE_M)
        weight = weights[kind] * nearness * zone
        laid.append(_lay_clusters(land, weight, kind, (round(share * fields), mix), rng=rng))
    return _shuffle_fields(laid, rng=rng)


def _lay_away(land: Landscape, wanted: int, *, rng: np.random.Generator) -> pd.DataFrame:
    if wanted == 0:
        return _no_mines()
    zone = land.inside & (np.abs(land.front_m) > LINE_ZONE_M)
    nearness = np.exp(-np.abs(land.front_m) / 20_000.0)
    flat = land.slope_deg < 6
    weights = {
        "settlement": np.exp(-land.settlement_m / 1_000.0),
        "farmland": flat * np.exp(-land.settlement_m / 4_000.0),
        "river bank": np.exp(-land.river_m / 300.0),
        "cemetery": ((land.settlement_m > 250) & (land.settlement_m < 1_200)) * 1.0,
        "track": np.exp(-land.track_m / 300.0),
    }
    fields = 4 * wanted + 50
    laid = []
    for kind, (share, mix) in CLUSTERS_AWAY.items():
        weight = (weights[kind] + 1e-4) * nearness * zone
        laid.append(_lay_clusters(land, weight, kind, (round(share * fields), mix), rng=rng))
    return _shuffle_fields(laid, rng=rng)


def _lay_belts(
    land: Landscape, positions: pd.DataFrame, fields: int, *, rng: np.random.Generator
) -> pd.DataFrame:
    """Lay three rows of 200-900 m across the approach in front of drawn positions."""
    belt = _draw_belts(positions, fields, rng=rng)
    spots = (2 * belt["half_front"] / SPOT_SPACING_M).astype(int).to_numpy()
    field = np.repeat(np.arange(len(belt)), 3 * spots)
    belt = belt.iloc[field].reset_index(drop=True)
    row = rng.integers(0, 3, len(belt))
    depth = belt["first"] + row * belt["row_gap"]
    along = belt["aside"] + rng.uniform(-1.0, 1.0, len(belt)) * belt["half_front"]
    post = positions.iloc[belt["position"]].reset_index(drop=True)
    return pd.DataFrame(
        {
            "field": field,
            "easting": post.easting + depth * post.facing_easting - along * post.facing_northing,
            "northing": post.northing + depth * post.facing_northing + along * post.facing_easting,
            "hazard": np.where(belt["at"], "at", "ap"),
            "count": 1,
            "kind": "belt",
            "phase": belt["phase"],
            "position": belt["position"],
            "depth_m": depth,
        }
    ).pipe(_located, land)


def _draw_belts(positions: pd.DataFrame, fields: int, *, rng: np.random.Generator) -> pd.DataFrame:
    """Draw the position, depth, length and hazard of each belt, phase by phase."""
    columns = []
    for phase in PHASES:
        own = np.flatnonzero(positions["phase"].to_numpy() == phase.name)
        n = round(phase.share * fields)
        if len(own) == 0 or n == 0:
            continue
        band = np.array(phase.bands)[rng.choice(len(phase.bands), n, p=[b[2] for b in phase.bands])]
        gap = rng.uniform(10.0, np.minimum(30.0, (band[:, 1] - band[:, 0]) / 3))
        columns.append(
            {
                # Some sectors are mined far more than others.
                "position": rng.choice(own, n, p=rng.dirichlet(np.full(len(own), 0.7))),
                "first": rng.uniform(band[:, 0], band[:, 1] - 2 * gap),
                "row_gap": gap,
                "half_front": rng.uniform(100.0, 450.0, n),
                "aside": rng.normal(0.0, 150.0, n),
                "phase": np.full(n, phase.name, dtype=object),
                "at": rng.random(n) < np.array([BELT_AT_SHARE[low] for low in band[:, 0]]),
            }
        )
    return pd.concat([pd.DataFrame(part) for part in columns], ignore_index=True)


def _lay_clusters(
    land: Landscape,
    weight: Grid,
    kind: str,
    amount: tuple[int, tuple[float, float, float]],
    *,
    rng: np.random.Generator,
) -> pd.DataFrame:
    """Lay groups of a Poisson number of items, 150 m across, around cells drawn by weight."""
    fields, mix = amount
    if fields == 0 or not weight.any():
        return _no_mines()
    centre = rng.choice(weight.size, fields, p=weight.ravel() / weight.sum())
    field = np.repeat(np.arange(fields), 1 + rng.poisson(4.0, fields))
    half = resolution(land.geobox) / 2
    start = cell_centre_points(land)[centre] + rng.uniform(-half, half, (fields, 2))
    place = start[field] + rng.normal(0.0, 75.0, (len(field), 2))
    hazard = np.array(HAZARDS, dtype=object)[rng.choice(len(HAZARDS), fields, p=mix)]
    phase = np.array([p.name for p in PHASES], dtype=object)
    return pd.DataFrame(
        {
            "field": field,
            "easting": place[:, 0],
            "northing": place[:, 1],
            "hazard": hazard[field],
            "count": 1 + rng.poisson([MORE_AT_A_SPOT[name] for name in hazard[field]]),
            "kind": kind,
            "phase": phase[rng.choice(len(PHASES), fields, p=[p.share for p in PHASES])][field],
            "position": -1,
            "depth_m": np.nan,
        }
    ).pipe(_located, land)


def _located(mines: pd.DataFrame, land: Landscape) -> pd.DataFrame:
    """Add the cell of each spot and drop those outside the study area."""
    row, column = cell_of(
        land.geobox, mines["easting"].to_numpy(dtype=float), mines["northing"].to_numpy(dtype=float)
    )
    height, width = land.inside.shape
    on = (column >= 0) & (column < width) & (row >= 0) & (row < height)
    on[on] = land.inside[row[on], column[on]]
    return mines.assign(cell=row * width + column)[on]


def _shuffle_fields(laid: list[pd.DataFrame], *, rng: np.random.Generator) -> pd.DataFrame:
    """Put the fields of all kinds into one random order."""
    parts, first = [], 0
    for part in laid:
        if len(part):
            parts.append(part.assign(field=part["field"] + first))
            first = int(parts[-1]["field"].max()) + 1
    if not parts:
        return _no_mines()
    mines = pd.concat(parts, ignore_index=True)
    order = rng.permutation(first)[mines["field"].to_numpy()]
    return mines.iloc[np.argsort(order, kind="stable")].reset_index(drop=True)


def _take(mines: pd.DataFrame, zone: Mask, wanted: int) -> pd.DataFrame:
    """Keep the first spots in `zone` that touch exactly `wanted` different cells."""
    mines = mines[zone.ravel()[mines["cell"].to_numpy(dtype=int)]]
    _, first = np.unique(mines["cell"].to_numpy(dtype=int), return_index=True)
    if len(first) < wanted:
        raise InputError(
            f"The simulation wants {wanted} contaminated cells on one side of {LINE_ZONE_M:,g} m "
            f"from the front line and reaches {len(first)}; lower simulation.prevalence, change "
            "simulation.away_share, or take a larger area."
        )
    end = len(mines) if len(first) == wanted else int(np.sort(first)[wanted])
    return mines.iloc[:end].drop(columns="field")


def _no_mines() -> pd.DataFrame:
    names = ("field", "easting", "northing", "hazard", "count", "kind", "phase", "position")
    return pd.DataFrame({name: [] for name in (*names, "depth_m", "cell")})


def _facing(land: Landscape) -> tuple[Grid, Grid]:
    """Return the unit vector of easting and northing from the held land to the opposing side."""
    smooth = ndimage.gaussian_filter(land.front_m, 2.0, mode="nearest")
    south, east = np.gradient(smooth)
    length = np.maximum(np.hypot(south, east), 1e-9)
    return east / length, -south / length


def _around(land: Landscape, positions: pd.DataFrame, scale_m: float) -> Grid:
    points = positions[["easting", "northing"]].to_numpy()
    near, _ = cKDTree(points).query(cell_centre_points(land), distance_upper_bound=6 * scale_m)
    return np.exp(-near / scale_m).reshape(land.inside.shape)


def _spaced(points: NDArray[np.float64], spacing_m: float) -> NDArray[np.int64]:
    """Keep points in their order, each at least `spacing_m` from those kept before."""
    tree, taken = cKDTree(points), np.zeros(len(points), dtype=bool)
    kept = []
    for i, point in enumerate(points):
        if not taken[i]:
            kept.append(i)
            taken[tree.query_ball_point(point, spacing_m)] = True
    return np.array(kept, dtype=np.int64)
