"""Nearest findings and counts of findings are those of SciPy's tree."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from minerisk.models.estimators.near_findings import count_within, in_buckets, nearest_distances

CAP, RADIUS = 3_000.0, 1_500.0


def findings(kind: str, rng: np.random.Generator) -> np.ndarray:
    if kind == "spread":
        return rng.uniform(0, 20_000, (300, 2))
    if kind == "row":
        return np.column_stack([np.linspace(0, 20_000, 90), np.full(90, 7_000.0)])
    if kind == "one place":
        return np.full((12, 2), 5_000.0)
    if kind == "far away":
        return rng.uniform(90_000, 91_000, (20, 2))
    return np.round(rng.normal(8_000, 900, (200, 2)) / 250) * 250  # cells, some twice


@pytest.mark.parametrize("kind", ["spread", "row", "one place", "far away", "cells", "few"])
def test_distances_and_counts_are_those_of_a_tree(kind: str) -> None:
    rng = np.random.default_rng(7)
    known = findings("spread", rng)[:3] if kind == "few" else findings(kind, rng)
    places = rng.uniform(-4_000, 24_000, (400, 2))
    places[:50] = np.round(places[:50] / 250) * 250
    tree = cKDTree(known)
    wanted, _ = tree.query(places, k=[1, 2, 5], distance_upper_bound=CAP)
    found = in_buckets(known)
    near = nearest_distances(places, found, neighbours=(1, 2, 5), cap=CAP)
    np.testing.assert_array_equal(near, np.minimum(wanted, CAP))
    within = [len(rows) for rows in tree.query_ball_point(places, RADIUS)]
    np.testing.assert_array_equal(count_within(places, found, RADIUS), within)


@pytest.mark.parametrize("scale", [1.0, 1e-3, 4e5])
def test_far_and_crowded_findings_are_searched_to_the_cap(scale: float) -> None:
    rng = np.random.default_rng(1)
    crowd = np.concatenate([rng.normal(0, 1, (500, 2)), rng.uniform(-40, 40, (30, 2))]) * scale
    places = np.concatenate([rng.uniform(-90, 90, (300, 2)) * scale, crowd])
    near = nearest_distances(places, in_buckets(crowd), neighbours=(1, 10), cap=60 * scale)
    wanted, _ = cKDTree(crowd).query(places, k=[1, 10])
    np.testing.assert_array_equal(near, np.minimum(wanted, 60 * scale))
