import copy
from pathlib import Path
from typing import Any

import pydantic
import pytest
import yaml

from minerisk.configs.checks import check_config
from minerisk.configs.layers import Coverage
from minerisk.configs.load import load_config
from minerisk.configs.problems import ConfigCode
from minerisk.configs.schema import Config
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.records.validation import of_config

HERE = Path(__file__).parents[2] / "configs"

GOOD: dict[str, Any] = {
    "study_area": {
        **{"name": "here", "title": "Here", "boundary": "area", "crs": "EPSG:32638"},
        "resolution_m": 250,
    },
    "layers": {
        "area": {"kind": "vector", "path": "area.gpkg"},
        "line": {"kind": "vector", "path": "line.gpkg", "position_error_m": 500},
        "height": {"kind": "raster", "path": "dem.tif"},
        "cover": {"kind": "raster", "path": "cover.tif", "resampling": "mode"},
        "finds": {"kind": "vector", "path": "finds.gpkg"},
        "searched": {"kind": "vector", "path": "searched.gpkg"},
    },
    "features": [
        {"kind": "terrain", "layer": "height"},
        {"kind": "front_line", "layer": "line"},
        {"kind": "land_cover", "layer": "cover", "groups": {"forest": [1, 2]}},
    ],
    "labels": {
        "positive": [{"layer": "finds", "evidence": "find", "weight": 1}],
        "surveyed": "searched",
    },
}


def lines_with(**changes: Any) -> list[str]:
    """Check GOOD with values set at places such as ``layers__line__path``."""
    content = copy.deepcopy(GOOD)
    for place, value in changes.items():
        *parents, last = (int(p) if p.isdigit() else p for p in place.split("__"))
        target: Any = content
        for key in parents:
            target = target.setdefault(key, {}) if isinstance(target, dict) else target[key]
        target[last] = value
    problems = check_config(Config.model_validate(content))
    return [f"{problem.level}: {ENGLISH.say(of_config(problem))}" for problem in problems]


def test_a_sensible_configuration_gives_no_line() -> None:
    assert lines_with() == []


@pytest.mark.parametrize("name", ["bosnia", "karabakh", "tiny"])
def test_the_study_areas_have_no_errors(name: str) -> None:
    problems = check_config(load_config(HERE / f"{name}.yaml"))
    assert all(problem.level == "warning" for problem in problems)


@pytest.mark.parametrize(
    ("place", "value", "expected"),
    [
        ("features__0__layer", "nowhere", "error: features.0 (terrain): no layer is named nowhere"),
        ("features__0__layer", "line", "error: features.0 (terrain): the layer line is a vector"),
        ("features__1__layer", "finds", "is the evidence finds of the labels"),
        ("features__1__held_area", "finds", "is the evidence finds of the labels"),
        ("layers__line__path", "finds.gpkg", "the layer line is the evidence finds"),
        ("features__1__layer", "searched", "warning: features.1 (front_line): the layer searched"),
        ("features__0__radii_m", [100, 500], "warning: features.0 (terrain): radii_m has 100"),
        ("features__1__cap_m", 300, "cap_m is 300, below two cells"),
        ("features__2__groups", {"a": [1], "b": [1]}, "class 1 is in the groups a and b"),
        ("layers__cover__resampling", "bilinear", "mixes class codes"),
        (
            "features__0",
            {"kind": "trafficability", "layer": "height", "land_cover": "height"},
            "the layer height is resampled by bilinear, which mixes class codes",
        ),
        (
            "features__0",
            {"kind": "visibility", "layer": "height", "observers": "cover"},
            "the layer cover is a raster; expected a vector",
        ),
        ("labels__positive__0__layer", "height", "the layer height is a raster; expected a vector"),
        ("labels__surveyed", None, "warning: labels.surveyed is not given"),
        ("labels__surveyed", "finds", "error: labels.surveyed: the layer finds is positive"),
        ("labels__searches", [{"layer": "finds"}], "error: labels.searches.0: the layer finds is"),
        ("labels__searches", [{"layer": "nowhere"}], "error: labels.searches.0: no layer is"),
        ("study_area__boundary", "nowhere", "error: study_area.boundary: no layer"),
        ("study_area__crs", "EPSG:3857", "error: study_area.crs is EPSG:3857"),
        ("study_area__as_of", "2020-01-01", "the layer finds has no date_column"),
        ("folds__block_m", 300, "warning: folds.block_m is 300"),
        ("model__findings__block_m", 300, "error: model.findings.block_m is 300"),
        ("model__findings__radii_m", [100], "radii below the cell"),
        ("model__findings__neighbours", [0], "error: model.findings.neighbours counts from 1"),
        ("model__findings__half_life_years", 9, "half_life_years needs study_area.as_of"),
        ("classes__elevated_share", 1, "error: classes: higher_share and elevated_share add up"),
        ("classes__elevated_share", 0.8, "warning: classes: 85 % of the land"),
        ("classes", {"by": "rate"}, "error: classes.cuts is not given, and classes.by is rate"),
        ("classes", {"cuts": [0.1, 1]}, "error: classes.cuts is given, and classes.by is share"),
        ("classes", {"by": "rate", "cuts": [1, 0.1]}, "error: classes.cuts: 1 and 0.1 a km²"),
        ("classes", {"by": "rate", "cuts": [1, 9e9]}, "is more than there are cells"),
        ("tasks__min_ha", 3000, "error: tasks: min_ha 3000 is above max_ha 2500"),
        ("tasks__min_ha", 2, "warning: tasks: min_ha is 2, less than a cell of 6.25 ha"),
        ("tasks__budget_ha", 50, "error: tasks: budget_ha is 50, below min_ha"),
        ("layers__line__position_error_m", 0, "a front line without position_error_m"),
        ("layers__finds__path", "finds.csv", "a CSV file needs crs, easting and northing"),
        ("layers__finds__path", "@simulated/f.gpkg", "there is no simulation"),
        ("layers__height__valid_range", [5, 5], "valid_range must rise"),
        ("layers__more", {"kind": "raster", "path": "m.tif"}, "layers.more is not used"),
    ],
)
def test_each_mistake_is_named(place: str, value: Any, expected: str) -> None:
    assert [line for line in lines_with(**{place: value}) if expected in line]


@pytest.mark.parametrize(
    "feature",
    [
        {"kind": "front_zones", "layer": "line"},
        {"kind": "front_shape", "layer": "line"},
        {"kind": "no_mans_land", "layer": "line", "opposing_line": "other"},
        {"kind": "no_mans_land", "layer": "other", "opposing_line": "line"},
        {"kind": "front_facing", "layer": "height", "front_line": "line"},
        {"kind": "commanding_view", "layer": "height", "front_line": "line"},
        {"kind": "front_of_positions", "layer": "other", "front_line": "line"},
        {
            "kind": "approach",
            "layer": "other",
            "held_area": "other",
            "elevation": "height",
            "front_line": "line",
        },
    ],
)
def test_whatever_reads_a_front_line_asks_for_its_error_once(feature: dict[str, Any]) -> None:
    other = {"kind": "vector", "path": "other.gpkg", "position_error_m": 300}
    changes = {"layers__other": other, "layers__line__position_error_m": 0}
    lines = lines_with(features=[feature, GOOD["features"][0]], **changes)
    asked = [line for line in lines if "without position_error_m" in line]
    assert len(asked) == 1
    assert asked[0].startswith("warning: layers.line: ")


def test_a_simulation_needs_its_layers() -> None:
    names = {"elevation": "line", "front_line": "line", "held_area": "x", "settlements": "finds"}
    lines = "\n".join(lines_with(simulation=names))
    assert "simulation.elevation: the layer line is a vector" in lines
    assert "simulation.held_area: no layer is named x" in lines
    assert "no layer's path begins with @simulated/" in lines


def test_the_same_feature_twice_is_an_error() -> None:
    features = [*GOOD["features"], GOOD["features"][0]]
    assert "is given in features.0 already" in "\n".join(lines_with(features=features))


@pytest.mark.parametrize(
    ("layer", "coverage", "code"),
    [
        ("front_line", {"layer": "front_line"}, ConfigCode.COVERAGE_OF_ITSELF),
        ("front_line", {"layer": "no_such"}, ConfigCode.NO_SUCH_LAYER),
        ("front_line", {"valid_cells": True}, ConfigCode.WRONG_KIND),
        ("elevation", {"in_file": "frames"}, ConfigCode.WRONG_KIND),
        ("front_line", {"layer": "suspect_areas"}, ConfigCode.FEATURE_IS_EVIDENCE),
        ("front_line", {"layer": "surveyed_areas"}, ConfigCode.FEATURE_IS_SURVEY),
        ("incidents", {"bounds": [15, 43, 19, 45]}, ConfigCode.COVERAGE_NOT_USED),
    ],
)
def test_a_coverage_that_cannot_be_meant_is_named(
    layer: str, coverage: dict[str, Any], code: ConfigCode
) -> None:
    content = yaml.safe_load((HERE / "bosnia.yaml").read_text())
    content["layers"][layer]["coverage"] = coverage
    found = check_config(Config.model_validate(content))
    assert [(p.code, p.place) for p in found if p.place == f"layers.{layer}.coverage"] == [
        (code, f"layers.{layer}.coverage")
    ]


@pytest.mark.parametrize(
    "coverage",
    [
        {},
        {"layer": "a", "in_file": "b"},
        {"crs": "EPSG:4326", "layer": "a"},
        {"bounds": [19, 43, 15, 45]},
    ],
)
def test_a_coverage_is_given_in_one_way(coverage: dict[str, Any]) -> None:
    with pytest.raises(pydantic.ValidationError):
        Coverage.model_validate(coverage)
