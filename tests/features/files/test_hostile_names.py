"""Names that a library takes for something else than a file, and names that mislead a reader."""

from pathlib import Path

import pytest

from minerisk.features.errors import InputError
from minerisk.features.layers.intake import checked_path

ELSEWHERE = [
    *(f"{scheme}://127.0.0.1:1/a.tif" for scheme in ("http", "HTTPS", "ftp", "s3", "gs", "file")),
    *(
        f"/{system}/a.tif"
        for system in (
            *("vsicurl", "VSICURL", "vsis3", "vsigs", "vsiaz", "vsiadls", "vsioss", "vsiswift"),
            *("vsiwebhdfs", "vsihdfs", "vsizip", "vsitar", "vsigzip", "vsimem", "vsistdin"),
            *("vsistdin?buffer_limit=1", "vsisubfile/0_9,", "vsisparse", "vsicrypt", "vsi7z"),
            *("vsirar", "vsicached?", "vsicurl_streaming", "vsikerchunk_json_ref"),
        )
    ),
    *("vsizip/a.zip/a.tif", "\\vsimem\\a.tif", "<VRTDataset/>.tif", "<OGRVRTDataSource/>.gpkg"),
    *(
        f"{driver}:a.tif"
        for driver in (
            *("NETCDF", "HDF5", "HDF4_SDS", "GTIFF_DIR:1", "GPKG", "PG", "MYSQL", "MSSQL", "OCI"),
            *("WFS", "WMS", "WCS", "WMTS", "ES", "CARTO", "SENTINEL2_L1C", "ZARR", "GRIB", "CSV"),
            *("GeoJSON", "ESRIJSON", "TopoJSON", "GMLAS", "OGCAPI", "PLScenes", "DODS", "SDE"),
        )
    ),
    *("../secret.tif", "a/../../secret.tif", "/etc/passwd", "/proc/self/environ", ".", ".."),
    "",
]
MISLEADING = [
    *(f"a{chr(code)}b.tif" for code in (*range(0x00, 0x20), 0x7F, 0x80, 0x85, 0x9B, 0x9F)),
    *(f"a{chr(code)}b.tif" for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))),
    *(f"a{mark}b.tif" for mark in "\u061c\u200b\u200e\u200f\u2028\u2029\u2060\ufeff\U000e0041"),
    "a\udcffb.tif",
]


@pytest.mark.parametrize("name", ELSEWHERE, ids=ascii)
def test_a_name_that_leads_elsewhere_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / "data").mkdir()
    (tmp_path / "secret.tif").write_bytes(b"II*\x00")
    with pytest.raises(InputError):
        checked_path(name, tmp_path / "data")


@pytest.mark.parametrize("name", MISLEADING, ids=ascii)
def test_a_name_that_shows_as_another_is_refused_and_shown_plainly(
    tmp_path: Path, name: str
) -> None:
    with pytest.raises(InputError, match="control or direction character") as refusal:
        checked_path(name, tmp_path)
    assert str(refusal.value).isascii()


@pytest.mark.parametrize(
    "name", ["süd ost.tif", "مین‌ها.tif", "地雷.tif", "şəhər (1).tif", "a'b.tif"]
)
def test_names_of_every_script_are_taken(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"II*\x00")
    assert checked_path(name, tmp_path).name == name
