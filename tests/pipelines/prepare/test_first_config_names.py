"""Whatever files and folders are called, the configuration that `init` writes loads."""

import shutil
import tempfile
from pathlib import Path

import geopandas as gpd
import pytest
import shapely
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from minerisk.configs.load import load_config
from minerisk.features.errors import InputError
from minerisk.pipelines.prepare.init import _named, _quoted, write_first_config
from minerisk.pipelines.prepare.scan import Found, Role
from minerisk.plain_text import plain_text

ODD = (
    *("no", "null", "yes", "on", "off", "true", "~", "1e3", "0x10", "010", "12:30", "2020-01-01"),
    *("@places", "#1", "a: b", "a #b", "- a", "? a", "& a", "* a", "! a", "% a", "{a}", "[a]"),
    *("'a'", '"a"', "a\\b", " a ", "`a`", ">a", "|a", "=", "<<", ".inf", ".nan", "1_000", "Ağdam"),
    *(
        "Шуша 1994",
        "地雷",
        "e\u0301",
        "a\u00a0b",
        "a\u0085b",
        "a\u2028b",
        "𝛼",
        "TELL ME: a",
        "${HOME}",
    ),
)
letters = st.characters(blacklist_characters="/\x00", blacklist_categories=["Cs"])
# Names with characters that steer a terminal are left out, as every intake refuses them.
names = (st.sampled_from(ODD) | st.text(letters, min_size=1, max_size=40)).filter(
    lambda name: plain_text(name) == name
)


@given(text=st.text() | st.sampled_from(ODD))
@settings(max_examples=100)
def test_text_in_quotes_is_read_back_as_it_was(text: str) -> None:
    assert yaml.safe_load(_quoted(text)) == text
    assert yaml.safe_load(f"a: {_quoted(text)}  # b") == {"a": text}


@given(name=st.from_regex(r"[a-z][a-z0-9_]{0,20}", fullmatch=True) | st.sampled_from(["no", "y"]))
def test_a_name_is_read_back_as_it_was_as_key_and_value(name: str) -> None:
    assert yaml.safe_load(f"{_named(name)}: {_named(name)}") == {name: name}


@given(
    folder=names,
    files=st.lists(names, min_size=1, max_size=6, unique=True),
    layer=names,
    role=st.sampled_from([None, *Role]),
)
@settings(
    max_examples=100, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_the_configuration_loads_for_any_names(
    monkeypatch: pytest.MonkeyPatch, folder: str, files: list[str], layer: str, role: Role | None
) -> None:
    """What a scan finds is made up: the names matter here, and a file system takes fewer."""
    bounds = (46.0, 39.0, 47.0, 40.0)
    dimension = {Role.ELEVATION: None, Role.LAND_COVER: None, Role.ROADS: 1}.get(role, 2)
    vector = dimension is not None
    columns = (layer, layer) if vector else (None, None)
    found = [
        Found(f"{name}.gpkg", layer, role, dimension, 3, bounds, *columns, several_layers=vector)
        for name in files
    ]
    monkeypatch.setattr(
        "minerisk.pipelines.prepare.init.scan_folder", lambda folder: (found, ["left.tif: why"])
    )
    with tempfile.TemporaryDirectory() as home:
        data = Path(home) / "x" / (folder if folder not in (".", "..") else "dots")
        if "${" in folder:
            with pytest.raises(InputError, match="environment variable"):
                write_first_config(data, Path(home) / "c.yaml")
            return
        write_first_config(data, Path(home) / "c.yaml")
        config = load_config(Path(home) / "c.yaml")
    assert {item.path for item in config.layers.values()} == {item.file for item in found}
    if vector:
        assert {item.layer for item in config.layers.values()} == {layer}
    assert Path(config.data_root).name == data.name


def write_places(path: Path, **columns: object) -> None:
    frame = gpd.GeoDataFrame(columns or {"n": [1]}, geometry=[shapely.Point(46, 39)], crs=4326)
    frame.to_file(path)


def test_files_with_odd_names_are_found_and_the_configuration_loads(tmp_path: Path) -> None:
    folder = tmp_path / "no"
    folder.mkdir()
    for name in ("no", "null", "1e3", "12:30", "#1", "Шуша", "a: b", "x!y", " a ", "@places"):
        write_places(tmp_path / "plain.geojson")
        (tmp_path / "plain.geojson").rename(folder / f"{name}.geojson")
    lines = write_first_config(folder, tmp_path / "c.yaml")
    config = load_config(tmp_path / "c.yaml")
    assert config.study_area.name == "no"
    assert len(config.layers) == 9
    assert sum("begins with @" in line for line in lines) == 1


def test_what_cannot_be_read_is_left_out_with_a_line(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    write_places(folder / "towns.gpkg")
    write_places(folder / "whole.gpkg")
    cut = (folder / "whole.gpkg").read_bytes()
    (folder / "cut.gpkg").write_bytes(cut[: len(cut) // 5])
    write_places(folder / "noindex.shp")
    (folder / "noindex.shx").write_bytes(b"")
    local = 'LOCAL_CS["x",LOCAL_DATUM["y",0],UNIT["Meter",1]]'
    write_places(folder / "local.shp")
    (folder / "local.prj").write_text(local)
    (folder / "empty.geojson").write_text('{"type": "FeatureCollection", "features": []}')
    (folder / "text.csv").write_bytes("name,lon,lat\nШуша,46,39\n".encode("cp1251"))
    shutil.copy(folder / "whole.gpkg", folder / "open.gpkg")
    (folder / "open.gpkg-wal").write_bytes(b"7\x7f\x06\x82" * 8)
    lines = write_first_config(folder, tmp_path / "c.yaml")
    left_out = {line.split()[2].rstrip(":") for line in lines if line.startswith("left out")}
    known = {"cut.gpkg", "noindex.shp", "local.shp", "empty.geojson", "text.csv", "open.gpkg"}
    assert left_out == known
    assert {item.path for item in load_config(tmp_path / "c.yaml").layers.values()} == {
        "towns.gpkg",
        "whole.gpkg",
    }


def test_a_bad_layer_of_a_file_leaves_the_others(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.mkdir()
    frame = gpd.GeoDataFrame({"n": [1]}, geometry=[shapely.Point(46, 39)], crs=4326)
    frame.to_file(folder / "a.gpkg", layer="towns")
    frame.iloc[:0].to_file(folder / "a.gpkg", layer="nothing yet")
    lines = write_first_config(folder, tmp_path / "c.yaml")
    assert any("a.gpkg: the layer nothing yet: the layer is empty" in line for line in lines)
    (layer,) = load_config(tmp_path / "c.yaml").layers.values()
    assert layer.layer == "towns"
