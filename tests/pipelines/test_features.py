import json
import re
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from features.families import FAMILIES
from pipelines import feature_page
from pipelines.cli import app
from pipelines.features import describe_columns, describe_kinds, listed
from pipelines.layers import open_layers

ROOT = Path(__file__).parents[2]
TINY = ROOT / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def text() -> str:
    return feature_page.page_text(ROOT)


def test_the_page_is_in_step_with_the_code(text: str) -> None:
    assert (ROOT / "docs" / "features.md").read_text(encoding="utf-8") == text, (
        "docs/features.md is out of step: run python -m pipelines.features"
    )


def test_every_kind_is_described_and_every_picture_there_is_small(text: str) -> None:
    for kind in FAMILIES:
        assert f"\n## {kind}\n" in text
    shown = re.findall(r"!\[.*?\]\((.*?)\)", text)
    drawn = {
        path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/features/*.png")
    }
    assert set(shown) == drawn
    assert len(shown) >= 10
    for name in shown:
        assert (ROOT / "docs" / name).stat().st_size < 60_000


def test_no_picture_is_green() -> None:
    for path in ROOT.glob("docs/features/*.png"):
        palette = Image.open(path).convert("RGB").getcolors(256)
        assert palette is not None
        for _, (red, green, blue) in palette:
            assert green <= max(red, blue) + 8, path.name


def test_kinds_tell_unit_reach_and_settings() -> None:
    kinds = {kind["kind"]: kind for kind in describe_kinds()}
    assert set(kinds) == set(FAMILIES)
    assert kinds["terrain"]["halo_m"] == 5_000
    assert kinds["terrain"]["unit"].startswith("m, degree")
    assert kinds["value"]["unit"] == "that of the layer"
    assert "10.1177/0309133317733667" in kinds["terrain"]["sources"]
    assert kinds["search_effort"]["role"] == "effort"
    assert {item["name"] for item in kinds["distance"]["settings"]} == {"layer", "cap_m"}


def test_the_columns_of_a_study_area_are_those_of_its_cube(tiny_run: Path) -> None:
    from features.cube import open_cube
    from pipelines.context import read_config

    config = read_config(TINY)
    columns, left_out = describe_columns(config, open_layers(config, config_path=TINY))
    cube = open_cube(tiny_run / "cube.zarr")
    assert [column["column"] for column in columns] == cube.attrs["variables"]
    assert [column["unit"] for column in columns] == [
        cube[name].attrs["unit"] for name in cube.attrs["variables"]
    ]
    assert left_out == []


def test_the_command_lists_kinds_and_columns_as_text_and_json() -> None:
    runner = CliRunner()
    words = runner.invoke(app, ["features"])
    assert words.exit_code == 0
    assert "approach: how near the cheapest routes" in words.stdout
    found = json.loads(runner.invoke(app, ["features", str(TINY), "--json"]).stdout)
    assert found == json.loads(json.dumps(listed(TINY)))
    assert found["columns"][0]["column"] == "front_distance_m"
    assert found["columns"][0]["halo_m"] == 20_000


def test_what_pays_is_a_table_of_measured_differences(tmp_path: Path) -> None:
    path = tmp_path / "ablation.json"
    assert feature_page.ablation_text(path) == "Not measured yet: no family is claimed to pay.\n"
    row = {"family": "terrain", "difference": -0.0213, "lower": -0.03, "upper": 0.001}
    rows = [{**row, "change": "dropped", "protocol": "far"}]
    path.write_text(json.dumps({"words": "ROC-AUC, Bosnia.", "command": "it", "rows": rows}))
    line = feature_page.ablation_text(path).splitlines()[4]
    assert line == "| `terrain` | – | – | -0.021 (-0.030 to +0.001) | – |"
