import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from minerisk.features.errors import InputError
from minerisk.features.raster import proximity as module
from minerisk.features.raster.proximity import (
    disc_density,
    disc_half_widths,
    disc_sum,
    distance_to,
    signed_distance,
)


def brute_distance(mask, resolution_m, cap_m):
    rows, columns = np.indices(mask.shape)
    sources = np.argwhere(mask)
    if not len(sources):
        return np.full(mask.shape, cap_m, dtype=np.float32)
    squared = (rows[..., None] - sources[:, 0]) ** 2 + (columns[..., None] - sources[:, 1]) ** 2
    return np.minimum(np.sqrt(squared.min(-1)) * resolution_m, cap_m).astype(np.float32)


masks = arrays(bool, st.tuples(st.integers(1, 30), st.integers(1, 30)), elements=st.booleans())


@settings(max_examples=60, deadline=None)
@given(mask=masks, keep=st.integers(0, 30))
def test_distance_is_the_least_over_all_marked_cells(mask, keep):
    sparse = mask & (np.arange(mask.size).reshape(mask.shape) % 31 == keep)
    for each in (mask, sparse):
        found = distance_to(each, resolution_m=25.0, cap_m=400.0)
        assert np.array_equal(found, brute_distance(each, 25.0, 400.0))


def test_the_border_of_the_grid_is_no_source():
    mask = np.zeros((5, 9), dtype=bool)
    mask[2, 8] = True
    assert distance_to(mask, resolution_m=10.0, cap_m=1e4)[2].tolist() == [
        80.0, 70.0, 60.0, 50.0, 40.0, 30.0, 20.0, 10.0, 0.0,
    ]  # fmt: skip


def test_without_a_source_all_reads_the_cap():
    assert (distance_to(np.zeros((3, 4), bool), resolution_m=10.0, cap_m=70.0) == 70.0).all()


def test_a_full_mask_is_at_distance_zero():
    assert (distance_to(np.ones((3, 4), bool), resolution_m=10.0, cap_m=70.0) == 0.0).all()


def test_a_cap_beyond_exact_arithmetic_is_refused():
    with pytest.raises(InputError, match="Lower cap_m"):
        distance_to(np.ones((2, 2), bool), resolution_m=5.0, cap_m=40_000.0)


def test_long_distances_are_exact():
    mask = np.zeros((3, 4_000), dtype=bool)
    mask[0, 0] = True
    found = distance_to(mask, resolution_m=1.0, cap_m=4_000.0)
    assert np.array_equal(found, brute_distance(mask, 1.0, 4_000.0))


def test_signed_distance_is_negative_inside():
    distance = np.array([[2.0, 1.0, 0.0, 1.0]], dtype=np.float32)
    inside = np.array([[True, True, False, False]])
    assert signed_distance(distance, inside).tolist() == [[-2.0, -1.0, 0.0, 1.0]]


def test_a_disc_of_two_cells_has_thirteen():
    assert disc_half_widths(200.0, resolution_m=100.0).tolist() == [0, 1, 2, 1, 0]


def test_a_disc_below_one_cell_is_the_cell():
    assert disc_half_widths(99.0, resolution_m=100.0).tolist() == [0]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000), radius=st.floats(0.5, 6.0))
def test_disc_sum_adds_what_lies_within_the_radius(seed, radius):
    values = np.random.default_rng(seed).integers(-(10**12), 10**12, (9, 14))
    rows, columns = np.indices(values.shape)
    half = disc_half_widths(radius * 10.0, resolution_m=10.0)
    found = disc_sum(values, half)
    for row, column in ((0, 0), (4, 7), (8, 13), (2, 5)):
        near = (rows - row) ** 2 + (columns - column) ** 2 <= radius**2 + 1e-9
        assert found[row, column] == values[near].sum()


def test_disc_sum_is_exact_where_sums_along_a_row_leave_32_bits():
    values = np.full((5, 4_000), 10**6)
    values[:, 2_000:] = 0
    found = disc_sum(values, disc_half_widths(20.0, resolution_m=10.0))
    assert found[2, [2, 1_000, 1_999, 2_002]].tolist() == [13 * 10**6, 13 * 10**6, 9 * 10**6, 0]


@pytest.mark.parametrize("radius", [15.0, 250.0, 900.0])
def test_few_marks_and_many_are_summed_alike(monkeypatch, radius):
    rng, half = np.random.default_rng(4), disc_half_widths(radius, resolution_m=10.0)
    values = np.where(rng.random((150, 90)) < 0.01, rng.integers(-50, 10**14, (150, 90)), 0)
    amounts = np.where(values != 0, rng.uniform(0, 9, values.shape), 0.0)
    few = disc_sum(values, half), disc_density(amounts, half, steps=1_000.0, per=7.0)
    monkeypatch.setattr(module, "_SPARSE", values.size)
    many = disc_sum(values, half), disc_density(amounts, half, steps=1_000.0, per=7.0)
    for one, other in zip(few, many, strict=True):
        assert one.tobytes() == other.tobytes()
