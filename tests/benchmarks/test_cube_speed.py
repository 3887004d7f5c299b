"""Processor time of single cube layers against SciPy, xarray-spatial and OpenCV, by turns."""

import importlib
import sys
import time
from statistics import median

import numpy as np
import pytest
import xarray as xr
from scipy import ndimage

from minerisk.features.raster.discs import position_and_roughness
from minerisk.features.raster.proximity import disc_half_widths, disc_sum, distance_to
from minerisk.features.terrain.terrain import derivatives
from minerisk.models.applicability.feature_distance import nearest_and_near

pytestmark = pytest.mark.benchmark

SIDE, CELL_M = 2_000, 25.0
ROUNDS = 5


def ground() -> np.ndarray:
    rng = np.random.default_rng(0)
    return ndimage.gaussian_filter(rng.normal(size=(SIDE, SIDE)), 8).astype(np.float32) * 500


def compare(words: str, ours, others) -> None:
    """Run each in turn, and write the ratios of processor time: median, least and most."""
    ours()
    for name, other in others.items():
        other()
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

    spatial, array = importlib.import_module("xrspatial"), as_array(z)

    def spatial_way() -> None:
        for name in ("slope", "aspect", "curvature"):
            getattr(spatial, name)(array)

    others = {"SciPy, five sums only": scipy_way, "xarray-spatial, three only": spatial_way}
    compare("five derivatives, 2000 x 2000", lambda: derivatives(z, resolution_m=CELL_M), others)


def as_array(values: np.ndarray) -> xr.DataArray:
    rows, columns = (np.arange(count) * CELL_M for count in values.shape)
    attrs = {"res": (CELL_M, CELL_M)}
    return xr.DataArray(values, dims=("y", "x"), coords={"y": -rows, "x": columns}, attrs=attrs)


def test_distance():
    mask = np.random.default_rng(1).random((SIDE, SIDE)) < 0.001
    opencv, edt, spatial = (importlib.import_module(name) for name in ("cv2", "edt", "xrspatial"))
    source, marked = (~mask).astype(np.uint8), as_array(mask.astype(np.float32))
    precise = opencv.DIST_L2, opencv.DIST_MASK_PRECISE
    compare(
        "exact distance, 0.1 % marked, 2000 x 2000",
        lambda: distance_to(mask, resolution_m=CELL_M, cap_m=20_000.0),
        {
            "OpenCV": lambda: opencv.distanceTransform(source, *precise),
            "edt": lambda: edt.edt(source, black_border=False, parallel=1),
            "SciPy": lambda: ndimage.distance_transform_edt(~mask),
            "xarray-spatial": lambda: spatial.proximity(marked),
        },
    )


def test_height_above_the_mean_of_a_disc():
    z, radius_m = ground()[:1_000, :1_000], 15 * CELL_M
    array, focal = as_array(z), importlib.import_module("xrspatial.focal")
    disc = importlib.import_module("xrspatial.convolution").circle_kernel(CELL_M, CELL_M, radius_m)
    compare(
        "position and roughness within 15 cells, 1000 x 1000",
        lambda: position_and_roughness(z, radius_m=radius_m, resolution_m=CELL_M),
        {"xarray-spatial": lambda: focal.focal_stats(array, disc, stats_funcs=["mean", "std"])},
    )


def test_share_of_the_memory_bandwidth():
    """Time a pass takes, against a copy of the bytes it must read and write."""
    z, mask = ground(), np.random.default_rng(1).random((SIDE, SIDE)) < 0.001
    disc, values = disc_half_widths(5 * CELL_M, resolution_m=CELL_M), z.astype(np.int64)
    passes = {
        "five derivatives": (24, lambda: derivatives(z, resolution_m=CELL_M)),
        "sum within 5 cells": (16, lambda: disc_sum(values, disc)),
        "position and roughness within 5 cells": (
            12,
            lambda: position_and_roughness(z, radius_m=5 * CELL_M, resolution_m=CELL_M),
        ),
        "exact distance": (5, lambda: distance_to(mask, resolution_m=CELL_M, cap_m=5_000.0)),
    }
    source, target = np.ones(2**26), np.zeros(2**26)
    copy = median(_seconds(lambda: np.copyto(target, source)) for _ in range(ROUNDS))
    rate = 2 * source.nbytes / copy
    sys.stdout.write(f"\na copy moves {rate / 1e9:.0f} GB/s")
    for words, (size, work) in passes.items():
        work()
        spent = [1e9 * _seconds(work) / z.size for _ in range(ROUNDS)]
        share = 1e9 * size / rate / median(spent)
        sys.stdout.write(
            f"\n{words}: {size} bytes a cell, {median(spent):.1f} ns ({min(spent):.1f} to "
            f"{max(spent):.1f}), {share:.0%} of the bandwidth"
        )


def test_sum_within_a_disc():
    values = np.random.default_rng(2).integers(0, 100, (SIDE, SIDE))
    disc = disc_half_widths(CELL_M * 20, resolution_m=CELL_M)
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
