"""A large synthetic study area, and what building and predicting it costs.

``python -m tests.benchmarks.big_area make DIR --cells 20000`` writes fractal terrain, lines and
settlements; ``python -m tests.benchmarks.big_area measure DIR --workers 2`` trains on a corner of
30 x 30 km in cells of 250 m with SIMULATED findings, builds the cube of the whole and predicts it.
"""

import argparse
import dataclasses
import json
import resource
import shutil
import sys
import time
from pathlib import Path

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.windows import Window
from shapely.geometry import LineString, Point, Polygon, box

from features.cube import Tiling, build_cube
from pipelines.console import progress
from pipelines.context import Run
from pipelines.layers import present_features
from pipelines.predict import predict
from pipelines.run import run_steps
from pipelines.workers import Workers

CRS = "EPSG:32638"
CELL_M = 25.0
WEST, NORTH = 300_000.0, 4_900_000.0
BLOCK = 1_024
CORNER = 1_200
COARSE_M = 250
OCTAVES = 9

CONFIG = """
study_area: {name: NAME, title: Synthetic area (SIMULATED findings), boundary: study_area,
  crs: "EPSG:32638", resolution_m: METRES, regions: {count: 4}}
data_root: .
layers:
  study_area: {kind: vector, path: NAME.gpkg, source: made up, licence: none}
  elevation: {kind: raster, path: elevation.tif, unit: m, source: made up, licence: none}
  front_line: {kind: vector, path: front_line.gpkg, position_error_m: 200, source: made up,
    licence: none}
  area_held: {kind: vector, path: area_held.gpkg, source: made up, licence: none}
  roads: {kind: vector, path: roads.gpkg, source: made up, licence: none}
  rivers: {kind: vector, path: rivers.gpkg, source: made up, licence: none}
  settlements: {kind: vector, path: settlements.gpkg, source: made up, licence: none}
  finds: {kind: vector, path: "@simulated/findings.gpkg", layer: simulated_finds,
    date_column: date, source: SIMULATED}
  surveyed: {kind: vector, path: "@simulated/findings.gpkg", layer: simulated_surveyed,
    date_column: date, source: SIMULATED}
features:
  - {kind: front_line, layer: front_line, held_area: area_held, cap_m: 5000}
  - {kind: terrain, layer: elevation, radii_m: [250, 1000]}
  - {kind: distance, layer: roads, cap_m: 5000}
  - {kind: distance, layer: rivers, cap_m: 5000}
  - {kind: distance, layer: settlements, cap_m: 10000}
  - {kind: density, layer: roads, radii_m: [2000]}
labels:
  positive: [{layer: finds, evidence: find, weight: 1.0, hazard_column: hazard}]
  surveyed: surveyed
folds: {count: 3}
model:
  findings: {block_m: 5000, cap_m: 15000}
  lightgbm: {trees: 100, min_cells_in_leaf: 50}
  choice: {trials: 1, inner_folds: 2, leaves: [7], min_cells_in_leaf: [50], trees: [100]}
  members: 4
  threads: 1
gates: {min_positive_cells: 20, permutations: 1, permuted_auc_margin: 0.3,
  min_applicable_share: 0.0}
simulation: {elevation: elevation, front_line: front_line, held_area: area_held,
  settlements: settlements, rivers: rivers, seed: 11, prevalence: 0.06, away_share: 0.05,
  surveyed_share: 0.5, detection: 0.85, false_suspicion: 0.2}
"""


def heights(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """Sum octaves of noise that depend on the place alone, metres."""
    total = np.zeros((len(rows), len(columns)))
    for octave in range(OCTAVES):
        spacing = 2.0 ** (OCTAVES - octave)
        (down, top, lower), (across, left, right) = (
            _lattice(axis / spacing) for axis in (rows, columns)
        )
        corners = _hashed(down, across, octave)
        strip = corners[top] * (1 - lower)[:, None] + corners[top + 1] * lower[:, None]
        noise = strip[:, left] * (1 - right) + strip[:, left + 1] * right
        total += noise * 900.0 * 0.5**octave
    return total


def _lattice(place: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Give the lattice lines around places, the line before each and how far it is past it."""
    before = np.floor(place).astype(np.int64)
    lines = np.arange(before[0], before[-1] + 2)
    return lines, before - before[0], _eased(place - before)


def _eased(share: np.ndarray) -> np.ndarray:
    return share * share * (3 - 2 * share)


def _hashed(rows: np.ndarray, columns: np.ndarray, octave: int) -> np.ndarray:
    mixed = rows[:, None].astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15)
    mixed = mixed ^ (columns[None, :].astype(np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
    mixed = (mixed + np.uint64(octave)) * np.uint64(0xD6E8FEB86659FD93)
    mixed ^= mixed >> np.uint64(32)
    return (mixed * np.uint64(0xD6E8FEB86659FD93) >> np.uint64(40)) / 2.0**24


def make(folder: Path, cells: int) -> None:
    """Write layers and two configurations: of the whole, and of the corner that is trained on."""
    folder.mkdir(parents=True, exist_ok=True)
    _elevation(folder / "elevation.tif", cells)
    rng = np.random.default_rng(5)
    side = cells * CELL_M

    def walk(start: tuple[float, float], drift: tuple[float, float], steps: int) -> np.ndarray:
        return np.cumsum(np.vstack([start, rng.normal(drift, 150.0, (steps, 2))]), axis=0)

    middle = WEST + 0.35 * CORNER * CELL_M
    front = walk((middle, NORTH + 3_000), (0.0, -200.0), int(side / 200) + 40)
    held = Polygon([*front, (WEST - 9_000, front[-1, 1]), (WEST - 9_000, front[0, 1])])
    count = max(int((side / 5_000) ** 2), 30)
    starts = np.column_stack([rng.uniform(WEST, WEST + side, count),
                              rng.uniform(NORTH - side, NORTH, count)])  # fmt: skip
    lines = {
        "roads": [LineString(walk(at, tuple(rng.normal(0, 120, 2)), 60)) for at in starts],
        "rivers": [LineString(walk(at, tuple(rng.normal(0, 80, 2)), 60)) for at in starts[::2]],
        "settlements": [Point(at) for at in starts],
        "front_line": [LineString(front)],
        "area_held": [held.buffer(0)],
    }
    for name, extent, metres in (
        ("whole", side, round(CELL_M)),
        ("corner", CORNER * CELL_M, COARSE_M),
    ):
        lines[name] = [box(WEST, NORTH - extent, WEST + extent, NORTH)]
        text = CONFIG.replace("NAME", name).replace("METRES", str(metres))
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
    for name, shapes in lines.items():
        gpd.GeoDataFrame(geometry=shapes, crs=CRS).to_file(folder / f"{name}.gpkg", driver="GPKG")


def _elevation(path: Path, cells: int) -> None:
    transform = rasterio.transform.from_origin(WEST, NORTH, CELL_M, CELL_M)
    shape = {"width": cells, "height": cells, "count": 1, "dtype": "float32"}
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "zstd"}
    with rasterio.open(
        path, "w", driver="GTiff", crs=CRS, transform=transform, nodata=np.nan,
        bigtiff="if_safer", **shape, **layout,
    ) as dataset:  # fmt: skip
        for row in range(0, cells, BLOCK):
            for column in range(0, cells, BLOCK):
                rows = np.arange(row, min(row + BLOCK, cells))
                columns = np.arange(column, min(column + BLOCK, cells))
                block = np.round(heights(rows, columns), 1).astype(np.float32)
                window = Window(column, row, len(columns), len(rows))
                dataset.write(block, 1, window=window)


def measure(folder: Path, workers: int) -> dict[str, float]:
    """Train on the corner, then build and predict the whole."""
    corner, whole = folder / "run_corner", folder / "run_whole"
    if not (corner / "model").is_dir():
        run_steps(folder / "corner.yaml", corner, last="train")
    run_steps(folder / "whole.yaml", whole, last="configure")
    run = dataclasses.replace(Run.open(whole), workers=Workers(workers))
    layers = run.layers()
    found: dict[str, float] = {"workers": workers}
    with progress("Cube") as bar:
        start = time.perf_counter()
        geobox, inside = run.grid(layers)
        features = present_features(run.config, layers)[0]
        build_cube(
            layers, features, geobox=geobox, inside=inside, path=whole / "cube.zarr",
            progress=bar.step, tiling=Tiling(run=run.workers.run),
        )  # fmt: skip
        found |= {"cells": inside.size, "build_s": time.perf_counter() - start, **_used("build")}
    shutil.copytree(corner / "model", whole / "model", dirs_exist_ok=True)
    with progress("Rasters") as bar:
        start = time.perf_counter()
        predict(run, progress=bar)
        found |= {"predict_s": time.perf_counter() - start, **_used("predict")}
    for name in ("cube.zarr", "rasters"):
        size = sum(file.stat().st_size for file in (whole / name).rglob("*") if file.is_file())
        found[f"{name}_mb"] = size / 1e6
    return {name: round(value, 1) for name, value in found.items()}


def _used(step: str) -> dict[str, float]:
    """Give processor seconds and the greatest memory so far, of this process and of workers."""
    own, others = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return {
        f"{step}_cpu_s_so_far": own.ru_utime + own.ru_stime + others.ru_utime + others.ru_stime,
        f"{step}_own_mb": own.ru_maxrss / 1024,
        f"{step}_worker_mb": others.ru_maxrss / 1024,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "measure"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.folder, asked.cells)
        return
    sys.stdout.write(json.dumps(measure(asked.folder, asked.workers), indent=1) + "\n")


if __name__ == "__main__":
    main()
