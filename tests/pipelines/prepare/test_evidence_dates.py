"""How old the evidence of each layer is."""

import datetime as dt
from types import SimpleNamespace

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point

from minerisk.features.vector_files.dates import RecordDays
from minerisk.pipelines.prepare.evidence_dates import evidence_dates


def layers_of(days: RecordDays | None) -> SimpleNamespace:
    frame = gpd.GeoDataFrame(geometry=[Point(0, 0)] * 4, crs="EPSG:32638")
    return SimpleNamespace(vector=lambda name, crs: frame, days=lambda name, rows: days)


def config_of(as_of: dt.date | None) -> SimpleNamespace:
    labels = SimpleNamespace(positive=[SimpleNamespace(layer="finds")], surveyed=None, searches=[])
    area = SimpleNamespace(crs="EPSG:32638", as_of=as_of)
    return SimpleNamespace(labels=labels, study_area=area)


@pytest.mark.parametrize(
    ("as_of", "records", "newest"),
    [
        (None, 4, dt.date(2023, 4, 30)),
        (dt.date(2020, 12, 31), 3, dt.date(2020, 12, 31)),  # a year may mean its last day
    ],
)
def test_the_oldest_and_the_newest_day_of_what_counts(as_of, records, newest):
    first = np.array([18_018.0, 18_262.0, 19_477.0, np.nan])
    last = np.array([18_018.0, 18_627.0, 19_477.0, np.nan])
    (found,) = evidence_dates(config_of(as_of), layers_of(RecordDays(first, last)))
    assert (found.layer, found.records, found.undated) == ("finds", records, 1)
    assert (found.oldest, found.newest) == (dt.date(2019, 5, 2), newest)


def test_a_layer_without_dates_has_none():
    (found,) = evidence_dates(config_of(None), layers_of(None))
    assert (found.records, found.undated, found.oldest, found.newest) == (4, 4, None, None)
