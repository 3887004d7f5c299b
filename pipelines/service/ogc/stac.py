"""Finished requests by the STAC API, to be read: a collection a run, an item a request."""

import datetime as dt
import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated

import shapely
from fastapi import APIRouter, Request, Response
from geojson_pydantic.geometries import Geometry
from pydantic import Field, JsonValue, TypeAdapter, ValidationError
from shapely.geometry.base import BaseGeometry
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.desk import results, runs
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.ogc.landing import schema_link
from minerisk.pipelines.service.ogc.links import GEOJSON, Conformance, Link, answer, at
from minerisk.pipelines.service.ogc.queries import (
    MOST,
    USUAL,
    Page,
    box_of,
    box_of_numbers,
    day_period,
    known_only,
    page_of,
    period_of,
    query_of,
    stamp,
    wrong,
)
from minerisk.pipelines.service.ogc.stac_items import Wanted, item_of, results_wanted
from minerisk.pipelines.service.store.models import OfferedRun

router = APIRouter(tags=["STAC API"])
VERSION = "1.1.0"
KEPT = (
    "https://api.stacspec.org/v1.0.0/core",
    "https://api.stacspec.org/v1.0.0/collections",
    "https://api.stacspec.org/v1.0.0/ogcapi-features",
    "https://api.stacspec.org/v1.0.0/item-search",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/core",
    "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf/geojson",
)
GEOMETRY = TypeAdapter[Geometry](Geometry)
MOST_NAMED = 100


class Catalog(Conformance):
    """The landing page of a STAC API."""

    type: str = "Catalog"
    stac_version: str = VERSION
    id: str = "minerisk"
    title: str = "minerisk request desk"
    description: str
    links: tuple[Link, ...]


class Spatial(Record):
    """Boxes of a collection."""

    bbox: tuple[tuple[float, float, float, float], ...]


class Temporal(Record):
    """Periods of a collection; None is open, and is written."""

    interval: tuple[tuple[str | None, str | None], ...]


class Where(Record):
    """Where and when a collection is."""

    spatial: Spatial
    temporal: Temporal


class Collection(Record):
    """A run whose requests are the items."""

    type: str = "Collection"
    stac_version: str = VERSION
    id: str
    title: str
    description: str
    license: str = "other"
    keywords: tuple[str, ...]
    extent: Where
    links: tuple[Link, ...]


class Collections(Record):
    """The runs that this account may see now."""

    collections: tuple[Collection, ...]
    links: tuple[Link, ...]


class Search(Record):
    """What is searched for; what is not given leaves all."""

    bbox: tuple[float, ...] | None = Field(None, max_length=6)
    datetime: str | None = Field(None, max_length=100)
    intersects: Geometry | None = None
    ids: tuple[str, ...] | None = Field(None, max_length=MOST_NAMED)
    collections: tuple[str, ...] | None = Field(None, max_length=MOST_NAMED)
    limit: Annotated[int, Field(ge=1)] = USUAL
    offset: Annotated[int, Field(ge=0)] = 0


@router.get("/api/stac")
def landing(request: Request) -> Response:
    """Tell what there is."""
    known_only(request)
    root = Link(href=at(request, "/api/stac"), rel="root")
    links = [
        root,
        root.model_copy(update={"rel": "self"}),
        schema_link(request),
        Link(href=at(request, "/api/stac/conformance"), rel="conformance"),
        Link(href=at(request, "/api/stac/collections"), rel="data"),
        Link(href=at(request, "/api/stac/search"), rel="search", type=GEOJSON, method="GET"),
        Link(href=at(request, "/api/stac/search"), rel="search", type=GEOJSON, method="POST"),
    ]
    with desk_of(request).store.read() as session:
        for found in _collections(request, session):
            href = at(request, f"/api/stac/collections/{found.id}")
            links.append(Link(href=href, rel="child", title=found.title))
    words = "Finished requests: maps, survey tasks and reports, each with its hashes and marks."
    return answer(Catalog(description=words, conforms_to=KEPT, links=tuple(links)))


@router.get("/api/stac/conformance")
def conformance(request: Request) -> Response:
    """List the conformance classes that are kept."""
    known_only(request)
    return answer(Conformance(conforms_to=KEPT))


@router.get("/api/stac/collections")
def list_collections(request: Request) -> Response:
    """List the runs."""
    known_only(request)
    with desk_of(request).store.read() as session:
        found = tuple(_collections(request, session))
    links = (
        Link(href=at(request, "/api/stac/collections"), rel="self"),
        Link(href=at(request, "/api/stac"), rel="root"),
    )
    return _whole(Collections(collections=found, links=links))


@router.get("/api/stac/collections/{collection}")
def show_collection(request: Request, collection: str) -> Response:
    """Describe a run."""
    known_only(request)
    with desk_of(request).store.read() as session:
        return _whole(_collection(request, session, collection))


@router.get("/api/stac/collections/{collection}/items")
def list_items(request: Request, collection: str) -> Response:
    """List the finished requests of a run."""
    known_only(request, "bbox", "datetime", "limit", "offset")
    with desk_of(request).store.read() as session:
        _collection(request, session, collection)
    wanted = Wanted(
        land=query_of(request, "bbox", box_of),
        period=query_of(request, "datetime", period_of),
        collections=(collection,),
    )
    return _found(request, wanted, page_of(request))


@router.get("/api/stac/collections/{collection}/items/{item}")
def show_item(request: Request, collection: str, item: str) -> Response:
    """Return one finished request."""
    known_only(request)
    desk, texts = desk_of(request), texts_of(request)
    with desk.store.read() as session:
        found = results.find_result(desk, session, caller_of(request), item, texts)
    if found.request.run_id != collection:
        raise RefusedError(DeskCode.NOT_FOUND)
    return Response(json.dumps(item_of(request, found)), media_type=GEOJSON)


@router.get("/api/stac/search")
def search(request: Request) -> Response:
    """Find finished requests by place, time, run and name."""
    known_only(request, "bbox", "intersects", "datetime", "ids", "collections", "limit", "offset")
    box = query_of(request, "bbox", box_of)
    shape = query_of(request, "intersects", _geometry)
    wanted = Wanted(
        land=_one_of(box, shape),
        period=query_of(request, "datetime", period_of),
        ids=query_of(request, "ids", _names),
        collections=query_of(request, "collections", _names),
    )
    return _found(request, wanted, page_of(request))


@router.post("/api/stac/search")
def search_by_body(request: Request, given: Search) -> Response:
    """Find finished requests by a body instead of parameters."""
    known_only(request)
    box = None
    if given.bbox is not None:
        box = box_of_numbers(list(given.bbox), ",".join(map(str, given.bbox)))
    shape = None
    if given.intersects is not None:
        shape = shapely.from_geojson(given.intersects.model_dump_json())
    wanted = Wanted(
        land=_one_of(box, shape),
        period=None if given.datetime is None else period_of(given.datetime),
        ids=given.ids,
        collections=given.collections,
    )
    return _found(request, wanted, Page(given.offset, min(given.limit, MOST)), given)


def _names(text: str) -> tuple[str, ...]:
    return tuple(text.split(",")[:MOST_NAMED])


def _geometry(text: str) -> BaseGeometry:
    try:
        return shapely.from_geojson(GEOMETRY.validate_json(text).model_dump_json())
    except (ValidationError, shapely.GEOSException) as error:
        raise wrong("intersects", text, "a geometry of GeoJSON") from error


def _one_of(box: BaseGeometry | None, shape: BaseGeometry | None) -> BaseGeometry | None:
    if box is not None and shape is not None:
        raise wrong("bbox", "given together with intersects", "one of both")
    return box if shape is None else shape


def _collections(request: Request, session: Session) -> Iterator[Collection]:
    for row in session.scalars(select(OfferedRun).order_by(OfferedRun.folder)):
        try:
            yield _collection(request, session, row.id)
        except RefusedError:
            continue


def _collection(request: Request, session: Session, name: str) -> Collection:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    row, run = runs.usable_run(desk, session, caller, name)
    view = runs.view_of(row, desk.standings.of(run.folder), caller, texts)
    facts = runs.facts_of(view, run)
    own, day = at(request, f"/api/stac/collections/{name}"), day_period(view.strip.evidence_day).end
    root = at(request, "/api/stac")
    last = None if view.strip.evidence_day is None or day is None else stamp(day)
    return Collection(
        id=name,
        title=view.title,
        description=" · ".join(view.strip.words),
        keywords=(view.study_area, view.strip.state, *_marks(view.strip.simulated)),
        extent=Where(
            spatial=Spatial(bbox=((facts.west, facts.south, facts.east, facts.north),)),
            temporal=Temporal(interval=((None, last),)),
        ),
        links=(
            Link(href=own, rel="self"),
            Link(href=root, rel="root"),
            Link(href=root, rel="parent"),
            Link(href=f"{own}/items", rel="items", type=GEOJSON),
        ),
    )


def _marks(simulated: bool) -> tuple[str, ...]:
    return ("SIMULATED",) if simulated else ()


def _whole(record: Record) -> Response:
    """Answer with a record whose open ends of time are written."""
    links = {"title", "method", "body", "type"}
    content = _without_none(record.model_dump(mode="json", by_alias=True), links)
    return Response(json.dumps(content), media_type="application/json")


def _without_none(value: JsonValue, names: set[str]) -> JsonValue:
    if isinstance(value, dict):
        return {
            key: _without_none(part, names)
            for key, part in value.items()
            if part is not None or key not in names
        }
    if isinstance(value, list):
        return [_without_none(part, names) for part in value]
    return value


def _found(request: Request, wanted: Wanted, page: Page, body: Search | None = None) -> Response:
    found = list(results_wanted(request, wanted))
    shown = found[page.offset : page.offset + page.limit]
    links = _search_links(request, page, len(found), body)
    content: dict[str, JsonValue] = {
        "type": "FeatureCollection",
        "features": [item_of(request, each) for each in shown],
        "links": [link.plain() for link in links],
        "numberMatched": len(found),
        "numberReturned": len(shown),
        "timeStamp": stamp(dt.datetime.now(dt.UTC)),
    }
    return Response(json.dumps(content), media_type=GEOJSON)


def _search_links(
    request: Request, page: Page, matched: int, body: Search | None
) -> Sequence[Link]:
    given, path = dict(request.query_params), request.url.path
    links = [
        Link(href=at(request, path, **given), rel="self", type=GEOJSON),
        Link(href=at(request, "/api/stac"), rel="root"),
    ]
    offset = page.offset + page.limit
    if offset >= matched:
        return links
    told: Mapping[str, str | int] = {"limit": page.limit, "offset": offset}
    if body is None:
        return [*links, Link(href=at(request, path, **(given | dict(told))), rel="next",
                             type=GEOJSON)]  # fmt: skip
    again = body.model_copy(update=dict(told)).model_dump(mode="json", exclude_none=True)
    return [*links, Link(href=at(request, path), rel="next", type=GEOJSON, method="POST",
                         body=again)]  # fmt: skip
