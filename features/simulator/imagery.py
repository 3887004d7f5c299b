"""Positions as an analyst with imagery would map them: SIMULATED, some missed, some false.

What is published is drawn from where the positions of the made-up world stand, and from the shape
of the ground. Nothing of it is drawn from what was laid, found or surveyed.
"""

import geopandas as gpd
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_of
from minerisk.features.simulator.land import Landscape, cell_centre_points
from minerisk.features.simulator.laying import POSITION_SPACING_M, Laying, command_of

MEDIAN_OF_RAYLEIGH = 1.17741  # median distance from the middle of a circular Gaussian of sd 1
COMMANDING = 1.0  # a strongpoint: so many standard deviations above the ground around it
DEEPEST_M = 10_000.0  # behind the front, false positions included


def positions_seen(
    laying: Laying,
    *,
    rng: np.random.Generator,
    missed: float = 0.25,
    false: float = 0.2,
    error_m: float = 150.0,
) -> gpd.GeoDataFrame:
    """Map the positions of a simulated world from imagery, imperfectly.

    Parameters
    ----------
    laying
        The truth; its ground and its positions are read, its mines are not.
    rng
        Source of every draw.
    missed
        Share of the positions that are not seen.
    false
        Share of what is mapped that is no position: walls, quarries and the like, in the held
        land up to 10 km behind the front, on any ground.
    error_m
        Median distance between a position and where it is mapped, metres.

    Returns
    -------
    GeoDataFrame
        Points: type, ``strongpoint`` on commanding ground and ``trench`` elsewhere. No column
        says which are false.

    Raises
    ------
    InputError
        If a share is not below 1.
    """
    if not (0 <= missed < 1 and 0 <= false < 1):
        raise InputError(
            f"Shares of positions missed ({missed:g}) and false ({false:g}) have to be at least 0 "
            "and below 1."
        )
    land, there = laying.land, laying.positions[["easting", "northing"]].to_numpy(dtype=float)
    seen = there[rng.random(len(there)) >= missed]
    wrong = _no_positions(land, there, round(len(seen) * false / (1.0 - false)), rng=rng)
    true = np.vstack([seen, wrong])
    offset = rng.normal(0.0, error_m / MEDIAN_OF_RAYLEIGH, true.shape)
    order = rng.permutation(len(true))
    mapped = (true + offset)[order]
    kind = np.where(_command_at(land, true)[order] >= COMMANDING, "strongpoint", "trench")
    return gpd.GeoDataFrame(
        pd.DataFrame({"type": kind.astype(object)}),
        geometry=gpd.points_from_xy(*mapped.T),
        crs=str(land.geobox.crs),
    )


def _no_positions(
    land: Landscape, there: NDArray[np.float64], number: int, *, rng: np.random.Generator
) -> NDArray[np.float64]:
    """Draw places in the held land, none within 900 m of a position, shape ``(n, 2)``."""
    ready = land.inside & (land.front_m <= 0) & (land.front_m >= -DEEPEST_M)
    places = cell_centre_points(land)[np.flatnonzero(ready)]
    if len(there) and len(places):
        nearest, _ = cKDTree(there).query(places)
        places = places[nearest > POSITION_SPACING_M]
    number = min(number, len(places))
    return places[rng.choice(len(places), number, replace=False)]


def _command_at(land: Landscape, points: NDArray[np.float64]) -> NDArray[np.float64]:
    row, column = cell_of(land.geobox, points[:, 0], points[:, 1])
    height, width = land.inside.shape
    return command_of(land)[np.clip(row, 0, height - 1), np.clip(column, 0, width - 1)]
