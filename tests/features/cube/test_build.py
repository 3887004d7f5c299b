import hashlib
import shutil

import numpy as np
import pytest
import rasterio
import zarr
from shapely.geometry import LineString

from minerisk.features.cube import build as module
from minerisk.features.cube.build import Tiling, build_cube
from minerisk.features.cube.chunks import packing, write_tile
from minerisk.features.cube.store import cube_geobox, open_cube, stored_key
from minerisk.features.cube.zarr_files import remove_store
from minerisk.features.errors import InputError

FEATURES = [
    ("terrain", {"layer": "dem", "radii_m": (200.0,)}),
    ("distance", {"layer": "roads", "cap_m": 500.0}),
]


@pytest.fixture
def layers(fake_layers, frame):
    roads = frame([LineString([(0, 0), (900, -1_300)])])
    return fake_layers(vectors={"roads": roads}, rasters={"dem": lambda x, y: x * y / 1e4})


def build(layers, path, geobox, features=FEATURES, **more):
    inside = np.zeros(tuple(geobox.shape), dtype=bool)
    inside[2:, 3:] = True
    return build_cube(layers, features, geobox=geobox, inside=inside, path=path, **more)


def digest(path):
    files = sorted(file for file in path.rglob("*") if file.is_file())
    lines = [f"{f.relative_to(path)} {hashlib.sha256(f.read_bytes()).hexdigest()}" for f in files]
    return "\n".join(lines)


def test_a_cube_reads_back_as_it_was_built(layers, grid, tmp_path):
    geobox, path = grid(14, 11), tmp_path / "cube.zarr"
    assert build(layers, path, geobox)
    found = open_cube(path)
    assert cube_geobox(found) == geobox
    names = list(found.data_vars)
    assert names[:2] == ["elevation_m", "slope_deg"]
    assert names[-2:] == ["roads_distance_m", "inside"]
    assert found.roads_distance_m.dtype == np.float32
    assert found.inside.values.sum() == 12 * 8
    assert found.inside.dtype == np.uint8
    assert found.roads_distance_m.attrs["unit"] == "m"
    np.testing.assert_allclose(found.elevation_m, (found.x * found.y / 1e4).T, rtol=1e-6)


def test_features_are_kept_outside_the_area_as_well(layers, grid, tmp_path):
    build(layers, tmp_path / "cube.zarr", grid(14, 11))
    found = open_cube(tmp_path / "cube.zarr")
    assert np.isfinite(found.slope_deg.values).all()


def test_a_second_build_with_the_same_inputs_does_nothing(layers, grid, tmp_path):
    path = tmp_path / "cube.zarr"
    assert build(layers, path, grid(14, 11))
    before = {file: file.stat().st_mtime_ns for file in path.rglob("*")}
    assert not build(layers, path, grid(14, 11))
    assert {file: file.stat().st_mtime_ns for file in path.rglob("*")} == before


def test_another_parameter_or_grid_builds_anew(layers, grid, tmp_path):
    path = tmp_path / "cube.zarr"
    build(layers, path, grid(14, 11))
    assert build(layers, path, grid(14, 12))
    assert build(layers, path, grid(14, 12), FEATURES[:1])
    assert list(open_cube(path).data_vars)[-2:] == ["roughness_200m", "inside"]
    assert [file.name for file in tmp_path.iterdir()] == ["cube.zarr"]


@pytest.mark.parametrize("cells", [5, 10, 15])
def test_tiles_give_the_files_of_the_whole(layers, grid, tmp_path, monkeypatch, cells):
    monkeypatch.setattr(module, "CHUNK", 5)
    build(layers, tmp_path / "whole.zarr", grid(14, 11))
    build(layers, tmp_path / "tiles.zarr", grid(14, 11), tiling=Tiling(cells))
    assert digest(tmp_path / "whole.zarr") == digest(tmp_path / "tiles.zarr")


def test_the_order_of_tiles_and_doing_one_twice_change_nothing(layers, grid, tmp_path, monkeypatch):
    def backwards(work, tasks):
        work(tasks[3])
        return map(work, reversed(tasks))

    monkeypatch.setattr(module, "CHUNK", 5)
    build(layers, tmp_path / "whole.zarr", grid(14, 11))
    build(layers, tmp_path / "tiles.zarr", grid(14, 11), tiling=Tiling(5, backwards))
    assert digest(tmp_path / "whole.zarr") == digest(tmp_path / "tiles.zarr")


def test_a_build_goes_on_with_the_tiles_that_are_done(layers, grid, tmp_path, monkeypatch):
    done = []

    def counted(work, tasks):
        for task in tasks:
            done.append(task)
            yield work(task)

    def stopped(work, tasks):
        yield from counted(work, tasks[:4])
        raise KeyboardInterrupt

    monkeypatch.setattr(module, "CHUNK", 5)
    path, built = tmp_path / "cube.zarr", []
    with pytest.raises(KeyboardInterrupt):
        build(layers, path, grid(14, 11), tiling=Tiling(5, stopped))
    window = module.build_window
    monkeypatch.setattr(module, "build_window", lambda *a, **k: built.append(a) or window(*a, **k))
    build(layers, path, grid(14, 11), tiling=Tiling(5, counted))
    assert len(done) == 4 + 2 * 9
    assert len(built) == 2 * 9 - 4
    build(layers, tmp_path / "whole.zarr", grid(14, 11))
    assert digest(path) == digest(tmp_path / "whole.zarr")
    assert sorted(file.name for file in tmp_path.iterdir()) == ["cube.zarr", "whole.zarr"]


def test_what_a_killed_process_left_half_written_or_half_removed_is_in_no_cube(
    layers, grid, tmp_path, monkeypatch
):
    def killed(work, tasks):
        yield work(tasks[0])
        raise KeyboardInterrupt

    path, store = tmp_path / "cube.zarr", tmp_path / ".cube.zarr.partial"
    with pytest.raises(KeyboardInterrupt):
        build(layers, path, grid(14, 11), tiling=Tiling(run=killed))
    (store / "elevation_m" / "c" / "0" / "0.1f2e.partial").write_bytes(b"half a chunk")
    build(layers, path, grid(14, 11))
    build(layers, tmp_path / "whole.zarr", grid(14, 11))
    assert digest(path) == digest(tmp_path / "whole.zarr")

    remove = shutil.rmtree
    monkeypatch.setattr(shutil, "rmtree", lambda path, **_: remove(path / "elevation_m"))
    remove_store(path)
    assert path.is_dir()
    assert stored_key(path) is None


def test_the_same_inputs_give_the_same_files(layers, grid, tmp_path):
    for name in ("a.zarr", "b.zarr"):
        build(layers, tmp_path / name, grid(14, 11))
    assert digest(tmp_path / "a.zarr") == digest(tmp_path / "b.zarr")


def test_a_build_that_stops_leaves_the_old_cube(layers, grid, tmp_path):
    path = tmp_path / "cube.zarr"
    build(layers, path, grid(14, 11))
    key = stored_key(path)

    def stop(name, done, total):
        if done == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        build(layers, path, grid(9, 9), progress=stop)
    assert stored_key(path) == key
    assert cube_geobox(open_cube(path)) == grid(14, 11)


def test_progress_counts_the_features(layers, grid, tmp_path):
    seen = []
    build(layers, tmp_path / "cube.zarr", grid(6, 6), progress=lambda *step: seen.append(step))
    assert seen == [("terrain · dem", 0, 2), ("distance · roads", 1, 2), ("cube", 2, 2)]


def test_two_features_of_one_name_are_refused(layers, grid, tmp_path):
    with pytest.raises(InputError, match="roads_distance_m"):
        build(layers, tmp_path / "cube.zarr", grid(6, 6), [FEATURES[1], FEATURES[1]])
    assert not (tmp_path / "cube.zarr").exists()


def test_an_unfinished_cube_is_not_opened(tmp_path):
    with pytest.raises(InputError, match="no finished cube"):
        open_cube(tmp_path / "cube.zarr")


def test_gdal_finds_the_grid(layers, grid, tmp_path):
    path = tmp_path / "cube.zarr"
    build(layers, path, grid(14, 11))
    try:
        opened = rasterio.open(f'ZARR:"{path}":/roads_distance_m')
    except rasterio.errors.RasterioError:
        pytest.skip("this GDAL does not read Zarr version 3")
    with opened as dataset:
        assert dataset.crs.to_epsg() == 3035
        assert dataset.transform == grid(14, 11).transform


def test_chunks_are_the_files_that_zarr_writes(tmp_path):
    rng = np.random.default_rng(0)
    values = rng.normal(size=(11, 14)).astype(np.float32)
    values[5:10, :5] = np.nan
    for name in ("own", "zarr"):
        array = zarr.open_group(tmp_path / name, mode="w").create_array(
            "a", shape=values.shape, chunks=(5, 5), dtype="float32", fill_value=np.nan,
            compressors=packing(),
        )  # fmt: skip
        if name == "zarr":
            array[...] = values
            continue
        for row, column in ((0, 0), (0, 10), (10, 0), (10, 10)):
            part = values[row : row + 10, column : column + 10]
            folder = tmp_path / name / "a"
            write_tile(array, part, row=row, column=column, folder=folder, scratch=tmp_path)
    assert digest(tmp_path / "own") == digest(tmp_path / "zarr")
    assert not (tmp_path / "own" / "a" / "c" / "1" / "0").exists()


def test_a_chunk_written_again_is_a_new_file_so_that_none_is_ever_torn(layers, grid, tmp_path):
    """Two workers may be at one tile; a reader of the old file must not see the new one grow."""
    build(layers, tmp_path / "cube.zarr", grid(14, 11))
    chunk = tmp_path / "cube.zarr" / "slope_deg" / "c" / "0" / "0"
    with chunk.open("rb") as held:
        before = chunk.read_bytes()
        array = zarr.open_group(tmp_path / "cube.zarr", mode="r+")["slope_deg"]
        array[...] = np.arange(14 * 11, dtype=np.float32).reshape(array.shape)
        assert held.read() == before != chunk.read_bytes()


def test_what_a_killed_worker_left_half_written_is_taken_away(layers, grid, tmp_path):
    def run(work, tasks):
        for task in tasks:
            yield work(task)
            store = tmp_path / ".cube.zarr.partial"
            (store / "slope_deg" / "c" / "0" / "0.5ad0.partial").write_bytes(b"half")

    build(layers, tmp_path / "cube.zarr", grid(14, 11), tiling=Tiling(run=run))
    build(layers, tmp_path / "other.zarr", grid(14, 11))
    assert digest(tmp_path / "cube.zarr") == digest(tmp_path / "other.zarr")
