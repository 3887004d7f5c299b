"""Layers that are odd and right: each is read, by validate and build, as others read it."""

from pathlib import Path

import pytest

from tests.fuzz.holding import Outcome, emptied, hold_raster, hold_vector
from tests.fuzz.raster_plans import TOWGS, RasterPlan
from tests.fuzz.vector_plans import VectorPlan

RASTERS = {
    "south-up": RasterPlan(lie="south_up"),
    "rotated": RasterPlan(lie="rotated"),
    "rotated, in degrees": RasterPlan(lie="rotated", crs="EPSG:4326"),
    "compound CRS of degrees and heights": RasterPlan(crs="EPSG:4326+5773"),
    "compound CRS of metres and heights": RasterPlan(crs="EPSG:32638+5773"),
    "three-dimensional CRS": RasterPlan(crs="EPSG:4979"),
    "CRS bound to WGS 84 by seven parameters": RasterPlan(crs=TOWGS),
    "another datum": RasterPlan(crs="EPSG:28408"),
    "web Mercator": RasterPlan(crs="EPSG:3857"),
    "next zone": RasterPlan(crs="EPSG:32637"),
    "nodata in .aux.xml": RasterPlan(nodata="beside"),
    "nodata in .aux.xml of whole numbers": RasterPlan(nodata="beside", dtype="int16"),
    "nodata in the configuration": RasterPlan(nodata="told", fill=-32768.0, dtype="int16"),
    "least float as nodata": RasterPlan(nodata="own", fill=-3.4028234663852886e38),
    "1e20 as nodata": RasterPlan(nodata="own", fill=1e20),
    "0 as nodata": RasterPlan(nodata="own", dtype="uint8", fill=0.0),
    "255 as nodata": RasterPlan(nodata="own", dtype="uint8", fill=255.0),
    "mask inside": RasterPlan(nodata="mask"),
    "mask beside (.msk)": RasterPlan(nodata="msk"),
    "alpha band": RasterPlan(nodata="alpha", dtype="uint8", fill=0.0),
    "scale and offset": RasterPlan(dtype="int16", scale=(0.1, -50.0), nodata="own"),
    "scale and unit in .aux.xml": RasterPlan(
        dtype="int16", scale=(0.5, 0.0), says="beside", unit="ft"
    ),
    "feet by the file": RasterPlan(unit="ft"),
    "feet by the configuration": RasterPlan(told_unit="ft"),
    "US survey feet by both": RasterPlan(unit="US survey foot", told_unit="US survey foot"),
    "metre and m": RasterPlan(unit="metre", told_unit="m"),
    "decimetres in whole numbers": RasterPlan(unit="dm", dtype="int16"),
    "third of three bands": RasterPlan(bands=3, chosen=3),
    "overviews and statistics beside": RasterPlan(beside=("overviews", "statistics")),
    "world file of another place beside": RasterPlan(beside=("other_worldfile",)),
    "position by a world file alone": RasterPlan(beside=("worldfile",)),
    "compressed blocks": RasterPlan(stored=("tiled=YES", "blockxsize=16", "blockysize=16")),
    "Zarr 2": RasterPlan(kind="zarr2"),
    "Zarr 2 with nodata as fill value": RasterPlan(kind="zarr2", nodata="zarr_fill", dtype="int16"),
    "Zarr 2, not consolidated": RasterPlan(kind="zarr2", consolidated=False),
    "Zarr 3": RasterPlan(kind="zarr3", consolidated=False),
    "Zarr 3, _FillValue of a float": RasterPlan(kind="zarr3", nodata="own", consolidated=False),
    "Zarr, one time": RasterPlan(kind="zarr2", extra="one"),
    "Zarr, third of three times": RasterPlan(kind="zarr3", extra="time", chosen=3),
    "Zarr, x before y": RasterPlan(kind="zarr2", order="xy"),
    "Zarr, ascending lat and lon": RasterPlan(
        kind="zarr2", names=("lat", "lon"), lie="south_up", crs="EPSG:4326"
    ),
    "Zarr, packed": RasterPlan(kind="zarr2", dtype="int16", scale=(0.1, -50.0), nodata="own"),
    "Zarr, centimetres": RasterPlan(kind="zarr3", unit="cm", dtype="int32"),
}
VECTORS = {
    "shapefile of 1254": VectorPlan(
        suffix="shp", script="Turkish", encoding="1254", keep=("name",)
    ),
    "shapefile of ISO 8859-9": VectorPlan(suffix="shp", script="Turkish", encoding="ISO-8859-9"),
    "shapefile of 1251": VectorPlan(
        suffix="shp", script="Cyrillic", encoding="1251", keep=("name",)
    ),
    "shapefile of UTF-8": VectorPlan(suffix="shp", script="Azerbaijani", keep=("name",)),
    "shapefile with an index": VectorPlan(suffix="shp", beside=("index",)),
    "shapefile without .prj, CRS told": VectorPlan(suffix="shp", crs=None, told_crs="EPSG:28408"),
    "CRS told once more": VectorPlan(told_crs="EPSG:32638"),
    "GeoPackage with an empty log": VectorPlan(beside=("empty_log",)),
    "one of two layers": VectorPlan(several=True),
    "points with heights": VectorPlan(suffix="geojson", shape="point_z", crs="EPSG:4284"),
    "several points a row": VectorPlan(suffix="fgb", shape="multipoint"),
    "polygons with holes": VectorPlan(suffix="parquet", shape="polygon_with_hole"),
    "rows without a place": VectorPlan(suffix="geojson", holes=(0, 3)),
    "GeoJSON in metres": VectorPlan(suffix="geojson", crs="EPSG:32638"),
    "CSV with semicolons and decimal commas": VectorPlan(
        suffix="csv", crs=None, told_crs="EPSG:32638", separator=";", decimal=","
    ),
    "CSV with tabs and a byte order mark": VectorPlan(
        suffix="csv", crs=None, told_crs="EPSG:4326", separator="\t", mark=True, script="Cyrillic"
    ),
    "words that YAML could take for something else": VectorPlan(keep=("name",)),
    "days with points": VectorPlan(dates="dotted"),
    "days with strokes": VectorPlan(suffix="csv", crs=None, told_crs="EPSG:4326", dates="slashed"),
    "milliseconds": VectorPlan(suffix="geojson", dates="milliseconds"),
    "times with an offset": VectorPlan(suffix="geojson", dates="offset"),
    "a date type": VectorPlan(suffix="shp", dates="date"),
    "a time type": VectorPlan(suffix="fgb", dates="time"),
}


@pytest.mark.parametrize("name", RASTERS)
@pytest.mark.filterwarnings("ignore::zarr.errors.ZarrUserWarning")
def test_an_odd_raster_is_read(name: str, tmp_path: Path) -> None:
    assert hold_raster(RASTERS[name], emptied(tmp_path / "a")) == (Outcome.READ, "")


@pytest.mark.parametrize("name", VECTORS)
def test_an_odd_vector_layer_is_read(name: str, tmp_path: Path) -> None:
    assert hold_vector(VECTORS[name], emptied(tmp_path / "a")) == (Outcome.READ, "")


def test_there_are_forty_and_more() -> None:
    assert len(RASTERS) + len(VECTORS) >= 40
