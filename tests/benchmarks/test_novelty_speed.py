"""How long dissimilarity, local point density and expected error take at raster scale."""

import sys
import time

import numpy as np
import pandas as pd
import pytest

from minerisk.models.applicability import feature_distance
from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile

pytestmark = pytest.mark.benchmark

CELLS, FEATURES, POINTS = 400_000, 30, 5_000
SIDE, ROUNDS = 256, 5
LEAST_A_MINUTE = 1_000_000


def test_a_million_cells_a_minute_on_two_cores():
    rng = np.random.default_rng(0)
    names = [f"f{number}" for number in range(FEATURES)]
    known = pd.DataFrame(rng.normal(size=(POINTS, FEATURES)).astype(np.float32), columns=names)
    fold = np.arange(POINTS) % 10
    area = Applicability.fit(known, dict.fromkeys(names, 1.0), fold)
    profile = ErrorProfile.fit(area.held_out_novelty(known, fold), rng.random(POINTS))
    cells = pd.DataFrame(1.2 * rng.normal(size=(CELLS, FEATURES)).astype(np.float32), columns=names)
    area.novelty(cells[:1_000], workers=2)
    wall, cpu = time.perf_counter(), time.process_time()
    error = profile.expected(area.novelty(cells, workers=2))
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    sys.stdout.write(
        f"\nNovelty and expected error, {CELLS:,} cells x {FEATURES} features against {POINTS:,} "
        f"training cells: {60e-6 * CELLS / wall:.1f} million cells a minute on two threads, "
        f"{60e-6 * CELLS / cpu:.1f} million a minute of processor\n"
    )
    assert np.isfinite(error).all()
    assert 60 * CELLS / wall >= LEAST_A_MINUTE


def test_cells_side_by_side_against_each_by_itself():
    """Smooth features, as of neighbouring cells: a step to the next cell is 1/200 of the spread."""
    rng = np.random.default_rng(0)
    weight = rng.random(FEATURES) ** 3
    axis = np.arange(SIDE) / 200
    phase, turn = rng.uniform(0, 6, (2, FEATURES))
    rows, columns = (part.ravel()[:, None] for part in np.meshgrid(axis, axis, indexing="ij"))
    points = np.sin(columns * 2 + phase) * np.cos(rows + turn) * weight
    reference = rng.uniform(-1, 1, (POINTS, FEATURES)) * weight
    sample = points[:: len(points) // 200]
    apart = np.sqrt(((sample[:, None] - reference[None]) ** 2).sum(axis=2))
    radius = float(np.quantile(apart, 0.1))

    def seconds(group: int) -> tuple[float, np.ndarray]:
        order = np.arange(len(points)).reshape(-1, group).T.ravel()  # neighbours apart: no group
        begun = time.process_time()
        found = feature_distance.nearest_and_near(points[order], reference, radius=radius)
        spent = time.process_time() - begun
        return spent, np.stack(found)[:, np.argsort(order)]

    seconds(1)
    pairs = [(seconds(1), seconds(1_024)) for _ in range(ROUNDS)]
    ratios = sorted(apart[0] / together[0] for together, apart in pairs)
    assert all(np.array_equal(together[1], apart[1]) for together, apart in pairs)
    own, other = (1e6 * spent / len(points) for spent in (pairs[0][0][0], pairs[0][1][0]))
    sys.stdout.write(
        f"\nNearest of {POINTS:,} in {FEATURES} features: {own:.2f} us a cell side by side, "
        f"{other:.2f} each by itself: {ratios[ROUNDS // 2]:.1f} times less "
        f"({ratios[0]:.1f} to {ratios[-1]:.1f})\n"
    )
