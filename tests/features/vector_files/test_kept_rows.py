"""`keep` keeps the rows that have a value, and never loses one without a word."""

import json
import unicodedata
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st

from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import read_frame
from minerisk.features.vector_files.kept_rows import Kept, Unmatched, keep_rows


def frame(**columns: object) -> gpd.GeoDataFrame:
    length = len(next(iter(columns.values())))
    shapes = [shapely.Point(index, 0) for index in range(length)]
    return gpd.GeoDataFrame(columns, geometry=shapes, crs="EPSG:4326")


def kept(column: object, *values: object) -> list[int]:
    rows, _ = keep_rows(frame(c=column), {"c": values}, name="a.gpkg")
    return [int(place) for place in rows.geometry.x]


STATUS = ["Open", "No", "Yes", None, "No"]


def test_a_truth_value_for_text_is_refused() -> None:
    with pytest.raises(InputError, match=r"a\.gpkg: keep has false for 'c', .* in quotes"):
        kept(STATUS, "Open", False)
    assert kept(STATUS, "Open", "No") == [0, 1, 4]


def test_values_that_no_row_has_are_named_with_those_there_are() -> None:
    rows, told = keep_rows(frame(c=STATUS), {"c": ("Open", "yes ", "Shut")}, name="a.gpkg")
    known = ("'No' (2)", "'Open' (1)", "'Yes' (1)")
    assert told == Kept(1, 5, (Unmatched("c", ("'yes '", "'Shut'"), known),))
    assert rows.geometry.x.tolist() == [0]


def test_a_column_with_none_of_the_values_is_refused() -> None:
    with pytest.raises(InputError) as raised:
        kept(STATUS, "yes ", "Shut")
    words = "keep has 'yes ' and 'Shut' for 'c', which no row has. There are 'No' (2), 'Open' (1)"
    assert words in str(raised.value)


@pytest.mark.parametrize(
    ("column", "value", "words"),
    [
        (["1", "2"], 1, "holds text; write it in quotes"),
        ([1, 2], "1", "holds numbers; write a number, without quotes"),
        ([1.5, None], "1.5", "holds numbers"),
        ([1, 2], True, "holds numbers"),
        ([True, False], "true", "holds true and false; write true or false"),
        ([True, False], 1, "holds true and false"),
        ([["a"], ["b"]], "a", "holds lists, objects or bytes"),
        ([{"a": 1}, {}], "a", "holds lists, objects or bytes"),
        ([b"a", b"b"], "a", "holds lists, objects or bytes"),
        (pd.to_datetime(["2020-01-01", None]), 2020, "holds dates; write it in quotes"),
    ],
)
def test_a_value_of_another_type_than_the_column_is_refused(
    column: object, value: object, words: str
) -> None:
    with pytest.raises(InputError, match=words):
        kept(column, value)


def test_numbers_match_whether_or_not_rows_lack_a_value() -> None:
    assert kept([1, 2, 3], 2) == [1]
    assert kept([1, None, 3], 3, 1.0) == [0, 2]
    assert kept(pd.array([1, None, 3], dtype="Int64"), 3) == [2]
    assert kept(np.float32([0.7, 0.1]), 0.7) == [0]
    with pytest.raises(InputError, match=r"has 1\.5 for .*, which no row has"):
        kept([1, 2], 1.5)


def test_truth_values_match_where_they_are_stored_as_one_and_zero() -> None:
    assert kept([True, False, True], True) == [0, 2]
    assert kept([1.0, None, 0.0], True) == [0]
    assert kept([1, 0, 0], False) == [1, 2]


def test_categories_match_as_what_they_stand_for() -> None:
    assert kept(pd.Categorical(["a", "b", None]), "b") == [1]
    assert kept(pd.Categorical([1, 2, 1]), 1) == [0, 2]


def test_dates_match_by_their_day() -> None:
    days = pd.to_datetime(["2020-06-30", "2021-01-01", None])
    assert kept(days, "2020-06-30") == [0]


def test_numbers_that_a_decimal_column_cannot_tell_apart_are_refused() -> None:
    with pytest.raises(InputError, match="too large"):
        kept([2.0**53, None], 2**53 + 1)
    assert kept([2**53, 2**53 + 1], 2**53 + 1) == [1]


def test_spaces_at_the_ends_and_the_form_of_letters_do_not_matter() -> None:
    composed, apart = "Şuşa", unicodedata.normalize("NFD", "Şuşa")
    assert composed != apart
    assert kept([composed, apart, f" {composed}\u00a0", "şuşa"], apart) == [0, 1, 2]
    assert kept([composed, apart], composed) == [0, 1]


def test_a_column_without_values_has_none_to_keep() -> None:
    with pytest.raises(InputError, match="There are no values"):
        kept([None, None], "a")


def test_a_column_that_is_missing_or_holds_the_geometry_is_refused() -> None:
    for column in ("kind", "geometry"):
        with pytest.raises(InputError, match=r"no column .* it has c"):
            keep_rows(frame(c=[1]), {column: ("a",)}, name="a.gpkg")


def test_the_values_of_several_columns_must_all_fit() -> None:
    rows = frame(a=["x", "x", "y"], b=[1, 2, 1])
    found, _ = keep_rows(rows, {"a": ("x",), "b": (1,)}, name="a.gpkg")
    assert found.geometry.x.tolist() == [0]


@given(st.lists(st.sampled_from(["Open", "No", "Şuşa", "", "1", "true"]), min_size=1))
def test_what_is_kept_and_what_is_left_out_make_up_the_whole(values: list[str]) -> None:
    there = sorted(set(values))
    one, others = there[:1], there[1:]
    rows = kept(values, *one) + (kept(values, *others) if others else [])
    assert sorted(rows) == list(range(len(values)))


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.fgb", "a.shp", "a.parquet"])
def test_rows_are_kept_alike_from_every_kind_of_file(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    columns = {
        "status": ["Open", "No", "Şuşa", None],
        "done": pd.array([True, False, None, True], dtype="boolean"),
        "number": pd.array([1, 2, None, 3], dtype="Int64"),
    }
    rows = frame(**columns)
    rows.to_parquet(path) if name == "a.parquet" else rows.to_file(path)
    read = read_frame(path)
    found = [
        sorted(keep_rows(read, keep, name=name)[0].geometry.x)
        for keep in ({"status": ("No", "Şuşa")}, {"done": (True,)}, {"number": (3, 1)})
    ]
    assert found == [[1, 2], [0, 3], [0, 3]]


def test_a_list_in_a_geojson_is_refused_and_other_columns_are_kept_by(tmp_path: Path) -> None:
    point = {"type": "Point", "coordinates": [47, 40]}
    properties = {"tags": ["a", "b"], "more": {"k": 1}, "kind": "road"}
    feature = {"type": "Feature", "properties": properties, "geometry": point}
    path = tmp_path / "a.geojson"
    path.write_text(json.dumps({"type": "FeatureCollection", "features": [feature] * 2}))
    read = read_frame(path)
    assert len(keep_rows(read, {"kind": ("road",)}, name="a.geojson")[0]) == 2
    for column in ("tags", "more"):
        with pytest.raises(InputError, match="holds"):
            keep_rows(read, {column: ("a",)}, name="a.geojson")
