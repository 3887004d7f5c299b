"""Tasks and districts as OGC API - Features, and finished requests as STAC, as programs read."""

from dataclasses import replace

import pystac
import pytest

from minerisk.configs.schema import Districts
from minerisk.pipelines.service.desk import runs
from tests.pipelines.service.ogc.conftest import FEATURES, LAND, STAC, refuse_invalid

COLLECTIONS = "/api/ogc/collections"
STAC_PAGES = "/api/stac"


def tasks(answered) -> str:
    return f"{COLLECTIONS}/tasks-{answered.job}"


@pytest.fixture
def districts(answered, monkeypatch) -> str:
    """Districts of the run: one of its layers, since its own study area has none."""
    real = runs.usable_run

    def with_districts(*given):
        row, run = real(*given)
        districts = Districts(layer="area_held", name_column="name")
        area = run.config.study_area.model_copy(update={"districts": districts})
        return row, replace(run, config=run.config.model_copy(update={"study_area": area}))

    monkeypatch.setattr(runs, "usable_run", with_districts)
    return f"{COLLECTIONS}/districts-{answered.run}"


def test_bodies_are_as_features_has_them(answered, districts) -> None:
    get = answered.mine.json
    refuse_invalid(get("/api/ogc"), f"{FEATURES}/landingPage.yaml")
    refuse_invalid(get("/api/ogc/conformance"), f"{FEATURES}/confClasses.yaml")
    refuse_invalid(get(COLLECTIONS), f"{FEATURES}/collections.yaml")
    for place in (tasks(answered), districts):
        refuse_invalid(get(place), f"{FEATURES}/collection.yaml")
        found = answered.mine.get(f"{place}/items")
        assert found.headers["content-type"] == "application/geo+json"
        body = found.json()
        assert body["numberReturned"] == len(body["features"]) > 0
        refuse_invalid(body, f"{FEATURES}/featureCollectionGeoJSON.yaml")
        one = get(f"{place}/items/{body['features'][0]['id']}")
        assert one["geometry"] == body["features"][0]["geometry"]
        refuse_invalid(one, f"{FEATURES}/featureGeoJSON.yaml")
    for wrong in ("?bbox=1,2,3", "?limit=0", "?datetime=soon", "?colour=red"):
        found = answered.mine.get(f"{tasks(answered)}/items{wrong}")
        assert found.status_code == 400
        assert found.headers["content-type"] == "application/problem+json"
    assert answered.mine.get(f"{tasks(answered)}/items/nothing").status_code == 404


def test_features_come_in_parts_and_none_is_lost(answered) -> None:
    whole = answered.mine.json(f"{tasks(answered)}/items")["features"]
    seen, address = [], f"{tasks(answered)}/items?limit=1"
    while address:
        part = answered.mine.json(address)
        assert part["numberMatched"] == len(whole)
        seen += part["features"]
        address = next((x["href"] for x in part["links"] if x["rel"] == "next"), None)
    assert seen == whole
    assert len(answered.mine.json(f"{tasks(answered)}/items?limit=999999")["features"]) == len(
        whole
    )


def test_features_are_found_by_place(answered) -> None:
    place = f"{tasks(answered)}/items"
    west, south, east, north = answered.mine.json(tasks(answered))["extent"]["spatial"]["bbox"][0]
    all_of = answered.mine.json(f"{place}?bbox={west},{south},{east},{north}")["numberMatched"]
    assert all_of == answered.mine.json(place)["numberMatched"]
    assert answered.mine.json(f"{place}?bbox=-10,-10,-9,-9")["numberMatched"] == 0
    with_heights = answered.mine.json(f"{place}?bbox={west},{south},0,{east},{north},99")
    assert with_heights["numberMatched"] == all_of
    beyond = answered.mine.json(f"{place}?bbox=179,{south},{east},{north}")  # over the 180th
    assert beyond["numberMatched"] == all_of


def test_tasks_are_of_the_day_of_the_evidence_and_districts_of_all_time(
    answered, districts
) -> None:
    last = answered.mine.json(tasks(answered))["extent"]["temporal"]["interval"][0][1]
    place = f"{tasks(answered)}/items"
    count = answered.mine.json(place)["numberMatched"]
    assert answered.mine.json(f"{place}?datetime={last[:10]}")["numberMatched"] == count
    assert answered.mine.json(f"{place}?datetime=../1990-01-01T00:00:00Z")["numberMatched"] == 0
    assert answered.mine.json(f"{districts}/items?datetime=1990-01-01")["numberMatched"] > 0


def test_what_is_drawn_over_maps_is_features_too_with_the_marks(answered) -> None:
    drawn = f"{COLLECTIONS}/drawn-marks-{answered.job}/items"
    mark = answered.mine.json(drawn)["features"][0]["properties"]["mark"]
    assert [line.partition(":")[0] for line in mark.splitlines()] == [
        "DRAFT", "SIMULATED findings",
    ]  # fmt: skip
    finds = answered.mine.json(f"{COLLECTIONS}/drawn-findings-{answered.job}/items")
    assert finds["features"][0]["properties"]["simulated"] == 1
    missing = answered.mine.get(f"{COLLECTIONS}/drawn-heat-{answered.job}")
    assert "findings" in missing.json()["choices"]


def test_features_say_what_they_are(answered) -> None:
    body = answered.mine.json(f"{tasks(answered)}/items")
    assert body["strip"]["simulated"] is True
    assert body["strip"]["state"] == "draft"
    assert body["features"][0]["properties"]["simulated"] == 1


def test_bodies_are_as_stac_has_them(answered) -> None:
    get, own = answered.mine.json, f"{STAC_PAGES}/collections/{answered.run}"
    landing = get(STAC_PAGES)
    refuse_invalid(landing, f"{STAC}/catalog")
    refuse_invalid(landing, f"{STAC}/conformanceClasses")
    assert {link["rel"] for link in landing["links"]} >= {
        "root", "self", "service-desc", "conformance", "data", "search", "child",
    }  # fmt: skip
    for collection in (*get(f"{STAC_PAGES}/collections")["collections"], get(own)):
        refuse_invalid(collection, f"{STAC}/collection")
        pystac.Collection.from_dict(collection)
    items = "stac-api/fragments/itemcollection/openapi.yaml#/components/schemas/itemCollection"
    for found in (get(f"{own}/items"), get(f"{STAC_PAGES}/search")):
        refuse_invalid(found, items)
        assert [item["id"] for item in found["features"]] == [answered.job]
    item = get(f"{own}/items/{answered.job}")
    refuse_invalid(item, f"{STAC}/item")


def test_an_item_tells_how_its_run_stands_and_leads_to_its_files(answered) -> None:
    found = answered.mine.json(f"{STAC_PAGES}/search?ids={answered.job}")["features"][0]
    item = pystac.Item.from_dict(found)
    assert item.properties["minerisk:draft"] is True
    assert item.properties["minerisk:simulated"] is True
    assert item.properties["proj:code"].startswith("EPSG:")
    assert "minerisk run" in item.properties["processing:lineage"]
    raster = item.assets["risk_class.tif"]
    assert raster.extra_fields["raster:spatial_resolution"] == item.properties["proj:transform"][0]
    assert raster.extra_fields["data_type"] == "uint8"
    assert item.assets["probability.tif"].extra_fields["nodata"] == "nan"
    assert answered.mine.get(raster.href).status_code == 200
    size = int(answered.mine.head(raster.href).headers["content-length"])
    assert size == raster.extra_fields["file:size"]


def test_items_are_found_by_place_time_run_and_name(answered) -> None:
    def count(**given) -> int:
        body = answered.mine.post(f"{STAC_PAGES}/search", json=given)
        assert body.status_code == 200, body.text
        return body.json()["numberMatched"]

    assert count() == count(ids=[answered.job]) == count(collections=[answered.run]) == 1
    assert count(intersects=LAND) == count(bbox=[47.2, 39.4, 47.4, 39.6]) == 1
    assert count(bbox=[0, 0, 1, 1]) == count(ids=["a"]) == count(collections=["a"]) == 0
    get = answered.mine.json
    assert get(f"{STAC_PAGES}/search?bbox=0,0,1,1")["features"] == []
    assert get(f"{STAC_PAGES}/search?datetime=1890-01-01")["features"] == []
    both = answered.mine.post(
        f"{STAC_PAGES}/search", json={"intersects": LAND, "bbox": [0, 0, 1, 1]}
    )
    assert both.status_code == 400


@pytest.mark.parametrize(
    "query", ["bbox=1,2,nan,4", "bbox=a", "datetime=2020-13-01", "intersects=%7B%7D", "limit=-1",
              "filter=x", "bbox=0,0,1,1&bbox=0,0,2,2"],
)  # fmt: skip
def test_a_search_that_cannot_be_read_is_refused(answered, query: str) -> None:
    found = answered.mine.get(f"{STAC_PAGES}/search?{query}")
    assert found.status_code == 400
    assert found.json()["code"] in {"desk_query_wrong", "desk_query_unknown"}


def test_a_file_is_read_in_parts_as_gdal_does(answered) -> None:
    place = f"/api/requests/{answered.job}/files/probability.tif"
    whole, get = answered.mine.get(place).content, answered.mine.get
    head = answered.mine.head(place)
    assert (head.status_code, head.content) == (200, b"")
    assert head.headers["accept-ranges"] == "bytes"
    assert int(head.headers["content-length"]) == len(whole)
    for asked, found in {
        "bytes=0-99": whole[:100], "bytes=100-": whole[100:], "bytes=-7": whole[-7:],
        f"bytes=5-{len(whole) + 99}": whole[5:],
    }.items():  # fmt: skip
        part = get(place, headers={"Range": asked})
        assert (part.status_code, part.content) == (206, found)
        assert part.headers["content-range"].endswith(f"/{len(whole)}")
    for passed_over in ("lines=1-2", "bytes=9-2", "bytes=a-b", "bytes=-", "nothing"):
        assert get(place, headers={"Range": passed_over}).status_code == 200
    for beyond in (f"bytes={len(whole)}-", "bytes=-0"):
        refused = get(place, headers={"Range": beyond})
        assert refused.status_code == 416
        assert refused.headers["content-range"] == f"bytes */{len(whole)}"
        assert refused.json()["code"] == "desk_range_wrong"


def test_who_may_not_see_a_draft_sees_nothing_of_it(answered) -> None:
    manager = answered.town.manager
    assert manager.get(COLLECTIONS).json()["collections"] == []
    assert manager.get(f"{COLLECTIONS}/districts-{answered.run}").json()["code"] == "desk_run_draft"
    assert manager.get(f"{STAC_PAGES}/search").json()["features"] == []
    assert answered.town.stranger().get(f"{STAC_PAGES}/search").status_code == 401
