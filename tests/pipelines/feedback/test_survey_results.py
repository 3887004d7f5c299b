"""Survey results are taken whole or refused row by row."""

import datetime as dt
from pathlib import Path
from typing import Any

import geopandas as gpd
import numpy as np
import pytest
from shapely.geometry import Point, box

from minerisk.features.errors import InputError
from minerisk.pipelines.feedback.survey_results import read_results

CRS = "EPSG:32638"
TODAY = dt.date(2025, 1, 1)
SQUARE = box(0, 0, 1_000, 1_000)  # 100 ha
GOOD: dict[str, Any] = {
    "outcome": "no find",
    "date": "2024-05-01",
    "method": "technical survey",
    "reliability": 0.9,
    "searched_ha": 50.0,
    "team_hours": np.nan,
    "hazard": None,
    "geometry": SQUARE,
}


def write(folder: Path, *rows: dict[str, Any]) -> Path:
    path = folder / "results.gpkg"
    gpd.GeoDataFrame([GOOD | row for row in rows], crs=CRS).to_file(path)
    return path


def read(path: Path, **settings: Any) -> gpd.GeoDataFrame:
    return read_results(path, crs=CRS, today=TODAY, **settings)


def test_a_search_is_believed_by_its_reliability_and_effort(tmp_path: Path) -> None:
    point = {"outcome": "FIND", "geometry": Point(5, 5), "hazard": "AP", "reliability": 0.8}
    path = write(tmp_path, {}, {"searched_ha": 900.0}, point | {"searched_ha": np.nan})
    frame = read(path)
    np.testing.assert_allclose(frame["effort"], [0.5, 1.0, np.nan])
    np.testing.assert_allclose(frame["weight"], [0.45, 0.9, 0.8])
    assert frame["hazard"].tolist() == ["any", "any", "ap"]
    assert frame["outcome"].tolist() == ["no find", "no find", "find"]


def test_hours_need_a_pace(tmp_path: Path) -> None:
    path = write(tmp_path, {"searched_ha": np.nan, "team_hours": 100.0})
    with pytest.raises(InputError, match="--hours-per-ha"):
        read(path)
    assert read(path, hours_per_ha=4.0)["effort"].tolist() == [0.25]  # 25 of 100 ha


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"outcome": "maybe"}, "row 2: outcome is 'maybe'; expected 'find' or 'no find'"),
        ({"date": "soon"}, "row 2: date is 'soon'; expected a day"),
        ({"date": "2025-01-02"}, "row 2: date is '2025-01-02'; expected no day after 2025-01-01"),
        ({"method": " "}, "row 2: method is ' '"),
        ({"reliability": 1.5}, "row 2: reliability is '1.5'; expected a number above 0"),
        ({"reliability": None}, "row 2: reliability is missing"),
        ({"hazard": "bomb"}, "row 2: hazard is 'bomb'; expected one of ap, at, uxo, any"),
        ({"searched_ha": -1.0}, "row 2: searched_ha is '-1.0'"),
        ({"searched_ha": np.nan}, "row 2: no effort"),
        ({"geometry": Point(1, 1)}, "row 2: a Point of land searched; expected polygons"),
        ({"geometry": None}, "row 2: it has no geometry"),
    ],
)
def test_each_row_that_cannot_be_taken_is_named(
    change: dict[str, Any], words: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError) as caught:
        read(write(tmp_path, {}, change))
    assert words in str(caught.value)
    assert "nothing was added" in str(caught.value)
    assert "row 1:" not in str(caught.value)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "results.gpkg"
    gpd.GeoDataFrame([GOOD], crs=CRS).drop(columns="reliability").to_file(path)
    with pytest.raises(InputError, match="no column reliability; it has outcome, date, method"):
        read(path)
