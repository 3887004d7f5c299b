"""Three kinds of files say the same, and what they leave open is asked for, never guessed."""

from pathlib import Path

import numpy as np
import pytest

from minerisk.features.digitise.control_points import ControlPoints, WorldFile, read_control
from minerisk.features.errors import InputError

SIZE = (4000, 3000)
PIXELS = np.array([[1064.7, 461.6], [1058.5, 1469.1], [1784.5, 461.9], [1782.5, 1470.2]])
DEGREES = np.array([[18.0, 45.25], [18.0, 45.0], [18.25, 45.25], [18.25, 45.0]])


def read(path: Path, *, crs: str | None = "EPSG:4326") -> ControlPoints:
    found = read_control(path, scan="map.jpg", size=SIZE, crs=crs)
    assert isinstance(found, ControlPoints)
    assert found.pixels == pytest.approx(PIXELS)
    assert found.ground == pytest.approx(DEGREES)
    return found


def csv(*, comma: str = ".", separator: str = ",", head: str = "column,row,longitude,latitude"):
    rows = [
        separator.join(str(value).replace(".", comma) for value in (*pixel, *ground))
        for pixel, ground in zip(PIXELS, DEGREES, strict=True)
    ]
    return "\n".join([head.replace(",", separator), *rows])


def test_a_csv_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv())
    assert read(path).crs.to_epsg() == 4326


def test_a_csv_of_a_country_with_decimal_commas_is_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text(csv(comma=",", separator=";"), encoding="utf-8-sig")
    read(path)


def test_of_a_csv_of_several_scans_the_rows_of_this_one_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    lines = csv().splitlines()
    others = [f"other.jpg,{line}" for line in lines[1:]]
    own = [f"map.jpg,{line}" for line in lines[1:]]
    path.write_text("\n".join([f"file,{lines[0]}", *others, *own]))
    read(path)
    with pytest.raises(InputError, match=r"no control point of third\.jpg.*map\.jpg, other\.jpg"):
        read_control(path, scan="third.jpg", size=SIZE, crs="EPSG:4326")


def qgis(names: str = "mapX,mapY,sourceX,sourceY,enable,dX,dY,residual", start: str = "") -> str:
    rows = [
        f"{east},{north},{column},{-row},1,0,0,0"
        for (column, row), (east, north) in zip(PIXELS, DEGREES, strict=True)
    ]
    return "\n".join([start + names, *rows, "0,0,5,-5,0,0,0,0"])


def test_points_of_qgis_are_read_without_those_switched_off(tmp_path: Path) -> None:
    path = tmp_path / "a.points"
    path.write_text(qgis())
    read(path)
    path.write_text(qgis("mapX,mapY,pixelX,pixelY,enable,dX,dY,residual"))
    read(path)


def test_points_of_qgis_may_say_their_crs(tmp_path: Path) -> None:
    path = tmp_path / "a.points"
    path.write_text(qgis(start="#CRS: EPSG:4326\n"))
    assert read(path, crs=None).crs.to_epsg() == 4326
    read(path)
    with pytest.raises(InputError, match=r"and --crs says ETRS89"):
        read_control(path, scan="map.jpg", size=SIZE, crs="EPSG:3035")


def test_a_world_file_counts_from_the_middle_of_the_first_pixel(tmp_path: Path) -> None:
    path = tmp_path / "map.jgw"
    path.write_text("30\n0\n0\n-30\n500015\n4999985\n")
    found = read_control(path, scan="map.jpg", size=SIZE, crs="EPSG:32633")
    assert isinstance(found, WorldFile)
    assert found.matrix @ (0.5, 0.5, 1) == pytest.approx([500_015, 4_999_985])
    assert found.matrix @ (0, 0, 1) == pytest.approx([500_000, 5_000_000])


@pytest.mark.parametrize(
    ("name", "text", "crs", "words"),
    [
        ("a.csv", csv(), None, "does not say in which CRS"),
        ("a.csv", csv(), "EPSG:9999999", "no CRS that is known"),
        ("a.csv", csv(), "EPSG:4978", "geocentric"),
        ("a.csv", csv(), "EPSG:32633", "coordinates like degrees"),
        ("a.csv", csv().replace("45.25", "4525000"), "EPSG:4326", "beyond 360 and 90"),
        ("a.csv", csv(head="x1,y1,longitude,latitude"), "EPSG:4326", "expected column, row"),
        ("a.csv", csv(head="column,row,a,b"), "EPSG:4326", "longitude, latitude or easting"),
        ("a.csv", csv().replace("1064.7", "9064.7"), "EPSG:4326", "point 1 lies at column 9064.7"),
        ("a.csv", csv().replace("461.6", "-461.6"), "EPSG:4326", "rows downwards"),
        ("a.csv", csv().replace("461.6", ""), "EPSG:4326", "point 1 lacks a number"),
        ("a.csv", csv().replace("461.6", "top"), "EPSG:4326", "expected a number"),
        ("a.points", "x,y\n1,2", "EPSG:4326", "QGIS's georeferencer"),
        ("a.points", qgis() + "\n1,2", "EPSG:4326", "point 6.*no four numbers"),
        ("a.points", "", "EPSG:4326", "QGIS's georeferencer"),
        ("a.jgw", "1 2 3", "EPSG:32633", "six numbers"),
        ("a.jgw", "30\n0\n0\n-30\nnan\n5\n", "EPSG:32633", "six numbers"),
        ("a.jgw", "30\n0\n0\n-30\n5\n5\n", None, "does not say in which CRS"),
        ("a.txt", "", "EPSG:4326", "of a kind that is not read"),
    ],
)
def test_what_says_no_places_is_refused(
    tmp_path: Path, name: str, text: str, crs: str | None, words: str
) -> None:
    path = tmp_path / name
    path.write_text(text)
    with pytest.raises(InputError, match=words):
        read_control(path, scan="map.jpg", size=SIZE, crs=crs)


def test_a_file_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is not a file"):
        read_control(tmp_path / "a.csv", scan="map.jpg", size=SIZE, crs=None)
