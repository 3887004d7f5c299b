"""Strips of a grid: what is read and drawn by them is what the whole grid gives."""

import weakref
from unittest.mock import patch

import numpy as np
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from minerisk.features import grid as grids
from minerisk.pipelines.run import row_blocks


def strips_of(rows: int):
    return patch.object(grids, "STRIP", rows)


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 40), width=st.integers(1, 20), rows=st.integers(1, 50))
def test_scattered_cells_are_those_of_the_whole(height, width, rows):
    source = np.random.default_rng(height * 100 + width)
    grid = xr.DataArray(source.random((height, width)), dims=("y", "x"))
    mask = source.random((height, width)) < 0.3
    with strips_of(rows):
        found = row_blocks.values_at(grid, *np.nonzero(mask))
    np.testing.assert_array_equal(found, grid.to_numpy()[mask])


def test_drawn_cells_are_marked_distinct_and_as_likely_as_each_other():
    mask = np.zeros((30, 40), dtype=bool)
    mask[3:9, 5:20] = True
    hits = np.zeros(mask.shape, dtype=int)
    for seed in range(600):
        rows, columns = row_blocks.draw_cells(mask, 30, rng=np.random.default_rng(seed))
        assert len(set(zip(rows, columns, strict=True))) == 30
        hits[rows, columns] += 1
    assert (hits[~mask] == 0).all()
    # 600 draws of 30 in 90: 200 a cell, standard deviation sqrt(600 · 1/3 · 2/3) = 11.5.
    assert abs(hits[mask] - 200).max() < 6 * 11.5


def test_a_draw_of_more_than_there_is_gives_all(monkeypatch):
    mask = np.random.default_rng(3).random((20, 20)) < 0.5
    for most in (10, 1_000):  # drawn by number, and by putting all in order
        monkeypatch.setattr(row_blocks, "MOST_SHUFFLED", most)
        rows, columns = row_blocks.draw_cells(mask, 1_000, rng=np.random.default_rng(0))
        np.testing.assert_array_equal(np.stack([rows, columns]), np.stack(np.nonzero(mask)))


@settings(max_examples=40, deadline=None)
@given(height=st.integers(1, 60), width=st.integers(1, 60), rows=st.integers(1, 20))
def test_a_picture_keeps_one_cell_a_step_and_shows_all_the_land(height, width, rows):
    grid = np.random.default_rng(height * 100 + width).random((height, width))
    geobox = GeoBox.from_bbox((0, 0, width * 25, height * 25), "EPSG:3035", shape=grid.shape)
    with strips_of(rows), patch.object(row_blocks, "MOST_DRAWN", 16):
        thin = row_blocks.thinned(lambda part: grid[part], grid.shape)
        place = row_blocks.thinned_grid(geobox)
    step = max(1, -(-max(height, width) // 16))
    np.testing.assert_array_equal(thin, grid[::step, ::step])
    assert max(thin.shape) <= 16
    assert thin.shape == tuple(place.shape)
    np.testing.assert_allclose(place.boundingbox, geobox.boundingbox)


def test_of_a_picture_one_strip_is_held_at_a_time(monkeypatch):
    monkeypatch.setattr(row_blocks, "MOST_DRAWN", 10)
    monkeypatch.setattr(grids, "STRIP", 5)
    read: list[weakref.ref[np.ndarray]] = []

    def rows(part: slice) -> np.ndarray:
        assert not any(block() is not None for block in read)
        block = np.zeros((part.stop - part.start, 40))
        read.append(weakref.ref(block))
        return block

    assert row_blocks.thinned(rows, (40, 40)).shape == (10, 10)
    assert len(read) == 8
