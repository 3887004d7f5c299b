"""The part of the grid that a request asks for."""

import math
from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import xarray as xr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.cube.store import cube_geobox
from minerisk.features.errors import CoverError, InputError
from minerisk.features.grid import cells_inside, resolution

LEAST_SHARE = 0.999


@dataclass(frozen=True)
class CubeWindow:
    """The cells that are asked for: a window of the cube, and which of its cells."""

    geobox: GeoBox
    asked: NDArray[np.bool_]
    row: int
    column: int


def whole_window(cube: xr.Dataset) -> CubeWindow:
    """Ask for the whole study area."""
    return CubeWindow(cube_geobox(cube), cube["inside"].to_numpy().view(np.bool_), 0, 0)


def area_window(cube: xr.Dataset, area: gpd.GeoDataFrame) -> CubeWindow:
    """Ask for the cells of an area.

    Raises
    ------
    CoverError
        If part of the area lies outside the study area of the cube.
    """
    whole = cube_geobox(cube)
    if area.crs is None:
        raise InputError("The area has no CRS; expected one. Store the file with its CRS.")
    west, south, east, north = area.to_crs(str(whole.crs)).total_bounds
    cell, transform = resolution(whole), whole.transform
    left, top = math.floor((west - transform.c) / cell), math.floor((transform.f - north) / cell)
    # An edge of the area on an edge of the grid asks for no cell beyond it.
    right = max(left, math.ceil((east - transform.c) / cell) - 1)
    bottom = max(top, math.ceil((transform.f - south) / cell) - 1)
    if left < 0 or top < 0 or right >= whole.width or bottom >= whole.height:
        raise CoverError(_outside_words(whole, (west, south, east, north)))
    geobox = whole[top : bottom + 1, left : right + 1]
    asked = cells_inside(geobox, area)
    inside = cube["inside"][top : bottom + 1, left : right + 1].to_numpy().astype(bool)
    if not asked.any():
        raise CoverError(
            f"The area holds no cell centre of the {cell:g} m grid. Ask for a larger area."
        )
    covered = (asked & inside).sum() / asked.sum()
    if covered < LEAST_SHARE:
        raise CoverError(
            f"{1 - covered:.1%} of the area lies outside the study area; the layers say nothing "
            "there. Ask for an area inside it, or make a run whose boundary holds it."
        )
    return CubeWindow(geobox, asked & inside, top, left)


def _outside_words(whole: GeoBox, bounds: tuple[float, float, float, float]) -> str:
    given = ", ".join(f"{value:.0f}" for value in bounds)
    known = ", ".join(f"{value:.0f}" for value in whole.boundingbox)
    return (
        f"The area reaches from {given} (west, south, east, north, {whole.crs}) and leaves the "
        f"study area, which reaches from {known}. Ask for an area inside it."
    )
