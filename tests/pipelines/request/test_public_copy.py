import geopandas as gpd
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox
from shapely.geometry import box

from minerisk.pipelines.formats.palette import CANNOT_SAY, ELEVATED, HIGHER, LOWER, OUTSIDE
from minerisk.pipelines.request.public_copy import (
    FACTOR,
    coarse_geobox,
    coarsen_classes,
    coarsen_highest,
    coarsen_mean,
    coarsen_tasks,
)

GRID = GeoBox.from_bbox((4_900_000, 2_300_000, 4_908_000, 2_304_000), "EPSG:3035", resolution=250)


def whole(value, dtype=np.float32):
    return np.full(GRID.shape, value, dtype=dtype)


def test_the_mean_is_of_the_cells_with_a_value():
    values = whole(np.nan)
    values[0, 0], values[1, 1] = 0.2, 0.4
    found = coarsen_mean(values, GRID)
    assert found.shape == (4, 8)
    assert found[0, 0] == pytest.approx(0.3)
    assert np.isnan(found[0, 1])


def test_the_highest_is_kept():
    values = whole(0.1)
    values[5, 6] = 3.0
    found = coarsen_highest(values, GRID)
    assert found[1, 1] == 3.0
    assert found[0, 0] == np.float32(0.1)


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ([LOWER], LOWER),
        ([LOWER, CANNOT_SAY], CANNOT_SAY),
        ([LOWER, CANNOT_SAY, ELEVATED], ELEVATED),
        ([LOWER, ELEVATED, HIGHER], HIGHER),
        ([CANNOT_SAY, HIGHER], HIGHER),
        ([OUTSIDE], OUTSIDE),
    ],
)
def test_no_cell_is_shown_lower_than_what_it_holds(codes, expected):
    classes = whole(OUTSIDE, np.uint8)
    classes[0, : len(codes)] = codes
    assert coarsen_classes(classes, GRID)[0, 0] == expected


@given(
    row=st.integers(0, 9),
    column=st.integers(0, 20),
    height=st.integers(4, 6),
    width=st.integers(4, 9),
)
def test_two_requests_share_their_large_cells(row, column, height, width):
    part = GRID[row : row + height, column : column + width]
    large, reference = coarse_geobox(part), coarse_geobox(GRID)
    for side, origin in (
        (large.transform.c, reference.transform.c),
        (large.transform.f, reference.transform.f),
    ):
        assert (side - origin) % (250 * FACTOR) == 0
    assert large.boundingbox.left <= part.boundingbox.left
    assert large.boundingbox.right >= part.boundingbox.right
    assert large.boundingbox.bottom <= part.boundingbox.bottom
    assert large.boundingbox.top >= part.boundingbox.top
    assert large.resolution.x == 250 * FACTOR


def test_a_grid_off_the_lattice_is_still_cut_on_it():
    off = GeoBox.from_bbox(
        (4_900_250, 2_300_500, 4_901_000, 2_301_750), "EPSG:3035", resolution=250
    )
    values = np.ones(off.shape, dtype=np.float32)
    found = coarsen_mean(values, off)
    assert found.shape == (2, 1)
    assert (found == 1).all()


def test_public_tasks_are_large_cells_and_tell_no_evidence():
    tasks = gpd.GeoDataFrame(
        {
            "task": ["NTS-0001"],
            "arm": ["ranked"],
            "rank": [1],
            "hectares": [12.5],
            "nearest_evidence": ["find 17, 2021-05-04, 230 m"],
            "easting": [4_900_600.0],
            "latitude": [43.1234567],
        },
        geometry=[box(4_900_500, 2_302_250, 4_900_750, 2_302_750)],
        crs="EPSG:3035",
    )
    found = coarsen_tasks(tasks, GRID)
    assert "nearest_evidence" not in found
    assert "easting" not in found
    assert found.geometry[0].equals(box(4_900_000, 2_302_000, 4_901_000, 2_303_000))
    assert found["hectares"][0] == 100
    assert found["latitude"][0] != 43.1234567
    for values in found.total_bounds:
        assert values % (250 * FACTOR) == 0
