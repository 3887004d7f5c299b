"""Every command of docs/reviewers.md, in order, on the tiny study area."""

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from minerisk.pipelines.provenance.files import sha256_path, write_whole
from minerisk.pipelines.provenance.manifest import (
    read_manifest,
    record_maker,
    stage_key,
    write_manifest,
)
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.evaluations import Ablations
from minerisk.pipelines.records.manifest import Manifest

ROOT = Path(__file__).resolve().parents[2]
Said = Callable[[str], tuple[int, str]]
HEAD = "$(minerisk audit head runs/my_area)"


@pytest.fixture
def desk(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page speaks of."""
    for name in ("my_area", "my_area_2", "again"):
        folder = tmp_path / "runs" / name
        shutil.copytree(tiny_run, folder)
        place = os.path.relpath(ROOT / "configs" / "tiny.yaml", folder)
        moved = read_manifest(RunFolder(folder)).model_copy(update={"config_file": place})
        write_manifest(RunFolder(folder), moved)
    record_maker(RunFolder(tmp_path / "runs" / "my_area"), "staff 12")
    tasks = gpd.read_file(tmp_path / "runs" / "my_area" / "tasks.gpkg", layer="tasks")
    tasks = tasks[tasks["arm"] == "ranked"].head(2)
    events = gpd.GeoDataFrame(
        {"type": ["foot", "vehicle"]}, geometry=tasks.representative_point(), crs=tasks.crs
    )
    events.to_file(tmp_path / "accidents.gpkg")
    known = Ablations.read(ROOT / "docs" / "features" / "ablation.json").areas["karabakh_wide"]
    write_whole(
        tmp_path / "ablation.json",
        Ablations(schema_version=Ablations.version, areas={"tiny": known}).to_json(),
    )
    key = Ed25519PrivateKey.generate()
    form = (Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "reviewer7.pem").write_bytes(key.private_bytes(*form))
    monkeypatch.chdir(tmp_path)
    return tmp_path


def pass_all_gates(folder: Path) -> None:
    """The tiny run need not pass its gates; from here on the page needs one that does."""
    path = folder / "metrics.json"
    metrics = json.loads(path.read_text(encoding="utf-8"))
    for gate in metrics["gates"]:
        gate["passed"] = True
    path.write_text(json.dumps(metrics), encoding="utf-8")
    manifest = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    for stage in manifest["stages"]:
        for side in ("inputs", "outputs"):
            if "metrics.json" in stage[side]:
                stage[side]["metrics.json"] = sha256_path(path)
        code = manifest["environments"][stage["environment"]]["code_sha256"]
        stage["key"] = stage_key(stage["name"], code, stage["settings"], stage["inputs"])
    write_manifest(RunFolder(folder), Manifest.model_validate_json(json.dumps(manifest)))


def trust(desk: Path, said: Said) -> None:
    """Put on the list of trusted keys what the review says its key is."""
    entries = json.loads(said("minerisk review show runs/my_area --json")[1])["entries"]
    (desk / "trusted.txt").write_text(f"{entries[-1]['key']} reviewer 7\n", encoding="utf-8")


def test_every_command_of_the_page_does_what_the_page_says(
    desk: Path, commands: Callable[[str], list[str]], said: Said
) -> None:
    lines = commands("reviewers.md")
    assert len(lines) > 10
    seen = []
    for line in lines:
        if " review add " in line and "passed" not in seen:
            pass_all_gates(desk / "runs" / "my_area")
            seen.append("passed")
        if "--trust" in line:
            trust(desk, said)
        if HEAD in line:
            line = line.replace(HEAD, said(HEAD[2:-1])[1].strip())
        code, words = said(line)
        assert code == (1 if "exit code 1" in line else 0), f"{line}\n{words}"
        seen.append(line)
    assert "State: withdrawn." in said("minerisk review show runs/my_area")[1]
    assert (desk / "runs" / "difference" / "rank_shift.png").is_file()
    assert (desk / "runs" / "lookback" / "lookback.csv").is_file()
    assert (desk / "runs" / "dossier_2" / "index.html").is_file()
    assert (desk / "office.db").is_file()


def test_a_rewritten_run_does_not_fit_the_head_that_was_written_down(
    desk: Path, said: Said
) -> None:
    pin = said("minerisk audit head runs/my_area")[1].strip()
    assert re.fullmatch("[0-9a-f]{64}", pin)
    pass_all_gates(desk / "runs" / "my_area")
    assert said("minerisk audit verify runs/my_area")[0] == 0
    code, words = said(f"minerisk audit verify runs/my_area --pin {pin}")
    assert code == 1
    assert "the run was rewritten" in words


def test_what_the_page_says_of_other_programs_holds(desk: Path, said: Said) -> None:
    page = (ROOT / "docs" / "reviewers.md").read_text(encoding="utf-8")
    for line in (
        "cd runs/my_area/model && sha256sum -c ../trail/model.sha256",
        "openssl genpkey -algorithm ed25519 -out reviewer7.pem",
    ):
        assert f"`{line}`" in page
        if shutil.which(line.replace("cd runs/my_area/model && ", "").split()[0]):
            subprocess.run(line, shell=True, check=True, capture_output=True)
    words = "--decision reject --by 'reviewer 7' --note 'looked at' --key reviewer7.pem"
    assert said(f"minerisk review add runs/my_area {words}")[0] == 0
    code, told = said("minerisk review follow runs/my_area")
    assert (code, "State: rejected." in told) == (0, True)
