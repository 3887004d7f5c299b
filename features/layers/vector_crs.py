"""In which CRS a vector layer's coordinates are: what its file says, and what a person says."""

from functools import lru_cache
from pathlib import Path

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray
from pyproj.transformer import AreaOfInterest, TransformerGroup

from minerisk.features.errors import InputError
from minerisk.features.layers.crs import horizontal
from minerisk.features.layers.intake import MissingCrsError

# What GDAL names the CRS of a GeoPackage that states that it has none.
_UNDEFINED = ("Undefined Cartesian SRS", "Undefined geographic SRS")
_SAME_PLACE_M = 0.01
_SAME_ELLIPSOID_M = 1.0
_MOST_DEGREES = (360.0, 90.0)


def parse_crs(crs: str) -> pyproj.CRS:
    """Turn a name such as ``EPSG:3035`` into a CRS, or say what is wrong with it.

    Examples
    --------
    >>> parse_crs("EPSG:3035").name
    'ETRS89-extended / LAEA Europe'
    """
    try:
        return pyproj.CRS.from_user_input(crs)
    except pyproj.exceptions.CRSError as error:
        raise InputError(f"{crs!r} is not a CRS; expected one such as EPSG:3035.") from error


def settled_crs(
    own: pyproj.CRS | None, given: str | None, *, frame: gpd.GeoDataFrame, name: str
) -> pyproj.CRS:
    """Return the CRS that a vector file's coordinates are in: the horizontal part, two axes.

    Parameters
    ----------
    own
        What the file says; None if it says nothing.
    given
        What the configuration says, if anything. It counts where the file says nothing, or
        what cannot be (longitudes of 500,000); otherwise it must agree with the file.
    frame
        The layer, at whose extent they are compared.
    name
        Of the file, for messages.

    Raises
    ------
    InputError
        If neither says a CRS, it cannot be used, or both say one and they differ.
    """
    stated = None if own is None or own.name in _UNDEFINED else own
    if given is None:
        if stated is None:
            said = "no CRS" if own is None else f"the CRS {own.name!r}, which says nothing"
            raise MissingCrsError(
                f"{name} has {said}; it is never guessed. Store the layer with its CRS, or give "
                "its crs in the configuration."
            )
        return _on_earth(horizontal(stated, name=name), name)
    told = _on_earth(horizontal(parse_crs(given), name=f"crs: {given}"), f"crs: {given}")
    if stated is None or not _can_be_used(stated, name) or not_degrees(frame, stated).any():
        return told
    file = horizontal(stated, name=name)
    if not _agree(file, told, frame.total_bounds):
        raise InputError(
            f"{name} is in {file.name!r} by its own account, but the configuration gives crs "
            f"{given} ({told.name}). If the file is right, leave crs out. If it is wrong, take its "
            "word away (of a shapefile, remove the .prj), or store it with its true CRS."
        )
    return told


def _can_be_used(crs: pyproj.CRS, name: str) -> bool:
    try:
        _on_earth(horizontal(crs, name=name), name)
    except InputError:
        return False
    return True


def _on_earth(crs: pyproj.CRS, name: str) -> pyproj.CRS:
    """Return a CRS from which PROJ knows a way to longitude and latitude on Earth."""
    try:
        pyproj.Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    except pyproj.exceptions.ProjError as error:
        raise InputError(
            f"{name} has the CRS {crs.name!r}, from which no way leads to places on Earth. Store "
            "the layer with its true CRS, such as EPSG:32638."
        ) from error
    return crs


def _agree(one: pyproj.CRS, other: pyproj.CRS, bounds: NDArray[np.float64]) -> bool:
    """Tell whether two CRS put the corners of an extent in the same places."""
    if one.equals(other, ignore_axis_order=True):
        return True
    if not np.isfinite(bounds).all() or one.is_geographic != other.is_geographic:
        return False
    corners = bounds[[0, 0, 2, 2]], bounds[[1, 3, 1, 3]]
    moved = pyproj.Transformer.from_crs(one, other, always_xy=True).transform(*corners)
    metres = 111_320.0 if one.is_geographic else one.axis_info[0].unit_conversion_factor
    return bool(np.abs(np.subtract(moved, corners)).max() * metres <= _SAME_PLACE_M)


def crs_of_prj(prj: Path) -> pyproj.CRS | None:
    """Read a ``.prj`` that GDAL does not: WKT of 2019, a PROJ string, or a name; None if empty.

    Raises
    ------
    InputError
        If it is none of them.
    """
    try:
        text = prj.read_bytes()[:65_536].decode("utf-8-sig", errors="replace").strip("\x00 \r\n\t")
        return pyproj.CRS.from_user_input(text) if text else None
    except (pyproj.exceptions.CRSError, OSError) as error:
        raise InputError(
            f"{prj.name} cannot be read as a CRS. Store the layer with its CRS, or remove the file "
            "and give crs in the configuration."
        ) from error


def not_degrees(frame: gpd.GeoDataFrame, crs: pyproj.CRS) -> NDArray[np.bool_]:
    """Tell which rows have coordinates that are no longitude and latitude, if `crs` has degrees.

    Longitudes may run from -180 to 180 or from 0 to 360.
    """
    bounds = frame.bounds.to_numpy()
    if not crs.is_geographic:
        return np.zeros(len(frame), dtype=bool)
    degrees = np.abs(np.degrees(bounds * crs.axis_info[0].unit_conversion_factor))
    beyond = (degrees > np.tile(_MOST_DEGREES, 2) + 1e-9).any(axis=1)
    return np.asarray(beyond & np.isfinite(bounds).all(axis=1), dtype=bool)


@lru_cache(maxsize=256)
def _shifts(own: pyproj.CRS, other: pyproj.CRS, area: tuple[float, ...]) -> int:
    west, south, east, north = area
    group = TransformerGroup(
        own,
        other,
        always_xy=True,
        area_of_interest=AreaOfInterest(west, south, east, north),
        allow_ballpark=False,
    )
    return len(group.transformers)


def shift_is_known(own: pyproj.CRS, other: pyproj.CRS, area: NDArray[np.float64]) -> bool:
    """Tell whether PROJ knows how the datums of two CRS lie to each other at a place.

    Where it does not, it takes coordinates as they are. Between datums of the same ellipsoid that
    is off by metres at most; between others, by hundreds.

    Parameters
    ----------
    area
        West, south, east, north of the layer, degrees.
    """
    if own.ellipsoid is None or other.ellipsoid is None:
        return True
    apart = own.ellipsoid.semi_major_metre - other.ellipsoid.semi_major_metre
    if abs(apart) < _SAME_ELLIPSOID_M or not np.isfinite(area).all():
        return True
    return _shifts(own, other, tuple(float(side) for side in area)) > 0
