import json
from pathlib import Path

import jsonschema
import pydantic
import pytest
import yaml

from minerisk.configs import generate
from minerisk.configs.feature_kinds import FrontZones
from minerisk.configs.schema import Config

HERE = Path(__file__).parents[2] / "configs"


def test_defaults_and_schema_are_in_step_with_the_code(tmp_path: Path) -> None:
    for path in generate.write(tmp_path):
        assert path.read_bytes() == (HERE / path.name).read_bytes(), (
            f"{path.name} is out of step: run python -m minerisk.configs.generate"
        )


@pytest.mark.parametrize("name", ["bosnia", "karabakh", "tiny"])
def test_the_study_areas_fit_the_json_schema(name: str) -> None:
    schema = json.loads((HERE / "schema.json").read_text())
    content = yaml.safe_load((HERE / f"{name}.yaml").read_text())
    jsonschema.Draft202012Validator(schema).validate(content)


def test_the_defaults_are_those_of_the_schema() -> None:
    defaults = yaml.safe_load((HERE / "defaults.yaml").read_text())
    assert defaults["model"]["lightgbm"]["trees"] == 300
    assert defaults["features"]["front_line"]["cap_m"] == 40_000
    assert defaults["vector_layer"]["keep"] == {}


@pytest.mark.parametrize("place", ["@simulated", "@results"])
@pytest.mark.parametrize(
    "path", ["../../out.gpkg", "..", "a/../../out.gpkg", "/etc/out.gpkg", "..\\..\\out.gpkg"]
)
def test_a_path_in_a_folder_of_the_run_does_not_leave_it(place: str, path: str) -> None:
    content = yaml.safe_load((HERE / "tiny.yaml").read_text())
    content["layers"]["simulated_finds"]["path"] = f"{place}/{path}"
    with pytest.raises(pydantic.ValidationError, match="stays in that folder"):
        Config.model_validate(content)


def test_edges_of_zones_rise() -> None:
    with pytest.raises(pydantic.ValidationError, match="each greater than the one before"):
        FrontZones.model_validate({"layer": "line", "edges_m": [0, 150, 150]})
    assert FrontZones(layer="line").edges_m == (0, 50, 150, 300, 600, 2_000, 7_000)


@pytest.mark.parametrize(
    ("told", "simulated"),
    [
        ({"layer": "simulated_finds"}, True),
        ({"source": "SIMULATED by another run"}, True),
        ({"layer": "finds", "source": "clearance records"}, False),
    ],
)
def test_findings_of_another_simulation_are_simulated(told: dict, simulated: bool) -> None:
    content = yaml.safe_load((HERE / "bosnia.yaml").read_text())
    content["layers"]["more"] = {"kind": "vector", "path": "findings.gpkg", **told}
    assert Config.model_validate(content).simulated is simulated


def test_every_property_of_a_configuration_has_a_sentence() -> None:
    """What an editor shows while one writes, and what the reference on the site is made of."""
    schema = Config.model_json_schema()
    untold = [
        f"{name}.{key}"
        for name, part in [("Config", schema), *schema["$defs"].items()]
        for key, value in part.get("properties", {}).items()
        if value.get("description", "metres") == "metres"
    ]
    assert untold == []
