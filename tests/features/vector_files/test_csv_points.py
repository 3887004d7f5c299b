"""A CSV file gives the coordinates that stand in it, or is refused."""

from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.features.layers.intake import checked_path
from minerisk.features.layers.vectors import read_frame

PLACES = [(47.25, 40.5), (46.0, 39.75)]


def places(
    folder: Path, content: str, *, encoding: str = "utf-8", crs: str = "EPSG:4326"
) -> list[tuple[float, float]]:
    (folder / "towns.csv").write_bytes(content.encode(encoding))
    path = checked_path("towns.csv", folder)
    frame = read_frame(path, crs=crs, easting="lon", northing="lat")
    if "name" in frame:
        assert frame["name"].tolist() == ["Şuşa", "Ağdam"]
    return list(zip(frame.geometry.x, frame.geometry.y, strict=True))


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_separators_and_byte_order_marks_are_read(
    tmp_path: Path, separator: str, encoding: str
) -> None:
    rows = ["name,lon,lat", "Şuşa,47.25,40.5", "Ağdam,46.0,39.75"]
    content = "\r\n".join(rows).replace(",", separator)
    assert places(tmp_path, content, encoding=encoding) == PLACES


@pytest.mark.parametrize(
    "content",
    [
        "name;lon;lat\nŞuşa;47,25;40,5\nAğdam;46;39,75\n",
        'name,lon,lat\nŞuşa,"47,25","40,5"\nAğdam,46,"39,75"\n',
        "sep=;\nname;lon;lat\nŞuşa;47,25;40,5\nAğdam;46;39,75\n",
        "name, lon, lat\nŞuşa, 47.25, 40.5\nAğdam, 46, 39.75\n",
        '"name";"lon";"lat"\n"Şuşa";"47.25";"40.5"\n"Ağdam";"46";"39.75"\n',
        "lon,lat\n47.25,40.5,\n46,39.75,\n",
    ],
)
def test_spreadsheets_of_many_countries_give_the_same_places(tmp_path: Path, content: str) -> None:
    assert places(tmp_path, content) == PLACES


def test_other_numbers_have_the_decimal_commas_of_the_coordinates(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("lon;lat;weight\n47,25;40,5;0,7\n", encoding="utf-8")
    frame = read_frame(tmp_path / "a.csv", crs="EPSG:4326", easting="lon", northing="lat")
    assert frame["weight"].tolist() == [0.7]


@pytest.mark.parametrize("encoding", ["cp1251", "cp1254"])
def test_a_file_in_a_windows_encoding_is_refused_with_what_to_do(
    tmp_path: Path, encoding: str
) -> None:
    name = "Шуша" if encoding == "cp1251" else "Şuşa"
    with pytest.raises(InputError, match=r"towns\.csv is not in UTF-8 .*CSV UTF-8"):
        places(tmp_path, f"name,lon,lat\n{name},47.25,40.5\n", encoding=encoding)


def test_a_decimal_comma_that_splits_a_number_is_refused(tmp_path: Path) -> None:
    for rows in ("Şuşa,47,25,40,5\nAğdam,46,0,39,75\n", "Şuşa,47.25,40,5\nAğdam,46,39.75\n"):
        with pytest.raises(InputError, match=r"as many fields as the header|more fields than"):
            places(tmp_path, f"name,lon,lat\n{rows}")


def test_commas_that_may_mark_thousands_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="thousands or decimals"):
        places(tmp_path, 'lon,lat\n"512,345","4,401,250"\n', crs="EPSG:32638")
    metres = places(tmp_path, "lon;lat\n512345,5;4401250,25\n", crs="EPSG:32638")
    assert metres == [(512345.5, 4401250.25)]


@pytest.mark.parametrize("value", ["47°15'", "47.1.2", "1,2,3", "east"])
def test_a_coordinate_that_is_no_number_names_its_row(tmp_path: Path, value: str) -> None:
    with pytest.raises(InputError, match=r"towns\.csv, row 3: lon is"):
        places(tmp_path, f'lon;lat\n47.25;40.5\n"{value}";39.75\n')


def test_names_of_columns_given_twice_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="names columns twice: lon"):
        places(tmp_path, "lon,lat,lon\n1,2,3\n")


def test_a_missing_column_is_named_with_those_there_are(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no column 'lon'; it has x, y, name"):
        places(tmp_path, "x;y;name\n1;2;a\n")
