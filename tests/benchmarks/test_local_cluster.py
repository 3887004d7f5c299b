"""Two processes of our own pool against two of `distributed.LocalCluster`, by turns.

Start-up is counted on both sides: each cube and each request begins in a fresh process.
``python -m tests.benchmarks.test_local_cluster cube|request DIR pool|cluster`` does it once.
"""

import json
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing import forkserver
from pathlib import Path
from statistics import median
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import box

from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.store import cube_geobox, open_cube
from minerisk.pipelines.predict.predict import TILE, predict
from minerisk.pipelines.predict.window import area_window
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.progress import progress
from minerisk.pipelines.run.workers import Workers
from tests.benchmarks import cube_layers

pytestmark = pytest.mark.benchmark

SIDES = ("pool", "cluster")


@contextmanager
def two_workers(side: str) -> Iterator[Workers]:
    """Two processes of the pool, or of a cluster that is started here and ended here."""
    if side == "pool":
        yield Workers(2)
        forkserver._forkserver._stop()
        return
    from distributed import LocalCluster

    with LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        yield Workers(scheduler=cluster.scheduler_address)


def cube(folder: Path, side: str) -> None:
    """Build a whole cube of synthetic ground."""
    geobox, path = cube_layers.grid(folder), folder / f"{side}.zarr"
    shutil.rmtree(path, ignore_errors=True)
    with two_workers(side) as workers:
        build_cube(
            cube_layers.layers_of(folder),
            cube_layers.FEATURES,
            geobox=geobox,
            inside=np.ones(geobox.shape, dtype=bool),
            path=path,
            tiling=Tiling(run=workers.run),
        )


def request(folder: Path, side: str) -> None:
    """Write the rasters of twelve tiles in the middle of a run that is done."""
    run, out = Run.open(folder), folder.with_name(f"{side}_rasters")
    shutil.rmtree(out, ignore_errors=True)
    whole = cube_geobox(run.cube())
    height, width = whole.shape
    top, left = (height // TILE - 3) // 2 * TILE, (width // TILE - 4) // 2 * TILE
    inner = whole[top : top + 3 * TILE, left : left + 4 * TILE]
    area = gpd.GeoDataFrame(geometry=[box(*inner.boundingbox)], crs=str(whole.crs))
    with two_workers(side) as workers, progress("request") as bar:
        predict(
            replace(run, workers=workers),
            window=area_window(run.cube(), area),
            folder=out,
            progress=bar,
        )


def by_turns(work: str, folder: Path, rounds: int) -> list[tuple[float, float]]:
    """Time pool and cluster by turns, in seconds of wall clock."""

    def once(side: str) -> float:
        command = [sys.executable, "-m", __spec__.name if __spec__ else __name__]
        start = time.perf_counter()
        subprocess.run([*command, work, str(folder), side], check=True, capture_output=True)
        return time.perf_counter() - start

    return [(once(SIDES[0]), once(SIDES[1])) for _ in range(rounds)]


def report(words: str, turns: list[tuple[float, float]]) -> None:
    """Print medians and the range of ratios."""
    ratios = [cluster / pool for pool, cluster in turns]
    pool, cluster = (median(turn[at] for turn in turns) for at in (0, 1))
    sys.stdout.write(
        f"\n{words}: pool {pool:.1f} s, LocalCluster {cluster:.1f} s, "
        f"{median(ratios):.2f} times as long ({min(ratios):.2f} to {max(ratios):.2f})"
    )


@pytest.mark.parametrize(("cells", "rounds"), [(8_000, 3), (16_000, 3)])
def test_cube_by_pool_and_by_cluster(tmp_path: Path, cells: int, rounds: int) -> None:
    cube_layers.make(tmp_path / "small", 600)
    by_turns("cube", tmp_path / "small", 1)  # compiles
    cube_layers.make(tmp_path, cells)
    report(f"cube of {cells:,} squared", by_turns("cube", tmp_path, rounds))
    one, two = (open_cube(tmp_path / f"{side}.zarr") for side in SIDES)
    for name in one.data_vars:
        np.testing.assert_array_equal(one[name][::7], two[name][::7])


if __name__ == "__main__":
    doing: dict[str, Callable[[Path, str], Any]] = {"cube": cube, "request": request}
    if sys.argv[1] == "turns":
        turns = by_turns(sys.argv[2], Path(sys.argv[3]), int(sys.argv[4]))
        report(sys.argv[2], turns)
        sys.stdout.write("\n" + json.dumps(turns) + "\n")
    else:
        doing[sys.argv[1]](Path(sys.argv[2]), sys.argv[3])
