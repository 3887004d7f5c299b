"""A whole cube against SciPy with xarray-spatial, and two workers against one."""

import json
import os
import shutil
import subprocess
import sys
import time
from multiprocessing import forkserver
from pathlib import Path
from statistics import median

import numpy as np
import pytest
import zarr
from zarr.codecs import BloscCodec

from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.chunks import BLOCK_BYTES
from minerisk.features.cube.store import open_cube
from minerisk.pipelines.run.workers import Workers
from tests.benchmarks import cube_layers

pytestmark = pytest.mark.benchmark

CELLS, ROUNDS = 4_000, 3


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("xrspatial")
    folder = tmp_path_factory.mktemp("ground")
    cube_layers.make(folder, CELLS)
    return folder


def run(what: str, folder: Path) -> dict:
    for store in ("small", what):
        shutil.rmtree(folder / f"{store}.zarr", ignore_errors=True)
    command = [sys.executable, "-m", "tests.benchmarks.cube_layers", what, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return json.loads(done.stdout)


def test_a_whole_cube_against_scipy_and_xarray_spatial(ground):
    run("ours", ground)  # compiles
    rounds = [(run("ours", ground), run("theirs", ground)) for _ in range(ROUNDS)]
    for name in rounds[0][0]["seconds"]:
        tell(name, [[side["seconds"][name] for side in pair] for pair in rounds])
    tell("the whole cube", [[sum(side["seconds"].values()) for side in pair] for pair in rounds])
    tell("peak memory", [[side["peak_mb"] for side in pair] for pair in rounds], "MiB")
    assert max(own["peak_mb"] for own, _ in rounds) <= 3_000
    known, peer = open_cube(ground / "ours.zarr"), zarr.open_group(ground / "theirs.zarr")
    inner = slice(300, -300)
    for ours, theirs, step in (
        ("rivers_distance_m", "rivers_distance_m", 1e-2),
        ("tpi_1250m", "tpi_1250", 1e-2),
    ):
        away = known[ours].to_numpy() - np.asarray(peer[theirs])
        assert np.nanmax(np.abs(away[inner, inner])) < step


def tell(words: str, pairs: list[list[float]], unit: str = "s") -> None:
    ratios = [their / our for our, their in pairs]
    own, other = (median(pair[at] for pair in pairs) for at in (0, 1))
    sys.stdout.write(
        f"\n{words}: {own:.2f} {unit} against {other:.2f} {unit}: {median(ratios):.2f} times less "
        f"({min(ratios):.2f} to {max(ratios):.2f})"
    )


def test_packing_of_chunks(ground):
    if not (ground / "ours.zarr").is_dir():
        run("ours", ground)
    cube = open_cube(ground / "ours.zarr").isel(y=slice(0, 1_024), x=slice(0, 1_024)).load()
    ways = (("lz4", 1, "shuffle"), ("lz4", 5, "bitshuffle"), ("zstd", 3, "bitshuffle"))
    for name, level, shuffle in ways:
        packing = BloscCodec(cname=name, clevel=level, shuffle=shuffle, blocksize=BLOCK_BYTES)
        path = ground / f"{name}_{level}.zarr"
        group, start = zarr.open_group(path, mode="w"), time.process_time()
        for layer in cube.data_vars:
            values = cube[layer].to_numpy()
            group.create_array(str(layer), data=values, chunks=(512, 512), compressors=packing)
        written = time.process_time()
        for layer in cube.data_vars:
            np.asarray(group[str(layer)])
        read = time.process_time() - written
        size = sum(file.stat().st_size for file in path.rglob("*") if file.is_file())
        sys.stdout.write(
            f"\n{name} {level} {shuffle}: written in {written - start:.2f} s, "
            f"read in {read:.2f} s, {size / 1e6:.0f} MB"
        )


@pytest.mark.parametrize(("cells", "rounds"), [(8_000, 3), (16_000, 2)])
def test_two_workers_against_one(tmp_path, cells, rounds):
    """One worker keeps to one core: packing of chunks would use the other one too.

    Workers import all anew in every round, as they do for a command.
    """
    cube_layers.make(tmp_path, cells)
    geobox, cores = cube_layers.grid(tmp_path), os.sched_getaffinity(0)

    def seconds(workers: int) -> tuple[float, float]:
        path = tmp_path / "workers.zarr"
        shutil.rmtree(path, ignore_errors=True)
        os.sched_setaffinity(0, sorted(cores)[:workers])
        start, spent = time.perf_counter(), cube_layers.processor_seconds()
        try:
            build_cube(
                cube_layers.layers_of(tmp_path),
                cube_layers.FEATURES,
                geobox=geobox,
                inside=np.ones(geobox.shape, dtype=bool),
                path=path,
                tiling=Tiling(run=Workers(workers).run),
            )
            wall = time.perf_counter() - start
        finally:
            os.sched_setaffinity(0, cores)
            forkserver._forkserver._stop()  # also counts what its workers spent
        return wall, cube_layers.processor_seconds() - spent

    # One worker first: threads that it starts stay on its core.
    turns = [(seconds(1), seconds(2)) for _ in range(rounds)]
    for at, words in enumerate(("wall clock", "processor time")):
        pairs = [[two[at], one[at]] for one, two in turns]
        tell(f"cube of {cells} squared, {words}, two workers against one", pairs)
