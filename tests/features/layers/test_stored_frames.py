"""Files are read once while they stay as they are, and no longer than that."""

from pathlib import Path

import geopandas as gpd
import pytest

from minerisk.features.errors import InputError
from minerisk.features.layers import stored_frames, vectors
from minerisk.features.layers.stored_frames import StoredFrames


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    found: list[str] = []
    read = vectors.read_frame

    def counted(path: Path, **how: str | None) -> gpd.GeoDataFrame:
        found.append(path.name)
        return read(path, **how)

    monkeypatch.setattr(vectors, "read_frame", counted)
    return found


def points(path: Path, count: int) -> Path:
    places = gpd.points_from_xy(range(count), range(count))
    gpd.GeoDataFrame({"number": range(count)}, geometry=places, crs="EPSG:3035").to_file(path)
    return path


def test_a_file_is_read_once_and_whoever_asked_may_change_the_rows(
    tmp_path: Path, reads: list[str]
) -> None:
    one, other = points(tmp_path / "one.gpkg", 3), points(tmp_path / "other.gpkg", 4)
    stored = StoredFrames()
    first = stored.read(one)
    first["number"] = 9
    assert len(stored.read(other)) == 4
    assert list(stored.read(one)["number"]) == [0, 1, 2]
    assert reads == ["one.gpkg", "other.gpkg"]


def test_a_file_that_was_changed_is_read_again(tmp_path: Path, reads: list[str]) -> None:
    path, stored = points(tmp_path / "one.gpkg", 3), StoredFrames()
    stored.read(path)
    path.unlink()
    assert len(stored.read(points(path, 5))) == 5
    assert len(reads) == 2


def test_a_part_of_a_shapefile_that_was_changed_is_read_again(
    tmp_path: Path, reads: list[str]
) -> None:
    path, stored = points(tmp_path / "one.shp", 3), StoredFrames()
    stored.read(path)
    (tmp_path / "one.prj").write_text(gpd.GeoSeries(crs="EPSG:32638").crs.to_wkt("WKT1_ESRI"))
    assert stored.read(path).crs == "EPSG:32638"
    assert len(reads) == 2


def test_a_file_that_another_program_is_writing_is_refused_although_it_was_read(
    tmp_path: Path,
) -> None:
    path, stored = points(tmp_path / "one.gpkg", 3), StoredFrames()
    stored.read(path)
    (tmp_path / "one.gpkg-wal").write_bytes(b"changes")
    with pytest.raises(InputError, match=r"one\.gpkg-wal"):
        stored.read(path)


def test_no_more_is_held_than_is_small(
    tmp_path: Path, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stored_frames, "SMALL", 10)
    names = ("small", "large", "small", "large", "larger", "large", "small")
    counts = {"small": 3, "large": 4, "larger": 5}
    paths = {name: points(tmp_path / f"{name}.gpkg", count) for name, count in counts.items()}
    stored = StoredFrames()
    for name in names:
        stored.read(paths[name])
    assert reads == ["small.gpkg", "large.gpkg", "larger.gpkg", "large.gpkg"]
