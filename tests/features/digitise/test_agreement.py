"""Two drawings of one line, held against each other by hand."""

import geopandas as gpd
import pytest
import shapely

from minerisk.features.digitise.agreement import hold_against
from minerisk.features.errors import InputError


def series(*lines: list[tuple[float, float]]) -> gpd.GeoSeries:
    return gpd.GeoSeries([shapely.LineString(line) for line in lines], crs="EPSG:32633")


def test_a_line_drawn_a_hundred_metres_off_is_that_far_at_every_point() -> None:
    found = hold_against(
        series([(0, 0), (10_000, 0)]), series([(-500, 100), (10_500, 100)]), within_m=99
    )
    assert (found.length_m, found.median_m, found.ninetieth_m) == (10_000, 100, 100)
    assert found.found == 0


def test_half_a_line_is_found_one_way_and_all_of_it_the_other() -> None:
    whole, half = series([(0, 0), (10_000, 0)]), series([(0, 0), (5_000, 0)])
    assert hold_against(whole, half, within_m=0.1).found == pytest.approx(0.5)
    assert hold_against(half, whole, within_m=0.1).found == 1
    assert hold_against(whole, half, within_m=0.1).ninetieth_m == pytest.approx(4_000, rel=0.01)


def test_points_lie_evenly_however_the_vertices_do() -> None:
    uneven = series([*((x, 0) for x in range(100)), (10_000, 0)])
    found = hold_against(uneven, series([(0, 0), (100, 0)]), within_m=1)
    assert found.found == pytest.approx(0.01, abs=0.005)


def test_no_line_is_refused() -> None:
    with pytest.raises(InputError, match="no line"):
        hold_against(series(), series([(0, 0), (1, 1)]), within_m=1)
