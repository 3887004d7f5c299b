"""Whole, in tiles of 256 cells, by two processes and by two Dask workers: the same bytes."""

import dataclasses
import hashlib
import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from minerisk.features.cube import build as cube_module
from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.store import open_cube
from minerisk.features.errors import InputError
from minerisk.features.grid import cells_inside, study_grid
from minerisk.pipelines.language.marks import Marks
from minerisk.pipelines.predict import predict as predict_module
from minerisk.pipelines.predict import tiles, window
from minerisk.pipelines.predict.bands import PREDICTED
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.layers import present_features
from minerisk.pipelines.run.progress import progress
from minerisk.pipelines.run.workers import ALONE, Workers
from minerisk.pipelines.steps import redo_step

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


def nothing_searched(_labels: object, rows: slice, columns: slice) -> np.ndarray:
    return np.ones((rows.stop - rows.start, columns.stop - columns.start), dtype=np.float32)


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
    # The labels are those of the coarse cube: what was searched is not asked of them.
    monkeypatch.setattr(predict_module, "unsearched", nothing_searched)
    whole = rasters(run, tmp_path / "whole")
    assert {"probability.tif", "dissimilarity.tif", "area_of_applicability.tif"} <= set(whole)
    monkeypatch.setattr(predict_module, "TILE", 512)
    assert rasters(run, tmp_path / "two", workers=Workers(2)) == whole
    assert rasters(run, tmp_path / "dask", workers=cluster) == whole

    for module in (cube_module, tiles):
        monkeypatch.setattr(module, "CHUNK", 256)
    monkeypatch.setattr(predict_module, "TILE", 256)
    fine_cube(run, tmp_path / "small.zarr", Tiling(256))
    small, known = open_cube(tmp_path / "small.zarr"), open_cube(cube)
    for name in known.data_vars:
        assert small[name].values.tobytes() == known[name].values.tobytes(), name
    assert rasters(run, tmp_path / "small") == whole


def test_rasters_are_written_by_the_workers(
    tiny_run: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def here(*_: object, **__: object) -> None:
        raise AssertionError("written by the main process")

    monkeypatch.setattr(predict_module, "write_reason_raster", here)
    run = Run.open(tiny_run)
    with pytest.raises(AssertionError, match="by the main process"):
        rasters(run, tmp_path / "alone")
    assert "reasons.tif" in rasters(run, tmp_path / "two", workers=Workers(2))


def test_a_prediction_goes_on_with_the_tiles_that_are_done(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, said = Run.open(tiny_copy), tiles.tile_bands
    # The labels are those of the coarse cube: what was searched is not asked of them.
    monkeypatch.setattr(predict_module, "unsearched", nothing_searched)
    whole = rasters(run, tmp_path / "whole")
    monkeypatch.setattr(tiles, "CHUNK", 16)
    monkeypatch.setattr(predict_module, "TILE", 16)
    asked: list[int] = []

    def stopping(model, cells):
        asked.append(len(cells))
        if len(asked) == 7:
            raise KeyboardInterrupt
        return said(model, cells)

    monkeypatch.setattr(tiles, "tile_bands", stopping)
    with pytest.raises(KeyboardInterrupt):
        rasters(run, tmp_path / "again")
    assert rasters(run, tmp_path / "again") == whole
    assert len(asked) == 16 + 1
    assert not list((tmp_path / "again").glob(".*"))


def test_a_store_half_removed_is_not_gone_on_with(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its marks say that all is predicted, but what was predicted is gone."""
    run, remove = Run.open(tiny_copy), shutil.rmtree
    # The labels are those of the coarse cube: what was searched is not asked of them.
    monkeypatch.setattr(predict_module, "unsearched", nothing_searched)
    whole = rasters(run, tmp_path / "whole")

    def killed(path: Path, **chosen: bool) -> None:
        if (Path(path) / "probability").is_dir():
            remove(Path(path) / "probability")
            raise KeyboardInterrupt
        remove(path, **chosen)

    with monkeypatch.context() as patch:
        patch.setattr(shutil, "rmtree", killed)
        with pytest.raises(KeyboardInterrupt):
            rasters(run, tmp_path / "again")
    assert rasters(run, tmp_path / "again") == whole


def test_a_store_of_another_program_or_another_tile_is_begun_anew(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, cube = Run.open(tiny_copy), tiny_copy / "cube.zarr"
    part = window.whole_window(open_cube(cube))

    def key() -> str:
        target = predict_module.Target(run, part, tmp_path, None, Marks(State.DRAFT, True))
        return predict_module._tile_store(target).key

    known = key()
    assert key() == known
    with monkeypatch.context() as patch:
        patch.setattr(predict_module, "TILE", 512)
        assert key() != known
    monkeypatch.setattr(tiles, "code_sha256", lambda: "another")
    assert key() != known


def test_a_tile_of_a_store_begun_anew_by_another_command_gets_no_mark(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    said = tiles.tile_bands

    def meanwhile(model, cells):
        found = tmp_path / "out" / ".bands.zarr" / "zarr.json"
        found.write_text(found.read_text().replace('"key": "', '"key": "other'))
        return said(model, cells)

    monkeypatch.setattr(tiles, "tile_bands", meanwhile)
    with pytest.raises(InputError, match="begun anew by another command"):
        rasters(Run.open(tiny_copy), tmp_path / "out")
    assert not list((tmp_path / "out" / ".bands.zarr" / "tiles").iterdir())


def test_what_a_tile_wrote_is_on_the_disk_before_its_mark(
    tiny_copy: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settled: list[str] = []
    sync = os.fsync

    def told(handle: int) -> None:
        settled.append(str(Path(f"/proc/self/fd/{handle}").readlink()))
        sync(handle)

    def marked(path: Path) -> None:
        settled.append(f"mark {path.name}")
        touch(path)

    touch = Path.touch
    monkeypatch.setattr(os, "fsync", told)
    monkeypatch.setattr(Path, "touch", marked)
    rasters(Run.open(tiny_copy), tmp_path / "out")
    before = settled[: settled.index("mark 0_0")]
    for band in PREDICTED:
        assert any(path.endswith(f"/{band}/c/0/0") for path in before), band


def test_two_requests_into_one_folder_are_not_made_at_once(tiny_copy: Path, tmp_path: Path) -> None:
    asked = open_request(tiny_copy, Filters(hazard="any"))
    with (
        locked(tmp_path / "out"),
        pytest.raises(InputError, match="Another minerisk process is at work"),
    ):
        write_maps(asked, tmp_path / "out")


def test_a_damaged_cube_is_built_anew_and_never_recorded(tiny_copy: Path) -> None:
    """Its key says that it is up to date; its bytes say that it is not."""
    known, manifest = files(tiny_copy / "cube.zarr"), (tiny_copy / "manifest.json").read_bytes()
    lost = next(path for path in sorted(tiny_copy.glob("cube.zarr/*/c/0/0")))
    lost.unlink()
    redo_step(tiny_copy, "build")
    assert files(tiny_copy / "cube.zarr") == known
    assert (tiny_copy / "manifest.json").read_bytes() == manifest


KILLED = """
import os, signal, sys
from pathlib import Path
from minerisk.pipelines.steps import redo_step

left = int(sys.argv[3])
def count(event, values):
    global left
    if event == sys.argv[2] and ".bands" in str(values[0]) + str(values[-1]):
        left -= 1
        if left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
sys.addaudithook(count)
redo_step(Path(sys.argv[1]), "predict")
"""


@pytest.mark.parametrize(("event", "after"), [("os.rename", 4), ("os.rename", 20), ("os.rmdir", 1)])
def test_a_killed_prediction_goes_on_to_the_same_bytes(
    tiny_copy: Path, event: str, after: int
) -> None:
    """Killed while the store is begun, while chunks are written, while the store is removed."""
    known, manifest = files(tiny_copy / "rasters"), (tiny_copy / "manifest.json").read_bytes()
    shutil.rmtree(tiny_copy / "rasters")
    words = [sys.executable, "-c", KILLED, str(tiny_copy), event, str(after)]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(words, cwd=root, capture_output=True, text=True)
    assert done.returncode == -signal.SIGKILL, done.stderr
    assert (tiny_copy / "rasters" / ".bands.zarr").exists()
    redo_step(tiny_copy, "predict")
    assert files(tiny_copy / "rasters") == known
    assert (tiny_copy / "manifest.json").read_bytes() == manifest
