"""A chunk or raster of a run that was damaged is named, and nothing is computed from it."""

import random
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from minerisk.features.errors import FindingError
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.opening import open_request
from minerisk.pipelines.request.pack import make_packs
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.run.intact import _reads, check_outputs, check_window
from minerisk.pipelines.steps import redo_step

ALL = slice(0, 60)


def spoil(path: Path, seed: int) -> None:
    content = bytearray(path.read_bytes())
    content[random.Random(seed).randrange(len(content))] ^= 1 << seed % 8
    path.write_bytes(content)


def test_every_single_bit_of_a_chunk_counts(tiny_copy: Path) -> None:
    run, chunk = Run.open(tiny_copy), tiny_copy / "cube.zarr" / "slope_deg" / "c" / "0" / "0"
    whole = chunk.read_bytes()
    check_window(run, ALL, ALL)
    for seed in range(40):
        chunk.write_bytes(whole)
        spoil(chunk, seed)
        with pytest.raises(FindingError, match="c/0/0 is not as the run wrote it"):
            check_window(run, ALL, ALL)
    chunk.unlink()  # would read as land without a value
    with pytest.raises(FindingError, match="c/0/0 is not as the run wrote it"):
        check_window(run, ALL, ALL)


def test_a_request_and_a_prediction_refuse_a_damaged_cube(tiny_copy: Path, tmp_path: Path) -> None:
    spoil(tiny_copy / "cube.zarr" / "slope_deg" / "c" / "0" / "0", 3)
    asked = open_request(tiny_copy, Filters(hazard="any"))
    before = {path for path in tiny_copy.rglob("*") if path.is_file()}
    for work in (
        lambda: write_maps(asked, tmp_path / "maps"),
        lambda: make_packs(asked, tmp_path / "pack"),
        lambda: redo_step(tiny_copy, "predict"),
    ):
        with pytest.raises(FindingError, match=r"minerisk run CONFIG.* makes it again"):
            work()
    assert not (tmp_path / "pack").exists()
    assert {path for path in tiny_copy.rglob("*") if path.is_file()} - before <= {
        tiny_copy / ".lock"
    }


def test_what_a_window_does_not_read_is_not_its_concern(tiny_copy: Path) -> None:
    run = Run.open(tiny_copy)
    spoil(tiny_copy / "rasters" / "probability.tif", 1)
    shutil.rmtree(tiny_copy / "figures")
    check_window(run, ALL, ALL)
    with pytest.raises(FindingError, match="probability"):
        check_outputs(run, ["predict"])


@pytest.mark.parametrize("name", ["rasters/probability.tif", "labels.zarr/state/c/0/0"])
def test_the_next_step_refuses_a_damaged_raster_or_label(tiny_copy: Path, name: str) -> None:
    spoil(tiny_copy / name, 5)
    for step in ("prioritize", "report"):
        with pytest.raises(FindingError, match="is not as the run wrote it"):
            redo_step(tiny_copy, step)


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("slope_deg/c/1/2", True),
        ("slope_deg/c/0/2", False),
        ("slope_deg/c/1/3", False),
        ("slope_deg/zarr.json", True),
        ("y/c/0", True),
        ("inside/c/1/2/3", True),
    ],
)
def test_a_window_reads_its_own_chunks_and_what_describes_them(name: str, read: bool) -> None:
    assert _reads(name, (1, 2, 2, 3)) is read


def test_an_area_is_answered_when_its_own_chunks_are_whole(tiny_copy: Path, tmp_path: Path) -> None:
    _, geobox = read_raster(tiny_copy / "rasters" / "probability.tif")
    left, bottom, right, top = geobox.boundingbox
    middle = box(left + 12_000, bottom + 12_000, right - 12_000, top - 12_000)
    gpd.GeoDataFrame(geometry=[middle], crs=str(geobox.crs)).to_file(tmp_path / "aoi.gpkg")
    record = write_maps(open_request(tiny_copy, Filters(aoi=tmp_path / "aoi.gpkg")), tmp_path / "m")
    assert record.maps
