"""Distances of the fast search equal those of float64, ties and edges included."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial import cKDTree

from minerisk.models.applicability.feature_distance import Reference, nearest_and_near


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    d=st.integers(1, 33),
    count=st.sampled_from([1, 60, 64, 65, 300]),
    shift=st.sampled_from([0.0, 10.0, 3e4]),
    scale=st.sampled_from([1e-4, 1.0, 1e3]),
)
def test_nearest_and_count_are_those_of_float64(seed, d, count, shift, scale):
    rng = np.random.default_rng(seed)
    weight = rng.random(d) ** 3  # few features carry most of a distance
    reference = (rng.normal(size=(count, d)) + shift) * weight * scale
    points = (rng.normal(size=(30, d)) * 3 + shift) * weight * scale
    points = np.concatenate([points, reference[:5]])
    apart = np.sqrt(((points[:, None] - reference[None]) ** 2).sum(axis=2))
    radius = float(np.quantile(apart, 0.2))
    distance, near = nearest_and_near(points, reference, radius=radius)
    np.testing.assert_allclose(distance, apart.min(axis=1), rtol=1e-12, atol=1e-300)
    away = np.abs(apart - radius) > 1e-12 * radius
    least, most = ((apart <= radius) & away).sum(axis=1), ((apart <= radius) | ~away).sum(axis=1)
    assert ((least <= near) & (near <= most)).all()


def test_points_on_a_lattice_with_ties_on_the_radius():
    lattice = np.stack(np.meshgrid(np.arange(9.0), np.arange(9.0)), axis=-1).reshape(-1, 2)
    distance, near = nearest_and_near(np.array([[4.0, 4.0], [0.0, 0.0]]), lattice, radius=2.0)
    assert distance.tolist() == [0.0, 0.0]
    assert near.tolist() == [13, 6]  # lattice points of a disc of radius 2, and of its quarter


def test_threads_and_batches_change_no_bit():
    rng = np.random.default_rng(0)
    reference, points = rng.normal(size=(300, 30)), rng.normal(size=(9_000, 30))
    whole = nearest_and_near(points, reference, radius=6.0)
    threaded = nearest_and_near(points, reference, radius=6.0, workers=3)
    cut = [
        nearest_and_near(points[i : i + 997], reference, radius=6.0) for i in range(0, 9_000, 997)
    ]
    for part in range(2):
        np.testing.assert_array_equal(whole[part], threaded[part])
        np.testing.assert_array_equal(whole[part], np.concatenate([one[part] for one in cut]))
    tree, _ = cKDTree(reference).query(points)
    assert whole[0] == pytest.approx(tree, rel=1e-12)


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 2**20),
    d=st.integers(1, 33),
    count=st.sampled_from([300, 1_000]),
    shift=st.sampled_from([0.0, 10.0, 3e4]),
    step=st.sampled_from([0.0, 1e-6, 0.003, 0.03]),
)
def test_points_that_are_alike_are_measured_as_each_by_itself(seed, d, count, shift, step):
    rng = np.random.default_rng(seed)
    weight = rng.random(d) ** 3
    reference = (rng.normal(size=(count, d)) + shift) * weight
    walk = np.cumsum(rng.normal(size=(75, d)) * step, axis=0) + rng.normal(size=d)
    points = np.concatenate([(walk + shift) * weight, reference[:5]])
    apart = np.sqrt(((points[:, None] - reference[None]) ** 2).sum(axis=2))
    radius = float(np.quantile(apart, 0.2))
    together = nearest_and_near(points, reference, radius=radius)
    mixed = rng.permutation(len(points))  # side by side no more
    alone = nearest_and_near(points[mixed], reference, radius=radius)
    single = [nearest_and_near(point[None], reference, radius=radius) for point in points]
    for part in range(2):
        np.testing.assert_array_equal(together[part][mixed], alone[part])
        np.testing.assert_array_equal(together[part], np.concatenate([one[part] for one in single]))
    np.testing.assert_allclose(together[0], apart.min(axis=1), rtol=1e-12, atol=1e-300)


def test_points_that_are_there_many_times_are_counted_and_searched_once():
    rng = np.random.default_rng(0)
    land = rng.normal(size=(40, 3))
    reference = np.repeat(land, rng.integers(1, 200, len(land)), axis=0)
    points = rng.normal(size=(50, 3))
    apart = np.sqrt(((points[:, None] - reference[None]) ** 2).sum(axis=2))
    distance, near = nearest_and_near(points, rng.permutation(reference), radius=1.5)
    np.testing.assert_allclose(distance, apart.min(axis=1), rtol=1e-12)
    np.testing.assert_array_equal(near, (apart <= 1.5).sum(axis=1))
    ready = Reference.of(reference)
    assert ready.times.sum() == len(reference)
    assert len(ready.blocks) == 1


def test_nothing_lies_within_a_radius_of_none_but_the_point_itself():
    reference = np.array([[0.0, 1.0], [1e-12, 1.0], [2.0, 2.0]])
    assert nearest_and_near(reference, reference, radius=0.0)[1].tolist() == [1, 1, 1]
