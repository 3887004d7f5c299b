from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given, settings
from hypothesis import strategies as st
from odc.geo.geobox import GeoBox

from minerisk.features.layers.bands import open_band
from minerisk.features.layers.warp import warp
from minerisk.features.raster_files import lattice

CRS = "EPSG:32638"


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Rough ground with a hole in cells of 30 m, of which the north-west corner is (500, 900)."""
    values = np.random.default_rng(1).normal(300, 90, (40, 50)).astype(np.float32)
    values[10:14, 20:26] = np.nan
    values[0, :] = 0
    path = tmp_path_factory.mktemp("lattice") / "a.tif"
    transform = rasterio.transform.from_origin(500, 900, 30, 30)
    profile = {"count": 1, "dtype": "float32", "height": 40, "width": 50, "nodata": np.nan}
    with rasterio.open(
        path, "w", driver="GTiff", crs=CRS, transform=transform, **profile
    ) as dataset:
        dataset.write(values, 1)
    return path


@settings(max_examples=30, deadline=None)
@given(
    west=st.floats(-400, 2_500),
    north=st.floats(-600, 1_300),
    cell=st.sampled_from([7.0, 25.0, 30.0, 33.3]),
    resampling=st.sampled_from(["nearest", "bilinear"]),
)
def test_lines_give_the_bits_of_places_one_by_one(source, west, north, cell, resampling):
    box = (west, north - 21 * cell, west + 33 * cell, north)
    grid, band = GeoBox.from_bbox(box, CRS, shape=(21, 33)), open_band(source)
    fast = warp(band, grid, resampling=resampling)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lattice, "runs_along", lambda *_: False)
        slow = warp(band, grid, resampling=resampling)
    assert fast.tobytes() == slow.tobytes()


def test_the_grid_of_the_raster_itself_gives_its_cells(source):
    with rasterio.open(source) as dataset:
        values, grid = dataset.read(1), GeoBox(dataset.shape, dataset.transform, CRS)
    np.testing.assert_allclose(warp(open_band(source), grid, resampling="bilinear"), values)


def test_a_grid_of_another_crs_or_a_turned_one_does_not_run_along():
    straight = rasterio.transform.from_origin(0, 0, 10, 10)
    turned = straight * rasterio.Affine.rotation(5)
    assert lattice.runs_along(straight, straight, "proj=noop ellps=GRS80")
    assert not lattice.runs_along(straight, turned, "proj=noop ellps=GRS80")
    assert not lattice.runs_along(turned, straight, "proj=noop ellps=GRS80")
    assert not lattice.runs_along(straight, straight, "proj=pipeline step proj=utm")
