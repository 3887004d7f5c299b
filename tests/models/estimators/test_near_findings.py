"""Nearest findings and counts of findings are those of SciPy's tree, by either way to search."""

import numpy as np
import pytest
from scipy.spatial import cKDTree

from minerisk.models.estimators import near_findings
from minerisk.models.estimators.near_findings import count_within, nearest_distances

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
def test_distances_and_counts_are_those_of_a_tree(
    kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    rng = np.random.default_rng(7)
    known = findings("spread", rng)[:3] if kind == "few" else findings(kind, rng)
    places = rng.uniform(-4_000, 24_000, (400, 2))
    places[:50] = np.round(places[:50] / 250) * 250
    tree = cKDTree(known)
    wanted, _ = tree.query(places, k=[1, 2, 5], distance_upper_bound=CAP)
    for pairs in (near_findings.FEW_PAIRS, 0):
        monkeypatch.setattr(near_findings, "FEW_PAIRS", pairs)
        found = nearest_distances(places, known, neighbours=(1, 2, 5), cap=CAP)
        np.testing.assert_array_equal(found, np.minimum(wanted, CAP))
    within = [len(rows) for rows in tree.query_ball_point(places, RADIUS)]
    np.testing.assert_array_equal(count_within(places, known, RADIUS), within)


def test_without_findings_none_is_within() -> None:
    assert not count_within(np.zeros((3, 2)), np.empty((0, 2)), RADIUS).any()
