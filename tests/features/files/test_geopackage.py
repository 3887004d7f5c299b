"""What a GeoPackage may contain: tables of data, as GDAL, QGIS and others write them."""

import os
import sqlite3
import sys
from pathlib import Path

import geopandas as gpd
import pyogrio
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.files.geopackage import check_geopackage, private_copy
from minerisk.features.layers.sources import Layers, VectorSource
from minerisk.features.layers.vectors import layer_names, read_frame


@pytest.fixture(scope="module")
def plain(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("plain") / "a.gpkg"
    points().to_file(path, layer="t")
    return path.read_bytes()


def points(count: int = 3) -> gpd.GeoDataFrame:
    shapes = [shapely.Point(index, index) for index in range(count)]
    return gpd.GeoDataFrame({"name": ["a"] * count}, geometry=shapes, crs="EPSG:4326")


def declare(path: Path, kind: str, name: str, sql: str) -> None:
    """Write a definition into the schema as it is, whatever SQLite would say of it."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA writable_schema = ON")
        database.execute(
            "INSERT INTO sqlite_master (type, name, tbl_name, rootpage, sql) "
            "VALUES (?, ?, ?, 0, ?)",
            (kind, name, name, sql),
        )
    database.close()


MODULES = [
    *("VirtualText", "virtualtext", "VIRTUALTEXT", '"VirtualText"', "[VirtualText]"),
    *("VirtualShape", "VirtualDbf", "VirtualGeoJSON", "VirtualXL", "VirtualOGR", "VirtualXPath"),
    *("VirtualFDO", "VirtualGPKG", "VirtualSpatialIndex", "VirtualElementary", "VirtualBBox"),
    *("VirtualKNN", "VirtualKNN2", "VirtualNetwork", "VirtualRouting", "fts3", "fts4", "fts5"),
    *("csv", "zipfile", "fsdir", "dbstat", "generate_series", "carray", "geopoly", "sqlite_dbpage"),
]
VIEWS = [
    "CREATE VIEW v AS SELECT * FROM t",
    "create view v as select * from t",
    "CrEaTe ViEw v AS SELECT 1",
    "CREATE/* */VIEW v AS SELECT 1",
    "CREATE -- TABLE\nVIEW v AS SELECT 1",
    "CREATE TEMP VIEW v AS SELECT 1",
    "CREATE TEMPORARY VIEW IF NOT EXISTS v AS SELECT 1",
    "CREATE VIEW v AS WITH RECURSIVE r(n) AS (SELECT 1 UNION ALL SELECT n+1 FROM r) "
    "SELECT n FROM r",
]
CALLS = [
    "load_extension('x')",
    "readfile('/etc/passwd')",
    "writefile('/tmp/x', 1)",
    "ogr_geocode('x')",
    "BlobFromFile('/etc/passwd')",
    "XB_LoadXML('http://127.0.0.1:1/')",
    "ImportSHP('a')",
    "ExportGeoJSON2('a')",
    "eval('SELECT 1')",
    "edit('x')",
    "http_get('http://127.0.0.1:1/')",
    "zeroblob(1e9)",
    "randomblob(1e9)",
    "\"load_extension\"('x')",
    "[readfile]('x')",
    "abs(load_extension('x'))",
    "load_extension/* */('x')",
]
TABLES = [f"CREATE TABLE g (a, b GENERATED ALWAYS AS ({call}))" for call in CALLS]
TABLES += [f"CREATE TABLE g (a, b AS ({call}) STORED)" for call in CALLS[:3]]
TABLES += [f"CREATE TABLE g (a CHECK ({call}))" for call in CALLS[:3]]
TABLES += [f"CREATE TABLE g (a DEFAULT ({call}))" for call in CALLS[:3]]
TABLES += ["CREATE TABLE g AS SELECT 1", "CREATE TABLE g (a CHECK (a IN (SELECT b FROM t)))"]


@pytest.mark.parametrize("module", MODULES)
def test_a_virtual_table_but_an_r_tree_is_refused(
    tmp_path: Path, plain: bytes, module: str
) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    declare(path, "table", "vt", f"CREATE VIRTUAL TABLE vt USING {module}('/etc/passwd')")
    with pytest.raises(InputError, match="vt is a virtual table"):
        check_geopackage(path)


@pytest.mark.parametrize("kind", ["view", "table", "index", "VIEW"])
@pytest.mark.parametrize("sql", VIEWS)
def test_a_view_is_refused_however_it_is_spelled_and_whatever_it_is_called(
    tmp_path: Path, plain: bytes, sql: str, kind: str
) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    declare(path, kind, "v", sql)
    with pytest.raises(InputError, match=r"v is a view|damaged"):
        check_geopackage(path)


@pytest.mark.parametrize("sql", TABLES)
def test_a_table_whose_definition_calls_what_reaches_out_is_refused(
    tmp_path: Path, plain: bytes, sql: str
) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    declare(path, "table", "g", sql)
    with pytest.raises(InputError, match=r"g (calls the function|has SELECT)|damaged"):
        check_geopackage(path)


@pytest.mark.parametrize("call", CALLS)
def test_an_index_or_trigger_that_calls_what_reaches_out_is_refused(
    tmp_path: Path, plain: bytes, call: str
) -> None:
    path = tmp_path / "a.gpkg"
    for kind, sql in (
        ("index", f"CREATE INDEX i ON t ({call})"),
        ("index", f"CREATE INDEX i ON t (name) WHERE {call}"),
        ("trigger", f"CREATE TRIGGER i AFTER INSERT ON t BEGIN SELECT {call}; END"),
    ):
        path.write_bytes(plain)
        declare(path, kind, "i", sql)
        with pytest.raises(InputError, match=r"i calls the function|damaged"):
            check_geopackage(path)


def test_an_endless_view_is_refused_at_once_and_never_run(tmp_path: Path, plain: bytes) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    declare(path, "view", "v", VIEWS[-1])
    with pytest.raises(InputError, match="v is a view"):
        read_frame(path, layer="t")


def test_the_table_of_contents_may_be_no_view(tmp_path: Path, plain: bytes) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    with sqlite3.connect(path) as database:
        database.execute("ALTER TABLE gpkg_contents RENAME TO other")
        database.execute("CREATE VIEW gpkg_contents AS SELECT * FROM other")
    database.close()
    with pytest.raises(InputError, match="gpkg_contents is a view"):
        read_frame(path, layer="t")


GIVEN = {
    "points": {},
    "no index": {"SPATIAL_INDEX": "NO"},
    "fid": {"FID": "id"},
    "geometry name": {"GEOMETRY_NAME": "the geom"},
    "1.0": {"DATASET_OPTIONS": {"VERSION": "1.0"}},
    "1.2": {"DATASET_OPTIONS": {"VERSION": "1.2"}},
    "1.4": {"DATASET_OPTIONS": {"VERSION": "1.4"}},
    "no contents table": {"DATASET_OPTIONS": {"ADD_GPKG_OGR_CONTENTS": "NO"}},
    "metadata": {"DATASET_OPTIONS": {"METADATA_TABLES": "YES"}},
    "description": {"DESCRIPTION": "a layer", "IDENTIFIER": "one"},
}


@pytest.mark.parametrize("name", list(GIVEN))
def test_what_gdal_writes_is_read(tmp_path: Path, name: str) -> None:
    path = tmp_path / "a.gpkg"
    options = dict(GIVEN[name])
    dataset = options.pop("DATASET_OPTIONS", None)
    pyogrio.write_dataframe(
        points(), path, layer="t", dataset_options=dataset, layer_options=options
    )
    assert len(read_frame(path)) == 3


LAYER_NAMES = [
    *("t", "Mine Fields", "select", "view", "a-b", "с кириллицей", "şəhər", "x'y", 'q"r'),
]


@pytest.mark.parametrize("layer", LAYER_NAMES)
def test_layers_of_every_name_are_read(tmp_path: Path, layer: str) -> None:
    path = tmp_path / "a.gpkg"
    points().to_file(path, layer=layer)
    assert layer_names(path) == [layer]
    assert len(read_frame(path, layer=layer)) == 3


EXTRA = {
    # as QGIS keeps styles and projects
    "styles": "CREATE TABLE layer_styles (id INTEGER PRIMARY KEY, f_table_name TEXT(256), styleQML "
    "TEXT, useAsDefault BOOLEAN, update_time DATETIME DEFAULT "
    "(strftime('%Y-%m-%dT%H:%M:%fZ','now')))",
    "project": "CREATE TABLE qgis_projects (name TEXT PRIMARY KEY, metadata BLOB, content BLOB)",
    # as the standard has it
    "metadata": "CREATE TABLE metadata_x (id INTEGER CONSTRAINT m_pk PRIMARY KEY ASC NOT NULL, "
    "md_scope TEXT NOT NULL DEFAULT 'dataset', mime_type TEXT NOT NULL DEFAULT 'text/xml')",
    "check": "CREATE TABLE c (a INTEGER CHECK (a > 0 AND length(trim(b)) < 9), b TEXT)",
    "generated": "CREATE TABLE c (a REAL, b REAL GENERATED ALWAYS AS (round(a * 2, 1)) STORED)",
    "key": "CREATE TABLE c (a INTEGER REFERENCES t (fid) ON DELETE CASCADE, UNIQUE (a))",
    "index": "CREATE INDEX i ON t (name)",
    "expression": "CREATE INDEX i ON t (lower(name)) WHERE name IS NOT NULL",
    # as people keep the day of the last change
    "trigger": "CREATE TRIGGER stamp AFTER UPDATE ON t BEGIN UPDATE t SET name = datetime('now') "
    "WHERE fid = NEW.fid; END",
    "check of the standard": "CREATE TRIGGER gpkg_scope BEFORE INSERT ON t FOR EACH ROW BEGIN "
    "SELECT RAISE(ABORT, 'scope must be dataset') WHERE NOT (NEW.name IN ('a', 'b')); END",
    "analysed": "ANALYZE",
    "emptied": "VACUUM",
}


@pytest.mark.parametrize("what", list(EXTRA))
def test_what_other_programs_add_is_read(tmp_path: Path, plain: bytes, what: str) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    database = sqlite3.connect(path, isolation_level=None)
    database.execute(EXTRA[what])
    database.close()
    assert len(read_frame(path, layer="t")) == 3


def test_many_layers_with_edits_and_deletions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.gpkg"
    for number in range(4):
        points(number + 1).to_file(path, layer=f"layer {number}")
    pyogrio.write_dataframe(points(2), path, layer="layer 0", append=True)
    assert len(layer_names(path)) == 4
    assert len(read_frame(path, layer="layer 0")) == 3


def test_a_copy_is_private_whole_and_gone_after_use(tmp_path: Path, plain: bytes) -> None:
    path = tmp_path / "a.gpkg"
    path.write_bytes(plain)
    with private_copy(path) as copy:
        assert copy.read_bytes() == plain
        if sys.platform != "win32":
            assert copy.parent.stat().st_mode & 0o077 == 0
    assert not copy.parent.exists()


def test_a_layer_that_was_changed_is_read_anew(tmp_path: Path) -> None:
    points(3).to_file(tmp_path / "a.gpkg", layer="t")
    layers = Layers({"a": VectorSource(Path("a.gpkg"))}, tmp_path)
    first = layers.as_stored("a")
    first["name"] = "changed by the reader"
    assert layers.as_stored("a")["name"].tolist() == ["a"] * 3
    pyogrio.write_dataframe(points(5), tmp_path / "a.gpkg", layer="t")
    os.utime(tmp_path / "a.gpkg", ns=(1, 1))
    assert len(layers.as_stored("a")) == 5
