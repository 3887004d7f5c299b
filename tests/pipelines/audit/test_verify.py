import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.steps import run_steps

TINY = Path(__file__).resolve().parents[3] / "configs" / "tiny.yaml"


def problems(folder: Path, **given: Any) -> tuple[str, ...]:
    return tuple(map(ENGLISH.say, audit_run(RunFolder(folder), **given).problems))


def test_an_untouched_run_passes(tiny_run: Path) -> None:
    found = audit_run(RunFolder(tiny_run))
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
    found = problems(tiny_copy)
    assert any(problem.startswith(name) for problem in found)


def test_a_missing_and_an_added_file_are_named(tiny_copy: Path) -> None:
    (tiny_copy / "rasters" / "risk_class.tif").unlink()
    (tiny_copy / "rasters" / "other.tif").write_bytes(b"II*\0")
    found = " ".join(problems(tiny_copy))
    assert "risk_class.tif is missing since stage predict wrote it" in found
    assert "rasters/other.tif was made by no stage" in found


def test_a_translated_report_is_noted_as_no_part_of_the_trail(tiny_copy: Path) -> None:
    (tiny_copy / "report_az.html").write_text("<html></html>", encoding="utf-8")
    found = audit_run(RunFolder(tiny_copy))
    assert not found.problems
    assert any("report_az.html is a translation" in note for note in map(ENGLISH.say, found.notes))


def test_a_rewritten_output_with_a_rewritten_hash_breaks_the_chain(tiny_copy: Path) -> None:
    from minerisk.pipelines.provenance.files import sha256_path

    metrics = tiny_copy / "metrics.json"
    metrics.write_text(metrics.read_text(encoding="utf-8").replace("0.", "0.9", 1), "utf-8")
    manifest = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    for stage in manifest["stages"]:
        if stage["name"] == "train":
            stage["outputs"]["metrics.json"] = sha256_path(metrics)
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert any("metrics.json, used by stage" in line for line in problems(tiny_copy))


def test_a_changed_layer_is_named(tiny_copy: Path) -> None:
    manifest = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    for stage in manifest["stages"]:
        for name in stage["inputs"]:
            if name == "layer:elevation":
                stage["inputs"][name] = "0" * 64
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    assert any("layer elevation was changed since stage" in line for line in problems(tiny_copy))


def test_a_stage_done_again_does_not_break_the_chain(tiny_copy: Path) -> None:
    """What was lost and made again, the same, is no finding: the trail keeps its order."""
    before = [stage.name for stage in read_manifest(RunFolder(tiny_copy)).stages]
    (tiny_copy / "tasks.csv").unlink()
    (tiny_copy / "simulated" / "findings.gpkg").unlink()
    run_steps(TINY, tiny_copy)
    assert [stage.name for stage in read_manifest(RunFolder(tiny_copy)).stages] == before
    assert problems(tiny_copy) == ()


def test_a_moved_run_leads_to_its_layers_again_once_gone_on_with(
    tiny_copy: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "далеко" / "a run"
    moved.parent.mkdir()
    tiny_copy.rename(moved)
    found = audit_run(RunFolder(moved))
    assert found.problems == ()
    assert sum("are not at hand here" in ENGLISH.say(note) for note in found.notes) == 1
    said: list[str] = []
    run_steps(TINY, moved, said=said.append)
    assert all("nothing to do" in line for line in said)
    assert problems(moved) == ()


def test_a_folder_that_is_linked_in_is_named(tiny_copy: Path, tmp_path: Path) -> None:
    (tmp_path / "other").mkdir()
    (tiny_copy / "extra").symlink_to(tmp_path / "other")
    assert any(line.startswith("extra is a link") for line in problems(tiny_copy))


def test_what_a_stopped_stage_left_is_one_line(tiny_copy: Path) -> None:
    for name in ("zarr.json", "elevation_m/zarr.json"):
        path = tiny_copy / ".cube.zarr.partial" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}", encoding="utf-8")
    found = problems(tiny_copy)
    assert [line.split(" is half-made")[0] for line in found] == [".cube.zarr.partial"]


def test_a_flipped_simulated_flag_is_named(tiny_copy: Path) -> None:
    path = tiny_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["simulated"] = False
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert any("SIMULATED" in line for line in problems(tiny_copy))


def test_in_a_folder_what_is_missing_and_added_is_named(tiny_copy: Path) -> None:
    gone = next((tiny_copy / "cube.zarr" / "slope_deg").rglob("zarr.json"))
    gone.unlink()
    (tiny_copy / "model" / "extra.txt").write_text("x")
    (tiny_copy / "labels.zarr" / "link").symlink_to(tiny_copy)
    found = problems(tiny_copy)
    assert f"{gone.relative_to(tiny_copy).as_posix()} is missing" in found
    assert "model/extra.txt was added" in found
    assert any("labels.zarr/link" in line and "a link" in line for line in found)


def test_an_entry_of_the_trail_changed_by_hand_is_named(tiny_copy: Path) -> None:
    path = tiny_copy / "manifest.json"
    for old, new in (('"seconds": ', '"seconds": 1'), ('"cells": ', '"cells": 1')):
        content = path.read_text(encoding="utf-8")
        path.write_text(content.replace(old, new, 1), encoding="utf-8")
        assert any("does not follow" in line for line in problems(tiny_copy))
        path.write_text(content, encoding="utf-8")
    assert problems(tiny_copy) == ()


def test_a_library_version_changed_in_the_record_is_named(tiny_copy: Path) -> None:
    path = tiny_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    for used in manifest["environments"].values():
        used["packages"]["numpy"] = "1.0"
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert any("was done with is not on record" in line for line in problems(tiny_copy))


def test_a_dropped_stage_is_named(tiny_copy: Path) -> None:
    path = tiny_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["stages"].pop()
    path.write_text(json.dumps(manifest), encoding="utf-8")
    found = audit_run(RunFolder(tiny_copy))
    lines = [ENGLISH.say(problem) for problem in found.problems]
    assert "report.html was made by no stage of this run" in lines
    assert any("its head is not" in line for line in lines)
    assert any("not finished: report" in note for note in map(ENGLISH.say, found.notes))


def test_gates_come_with_what_was_agreed(tiny_copy: Path) -> None:
    agreed = {gate.name: gate.threshold for gate in audit_run(RunFolder(tiny_copy)).gates}
    assert agreed["positive_cells"] == 20  # gates.min_positive_cells of tiny.yaml
    assert agreed["leakage"] == 0.2
    path = tiny_copy / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    metrics["gates"][0]["threshold"] = 5
    path.write_text(json.dumps(metrics), encoding="utf-8")
    found = problems(tiny_copy)
    assert any("positive_cells was compared with 5; agreed was 20" in line for line in found)


@pytest.mark.parametrize("text", ["{}", "[]", '{"gates": [1]}', '{"gates": {"a": 1}}', "\xff"])
def test_metrics_that_tell_no_gates_are_named(tiny_copy: Path, text: str) -> None:
    (tiny_copy / "metrics.json").write_text(text, encoding="latin-1")
    assert any("gates" in line for line in problems(tiny_copy))


def test_a_model_text_that_does_not_hold_together_is_named_by_its_structure(
    tiny_copy: Path,
) -> None:
    path = tiny_copy / "model" / "member_00.lgb"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("left_child=", "left_child=99 ", 1), encoding="utf-8")
    found = problems(tiny_copy)
    assert any(line.startswith("model/member_00.lgb cannot be used") for line in found)


def test_without_layers_the_trail_is_checked_down_to_their_hashes(
    tiny_copy: Path, tmp_path: Path
) -> None:
    moved = tmp_path / "deep" / "down" / "run"
    moved.parent.mkdir(parents=True)
    tiny_copy.rename(moved)
    found = audit_run(RunFolder(moved), layers=False)
    assert found.problems == ()
    assert any("down to their hashes" in note for note in map(ENGLISH.say, found.notes))


@pytest.mark.parametrize("name", ["/etc/hosts", "../outside", "a\x00b"])
def test_a_manifest_that_points_elsewhere_opens_nothing_there(tiny_copy: Path, name: str) -> None:
    path = tiny_copy / "manifest.json"
    manifest = json.loads(path.read_text(encoding="utf-8"))
    manifest["stages"][0]["outputs"][name] = "0" * 64
    path.write_text(json.dumps(manifest), encoding="utf-8")
    assert any("outside the run folder" in line for line in problems(tiny_copy))


COUNT_OPENED = """
import json, os, sys
from collections import Counter
from pathlib import Path
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.provenance.run_folder import RunFolder

folder, opened = os.path.realpath(sys.argv[1]), Counter()

def count(event, args):
    if event == "open" and isinstance(args[0], (str, os.PathLike)):
        path = os.path.realpath(os.fspath(args[0]))
        if path.startswith(folder + os.sep):
            opened[os.path.relpath(path, folder)] += 1

sys.addaudithook(count)
problems = audit_run(RunFolder(Path(folder))).problems
print(json.dumps({"opened": opened, "problems": len(problems)}))
"""


def test_an_audit_opens_no_file_of_the_run_twice(tiny_run: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", COUNT_OPENED, str(tiny_run)],
        cwd=TINY.parents[1], capture_output=True, text=True, check=True,
    )  # fmt: skip
    found = json.loads(done.stdout)
    assert found["problems"] == 0
    assert {path: count for path, count in found["opened"].items() if count > 1} == {}
    names = {"manifest.json", "config.yaml", "metrics.json", "model/model.json"}
    assert names <= set(found["opened"])


@pytest.mark.parametrize(
    "name", ["labels.zarr/state/c/0/0", "labels.zarr/zarr.json", "rows.parquet"]
)
def test_a_label_that_was_changed_is_named_and_by_its_file(tiny_copy: Path, name: str) -> None:
    path = tiny_copy / name
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    found = map(ENGLISH.say, audit_run(RunFolder(tiny_copy), layers=False).problems)
    assert any(name in line for line in found)
