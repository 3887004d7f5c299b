"""Whole, in tiles of 256 cells, by two processes and by two Dask workers: the same bytes."""

import dataclasses
import hashlib
import shutil
from pathlib import Path

import pytest

from features import cube as cube_module
from features.cube import Tiling, build_cube
from features.cube_store import open_cube
from features.grid import cells_inside, study_grid
from pipelines import predict as predict_module
from pipelines import prediction_tiles
from pipelines.console import progress
from pipelines.context import Run
from pipelines.layers import present_features
from pipelines.workers import ALONE, Workers

RESOLUTION_M = 56.0
CAP_M = 2_000.0


def fine_cube(run: Run, path: Path, tiling: Tiling) -> None:
    """The tiny study area's features at 56 m: some 540 x 550 cells, so that there are tiles."""
    layers, area = run.layers(), run.config.study_area
    boundary = layers.vector(area.boundary, crs=area.crs)
    geobox = study_grid(tuple(boundary.total_bounds), crs=area.crs, resolution_m=RESOLUTION_M)
    features = [
        (kind, {**params, "cap_m": CAP_M} if "cap_m" in params else params)
        for kind, params in present_features(run.config, layers)[0]
    ]
    build_cube(
        layers,
        features,
        geobox=geobox,
        inside=cells_inside(geobox, boundary),
        path=path,
        tiling=tiling,
    )


def rasters(run: Run, folder: Path, *, workers: Workers = ALONE) -> dict[str, str]:
    with progress("Risk rasters") as bar:
        paths, _ = predict_module.predict(
            dataclasses.replace(run, workers=workers), progress=bar, folder=folder
        )
    inside = [path for path in paths if path.is_relative_to(folder)]
    return {path.name: hashlib.sha256(path.read_bytes()).hexdigest() for path in inside}


def files(folder: Path) -> dict[str, str]:
    found = (path for path in folder.rglob("*") if path.is_file())
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in found
    }


def test_tiles_and_workers_change_no_byte_of_cube_and_rasters(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, dask_cluster
) -> None:
    run = Run.open(tiny_copy)
    cube = tiny_copy / "cube.zarr"
    shutil.rmtree(cube)
    fine_cube(run, cube, Tiling())
    cluster = Workers(scheduler=dask_cluster().address)
    for name, workers in (("two", Workers(2)), ("dask", cluster)):
        fine_cube(run, tmp_path / f"{name}.zarr", Tiling(512, workers.run))
        assert files(tmp_path / f"{name}.zarr") == files(cube)
    whole = rasters(run, tmp_path / "whole")
    assert {"probability.tif", "applicability.tif"} <= set(whole)
    monkeypatch.setattr(predict_module, "TILE", 512)
    assert rasters(run, tmp_path / "two", workers=Workers(2)) == whole
    assert rasters(run, tmp_path / "dask", workers=cluster) == whole

    for module in (cube_module, prediction_tiles):
        monkeypatch.setattr(module, "CHUNK", 256)
    monkeypatch.setattr(predict_module, "TILE", 256)
    fine_cube(run, tmp_path / "small.zarr", Tiling(256))
    small, known = open_cube(tmp_path / "small.zarr"), open_cube(cube)
    for name in known.data_vars:
        assert small[name].values.tobytes() == known[name].values.tobytes(), name
    assert rasters(run, tmp_path / "small") == whole


def test_a_prediction_goes_on_with_the_tiles_that_are_done(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = Run.open(tiny_copy), prediction_tiles.tile_bands
    whole = rasters(run, tmp_path / "whole")
    monkeypatch.setattr(prediction_tiles, "CHUNK", 16)
    monkeypatch.setattr(predict_module, "TILE", 16)
    asked: list[int] = []

    def stopping(model, cells):
        asked.append(len(cells))
        if len(asked) == 7:
            raise KeyboardInterrupt
        return said(model, cells)

    monkeypatch.setattr(prediction_tiles, "tile_bands", stopping)
    with pytest.raises(KeyboardInterrupt):
        rasters(run, tmp_path / "again")
    assert rasters(run, tmp_path / "again") == whole
    assert len(asked) == 16 + 1
    assert not list((tmp_path / "again").glob(".*"))
