"""The same layers by our cube and by SciPy with xarray-spatial, each in a process of its own.

``python -m tests.benchmarks.cube_layers make DIR --cells 4000`` writes synthetic ground;
``ours DIR`` and ``theirs DIR`` each write a store and print seconds by layer and peak memory.
Theirs takes for every layer the faster of the two libraries, and rasterio to burn lines.
"""

import argparse
import importlib
import json
import os
import resource
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import rasterio
import xarray as xr
import zarr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from rasterio.features import rasterize
from scipy import ndimage
from shapely.geometry import LineString, Point

from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.chunks import packing
from minerisk.features.layers.sources import Layers, RasterSource, VectorSource
from tests.benchmarks.memory import most_held_mb

CRS, CELL_M = "EPSG:32638", 25.0
NEAR_M, MIDDLE_M, FAR_M, CAP_M, SIGHT_M = 125.0, 375.0, 1_250.0, 5_000.0, 5_000.0
POSITIONS = 20
EYE = {"eye_m": 2.0, "target_m": 1.0}
FEATURES: list[tuple[str, dict[str, Any]]] = [
    ("terrain", {"layer": "elevation", "radii_m": [NEAR_M, MIDDLE_M, FAR_M]}),
    *(("distance", {"layer": name, "cap_m": CAP_M}) for name in ("roads", "rivers", "villages")),
    ("density", {"layer": "roads", "radii_m": [FAR_M]}),
    ("density", {"layer": "villages", "radii_m": [FAR_M, CAP_M]}),
    ("visibility", {"layer": "elevation", "observers": "positions", "radii_m": [SIGHT_M], **EYE}),
]
VECTORS = ("roads", "rivers", "villages", "positions")
Seconds = dict[str, float]


def make(folder: Path, cells: int) -> None:
    """Write an elevation raster and four vector layers."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(0)
    ground = sum(
        400.0 * 0.5**octave * ndimage.zoom(rng.normal(size=(n, n)), cells / n, order=1)
        for octave, n in enumerate((8, 20, 50, 125, 250))
    )
    profile = {"driver": "GTiff", "width": cells, "height": cells, "count": 1, "dtype": "float32"}
    transform = rasterio.transform.from_origin(0, cells * CELL_M, CELL_M, CELL_M)
    with rasterio.open(
        folder / "elevation.tif", "w", crs=CRS, transform=transform, nodata=np.nan, tiled=True,
        **profile,
    ) as dataset:  # fmt: skip
        dataset.write(np.round(1_500 + ground, 1).astype(np.float32), 1)
    side = cells * CELL_M
    starts = rng.uniform(0, side, (cells // 10, 2))
    walks = [at + np.cumsum(rng.normal(0, 300, (40, 2)), axis=0) for at in starts]
    inner = rng.uniform(SIGHT_M, side - SIGHT_M, (POSITIONS, 2))
    shapes = {
        "roads": [LineString(walk) for walk in walks[::2]],
        "rivers": [LineString(walk) for walk in walks[1::2]],
        "villages": [Point(at) for at in starts],
        "positions": [Point(at) for at in inner],
    }
    for name, own in shapes.items():
        gpd.GeoDataFrame(geometry=own, crs=CRS).to_file(folder / f"{name}.gpkg", driver="GPKG")


def layers_of(folder: Path) -> Layers:
    """Name the layers that `make` wrote."""
    sources: dict[str, Any] = {name: VectorSource(f"{name}.gpkg") for name in VECTORS}
    return Layers(sources | {"elevation": RasterSource("elevation.tif", unit="m")}, folder)


def grid(folder: Path) -> GeoBox:
    """Give the grid of the elevation."""
    with rasterio.open(folder / "elevation.tif") as dataset:
        return GeoBox(dataset.shape, dataset.transform, CRS)


def ours(folder: Path) -> Seconds:
    """Build the cube in tiles, in this process."""
    layers, geobox = layers_of(folder), grid(folder)
    _build(layers, geobox[:64, :64], folder / "small.zarr", {})
    seconds: Seconds = {}
    _build(layers, geobox, folder / "ours.zarr", seconds)
    return seconds


def _build(layers: Layers, geobox: GeoBox, path: Path, seconds: Seconds) -> None:
    at = [time.process_time(), ""]

    def step(name: str, done: int, count: int) -> None:
        now = time.process_time()
        if at[1]:
            seconds[str(at[1])] = seconds.get(str(at[1]), 0.0) + now - float(at[0])
        at[:] = [now, name]

    inside = np.ones(tuple(geobox.shape), dtype=bool)
    build_cube(
        layers, FEATURES, geobox=geobox, inside=inside, path=path, progress=step, tiling=Tiling()
    )


def theirs(folder: Path) -> Seconds:
    """Make every layer whole, one after the other, and write each at once."""
    _theirs_on(folder, slice(0, 64), "small.zarr")
    return _theirs_on(folder, slice(None), "theirs.zarr")


def _theirs_on(folder: Path, part: slice, store: str) -> Seconds:
    geobox = grid(folder)[part, part]
    group = zarr.open_group(folder / store, mode="w")
    seconds: Seconds = {}

    @contextmanager
    def timed(name: str) -> Iterator[Callable[[str, NDArray[Any]], None]]:
        def keep(layer: str, values: NDArray[Any]) -> None:
            group.create_array(
                layer, data=np.asarray(values, dtype=np.float32),
                chunks=(min(512, len(values)),) * 2,
                compressors=packing(),
            )  # fmt: skip

        start = time.process_time()
        yield keep
        seconds[name] = time.process_time() - start

    with rasterio.open(folder / "elevation.tif") as dataset:
        z = dataset.read(1)[part, part]
    frames = {name: gpd.read_file(folder / f"{name}.gpkg") for name in VECTORS}
    with timed("terrain · elevation") as keep:
        _terrain(z, keep)
    for name in ("roads", "rivers", "villages"):
        with timed(f"distance · {name}") as keep:
            far = ndimage.distance_transform_edt(~_burnt(geobox, frames[name])) * CELL_M
            keep(f"{name}_distance_m", np.minimum(far, CAP_M))
    with timed("density · roads") as keep:
        keep("roads_density", _sum(_burnt(geobox, frames["roads"]), _disc(FAR_M)))
    with timed("density · villages") as keep:
        for radius in (FAR_M, CAP_M):
            keep(f"villages_{radius:g}", _sum(_burnt(geobox, frames["villages"]), _disc(radius)))
    with timed("visibility · elevation, positions") as keep:
        keep("visible", _seen(z, geobox, frames["positions"]))
    return seconds


def _terrain(z: NDArray[np.float32], keep: Callable[[str, NDArray[Any]], None]) -> None:
    spatial = importlib.import_module("xrspatial")
    height, width = z.shape
    place = {"y": -CELL_M * np.arange(height), "x": CELL_M * np.arange(width)}
    ground = xr.DataArray(z, dims=("y", "x"), coords=place, attrs={"res": (CELL_M, CELL_M)})
    keep("elevation_m", z)
    keep("slope_deg", spatial.slope(ground).values)
    way = np.deg2rad(spatial.aspect(ground).values)
    keep("northness", np.cos(way))
    keep("eastness", np.sin(way))
    keep("curvature", spatial.curvature(ground).values)
    wide = z.astype(np.float64)
    for radius in (NEAR_M, MIDDLE_M, FAR_M):
        disc = _disc(radius)
        count = _sum(np.ones_like(wide), disc)
        mean = _sum(wide, disc) / count
        keep(f"tpi_{radius:g}", wide - mean)
        keep(f"roughness_{radius:g}", np.sqrt(np.maximum(_sum(wide**2, disc) / count - mean**2, 0)))


def _seen(z: NDArray[np.float32], geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.float64]:
    """Add up viewsheds, each on a window as wide as one can see."""
    viewshed = importlib.import_module("xrspatial").viewshed
    reach, seen = round(SIGHT_M / CELL_M), np.zeros(z.shape)
    for row, column in np.argwhere(_burnt(geobox, frame)):
        rows = slice(max(row - reach, 0), row + reach + 1)
        columns = slice(max(column - reach, 0), column + reach + 1)
        part = z[rows, columns].astype(np.float64)
        place = {"y": -CELL_M * np.arange(len(part)), "x": CELL_M * np.arange(part.shape[1])}
        ground = xr.DataArray(part, dims=("y", "x"), coords=place)
        north, east = row - rows.start, column - columns.start
        found = viewshed(
            ground, x=place["x"][east], y=place["y"][north],
            observer_elev=EYE["eye_m"], target_elev=EYE["target_m"],
        )  # fmt: skip
        away = np.hypot(*np.ogrid[-north : len(part) - north, -east : part.shape[1] - east])
        seen[rows, columns] += (found.values >= 0) & (away <= reach)
    return seen


def _burnt(geobox: GeoBox, frame: gpd.GeoDataFrame) -> NDArray[np.bool_]:
    shape, transform = tuple(geobox.shape), geobox.transform
    burnt = rasterize(frame.geometry, out_shape=shape, transform=transform, all_touched=True)
    return np.asarray(burnt, dtype=bool)


def _disc(radius_m: float) -> NDArray[np.float64]:
    reach = int(radius_m / CELL_M)
    away = np.add.outer(*(np.arange(-reach, reach + 1) ** 2,) * 2)
    return (away <= (radius_m / CELL_M) ** 2).astype(np.float64)


def _sum(values: NDArray[Any], disc: NDArray[np.float64]) -> NDArray[np.float64]:
    signal = importlib.import_module("scipy.signal")  # 47 MB that our side does not need
    return np.asarray(signal.oaconvolve(values.astype(np.float64), disc, mode="same"))


def processor_seconds() -> float:
    """Give what this process and those it has waited for have used."""
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(usage.ru_utime + usage.ru_stime for usage in used)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "ours", "theirs"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=4_000)
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.folder, asked.cells)
        return
    start = time.process_time()
    seconds = ours(asked.folder) if asked.what == "ours" else theirs(asked.folder)
    peak = most_held_mb(os.getpid())
    all_s = time.process_time() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "peak_mb": peak, "with_warm_up_s": all_s}))


if __name__ == "__main__":
    main()
