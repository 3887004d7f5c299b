"""Every way of hostile geodata that was seen to work against a default install is refused."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import rasterio
import shapely
import zarr

from minerisk.features.errors import InputError
from minerisk.features.layers import bands, intake, vectors
from minerisk.features.layers.intake import checked_path, sha256_of
from minerisk.features.raster_files import sizes


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    folder.mkdir()
    return folder


def write_tiff(path: Path, **profile: object) -> Path:
    settings = {
        **{"driver": "GTiff", "width": 4, "height": 3, "count": 1, "dtype": "float32"},
        **{"crs": "EPSG:32638", "transform": rasterio.transform.from_origin(0, 30, 10, 10)},
    } | profile
    with rasterio.open(path, "w", **settings) as dataset:
        if "SPARSE_OK" not in profile:
            shape = (settings["height"], settings["width"])
            dataset.write(np.ones(shape, dtype=settings["dtype"]), 1)
    return path


def points(count: int = 2) -> gpd.GeoDataFrame:
    shapes = [shapely.Point(index, index) for index in range(count)]
    return gpd.GeoDataFrame({"name": ["a"] * count}, geometry=shapes, crs="EPSG:4326")


@pytest.mark.parametrize(
    "name",
    [
        "http://127.0.0.1:1/a.tif",
        "/vsicurl/http://127.0.0.1:1/a.tif",
        "/VSICURL/http://127.0.0.1:1/a.tif",
        "vsizip/a.zip/a.tif",
        "\\vsimem\\a.tif",
        "<VRTDataset/>.tif",
        'NETCDF:"a.nc":z',
        "HDF5:a.h5://z",
        "GTIFF_DIR:1:a.tif",
        "PG:dbname=a",
        "a.tif\x00.csv",
        "a\n.tif",
        "",
    ],
)
def test_names_that_gdal_would_follow_are_refused(root: Path, name: str) -> None:
    with pytest.raises(InputError, match="expected"):
        checked_path(name, root)


def test_paths_that_leave_the_root_are_refused(root: Path) -> None:
    write_tiff(root.parent / "secret.tif")
    for name in ("../secret.tif", str(root.parent / "secret.tif"), "a/../../secret.tif"):
        with pytest.raises(InputError, match="outside the data root"):
            checked_path(name, root)


def test_a_link_that_leaves_the_root_is_refused(root: Path) -> None:
    write_tiff(root.parent / "secret.tif")
    (root / "link.tif").symlink_to(root.parent / "secret.tif")
    with pytest.raises(InputError, match="outside the data root"):
        checked_path("link.tif", root)


def test_a_link_inside_the_root_is_followed(root: Path) -> None:
    write_tiff(root / "a.tif")
    (root / "link.tif").symlink_to(root / "a.tif")
    assert checked_path("link.tif", root) == (root / "a.tif").resolve()


def test_a_shapefile_part_that_links_outside_is_refused(root: Path) -> None:
    points().to_file(root / "a.shp")
    (root.parent / "secret.dbf").write_bytes((root / "a.dbf").read_bytes())
    (root / "a.dbf").unlink()
    (root / "a.dbf").symlink_to(root.parent / "secret.dbf")
    with pytest.raises(InputError, match="links outside"):
        checked_path("a.shp", root)


def test_a_zarr_chunk_that_links_outside_is_refused(root: Path) -> None:
    zarr.create_array(store=root / "a.zarr", shape=(4, 4), dtype="f4")[:] = 1
    (root.parent / "secret").write_text("x")
    (root / "a.zarr" / "c" / "9").symlink_to(root.parent / "secret")
    with pytest.raises(InputError, match="links outside"):
        checked_path("a.zarr", root)


@pytest.mark.parametrize("suffix", sorted(intake.PICKLES))
def test_pickles_are_refused(root: Path, suffix: str) -> None:
    (root / f"a{suffix}").write_bytes(b"x")
    with pytest.raises(InputError, match="can run code"):
        checked_path(f"a{suffix}", root)


def test_a_link_to_a_pickle_is_refused(root: Path) -> None:
    (root / "a.pkl").write_bytes(b"x")
    (root / "a.tif").symlink_to(root / "a.pkl")
    with pytest.raises(InputError, match="can run code"):
        checked_path("a.tif", root)


def test_a_missing_file_and_an_unknown_kind_are_refused(root: Path) -> None:
    with pytest.raises(InputError, match="does not exist"):
        checked_path("a.tif", root)
    (root / "a.vrt").write_text("<VRTDataset/>")
    with pytest.raises(InputError, match="not read; expected one of"):
        checked_path("a.vrt", root)


VRT = "<VRTDataset rasterXSize='4' rasterYSize='3'><SRS>EPSG:32638</SRS></VRTDataset>"
OGR_VRT = "<OGRVRTDataSource><OGRVRTLayer name='a'></OGRVRTLayer></OGRVRTDataSource>"


HOSTILE = [
    ("a.tif", VRT),
    ("a.tiff", OGR_VRT),
    ("a.geojson", OGR_VRT),
    ("a.geojson", '{"type": "gdal_streamed_alg", "command_line": "gdal vector pipeline"}'),
    ("a.json", '{"type": "CatalogCollection", "links": []}'),
    ("a.csv", OGR_VRT),
    ("a.shp", OGR_VRT),
    ("a.fgb", OGR_VRT),
    ("a.gpkg", OGR_VRT),
    ("a.parquet", OGR_VRT),
    ("a.gpkg", "SQLite format 3\x00" + "\x00" * 100),
    ("a.csv", ""),
]


@pytest.mark.parametrize(("name", "content"), HOSTILE)
def test_a_file_that_holds_something_else_than_its_suffix_says_is_refused(
    root: Path, name: str, content: str
) -> None:
    (root / name).write_text(content)
    with pytest.raises(InputError, match="does not begin like"):
        checked_path(name, root)


def test_a_vrt_that_slips_in_after_the_check_is_not_opened(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.tif").write_text(VRT)
    with pytest.raises(InputError, match="does not begin like"):
        bands.open_band(root / "a.tif")
    monkeypatch.setattr(intake, "sniff", lambda path: None)
    with pytest.raises(InputError, match="cannot be read"):
        bands.open_band(root / "a.tif")


LIBRARY = """
import os, sys
import pyogrio
from pathlib import Path
from minerisk.features.errors import InputError
from minerisk.features.layers import bands, vectors
assert {"OGR_VRT", "GDALG"} <= set(pyogrio.list_drivers())
for path in map(Path, sys.argv[1:]):
    try:
        band = path.suffix in (".tif", ".tiff")
        read = bands.open_band if band else vectors.read_frame
        print(*read(path).columns)
    except InputError:
        print("refused")
assert "GDAL_SKIP" not in os.environ
"""
"""The readers in a process that left all of GDAL's drivers on."""


def read_as_library(*paths: Path) -> list[str]:
    kept = {name: value for name, value in os.environ.items() if "GDAL" not in name}
    done = subprocess.run(
        [sys.executable, "-c", LIBRARY, *map(str, paths)],
        **{"capture_output": True, "text": True, "env": kept, "cwd": Path(__file__).parents[3]},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.split()


def test_the_readers_refuse_hostile_files_where_gdal_was_not_narrowed(root: Path) -> None:
    paths = []
    for number, (name, content) in enumerate(HOSTILE):
        paths.append(root / f"{number}{name}")
        paths[-1].write_text(content)
    assert read_as_library(*paths) == ["refused"] * len(HOSTILE)


def polyglots(root: Path) -> list[Path]:
    """GeoJSON to the eye, and to drivers of GDAL that follow references another kind of file."""
    points().to_file(root / "secret.gpkg", layer="secret")
    source = f"<SrcDataSource>{root / 'secret.gpkg'}</SrcDataSource>"
    vrt = f"<OGRVRTDataSource><OGRVRTLayer name='secret'>{source}</OGRVRTLayer></OGRVRTDataSource>"
    read = f"gdal vector pipeline ! read {root / 'secret.gpkg'}"
    point = {"type": "Feature", "properties": {}, "geometry": None}
    inner = {"type": "FeatureCollection", "features": [point]}
    pipeline = {"inner": inner, "type": "gdal_streamed_alg", "command_line": read}
    (root / "a.geojson").write_text(json.dumps({**inner, "note": vrt}))
    (root / "b.geojson").write_text(json.dumps(pipeline))
    return [root / "a.geojson", root / "b.geojson"]


def test_json_that_another_driver_would_follow_is_opened_as_geojson_or_not_at_all(
    root: Path,
) -> None:
    paths = polyglots(root)
    for path in paths:  # the first bytes do not show it
        assert checked_path(path.name, root) == path.resolve()
        assert list(vectors.read_frame(path).columns) == ["geometry"]
    assert read_as_library(*paths) == ["geometry", "geometry"]


def test_what_lies_beside_a_tiff_names_no_other_file(root: Path) -> None:
    path = write_tiff(root / "a.tif", nodata=1)
    write_tiff(root / "other.tif")
    (root / "a.tif.aux.xml").write_text(
        "<PAMDataset><Metadata domain='OVERVIEWS'><MDI key='OVERVIEW_FILE'>other.tif</MDI>"
        "</Metadata><PAMRasterBand band='1'><Offset>100</Offset></PAMRasterBand></PAMDataset>"
    )
    values = bands.open_band(path).read(slice(0, 3), slice(0, 4))
    assert np.isnan(values).all()
    for text in ("<!DOCTYPE a [<!ENTITY b 'c'>]><PAMDataset/>", "<PAMDataset>", "\x00"):
        (root / "a.tif.aux.xml").write_text(text)
        with pytest.raises(InputError, match=r"a\.tif\.aux\.xml"):
            bands.open_band(path)


def test_a_small_file_that_declares_a_huge_raster_is_refused(root: Path) -> None:
    path = write_tiff(
        root / "bomb.tif", width=30_000, height=30_000, tiled=True, SPARSE_OK=True, compress="zstd"
    )
    assert path.stat().st_size < 500_000
    with pytest.raises(InputError, match=r"declares 3,600,000,000"):
        bands.open_band(checked_path(path.name, root))


def test_a_raster_stored_in_one_huge_block_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sizes, "MAX_BLOCK_BYTES", 1_000)
    path = write_tiff(root / "a.tif", width=100, height=100, blockysize=100)
    with pytest.raises(InputError, match=r"blocks of [0-9,]+ bytes; at most 1,000"):
        bands.open_band(path)


def test_a_layer_with_more_features_or_vertices_than_taken_is_refused(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a.gpkg", "a.geojson", "a.fgb"):
        points(5).to_file(root / name)
    points(5).to_parquet(root / "a.parquet")
    (root / "a.csv").write_text("e,n\n" + "1,1\n" * 5)
    monkeypatch.setattr(intake, "MAX_FEATURES", 4)
    for name in ("a.gpkg", "a.geojson", "a.fgb", "a.parquet", "a.csv"):
        columns = {"easting": "e", "northing": "n"} if name == "a.csv" else {}
        with pytest.raises(InputError, match="5 features; at most 4"):
            vectors.read_here(root / name, crs="EPSG:4326", **columns)
    monkeypatch.setattr(intake, "MAX_FEATURES", 5)
    monkeypatch.setattr(intake, "MAX_VERTICES", 10)
    with pytest.raises(InputError, match="more than 10 vertices"):
        vectors.read_here(root / "a.gpkg")


def test_a_geopackage_view_is_refused(root: Path) -> None:
    import sqlite3

    points().to_file(root / "a.gpkg", layer="real")
    with sqlite3.connect(root / "a.gpkg") as database:
        database.execute("CREATE VIEW evil AS SELECT fid, geom, ogr_geocode('x') AS g FROM real")
        database.execute(
            "INSERT INTO gpkg_contents (table_name, data_type, srs_id) "
            "VALUES ('evil', 'features', 4326)"
        )
    database.close()
    with pytest.raises(InputError, match="evil is a view"):
        vectors.read_frame(root / "a.gpkg", layer="real")


@pytest.mark.parametrize("key", ["filters", "compressor"])
def test_a_zarr_codec_that_can_run_code_is_refused(root: Path, key: str) -> None:
    folder = root / "a.zarr"
    folder.mkdir()
    codec = {"id": "pickle", "protocol": 5}
    value = [codec] if key == "filters" else codec
    metadata = {"zarr_format": 2, "shape": [2, 2], "chunks": [2, 2], "dtype": "<f4", key: value}
    (folder / ".zarray").write_text(json.dumps(metadata))
    with pytest.raises(InputError, match="codec 'pickle'"):
        checked_path("a.zarr", root)


def test_zarr_arrays_of_objects_are_refused(root: Path) -> None:
    folder = root / "a.zarr"
    folder.mkdir()
    (folder / ".zarray").write_text(json.dumps({"zarr_format": 2, "dtype": "|O"}))
    with pytest.raises(InputError, match="codec 'object'"):
        checked_path("a.zarr", root)


def test_good_files_of_every_kind_pass(root: Path) -> None:
    write_tiff(root / "a.tif")
    write_tiff(root / "big.tif", BIGTIFF="YES")
    write_tiff(root / "cog.tif", driver="COG")
    for name in ("a.gpkg", "a.geojson", "a.fgb", "a.shp"):
        points().to_file(root / name)
    points().to_parquet(root / "a.parquet")
    (root / "a.csv").write_text("e,n\n1,1\n")
    zarr.create_array(store=root / "a.zarr", shape=(4, 4), dtype="f4")[:] = 1
    parts = (".shx", ".dbf", ".prj", ".cpg")
    names = [path.name for path in root.iterdir() if path.suffix not in parts]
    assert len(names) == 10
    for name in names:
        assert checked_path(name, root) == (root / name).resolve()


def test_a_shapefile_without_its_parts_is_refused(root: Path) -> None:
    points().to_file(root / "a.shp")
    (root / "a.dbf").unlink()
    with pytest.raises(InputError, match=r"lacks its \.dbf"):
        checked_path("a.shp", root)


def test_the_hash_of_a_file_is_that_of_its_bytes_and_follows_a_change(root: Path) -> None:
    path = root / "a.csv"
    path.write_bytes(b"abc")
    known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    assert sha256_of(path) == known
    path.write_bytes(b"abd")
    os.utime(path, ns=(1, 1))
    assert sha256_of(path) != known


def test_the_hash_of_a_folder_changes_with_any_byte_or_name(root: Path) -> None:
    folder = root / "a.zarr"
    folder.mkdir()
    (folder / "b").write_bytes(struct.pack("<i", 1))
    first = sha256_of(folder)
    (folder / "b").rename(folder / "c")
    second = sha256_of(folder)
    (folder / "c").write_bytes(struct.pack("<i", 2))
    assert len({first, second, sha256_of(folder)}) == 3


def test_the_hash_of_a_shapefile_covers_all_its_parts(root: Path) -> None:
    points().to_file(root / "a.shp")
    first = sha256_of(root / "a.shp")
    (root / "a.prj").write_text("GEOGCS[]")
    assert sha256_of(root / "a.shp") != first


@pytest.mark.parametrize("name", ["a.gpkg", "a.geojson", "a.shp", "a.fgb", "a.parquet"])
@pytest.mark.parametrize("share", [0.01, 0.3, 0.9])
def test_a_cut_file_is_refused_or_read_never_worse(root: Path, name: str, share: float) -> None:
    frame = points(200)
    (frame.to_parquet if name.endswith("parquet") else frame.to_file)(root / name)
    content = (root / name).read_bytes()
    (root / name).write_bytes(content[: int(len(content) * share)])
    try:
        rows = len(vectors.read_frame(checked_path(name, root)))
    except InputError:
        rows = 0
    assert rows <= 200


def test_a_zarr_folder_that_links_to_a_folder_is_refused(root: Path) -> None:
    zarr.create_array(store=root / "a.zarr", shape=(4, 4), dtype="f4")[:] = 1
    (root / "b").mkdir()
    (root / "a.zarr" / "d").symlink_to(root / "b")
    with pytest.raises(InputError, match="links to a folder"):
        checked_path("a.zarr", root)


ODD_NAMES = ("a: b", "GPKG:a", "vsites", "a<b", "x!y", "a;b", "Ağdam – север", "[%20]", "a?b#c")


@pytest.mark.parametrize("name", ODD_NAMES)
@pytest.mark.parametrize("suffix", [".gpkg", ".geojson", ".fgb", ".shp", ".parquet"])
def test_a_plain_file_is_read_whatever_its_name_or_folder(
    root: Path, name: str, suffix: str
) -> None:
    frame = points(3)
    for path in (root / f"{name}{suffix}", root / name / f"a{suffix}"):
        path.parent.mkdir(exist_ok=True)
        plain = root / f"plain{suffix}"
        frame.to_parquet(plain) if suffix == ".parquet" else frame.to_file(plain)
        for part in intake.layer_files(plain):
            part.rename(path.with_suffix(part.suffix))
        real = checked_path(path.relative_to(root), root)
        assert len(vectors.read_frame(real)) == 3


def test_only_a_path_that_begins_like_a_virtual_file_system_is_one(root: Path) -> None:
    folder = root / "vsites" / "vsizip"
    folder.mkdir(parents=True)
    points().to_file(folder / "a.gpkg")
    for name in ("vsites/vsizip/a.gpkg", str(folder / "a.gpkg")):
        assert checked_path(name, root) == folder.resolve() / "a.gpkg"
    for name in ("/vsizip/a.zip/a.gpkg", "/vsimem/a.gpkg", "/vsites/a.gpkg"):
        with pytest.raises(InputError, match="begins like a virtual file system"):
            checked_path(name, root)
