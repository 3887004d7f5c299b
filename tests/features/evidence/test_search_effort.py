import datetime as dt

import numpy as np
import pytest
from shapely.geometry import box

from minerisk.features.errors import InputError
from minerisk.features.evidence.search_effort import search_effort

DAY = dt.date(2021, 1, 1)


@pytest.fixture
def layers(fake_layers, fake_source, frame):
    searched = frame(
        [box(0, -100, 100, 0), box(0, -50, 50, 0), box(200, -100, 300, 0), box(400, -100, 500, 0)],
        day=["2001-01-01", "2011-01-01", None, "2031-01-01"],
        means=["manual", "dog", "machine", "dog"],
    )
    return fake_layers(
        vectors={"teams": searched}, sources={"teams": fake_source(date_column="day")}
    )


def test_where_how_long_ago_and_by_what_means_by_hand(layers, grid):
    found = search_effort(
        layers,
        grid(1, 6),
        layer="teams",
        as_of=DAY,
        means_column="means",
        means={"dogs": ("dog",), "people": ("manual",)},
        cap_m=150.0,
        cap_years=15.0,
    )
    # The fourth search lies after the day and does not count.
    assert found.teams_searched.values.tolist() == [[1, 0, 1, 0, 0, 0]]
    assert found.teams_unsearched_m.values.tolist() == [[0, 100, 0, 100, 150, 150]]
    assert found.teams_searched_dogs.values.tolist() == [[0.25, 0, 0, 0, 0, 0]]
    assert found.teams_searched_people.values.tolist() == [[1, 0, 0, 0, 0, 0]]
    years = found.teams_years.values[0]
    assert years[0] == pytest.approx(10, abs=0.01)  # the later of the two searches of the cell
    assert np.isnan(years[2])  # searched on an unknown day
    assert years[[1, 3, 5]].tolist() == [15, 15, 15]  # never


def test_without_a_day_no_years_are_told(layers, grid):
    found = search_effort(layers, grid(1, 6), layer="teams", cap_m=150.0, cap_years=15.0)
    assert list(found) == ["teams_searched", "teams_unsearched_m"]
    assert found.teams_searched.values.tolist() == [[1, 0, 1, 0, 1, 0]]


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"means": {"dogs": ("dog",)}}, "expected both or neither"),
        ({"means_column": "meens", "means": {"dogs": ("dog",)}}, "has no column 'meens'"),
    ],
)
def test_half_a_setting_is_refused(layers, grid, settings, words):
    with pytest.raises(InputError, match=words):
        search_effort(layers, grid(1, 6), layer="teams", cap_m=150.0, cap_years=15.0, **settings)


def test_a_day_that_cannot_be_read_is_refused(fake_layers, fake_source, frame, grid):
    layers = fake_layers(
        vectors={"teams": frame([box(0, 0, 1, 1)], day=["spring"])},
        sources={"teams": fake_source(date_column="day")},
    )
    with pytest.raises(InputError, match="'spring'"):
        search_effort(layers, grid(1, 1), layer="teams", as_of=DAY, cap_m=150.0, cap_years=15.0)
