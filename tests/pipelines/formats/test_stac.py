"""The STAC item of a request, held against the schema of STAC and its own files."""

import datetime as dt
import hashlib
import json

import pystac
import pytest
from odc.geo.geobox import GeoBox
from pystac.validation.stac_validator import JsonSchemaSTACValidator
from shapely.geometry import box, shape

from minerisk.pipelines.formats.stac import item_text, stac_item

GRID = GeoBox.from_bbox((700_000, 4_400_000, 715_000, 4_410_000), "EPSG:32638", resolution=250)


def written(hashes, folder, *, name="n", when=None):
    found = stac_item(hashes, folder, GRID, name=name, when=when, properties={"title": "T"})
    return json.loads(item_text(found))


@pytest.fixture
def item(tmp_path):
    (tmp_path / "probability.tif").write_bytes(b"raster")
    (tmp_path / "MODEL_CARD.md").write_bytes(b"card")
    hashes = {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in tmp_path.iterdir()}
    return written(hashes, tmp_path, name="tiny-all", when=dt.date(2024, 5, 6))


def check(item):
    """Hold an item against the core schema, which pystac brings with it; no network is asked."""
    kind = pystac.STACObjectType.ITEM
    JsonSchemaSTACValidator().validate_core(item, kind, item["stac_version"])


def test_it_is_an_item_by_the_schema_of_stac_with_and_without_a_date(item, tmp_path):
    check(item)
    check(written({}, tmp_path))
    assert pystac.Item.from_dict(item).datetime == dt.datetime(2024, 5, 6, tzinfo=dt.UTC)
    for broken in ({"properties": {}}, {"assets": {"x.tif": {}}}, {"bbox": None}):
        with pytest.raises(pystac.STACValidationError):
            check(item | broken)


def test_extensions_are_named_and_every_field_of_theirs_is_one_they_define(item):
    """Their schemas need a network; this holds the fields against their text by hand."""
    assert all(address.endswith("/schema.json") for address in item["stac_extensions"])
    names = {address.split("/")[-3] for address in item["stac_extensions"]}
    assert names == {"projection", "file", "processing"}
    given = {*item["properties"], *(key for asset in item["assets"].values() for key in asset)}
    assert {name for name in given if ":" in name} == {
        *("proj:code", "proj:shape", "proj:transform"),
        *("file:checksum", "file:size"),
    }


def test_the_footprint_is_the_grid_in_degrees(item):
    found = shape(item["geometry"])
    assert found.is_valid
    assert found.exterior.is_ccw
    assert item["bbox"] == list(found.bounds)
    assert found.intersection(box(47.3, 39.7, 47.6, 39.9)).area > 0.9 * found.area


def test_assets_name_their_files_type_role_and_hash(item, tmp_path):
    raster = item["assets"]["probability.tif"]
    assert raster["href"] == "./probability.tif"
    assert raster["type"] == "image/tiff; application=geotiff; profile=cloud-optimized"
    assert raster["roles"] == ["data"]
    assert raster["file:checksum"] == "1220" + hashlib.sha256(b"raster").hexdigest()
    assert raster["file:size"] == 6
    assert item["assets"]["MODEL_CARD.md"]["roles"] == ["metadata"]
    assert item["properties"]["proj:shape"] == [40, 60]
    assert item["properties"]["proj:transform"] == [250, 0, 700_000, 0, -250, 4_410_000]


def test_evidence_without_a_date_gives_an_open_time_and_says_so(tmp_path):
    found = written({}, tmp_path)["properties"]
    assert found["datetime"] is None
    assert found["start_datetime"] < found["end_datetime"]
    assert "up to the day of the run" in found["minerisk:when"]
