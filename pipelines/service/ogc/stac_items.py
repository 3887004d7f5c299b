"""A finished request as an item of STAC, and what finds it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import pystac
import rasterio
import shapely
from fastapi import Request
from pydantic import JsonValue
from shapely.geometry.base import BaseGeometry

from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.records.review import State
from minerisk.pipelines.service.desk import requests, results
from minerisk.pipelines.service.desk.results import INTACT, Result
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.jobs.orders import JobState
from minerisk.pipelines.service.ogc.links import GEOJSON, Link, at
from minerisk.pipelines.service.ogc.queries import Period, stamp
from minerisk.pipelines.service.store.models import Request as Row

RASTER = "https://stac-extensions.github.io/raster/v2.0.0/schema.json"


@dataclass(frozen=True)
class Wanted:
    """What is searched for; None leaves all."""

    land: BaseGeometry | None = None
    period: Period | None = None
    ids: tuple[str, ...] | None = None
    collections: tuple[str, ...] | None = None


def results_wanted(request: Request, wanted: Wanted) -> Iterator[Result]:
    """Find results that may be handed out now, the last first."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        for row in requests.list_requests(session, caller):
            if not _asked_for(row, wanted) or row.dismissed:
                continue
            if requests.job_of(session, row).state != JobState.DONE:
                continue
            try:
                found = results.find_result(desk, session, caller, row.id, texts)
                item = _described(found)
            except RefusedError:
                continue
            if _meets(item, wanted):
                yield found


def _asked_for(row: Row, wanted: Wanted) -> bool:
    runs_asked, ids = wanted.collections, wanted.ids
    return (runs_asked is None or row.run_id in runs_asked) and (ids is None or row.id in ids)


def _meets(item: pystac.Item, wanted: Wanted) -> bool:
    if wanted.land is not None:
        shape = shapely.from_geojson(json.dumps(item.geometry))
        if not shapely.intersects(shape, wanted.land):
            return False
    if wanted.period is None:
        return True
    common = item.common_metadata
    period = Period(common.start_datetime, common.end_datetime)
    if item.datetime is not None:
        period = Period(item.datetime, item.datetime)
    return wanted.period.meets(period)


def _described(found: Result) -> pystac.Item:
    """Read the item of a pack, if it is as it was written."""
    path = results.pack_file(found, "item.json")
    return _read_item(path, INTACT.sha256(path))


@lru_cache(maxsize=64)
def _read_item(path: Path, sha256: str) -> pystac.Item:
    """Read an item once for each of its hashes, and what the headers of its rasters say."""
    item = pystac.Item.from_dict(json.loads(path.read_bytes()))
    for name, asset in item.assets.items():
        if name.endswith(".tif"):
            asset.extra_fields |= _raster(path.parent / name)
    item.stac_extensions = [*item.stac_extensions, RASTER]
    return item


def _raster(path: Path) -> dict[str, JsonValue]:
    with rasterio.open(path, driver="GTiff") as raster:
        empty, names = raster.nodata, raster.descriptions
        return {
            "data_type": raster.dtypes[0],
            "nodata": None if empty is None else "nan" if empty != empty else empty,
            "raster:spatial_resolution": abs(float(raster.transform.a)),
            "raster:sampling": "area",
            "bands": [{"name": str(place), "description": words or path.stem}
                      for place, words in enumerate(names, 1)],
        }  # fmt: skip


def item_of(request: Request, found: Result) -> dict[str, JsonValue]:
    """Describe a result: its files by their addresses, and how its run stands now."""
    row, strip, item = found.request, found.strip, _described(found).clone()
    collection = f"/api/stac/collections/{row.run_id}"
    item.id = row.id
    item.collection_id = row.run_id
    item.properties |= {
        "created": stamp(time_of(row.created_at)),
        "minerisk:state": strip.state,
        "minerisk:draft": strip.state is not State.APPROVED,
        "minerisk:simulated": strip.simulated,
        "minerisk:marks": list(strip.words),
    }
    for name, asset in item.assets.items():
        asset.href = at(request, f"/api/requests/{row.id}/files/{name}")
    links = (
        Link(href=at(request, f"{collection}/items/{row.id}"), rel="self", type=GEOJSON),
        Link(href=at(request, collection), rel="collection"),
        Link(href=at(request, collection), rel="parent"),
        Link(href=at(request, "/api/stac"), rel="root"),
    )
    item.links = []
    content = item.to_dict(include_self_link=False, transform_hrefs=False)
    return content | {"links": [link.plain() for link in links]}
