"""From vector to grid: masks, counts, coverage and length of line.

Every decision is made in absolute cell units (coordinates divided by the cell size), never
relative to the window at hand, so that a tile holds the same bits as the whole.
"""

from typing import Any, NamedTuple

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox

from minerisk.features.errors import InputError
from minerisk.features.grid import resolution
from minerisk.features.raster.burn import (
    burn_points,
    burn_polygons,
    burn_segments,
    measure_segments,
)

_POINT, _LINES, _POLYGON = 0, (1, 2), 3


class _Window(NamedTuple):
    """Where a grid lies on the lattice of its cell size."""

    size: float
    shift_column: float
    shift_row: float
    column: int
    row: int
    height: int
    width: int


class _Segments(NamedTuple):
    """Straight pieces in absolute cell units; ``owner`` is the row of the frame, or the part."""

    ends: NDArray[np.float64]
    owner: NDArray[np.int64]


def burn_mask(geobox: GeoBox, frame: gpd.GeoDataFrame, all_touched: bool) -> NDArray[np.bool_]:
    """Mark the cells that hold any geometry of `frame`.

    Parameters
    ----------
    geobox
        North-up grid in metres.
    frame
        Points, lines or polygons in the grid's CRS.
    all_touched
        Polygons only: mark every cell they touch. Otherwise cells whose centre they hold.
        Lines mark every cell they pass through, points the cell that holds them.

    Returns
    -------
    ndarray of bool, shape (height, width)
        A geometry on the edge of two cells belongs to the one to the east or south.

    Raises
    ------
    InputError
        If the frame's CRS is not the grid's.

    Examples
    --------
    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_300, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> field = shapely.box(500_050, 4_400_020, 500_140, 4_400_080)
    >>> frame = gpd.GeoDataFrame(geometry=[field], crs="EPSG:32638")
    >>> burn_mask(geobox, frame, all_touched=True)
    array([[ True,  True, False]])
    """
    marked = np.zeros(tuple(geobox.shape), dtype=np.uint8)
    _burn(marked, geobox, frame, np.ones(len(frame), dtype=np.uint8), all_touched)
    return marked.view(np.bool_)


def burn_greatest(
    geobox: GeoBox, frame: gpd.GeoDataFrame, values: NDArray[np.float64], all_touched: bool
) -> NDArray[np.float64]:
    """Compute for each cell the greatest of the values whose geometry it holds.

    Parameters
    ----------
    geobox, frame, all_touched
        As in `burn_mask`.
    values
        One number a row of `frame`, shape ``(n,)``; NaN writes nothing.

    Returns
    -------
    ndarray of float64, shape (height, width)
        NaN where there is no geometry.
    """
    out = np.full(tuple(geobox.shape), -np.inf)
    _burn(out, geobox, frame, np.asarray(values, dtype=np.float64), all_touched)
    out[np.isneginf(out)] = np.nan
    return out


def _burn(
    out: NDArray[Any],
    geobox: GeoBox,
    frame: gpd.GeoDataFrame,
    values: NDArray[Any],
    all_touched: bool,
) -> None:
    """Raise cells to the greatest of the values whose geometry they hold."""
    window, geometries = _window(geobox), _geometries(geobox, frame)
    points, owner = _points(geometries, window)
    burn_points(out, points, values[owner], window.row, window.column)
    lines = _segments(geometries, window, boundaries=False)
    burn_segments(out, lines.ends, values[lines.owner], window.row, window.column)
    rings, parts = _rings(geometries, window)
    if len(parts):
        burn_polygons(out, rings.ends, rings.owner, values[parts], window.row, window.column)
        if all_touched:
            edges = values[parts][rings.owner]
            burn_segments(out, rings.ends, edges, window.row, window.column)


def count_points(
    geobox: GeoBox, frame: gpd.GeoDataFrame, weights: NDArray[np.float64] | None = None
) -> NDArray[np.float64]:
    """Count the points in each cell, or sum their weights.

    Parameters
    ----------
    geobox, frame
        As in `burn_mask`. Lines and polygons count once, at a point that lies on them.
    weights
        One number a row of `frame`, shape ``(n,)``.

    Returns
    -------
    ndarray of float64, shape (height, width)

    Examples
    --------
    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> finds = shapely.points([500_010, 500_020, 500_150], [4_400_050] * 3)
    >>> count_points(geobox, gpd.GeoDataFrame(geometry=finds, crs="EPSG:32638"))
    array([[2., 1.]])
    """
    window, geometries = _window(geobox), _geometries(geobox, frame)
    extended = np.flatnonzero(shapely.get_dimensions(geometries) > 0)
    geometries = geometries.copy()
    geometries[extended] = shapely.point_on_surface(geometries[extended])
    points, owner = _points(geometries, window)
    worth = np.ones(len(frame)) if weights is None else np.asarray(weights, dtype=np.float64)
    rows = np.floor(points[:, 1]).astype(np.int64) - window.row
    columns = np.floor(points[:, 0]).astype(np.int64) - window.column
    held = (rows >= 0) & (rows < window.height) & (columns >= 0) & (columns < window.width)
    cells = rows[held] * window.width + columns[held]
    total = np.bincount(cells, worth[owner][held], minlength=window.height * window.width)
    return total.astype(np.float64, copy=False).reshape(window.height, window.width)


def line_length(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Compute the metres of line in each cell, exact by clipping at the cell edges.

    Parameters
    ----------
    geobox, frame
        As in `burn_mask`. Points have no length; of polygons the boundary counts.

    Returns
    -------
    ndarray of float64, shape (height, width)
        Line along a cell edge belongs to the cell to the east or south.

    Examples
    --------
    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> road = shapely.LineString([(500_020, 4_400_050), (500_150, 4_400_050)])
    >>> line_length(geobox, gpd.GeoDataFrame(geometry=[road], crs="EPSG:32638")).round(6)
    array([[80., 50.]])
    """
    window, geometries = _window(geobox), _geometries(geobox, frame)
    out = np.zeros((window.height, window.width))
    lines = _segments(geometries, window, boundaries=True)
    measure_segments(out, lines.ends, window.row, window.column)
    out *= window.size
    return out


def coverage_fraction(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.float32]:
    """Compute the share of each cell that the polygons of `frame` cover together.

    Parameters
    ----------
    geobox, frame
        As in `burn_mask`. Points and lines cover nothing; overlaps count once.

    Returns
    -------
    ndarray of float32, shape (height, width)
        0 to 1.

    Examples
    --------
    >>> import shapely
    >>> from minerisk.features.grid import study_grid
    >>> bounds = (500_000, 4_400_000, 500_200, 4_400_100)
    >>> geobox = study_grid(bounds, crs="EPSG:32638", resolution_m=100)
    >>> field = shapely.box(500_000, 4_400_000, 500_125, 4_400_100)
    >>> coverage_fraction(geobox, gpd.GeoDataFrame(geometry=[field], crs="EPSG:32638"))
    array([[1.  , 0.25]], dtype=float32)
    """
    geometries = _geometries(geobox, frame)
    polygons = geometries[shapely.get_dimensions(geometries) == 2]
    out = np.zeros(tuple(geobox.shape))
    if not len(polygons):
        return out.astype(np.float32)
    # Joined before the window is looked at, so that every tile sees the same shapes.
    parts = shapely.get_parts(shapely.union_all(polygons))
    parts = parts[shapely.get_dimensions(parts) == 2]
    box = geobox.boundingbox
    parts = parts[shapely.intersects(parts, shapely.box(*box.bbox))]
    if not len(parts):
        return out.astype(np.float32)
    from exactextract import exact_extract
    from exactextract.raster import NumPyRasterSource

    blank = np.broadcast_to(np.float32(0), out.shape)
    raster = NumPyRasterSource(blank, *box.bbox, srs_wkt=frame.crs.to_wkt())
    found = exact_extract(
        raster,
        gpd.GeoDataFrame(geometry=parts, crs=frame.crs),
        ["cell_id", "coverage"],
        output="pandas",
    )
    for cells, shares in zip(found["cell_id"], found["coverage"], strict=True):
        out.reshape(-1)[np.asarray(cells, dtype=np.int64)] += shares
    return np.clip(out, 0.0, 1.0).astype(np.float32)


def _geometries(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.object_]:
    if frame.crs is None or frame.crs != str(geobox.crs):
        raise InputError(
            f"The geometries' CRS is {frame.crs}; expected the grid's, {geobox.crs}. "
            "Reproject them to the grid first."
        )
    return np.asarray(frame.geometry.array, dtype=object)


def _window(geobox: GeoBox) -> _Window:
    size, transform = resolution(geobox), geobox.transform
    if transform.b or transform.d or transform.e != -transform.a or transform.a <= 0:
        raise InputError(f"The grid's transform is {transform}; expected square, north-up cells.")
    left, top = transform.c / size, -transform.f / size
    column, row = round(left), round(top)
    # A grid that is not snapped keeps its shift, rounded so that all of its tiles agree on it.
    shifts = round(left - column, 6), round(top - row, 6)
    return _Window(size, *shifts, column, row, geobox.height, geobox.width)


def _to_cells(coordinates: NDArray[np.float64], window: _Window) -> NDArray[np.float64]:
    columns = coordinates[:, 0] / window.size - window.shift_column
    rows = -coordinates[:, 1] / window.size - window.shift_row
    return np.column_stack([columns, rows])


def _singles(geometries: NDArray[np.object_]) -> tuple[NDArray[np.object_], NDArray[np.int64]]:
    """Take multi-part geometries and collections apart; give the row each part came from."""
    parts, first = shapely.get_parts(geometries, return_index=True)
    parts, second = shapely.get_parts(parts, return_index=True)
    return parts, first[second].astype(np.int64)


def _points(
    geometries: NDArray[np.object_], window: _Window
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    parts, owner = _singles(geometries)
    chosen = (shapely.get_type_id(parts) == _POINT) & ~shapely.is_empty(parts)
    return _to_cells(shapely.get_coordinates(parts[chosen]), window), owner[chosen]


def _segments(geometries: NDArray[np.object_], window: _Window, boundaries: bool) -> _Segments:
    parts, owner = _singles(geometries)
    if boundaries:
        polygons = shapely.get_type_id(parts) == _POLYGON
        parts = parts.copy()
        parts[polygons] = shapely.boundary(parts[polygons])
        parts, index = shapely.get_parts(parts, return_index=True)
        owner = owner[index]
    chosen = np.isin(shapely.get_type_id(parts), _LINES)
    segments = _consecutive(parts[chosen], window)
    return _Segments(segments.ends, owner[chosen][segments.owner])


def _rings(geometries: NDArray[np.object_], window: _Window) -> tuple[_Segments, NDArray[np.int64]]:
    """Return the edges of each polygon part, and the row of the frame of each part."""
    parts, owner = _singles(geometries)
    chosen = shapely.get_type_id(parts) == _POLYGON
    rings, part = shapely.get_rings(parts[chosen], return_index=True)
    segments = _consecutive(rings, window)
    return _Segments(segments.ends, part[segments.owner].astype(np.int64)), owner[chosen]


def _consecutive(lines: NDArray[np.object_], window: _Window) -> _Segments:
    coordinates, owner = shapely.get_coordinates(lines, return_index=True)
    cells = _to_cells(coordinates, window)
    joined = owner[1:] == owner[:-1]
    ends = np.hstack([cells[:-1][joined], cells[1:][joined]])
    # From north to south, so that a line and its reverse give the same bits.
    turned = (ends[:, 1] > ends[:, 3]) | ((ends[:, 1] == ends[:, 3]) & (ends[:, 0] > ends[:, 2]))
    ends[turned] = ends[turned][:, [2, 3, 0, 1]]
    return _Segments(np.ascontiguousarray(ends), owner[1:][joined].astype(np.int64))
