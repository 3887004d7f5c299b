"""What goes from one process to another comes out as it went in, but for what steers a terminal."""

import datetime as dt
import decimal

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.files import arrow

AT = ["2020-01-01T00:00:00+02:00", None, "2021-02-03T00:00:00+02:00"]
COLUMNS = {
    "whole": [1, 2, 3],
    "byte": np.array([1, 2, 3], dtype="u1"),
    "float": [1.0, np.nan, np.inf],
    "single": np.array([1, np.nan, 3], dtype="f4"),
    "truth": [True, False, True],
    "words": ["a", None, "ə"],
    "object words": pd.Series(["a", None, "c"], dtype=object),
    "words or nan": pd.Series(["a", np.nan, "c"], dtype=object),
    "mixed": pd.Series([1, "x", None], dtype=object),
    "lists": pd.Series([[1, 2], None, ["a", {"b": 1.5}]], dtype=object),
    "dates": pd.to_datetime(["2020-01-01", None, "2021-02-03"]),
    "zone": pd.to_datetime(["2020-01-01", None, "2021-02-03"]).tz_localize("Europe/Berlin"),
    "offset": pd.to_datetime(AT),
    "offsets": pd.Series(
        [pd.Timestamp(AT[0]), pd.NaT, pd.Timestamp("2020-01-01T00Z")], dtype=object
    ),
    "spans": pd.to_timedelta([1, 2, 3], unit="s"),
    "days": pd.Series([dt.date(2020, 1, 1), None, dt.date(2020, 1, 3)], dtype=object),
    "times": pd.Series([dt.time(1, 2), None, dt.time(3)], dtype=object),
    "bytes": pd.Series([b"a", None, b"\xff"], dtype=object),
    "decimals": pd.Series([decimal.Decimal("1.20"), None, decimal.Decimal("3")], dtype=object),
    "maybe whole": pd.array([1, None, 3], dtype="Int64"),
    "maybe truth": pd.array([True, None, False], dtype="boolean"),
    "string": pd.array(["x", None, "y"], dtype="string"),
    "category": pd.Categorical(["b", "a", None], categories=["b", "a", "c"], ordered=True),
}


def there_and_back(frame: pd.DataFrame) -> pd.DataFrame:
    return arrow.to_frame(memoryview(arrow.frame_bytes(frame)))


@pytest.mark.parametrize("name", list(COLUMNS))
@pytest.mark.parametrize("rows", [3, 0])
def test_columns_of_every_type_come_back(name: str, rows: int) -> None:
    frame = pd.DataFrame({name: COLUMNS[name]}).iloc[:rows]
    back = there_and_back(frame)
    if rows:
        pd.testing.assert_frame_equal(back, frame)
    else:
        assert [str(kind) for kind in back.dtypes] == [str(kind) for kind in frame.dtypes]


def test_layers_come_back_with_their_crs_and_geometries() -> None:
    shapes = [shapely.Point(1, 2), None, shapely.from_wkt("POLYGON EMPTY")]
    frame = gpd.GeoDataFrame({"a": [1, 2, 3]}, geometry=shapes, crs="EPSG:32638")
    frame["other"] = gpd.GeoSeries([shapely.box(0, 0, 1, 1)] * 3, crs="EPSG:4326")
    back = there_and_back(frame)
    assert isinstance(back, gpd.GeoDataFrame)
    assert (back.crs, back["other"].crs) == (frame.crs, frame["other"].crs)
    assert back.geometry.tolist() == shapes
    assert list(back.columns) == ["a", "geometry", "other"]


def test_words_and_names_lose_what_steers_a_terminal() -> None:
    held = {"na\x1b[31mme": ["a\u202eb", "\x9b2J"], "list": [["x\x00y"], {"k\n": "v\u2066"}]}
    back = there_and_back(pd.DataFrame(held))
    assert list(back.columns) == ["na [31mme", "list"]
    assert back["na [31mme"].tolist() == ["ab", " 2J"]
    assert back["list"].tolist() == [["x y"], {"k ": "v"}]


def test_names_that_differ_in_nothing_that_is_seen_are_refused() -> None:
    with pytest.raises(InputError, match=r"columns \['name'\] are there twice"):
        there_and_back(pd.DataFrame({"name": [1], "name\u200b": [2]}))


def test_what_is_no_value_of_a_table_is_refused() -> None:
    with pytest.raises(InputError, match="column odd holds values of the kind complex"):
        there_and_back(pd.DataFrame({"odd": pd.Series([1, 2j], dtype=object)}))


def test_both_spellings_of_what_is_taken_out_agree() -> None:
    import pyarrow.compute as pc

    from minerisk.plain_text import plain_text

    for code in [*range(0x3000), *range(0xF000, 0x10000), *range(0xE0000, 0xE0100)]:
        if 0xD800 <= code < 0xE000:
            continue
        found = pc.match_substring_regex(chr(code), arrow._STEERING).as_py()
        assert found == (plain_text(chr(code)) != chr(code)), hex(code)
