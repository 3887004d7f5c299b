"""Files made to reach out, to swell or to end a reader: each is refused in words and soon."""

import gzip
import json
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pyproj
import pytest
import shapely
import xarray as xr
import zarr

from minerisk.features.errors import InputError
from minerisk.features.files.geojson import check_geojson
from minerisk.features.files.limits import MAX_COLUMNS, MAX_LINE_BYTES
from minerisk.features.files.zarr_files import check_zarr
from minerisk.features.layers.bands import open_band
from minerisk.features.layers.intake import checked_path
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import read_frame

SOON_S = 20.0
"""Seconds in which a refusal has to come, on a machine with much other work."""


@pytest.fixture
def listening() -> Iterator[tuple[str, list[bytes]]]:
    """An address that answers with a CRS, and what was asked of it."""
    asked: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def answer() -> None:
            while True:
                try:
                    line, _ = server.accept()
                except OSError:
                    return
                with line:
                    asked.append(line.recv(200))
                    line.sendall(b"HTTP/1.0 200 OK\r\n\r\n+proj=utm +zone=38 +datum=WGS84")

        threading.Thread(target=answer, daemon=True).start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/crs", asked


def collection(crs: str, *, geometry_crs: str = "", key: str = '"crs"') -> str:
    inner = f', "crs": {geometry_crs}' if geometry_crs else ""
    outer = f"{key}: {crs}, " if crs else ""
    return (
        f'{{"type": "FeatureCollection", {outer}"features": [{{"type": "Feature", "properties": '
        f'{{"name": "a"}}, "geometry": {{"type": "Point", "coordinates": [46.5, 39.9]{inner}}}}}]}}'
    )


def crs(kind: str, **properties: object) -> str:
    return json.dumps({"type": kind, "properties": properties})


def fetching(address: str) -> dict[str, str]:
    """GeoJSON that names a CRS that lies elsewhere, in every way that a tolerant reader takes."""
    link = crs("link", href=address, type="proj4")
    return {
        "link": collection(link),
        "ogcwkt": collection(crs("link", href=address, type="ogcwkt")),
        "url": collection(crs("url", url=address)),
        "capitals": collection(crs("LINK", href=address, type="proj4")),
        "address as name": collection(crs("name", name=address)),
        "of a geometry": collection("", geometry_crs=link),
        "escaped": collection(link, key='"\\u0063rs"'),
        "escaped through and through": collection(link, key='"\\u0063\\u0072\\u0073"'),
        "capital key": collection(link, key='"CRS"'),
        "single quotes": collection(link, key="'crs'"),
        "a comment": collection(link, key='"crs" /* : null */'),
        "twice": collection(link).replace('"features"', f'"crs": {link}, "features"'),
        "a name first": collection('{"type": "name", ' + link[1:]),
        "a name beside": collection(crs("link", name="EPSG:4326", href=address)),
        "spaces": collection(link, key='"crs"\n\t '),
        "at the end": collection("")[:-1] + f', "crs": {link}}}',
        "after much": collection("")[:-1] + f', "note": "{"x" * 17_000_000}", "crs": {link}}}',
        "long": collection(crs("link", href=address + "?" + "x" * 10_000, type="proj4")),
        "file": collection(crs("name", name="/etc/passwd")),
        "words": collection(crs("name", name="+proj=utm +zone=38 +nadgrids=/etc/passwd")),
        "wkt": collection(crs("name", name='GEOGCS["x"]')),
        "unknown kind": collection(crs("evil", name="EPSG:4326")),
        "list": collection("[1]"),
        "nothing inside": collection("{}"),
    }


@pytest.mark.parametrize("way", list(fetching("")))
def test_a_geojson_never_fetches_its_crs(
    tmp_path: Path, listening: tuple[str, list[bytes]], way: str
) -> None:
    address, asked = listening
    path = tmp_path / "a.geojson"
    path.write_text(fetching(address)[way])
    with pytest.raises(InputError, match=r"a crs that is no name|does not begin|cannot be read"):
        read_frame(checked_path("a.geojson", tmp_path))
    assert asked == []


def test_what_passes_the_check_is_not_fetched_either(
    tmp_path: Path, listening: tuple[str, list[bytes]]
) -> None:
    from minerisk.features.files import process
    from tests.features.files import test_hostile_files as here

    address, asked = listening
    (tmp_path / "a.geojson").write_text(fetching(address)["link"])
    assert process.words_of(here.open_by_gdal, tmp_path / "a.geojson")
    assert asked == []


def open_by_gdal(path: Path) -> list[str]:
    import pyogrio

    return [str(pyogrio.read_info(path)["crs"])]


@pytest.mark.parametrize(
    "named",
    [
        *(crs("name", name=name) for name in ("EPSG:32638", "urn:ogc:def:crs:EPSG::32638")),
        *(crs("name", name=name) for name in ("urn:ogc:def:crs:OGC:1.3:CRS84", "CRS84")),
        crs("name", name="urn:ogc:def:crs:OGC::CRS84"),
        crs("name", name="http://www.opengis.net/def/crs/EPSG/0/32638"),
        crs("name", name="urn:ogc:def:crs:ESRI::102025"),
        *(crs("EPSG", code=4326), "null", '"a word"', "7"),
    ],
)
def test_a_crs_that_is_named_is_read(tmp_path: Path, named: str) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(collection(named))
    check_geojson(path)
    assert len(read_frame(path)) == 1


def test_a_column_named_crs_and_words_about_it_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.geojson"
    path.write_text(collection("").replace('"name": "a"', '"crs": "x", "note": "the \'crs\' of"'))
    assert read_frame(path)["crs"].tolist() == ["x"]


def write_csv(path: Path, columns: int) -> None:
    head = ",".join(f"c{number}" for number in range(columns - 2))
    path.write_text(f"e,n,{head}\n1,1{',' * (columns - 2)}\n")


def write_dictionary(path: Path) -> None:
    """A word of 200 KB that stands in a million rows."""
    words = pa.DictionaryArray.from_arrays(np.zeros(1_000_000, dtype="i4"), ["x" * 200_000])
    shapes = pa.DictionaryArray.from_arrays(
        np.zeros(1_000_000, dtype="i4"), [shapely.to_wkb(shapely.Point(0, 0))]
    )
    table = pa.table(
        {
            "name": words.cast(pa.dictionary(pa.int32(), pa.large_string())).cast(
                pa.dictionary(pa.int32(), pa.string())
            ),
            "geometry": shapes,
        }
    )
    pq.write_table(table, path, use_dictionary=True, compression="zstd")


def write_geo(path: Path, geo: bytes) -> None:
    table = pa.table({"geometry": [shapely.to_wkb(shapely.Point(0, 0))]})
    pq.write_table(table.replace_schema_metadata({b"geo": geo}), path)


def wide(columns: int) -> gpd.GeoDataFrame:
    frame = pd.DataFrame(np.zeros((1, columns)), columns=[f"c{n}" for n in range(columns)])
    return gpd.GeoDataFrame(frame, geometry=[shapely.Point(0, 0)], crs="EPSG:4326")


VECTORS: dict[str, Callable[[Path], object]] = {
    "wide.csv": lambda path: write_csv(path, 1_000_000),
    "line.csv": lambda path: path.write_bytes(b"e,n\n1," + b"1" * (MAX_LINE_BYTES + 2)),
    "head.csv": lambda path: path.write_bytes(b"e" * (MAX_LINE_BYTES + 2)),
    "quote.csv": lambda path: path.write_bytes(b'e,n\n"' + b"1\n" * 100_000),
    "nul.csv": lambda path: path.write_bytes(b"e,n\n1,\x001\n"),
    "latin.csv": lambda path: path.write_bytes(b"e,n,\xff\xfe\n1,1,\x80\n"),
    "wide.geojson": lambda path: path.write_text(wide(MAX_COLUMNS + 1).to_json()),
    "deep.geojson": lambda path: path.write_text(
        collection("").replace('"a"', "[" * 100_000 + "]" * 100_000)
    ),
    "deeper.geojson": lambda path: path.write_text(
        '{"type": "GeometryCollection", "geometries": [' * 5_000
    ),
    "cut.geojson": lambda path: path.write_text(collection("")[:-40]),
    "wide.fgb": lambda path: wide(MAX_COLUMNS + 1).to_file(path),
    "wide.parquet": lambda path: wide(MAX_COLUMNS + 1).to_parquet(path),
    "dictionary.parquet": write_dictionary,
    "number.parquet": lambda path: write_geo(path, b"1"),
    "empty.parquet": lambda path: write_geo(path, b"{}"),
    "text.parquet": lambda path: write_geo(path, b"\xff"),
    "deep.parquet": lambda path: write_geo(path, b"[" * 100_000),
    "column.parquet": lambda path: write_geo(
        path, b'{"version": "1.0.0", "primary_column": 1, "columns": []}'
    ),
    "huge.fgb": lambda path: path.write_bytes(b"fgb\x03fgb\x01" + b"\xff" * 64),
    "header.fgb": lambda path: path.write_bytes(b"fgb\x03fgb\x01\xff\xff\xff\x7f" + b"\x00" * 64),
    "zeros.gpkg": lambda path: path.write_bytes(
        b"SQLite format 3\x00" + b"\x00" * 52 + b"GPKG" + b"\x00" * 4_000
    ),
}


@pytest.mark.parametrize("name", list(VECTORS))
def test_a_file_made_to_swell_or_to_end_its_reader_is_refused_soon(
    tmp_path: Path, name: str
) -> None:
    VECTORS[name](tmp_path / name)
    columns = {"easting": "e", "northing": "n"} if name.endswith("csv") else {}
    read_frame_of_a_point(tmp_path)  # the server has begun
    start = time.monotonic()
    with pytest.raises(InputError, match=rf"{name}.*\."):
        read_frame(checked_path(name, tmp_path), crs="EPSG:4326", **columns)
    assert time.monotonic() - start < SOON_S


def read_frame_of_a_point(folder: Path) -> None:
    (folder / "point.geojson").write_text(collection(""))
    read_frame(folder / "point.geojson")


BEYOND = [
    (kind, places)
    for kind in ("geojson", "csv", "fgb", "gpkg", "parquet", "shp")
    for places in ((1e308, 1e308), (-1e308, 1.0), (np.inf, 1.0))
    if kind != "shp" or np.isfinite(places[0])  # GDAL writes no such shapefile
]


@pytest.mark.parametrize(("kind", "places"), BEYOND)
def test_coordinates_beyond_all_land_are_refused(
    tmp_path: Path, kind: str, places: tuple[float, float]
) -> None:
    path = tmp_path / f"a.{kind}"
    frame = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(places)], crs="EPSG:32638")
    if kind == "csv":
        path.write_text(f"e,n\n{places[0]},{places[1]}\n")
    elif kind == "parquet":
        frame.to_parquet(path)
    elif kind == "geojson" and np.isinf(places[0]):
        path.write_text(collection("").replace("46.5", "1e999"))
    else:
        frame.to_file(path)
    columns = {"easting": "e", "northing": "n", "crs": "EPSG:32638"} if kind == "csv" else {}
    layers = Layers({"a": VectorSource(path, **columns)}, tmp_path)
    with pytest.raises(InputError):
        layers.vector("a", crs="EPSG:3035")


def plain_array(**changed: object) -> dict[str, object]:
    """Metadata of an array of 4 by 4 numbers, Zarr 3, with something changed."""
    array: dict[str, object] = {
        **{"zarr_format": 3, "node_type": "array", "shape": [4, 4], "data_type": "float32"},
        **{"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": [4, 4]}}},
        **{"chunk_key_encoding": {"name": "default"}, "fill_value": 0, "attributes": {}},
        "codecs": [{"name": "bytes", "configuration": {"endian": "little"}}],
    }
    return array | changed


def chunks(*shape: object) -> dict[str, object]:
    return {"chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(shape)}}}


def sharded(*inner: object) -> dict[str, object]:
    settings = {"chunk_shape": list(inner), "codecs": [], "index_codecs": []}
    return {"codecs": [{"name": "sharding_indexed", "configuration": settings}]}


ARRAYS: dict[str, dict[str, object]] = {
    "chunk 0": chunks(0, 4),
    "chunk -1": chunks(-1, 4),
    "chunk 1e30": chunks(1e30, 4),
    "chunk of words": chunks("4", 4),
    "chunk of truth": chunks(True, 4),
    "chunk without end": chunks(10**30, 4),
    "chunk larger than memory": chunks(2**20, 2**20),
    "chunk a little too large": chunks(2**14, 2**14 + 1),
    "chunk of one axis": chunks(4),
    "no chunk": {"chunk_grid": {}},
    "chunk null": {"chunk_grid": {"configuration": {"chunk_shape": None}}},
    "shape 1e30": {"shape": [1e30, 4]},
    "shape without end": {"shape": [10**30, 4]},
    "shape -1": {"shape": [-1, 4]},
    "shape a word": {"shape": "4"},
    "shape of 100 axes": {"shape": [1] * 100},
    "coordinate": {"shape": [10**9]} | chunks(1000),
    "shard 0": sharded(0, 4),
    "shard larger than memory": sharded(2**20, 2**20),
    "objects": {"data_type": "object"},
    "long words": {
        "data_type": {"name": "fixed_length_utf32", "configuration": {"length_bytes": 10**9}}
    },
    "type a number": {"data_type": 7},
    "type unknown": {"data_type": "r99999"},
    "pickle": {"codecs": [{"name": "numcodecs.pickle"}]},
    "json2": {"codecs": [{"name": "numcodecs.json2"}]},
    "unknown codec": {"codecs": [{"name": "evil.Code"}]},
}


@pytest.mark.parametrize("what", list(ARRAYS))
def test_what_a_zarr_folder_declares_is_judged_before_it_is_opened(
    tmp_path: Path, what: str
) -> None:
    folder = tmp_path / "a.zarr"
    (folder / "a").mkdir(parents=True)
    (folder / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (folder / "a" / "zarr.json").write_text(json.dumps(plain_array()))
    check_zarr(folder)
    (folder / "a" / "zarr.json").write_text(json.dumps(plain_array(**ARRAYS[what])))
    with pytest.raises(InputError, match=r"a.zarr"):
        open_band(checked_path("a.zarr", tmp_path))
    # The same, told by the group for all its arrays.
    (folder / "a" / "zarr.json").unlink()
    told = {"metadata": {"a": plain_array(**ARRAYS[what])}, "kind": "inline"}
    group = {"zarr_format": 3, "node_type": "group", "consolidated_metadata": told}
    (folder / "zarr.json").write_text(json.dumps(group))
    with pytest.raises(InputError, match=r"a.zarr"):
        check_zarr(folder)


METADATA = {
    "deep": b"[" * 100_000,
    "no text": b"\xff\xfe{}",
    "no JSON": b"{'a': 1}",
    "cut": b'{"zarr_format": 3, "shape": [4',
    "empty": b"",
    "a number": b"1",
    "null": b"null",
}


@pytest.mark.parametrize("name", ["zarr.json", ".zarray", ".zgroup"])
@pytest.mark.parametrize("what", list(METADATA))
def test_metadata_that_is_none_is_refused(tmp_path: Path, name: str, what: str) -> None:
    (tmp_path / "a.zarr").mkdir()
    (tmp_path / "a.zarr" / name).write_bytes(METADATA[what])
    with pytest.raises(InputError, match=r"a.zarr"):
        open_band(checked_path("a.zarr", tmp_path))


@pytest.mark.parametrize("name", ["zarr.json", "a/zarr.json", "a/c/0/0"])
def test_a_pipe_among_the_files_of_a_zarr_folder_is_refused_and_not_waited_for(
    tmp_path: Path, name: str
) -> None:
    folder = tmp_path / "a.zarr"
    (folder / "a" / "c" / "0").mkdir(parents=True)
    (folder / "zarr.json").write_text('{"zarr_format": 3, "node_type": "group"}')
    (folder / "a" / "zarr.json").write_text(json.dumps(plain_array()))
    (folder / name).unlink(missing_ok=True)
    os.mkfifo(folder / name)
    with pytest.raises(InputError, match="is no file"):
        checked_path("a.zarr", tmp_path)


def test_words_of_a_parquet_that_are_no_text_are_refused(tmp_path: Path) -> None:
    frame = gpd.GeoDataFrame({"a": ["http://x"] * 3}, geometry=[shapely.Point(1, 1)] * 3, crs=4326)
    path = tmp_path / "a.parquet"
    frame.to_parquet(path, compression="none")
    path.write_bytes(path.read_bytes().replace(b"http://x", b"http:/\xff\xfe"))
    with pytest.raises(InputError, match=r"a\.parquet"):
        read_frame(path)


def test_metadata_of_a_store_that_is_a_device_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "zarr.json").symlink_to("/dev/zero")
    with pytest.raises(InputError, match=r"zarr.json is no file"):
        check_zarr(tmp_path)


def test_a_chunk_that_unpacks_to_more_than_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.zarr"
    mapping = xr.DataArray(0, attrs={"crs_wkt": pyproj.CRS("EPSG:32638").to_wkt()})
    array = xr.DataArray(np.ones((4, 4), "f4"), dims=("y", "x"))
    array.attrs["grid_mapping"] = "spatial_ref"
    places = {"y": np.arange(4)[::-1] * 10.0, "x": np.arange(4) * 10.0, "spatial_ref": mapping}
    dataset = xr.Dataset({"a": array}, coords=places)
    packed = {"a": {"compressors": zarr.codecs.GzipCodec()}}
    dataset.to_zarr(path, zarr_format=3, consolidated=False, encoding=packed)
    band = open_band(checked_path("a.zarr", tmp_path))
    assert band.read(slice(0, 4), slice(0, 4)).sum() == 16
    (chunk,) = (path / "a" / "c").rglob("0/0")
    chunk.write_bytes(gzip.compress(b"\x00" * 2**26) * 60)
    with pytest.raises(InputError, match=r"a.zarr (takes more than .* of memory|cannot be read)"):
        band.read(slice(0, 4), slice(0, 4))
