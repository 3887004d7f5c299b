"""A request has a folder by what it asks: run, filters and the area's bytes."""

import datetime as dt
import json
import shutil
from pathlib import Path

import geopandas as gpd
import pytest
from shapely.geometry import box

from minerisk.features.errors import FindingError
from minerisk.pipelines.formats.cog import read_raster
from minerisk.pipelines.provenance.files import sha256_path
from minerisk.pipelines.records.request import Filters, PackManifest, RequestRecord
from minerisk.pipelines.records.review import Standing, State
from minerisk.pipelines.request.answer import write_maps
from minerisk.pipelines.request.opening import open_request, request_id
from minerisk.pipelines.request.pack import make_packs
from minerisk.pipelines.run.folder import Run


def area(path: Path, run: Path, *, east_m: float) -> Path:
    """Write an area of 6 by 6 km in the middle of a run, moved to the east."""
    _, geobox = read_raster(run / "rasters" / "probability.tif")
    left, bottom, right, top = geobox.boundingbox
    east, north = (left + right) / 2 + east_m, (bottom + top) / 2
    shape = box(east - 3_000, north - 3_000, east + 3_000, north + 3_000)
    path.parent.mkdir(parents=True, exist_ok=True)
    gpd.GeoDataFrame(geometry=[shape], crs=str(geobox.crs)).to_file(path)
    return path


def test_two_areas_with_one_file_name_have_a_folder_each(tiny_copy: Path, tmp_path: Path) -> None:
    shutil.rmtree(tiny_copy / "requests", ignore_errors=True)  # of tests before this one
    records = []
    for place, east_m in (("one", -4_000), ("two", 4_000)):
        aoi = area(tmp_path / place / "area.gpkg", tiny_copy, east_m=east_m)
        records.append(write_maps(open_request(tiny_copy, Filters(aoi=aoi))))
    first, second = records
    assert first.id != second.id
    assert {path.name for path in (tiny_copy / "requests").iterdir()} == {first.id, second.id}
    grids = [
        read_raster(tiny_copy / "requests" / record.id / "probability.tif")[1] for record in records
    ]
    assert grids[0] != grids[1]
    assert first.filters.title == second.filters.title == "area"


def test_the_same_bytes_under_another_name_are_the_same_request(
    tiny_run: Path, tmp_path: Path
) -> None:
    aoi = area(tmp_path / "one.gpkg", tiny_run, east_m=0)
    copy = tmp_path / "two.gpkg"
    copy.write_bytes(aoi.read_bytes())
    names = [open_request(tiny_run, Filters(aoi=path)).record.id for path in (aoi, copy)]
    assert names[0] == names[1]


def test_every_filter_the_run_and_the_area_make_another_request() -> None:
    asked = {
        "near": ("roads",), "within_m": 5.0, "districts": ("Agdam",), "hazard": "ap",
        "as_of": dt.date(2023, 1, 1), "layer": "areas", "clip": True, "budget_ha": 500.0,
        "weights": {"hazard": 2.0},
    }  # fmt: skip
    assert {*asked, "aoi"} == set(Filters.model_fields)
    names = {request_id("head", Filters(**{name: value}), None) for name, value in asked.items()}
    names |= {request_id(head, Filters(), aoi) for head in ("head", "tail") for aoi in (None, "a")}
    assert len(names) == len(asked) + 4


def test_the_record_says_what_was_asked_and_which_maps_answer_it(
    tiny_copy: Path, tmp_path: Path
) -> None:
    aoi = area(tmp_path / "Ağdam.gpkg", tiny_copy, east_m=0)
    asked = open_request(tiny_copy, Filters(aoi=aoi))
    written = write_maps(asked)
    record = RequestRecord.read(asked.home / "request.json")
    assert record == written.model_copy(
        update={"filters": written.filters.model_copy(update={"aoi": Path("Ağdam.gpkg")})}
    )
    assert record.run_head == Run.open(tiny_copy).manifest().head
    assert record.area_sha256 == sha256_path(aoi)
    assert str(tmp_path) not in (asked.home / "request.json").read_text(encoding="utf-8")
    assert {"probability.tif", "risk_class.tif", "preview.png"} <= set(record.maps)
    for name, digest in record.maps.items():
        assert sha256_path(asked.home / name) == digest


def test_maps_that_are_there_are_left_alone_and_damaged_ones_are_made_again(
    tiny_copy: Path, tmp_path: Path
) -> None:
    aoi = area(tmp_path / "area.gpkg", tiny_copy, east_m=0)
    asked = open_request(tiny_copy, Filters(aoi=aoi))
    first = write_maps(asked)
    path = asked.home / "risk_class.tif"
    made = path.stat().st_mtime_ns
    assert write_maps(asked).maps == first.maps
    assert path.stat().st_mtime_ns == made
    path.write_bytes(b"")
    assert write_maps(asked).maps == first.maps
    assert sha256_path(path) == first.maps["risk_class.tif"]


def test_nothing_is_handed_out_from_a_withdrawn_run(
    tiny_run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    withdrawn = Standing(state=State.WITHDRAWN)
    monkeypatch.setattr(Run, "standing", lambda self, outputs=None: withdrawn)
    with pytest.raises(FindingError, match="was withdrawn: nothing may be handed out"):
        open_request(tiny_run, Filters())


def test_packs_of_two_areas_with_one_file_name_are_two_items(
    tiny_copy: Path, tmp_path: Path
) -> None:
    items = []
    for place, east_m in (("one", -4_000), ("two", 4_000)):
        aoi = area(tmp_path / place / "area.gpkg", tiny_copy, east_m=east_m)
        asked = open_request(tiny_copy, Filters(aoi=aoi))
        (pack,) = make_packs(asked, tmp_path / place / "pack")
        manifest = PackManifest.read(pack / "manifest.json")
        assert (manifest.request, manifest.area) == (asked.record.id, "area")
        items.append(json.loads((pack / "item.json").read_text(encoding="utf-8"))["id"])
    assert len(set(items)) == 2
