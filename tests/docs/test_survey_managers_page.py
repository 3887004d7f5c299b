"""Every command of docs/survey-managers.md, in order, on the tiny study area."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path

import geopandas as gpd
import pytest
import yaml
from shapely.geometry import box

from minerisk.configs.load import load_config
from minerisk.configs.schema import Tasks
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.language.task_words import CRITERIA
from minerisk.pipelines.prioritize.land import criterion_sources
from minerisk.pipelines.provenance.files import listing, sha256_path
from minerisk.pipelines.provenance.manifest import read_manifest, stage_key, write_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "survey-managers.md").read_text(encoding="utf-8")


def add_layers(folder: Path, place: Path) -> None:
    """Give the run districts, schools and roads, which the tiny study area has not."""
    _, geobox = read_raster(folder / "rasters" / "probability.tif")
    data = place / "data"
    shutil.copytree(ROOT / "data" / "tiny", data)
    tasks = gpd.read_file(folder / "tasks.gpkg", layer="tasks")
    ranked = tasks[tasks["arm"] == "ranked"]
    inner = ranked.representative_point()
    schools = gpd.GeoDataFrame(geometry=inner, crs=tasks.crs)
    schools.to_file(data / "schools.gpkg")
    schools.set_geometry(inner.buffer(500).boundary).to_file(data / "roads.gpkg")
    left, bottom, right, top = geobox.boundingbox
    middle = (left + right) / 2
    halves = [box(left, bottom, middle, top), box(middle, bottom, right, top)]
    names = gpd.GeoDataFrame({"name": ["Agdam", "Fuzuli"]}, geometry=halves, crs=tasks.crs)
    names.to_file(data / "districts.gpkg")
    config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    config["data_root"] = "data"
    for name in ("schools", "roads", "districts"):
        config["layers"][name] = {"kind": "vector", "path": f"{name}.gpkg", "source": "made up"}
    config["study_area"]["districts"] = {"layer": "districts", "name_column": "name"}
    before = sha256_path(folder / "config.yaml")
    (folder / "config.yaml").write_text(yaml.safe_dump(config), encoding="utf-8")
    record_again(folder, {before: sha256_path(folder / "config.yaml")})


def record_again(folder: Path, hashes: dict[str, str]) -> None:
    """Record other hashes in the trail, as if the run had been made with what is there now."""
    manifest, changed = read_manifest(RunFolder(folder)), []
    for stage in manifest.stages:
        inputs, outputs = (
            {name: hashes.get(known, known) for name, known in files.items()}
            for files in (stage.inputs, stage.outputs)
        )
        code = manifest.environments[stage.environment].code_sha256
        key = stage_key(stage.name, code, stage.settings, inputs)
        changed.append(stage.model_copy(update={"inputs": inputs, "outputs": outputs, "key": key}))
    write_manifest(RunFolder(folder), manifest.model_copy(update={"stages": tuple(changed)}))


def add_class(folder: Path) -> None:
    """Give the run a model and maps of anti-tank mines: those of any hazard."""
    rasters, manifest = folder / "rasters", read_manifest(RunFolder(folder))
    home = folder / "hazards" / "at"
    shutil.copytree(folder / "model", home / "model")
    for name in ("metrics.json", "held_out.parquet"):
        shutil.copy(folder / name, home / name)
    shutil.copytree(rasters, rasters / "at")
    stages = {stage.name: dict(stage.outputs) for stage in manifest.stages}
    stages["train"]["hazards"] = sha256_path(folder / "hazards")
    RunFolder(folder).listing("hazards").write_bytes(listing(folder / "hazards"))
    for made in (rasters / "at").iterdir():
        stages["predict"][f"rasters/at/{made.name}"] = sha256_path(made)
    changed = [
        stage.model_copy(update={"outputs": stages[stage.name]}) for stage in manifest.stages
    ]
    write_manifest(RunFolder(folder), manifest.model_copy(update={"stages": tuple(changed)}))


@pytest.fixture
def desk(tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with what the page speaks of."""
    folder = tmp_path / "runs" / "my_area"
    shutil.copytree(tiny_run, folder)
    config_file = {"config_file": "../../study_area.yaml"}
    moved = read_manifest(RunFolder(folder)).model_copy(update=config_file)
    write_manifest(RunFolder(folder), moved)
    add_class(folder)
    add_layers(folder, tmp_path)
    left, bottom, right, top = read_raster(folder / "rasters" / "probability.tif")[1].boundingbox
    area = box(left + 8_000, bottom + 8_000, right - 8_000, top - 8_000)
    gpd.GeoDataFrame(geometry=[area], crs="EPSG:32638").to_file(tmp_path / "agdam.gpkg")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_every_command_of_the_page_does_what_the_page_says(
    desk: Path,
    commands: Callable[[str], list[str]],
    said: Callable[[str], tuple[int, str]],
) -> None:
    lines = commands("survey-managers.md")
    assert len(lines) >= 9
    for line in lines:
        code, words = said(line)
        assert code == 0, f"{line}\n{words}"
    asked = desk / "requests"
    for name in ("agdam", "agdam_public", "all", "schools", "agdam_district"):
        assert (asked / name / "map.qgs").is_file()
        assert (asked / name / "at" / "risk_class.tif").is_file()
        assert "report.html" in json.loads((asked / name / "manifest.json").read_text())["files"]
    assert not (asked / "anti_tank" / "at").exists()
    assert (asked / "agdam_maps" / "at" / "risk_class.tif").is_file()
    district = gpd.read_file(asked / "agdam_district" / "tasks.gpkg", layer="tasks")
    whole = gpd.read_file(desk / "data" / "districts.gpkg")
    agdam = whole[whole["name"] == "Agdam"].union_all()
    assert len(district)
    assert district.within(agdam.buffer(251)).all()


def test_the_weights_of_the_page_are_those_of_the_preset() -> None:
    told = re.findall(r"^\| ([^|]+) \| `(\w+)` \| (1|none) \|", PAGE, re.MULTILINE)
    assert {name: words for words, name, _ in told} == CRITERIA
    karabakh = load_config(ROOT / "configs" / "karabakh.yaml")
    anama = karabakh.tasks.model_copy(update={"preset": "anama"})
    taken = {name: source.weight for name, source in criterion_sources(karabakh, anama).items()}
    assert taken == {name: float(weight) for _, name, weight in told if weight != "none"}
    assert anama.hazard_weight == 1
    assert criterion_sources(karabakh, karabakh.tasks) == {}  # find the most: the same everywhere


def test_criteria_as_the_page_writes_them_take_the_place_of_the_presets() -> None:
    block = re.search(r"```yaml\n(tasks:.*?)```", PAGE, re.DOTALL)
    assert block is not None
    tasks = Tasks.model_validate(yaml.safe_load(block[1])["tasks"])
    found = criterion_sources(load_config(ROOT / "configs" / "karabakh.yaml"), tasks)
    assert found["socio_economic"][:3] == (["schools"], 2.0, 3_000.0)
    assert found["resettlement"][:3] == (["return_villages"], 3.0, 5_000.0)
    assert list(found) == [name for name in CRITERIA if name != "other"]
