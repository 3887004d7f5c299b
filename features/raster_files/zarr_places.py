"""Where the values of a Zarr array lie: its dimensions, their coordinates, and its CRS."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pyproj
from affine import Affine
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.raster_files import units
from minerisk.features.raster_files.sizes import check_block_size

Axis = Literal["easting", "northing"]

MAX_COORDINATES = 10_000_000
_EASTING = ("x", "xc", "xdim", "lon", "longitude", "long", "lng", "easting", "east", "e")
_NORTHING = ("y", "yc", "ydim", "lat", "latitude", "northing", "north", "n")
_NAMES: Mapping[str, Axis] = {
    **dict.fromkeys((*_EASTING, "col", "column"), "easting"),
    **dict.fromkeys((*_NORTHING, "row", "line"), "northing"),
}
_STANDARD_NAMES: Mapping[str, Axis] = {
    "projection_x_coordinate": "easting",
    "longitude": "easting",
    "projection_y_coordinate": "northing",
    "latitude": "northing",
}
_AXES: Mapping[str, Axis] = {"X": "easting", "Y": "northing"}
_DEGREES = re.compile(r"degrees?_?(east|e|north|n)?", re.IGNORECASE)
_STEP_SHARE = 1e-3
_RADIAN_DEG = 57.29577951308232


@dataclass(frozen=True)
class Dimension:
    """One dimension of an array.

    Attributes
    ----------
    coordinates
        The array of its coordinates; None where there is none.
    said
        The attributes of that array.
    """

    name: str
    length: int
    coordinates: Any | None = None
    said: Mapping[str, Any] = field(default_factory=dict)

    @property
    def words(self) -> str:
        """Name and length."""
        return f"{self.name} ({self.length:,})"

    @property
    def axis(self) -> Axis | None:
        """Which way it runs, by its attributes (CF) or else its name; None where neither tells."""
        return (
            _AXES.get(str(self.said.get("axis")).upper())
            or _STANDARD_NAMES.get(str(self.said.get("standard_name")).lower())
            or _NAMES.get(self.name.lower())
        )

    def values_in_words(self) -> str:
        """Return the first and last coordinate in brackets, for a message."""
        if self.coordinates is None or self.length > MAX_COORDINATES:
            return ""
        return f" ({self.coordinates[0]} to {self.coordinates[self.length - 1]})"


def rows_and_columns(path: Path, name: str, dimensions: Sequence[Dimension]) -> tuple[int, int]:
    """Return the places of the dimensions of northing and easting.

    Raises
    ------
    InputError
        If names and attributes do not tell them.
    """
    axes = [dimension.axis for dimension in dimensions]
    if axes.count("northing") == 1 and axes.count("easting") == 1:
        return axes.index("northing"), axes.index("easting")
    there = ", ".join(dimension.words for dimension in dimensions)
    raise InputError(
        f"{path.name}: {name} has the dimensions {there}; which of them are northing and easting "
        "does not show. Name them y and x, or lat and lon."
    )


def crs_of(
    path: Path, mapping: Mapping[str, Any], said: Mapping[str, Any], of_group: Mapping[str, Any]
) -> str | None:
    """Find the CRS in the grid mapping (CF), in GDAL's ``_CRS``, or in an attribute ``crs``.

    Returns
    -------
    str or None
        Its name or WKT; None where there is none.

    Raises
    ------
    InputError
        If a grid mapping is not understood.
    """
    own = said.get("_CRS", {})
    found = mapping.get("crs_wkt") or mapping.get("spatial_ref")
    if not found and mapping.get("grid_mapping_name"):
        return _of_parameters(path, mapping)
    found = found or (own.get("wkt") or own.get("url") if isinstance(own, dict) else own)
    found = found or said.get("crs") or of_group.get("crs")
    return str(found) if found else None


def _of_parameters(path: Path, mapping: Mapping[str, Any]) -> str:
    try:
        return pyproj.CRS.from_cf(dict(mapping)).to_wkt()
    except (pyproj.exceptions.CRSError, KeyError, ValueError, TypeError) as error:
        raise InputError(
            f"{path.name} has a grid mapping that is not understood: {error}. Store it with "
            "crs_wkt."
        ) from error


def transform_of(
    path: Path,
    down: Dimension,
    across: Dimension,
    *,
    crs: pyproj.CRS,
    mapping: Mapping[str, Any],
) -> Affine:
    """Make the transform from the coordinates of the cell centres, or from a GeoTransform.

    Raises
    ------
    InputError
        If there is neither, coordinates are not evenly spaced, or they state a unit that does not
        go with the CRS.
    """
    if down.coordinates is None or across.coordinates is None:
        numbers = str(mapping.get("GeoTransform", "")).split()
        if len(numbers) != 6:
            raise _not_even(path, down if down.coordinates is None else across)
        return Affine.from_gdal(*(float(number) for number in numbers))
    (top, step_down), (left, step_across) = (
        _start_and_step(path, dimension, crs) for dimension in (down, across)
    )
    return Affine(step_across, 0.0, left, 0.0, step_down, top)


def _start_and_step(path: Path, dimension: Dimension, crs: pyproj.CRS) -> tuple[float, float]:
    array = dimension.coordinates
    if array is None or dimension.length < 2 or array.dtype.kind not in "iuf":
        raise _not_even(path, dimension)
    if dimension.length > MAX_COORDINATES:
        raise InputError(f"{path.name} has {dimension.words} coordinates, more than is taken.")
    check_block_size(path, int(array.chunks[0]) * array.dtype.itemsize)
    centres = np.asarray(array[:])
    exact = _exact(centres)
    scale, offset = (float(dimension.said.get(k, d)) for k, d in _PACKED)
    centres = (centres.astype(np.float64) * scale + offset) * _factor(path, dimension, crs)
    step = (centres[-1] - centres[0]) / (len(centres) - 1)
    even = centres[0] + step * np.arange(len(centres))
    slack = max(_STEP_SHARE * abs(step), exact)
    if step == 0 or not np.abs(centres - even).max() <= slack:
        raise _not_even(path, dimension)
    return float(centres[0] - step / 2), float(step)


_PACKED = (("scale_factor", 1.0), ("add_offset", 0.0))


def _exact(centres: NDArray[Any]) -> float:
    """Return how far a coordinate can be from what was meant, for the type that it is stored in."""
    if centres.dtype.kind != "f":
        return 0.0
    return float(np.finfo(centres.dtype).eps * np.abs(centres).max())


def _factor(path: Path, dimension: Dimension, crs: pyproj.CRS) -> float:
    """Return what coordinates are multiplied by to be in the unit of the CRS."""
    text = units.stated(str(dimension.said.get("units", "")))
    if text is None:
        return 1.0
    unit = units.parse_unit("deg" if _DEGREES.fullmatch(text) else text)
    # A CRS states its unit in metres, or in radians.
    own = float(crs.axis_info[0].unit_conversion_factor) if crs.axis_info else 1.0
    what = "angle" if crs.is_geographic else "length"
    if unit is None or unit.what != what:
        raise InputError(
            f"{path.name}: the coordinates of {dimension.name} are in {text!r}, which does not go "
            f"with the CRS {crs.name}. Correct the one or the other."
        )
    factor = unit.factor / (own * _RADIAN_DEG if crs.is_geographic else own)
    return 1.0 if abs(factor - 1.0) < 1e-9 else factor


def _not_even(path: Path, dimension: Dimension) -> InputError:
    return InputError(
        f"{path.name} has no evenly spaced coordinates along {dimension.name}; places are never "
        "guessed. Store it with one coordinate for each row and column of a regular grid."
    )
