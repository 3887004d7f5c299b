"""An array of a Zarr folder as a band: what its values are, and which of them are taken.

The CF conventions are read as they are written down: ``_FillValue``, ``missing_value``,
``scale_factor``, ``add_offset``, ``units``, ``grid_mapping``. A chunk that is not stored holds
Zarr's fill value, which by itself is a number like any other.
"""

import base64
import math
import struct
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyproj
import zarr
from affine import Affine
from numpy.typing import NDArray

from minerisk.features.errors import InputError
from minerisk.features.files import process
from minerisk.features.layers import intake
from minerisk.features.layers.crs import horizontal
from minerisk.features.layers.vector_crs import parse_crs
from minerisk.features.raster_files import nodata, units, zarr_places
from minerisk.features.raster_files.sizes import check_block_size, check_declared_size
from minerisk.features.raster_files.zarr_places import Dimension

Floats = NDArray[np.float64]

_UNREADABLE = (
    *(OSError, ValueError, KeyError, TypeError, RuntimeError, IndexError, OverflowError),
    *(AttributeError, NotImplementedError),
)
"""What zarr and its codecs raise on metadata and chunks that are damaged."""
_NUMBERS = "biuf"
_USUAL_FILLS = (0.0, 1.0)
"""Zarr's own fill values of an array that somebody began with zeros or ones."""


@dataclass(frozen=True)
class ZarrBand:
    """A two-dimensional part of an array.

    Attributes
    ----------
    places
        For each dimension of the array: None for rows and columns, else the place taken.
    flipped
        Whether columns come before rows in the array.
    unit
        Of the values, as the array states it.
    scale, offset
        What stored values are multiplied by, and what is then added.
    nodata
        Stored values that mean that nothing was measured.
    unsigned
        Whether stored integers are unsigned, though their type is not (``_Unsigned``).
    asked
        The variable, band and values of nodata with which it was opened.
    """

    path: Path
    asked: tuple[str | None, int | None, tuple[float, ...]]
    name: str
    array: Any
    crs: pyproj.CRS
    transform: Affine
    shape: tuple[int, int]
    places: tuple[int | None, ...]
    flipped: bool
    unit: str | None = None
    unit_of_heights: bool = False
    scale: float = 1.0
    offset: float = 0.0
    nodata: tuple[float, ...] = ()
    unsigned: bool = False

    @property
    def count(self) -> int:
        """How many bands there are to choose from: one, or it was chosen."""
        return 1

    @property
    def passed_over(self) -> tuple[float, ...]:
        """Values that are declared as nodata to no effect: there are none."""
        return ()

    def read(self, rows: slice, columns: slice) -> Floats:
        """Return the values of a window as float64 with NaN nodata, scale and offset applied.

        They are read in a process with limits: what a chunk unpacks to is not known before.
        """
        variable, band, missing = self.asked
        top, bottom, left, right = (
            int(edge) for edge in (rows.start, rows.stop, columns.start, columns.stop)
        )
        return process.array_of(
            read_window_here,
            self.path,
            cells=(bottom - top) * (right - left),
            variable=variable,
            band=band,
            missing=list(missing),
            window=[top, bottom, left, right],
        )

    def read_here(self, rows: slice, columns: slice) -> Floats:
        """Read a window in this process, as `read` does in one with limits."""
        windows = iter((columns, rows) if self.flipped else (rows, columns))
        at = tuple(next(windows) if place is None else place for place in self.places)
        try:
            stored = np.asarray(self.array[at])
        except _UNREADABLE as error:
            raise InputError(f"{self.name} cannot be read: {error}. Get it again.") from error
        stored = stored.T if self.flipped else stored
        if self.unsigned:
            stored = stored.astype(f"u{stored.dtype.itemsize}")
        values = stored.astype(np.float64)
        for value in self.nodata:
            values[nodata.is_value(stored, value)] = np.nan
        if (self.scale, self.offset) == (1.0, 0.0):
            return values
        return values * self.scale + self.offset


def open_zarr(
    path: Path, *, variable: str | None, band: int | None, missing: Sequence[float]
) -> ZarrBand:
    """Open an array of a Zarr folder; see `minerisk.features.layers.bands.open_band`."""
    try:
        group = zarr.open_group(path, mode="r")
        arrays = {str(name): array for name, array in group.arrays()}
        attributes = {name: dict(array.attrs) for name, array in arrays.items()}
        own = dict(group.attrs)
    except _UNREADABLE as error:
        raise InputError(f"{path.name} is not a Zarr folder of arrays: {error}.") from error
    dimensions = {name: _dimensions(array, arrays, attributes) for name, array in arrays.items()}
    name = _chosen(path, dimensions, variable)
    array, said = arrays[name], attributes[name]
    row, column = zarr_places.rows_and_columns(path, name, dimensions[name])
    down, across = dimensions[name][row], dimensions[name][column]
    _check_array(path, array, cells=down.length * across.length)
    mapping = _grid_mapping(said, attributes)
    crs = _crs(path, zarr_places.crs_of(path, mapping, said, own))
    scale, offset = _linear(path, said)
    unsigned = array.dtype.kind == "i" and str(said.get("_Unsigned")).lower() == "true"
    return ZarrBand(
        path=path,
        asked=(variable, band, tuple(missing)),
        name=path.name,
        array=array,
        crs=crs,
        transform=zarr_places.transform_of(path, down, across, crs=crs, mapping=mapping),
        shape=(down.length, across.length),
        places=_places(path, name, dimensions[name], (row, column), band),
        flipped=column < row,
        unit=units.stated(_text(said.get("units", said.get("unit")))),
        scale=scale,
        offset=offset,
        nodata=(*missing, *_nodata(path, array, said)),
        unsigned=unsigned,
    )


def read_window_here(
    path: Path,
    *,
    variable: str | None,
    band: int | None,
    missing: Sequence[float],
    window: Sequence[int],
) -> Floats:
    """Open an array and read a window of it: from which to which row and column."""
    opened = open_zarr(path, variable=variable, band=band, missing=missing)
    top, bottom, left, right = window
    return opened.read_here(slice(top, bottom), slice(left, right))


def _crs(path: Path, found: str | None) -> pyproj.CRS:
    if found is None:
        raise intake.MissingCrsError(
            f"{path.name} has no CRS; it is never guessed. Store it with a grid mapping (CF)."
        )
    return horizontal(parse_crs(found), name=path.name)


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _dimensions(
    array: Any, arrays: Mapping[str, Any], attributes: Mapping[str, Mapping[str, Any]]
) -> list[Dimension]:
    """Name the dimensions of an array, each with the array that holds its coordinates."""
    named = getattr(array.metadata, "dimension_names", None)
    named = named or array.attrs.get("_ARRAY_DIMENSIONS") or ()
    names = [str(name) for name in named]
    if len(names) != len(array.shape):
        names = [f"dimension {place + 1}" for place in range(len(array.shape))]
    found = []
    for name, length in zip(names, array.shape, strict=True):
        coordinates = arrays.get(name)
        fits = coordinates is not None and coordinates.shape == (length,)
        own = attributes[name] if fits else {}
        found.append(Dimension(name, int(length), coordinates if fits else None, own))
    return found


def _chosen(path: Path, dimensions: Mapping[str, Sequence[Dimension]], variable: str | None) -> str:
    """Choose the array that holds the values."""
    names = [name for name, own in dimensions.items() if len(own) >= 2]
    if variable is None and len(names) == 1:
        return names[0]
    if variable is None or variable not in names:
        what = "none is named" if variable is None else f"{variable!r} is not among them"
        raise InputError(
            f"{path.name} holds the arrays {', '.join(names) or 'none'} of two or more dimensions; "
            f"{what}. Set the layer's variable."
        )
    return variable


def _check_array(path: Path, array: Any, *, cells: int) -> None:
    if array.dtype.kind not in _NUMBERS:
        raise InputError(
            f"{path.name}: {array.basename} holds values of type {array.dtype}; expected one "
            "number a cell."
        )
    itemsize = array.dtype.itemsize
    files = intake.layer_files(path)
    check_declared_size(path, files, cells=cells, declared_bytes=cells * itemsize)
    check_block_size(path, math.prod(array.chunks) * itemsize)


def _grid_mapping(
    said: Mapping[str, Any], attributes: Mapping[str, Mapping[str, Any]]
) -> Mapping[str, Any]:
    """Find the attributes of the grid mapping (CF); those of none are empty."""
    named = str(said.get("grid_mapping", "spatial_ref")).split(":")[0].strip()
    return attributes.get(named, {})


def _places(
    path: Path, name: str, dimensions: Sequence[Dimension], kept: tuple[int, int], band: int | None
) -> tuple[int | None, ...]:
    """Decide which place is taken along each dimension other than rows and columns."""
    others = [
        place for place, own in enumerate(dimensions) if place not in kept and own.length != 1
    ]
    if len(others) > 1 or (others and band is None):
        raise InputError(_too_many(path, name, dimensions, kept, others))
    length = dimensions[others[0]].length if others else 1
    number = 1 if band is None else band
    if not 1 <= number <= length:
        along = f" along {dimensions[others[0]].name}" if others else ""
        raise InputError(
            f"{path.name} has no band {number}; it has {length}{along}. Set the layer's band."
        )
    return tuple(
        None if place in kept else number - 1 if place in others else 0
        for place in range(len(dimensions))
    )


def _too_many(
    path: Path,
    name: str,
    dimensions: Sequence[Dimension],
    kept: tuple[int, int],
    others: Sequence[int],
) -> str:
    there = ", ".join(own.words for own in dimensions)
    needed = " and ".join(dimensions[place].name for place in kept)
    first = dimensions[others[0]]
    told = (
        f"Set the layer's band: 1 to {first.length} along {first.name}{first.values_in_words()}."
        if len(others) == 1
        else "Take one place along each of the others and store the array again (isel in xarray)."
    )
    return f"{path.name}: {name} has the dimensions {there}; {needed} are needed alone. {told}"


def _linear(path: Path, said: Mapping[str, Any]) -> tuple[float, float]:
    scale = _number(path, "scale_factor", said.get("scale_factor", 1.0))
    offset = _number(path, "add_offset", said.get("add_offset", 0.0))
    if scale == 0 or not (math.isfinite(scale) and math.isfinite(offset)):
        raise InputError(
            f"{path.name} states the scale {scale} and the offset {offset}, by which no value "
            "remains. Correct them."
        )
    return scale, offset


def _nodata(path: Path, array: Any, said: Mapping[str, Any]) -> list[float]:
    """List the stored values that are declared to mean that nothing was measured.

    Zarr's fill value is what a chunk holds that is not stored. xarray and GDAL write nodata there
    in Zarr 2, which had no other place, so any but the usual beginnings 0 and 1 is taken for it;
    in Zarr 3 an attribute says it.
    """
    listed = [said[key] for key in ("_FillValue", "missing_value") if key in said]
    flat = [value for item in listed for value in (item if isinstance(item, list) else [item])]
    values = [_stored_number(path, value, array.dtype) for value in flat]
    if "_FillValue" not in said and array.metadata.zarr_format == 2:
        fill = array.fill_value
        if fill is not None and float(fill) not in _USUAL_FILLS:
            values.append(float(fill))
    return values


def _stored_number(path: Path, value: object, dtype: np.dtype[Any]) -> float:
    """Read an attribute that is a value of the array; xarray writes floats in base 64."""
    if isinstance(value, str) and dtype.kind == "f":
        try:
            return float(struct.unpack("<d", base64.b64decode(value, validate=True))[0])
        except (ValueError, struct.error):
            pass  # a word such as "NaN"
    return _number(path, "_FillValue", value)


def _number(path: Path, key: str, value: object) -> float:
    if isinstance(value, str | int | float):
        try:
            return float(value)
        except (ValueError, OverflowError):
            pass
    raise InputError(f"{path.name}: {key} is {str(value)[:40]!r}; expected a number. Correct it.")
