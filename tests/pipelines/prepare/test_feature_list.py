import json
import re
from pathlib import Path

import pytest
from PIL import Image
from typer.testing import CliRunner

from docs.build import features_page
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.models.folds.protocol import ProtocolName, Splitter
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.prepare.feature_list import describe_columns, describe_kinds, list_columns
from minerisk.pipelines.records.evaluations import (
    Ablation,
    AblationMeasure,
    AblationRow,
    Ablations,
    AblationSetup,
    Change,
)
from minerisk.pipelines.run.layers import open_layers

ROOT = Path(__file__).parents[3]
TINY = ROOT / "configs" / "tiny.yaml"


@pytest.fixture(scope="module")
def text() -> str:
    return features_page.page_text(ROOT)


def test_the_page_is_in_step_with_the_code(text: str) -> None:
    assert (ROOT / "docs" / "features.md").read_text(encoding="utf-8") == text, (
        "docs/features.md is out of step: run python -m docs.build.features_page"
    )


def test_every_kind_is_described_and_every_picture_there_is_small(text: str) -> None:
    for kind in FEATURE_KINDS:
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
    kinds = {kind.kind: kind for kind in describe_kinds()}
    assert set(kinds) == set(FEATURE_KINDS)
    assert kinds["terrain"].halo_m == 5_000
    assert kinds["terrain"].unit.startswith("m, degree")
    assert kinds["value"].unit == "that of the layer"
    assert "10.1177/0309133317733667" in kinds["terrain"].references
    assert kinds["search_effort"].role == "effort"
    assert {item.name for item in kinds["distance"].settings} == {"layer", "cap_m"}


def test_the_columns_of_a_study_area_are_those_of_its_cube(tiny_run: Path) -> None:
    from minerisk.features.cube.store import open_cube
    from minerisk.pipelines.run.folder import read_config

    config = read_config(TINY)
    columns, left_out = describe_columns(config, open_layers(config, config_path=TINY))
    cube = open_cube(tiny_run / "cube.zarr")
    assert [column.column for column in columns] == cube.attrs["variables"]
    assert [column.unit for column in columns] == [
        cube[name].attrs["unit"] for name in cube.attrs["variables"]
    ]
    assert left_out == []


def test_the_command_lists_kinds_and_columns_as_text_and_json() -> None:
    runner = CliRunner()
    words = runner.invoke(app, ["kinds"])
    assert words.exit_code == 0
    assert "approach: how near the cheapest routes" in words.stdout
    found = json.loads(runner.invoke(app, ["features", str(TINY), "--json"]).stdout)
    assert found == list_columns(TINY).model_dump(mode="json")
    assert found["columns"][0]["column"] == "front_distance_m"
    assert found["columns"][0]["halo_m"] == 20_000


def ablation_row(
    family: str,
    difference: float | None,
    *,
    change: Change = Change.ADDED,
    protocol: ProtocolName = ProtocolName.FAR,
    measure: AblationMeasure = AblationMeasure.ROC_AUC,
) -> AblationRow:
    low, high = (None if difference is None else difference + by for by in (-0.02, 0.02))
    return AblationRow(
        family=family,
        change=change,
        protocol=protocol,
        measure=measure,
        difference=difference,
        lower=low,
        upper=high,
    )


SETUP = AblationSetup(
    cells=9_000,
    positive=100,
    resolution_m=250.0,
    far_folds=10,
    near_folds=5,
    near_splitter=Splitter.KNNDM,
    block_m=17_000.0,
    most_members=4,
    most_negatives_per_positive=4.0,
)


def ablation_page(tmp_path: Path, *, simulated: bool = False) -> str:
    rows = (
        ablation_row("terrain", 0.0351),
        ablation_row("terrain", -0.0213, change=Change.DROPPED),
        ablation_row("density", 0.01),
        ablation_row("wetness", 0.019),
        ablation_row("passes", None),
        ablation_row("landform", 0.03),
        ablation_row(
            "wetness",
            0.5,
            measure=AblationMeasure.AVERAGE_PRECISION,
            protocol=ProtocolName.NEAR,
        ),
    )
    area = Ablation(
        title="Here",
        simulated=simulated,
        command="it",
        setup=SETUP,
        base=("terrain", "density"),
        rows=rows,
    )
    path = tmp_path / "ablation.json"
    found = Ablations(schema_version=Ablations.version, areas={"here": area})
    path.write_text(found.to_json(), encoding="utf-8")
    return features_page.ablation_text(path)


def test_without_a_measurement_no_family_is_claimed_to_pay(tmp_path: Path) -> None:
    text = features_page.ablation_text(tmp_path / "ablation.json")
    assert text == "Not measured yet: no family is claimed to pay.\n"


def test_what_pays_is_a_table_of_measured_differences(tmp_path: Path) -> None:
    lines = ablation_page(tmp_path).splitlines()
    start = lines.index("ROC-AUC:") + 2
    assert lines[start] == "| family | added, far | dropped, far | added, near | dropped, near |"
    assert lines[start + 2] == (
        "| `terrain` | +0.035 (+0.015 to +0.055) | -0.021 (-0.041 to -0.001) | – | – |"
    )
    assert "| `wetness` | – | – | +0.500 (+0.480 to +0.520) | – |" in lines


def test_the_page_tells_what_does_not_pay_and_that_it_is_off(tmp_path: Path) -> None:
    pay, off, base, named, _ = (
        line for line in ablation_page(tmp_path).splitlines() if line.startswith("- ")
    )
    assert pay.endswith("above 0): `terrain`, `landform`.")
    assert "and are **off by default**: `wetness`, `passes`. " in off
    assert base.endswith(": `density`.")
    assert named.endswith(": `landform`.")


def test_a_simulated_area_is_marked(tmp_path: Path) -> None:
    page = ablation_page(tmp_path, simulated=True)
    assert "**SIMULATED**" in page
    assert "- Do not pay there: `density`, `wetness`, `passes`." in page
    assert "by default" not in page
    assert "SIMULATED" not in ablation_page(tmp_path)
