"""Survey tasks of results and districts of runs as OGC API - Features."""

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from fastapi import APIRouter, Request, Response
from pydantic import Field, JsonValue
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.layers.vectors import layer_names
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.desk import requests, results, runs
from minerisk.pipelines.service.desk.results import INTACT
from minerisk.pipelines.service.desk.runs import Strip
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.ogc.links import (
    CRS84,
    GEOJSON,
    Link,
    answer,
    at,
    page_links,
)
from minerisk.pipelines.service.ogc.qgis import collection_of
from minerisk.pipelines.service.ogc.queries import (
    box_of,
    day_period,
    known_only,
    page_of,
    period_of,
    query_of,
    stamp,
)
from minerisk.pipelines.service.ogc.shapes import Shape, Shapes, layer_shapes, shapes_in, shapes_of
from minerisk.pipelines.service.store.models import OfferedRun

router = APIRouter(tags=["OGC API"])
TASKS, DISTRICTS, DRAWN = "tasks-", "districts-", "drawn-"
MARKS = "marks"
"""Layer of what a map says of itself."""
Extent = tuple[float, float, float, float]


class Spatial(Record):
    """Boxes of a collection."""

    bbox: tuple[Extent, ...]
    crs: str = CRS84


class Temporal(Record):
    """Periods of a collection."""

    interval: tuple[tuple[str | None, str | None], ...]


class Where(Record):
    """Where and when a collection is; without days nothing is told of time."""

    spatial: Spatial | None = None
    temporal: Temporal | None = None


class Collection(Record):
    """A layer of features."""

    id: str
    title: str
    description: str
    extent: Where
    kind: str = Field("feature", serialization_alias="itemType")
    crs: tuple[str, ...] = (CRS84,)
    strip: Strip
    links: tuple[Link, ...]


class Collections(Record):
    """The layers that this account may see now."""

    collections: tuple[Collection, ...]
    links: tuple[Link, ...]


class FeatureCollection(Record):
    """Features of a layer, and what they say of themselves."""

    type: str = "FeatureCollection"
    features: tuple[Shape, ...]
    links: list[JsonValue]
    made: str = Field(serialization_alias="timeStamp")
    matched: int = Field(serialization_alias="numberMatched")
    returned: int = Field(serialization_alias="numberReturned")
    strip: Strip


@dataclass(frozen=True)
class Layer:
    """A layer before its features are asked for.

    Attributes
    ----------
    day
        Day up to which the evidence behind it counts; none of what has no time.
    """

    id: str
    title: str
    description: str
    shapes: Shapes
    strip: Strip
    day: dt.date | None = None


@router.get("/api/ogc/collections")
def list_collections(request: Request) -> Response:
    """List survey tasks of each result, and districts of each run."""
    known_only(request, "f", "limit", "offset")
    page = page_of(request)
    with desk_of(request).store.read() as session:
        layers = list(_layers(request, session))
    shown = layers[page.offset : page.offset + page.limit]
    links = page_links(request, page, len(layers), kind="application/json")
    found = tuple(_collection(request, layer) for layer in shown)
    return answer(Collections(collections=found, links=tuple(links)))


@router.get("/api/ogc/collections/{collection}")
def show_collection(request: Request, collection: str) -> Response:
    """Describe a layer."""
    known_only(request, "f")
    return answer(_collection(request, _layer(request, collection)))


@router.get("/api/ogc/collections/{collection}/items")
def list_items(request: Request, collection: str) -> Response:
    """List the features of a layer: by place, and by the day of the evidence behind them."""
    known_only(request, "f", "bbox", "datetime", "limit", "offset")
    page = page_of(request)
    box, period = query_of(request, "bbox", box_of), query_of(request, "datetime", period_of)
    layer = _layer(request, collection)
    meets = period is None or layer.day is None or period.meets(day_period(layer.day))
    found: Sequence[Shape] = layer.shapes.within(box) if meets else ()
    shown = tuple(found[page.offset : page.offset + page.limit])
    own = at(request, f"/api/ogc/collections/{layer.id}")
    links = [*page_links(request, page, len(found), kind=GEOJSON), Link(href=own, rel="collection")]
    told: list[JsonValue] = [link.plain() for link in links]
    body = FeatureCollection(
        features=shown,
        links=told,
        made=stamp(dt.datetime.now(dt.UTC)),
        matched=len(found),
        returned=len(shown),
        strip=layer.strip,
    )
    return Response(body.model_dump_json(by_alias=True), media_type=GEOJSON)


@router.get("/api/ogc/collections/{collection}/items/{feature}")
def show_item(request: Request, collection: str, feature: str) -> Response:
    """Return one feature."""
    known_only(request, "f")
    layer = _layer(request, collection)
    found = next((each for each in layer.shapes.features if each.id == feature), None)
    if found is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    own = f"/api/ogc/collections/{layer.id}"
    links: list[JsonValue] = [
        Link(href=at(request, f"{own}/items/{feature}"), rel="self", type=GEOJSON).plain(),
        Link(href=at(request, own), rel="collection").plain(),
    ]
    body = Item(**found.model_dump(), links=links, strip=layer.strip)
    return Response(body.model_dump_json(), media_type=GEOJSON)


class Item(Shape):
    """One feature with its links, and what it says of itself."""

    links: list[JsonValue]
    strip: Strip


def _collection(request: Request, layer: Layer) -> Collection:
    bounds, own = layer.shapes.bounds, at(request, f"/api/ogc/collections/{layer.id}")
    day = day_period(layer.day).end
    temporal = None
    if layer.day is not None and day is not None:
        temporal = Temporal(interval=((None, stamp(day)),))
    spatial = None if bounds is None else Spatial(bbox=(bounds,))
    return Collection(
        id=layer.id,
        title=layer.title,
        description=layer.description,
        extent=Where(spatial=spatial, temporal=temporal),
        strip=layer.strip,
        links=(
            Link(href=own, rel="self"),
            Link(href=f"{own}/items", rel="items", type=GEOJSON, title=layer.title),
        ),
    )


def _layers(request: Request, session: Session) -> Iterator[Layer]:
    """Find the layers that a caller may see now, whatever cannot be handed out left out."""
    caller = caller_of(request)
    for row in session.scalars(select(OfferedRun).order_by(OfferedRun.folder)):
        try:
            yield _districts(request, session, row.id)
        except RefusedError:
            continue
    for asked in requests.list_requests(session, caller):
        if requests.job_of(session, asked).state != "done" or asked.dismissed:
            continue
        try:
            yield _tasks(request, session, asked.id)
            for layer in _drawn_names(request, session, asked.id):
                yield _drawn(request, session, asked.id, layer)
        except RefusedError:
            continue


def _layer(request: Request, name: str) -> Layer:
    """Find a layer by its id.

    Raises
    ------
    RefusedError
        If there is none, or its run may not be used now.
    """
    with desk_of(request).store.read() as session:
        if name.startswith(TASKS):
            return _tasks(request, session, name.removeprefix(TASKS))
        if name.startswith(DRAWN):
            layer, _, asked = name.removeprefix(DRAWN).rpartition("-")
            return _drawn(request, session, asked, layer)
        if name.startswith(DISTRICTS):
            return _districts(request, session, name.removeprefix(DISTRICTS))
    raise RefusedError(DeskCode.NOT_FOUND)


def _tasks(request: Request, session: Session, name: str) -> Layer:
    texts = texts_of(request)
    found = results.find_result(desk_of(request), session, caller_of(request), name, texts)
    path = results.pack_file(found, "tasks.geojson")
    marks = " · ".join(found.strip.words)
    return Layer(
        collection_of(name, None),
        f"{texts.say('Survey tasks')}: {found.title}",
        marks,
        shapes_in(path, INTACT.sha256(path), "task"),
        found.strip,
        found.strip.evidence_day,
    )


def _drawn_names(request: Request, session: Session, name: str) -> list[str]:
    texts = texts_of(request)
    found = results.find_result(desk_of(request), session, caller_of(request), name, texts)
    return layer_names(results.pack_file(found, "map.gpkg"))


def _drawn(request: Request, session: Session, name: str, layer: str) -> Layer:
    """Find a layer that is drawn over the maps of a result, such as finds or the front line."""
    texts = texts_of(request)
    found = results.find_result(desk_of(request), session, caller_of(request), name, texts)
    path = results.pack_file(found, "map.gpkg")
    if layer not in layer_names(path):
        raise RefusedError(DeskCode.NOT_FOUND, choices=layer_names(path))
    return Layer(
        collection_of(name, layer),
        f"{layer}: {found.title}",
        " · ".join(found.strip.words),
        with_words(layer_shapes(path, INTACT.sha256(path), layer), found.strip)
        if layer == MARKS
        else layer_shapes(path, INTACT.sha256(path), layer),
        found.strip,
        found.strip.evidence_day,
    )


def with_words(shapes: Shapes, strip: Strip) -> Shapes:
    """Say what a map is as its run stands now, a line each."""
    told = "\n".join(strip.words[:-2])
    marked = tuple(
        each.model_copy(update={"properties": {**each.properties, "mark": told}})
        for each in shapes.features
    )
    return Shapes(marked, shapes.outlines)


def _districts(request: Request, session: Session, name: str) -> Layer:
    desk, texts = desk_of(request), texts_of(request)
    row, run = runs.usable_run(desk, session, caller_of(request), name)
    asked = run.config.study_area.districts
    if asked is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    view = runs.view_of(row, desk.standings.of(run.folder), caller_of(request), texts)
    return Layer(
        f"{DISTRICTS}{name}",
        f"{texts.say('Districts')}: {view.title}",
        texts.say("Districts"),
        shapes_of(runs.layer_geojson(run, asked.layer), key=None),
        view.strip,
    )
