"""A model of one made world on another: same bytes twice, ranks, marks, and refusals."""

import json
import os
import tracemalloc
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest
import rasterio
import xarray as xr
import yaml
from typer.testing import CliRunner

from minerisk.features.cube.store import cube_geobox
from minerisk.models.elsewhere import TransferredModel
from minerisk.pipelines.cli.main import app
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.records.review import State
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.readers import open_labels
from minerisk.pipelines.transfer import files, land
from minerisk.pipelines.transfer.files import Sheet, write_rasters
from minerisk.pipelines.transfer.land import scored_land
from minerisk.pipelines.transfer.record import Had, Transfer

ROOT = Path(__file__).resolve().parents[3]
NAMES = {"front_line": "contact", "elevation": "heights", "area_held": "side"}


def other_world(path: Path, *, cell_m: int = 500, front: bool = True) -> Path:
    """The land of configs/tiny.yaml with other mines, layers of other names, other parameters."""
    area = yaml.safe_load((ROOT / "configs" / "tiny.yaml").read_text(encoding="utf-8"))
    area["study_area"].update(name="other", title="Other (SIMULATED)", resolution_m=cell_m)
    area["data_root"] = os.path.relpath(ROOT / "data" / "tiny", path.parent)
    area["layers"] = {NAMES.get(name, name): layer for name, layer in area["layers"].items()}
    for settings in (*area["features"], area["simulation"]):
        for setting in ("layer", "front_line", "elevation", "held_area"):
            if setting in settings:
                settings[setting] = NAMES.get(settings[setting], settings[setting])
    line, terrain, *_ = area["features"]
    line["cap_m"], terrain["radii_m"] = 15_000, [2_000]
    area["features"] = area["features"][0 if front else 1 :]
    area["simulation"]["seed"] = 12
    path.write_text(yaml.safe_dump(area, sort_keys=False), encoding="utf-8")
    return path


def command(*words: str | Path) -> tuple[int, str]:
    done = CliRunner().invoke(app, ["transfer", *map(str, words)])
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        return getattr(done.exception, "exit_code", 99), str(done.exception)
    return done.exit_code, done.output


@pytest.fixture(scope="module")
def applied(tiny_run: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path, str]:
    folder = tmp_path_factory.mktemp("transfer")
    other = other_world(folder / "other.yaml")
    code, said = command(tiny_run, other, "--out", folder / "out")
    assert code == 0, said
    return folder / "out", other, said


def test_it_says_what_it_is_and_what_it_is_worth(applied: tuple[Path, Path, str]) -> None:
    out, _, said = applied
    assert "DRAFT: nobody has approved this run" in said
    assert "SIMULATED findings: evidence of nothing real" in said
    assert "Held against SIMULATED finds there" in said
    assert (out / "transfer.txt").read_text().strip() in said
    with rasterio.open(out / "rank.tif") as raster:
        assert raster.tags()["FINDINGS"] == "SIMULATED"
        assert "DRAFT" in raster.tags()["STATE"]
    table = pd.read_csv(out / "shift.csv")
    assert set(table["run_state"]) == {"DRAFT"}
    assert set(table["simulated"]) == {1}


def test_features_are_those_of_the_run_whatever_the_other_asks_for(
    applied: tuple[Path, Path, str], tiny_run: Path
) -> None:
    found = Transfer.read(applied[0] / "transfer.json")
    had = {column.name: column.had for column in found.columns}
    assert had["tpi_1500m"] is Had.BUILT
    assert {had[name] for name in had if name.startswith("findings")} == {Had.FINDINGS}
    # Same land: distances and heights are the same; only the sample of training land differs.
    shift = next(each.shift for each in found.columns if each.name == "elevation_m")
    assert shift is not None
    assert shift.distance is not None
    assert shift.distance < 0.35


def test_ranks_are_of_the_land_it_can_speak_for(applied: tuple[Path, Path, str]) -> None:
    out, _, _ = applied
    with (
        rasterio.open(out / "rank.tif") as one,
        rasterio.open(out / "area_of_applicability.tif") as two,
    ):
        rank, area = one.read(1), two.read(1)
    np.testing.assert_array_equal(np.isfinite(rank), area == 1)
    assert np.nanmean(rank) == pytest.approx(50.0, abs=0.01)
    found = Transfer.read(out / "transfer.json")
    assert found.spoken == pytest.approx((area == 1).sum() / (area != 255).sum())
    assert (out / "probability.tif").exists() == (found.finds.ranks_only is None)


def test_a_reviewer_finds_every_hash(applied: tuple[Path, Path, str], tiny_run: Path) -> None:
    out, other, _ = applied
    found = Transfer.read(out / "transfer.json")
    assert found.config_sha256 == sha256_path(other)
    manifest = json.loads((tiny_run / "manifest.json").read_text())
    assert found.run_head == manifest["head"]
    assert found.model_sha256 == sha256_path(tiny_run / "model")
    for name, digest in found.outputs.items():
        assert sha256_path(out / name) == digest
    aside = {"config.yaml", "run", "transfer.json", "transfer.txt", ".lock"}
    assert {path.name for path in out.iterdir()} - aside == set(found.outputs)


def test_the_same_transfer_gives_the_same_bytes(
    applied: tuple[Path, Path, str], tiny_run: Path, tmp_path: Path
) -> None:
    out, other, _ = applied
    code, _ = command(tiny_run, other, "--out", tmp_path / "again", "--workers", "2")
    assert code == 0
    for name in (*Transfer.read(out / "transfer.json").outputs, "transfer.json", "transfer.txt"):
        assert (tmp_path / "again" / name).read_bytes() == (out / name).read_bytes(), name


def test_the_width_that_is_scored_at_a_time_changes_no_byte(
    applied: tuple[Path, Path, str], tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out, other, _ = applied
    names = Transfer.read(out / "transfer.json").outputs
    before = {name: (out / name).read_bytes() for name in names}
    monkeypatch.setattr(land, "TILE", 16)
    assert command(tiny_run, other, "--out", out)[0] == 0
    assert {name: (out / name).read_bytes() for name in names} == before
    assert not (out / "scores.zarr").exists()


def test_what_is_held_does_not_grow_with_the_land(
    applied: tuple[Path, Path, str],
    tiny_run: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Of land of 30 times as many rows, no array of all cells is made."""
    monkeypatch.setattr("minerisk.features.grid.STRIP", 32)
    # A picture has its own most cells, and a size that goes by the shape of the land.
    monkeypatch.setattr(files, "preview_png", lambda path, *_, **words: path)
    made = Run.open(applied[0] / "run")
    model = TransferredModel.of(Run.open(tiny_run).model(), (), seed=0)

    def taller(times: int) -> xr.Dataset:
        path = tmp_path / f"{times}.zarr"
        cube = xr.concat([made.cube().drop_vars("y")] * times, "y", combine_attrs="override")
        for name in cube.variables:
            cube[name].encoding = {}
        chunks = {name: {"chunks": (32, cube.sizes["x"])} for name in cube.data_vars}
        cube.to_zarr(path, zarr_format=3, consolidated=False, encoding=chunks)
        return xr.open_zarr(path, chunks=None, consolidated=False)

    def work(cube: xr.Dataset) -> None:
        run: Any = SimpleNamespace(cube=lambda: cube)
        sheet = Sheet(tmp_path, cube_geobox(cube), "", Marks(State.DRAFT, True), {})
        with scored_land(run, model, {}, edge_m=None, store=tmp_path / "scores") as found:
            write_rasters(sheet, found, shares=(0.05, 0.15), intercept=0.1)

    def most_held(cube: xr.Dataset) -> int:
        tracemalloc.start()
        try:
            work(cube)
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    one, many = taller(1), taller(30)
    work(one)  # compiles
    few, most = most_held(one), most_held(many)
    assert most < 1.3 * few, f"{most / 1e6:.1f} MB of 30 times the land, {few / 1e6:.1f} MB of it"


def refused(run: Path, config: Path, out: Path, *words: str) -> str:
    code, said = command(run, config, "--out", out, *words)
    assert code == 2, said
    assert not (out / "rank.tif").exists()
    return said


def test_cells_of_another_size_are_refused(tiny_run: Path, tmp_path: Path) -> None:
    config = other_world(tmp_path / "c.yaml", cell_m=250)
    said = refused(tiny_run, config, tmp_path / "out")
    assert "cells of 250 m and the run has cells of 500 m" in said


def test_land_without_what_the_model_goes_by_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    """Neither front line nor side is among the features, nor by its name among the layers."""
    config = other_world(tmp_path / "c.yaml", front=False)
    said = refused(tiny_run, config, tmp_path / "out")
    assert "front_distance_m (no_layer)" in said
    assert "expected at most 25%" in said
    given = ("--as", "front_line=contact", "--as", "area_held=side")
    assert command(tiny_run, config, "--out", tmp_path / "out", *given)[0] == 0


def test_a_folder_of_something_else_is_left_alone(
    applied: tuple[Path, Path, str], tiny_run: Path, tmp_path: Path
) -> None:
    (tmp_path / "own.txt").write_text("mine")
    said = refused(tiny_run, applied[1], tmp_path)
    assert "holds something other than this transfer" in said
    assert {path.name for path in tmp_path.iterdir()} <= {"own.txt", ".lock"}


def test_a_changed_model_is_not_applied(tiny_copy: Path, applied: tuple[Path, Path, str]) -> None:
    member = next((tiny_copy / "model").glob("*.lgb"))
    member.write_bytes(member.read_bytes() + b"\n")
    code, said = command(tiny_copy, applied[1], "--out", tiny_copy.parent / "out-of-changed")
    assert code == 1
    assert "does not verify" in said


def test_with_its_intercept_set_as_much_is_predicted_as_was_found(
    applied: tuple[Path, Path, str],
) -> None:
    out = applied[0]
    found = Transfer.read(out / "transfer.json").finds
    assert found.ranks_only is None
    state = open_labels(out / "run")["state"].to_numpy()
    with rasterio.open(out / "probability.tif") as raster:
        probability = raster.read(1)
    chosen = (state >= 0) & np.isfinite(probability)
    assert (int(chosen.sum()), found.finds) == (found.finds + found.searched, (state[chosen]).sum())
    assert probability[chosen].sum() == pytest.approx(found.finds, rel=1e-4)


@pytest.mark.parametrize("words", ["towns", "=x", "a="])
def test_what_stands_for_what_is_given_as_a_pair(
    words: str, tiny_run: Path, tmp_path: Path
) -> None:
    code, _ = command(tiny_run, tmp_path / "c.yaml", "--out", tmp_path / "out", "--as", words)
    assert code == 2
