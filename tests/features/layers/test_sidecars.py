"""What lies beside a layer is hashed with it, or the layer is refused."""

import sqlite3
from pathlib import Path

import geopandas as gpd
import pytest
import shapely

from minerisk.features.errors import InputError
from minerisk.features.layers.intake import checked_path, layer_files, sha256_of
from minerisk.features.layers.vectors import read_frame


def write_finds(path: Path, count: int = 3) -> Path:
    shapes = [shapely.Point(47 + index / 10, 40) for index in range(count)]
    names = [f"find {index}" for index in range(count)]
    gpd.GeoDataFrame({"name": names}, geometry=shapes, crs="EPSG:4326").to_file(path)
    return path


def test_a_geopackage_with_rows_in_its_write_ahead_log_is_refused(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.gpkg")
    other = sqlite3.connect(path)
    other.execute("PRAGMA journal_mode = WAL")
    other.execute("CREATE TABLE notes (words TEXT)")
    other.commit()
    assert path.with_name("finds.gpkg-wal").stat().st_size > 0
    for read in (lambda: checked_path("finds.gpkg", tmp_path), lambda: read_frame(path)):
        with pytest.raises(InputError, match=r"finds\.gpkg-wal .* Close it in QGIS"):
            read()
    other.close()  # folds the log in
    assert len(read_frame(checked_path("finds.gpkg", tmp_path))) == 3


def test_a_geopackage_left_in_the_middle_of_a_change_is_refused(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.gpkg")
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("PRAGMA cache_size = 1")
    other.execute("BEGIN")
    other.execute("CREATE TABLE big AS SELECT randomblob(200000) AS bytes")
    other.execute("PRAGMA cache_spill = 1")
    other.execute("INSERT INTO big SELECT randomblob(200000) FROM big")
    journal = path.with_name("finds.gpkg-journal").read_bytes()
    assert any(journal[:8])
    with pytest.raises(InputError, match=r"finds\.gpkg-journal"):
        checked_path("finds.gpkg", tmp_path)
    other.execute("ROLLBACK")
    other.close()
    assert checked_path("finds.gpkg", tmp_path) == path.resolve()


@pytest.mark.parametrize("content", [b"", bytes(512)])
@pytest.mark.parametrize("ending", ["-wal", "-journal"])
def test_a_log_or_journal_that_holds_nothing_is_no_matter(
    tmp_path: Path, ending: str, content: bytes
) -> None:
    path = write_finds(tmp_path / "finds.gpkg")
    alone = sha256_of(path)
    path.with_name(path.name + ending).write_bytes(content)
    assert sha256_of(checked_path("finds.gpkg", tmp_path)) == alone
    assert len(read_frame(path)) == 3


def test_a_log_beside_the_file_that_a_link_leads_to_counts(tmp_path: Path) -> None:
    (tmp_path / "store").mkdir()
    path = write_finds(tmp_path / "store" / "finds.gpkg")
    path.with_name("finds.gpkg-wal").write_bytes(b"7\x7f\x06\x82" * 8)
    (tmp_path / "linked.gpkg").symlink_to(path)
    with pytest.raises(InputError, match=r"finds\.gpkg-wal"):
        checked_path("linked.gpkg", tmp_path)


def test_the_parts_of_a_shapefile_are_found_in_either_letter_case(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.shp")
    names = {part.name for part in layer_files(path)}
    assert names == {"finds.shp", "finds.shx", "finds.dbf", "finds.prj", "finds.cpg"}
    for part in layer_files(path):
        part.rename(part.with_suffix(part.suffix.upper()))
    real = checked_path("finds.SHP", tmp_path)
    assert {part.suffix for part in layer_files(real)} == {".SHP", ".SHX", ".DBF", ".PRJ", ".CPG"}
    assert read_frame(real)["name"].tolist() == ["find 0", "find 1", "find 2"]


def test_a_part_that_is_passed_by_for_its_letter_case_is_refused(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.shp")
    path.with_suffix(".cpg").rename(path.with_suffix(".Cpg"))
    with pytest.raises(InputError, match=r"finds\.Cpg is not read; name it finds\.cpg"):
        checked_path("finds.shp", tmp_path)


def test_a_change_of_any_part_changes_the_hash(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.shp")
    before = {sha256_of(path)}
    for suffix in (".cpg", ".prj", ".dbf", ".shx"):
        part = path.with_suffix(suffix)
        part.write_bytes(part.read_bytes() + b" ")
        before.add(sha256_of(path))
    assert len(before) == 5


def test_files_of_other_layers_do_not_belong_to_it(tmp_path: Path) -> None:
    path = write_finds(tmp_path / "finds.shp")
    write_finds(tmp_path / "finds.shp.old.shp")
    write_finds(tmp_path / "finds2.shp")
    assert len(layer_files(path)) == 5
