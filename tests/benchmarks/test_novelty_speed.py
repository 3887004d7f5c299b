"""How long dissimilarity, local point density and expected error take at raster scale."""

import sys
import time
from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from scipy.spatial.distance import cdist

from minerisk.models.applicability.area_of_applicability import Applicability
from minerisk.models.applicability.error_profiles import ErrorProfile
from minerisk.models.applicability.feature_distance import Reference, nearest_and_near

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


def test_nearest_and_count_against_a_matrix_of_distances():
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
    radius = float(np.quantile(apart, 0.02))

    def ours() -> np.ndarray:
        return np.stack(nearest_and_near(points, Reference.of(reference), radius=radius))

    def theirs() -> np.ndarray:
        parts = (
            cdist(points[start : start + 512], reference) for start in range(0, len(points), 512)
        )
        return np.concatenate(
            [np.stack([part.min(axis=1), (part <= radius).sum(axis=1)]) for part in parts], axis=1
        )

    ours()
    pairs = [(seconds(ours), seconds(theirs)) for _ in range(ROUNDS)]
    ratios = sorted(other[0] / own[0] for own, other in pairs)
    for own, other in pairs:
        np.testing.assert_allclose(own[1][0], other[1][0], rtol=1e-9)
        np.testing.assert_array_equal(own[1][1], other[1][1])
    own, other = (
        sorted(1e6 * pair[side][0] / len(points) for pair in pairs)[ROUNDS // 2] for side in (0, 1)
    )
    sys.stdout.write(
        f"\nNearest of {POINTS:,} in {FEATURES} features: {own:.2f} us a cell, by SciPy's cdist "
        f"{other:.2f}: {ratios[ROUNDS // 2]:.1f} times less ({ratios[0]:.1f} to {ratios[-1]:.1f})\n"
    )


def seconds(work: Callable[[], np.ndarray]) -> tuple[float, np.ndarray]:
    begun = time.process_time()
    found = work()
    return time.process_time() - begun, found
