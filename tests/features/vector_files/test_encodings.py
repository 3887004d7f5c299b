"""The letters of a shapefile are what was written, in whatever words its encoding is named."""

from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.layers.vectors import read_frame
from minerisk.features.vector_files.encodings import python_encoding

TURKIC = ("Ağdam", "Şuşa", "İmişli", "Füzuli")
CYRILLIC = ("Шуша", "Ёлка", "Агдам", "Физули")
WIDTH = 24


def write_shapefile(
    path: Path, names: tuple[str, ...], encoding: str, *, cpg: str | None, language: int = 0
) -> Path:
    """Write text into the bytes of the .dbf, past any program's idea of encodings."""
    shapes = [shapely.Point(47, 40 + index / 10) for index in range(len(names))]
    table = {"name": ["x" * WIDTH] * len(names)}
    gpd.GeoDataFrame(table, geometry=shapes, crs="EPSG:4326").to_file(path)
    dbf = bytearray(path.with_suffix(".dbf").read_bytes())
    for name in names:
        start = dbf.index(b"x" * WIDTH)
        dbf[start : start + WIDTH] = name.encode(encoding).ljust(WIDTH)
    dbf[29] = language
    path.with_suffix(".dbf").write_bytes(dbf)
    path.with_suffix(".cpg").unlink()
    if cpg is not None:
        path.with_suffix(".cpg").write_bytes(cpg.encode())
    return path


@pytest.mark.parametrize(
    ("said", "encoding"),
    [
        *((said, "cp1254") for said in ("ANSI 1254", "1254", "CP1254", "cp-1254", "windows-1254")),
        *((said, "cp1254") for said in ("Windows 1254", "WIN1254\r\n", "Ansi_1254", " 1254 ")),
        *((said, "iso8859-9") for said in ("ISO-8859-9", "88599", "8859_9", "ISO 8859-9")),
        *((said, "iso8859-9") for said in ("28599", "latin5", "Latin-5", "iso8859_9")),
        *((said, "utf-8") for said in ("UTF-8", "UTF8", "utf_8", "65001", "\ufeffUTF-8")),
        ("857", "cp857"),
    ],
)
def test_every_spelling_of_an_encoding_gives_the_letters_written(
    tmp_path: Path, said: str, encoding: str
) -> None:
    path = write_shapefile(tmp_path / "towns.shp", TURKIC, encoding, cpg=said)
    assert tuple(read_frame(path)["name"]) == TURKIC


@pytest.mark.parametrize(
    ("said", "encoding"),
    [("ANSI 1251", "cp1251"), ("OEM 866", "cp866"), ("KOI8-R", "koi8-r"), ("88595", "iso8859-5")],
)
def test_cyrillic_too(tmp_path: Path, said: str, encoding: str) -> None:
    path = write_shapefile(tmp_path / "towns.shp", CYRILLIC, encoding, cpg=said)
    assert tuple(read_frame(path)["name"]) == CYRILLIC


@pytest.mark.parametrize(
    ("language", "names", "encoding"),
    [
        (202, TURKIC, "cp1254"),
        (136, TURKIC, "cp857"),
        (201, CYRILLIC, "cp1251"),
        (101, CYRILLIC, "cp866"),
    ],
)
def test_without_a_cpg_the_language_byte_decides(
    tmp_path: Path, language: int, names: tuple[str, ...], encoding: str
) -> None:
    path = write_shapefile(tmp_path / "t.shp", names, encoding, cpg=None, language=language)
    assert tuple(read_frame(path)["name"]) == names


def test_a_cpg_goes_before_the_language_byte(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path / "t.shp", TURKIC, "utf-8", cpg="UTF-8", language=201)
    assert tuple(read_frame(path)["name"]) == TURKIC


@pytest.mark.parametrize("language", [0, 87])
@pytest.mark.parametrize("cpg", [None, "", " \n"])
def test_where_nothing_is_said_text_is_utf_8_or_refused(
    tmp_path: Path, cpg: str | None, language: int
) -> None:
    for names in (TURKIC, ("plain",)):
        path = write_shapefile(tmp_path / "t.shp", names, "utf-8", cpg=cpg, language=language)
        assert tuple(read_frame(path)["name"]) == names
    path = write_shapefile(tmp_path / "t.shp", TURKIC, "cp1254", cpg=cpg, language=language)
    with pytest.raises(InputError, match=r"does not say in which encoding .* t\.cpg"):
        read_frame(path)


@pytest.mark.parametrize("said", ["ANSI", "System", "as on the old computer", "UTF-16", "cp037"])
def test_an_encoding_that_is_not_known_is_refused(tmp_path: Path, said: str) -> None:
    path = write_shapefile(tmp_path / "towns.shp", TURKIC, "cp1254", cpg=said)
    with pytest.raises(InputError, match=r"towns\.cpg names the encoding .* not known"):
        read_frame(path)


def test_text_that_is_not_in_the_encoding_said_is_refused(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path / "towns.shp", TURKIC, "cp1254", cpg="UTF-8")
    with pytest.raises(InputError, match=r"not in the encoding utf-8.* towns\.cpg"):
        read_frame(path)


def test_names_of_columns_are_in_that_encoding_too(tmp_path: Path) -> None:
    path = write_shapefile(tmp_path / "towns.shp", CYRILLIC, "cp1251", cpg="ANSI 1251")
    dbf = path.with_suffix(".dbf")
    dbf.write_bytes(dbf.read_bytes().replace(b"name", "имя".encode("cp1251") + b"\0", 1))
    assert tuple(read_frame(path)["имя"]) == CYRILLIC


def test_what_is_no_encoding_of_tables_is_not_taken() -> None:
    for said in ("rot13", "idna", "punycode", "unicode_escape", "utf-7", "hex", "", "0", "99999"):
        assert python_encoding(said) is None


def test_a_geojson_that_is_not_utf_8_is_refused_or_read_right(tmp_path: Path) -> None:
    path = tmp_path / "towns.geojson"
    gpd.GeoDataFrame({"name": ["x"]}, geometry=[shapely.Point(47, 40)], crs=4326).to_file(path)
    path.write_bytes(path.read_bytes().replace(b'"x"', '"Шуша"'.encode("cp1251")))
    with pytest.raises(InputError, match="encoding"):
        read_frame(path)
