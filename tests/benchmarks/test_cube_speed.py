"""Processor time of cube layers against SciPy, and of a raster against a `Booster.predict` loop.

Interleaved in one process; xarray-spatial and OpenCV are compared with where they are installed.
"""

import sys
import time
from statistics import median

import numpy as np
import pytest
from scipy import ndimage

from features.proximity import disc_half_widths, disc_sum, distance_to
from features.terrain import derivatives
from models.feature_distance import nearest_and_near

pytestmark = pytest.mark.benchmark

SIDE = 2_000
ROUNDS = 5


def ground() -> np.ndarray:
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 8).astype(np.float32) * 500


def compare(words: str, ours, others) -> None:
    """Run each in turn, and write the ratios of processor time: median, least and most."""
    ours()
    for name, other in others.items():
        ratios, spent = [], []
        for _ in range(ROUNDS):
            times = [_seconds(work) for work in (ours, other)]
            ratios.append(times[1] / times[0])
            spent.append(times)
        own, their = (median(pair[which] for pair in spent) for which in (0, 1))
        sys.stdout.write(
            f"\n{words}: {own:.3f} s, {name} {their:.3f} s: {median(ratios):.2f} times less "
            f"({min(ratios):.2f} to {max(ratios):.2f})"
        )


def _seconds(work) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def test_terrain_derivatives():
    z = ground()

    def scipy_way() -> None:
        wide = z.astype(np.float64)
        across, ones = np.array([-1.0, 0.0, 1.0]), np.ones(3)
        bend = np.array([1.0, -2.0, 1.0])
        for kernel in (
            np.outer(ones, across), np.outer(-across, ones), np.outer(ones, bend),
            np.outer(bend, ones), np.outer(-across, across),
        ):  # fmt: skip
            ndimage.correlate(wide, kernel)

    others = {"SciPy, the five sums alone": scipy_way}
    try:
        import xrspatial  # noqa: F401
    except ImportError:
        sys.stdout.write("\nxarray-spatial is not installed")
    compare("five derivatives, 2000 x 2000", lambda: derivatives(z, resolution_m=25.0), others)


def test_distance():
    mask = np.random.default_rng(1).random((SIDE, SIDE)) < 0.001
    others = {
        "SciPy": lambda: ndimage.distance_transform_edt(~mask),
    }
    try:
        import cv2

        source = (~mask).astype(np.uint8)
        others["OpenCV"] = lambda: cv2.distanceTransform(source, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    except ImportError:
        sys.stdout.write("\nOpenCV is not installed")
    compare(
        "exact distance, 0.1 % marked, 2000 x 2000",
        lambda: distance_to(mask, resolution_m=25.0, cap_m=20_000.0),
        others,
    )


def test_sum_within_a_disc():
    values = np.random.default_rng(2).integers(0, 100, (SIDE, SIDE))
    disc = disc_half_widths(25.0 * 20, resolution_m=25.0)
    window = (np.add.outer(np.arange(-20, 21) ** 2, np.arange(-20, 21) ** 2) <= 400).astype(float)
    wide = values.astype(np.float64)

    def scipy_way() -> None:
        from scipy.signal import oaconvolve

        oaconvolve(wide, window, mode="same")

    compare(
        "sum within 20 cells, 2000 x 2000", lambda: disc_sum(values, disc), {"SciPy FFT": scipy_way}
    )


def test_nearest_training_cells():
    rng = np.random.default_rng(3)
    weight = rng.random(29) ** 3
    reference, points = rng.normal(size=(5_000, 29)) * weight, rng.normal(size=(5_000, 29)) * weight
    from scipy.spatial import cKDTree

    def scipy_way() -> None:
        tree = cKDTree(reference)
        tree.query(points)
        tree.query_ball_point(points, 1.0, return_length=True)

    compare(
        "nearest of 5,000 points in 29 features, and how many are near, 5,000 cells",
        lambda: nearest_and_near(points, reference, radius=1.0),
        {"SciPy cKDTree": scipy_way},
    )
