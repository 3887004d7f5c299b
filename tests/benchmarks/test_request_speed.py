"""Seconds of a small request by stage: what a person at a terminal waits for."""

import json
import subprocess
import sys
from pathlib import Path
from statistics import median

import geopandas as gpd
import pytest
from shapely.geometry import box

from features.cube_store import cube_geobox, open_cube

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

    def stages(*words: str) -> dict[str, dict[str, float]]:
        done = subprocess.run([*command, *words], check=True, capture_output=True, text=True)
        return json.loads(done.stdout)

    turns = [(stages(), stages("--here")) for _ in range(ROUNDS)]
    rounds = [apart for apart, _ in turns]
    for stage in rounds[0]:
        wall, cpu = (
            median(found[stage][unit] for found in rounds) for unit in ("wall_s", "processor_s")
        )
        sys.stdout.write(f"\n{stage}: {wall:.2f} s from start to end, {cpu:.2f} s of processor")
    for words, at in (("all", 0), ("all, the preview drawn here", 1)):
        whole = [sum(part["wall_s"] for part in turn[at].values()) for turn in turns]
        sys.stdout.write(f"\n{words}: {median(whole):.2f} s ({min(whole):.2f} to {max(whole):.2f})")
