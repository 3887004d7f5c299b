"""How long dissimilarity, local point density and expected error take at raster scale."""

import sys
import time

import numpy as np
import pandas as pd
import pytest

from models.applicability import Applicability
from models.error_profiles import ErrorProfile

pytestmark = pytest.mark.benchmark

CELLS, FEATURES, POINTS = 400_000, 30, 5_000
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
