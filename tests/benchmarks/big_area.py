"""A large synthetic study area, and what each step of a run of it costs.

``python -m tests.benchmarks.big_area make DIR --cells 20000`` writes fractal terrain, lines,
settlements and SIMULATED findings; ``python -m tests.benchmarks.big_area measure DIR --workers 2``
does the steps of ``minerisk run``, each in a process of its own, and writes time, memory and disk
of each into ``DIR/measured.json``. A step that is there is not done again.

``python -m tests.benchmarks.big_area workers DIR`` asks a run that is done for rasters of 12 tiles,
by one worker on one core and by two on two, by turns, each a command of its own.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from multiprocessing import forkserver
from pathlib import Path
from tempfile import TemporaryDirectory

import geopandas as gpd
import numpy as np
import rasterio
from rasterio.windows import Window
from shapely.geometry import LineString, Point, Polygon, box
from shapely.geometry.base import BaseGeometry

from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.pipelines.predict.predict import TILE
from minerisk.pipelines.run.workers import Workers
from minerisk.pipelines.steps import redo_step, run_steps
from tests.benchmarks.cube_layers import processor_seconds
from tests.benchmarks.memory import most_held_mb

CRS = "EPSG:32638"
CELL_M = 25.0
WEST, NORTH = 300_000.0, 4_900_000.0
BLOCK = 1_024
CORNER = 1_200
COARSE_M = 250
OCTAVES = 9
LOOK_S = 30
ROUNDS = 2

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
  finds: {kind: vector, path: "FINDINGS", layer: simulated_finds, date_column: date,
    source: SIMULATED}
  suspected: {kind: vector, path: "FINDINGS", layer: simulated_suspect_areas, date_column: date,
    source: SIMULATED}
  surveyed: {kind: vector, path: "FINDINGS", layer: simulated_surveyed, date_column: date,
    source: SIMULATED}
features:
  - {kind: front_line, layer: front_line, held_area: area_held, cap_m: 5000}
  - {kind: terrain, layer: elevation, radii_m: [250, 1000]}
  - {kind: distance, layer: roads, cap_m: 5000}
  - {kind: distance, layer: rivers, cap_m: 5000}
  - {kind: distance, layer: settlements, cap_m: 10000}
  - {kind: density, layer: roads, radii_m: [2000]}
labels:
  positive:
    - {layer: finds, evidence: find, weight: 1.0, hazard_column: hazard}
    - {layer: suspected, evidence: suspicion, weight: 0.5, cells: centre}
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
"""


SIMULATION = """
simulation: {elevation: elevation, front_line: front_line, held_area: area_held,
  settlements: settlements, rivers: rivers, seed: 11, prevalence: 0.01, away_share: 0.05,
  surveyed_share: 0.1, detection: 0.85, false_suspicion: 0.2}
"""
STEPS = ("validate", "build", "train", "predict", "prioritize", "report")


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
    """Write layers and two configurations: of the whole, and a coarse one that findings are of."""
    folder.mkdir(parents=True, exist_ok=True)
    _elevation(folder / "elevation.tif", cells)
    write_lines(folder, cells)
    side = cells * CELL_M
    land = box(WEST, NORTH - side, WEST + side, NORTH)
    write_areas(folder, whole=[land], coarse=[land], coarse_m=COARSE_M)


def write_lines(folder: Path, cells: int) -> None:
    """Write roads, rivers, settlements, the front line and the area held."""
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
    for name, shapes in lines.items():
        write_shapes(folder / f"{name}.gpkg", shapes)


def write_shapes(path: Path, shapes: Sequence[BaseGeometry]) -> None:
    gpd.GeoDataFrame(geometry=list(shapes), crs=CRS).to_file(path, driver="GPKG")


def write_areas(
    folder: Path,
    *,
    whole: Sequence[BaseGeometry],
    coarse: Sequence[BaseGeometry],
    coarse_m: float,
    simulation: str = SIMULATION,
) -> None:
    """Write the two study areas with their configurations, and simulate findings on the coarse."""
    for name, shapes, metres, findings, more in (
        ("coarse", coarse, coarse_m, "@simulated/findings.gpkg", simulation),
        ("whole", whole, CELL_M, "run_coarse/simulated/findings.gpkg", ""),
    ):
        text = CONFIG.replace("NAME", name).replace("METRES", f"{metres:g}")
        text = text.replace("FINDINGS", findings) + more
        (folder / f"{name}.yaml").write_text(text, encoding="utf-8")
        write_shapes(folder / f"{name}.gpkg", shapes)
    run_steps(folder / "coarse.yaml", folder / "run_coarse", last="simulate")


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


def measure(folder: Path, workers: int) -> dict[str, dict[str, float]]:
    """Do every step that was not measured yet; give what each took."""
    whole, record = folder / "run_whole", folder / "measured.json"
    run_steps(folder / "whole.yaml", whole, last="configure")
    found = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for name in STEPS:
        if name not in found:
            found[name] = _measured(folder, name, workers)
            record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _measured(folder: Path, name: str, workers: int) -> dict[str, float]:
    """Do a step in a process of its own, looking at the disk all the while."""
    begin, most = time.perf_counter(), 0.0
    command = [sys.executable, "-m", "tests.benchmarks.big_area", "step", str(folder)]
    with subprocess.Popen(
        [*command, "--name", name, "--workers", str(workers)], stdout=subprocess.PIPE, text=True
    ) as work:
        while work.poll() is None:
            most = max(most, disk_mb(folder / "run_whole"))
            with suppress(subprocess.TimeoutExpired):
                work.wait(LOOK_S)
        said = work.stdout.read() if work.stdout else ""
    if work.returncode:
        raise SystemExit(f"{name} ended with {work.returncode}")
    used = json.loads(said.splitlines()[-1])
    kept = disk_mb(folder / "run_whole")
    disk = {"disk_mb": kept, "disk_most_mb": max(most, kept)}
    found = {"seconds": time.perf_counter() - begin, **used, **disk}
    return {key: round(value, 1) for key, value in found.items()}


def disk_mb(folder: Path) -> float:
    total = 0
    for place, _, names in os.walk(folder):  # passes over folders that go while we look
        for name in names:
            with suppress(FileNotFoundError):
                total += (Path(place) / name).stat().st_size
    return total / 1e6


def step(folder: Path, name: str, workers: int) -> dict[str, float]:
    """Do one step; give processor seconds and the most memory, of this process and of a worker.

    A worker's is at least what this process held when it started the server that forks workers.
    """
    redo_step(folder / "run_whole", name, workers=Workers(workers))
    forkserver._forkserver._stop()  # also counts what its workers spent
    return {
        "processor_s": processor_seconds(),
        "main_mb": most_held_mb(os.getpid()),
        "worker_mb": resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024,
    }


def workers_against_one(folder: Path) -> dict[str, list[float]]:
    """Give seconds from start to end of a request, by the number of workers."""
    run, cores = folder / "run_whole", os.sched_getaffinity(0)
    whole = cube_geobox(open_cube(run / "cube.zarr"))
    top, left = (size // 2 // TILE * TILE for size in whole.shape)
    rows, columns = 3 * TILE, 4 * TILE
    inner = whole[top : top + rows, left : left + columns]
    found: dict[str, list[float]] = {"1": [], "2": []}
    with TemporaryDirectory(dir=folder) as place:
        area = Path(place) / "area.gpkg"
        gpd.GeoDataFrame(geometry=[box(*inner.boundingbox)], crs=CRS).to_file(area)
        command = [
            sys.executable,
            "-m",
            "minerisk",
            "maps",
            str(run),
        ]
        command += ["--aoi", str(area), "--out", str(Path(place) / "rasters")]
        for count in [1, 2] * ROUNDS:
            os.sched_setaffinity(0, sorted(cores)[:count])
            begin = time.perf_counter()
            subprocess.run(
                [*command, "--workers", str(count)], check=True, stdout=subprocess.DEVNULL
            )
            found[str(count)].append(round(time.perf_counter() - begin, 1))
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "measure", "step", "workers"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=20_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--name", choices=STEPS)
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.folder, asked.cells)
    elif asked.what == "workers":
        sys.stdout.write(json.dumps(workers_against_one(asked.folder)) + "\n")
    elif asked.what == "step":
        sys.stdout.write(json.dumps(step(asked.folder, asked.name, asked.workers)) + "\n")
    else:
        sys.stdout.write(json.dumps(measure(asked.folder, asked.workers), indent=1) + "\n")


if __name__ == "__main__":
    main()
