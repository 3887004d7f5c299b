"""Seconds of a small request by stage: what a person at a terminal waits for."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import geopandas as gpd
import pytest
from shapely.geometry import box

from minerisk.features.cube.store import cube_geobox, open_cube

pytestmark = pytest.mark.benchmark

ROUNDS = 3


def test_stages_of_a_small_request(tiny_run: Path, tmp_path: Path) -> None:
    """No limit: the shares tell where the time goes, and imports are most of it."""
    with open_cube(tiny_run / "cube.zarr") as cube:
        geobox = cube_geobox(cube)
        rows, columns = (size // 4 for size in geobox.shape)
        inner = geobox[rows:-rows, columns:-columns]
    area = tmp_path / "area.gpkg"
    gpd.GeoDataFrame(geometry=[box(*inner.boundingbox)], crs=str(geobox.crs)).to_file(area)
    command = [sys.executable, "-m", "tests.benchmarks.request_stages"]
    command += [str(tiny_run), str(area), str(tmp_path / "rasters")]
    rounds = [
        json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        for _ in range(ROUNDS)
    ]
    for stage in rounds[0]:
        wall, cpu = (
            median(found[stage][unit] for found in rounds) for unit in ("wall_s", "processor_s")
        )
        sys.stdout.write(f"\n{stage}: {wall:.2f} s from start to end, {cpu:.2f} s of processor")
    whole = median(sum(part["wall_s"] for part in found.values()) for found in rounds)
    sys.stdout.write(f"\nall: {whole:.2f} s from start to end\n")
