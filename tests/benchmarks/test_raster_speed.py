"""Processor time from a cube on disk to a COG of scores, against a bare `Booster.predict` loop."""

import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

import lightgbm as lgb
import numpy as np
import pytest
import zarr
from numpy.typing import NDArray
from odc.geo.geobox import GeoBox
from zarr.codecs import BloscCodec

from minerisk.models.estimators.members import TreeMembers
from minerisk.pipelines.formats.cog import RasterWriter
from minerisk.pipelines.formats.palette import PROBABILITY_RAMP

pytestmark = pytest.mark.benchmark

SIDE, FEATURES, TREES, LEAVES = 1_024, 40, 500, 63
STRIP, ROUNDS = 512, 3
GRID = GeoBox.from_bbox((0, 0, SIDE * 25, SIDE * 25), "EPSG:32638", resolution=25)

Scores = Callable[[NDArray[np.float32]], NDArray[np.float64]]


@pytest.fixture(scope="module")
def cube(tmp_path_factory: pytest.TempPathFactory) -> zarr.Group:
    """Smooth fields with noise, in chunks and codec of a real cube."""
    rng, place = np.random.default_rng(0), np.arange(SIDE)
    group = zarr.open_group(tmp_path_factory.mktemp("speed") / "cube.zarr", mode="w")
    for number in range(FEATURES):
        across, down = (np.sin(place * rng.uniform(0.002, 0.05) + number) for _ in range(2))
        field = np.add.outer(down, across) + 0.1 * rng.normal(size=(SIDE, SIDE))
        group.create_array(
            str(number),
            data=field.astype(np.float32),
            chunks=(STRIP, STRIP),
            compressors=BloscCodec(cname="lz4", clevel=5, shuffle="bitshuffle"),
        )
    return group


def strip(cube: zarr.Group, row: int) -> NDArray[np.float32]:
    columns = [np.asarray(cube[str(number)][row : row + STRIP]) for number in range(FEATURES)]
    return np.stack([column.ravel() for column in columns], axis=1)


@pytest.fixture(scope="module")
def booster(cube: zarr.Group) -> lgb.Booster:
    X = strip(cube, 0)[::25]
    rng = np.random.default_rng(1)
    odds = np.sin(2 * X) @ rng.normal(size=FEATURES)
    y = (odds + rng.normal(size=len(X)) > 0).astype(float)
    chosen = {"objective": "binary", "num_leaves": LEAVES, "num_threads": 1, "verbosity": -1}
    return lgb.train(chosen, lgb.Dataset(X, y), TREES)


def write(cube: zarr.Group, path: Path, scores: Scores) -> float:
    """Write the probability raster of a cube, and give the processor seconds it took."""
    start = time.process_time()
    with RasterWriter(path, GRID, description="probability", style=PROBABILITY_RAMP) as raster:
        for row in range(0, SIDE, STRIP):
            probability = 1 / (1 + np.exp(-scores(strip(cube, row))))
            raster.write(probability.reshape(STRIP, SIDE).astype(np.float32), row=row)
    return time.process_time() - start


def test_a_raster_takes_at_most_half_the_time_of_a_booster_loop(cube, booster, tmp_path):
    def ours() -> Scores:
        members = TreeMembers(boosters=(booster,), forest=(False,))
        return lambda X: members.log_odds(X, threads=1)[:, 0]

    def theirs() -> Scores:
        return lambda X: np.asarray(booster.predict(X, raw_score=True, num_threads=1))

    ours()(strip(cube, 0)[:5_000])  # compiles
    none = write(cube, tmp_path / "none.tif", lambda X: X[:, 0].astype(np.float64))
    spent = []
    for _ in range(ROUNDS):
        spent.append([write(cube, tmp_path / f"{s.__name__}.tif", s()) for s in (ours, theirs)])
        assert (tmp_path / "ours.tif").read_bytes() == (tmp_path / "theirs.tif").read_bytes()
    ratios = [their / our for our, their in spent]
    own, other = (1e6 * median(pair[at] for pair in spent) / SIDE**2 for at in (0, 1))
    sys.stdout.write(
        f"\ncube to COG, {TREES} trees of {LEAVES} leaves, {FEATURES} columns, {SIDE} squared: "
        f"{own:.2f} us a cell against {other:.1f}; {median(ratios):.1f} times less "
        f"({min(ratios):.1f} to {max(ratios):.1f}); reading and writing alone "
        f"{1e6 * none / SIDE**2:.2f} us a cell\n"
    )
    assert median(ratios) >= 2
