"""From places on a scan to places on the ground, and how far off they are."""

from dataclasses import dataclass

import numpy as np
import pyproj
import shapely
from numpy.typing import NDArray

from minerisk.features.digitise.control_points import ControlPoints, WorldFile
from minerisk.features.errors import InputError

Places = NDArray[np.float64]

FEWEST = 4
"""Control points: three fit any map exactly, and so tell nothing of the error."""
_FLATTEST = 0.01
"""Spread of points across their line, as a share of that along it, below which they are on it."""
_SCALE = 1000.0
"""Pixels are counted in thousands in the fit, so that squares of them stay near 1."""
_OUTLIER = 4.0
"""A point left out that is missed by so many times the median is called out."""


@dataclass(frozen=True)
class Georeference:
    """A way from column and row to easting and northing.

    Attributes
    ----------
    crs
        Projected, in metres.
    order
        1 is a shift, turn, shear and two scales; 2 has squares besides.
    pixels, residual_m, left_out_m
        Of each control point: where it is on the scan; how far off the fit puts it; and how far a
        fit puts it off that has not seen it. Empty for a world file.
    error_m
        Root mean square of `left_out_m`; of a world file what was stated.
    """

    crs: pyproj.CRS
    order: int
    pixels: Places
    residual_m: Places
    left_out_m: Places
    error_m: float
    _from_crs: pyproj.CRS
    _coefficients: Places
    _origin: Places

    def places(self, pixels: Places) -> Places:
        """Return easting and northing of columns and rows, shape (places, 2)."""
        fitted = _powers(pixels, self.order) @ self._coefficients + self._origin
        return _moved(fitted, self._from_crs, self.crs)

    @property
    def pixel_m(self) -> float:
        """Side of a square of the area that a pixel covers in the middle of the points, metres."""
        middle = self.pixels.mean(axis=0) if len(self.pixels) else np.zeros(2)
        corner, right, below = self.places(middle + np.array([[0, 0], [1, 0], [0, 1]]))
        return float(np.sqrt(abs(np.linalg.det(np.stack([right - corner, below - corner])))))

    @property
    def outliers(self) -> list[int]:
        """Numbers of control points, from 1, that the others put elsewhere by far."""
        if not len(self.left_out_m):
            return []
        limit = _OUTLIER * np.median(self.left_out_m)
        return [int(at) + 1 for at in np.flatnonzero(self.left_out_m > max(limit, self.pixel_m))]


def fit_control(points: ControlPoints, *, name: str) -> Georeference:
    """Fit a scan to the ground by least squares.

    A sheet is flat, so the fit is linear; where the paper or the projection of the map bends it,
    one with squares puts a control point that it has not seen nearer to its place, and is taken.

    Parameters
    ----------
    points
        At least `FEWEST`, not on one line.
    name
        Of the file that they are from, for messages.

    Raises
    ------
    InputError
        If there are too few points, or they lie on a line, twice on one place, or mirrored.
    """
    crs = _metric(points.crs, points.ground)
    ground = _moved(points.ground, points.crs, crs)
    _check_spread(points.pixels, ground, name)
    fits = [fit for order in (1, 2) if (fit := _fit(points.pixels, ground, crs, order)) is not None]
    best = min(fits, key=lambda fit: fit.error_m)
    _check_upright(best, points.pixels, name)
    return best


def follow_world_file(
    world: WorldFile, *, size: tuple[int, int], error_m: float, name: str
) -> Georeference:
    """Take a scan to the ground as a world file says, with a stated error.

    Raises
    ------
    InputError
        If the file maps the scan to a line, mirrors it, or leads off the Earth.
    """
    linear = world.matrix[:, :2]
    if abs(np.linalg.det(linear)) < 1e-12 * max(float(np.abs(linear).max()) ** 2, 1e-300):
        raise InputError(f"{name} maps the scan to a line; expected pixel sizes that are not 0.")
    corners = np.array([[0.0, 0.0], [size[0], 0.0], [0.0, size[1]], [size[0], size[1]]])
    own = np.concatenate([world.matrix[:, 2:], linear], axis=1).T * [[1.0], [_SCALE], [_SCALE]]
    crs = _metric(world.crs, _powers(corners, 1) @ own)
    none = np.zeros(0)
    found = Georeference(crs, 1, np.zeros((0, 2)), none, none, error_m, world.crs, own, np.zeros(2))
    _check_upright(found, corners, name)
    return found


def to_ground(shapes: NDArray[np.object_], georeference: Georeference) -> NDArray[np.object_]:
    """Return geometries in pixels as geometries on the ground."""
    moved: NDArray[np.object_] = shapely.transform(shapes, georeference.places)
    return moved


def _fit(pixels: Places, ground: Places, crs: pyproj.CRS, order: int) -> Georeference | None:
    """Fit one order; None where a fit without one of the points is not determined."""
    origin, powers = ground.mean(axis=0), _powers(pixels, order)
    coefficients, _, rank, _ = np.linalg.lstsq(powers, ground - origin, rcond=None)
    seen = (powers * np.linalg.pinv(powers).T).sum(axis=1)  # leverage of each point
    if rank < powers.shape[1] or len(pixels) <= powers.shape[1] or (seen > 1 - 1e-6).any():
        return None
    residual = np.hypot(*(ground - origin - powers @ coefficients).T)
    left_out = residual / (1 - seen)
    error = float(np.sqrt(np.square(left_out).mean()))
    return Georeference(crs, order, pixels, residual, left_out, error, crs, coefficients, origin)


def _powers(pixels: Places, order: int) -> Places:
    column, row = np.asarray(pixels, dtype=np.float64).T / _SCALE
    powers = [np.ones_like(column), column, row]
    if order == 2:
        powers += [column**2, column * row, row**2]
    return np.stack(powers, axis=1)


def _check_spread(pixels: Places, ground: Places, name: str) -> None:
    if len(pixels) < FEWEST:
        raise InputError(
            f"{name} has {len(pixels)} control points of this scan; at least {FEWEST} are needed, "
            "since three fit any map exactly and tell nothing of the error. Add some, far apart."
        )
    for places, where in ((pixels, "on the scan"), (ground, "on the ground")):
        spread = np.linalg.svd(places - places.mean(axis=0), compute_uv=False)
        if spread[1] <= _FLATTEST * spread[0]:
            raise InputError(
                f"The control points of {name} lie on one line {where}; expected points spread "
                "over the sheet, such as the crossings of its graticule."
            )
    if _fit(pixels, ground, pyproj.CRS("EPSG:32633"), 1) is None:
        raise InputError(
            f"All control points of {name} but one lie on one line, so that nothing tells whether "
            "that one is right. Add points away from the line."
        )


def _check_upright(found: Georeference, pixels: Places, name: str) -> None:
    middle = pixels.mean(axis=0)
    corner, right, below = found.places(middle + np.array([[0, 0], [1, 0], [0, 1]]))
    if not np.isfinite([corner, right, below]).all():
        raise InputError(f"{name} puts the scan off the Earth. Check its CRS and its numbers.")
    if np.linalg.det(np.stack([right - corner, below - corner])) >= 0:
        raise InputError(
            f"{name} would show the map mirrored. Are columns and rows, or easting and northing, "
            "exchanged, or rows counted upwards? Longitude comes before latitude, and rows are "
            "counted downwards."
        )


def _metric(crs: pyproj.CRS, ground: Places) -> pyproj.CRS:
    """Return a projected CRS in metres: the one given, or the UTM zone of the places."""
    if crs.is_projected and all(axis.unit_conversion_factor == 1.0 for axis in crs.axis_info):
        return crs
    longitude, latitude = _moved(ground, crs, pyproj.CRS("EPSG:4326")).mean(axis=0)
    if not (np.isfinite([longitude, latitude]).all() and abs(latitude) <= 84):
        raise InputError(f"The coordinates lie nowhere that {crs.name} covers. Check the CRS.")
    zone = int((longitude + 180) % 360 // 6) + 1
    return pyproj.CRS.from_epsg((32600 if latitude >= 0 else 32700) + zone)


def _moved(places: Places, source: pyproj.CRS, target: pyproj.CRS) -> Places:
    if source == target:
        return places
    way = pyproj.Transformer.from_crs(source, target, always_xy=True)
    easting, northing = way.transform(*np.asarray(places, dtype=np.float64).T)
    return np.stack([easting, northing], axis=1)
