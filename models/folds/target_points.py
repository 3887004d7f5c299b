"""What stands for the land to be predicted: places on the ground, or features."""

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely
from numpy.typing import ArrayLike, NDArray

from minerisk.features.errors import InputError
from minerisk.models.gower import GowerSpace, has_categories
from minerisk.models.inputs import as_coordinates

Array = NDArray[np.float64]


def prediction_points(target: ArrayLike | gpd.GeoDataFrame, *, count: int, seed: int = 0) -> Array:
    """Return places of the land to be predicted.

    Parameters
    ----------
    target
        Easting and northing, shape (m, 2), or a GeoDataFrame of points or polygons in a
        projected CRS. Polygons are sampled on a regular lattice, and each at least once.
    count
        Places wanted of polygons, and at most of points, which are drawn at random.
    seed
        Seed of the draw.

    Returns
    -------
    ndarray of float64, shape (m, 2)

    Raises
    ------
    InputError
        If there is no place, or the CRS is not projected.
    """
    polygons = isinstance(target, gpd.GeoDataFrame | gpd.GeoSeries) and bool(
        target.geom_type.isin(["Polygon", "MultiPolygon"]).any()
    )
    points = as_coordinates(target)
    if len(points) == 0:
        raise InputError("The target holds no place; expected the land to be predicted.")
    if polygons:
        points = _lattice_within(target.geometry, count)  # type: ignore[union-attr]
    return points[draw_rows(len(points), max(count, 1), np.random.default_rng(seed))]


def standardised(
    X: ArrayLike | pd.DataFrame | None, target: ArrayLike | pd.DataFrame
) -> tuple[Array, Array]:
    """Return features of rows and target, standardised by those of the rows, or as Gower does."""
    if isinstance(X, pd.DataFrame) and isinstance(target, pd.DataFrame):
        missing = [name for name in X.columns if name not in target]
        if missing:
            raise InputError(f"The target lacks the features {missing[:5]}; add them.")
        target = target[list(X.columns)]
        if has_categories(X):
            return _by_gower(X, target)
    rows, there = (np.asarray(one, dtype=np.float64) for one in (X, target))
    if rows.ndim != 2 or there.ndim != 2 or rows.shape[1] != there.shape[1] or not len(there):
        raise InputError(
            f"The features have shape {rows.shape} and those of the target {there.shape}; "
            "expected (n, d) and (m, d)."
        )
    _refuse_gaps(rows, there)
    centre, scale = rows.mean(axis=0), rows.std(axis=0)
    varied = scale > 1e-12 * np.maximum(np.abs(centre), 1e-300)
    if not varied.any():
        raise InputError("No feature varies over the rows; expected at least one that does.")
    scale = np.where(varied, scale, 1.0)
    return ((rows - centre) / scale)[:, varied], ((there - centre) / scale)[:, varied]


def _by_gower(X: pd.DataFrame, target: pd.DataFrame) -> tuple[Array, Array]:
    space = GowerSpace.fit(X)
    rows, there = space.points(X), space.points(target)
    _refuse_gaps(rows, there)
    return rows, there


def _refuse_gaps(rows: Array, there: Array) -> None:
    for values, name in ((rows, "rows"), (there, "target")):
        gaps = int((~np.isfinite(values)).any(axis=1).sum())
        if gaps:
            raise InputError(
                f"{gaps} of {len(values)} {name} lack a feature, or hold one that is not finite; "
                "expected numbers and classes. Leave those rows or features out, or match in "
                "geographic space."
            )


def draw_rows(size: int, count: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """Return all row numbers, or `count` of them drawn at random, ascending."""
    if size <= count:
        return np.arange(size)
    return np.sort(rng.choice(size, count, replace=False))


def _lattice_within(shapes: gpd.GeoSeries, count: int) -> Array:
    """Return the points of one lattice within the shapes, or a point of those that hold none."""
    spacing = float(np.sqrt(shapes.area.sum() / max(count, 1)))
    places = []
    for shape in shapes:
        west, south, east, north = (np.array(shape.bounds) / spacing).tolist()
        axes = (np.arange(np.ceil(west - 0.5), east), np.arange(np.ceil(south - 0.5), north))
        lattice = np.column_stack([(axis.ravel() + 0.5) * spacing for axis in np.meshgrid(*axes)])
        within = lattice[shapely.contains_xy(shape, lattice)]
        lone = shape.representative_point()
        places.append(within if len(within) else np.array([[lone.x, lone.y]]))
    return np.unique(np.concatenate(places), axis=0)
