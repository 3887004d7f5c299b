import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
import yaml

from minerisk.configs.checks import check_config
from minerisk.configs.problems import ConfigCode
from minerisk.configs.schema import Config
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError
from minerisk.features.layers.problems import LayerCode
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.prepare.feature_list import describe_columns
from minerisk.pipelines.prepare.validate import run_validate
from minerisk.pipelines.run.layers import (
    Placed,
    absent_layers,
    effort_features,
    open_layers,
    present_features,
)
from minerisk.pipelines.steps import run_steps

TINY = Path(__file__).parents[3] / "configs" / "tiny.yaml"
ROADS = {"kind": "vector", "path": "roads.gpkg", "optional": True}


def changed(**more: Any) -> dict[str, Any]:
    """The tiny study area with optional roads that are not there, and features of them."""
    content: dict[str, Any] = yaml.safe_load(TINY.read_text())
    content["data_root"] = str((TINY.parent / content["data_root"]).resolve())
    content["layers"]["roads"] = ROADS
    content["features"] = [
        {"kind": "distance", "layer": "settlements"},
        {"kind": "distance", "layer": "roads"},
        {"kind": "crossings", "layer": "streams", "rivers": "roads"},
    ]
    return content | more


def test_a_feature_of_an_absent_optional_layer_is_left_out_and_said_so(tmp_path: Path) -> None:
    config = Config.model_validate(changed())
    layers = open_layers(config, config_path=TINY)
    assert absent_layers(config, layers) == ["roads"]
    kept, left_out = present_features(config, layers)
    assert [(kind, params["layer"]) for kind, params in kept] == [("distance", "settlements")]
    assert [ENGLISH.say(problem).split(" is left out")[0] for problem in left_out] == [
        "distance of roads",
        "crossings of streams",
    ]
    report = run_validate(config, layers=layers, out_dir=tmp_path)
    assert not report.failed
    codes = {LayerCode.ABSENT, LayerCode.FEATURE_LEFT_OUT}
    absent = [problem for problem in report.problems if problem.code in codes]
    assert {problem.level for problem in absent} == {"warning", "note"}
    assert len(absent) == 3


@pytest.mark.parametrize("path", ["../out.gpkg", "link.gpkg", "a/../../out.gpkg"])
def test_a_layer_that_the_run_makes_is_not_read_from_elsewhere(tmp_path: Path, path: str) -> None:
    config = Config.model_validate(changed())
    (tmp_path / "simulated").mkdir()
    (tmp_path / "out.gpkg").write_bytes((TINY.parents[1] / "data/tiny/base.gpkg").read_bytes())
    (tmp_path / "simulated" / "link.gpkg").symlink_to(tmp_path / "out.gpkg")
    placed = Placed(tmp_path / "simulated", path)
    layers = open_layers(config, config_path=TINY, overrides={"simulated_finds": placed})
    with pytest.raises(InputError, match=r"simulated_finds: .* lies outside the data root"):
        layers.vector("simulated_finds", crs="EPSG:32638")


def test_a_layer_that_is_not_optional_must_be_there() -> None:
    content = changed()
    content["layers"]["roads"] = ROADS | {"optional": False}
    config = Config.model_validate(content)
    layers = open_layers(config, config_path=TINY)
    assert absent_layers(config, layers) == []
    assert run_validate(config, layers=layers).failed


def test_no_feature_at_all_is_refused() -> None:
    config = Config.model_validate(changed(features=[{"kind": "distance", "layer": "roads"}]))
    with pytest.raises(InputError, match="No feature is left"):
        present_features(config, open_layers(config, config_path=TINY))


def test_what_more_than_features_needs_cannot_be_optional() -> None:
    content = changed()
    content["layers"]["study_area"]["optional"] = True
    problems = check_config(Config.model_validate(content))
    assert any(problem.level == "error" for problem in problems)
    found = {(problem.place, problem.code) for problem in problems}
    assert ("layers.study_area", ConfigCode.OPTIONAL_LAYER_NEEDED) in found


def test_search_effort_as_a_feature_is_warned_of_and_beside_them_is_not() -> None:
    effort = {"kind": "search_effort", "layer": "simulated_surveyed"}
    beside = Config.model_validate(changed(effort=[effort]))
    assert ConfigCode.FEATURE_IS_SURVEY not in [problem.code for problem in check_config(beside)]
    among = Config.model_validate(changed(features=[*changed()["features"], effort]))
    assert ConfigCode.FEATURE_IS_SURVEY in [problem.code for problem in check_config(among)]


def test_columns_of_layers_that_the_run_makes_are_told_of_as_such() -> None:
    effort = {"kind": "search_effort", "layer": "simulated_surveyed"}
    config = Config.model_validate(changed(effort=[effort]))
    columns, left_out = describe_columns(config, open_layers(config, config_path=TINY))
    assert [column.column for column in columns] == ["settlements_distance_m"]
    assert len(left_out) == 3
    assert left_out[-1].code == LayerCode.LISTED_LATER


def test_a_run_leaves_it_out_and_keeps_search_effort_from_the_cube(tmp_path: Path) -> None:
    content = changed(effort=[{"kind": "search_effort", "layer": "simulated_surveyed"}])
    content["study_area"]["as_of"] = "2026-01-01"
    path = tmp_path / "tiny.yaml"
    path.write_text(yaml.safe_dump(content))
    run = run_steps(path, tmp_path / "run", last="build")
    assert open_cube(run.folder / "cube.zarr").attrs["variables"] == ["settlements_distance_m"]
    manifest = json.loads((run.folder / "manifest.json").read_text())
    facts = next(stage["facts"] for stage in manifest["stages"] if stage["name"] == "build")
    assert len(facts["left_out"]) == 2
    effort = open_cube(run.folder / "effort.zarr")
    assert "simulated_surveyed_years" in effort
    assert {effort[name].attrs["role"] for name in effort.attrs["variables"]} == {"effort"}
    searched = effort["simulated_surveyed_searched"].to_numpy()
    labels = xr.open_zarr(run.folder / "labels.zarr", consolidated=False)
    # Negative by search: the cell's centre was searched.
    assert (searched[labels["state"].to_numpy() == 0] > 0).all()
    assert effort_features(run.config, run.layers())[0][1]["as_of"].year == 2026
