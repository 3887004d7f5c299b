"""Where the cells are: one snapped `GeoBox` per study area."""

import hashlib
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Protocol

import geopandas as gpd
import numpy as np
import pyproj
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import geometry_mask

from minerisk.features.errors import InputError

MAX_SIDE = 1_000_000
"""Cells to a side of a study area, at most."""
STRIP = 512
"""Rows of a strip: whole chunks of every store."""
MOST_IN_STRIP = 2**24
"""Cells of a strip, at most: a wider grid has strips of fewer rows."""
M2_PER_HA = 10_000.0
MAX_AREA_ERROR = 0.05
"""How far a cell's area on the ground may be off, as a share: 250 m must mean 250 m."""


def study_grid(
    bounds: tuple[float, float, float, float], *, crs: str, resolution_m: float
) -> GeoBox:
    """Make the grid that covers `bounds`, its origin snapped to a multiple of the resolution.

    Parameters
    ----------
    bounds
        West, south, east, north in metres of `crs`.
    crs
        A projected CRS with metres as its unit, such as ``EPSG:3035``.
    resolution_m
        Cell size in metres.

    Returns
    -------
    GeoBox
        North-up grid. Two areas with the same CRS and resolution share their cell edges.

    Raises
    ------
    InputError
        If the CRS is not projected in metres or is not made for this land, or the bounds are empty
        or too large.

    Examples
    --------
    >>> bounds = (500_030, 4_400_010, 500_970, 4_400_480)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=50)
    >>> tuple(geobox.shape), tuple(geobox.boundingbox.bbox)
    ((10, 20), (500000.0, 4400000.0, 501000.0, 4400500.0))
    """
    projection = pyproj.CRS.from_user_input(crs)
    units = {axis.unit_name for axis in projection.axis_info}
    if not projection.is_projected or units != {"metre"}:
        raise InputError(
            f"The study area's CRS is {crs} with units {sorted(units)}; expected a projected CRS "
            "in metres, such as EPSG:3035 or a UTM zone. Set study_area.crs to one."
        )
    if not resolution_m > 0:
        raise InputError(f"resolution_m is {resolution_m}; expected metres above zero.")
    west, south, east, north = (float(value) for value in bounds)
    if not (west < east and south < north):
        raise InputError(f"The study area's bounds are empty: {bounds}. Check its boundary layer.")
    _check_scale(projection, (west, south, east, north))
    left = math.floor(west / resolution_m)
    right = math.ceil(east / resolution_m)
    bottom = math.floor(south / resolution_m)
    top = math.ceil(north / resolution_m)
    height, width = top - bottom, right - left
    if max(height, width) > MAX_SIDE:
        raise InputError(
            f"The study area has {height:,} x {width:,} cells at {resolution_m:,g} m; at most "
            f"{MAX_SIDE:,} to a side are taken. Use a coarser resolution or a smaller area."
        )
    snapped = (left * resolution_m, bottom * resolution_m, right * resolution_m, top * resolution_m)
    return GeoBox.from_bbox(snapped, crs, shape=(height, width))


def _check_scale(crs: pyproj.CRS, bounds: tuple[float, float, float, float]) -> None:
    """Refuse a CRS in which a square metre is not one: Web Mercator, or another zone's."""
    west, south, east, north = bounds
    eastings = np.array([west, east, west, east, (west + east) / 2])
    northings = np.array([south, south, north, north, (south + north) / 2])
    projection = pyproj.Proj(crs)
    longitude, latitude = projection(eastings, northings, inverse=True)
    scale = np.asarray(projection.get_factors(longitude, latitude).areal_scale)
    if not (np.abs(scale - 1) <= MAX_AREA_ERROR).all():
        share = float(scale[np.nanargmax(np.abs(scale - 1))]) if np.isfinite(scale).any() else 0.0
        raise InputError(
            f"In {crs.to_string()} an area of the study area is drawn at {share:.0%} of its true "
            f"size; expected 100 ± {MAX_AREA_ERROR:.0%}. That CRS is not made for this land: set "
            "study_area.crs to the UTM zone of the land, or an equal-area CRS of its region."
        )


def cell_centres(geobox: GeoBox) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Return the cell centres of a north-up grid.

    Returns
    -------
    easting, northing
        Metres in the grid's CRS, shapes ``(width,)`` and ``(height,)``; northing falls with row.

    Examples
    --------
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_200)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> easting, northing = cell_centres(geobox)
    >>> easting, northing
    (array([500050., 500150.]), array([4400150., 4400050.]))
    """
    transform = geobox.transform
    columns = np.arange(geobox.width, dtype=np.float64) + 0.5
    rows = np.arange(geobox.height, dtype=np.float64) + 0.5
    return transform.c + columns * transform.a, transform.f + rows * transform.e


def pad_grid(geobox: GeoBox, halo_m: float) -> tuple[GeoBox, int]:
    """Widen a grid by a halo on every side.

    Returns
    -------
    padded, cells
        The wider grid on the same lattice, and how many cells each side gained.

    Examples
    --------
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_200)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> padded, cells = pad_grid(geobox, 250)
    >>> tuple(padded.shape), cells
    ((8, 8), 3)
    """
    cells = math.ceil(halo_m / resolution(geobox))
    return geobox.pad(cells), cells


def resolution(geobox: GeoBox) -> float:
    """Return the cell size in metres of a square north-up grid."""
    return float(abs(geobox.transform.a))


def cell_hectares(geobox: GeoBox) -> float:
    """Return the area in hectares of a cell of a square north-up grid."""
    return resolution(geobox) ** 2 / M2_PER_HA


def cells_inside(geobox: GeoBox, area: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    """Mark the cells whose centre lies in the polygons of `area` (any CRS).

    Returns
    -------
    ndarray of bool, shape (height, width)

    Examples
    --------
    >>> import shapely
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_200)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> west = shapely.box(500_000, 4_400_000, 500_100, 4_400_200)
    >>> cells_inside(geobox, gpd.GeoDataFrame(geometry=[west], crs="EPSG:32638"))
    array([[ True, False],
           [ True, False]])
    """
    if area.crs is None:
        raise InputError("The area has no CRS; expected one. Store the file with its CRS.")
    shapes = [shape for shape in area.to_crs(str(geobox.crs)).geometry if shape is not None]
    if not shapes:
        return np.zeros(geobox.shape, dtype=bool)
    return geometry_mask(
        shapes, out_shape=tuple(geobox.shape), transform=geobox.transform, invert=True
    )


class Mask(Protocol):
    """Which cells of a grid are meant: an array of bool, or what makes or reads rows of one."""

    @property
    def shape(self) -> tuple[int, ...]:
        """Height and width."""
        ...

    def __getitem__(self, rows: slice, /) -> NDArray[np.bool_]: ...


@dataclass(frozen=True)
class RowMask:
    """A mask of which rows are made or read when they are asked for; none is kept.

    Attributes
    ----------
    shape
        Height and width.
    read
        Gives rows of it.
    """

    shape: tuple[int, ...]
    read: Callable[[slice], NDArray[np.bool_]]

    def __getitem__(self, rows: slice, /) -> NDArray[np.bool_]:
        """Give rows of the mask."""
        return self.read(rows)


def drawn_mask(geobox: GeoBox, area: gpd.GeoDataFrame) -> RowMask:
    """Mark cells as `cells_inside` does, rows at a time: a large grid is never held whole."""
    own = area.to_crs(str(geobox.crs))
    return RowMask(tuple(geobox.shape), partial(_rows_inside, geobox, own))


def _rows_inside(geobox: GeoBox, area: gpd.GeoDataFrame, rows: slice) -> NDArray[np.bool_]:
    return cells_inside(geobox[rows, :], area)


def cell_of(
    geobox: GeoBox, easting: NDArray[np.float64], northing: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return row and column of the cell each point lies in; beyond the grid if the point is."""
    transform = geobox.transform
    row = np.floor((northing - transform.f) / transform.e).astype(np.int64)
    column = np.floor((easting - transform.c) / transform.a).astype(np.int64)
    return row, column


def strips(shape: Iterable[int]) -> Iterator[slice]:
    """Yield the rows of each strip of a grid, from north to south: what is held at a time.

    Parameters
    ----------
    shape
        Height and width.

    Examples
    --------
    Of a grid of 50,000 cells a side 256 rows are held at a time, a half of a chunk.

    >>> [(rows.start, rows.stop) for rows in strips((1_000, 300))]
    [(0, 512), (512, 1000)]
    >>> next(strips((50_000, 50_000)))
    slice(0, 256, None)
    """
    height, width = shape
    rows = strip_rows(width)
    for row in range(0, height, rows):
        yield slice(row, min(row + rows, height))


def strip_rows(width: int) -> int:
    """Return how many rows of a grid are held at a time."""
    rows = STRIP
    while rows > 1 and rows * width > MOST_IN_STRIP:
        rows //= 2
    return rows


def mask_strips(mask: Mask) -> Iterator[tuple[slice, NDArray[np.bool_]]]:
    """Yield the rows of each strip of a mask and what they hold, from north to south."""
    for rows in strips(mask.shape):
        yield rows, mask[rows]


def count_marked(mask: Mask) -> int:
    """Count the marked cells."""
    return sum(int(np.count_nonzero(part)) for _, part in mask_strips(mask))


def mask_sha256(mask: Mask) -> str:
    """Hash a mask: the SHA-256 of its cells in order, eight to a byte."""
    found, left = hashlib.sha256(), np.empty(0, dtype=bool)
    for _, part in mask_strips(mask):
        cells = np.concatenate([left, part.ravel()])
        whole = cells.size - cells.size % 8  # what is left of a byte goes with the next strip
        found.update(np.packbits(cells[:whole]).tobytes())
        left = cells[whole:]
    found.update(np.packbits(left).tobytes())
    return found.hexdigest()
