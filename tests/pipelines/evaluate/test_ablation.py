from pathlib import Path

import numpy as np
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from minerisk.features.errors import InputError
from minerisk.pipelines.evaluate.ablation import BASE, FINDINGS, ablate, lines_of, pairs
from minerisk.pipelines.prepare.init import write_first_config
from minerisk.pipelines.records.evaluations import Ablation, Ablations
from minerisk.pipelines.run.contents import read_cells
from minerisk.pipelines.run.folder import Run

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Tiny with two families, one of them not of the base, and the smallest of models."""
    asked = yaml.safe_load((ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8"))
    asked["data_root"] = str(ROOT / "data" / "tiny")
    asked["features"] = [
        {"kind": "front_line", "layer": "front_line", "cap_m": 20_000},
        {"kind": "front_zones", "layer": "front_line", "edges_m": [0, 2_000, 7_000]},
    ]
    asked["model"]["findings"]["use"] = False
    asked["model"]["lightgbm"]["trees"] = 10
    asked["model"]["members"] = 2
    path = tmp_path_factory.mktemp("ablation") / "tiny.yaml"
    path.write_text(yaml.safe_dump(asked), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def found(config: Path) -> Ablation:
    return ablate(config, config.parent / "run", into=config.parent / "areas.json")


def test_each_family_is_added_to_the_base_and_dropped_from_all() -> None:
    asked = [
        (family, change, sorted(now), sorted(before))
        for family, change, now, before in pairs(["front_line", "terrain", "wetness"])
    ]
    whole = ["front_line", "terrain", "wetness"]
    assert asked == [
        ("front_line", "added", ["front_line", "terrain"], ["terrain"]),
        ("front_line", "dropped", ["terrain", "wetness"], whole),
        ("terrain", "added", ["front_line", "terrain"], ["front_line"]),
        ("terrain", "dropped", ["front_line", "wetness"], whole),
        ("wetness", "added", whole, ["front_line", "terrain"]),
        ("wetness", "dropped", ["front_line", "terrain"], whole),
    ]


def test_nothing_is_added_to_a_base_that_is_not_there() -> None:
    assert [change for _, change, *_ in pairs(["front_line", "wetness"])] == [
        "dropped",
        "added",
        "dropped",
    ]


def test_a_difference_is_that_of_the_two_models_scores(config: Path, found: Ablation) -> None:
    assert found.simulated
    assert found.base == ("front_line",)
    rows = {(r.family, r.change, r.protocol, r.measure): r for r in found.rows}
    assert len(rows) == len(found.rows) == 3 * 2 * 3
    folder = config.parent / "run"
    y = read_cells(Run.open(folder)).state == 1
    aucs = {
        round(roc_auc_score(y, np.load(path)), 8) for path in (folder / "ablation").glob("far-*")
    }
    assert len(aucs) == 3  # the line, the zones, and both
    added = rows["front_zones", "added", "far", "roc_auc"]
    assert any(np.isclose(added.difference, a - b, atol=1e-5) for a in aucs for b in aucs)
    assert added.lower <= added.difference <= added.upper
    dropped = rows["front_zones", "dropped", "far", "roc_auc"]
    assert dropped.difference == -added.difference  # all of it is base and zones


def test_a_second_run_reads_what_is_scored_and_gives_the_same_bytes(
    config: Path, found: Ablation
) -> None:
    folder = config.parent / "run"
    first = (folder / "ablation.json").read_bytes()
    lost, *kept = sorted((folder / "ablation").glob("*.npy"))
    lost.unlink()
    times = [path.stat().st_mtime_ns for path in kept]
    assert ablate(config, folder) == found
    assert [path.stat().st_mtime_ns for path in kept] == times
    assert lost.is_file()
    assert (folder / "ablation.json").read_bytes() == first


def test_study_areas_stand_side_by_side_in_one_file(config: Path, found: Ablation) -> None:
    into = config.parent / "areas.json"
    assert Ablations.read(into).areas == {"tiny": found}
    bosnia = Ablations(schema_version=Ablations.version, areas={"bosnia": found})
    into.write_text(bosnia.to_json(), encoding="utf-8")
    ablate(config, config.parent / "run", into=into)
    assert list(Ablations.read(into).areas) == ["bosnia", "tiny"]


def test_another_file_is_not_written_over(config: Path, tmp_path: Path) -> None:
    other = tmp_path / "metrics.json"
    other.write_text("{}", encoding="utf-8")
    with pytest.raises(InputError, match="schema_version"):
        ablate(config, tmp_path / "run", into=other)
    assert not (tmp_path / "run").exists()


def test_a_person_reads_a_line_for_each_change(found: Ablation) -> None:
    lines = list(lines_of(found))
    assert len(lines) == 2 + 6
    assert lines[2].startswith("front_line dropped, far: ")


def test_the_base_is_what_a_first_configuration_holds(tmp_path: Path) -> None:
    write_first_config(ROOT / "data" / "karabakh", tmp_path / "first.yaml")
    asked = yaml.safe_load((tmp_path / "first.yaml").read_text(encoding="utf-8"))
    kinds = {feature["kind"] for feature in asked["features"]}
    assert len(kinds) > 3
    assert kinds <= {*BASE, "fortifications"} - {FINDINGS}
