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
        ({"date": "soon"}, "row 2: date is 'soon', which is no date that is known; expected a day"),
        (
            {"date": "2025-01-03"},
            "row 2: date is '2025-01-03', which lies in the future; expected a day as",
        ),
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


@pytest.mark.parametrize("word", ["0,9", "1,000", "0x1", "1_0", "nan", "inf", "half", "٠٫٩"])
@pytest.mark.parametrize("column", ["reliability", "searched_ha", "team_hours"])
def test_a_number_is_written_in_decimals_with_a_point_and_otherwise_refused(
    column: str, word: str, tmp_path: Path
) -> None:
    with pytest.raises(InputError, match=f"row 2: {column} is '{word}'; expected a number"):
        read(write(tmp_path, {column: "0.5"}, {column: word}))


def test_numbers_as_text_are_read_and_blank_text_is_none(tmp_path: Path) -> None:
    text = {"reliability": " 0.80 ", "searched_ha": "5e1", "team_hours": ""}
    frame = read(write(tmp_path, text))
    assert frame[["reliability", "searched_ha"]].to_numpy().tolist() == [[0.8, 50.0]]
    assert frame["team_hours"].isna().all()


def test_true_is_no_reliability(tmp_path: Path) -> None:
    path = tmp_path / "results.geojson"
    gpd.GeoDataFrame([GOOD | {"reliability": True}], crs=CRS).to_file(path)
    with pytest.raises(InputError, match="row 1: reliability is 'True'"):
        read(path)


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    path = tmp_path / "results.gpkg"
    gpd.GeoDataFrame([GOOD], crs=CRS).drop(columns="reliability").to_file(path)
    with pytest.raises(InputError, match="no column reliability; it has outcome, date, method"):
        read(path)


@pytest.mark.parametrize(
    ("date", "look"),
    [
        ("03/04/2024", "does not say which number is the day and which the month"),
        ("05.12.2024", "does not say which number is the day"),
        ("25/04/2024", "does not say which number is the day"),
        ("03-04-24", "has a year of two digits"),
        ("1 May 2024", "is no date that is known"),
        (45385, "looks like the serial number that a spreadsheet keeps for a day"),
        (2024, "is a year or a month without a day"),
        ("2024-05", "is a year or a month without a day"),
        (1714521600000, "looks like milliseconds since 1970"),
        ("2024-02-30", "names a day that there is not"),
    ],
)
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb"])
def test_a_date_of_another_kind_is_refused_with_what_it_looks_like(
    date: str | int, look: str, suffix: str, tmp_path: Path
) -> None:
    path = tmp_path / f"results{suffix}"
    gpd.GeoDataFrame([GOOD | {"date": date}] * 2, crs=CRS).to_file(path)
    with pytest.raises(InputError) as caught:
        read(path)
    for row in (1, 2):
        assert f"row {row}: date is '{date}', which {look}" in str(caught.value)
    assert "expected a day as YYYY-MM-DD" in str(caught.value)


@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb"])
def test_a_result_with_a_time_counts_by_the_day_that_it_states(suffix: str, tmp_path: Path) -> None:
    dates = ["2024-03-01T00:30:00+04:00", "2024-03-01T23:30:00-05:00", "2024-03-01"]
    path = tmp_path / f"results{suffix}"
    gpd.GeoDataFrame([GOOD | {"date": date} for date in dates], crs=CRS).to_file(path)
    assert read(path)["date"].tolist() == ["2024-03-01"] * 3


def test_milliseconds_are_days_only_where_the_program_that_wrote_them_is_named(
    tmp_path: Path,
) -> None:
    path = write(tmp_path, {"date": 1714521600000}, {"date": 1714607999999})
    assert read(path, export="survey123")["date"].tolist() == ["2024-05-01"] * 2
    with pytest.raises(InputError, match="milliseconds since 1970"):
        read(path)
    with pytest.raises(InputError, match="looks like seconds since 1970"):
        read(write(tmp_path, {"date": 1714521600}), export="survey123")
