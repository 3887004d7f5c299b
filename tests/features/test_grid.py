import hashlib

import geopandas as gpd
import numpy as np
import pytest
import shapely
from pyproj import Transformer

from minerisk.features.errors import InputError
from minerisk.features.grid import (
    MOST_IN_STRIP,
    STRIP,
    cell_centres,
    cells_inside,
    count_marked,
    drawn_mask,
    mask_sha256,
    mask_strips,
    strips,
    study_grid,
)


def bounds(crs, west, south, east, north):
    return Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform_bounds(
        west, south, east, north
    )


def test_the_origin_is_snapped_so_that_areas_share_cell_edges():
    grid = study_grid((500_130.0, 4_400_130.0, 500_870.0, 4_400_870.0), crs="EPSG:32638",
                      resolution_m=250)  # fmt: skip
    assert tuple(grid.boundingbox) == (500_000.0, 4_400_000.0, 501_000.0, 4_401_000.0)
    easting, northing = cell_centres(grid)
    assert list(easting) == [500_125.0, 500_375.0, 500_625.0, 500_875.0]
    assert list(northing) == [4_400_875.0, 4_400_625.0, 4_400_375.0, 4_400_125.0]


@pytest.mark.parametrize(
    ("crs", "area"),
    [
        ("EPSG:32638", (45.4, 38.4, 47.8, 40.6)),  # Karabakh, two degrees off the meridian
        ("EPSG:3035", (15.7, 42.5, 19.7, 45.3)),  # Bosnia, equal area
        ("EPSG:32633", (15.7, 42.5, 19.7, 45.3)),  # Bosnia, reaching into the next zone
        ("EPSG:6933", (45.4, 38.4, 47.8, 40.6)),  # equal area over the globe
    ],
)
def test_a_crs_in_which_a_hectare_is_one_is_taken(crs, area):
    assert study_grid(bounds(crs, *area), crs=crs, resolution_m=250).crs == crs


@pytest.mark.parametrize("crs", ["EPSG:3857", "EPSG:3395", "EPSG:32631"])
def test_a_crs_in_which_a_hectare_is_not_one_is_refused(crs):
    with pytest.raises(InputError, match="of its true size"):
        study_grid(bounds(crs, 45.4, 38.4, 47.8, 40.6), crs=crs, resolution_m=250)


def test_a_mask_drawn_strip_by_strip_is_that_of_the_whole():
    bounds = (500_000.0, 4_400_000.0, 504_990.0, 4_400_000.0 + 10 * (2 * STRIP + 77))
    grid = study_grid(bounds, crs="EPSG:32638", resolution_m=10)
    land = (
        shapely.Point(502_500, 4_405_000)
        .buffer(4_900)
        .difference(shapely.box(501_003, 4_401_007, 503_111, 4_409_999))
    )
    area = gpd.GeoDataFrame(geometry=[land], crs="EPSG:32638")
    whole, mask = cells_inside(grid, area), drawn_mask(grid, area)
    assert mask.shape == whole.shape
    for rows, part in mask_strips(mask):
        np.testing.assert_array_equal(part, whole[rows])
    assert count_marked(mask) == count_marked(whole) == whole.sum()
    wanted = hashlib.sha256(np.packbits(whole).tobytes()).hexdigest()
    assert mask_sha256(mask) == mask_sha256(whole) == wanted


@pytest.mark.parametrize("rows", [1, 7, 100])
def test_a_mask_has_the_same_hash_by_strips_of_any_height(rows, monkeypatch):
    mask = np.random.default_rng(1).random((53, 31)) < 0.4
    monkeypatch.setattr("minerisk.features.grid.STRIP", rows)
    assert mask_sha256(mask) == hashlib.sha256(np.packbits(mask).tobytes()).hexdigest()


@pytest.mark.parametrize("side", [100, 20_000, 50_000, 1_000_000])
def test_strips_cover_every_row_once_and_hold_no_more_cells_than_is_said(side):
    rows = list(strips((side, side)))
    assert [one.start for one in rows] == [0, *(one.stop for one in rows[:-1])]
    assert rows[-1].stop == side
    assert max(one.stop - one.start for one in rows) * side <= MOST_IN_STRIP
    assert all(one.start % 8 == 0 for one in rows)


def test_a_study_area_may_have_billions_of_cells_but_not_a_slip_of_the_pen():
    bounds = (200_000.0, 4_000_000.0, 700_000.0, 4_500_000.0)
    assert study_grid(bounds, crs="EPSG:3035", resolution_m=10).shape == (50_000, 50_000)
    with pytest.raises(InputError, match="to a side"):
        study_grid(bounds, crs="EPSG:3035", resolution_m=0.25)
