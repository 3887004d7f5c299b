"""Commands as a receiver gives them, and what they answer."""

import csv
import json
from collections.abc import Mapping
from pathlib import Path

import rasterio
from rasterio.warp import transform

from tests.commands import done_here

ROOT = Path(__file__).resolve().parents[2]


def minerisk(*asked: str | Path, within: Path = ROOT) -> tuple[int, str]:
    """Give a command; return its exit code and what it said."""
    done = done_here(*asked, cwd=within)
    assert "Traceback" not in done.stderr, done.stderr[-2000:]
    return done.returncode, done.stdout + done.stderr


def square(run: Path, path: Path, *, side_m: float) -> Path:
    """Draw a square around the first task of a run, in degrees."""
    with (run / "tasks.csv").open(encoding="utf-8", newline="") as stream:
        first = next(csv.DictReader(stream))
    with rasterio.open(run / "rasters" / "risk_class.tif") as raster:
        ring = _ring(raster.crs, float(first["easting"]), float(first["northing"]), side_m)
    return _write(path, {"type": "Polygon", "coordinates": [ring]})


def points(run: Path, path: Path) -> Path:
    """Put two points into a file, where polygons are expected."""
    ring = json.loads(square(run, path, side_m=1000).read_text())["features"][0]["geometry"]
    return _write(path, {"type": "MultiPoint", "coordinates": ring["coordinates"][0][:2]})


def beyond(run: Path, path: Path) -> Path:
    """Draw a square of which a part lies outside the study area."""
    with rasterio.open(run / "rasters" / "area_of_applicability.tif") as raster:
        known, place, crs = raster.read(1), raster.transform, raster.crs
    rows, columns = (known != 255).nonzero()
    top = rows.argmin()
    easting, northing = place * (columns[top] + 0.5, rows[top])
    ring = _ring(crs, easting, northing, 6000)
    return _write(path, {"type": "Polygon", "coordinates": [ring]})


def _ring(crs: object, easting: float, northing: float, side: float) -> list[tuple[float, float]]:
    """List the corners of a square, closed, in degrees."""
    ways = ((-1, -1), (1, -1), (1, 1), (-1, 1), (-1, -1))
    eastings = [easting + across * side / 2 for across, _ in ways]
    northings = [northing + up * side / 2 for _, up in ways]
    longitudes, latitudes = transform(crs, "EPSG:4326", eastings, northings)[:2]
    return list(zip(longitudes, latitudes, strict=True))


def _write(path: Path, geometry: Mapping[str, object]) -> Path:
    feature = {"type": "Feature", "properties": {}, "geometry": geometry}
    content = {"type": "FeatureCollection", "features": [feature]}
    path.write_text(json.dumps(content), encoding="utf-8")
    return path
