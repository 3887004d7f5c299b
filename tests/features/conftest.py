"""Layers without files, for features."""

from dataclasses import dataclass

import geopandas as gpd
import numpy as np
import pytest
from odc.geo.geobox import GeoBox

from minerisk.features.grid import cell_centres
from minerisk.features.layers.sources import Coverage
from minerisk.features.raster_files.units import factor_between
from minerisk.features.vector_files.dates import days_or_refuse

CRS = "EPSG:3035"


@dataclass(frozen=True)
class FakeSource:
    unit: str | None = None
    position_error_m: float = 0.0
    date_column: str | None = None
    coverage: Coverage | None = None
    source: str = "made for a test"


class FakeLayers:
    """Vector layers from frames; raster layers from functions of easting and northing."""

    def __init__(self, vectors=None, rasters=None, sources=None):
        self.vectors, self.rasters = vectors or {}, rasters or {}
        self.sources = sources or {}

    def names(self):
        return [*self.vectors, *self.rasters]

    def source(self, name):
        return self.sources.get(name, FakeSource())

    def sha256(self, name):
        return name.ljust(64, "0")

    def vector(self, name, *, crs):
        return self.vectors[name].to_crs(crs)

    def cover(self, name, *, crs):
        return self.vector(self.source(name).coverage.layer, crs=crs)

    def days(self, name, frame):
        column = self.source(name).date_column
        return None if column is None else days_or_refuse(frame[column], where=name)

    def unit(self, name):
        return self.source(name).unit

    def raster(self, name, geobox, *, unit=None):
        easting, northing = cell_centres(geobox)
        values = self.rasters[name](easting[None, :], northing[:, None])
        whole = np.broadcast_to(values, tuple(geobox.shape)).astype(np.float32)
        own = self.unit(name)
        return whole if own is None or unit is None else whole * factor_between(own, unit)


def make_frame(geometries, crs=CRS, **columns):
    return gpd.GeoDataFrame(columns, geometry=list(geometries), crs=crs)


def make_grid(height, width, *, left=0, top=0, resolution=100.0):
    west, north = left * resolution, top * resolution
    box = (west, north - height * resolution, west + width * resolution, north)
    return GeoBox.from_bbox(box, CRS, shape=(height, width))


@pytest.fixture(scope="session")
def fake_layers():
    return FakeLayers


@pytest.fixture(scope="session")
def fake_source():
    return FakeSource


@pytest.fixture(scope="session")
def frame():
    return make_frame


@pytest.fixture(scope="session")
def grid():
    return make_grid
