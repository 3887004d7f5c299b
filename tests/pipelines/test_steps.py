import json
import re
import shutil
from dataclasses import replace
from pathlib import Path

import geopandas as gpd
import numpy as np
import pytest
import yaml
from shapely.geometry import box

from minerisk.features.errors import CoverError, InputError
from minerisk.models.evaluation.results import GateName
from minerisk.pipelines import steps as run_module
from minerisk.pipelines.audit.verify import audit_run
from minerisk.pipelines.formats.cog import read_raster, read_raster_like
from minerisk.pipelines.provenance.manifest import locked, read_manifest
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.records.metrics import Metrics
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.steps import redo_step, run_steps

TINY = Path(__file__).resolve().parents[2] / "configs" / "tiny.yaml"


def area(folder: Path, shape: object, crs: str) -> Path:
    path = folder / "area.gpkg"
    gpd.GeoDataFrame(geometry=[shape], crs=crs).to_file(path, driver="GPKG")
    return path


def test_a_second_run_has_nothing_to_do(tiny_run: Path) -> None:
    before = (tiny_run / "manifest.json").read_bytes()
    said: list[str] = []
    run_steps(TINY, tiny_run, said=said.append)
    assert len(said) == 9
    assert all("nothing to do" in line for line in said)
    assert (tiny_run / "manifest.json").read_bytes() == before


def test_a_run_goes_on_where_it_was_stopped(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tiny_copy / "tasks.csv").unlink()
    said: list[str] = []
    run_steps(TINY, tiny_copy, said=said.append)
    done = [line.split(":")[0] for line in said if ": done in " in line]
    assert done == ["Survey tasks"]


@pytest.mark.parametrize("stage", ["build", "train", "predict", "prioritize", "report"])
def test_an_interrupt_leaves_what_was_finished(
    tiny_copy: Path, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    step = run_module.STEPS[stage]
    broken = replace(step, work=stop)
    manifest = json.loads((tiny_copy / "manifest.json").read_text(encoding="utf-8"))
    for known in manifest["stages"]:
        if known["name"] == stage:
            known["key"] = "changed"
    (tiny_copy / "manifest.json").write_text(json.dumps(manifest), encoding="utf-8")
    with monkeypatch.context() as patch:
        patch.setitem(run_module.STEPS, stage, broken)
        with pytest.raises(KeyboardInterrupt):
            run_steps(TINY, tiny_copy)
    said: list[str] = []
    run_steps(TINY, tiny_copy, said=said.append)
    (line,) = [line for line in said if line.startswith(step.title)]
    assert re.fullmatch(rf"{step.title}: done in \d+ (s|min)", line)
    assert not list(tiny_copy.rglob("*.partial*"))


def test_a_part_reads_as_in_the_whole(tiny_run: Path, tmp_path: Path) -> None:
    whole, geobox = read_raster(tiny_run / "rasters" / "probability.tif")
    left, bottom, right, top = geobox.boundingbox
    inner = box(left + 6_100, bottom + 7_300, right - 9_800, top - 11_900)
    path = area(tmp_path, inner, str(geobox.crs))
    write_maps(open_request(tiny_run, Filters(aoi=path)), tmp_path / "part")
    for name in ("probability", "probability_lower", "dissimilarity", "risk_class"):
        part, window = read_raster(tmp_path / "part" / f"{name}.tif")
        same = read_raster_like(tiny_run / "rasters" / f"{name}.tif", window)
        asked = np.isfinite(part) if part.dtype == np.float32 else part != 255
        assert asked.any()
        np.testing.assert_array_equal(part[asked], same[asked])


def test_an_area_outside_is_refused_with_what_would_do(tiny_run: Path, tmp_path: Path) -> None:
    far_away = area(tmp_path, box(10.0, 50.0, 10.1, 50.1), "EPSG:4326")
    with pytest.raises(CoverError, match="leaves the study area"):
        write_maps(open_request(tiny_run, Filters(aoi=far_away)), tmp_path / "part")
    assert not (tmp_path / "part").exists()


def test_a_stage_can_be_done_again_by_itself(tiny_copy: Path) -> None:
    (tiny_copy / "report.html").unlink()
    redo_step(tiny_copy, "report")
    assert (tiny_copy / "report.html").is_file()


def test_two_processes_do_not_write_one_folder(tiny_copy: Path) -> None:
    with locked(tiny_copy), pytest.raises(InputError, match="Another minerisk process"):
        run_steps(TINY, tiny_copy)


def test_a_folder_with_other_things_is_not_written_to(tmp_path: Path) -> None:
    (tmp_path / "thesis.doc").write_text("x")
    with pytest.raises(InputError, match="is not empty"):
        run_steps(TINY, tmp_path)
    assert (tmp_path / "thesis.doc").read_text() == "x"


def test_a_run_on_findings_that_another_simulated_says_simulated(
    tiny_run: Path, tmp_path: Path
) -> None:
    shutil.copytree(TINY.parents[1] / "data" / "tiny", tmp_path / "layers")
    shutil.copy(tiny_run / "simulated" / "findings.gpkg", tmp_path / "layers")
    content = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    del content["simulation"]
    content["data_root"] = "layers"
    for layer in content["layers"].values():
        layer["path"] = layer["path"].removeprefix("@simulated/")
    config = tmp_path / "again.yaml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    run_steps(config, tmp_path / "run", last="build")
    stages = read_manifest(RunFolder(tmp_path / "run"))
    assert stages.simulated is True
    assert "simulate" not in [stage.name for stage in stages.stages]
    assert not audit_run(RunFolder(tmp_path / "run")).problems


def test_a_run_on_drawn_cells_counts_all_and_says_how_many_were_drawn(
    tiny_copy: Path, tmp_path: Path
) -> None:
    known = Metrics.read(tiny_copy / "metrics.json").cells
    assert known.drawn is None
    content = yaml.safe_load(TINY.read_text(encoding="utf-8"))
    content["data_root"] = str(TINY.parents[1] / "data" / "tiny")
    drawn = (known.positive + known.negative) * 3 // 4
    content["model"] = content.get("model", {}) | {"most_cells": drawn}
    config = tmp_path / "drawn.yaml"
    config.write_text(yaml.safe_dump(content), encoding="utf-8")
    run_steps(config, tiny_copy, last="prioritize")
    redo_step(tiny_copy, "report")
    metrics = Metrics.read(tiny_copy / "metrics.json")
    cells = metrics.cells
    assert cells.model_copy(update={"drawn": None, "drawn_positive": None}) == known
    assert cells.drawn == drawn
    assert 0 < cells.drawn_positive < known.positive
    gate = next(row for row in metrics.gates if row.name is GateName.POSITIVE_CELLS)
    assert gate.value == cells.drawn_positive
    report = (tiny_copy / "report.html").read_text(encoding="utf-8")
    assert f'drawn at random to train and test the model</td><td class="n">{drawn:,}' in report
