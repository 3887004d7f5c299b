import re
from pathlib import Path

import pytest

from minerisk.configs.load import MAX_BYTES, ConfigError, data_root, load_config

HERE = Path(__file__).parents[2] / "configs"

GOOD = """\
study_area: {name: here, title: Here, boundary: area, crs: "EPSG:32638", resolution_m: 250}
layers:
  area: {kind: vector, path: area.gpkg}
  height: {kind: raster, path: dem.tif}
features:
  - {kind: terrain, layer: height}
labels:
  positive:
    - {layer: area, evidence: find, weight: 1}
"""


def error_of(tmp_path: Path, text: str) -> str:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    with pytest.raises(ConfigError) as caught:
        load_config(path)
    return str(caught.value)


@pytest.mark.parametrize("name", ["bosnia", "karabakh", "tiny"])
def test_the_study_areas_load(name: str) -> None:
    assert load_config(HERE / f"{name}.yaml").study_area.name == name


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("resolution_m", "resolution", "study_area.resolution: unknown key; did you mean 'resolu"),
        ("labels:", "label:", "label: unknown key; did you mean 'labels'?"),
        ("weight:", "wieght:", "labels.positive.0.wieght: unknown key; did you mean 'weight'?"),
        ("layer: height", "layr: height", "features.0.layr: unknown key; did you mean 'layer'?"),
        (
            "path: dem.tif",
            "path: d, bnad: 1",
            "layers.height.bnad: unknown key; did you mean 'band",
        ),
        (
            "kind: terrain",
            "kind: terrian",
            "features.0: kind is 'terrian'; did you mean 'terrain'?",
        ),
        ("kind: raster, ", "", "layers.height: lacks its kind; add kind"),
        ("weight: 1", "weight: 3", "labels.positive.0.weight: got 3; should be less than or equal"),
        ("name: here, ", "", "study_area.name: missing; add it."),
        ("labels:", "nonsense: 1\nlabels:", "nonsense: unknown key; expected one of: classes, d"),
        (
            "evidence: find",
            "evidence: rumour",
            "labels.positive.0.evidence: got 'rumour'; should be",
        ),
    ],
)
def test_each_mistake_gives_one_line_that_says_where_and_what(
    tmp_path: Path, old: str, new: str, expected: str
) -> None:
    assert expected in error_of(tmp_path, GOOD.replace(old, new))


def test_there_is_one_line_for_each_mistake(tmp_path: Path) -> None:
    text = GOOD.replace("resolution_m: 250", "resolution_m: 1").replace("weight: 1", "weight: 0")
    lines = error_of(tmp_path, text).splitlines()
    assert len(lines) == 2
    assert all(line.startswith(str(tmp_path / "a.yaml")) for line in lines)


def test_a_yaml_error_names_its_line(tmp_path: Path) -> None:
    assert "line 3, column 7" in error_of(tmp_path, "study_area:\n  name: [a\nlayers: 1\n")


def test_a_key_given_twice_is_refused(tmp_path: Path) -> None:
    error = error_of(tmp_path, GOOD + "labels: {}\n")
    assert "line 10" in error
    assert "'labels' is given twice" in error


@pytest.mark.parametrize(
    "text",
    ["a: &a [x]\nb: [*a, *a]\n", "!!python/object/apply:os.system ['true']\n", "- 1\n", ""],
)
def test_aliases_objects_and_other_than_mappings_are_refused(tmp_path: Path, text: str) -> None:
    assert error_of(tmp_path, text).count("\n") == 0


def test_deep_nesting_is_refused(tmp_path: Path) -> None:
    assert "nested too deeply" in error_of(tmp_path, "[" * 20_000)


def test_a_large_or_missing_or_binary_file_is_refused(tmp_path: Path) -> None:
    assert "larger than" in error_of(tmp_path, "#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="no such file"):
        load_config(tmp_path / "none.yaml")
    (tmp_path / "b.yaml").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(ConfigError, match="UTF-8"):
        load_config(tmp_path / "b.yaml")


def test_the_data_root_is_relative_to_the_file(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    path = tmp_path / "a.yaml"
    path.write_text(GOOD + "data_root: data\n")
    assert data_root(load_config(path), path) == (tmp_path / "data").resolve()


def test_a_variable_of_the_data_root_is_read_or_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD + "data_root: ${SURVEY_DATA}/x\n")
    config = load_config(path)
    monkeypatch.delenv("SURVEY_DATA", raising=False)
    with pytest.raises(ConfigError, match=r"SURVEY_DATA is not set.*export SURVEY_DATA="):
        data_root(config, path)
    monkeypatch.setenv("SURVEY_DATA", str(tmp_path))
    with pytest.raises(ConfigError, match="is not a folder"):
        data_root(config, path)
    (tmp_path / "x").mkdir()
    assert data_root(config, path) == (tmp_path / "x").resolve()


@pytest.mark.parametrize("day", ["2021-06-30", "'2021-06-30'"])
def test_a_day_is_read_as_it_is_written(day: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(GOOD.replace("resolution_m: 250", f"resolution_m: 250, as_of: {day}"))
    assert str(load_config(path).study_area.as_of) == "2021-06-30"


@pytest.mark.parametrize(
    "day", ["86400", "2021", "'20210630'", "30.06.2021", "2021-06-30 00:00:00", "2021-02-30", "'0'"]
)
def test_what_is_no_day_is_never_taken_for_one(day: str, tmp_path: Path) -> None:
    text = GOOD.replace("resolution_m: 250", f"resolution_m: 250, as_of: {day}")
    assert re.search("YYYY-MM-DD|cannot be read: day is out of range", error_of(tmp_path, text))
