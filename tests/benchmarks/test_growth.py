"""How processor time grows: with cells, reach and number of features, and with the model."""

import shutil
import sys
import time
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.features.cube.build import Tiling, build_cube
from minerisk.models.trees.kernel import Kernel
from minerisk.models.trees.shap import GroupShap
from minerisk.models.trees.stored_booster import trees_of
from tests.benchmarks import cube_layers
from tests.benchmarks.test_tree_kernel_speed import ensemble, land, seconds

pytestmark = pytest.mark.benchmark

ROUNDS = 3
USUAL = {"members": 4, "trees": 100, "leaves": 15, "columns": 20, "cells": 50_000}
LARGER: dict[str, list[int]] = {
    "members": [1, 2, 8],
    "trees": [50, 200, 400],
    "leaves": [7, 31, 63],
    "columns": [10, 40, 80],
    "cells": [5_000, 500_000],
}
SIDES = [1_000, 2_000, 4_000, 8_000]
SIDE = 4_000
REACHES: list[tuple[str, str, list[float]]] = [
    ("terrain", "radii_m", [125.0, 500.0, 2_000.0]),
    ("distance", "cap_m", [2_500.0, 5_000.0, 10_000.0, 20_000.0]),
    ("density", "radii_m", [500.0, 2_000.0, 8_000.0]),
]


def test_scores_and_reasons_by_the_size_of_the_model():
    asked = [("usual", USUAL)]
    asked += [(what, USUAL | {what: value}) for what, more in LARGER.items() for value in more]
    for what, size in asked:
        shape = [size[name] for name in ("members", "trees", "leaves", "columns")]
        kernel = Kernel([trees_of(booster) for booster in ensemble(*shape)])
        explained = GroupShap(kernel, range(kernel.columns))
        X = land(size["cells"], kernel.columns, seed=3)
        used = []
        for work in (kernel.raw, explained.values):
            work(X[:10])  # compiles
            used.append(median(seconds(partial(work, X))[0] for _ in range(ROUNDS)) / len(X))
        told = "usual" if what == "usual" else f"{what} {size[what]:,}"
        sys.stdout.write(f"\n{told}: scores {1e6 * used[0]:.2f} us, reasons {1e6 * used[1]:.2f} us")


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("growth")
    cube_layers.make(folder, SIDES[-1])
    return folder


def test_a_cube_by_its_cells(ground):
    for side in SIDES:
        tell(f"{side:,} squared", ground, side, cube_layers.FEATURES)


def test_a_cube_by_the_number_of_its_layers(ground):
    for count in (1, 2, 3):
        names = ("roads", "rivers", "villages")[:count]
        features = [("distance", {"layer": name, "cap_m": 5_000.0}) for name in names]
        tell(f"{count} distances", ground, SIDE, features)


def test_a_cube_by_the_reach_of_its_features(ground):
    for kind, setting, values in REACHES:
        layer = "elevation" if kind == "terrain" else "roads"
        for value in values:
            reach: Any = [value] if setting == "radii_m" else value
            words = f"{kind} with {setting} {value:,.0f}"
            tell(words, ground, SIDE, [(kind, {"layer": layer, setting: reach})])


def tell(words: str, folder: Path, side: int, features: list[tuple[str, dict[str, Any]]]) -> None:
    """Write the median of nanoseconds of processor time per cell of a cube."""
    geobox: GeoBox = cube_layers.grid(folder)[:side, :side]
    inside, used = np.ones((side, side), dtype=bool), []
    for _ in range(ROUNDS + 1):  # the first compiles
        shutil.rmtree(folder / "cube.zarr", ignore_errors=True)
        start = time.process_time()
        build_cube(
            cube_layers.layers_of(folder), features,
            geobox=geobox, inside=inside, path=folder / "cube.zarr", tiling=Tiling(),
        )  # fmt: skip
        used.append(time.process_time() - start)
    per_cell = 1e9 * median(used[1:]) / side**2
    sys.stdout.write(f"\n{words}: {median(used[1:]):.2f} s, {per_cell:.0f} ns a cell")
