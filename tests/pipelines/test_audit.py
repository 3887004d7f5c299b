import json
from pathlib import Path

import pytest

from pipelines.audit import audit_run
from pipelines.manifest import read_manifest
from pipelines.run import run_steps

TINY = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"


def test_an_untouched_run_passes(tiny_run: Path) -> None:
    found = audit_run(tiny_run)
    assert found.problems == ()
    assert found.checked > 40


@pytest.mark.parametrize(
    "name",
    [
        "config.yaml",
        "simulated/findings.gpkg",
        "cube.zarr/slope_deg/zarr.json",
        "model/member_00.lgb",
        "metrics.json",
        "rasters/probability.tif",
        "tasks.gpkg",
        "report.html",
    ],
)
def test_one_changed_byte_is_named(tiny_copy: Path, name: str) -> None:
    path = tiny_copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(bytes(content))
    problems = audit_run(tiny_copy).problems
    assert any(name.split("/")[0] in problem for problem in problems)


def test_a_missing_and_an_added_file_are_named(tiny_copy: Path) -> None:
    (tiny_copy / "rasters" / "risk_class.tif").unlink()
    (tiny_copy / "rasters" / "other.tif").write_bytes(b"II*\0")
    problems = " ".join(audit_run(tiny_copy).problems)
    assert "risk_class.tif (stage predict) is missing" in problems
    assert "rasters/other.tif was made by no stage" in problems


def test_a_rewritten_output_with_a_rewritten_hash_breaks_the_chain(tiny_copy: Path) -> None:
    from pipelines.manifest import sha256_path

    metrics = tiny_copy / "metrics.json"
    metrics.write_text(metrics.read_text(encoding="utf-8").replace("0.", "0.9", 1), "utf-8")
    manifest = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    for stage in manifest["stages"]:
        if stage["name"] == "train":
            stage["outputs"]["metrics.json"] = sha256_path(metrics)
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert any("metrics.json, used by stage" in line for line in audit_run(tiny_copy).problems)


def test_a_changed_layer_is_named(tiny_copy: Path) -> None:
    manifest = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    for stage in manifest["stages"]:
        for name in stage["inputs"]:
            if name == "layer:elevation":
                stage["inputs"][name] = "0" * 64
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert any("layer:elevation has changed" in line for line in audit_run(tiny_copy).problems)


def test_a_stage_done_again_does_not_break_the_chain(tiny_copy: Path) -> None:
    """What was lost and made again, the same, is no finding: the trail keeps its order."""
    before = [stage["name"] for stage in read_manifest(tiny_copy)["stages"]]
    (tiny_copy / "tasks.csv").unlink()
    (tiny_copy / "simulated" / "findings.gpkg").unlink()
    run_steps(TINY, tiny_copy)
    assert [stage["name"] for stage in read_manifest(tiny_copy)["stages"]] == before
    assert audit_run(tiny_copy).problems == ()


def test_a_moved_run_leads_to_its_layers_again_once_gone_on_with(
    tiny_copy: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "далеко" / "a run"
    moved.parent.mkdir()
    tiny_copy.rename(moved)
    assert any("cannot be checked" in line for line in audit_run(moved).problems)
    said: list[str] = []
    run_steps(TINY, moved, said=said.append)
    assert all("nothing to do" in line for line in said)
    assert audit_run(moved).problems == ()


def test_a_folder_that_is_linked_in_is_named(tiny_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tiny_copy / "extra").symlink_to(tmp_path / "other")
    assert any("extra was made by no stage" in line for line in audit_run(tiny_copy).problems)


def test_a_flipped_simulated_flag_is_named(tiny_copy: Path) -> None:
    path = tiny_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["simulated"] = False
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert any("SIMULATED" in line for line in audit_run(tiny_copy).problems)
