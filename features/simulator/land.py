"""The ground a simulated laying happens on: real layers, or terrain and a front made up whole."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import geopandas as gpd
import numpy as np
import shapely
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from scipy import ndimage
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import minimum_spanning_tree
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.features.grid import cell_centres, cells_inside, resolution

FAR_M = 30_000.0
RELATIVE_HEIGHT_RADIUS_M = 1_500.0

Grid = NDArray[np.float64]
Mask = NDArray[np.bool_]


@dataclass(frozen=True)
class Landscape:
    """What the simulator knows of the ground, all on one grid, shapes ``(height, width)``.

    Attributes
    ----------
    geobox
        North-up grid in a projected CRS, metres.
    inside
        Cells of the study area with an elevation.
    elevation_m, slope_deg, relative_m
        Height; slope in degrees; height above the mean of 1.5 km around, metres.
    front_m
        Distance to the front line, metres, negative in the held land, at most 30 km either way.
    settlement_m, track_m, river_m
        Distance to the nearest, metres, at most 30 km.
    settlements
        Easting and northing of the places, shape ``(n, 2)``.
    """

    geobox: GeoBox
    inside: Mask
    elevation_m: Grid
    slope_deg: Grid
    relative_m: Grid
    front_m: Grid
    settlement_m: Grid
    track_m: Grid
    river_m: Grid
    settlements: NDArray[np.float64]


def describe_land(
    geobox: GeoBox,
    inside: Mask,
    elevation: NDArray[np.floating],
    *,
    vectors: Mapping[str, gpd.GeoDataFrame],
) -> Landscape:
    """Measure slope, relative height and distances on the study grid.

    Parameters
    ----------
    geobox
        North-up grid, projected, metres.
    inside
        Cells of the study area, shape ``(height, width)``.
    elevation
        Metres, same shape, NaN where there is none; such cells are left out of the laying.
    vectors
        ``front_line``, ``held_area``, ``settlements`` and, if there are any, ``rivers`` and
        ``roads``; any CRS. Without roads, tracks are made up: straight, from place to place,
        along the minimum spanning tree of the settlements.

    Raises
    ------
    InputError
        If a layer is missing or shapes differ.
    """
    missing = {"front_line", "held_area", "settlements"} - set(vectors)
    if missing:
        raise InputError(
            f"The simulation lacks the layers {sorted(missing)}; name them under simulation."
        )
    shape = tuple(geobox.shape)
    if inside.shape != shape or elevation.shape != shape:
        raise InputError(
            f"inside is {inside.shape} and elevation {elevation.shape}; expected {shape}."
        )
    crs = str(geobox.crs)
    local = {name: frame.to_crs(crs) for name, frame in vectors.items()}
    places = shapely.get_coordinates(shapely.centroid(local["settlements"].geometry.values))
    tracks = line_points(local["roads"], 100.0) if "roads" in local else _made_up_tracks(places)
    rivers = line_points(local["rivers"], 100.0) if "rivers" in local else np.empty((0, 2))
    distance = distance_to_points(geobox, line_points(local["front_line"], 50.0))
    front = np.where(cells_inside(geobox, local["held_area"]), -distance, distance)
    return _land(geobox, inside, elevation, front, (places, tracks, rivers))


def fractal_terrain(
    shape: tuple[int, int],
    *,
    rng: np.random.Generator,
    relief_m: float = 1_500.0,
    exponent: float = 2.2,
) -> Grid:
    """Make terrain by spectral synthesis: noise whose amplitude falls with frequency.

    Power falls as frequency to the minus ``2 * exponent - 1``, as in real relief
    (Saupe 1988, doi:10.1007/978-1-4612-3784-6_2).

    Returns
    -------
    ndarray, shape `shape`
        Metres from 0 to `relief_m`.

    Examples
    --------
    >>> ground = fractal_terrain((64, 64), rng=np.random.default_rng(1), relief_m=900)
    >>> float(ground.min()), float(ground.max())
    (0.0, 900.0)
    """
    rows = np.fft.fftfreq(shape[0])[:, None]
    columns = np.fft.rfftfreq(shape[1])[None, :]
    frequency = np.hypot(rows, columns)
    frequency[0, 0] = np.inf
    noise = rng.normal(size=(*frequency.shape, 2))
    spectrum = (noise[..., 0] + 1j * noise[..., 1]) * frequency**-exponent
    height = np.fft.irfft2(spectrum, s=shape)
    return relief_m * (height - height.min()) / np.ptp(height)


def made_up_land(
    shape: tuple[int, int],
    *,
    rng: np.random.Generator,
    resolution_m: float = 250.0,
    places: int = 40,
) -> Landscape:
    """Make a whole study area without data: fractal terrain, a winding front, places, a river.

    The front runs from north to south through the middle; the held land lies west of it.
    The grid is in EPSG:32638 and stands for no real place.
    """
    height, width = shape
    west, north = 500_000.0, 4_400_000.0
    box = (west, north - height * resolution_m, west + width * resolution_m, north)
    geobox = GeoBox.from_bbox(box, "EPSG:32638", shape=shape)
    easting, northing = cell_centres(geobox)
    wave = ndimage.gaussian_filter1d(rng.normal(size=height), max(height / 20, 1), mode="nearest")
    wave *= 0.1 * (box[2] - west) / max(float(np.abs(wave).max()), 1e-9)
    line_easting = (west + box[2]) / 2 + wave
    front_points = line_points(
        gpd.GeoSeries([shapely.LineString(np.c_[line_easting, northing])]), 50.0
    )
    held = easting[None, :] < line_easting[:, None]
    distance = distance_to_points(geobox, front_points)
    elevation = fractal_terrain(shape, rng=rng)
    settlements = np.c_[
        rng.uniform(west, box[2], size=places), rng.uniform(box[1], north, size=places)
    ]
    bed = elevation.argmin(axis=1)
    river = line_points(gpd.GeoSeries([shapely.LineString(np.c_[easting[bed], northing])]), 100.0)
    return _land(
        geobox,
        np.ones(shape, dtype=bool),
        elevation,
        np.where(held, -distance, distance),
        (settlements, _made_up_tracks(settlements), river),
    )


def displace_front(
    land: Landscape, *, rng: np.random.Generator, median_m: float, correlation_m: float = 15_000.0
) -> Landscape:
    """Move the front by a smooth random field: the line on the map is not where the front was.

    Parameters
    ----------
    median_m
        Median displacement, metres, as the layer's stated positional error.
    correlation_m
        Distance over which the displacement changes.
    """
    if median_m <= 0:
        return land
    step = correlation_m / resolution(land.geobox)
    coarse = rng.normal(size=tuple(int(np.ceil(n / step)) + 4 for n in land.front_m.shape))
    rows, columns = (np.arange(n) / step + 1.5 for n in land.front_m.shape)
    field = ndimage.map_coordinates(
        coarse, np.meshgrid(rows, columns, indexing="ij"), order=3, mode="nearest"
    )
    near = np.abs(land.front_m) < FAR_M / 3
    typical = float(np.median(np.abs(field[near]))) if near.any() else 1.0
    # The field fades out away from the line, so that land far from it stays far.
    field *= median_m / typical * np.exp(-((land.front_m / (FAR_M / 2)) ** 2))
    return replace(land, front_m=land.front_m + field)


def distance_to_points(
    geobox: GeoBox, points: NDArray[np.float64], *, cap_m: float = FAR_M
) -> Grid:
    """Measure from each cell centre to the nearest of `points`, metres, at most `cap_m`."""
    if len(points) == 0:
        return np.full(tuple(geobox.shape), cap_m)
    easting, northing = np.meshgrid(*cell_centres(geobox))
    centres = np.c_[easting.ravel(), northing.ravel()]
    distance, _ = cKDTree(points).query(centres, distance_upper_bound=cap_m)
    return np.minimum(distance, cap_m).reshape(easting.shape)


def line_points(lines: gpd.GeoDataFrame | gpd.GeoSeries, step_m: float) -> NDArray[np.float64]:
    """Return the vertices of the lines, none further apart than `step_m`, shape ``(n, 2)``."""
    return np.asarray(shapely.get_coordinates(shapely.segmentize(lines.geometry.values, step_m)))


def cell_centre_points(land: Landscape) -> NDArray[np.float64]:
    """Return easting and northing of every cell centre, row by row, shape ``(cells, 2)``."""
    easting, northing = np.meshgrid(*cell_centres(land.geobox))
    return np.c_[easting.ravel(), northing.ravel()]


def _land(
    geobox: GeoBox,
    inside: Mask,
    elevation: NDArray[np.floating],
    front: Grid,
    points: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]],
) -> Landscape:
    size = resolution(geobox)
    known = np.isfinite(elevation)
    if not (inside & known).any():
        raise InputError("No cell of the study area has an elevation; check that layer's cover.")
    height = np.where(known, elevation, np.mean(elevation[known])).astype(np.float64)
    window = 2 * round(RELATIVE_HEIGHT_RADIUS_M / size) + 1
    relative = height - ndimage.uniform_filter(height, window, mode="nearest")
    slope = np.degrees(np.arctan(np.hypot(*np.gradient(height, size))))
    settlements, tracks, rivers = points
    return Landscape(
        geobox=geobox,
        inside=inside & known,
        elevation_m=height,
        slope_deg=slope,
        relative_m=relative,
        front_m=front,
        settlement_m=distance_to_points(geobox, settlements),
        track_m=distance_to_points(geobox, tracks),
        river_m=distance_to_points(geobox, rivers),
        settlements=settlements,
    )


def _made_up_tracks(places: NDArray[np.float64]) -> NDArray[np.float64]:
    """Join the places by the shortest tree of straight tracks; give points along them."""
    neighbours = min(8, len(places) - 1)
    if neighbours < 1:
        return np.empty((0, 2))
    distance, other = cKDTree(places).query(places, k=neighbours + 1)
    start = np.repeat(np.arange(len(places)), neighbours)
    edges = (start, other[:, 1:].ravel())
    graph = coo_matrix((distance[:, 1:].ravel() + 1e-6, edges), shape=(len(places),) * 2)
    tree = minimum_spanning_tree(graph.tocsr()).tocoo()
    ends = np.stack([places[tree.row], places[tree.col]], axis=1)
    return line_points(gpd.GeoSeries(shapely.linestrings(ends)), 100.0)
