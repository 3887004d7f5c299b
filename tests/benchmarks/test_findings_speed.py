"""How long past findings take to encode, against those in reach of a block and against all."""

import sys
import time

import numpy as np
import pytest

from minerisk.models.estimators.findings_encoder import FindingsEncoder

pytestmark = pytest.mark.benchmark

ROWS, FINDINGS, SIDE_M, PATCHES, PATCH_M = 280_000, 31_000, 500_000.0, 40, 25_000.0


def test_cross_fitting_against_findings_in_reach_and_against_all(monkeypatch):
    rng = np.random.default_rng(0)
    middles = rng.uniform(0, SIDE_M, (PATCHES, 2))[rng.integers(PATCHES, size=ROWS)]
    places = middles + rng.uniform(-PATCH_M, PATCH_M, (ROWS, 2))
    found = (rng.random(ROWS) < FINDINGS / ROWS).astype(int)
    encoder = FindingsEncoder(block_m=5_000.0, cap_m=15_000.0)

    def seconds(rows: int) -> tuple[float, np.ndarray]:
        begun = time.process_time()
        encoded = encoder.fit_transform(places[:rows], found[:rows])
        return time.process_time() - begun, encoded

    seconds(3_000)
    spent, near = seconds(ROWS)
    monkeypatch.setattr(
        FindingsEncoder, "_in_reach", lambda self, _: np.arange(len(self.findings_))
    )
    whole, everything = seconds(ROWS)
    np.testing.assert_array_equal(near, everything)
    sys.stdout.write(
        f"\nCross-fitting {ROWS:,} rows, {found.sum():,} findings: {spent:.1f} processor s against "
        f"those in reach, {whole:.1f} against all: {whole / spent:.1f} times less\n"
    )
