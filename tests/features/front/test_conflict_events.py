import datetime as dt

import numpy as np
import pytest
from shapely.geometry import Point

from minerisk.features.cube.feature import build_window
from minerisk.features.errors import InputError

# Three events in one place: known to the place, known within 25 km, known to a province.
PLACE = Point(0, 0)
COLUMNS = {
    "where_prec": [1, 2, 4],
    "best": [3.0, 10.0, 50.0],
    "type": ["battle", "shelling", "battle"],
    "date": ["1992-05-01", "1993", "1994-01-01"],
}
KNOWN = {"precision_column": "where_prec", "precision_m": {1: 0.0, 2: 25_000.0}}


@pytest.fixture
def layers(fake_layers, fake_source, frame):
    sources = {"events": fake_source(date_column="date")}
    return fake_layers(vectors={"events": frame([PLACE] * 3, **COLUMNS)}, sources=sources)


def built(layers, geobox, **asked):
    params = {"layer": "events", "decay_m": (3_000.0,)} | asked
    return build_window(layers, geobox, kind="conflict_events", params=params)


def around(grid, *, cells=300, resolution=1_000.0):
    half = cells // 2
    return grid(cells, cells, left=-half, top=half, resolution=resolution)


def test_each_event_adds_up_to_one_over_all_land(layers, grid):
    made = built(layers, around(grid), deaths_column="best", **KNOWN)
    assert made.events_events_3000m.values.sum() == pytest.approx(2.0, rel=1e-3)
    assert made.deaths_events_3000m.values.sum() == pytest.approx(13.0, rel=1e-3)


def test_what_is_known_within_25_km_is_spread_over_25_km(layers, grid, frame):
    layers.vectors["events"] = layers.vectors["events"].iloc[[1]]
    made = built(layers, around(grid), **KNOWN).events_events_3000m.values
    at = np.arange(300) - 149.5
    within = np.hypot(at[:, None], at[None, :]) <= 25
    # A Gaussian with the variance of the disc, and of the decay, along each axis.
    expected = 1 - np.exp(-0.5 * 25**2 / (12.5**2 + 3**2))
    assert made[within].sum() == pytest.approx(expected, abs=0.01)
    assert made.max() < 1 / (2 * np.pi * 12.5**2)


def test_the_density_is_that_of_the_formula(layers, grid):
    made = built(layers, grid(1, 1, left=0, top=1, resolution=1_000.0), **KNOWN)
    at = np.hypot(0.5, 0.5)
    parts = [
        np.exp(-0.5 * at**2 / variance) / (2 * np.pi * variance)
        for variance in (3.0**2, 3.0**2 + 12.5**2)
    ]
    assert made.events_events_3000m.item() == pytest.approx(sum(parts), rel=1e-5)


def test_the_error_of_the_layer_counts_where_no_precision_is_named(fake_source, layers, grid):
    layers.sources["events"] = fake_source(position_error_m=4_000.0)
    made = built(layers, grid(1, 1, left=0, top=1, resolution=1_000.0))
    expected = 3 * np.exp(-0.5 * 0.5 / 25) / (2 * np.pi * 25)
    assert made.events_events_3000m.item() == pytest.approx(expected, rel=1e-5)


def test_types_and_periods_are_told_apart(layers, grid):
    year = {"late": (dt.date(1993, 7, 2), dt.date(1994, 12, 31))}
    types = {"type_column": "type", "types": {"battle": ("battle",)}}
    made = built(layers, around(grid), periods=year, **types, **KNOWN)
    assert made.events_events_battle_3000m.values.sum() == pytest.approx(1.0, rel=1e-3)
    # Of 1993, all that is known of the date, 183 of 365 days lie in the period.
    assert made.events_events_late_3000m.values.sum() == pytest.approx(183 / 365, rel=1e-3)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"precision_column": "where_prec"}, "expected both or neither"),
        ({"precision_column": "where_prec", "precision_m": {9: 1.0}}, "it has .*1.*2.*4"),
        ({"precision_column": "geo", "precision_m": {1: 1.0}}, "no column 'geo'"),
        ({"deaths_column": "type"}, "column type, row 1"),
    ],
)
def test_what_cannot_be_read_is_named(layers, grid, asked, words):
    with pytest.raises(InputError, match=words):
        built(layers, grid(2, 2), **asked)


def test_periods_without_dates_are_refused(layers, fake_source, grid):
    layers.sources["events"] = fake_source()
    with pytest.raises(InputError, match="no date_column"):
        built(layers, grid(2, 2), periods={"a": (dt.date(1992, 1, 1), dt.date(1993, 1, 1))})
