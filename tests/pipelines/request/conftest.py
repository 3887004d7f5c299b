"""Packs of the tiny run that several tests look at; none of them may change one."""

import geopandas as gpd
import pytest
import rasterio
from shapely.geometry import box
from typer.testing import CliRunner

from minerisk.pipelines.cli.main import app


@pytest.fixture(scope="session")
def aoi(tiny_run, tmp_path_factory):
    with rasterio.open(tiny_run / "rasters" / "probability.tif") as raster:
        left, bottom, right, top = raster.bounds
    middle, centre = (left + right) / 2, (bottom + top) / 2
    area = box(middle - 4_100, centre - 3_100, middle + 4_100, centre + 3_100)
    path = tmp_path_factory.mktemp("aoi") / "Ağdam south.gpkg"
    gpd.GeoDataFrame(geometry=[area], crs="EPSG:32638").to_file(path)
    return path


@pytest.fixture(scope="session")
def packs(tiny_run, aoi, tmp_path_factory):
    out = tmp_path_factory.mktemp("packs") / "request"
    asked = ["request", str(tiny_run), "--out", str(out), "--aoi", str(aoi), "--public"]
    refused = CliRunner().invoke(app, asked)
    assert "no public copy" in str(refused.exception)
    assert not out.exists()
    asked += ["--unapproved", "--sheets", "--phone"]
    done = CliRunner().invoke(app, asked, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out, out.with_name("request_public")


@pytest.fixture(scope="session")
def translated_pack(tiny_run, aoi, tmp_path_factory):
    out = tmp_path_factory.mktemp("packs") / "az"
    asked = ["request", str(tiny_run), "--out", str(out), "--aoi", str(aoi), "--sheets"]
    done = CliRunner().invoke(app, [*asked, "--language", "az"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return out
