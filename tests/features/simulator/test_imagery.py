"""Positions mapped from imagery: as many missed, false and off as stated; no word of mines."""

import dataclasses

import geopandas as gpd
import numpy as np
import pytest
import shapely
from scipy.spatial import cKDTree

from minerisk.features.errors import InputError
from minerisk.features.simulator.imagery import positions_seen
from minerisk.features.simulator.land import made_up_land
from minerisk.features.simulator.laying import POSITION_SPACING_M, simulate_laying


@pytest.fixture(scope="module")
def laying():
    land = made_up_land((240, 160), rng=np.random.default_rng(1))
    return simulate_laying(land, rng=np.random.default_rng(2), prevalence=0.02)


def seen(laying, **stated):
    return positions_seen(laying, rng=np.random.default_rng(3), **stated)


def places(frame):
    return shapely.get_coordinates(frame.geometry.values)


def true_places(laying):
    return laying.positions[["easting", "northing"]].to_numpy()


def test_without_misses_and_false_ones_all_positions_are_mapped_where_they_are(laying):
    found = seen(laying, missed=0.0, false=0.0, error_m=0.0)
    assert sorted(map(tuple, places(found))) == sorted(map(tuple, true_places(laying)))


def test_the_stated_share_is_missed(laying):
    number = len(laying.positions)
    kept = np.array(
        [
            len(positions_seen(laying, rng=np.random.default_rng(k), missed=0.4, false=0.0))
            for k in range(40)
        ]
    )
    # Binomial: the mean of 40 draws lies within 4 standard errors.
    assert abs(kept.mean() - 0.6 * number) < 4 * np.sqrt(0.24 * number / 40)


def test_the_stated_share_is_false_and_lies_apart_from_every_position(laying):
    found = seen(laying, missed=0.3, false=0.25, error_m=0.0)
    gap, _ = cKDTree(true_places(laying)).query(places(found))
    wrong = gap > 0
    assert abs(wrong.mean() - 0.25) < 1 / len(found)
    assert gap[wrong].min() > POSITION_SPACING_M


def test_half_of_the_positions_are_further_off_than_the_stated_error(laying):
    off = np.concatenate(
        [
            cKDTree(true_places(laying)).query(
                places(positions_seen(laying, rng=np.random.default_rng(k), false=0.0, error_m=90))
            )[0]
            for k in range(20)
        ]
    )
    assert np.median(off) == pytest.approx(90.0, rel=0.1)


def test_it_is_the_same_whatever_was_laid(laying):
    emptied = dataclasses.replace(
        laying,
        mines=laying.mines.iloc[:0],
        counts=np.zeros_like(laying.counts),
        contaminated=np.zeros_like(laying.contaminated),
    )
    one, other = seen(laying), seen(emptied)
    assert isinstance(one, gpd.GeoDataFrame)
    assert one.equals(other)


def test_only_the_type_is_told_and_strongpoints_stand_higher(laying):
    found = seen(laying, error_m=0.0)
    assert set(found.columns) == {"type", "geometry"}
    assert set(found["type"]) == {"strongpoint", "trench"}
    land = laying.land
    transform = land.geobox.transform
    column = ((places(found)[:, 0] - transform.c) / transform.a).astype(int)
    row = ((places(found)[:, 1] - transform.f) / transform.e).astype(int)
    strong = (found["type"] == "strongpoint").to_numpy()
    height = land.relative_m[row, column]
    assert height[strong].min() >= height[~strong].max()


def test_a_share_of_one_is_refused(laying):
    with pytest.raises(InputError, match="below 1"):
        seen(laying, missed=1.0)
