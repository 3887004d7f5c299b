"""A square too large to be done here: a band of its tiles, and the rest by arithmetic.

``python -m tests.benchmarks.sampled_area make DIR --cells 50000 --rows 5000`` writes layers of a
square of that many cells a side, with SIMULATED findings; the study area is its first rows, a
tenth, as wide as the square: what a process holds grows with the width of a study area, not with
its height. ``python -m tests.benchmarks.sampled_area measure DIR --workers 2 --every 1`` builds,
trains and predicts that band, of the tiles of a prediction every so manieth. Time, memory of every
process and disk are written into ``DIR/measured.json``, with what the square would take: tiles by
the tiles that were done, all else (masks, labels, hashes, rasters, classes) by its rows. A stage
that is there is not done again.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from multiprocessing import forkserver
from pathlib import Path

import numpy as np
import rasterio
from rasterio.windows import Window
from shapely.geometry import Polygon, box

from minerisk.features.cube.build import TILE as BUILT
from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.pipelines.predict.predict import TILE as PREDICTED
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.workers import Workers
from minerisk.pipelines.steps import redo_step, run_steps
from tests.benchmarks.big_area import (
    CELL_M,
    CRS,
    NORTH,
    SIMULATION,
    WEST,
    disk_mb,
    heights,
    write_areas,
    write_lines,
)
from tests.benchmarks.cube_layers import processor_seconds
from tests.benchmarks.memory import family, most_held_mb

MIRRORED = 4_096
"""Cells to a side of the heights that are made; the square repeats them, mirrored, seamless."""
COARSE_CELLS = 1_250
HALO = 512
"""Rows of heights below the band: more than any feature looks beyond a cell."""
TRAINED_ON = 30_000
LOOK_S = 1.0
NODATA = -32_768
STAGES = ("build", "train", "predict")


def make(folder: Path, cells: int, rows: int) -> None:
    """Write the layers: heights of whole metres, packed, where they are needed; lines; the band."""
    folder.mkdir(parents=True, exist_ok=True)
    _write_heights(folder / "elevation.tif", cells, min(rows + HALO, cells))
    write_lines(folder, cells)
    side = cells * CELL_M
    land = [box(WEST, NORTH - rows * CELL_M, WEST + side, NORTH)]
    _write_areas(folder, land, side / COARSE_CELLS)
    (folder / "square.json").write_text(json.dumps({"cells": cells}), encoding="utf-8")


def _write_areas(folder: Path, land: list[Polygon], coarse_m: float) -> None:
    # Of a band less land lies near the front line than of a square.
    fewer = SIMULATION.replace("prevalence: 0.01", "prevalence: 0.004")
    write_areas(folder, whole=land, coarse=land, coarse_m=coarse_m, simulation=fewer)
    config = folder / "whole.yaml"
    text = config.read_text(encoding="utf-8")
    more = f"model:\n  most_cells: {TRAINED_ON}\n"
    config.write_text(text.replace("model:\n", more), encoding="utf-8")


def _write_heights(path: Path, cells: int, rows: int) -> None:
    axis = np.arange(MIRRORED)
    block = np.round(heights(axis, axis)).astype(np.int16)
    there_and_back = np.concatenate([axis, axis[::-1]])
    place = np.resize(there_and_back, cells)
    wide = block[:, place]
    transform = rasterio.transform.from_origin(WEST, NORTH, CELL_M, CELL_M)
    with rasterio.open(
        path, "w", driver="GTiff", crs=CRS, transform=transform, nodata=NODATA, width=cells,
        height=cells, count=1, dtype="int16", tiled=True, blockxsize=512, blockysize=512,
        compress="zstd", zstd_level=1, predictor=2, bigtiff="if_safer", sparse_ok=True,
    ) as dataset:  # fmt: skip
        for row in range(0, rows, 512):
            own = place[row : min(row + 512, rows)]
            dataset.write(wide[own], 1, window=Window(0, row, cells, len(own)))


@dataclass(frozen=True)
class SomeTiles(Workers):
    """Workers that do every so manieth tile of a prediction.

    Attributes
    ----------
    every
        1 does all.
    spent
        Folder into which each worker writes the processor seconds of each tile.
    """

    every: int = 1
    spent: Path = Path()

    def run(self, work: Callable, tasks: Sequence) -> Iterator:
        """Do the tiles that are to be done; give nothing for the others."""
        if not isinstance(tasks[0], tuple):
            yield from super().run(work, tasks)  # rasters, by name
            return
        cube = len(tasks[0]) == 3
        done = tasks if cube else tasks[:: self.every]
        yield from super().run(partial(_timed, work, self.spent), done)
        yield from [None] * (len(tasks) - len(done))


def _timed(work: Callable, spent: Path, task: tuple[int, ...]) -> object:
    begin = time.process_time()
    found = work(task)
    with (spent / f"{os.getpid()}.txt").open("a", encoding="utf-8") as file:
        file.write(f"{time.process_time() - begin}\n")
    return found


def measure(folder: Path, workers: int, every: int) -> dict[str, dict[str, float]]:
    """Do every stage that was not measured yet; give what each took, and would take."""
    record = folder / "measured.json"
    run_steps(folder / "whole.yaml", folder / "run_whole", last="configure")
    found = json.loads(record.read_text(encoding="utf-8")) if record.is_file() else {}
    for name in STAGES:
        if name not in found:
            found[name] = _measured(folder, name, workers, every)
            record.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    return found


def _measured(folder: Path, name: str, workers: int, every: int) -> dict[str, float]:
    """Do a stage in a process of its own, looking at memory of all its processes and at disk."""
    begin, most_mb, held = time.perf_counter(), 0.0, {}
    command = [sys.executable, "-m", "tests.benchmarks.sampled_area", "stage", str(folder)]
    command += ["--name", name, "--workers", str(workers), "--every", str(every)]
    looks = 0
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as work:
        while work.poll() is None:
            held |= {pid: most_held_mb(pid) or held.get(pid, 0.0) for pid in family(work.pid)}
            if looks % 60 == 0:
                most_mb = max(most_mb, disk_mb(folder / "run_whole"))
            looks += 1
            with suppress(subprocess.TimeoutExpired):
                work.wait(LOOK_S)
        said = work.stdout.read() if work.stdout else ""
    if work.returncode:
        raise SystemExit(f"{name} ended with {work.returncode}")
    main_mb = held.pop(work.pid, 0.0)
    kept = disk_mb(folder / "run_whole")
    found = {
        "seconds": time.perf_counter() - begin,
        **json.loads(said.splitlines()[-1]),
        "main_mb": main_mb,
        "others": len(held),
        "other_mb": max(held.values(), default=0.0),
        "disk_mb": kept,
        "disk_most_mb": max(most_mb, kept),
    }
    return {key: round(value, 1) for key, value in found.items()}


def stage(folder: Path, name: str, workers: int, every: int) -> dict[str, float]:
    """Do one stage; give processor seconds, of tiles and of all, and those of the whole square."""
    spent, run = folder / f"spent_{name}", folder / "run_whole"
    spent.mkdir(exist_ok=True)
    redo_step(run, name, workers=SomeTiles(workers, every=every, spent=spent))
    forkserver._forkserver._stop()  # also counts what its workers spent
    total = processor_seconds()
    if name == "train":
        return {"processor_s": total}
    took = [float(line) for path in spent.glob("*.txt") for line in path.read_text().split()]
    square = json.loads((folder / "square.json").read_text(encoding="utf-8"))["cells"]
    height, _ = cube_geobox(open_cube(run / "cube.zarr")).shape
    side = BUILT if name == "build" else PREDICTED
    layers = len(Run.open(run).config.features) if name == "build" else 1
    tiles = (-(-square // side)) ** 2 * layers
    rest = total - sum(took)
    return {
        "processor_s": total,
        "tiles_s": sum(took),
        "tiles_done": len(took),
        "tiles_of_square": tiles,
        "square_s": sum(took) * tiles / len(took) + rest * square / height,
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("make", "measure", "stage"))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--cells", type=int, default=50_000)
    parser.add_argument("--workers", type=int, default=2)
    parser.add_argument("--rows", type=int, default=5_000)
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--name", choices=STAGES)
    asked = parser.parse_args()
    if asked.what == "make":
        make(asked.folder, asked.cells, asked.rows)
    elif asked.what == "stage":
        found = stage(asked.folder, asked.name, asked.workers, asked.every)
        sys.stdout.write(json.dumps(found) + "\n")
    else:
        found = measure(asked.folder, asked.workers, asked.every)
        sys.stdout.write(json.dumps(found, indent=1) + "\n")


if __name__ == "__main__":
    main()
