"""Links, and the answers that have them."""

from collections.abc import Mapping, Sequence
from urllib.parse import urlencode

from fastapi import Request, Response
from pydantic import Field, JsonValue

from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.ogc.queries import Page

JSON, GEOJSON, PROBLEM = "application/json", "application/geo+json", "application/problem+json"
COG = "image/tiff; application=geotiff; profile=cloud-optimized"
OPENAPI = "application/vnd.oai.openapi+json;version=3.1"
CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
OGC_REL = "http://www.opengis.net/def/rel/ogc/1.0"


class Link(Record):
    """Where something is, and what it is to whoever reads this."""

    href: str
    rel: str
    type: str | None = JSON
    title: str | None = None
    method: str | None = None
    body: dict[str, JsonValue] | None = None

    def plain(self) -> dict[str, JsonValue]:
        """Return it as JSON has it, without what it does not have."""
        return self.model_dump(mode="json", exclude_none=True)


class Landing(Record):
    """The page on which a program begins."""

    title: str
    description: str
    links: tuple[Link, ...]


class Conformance(Record):
    """The parts of standards that are kept."""

    conforms_to: tuple[str, ...] = Field(serialization_alias="conformsTo")


def at(request: Request, path: str, **query: str | int) -> str:
    """Return the whole address of a path, as the caller calls the desk."""
    told = f"?{urlencode(query)}" if query else ""
    return f"{str(request.base_url).rstrip('/')}{path}{told}"


def answer(
    record: Record,
    *,
    kind: str = JSON,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """Answer with a record; what it does not have is left out."""
    content = record.model_dump_json(by_alias=True, exclude_none=True)
    return Response(content, status, dict(headers or {}), kind)


def page_links(request: Request, page: Page, matched: int, *, kind: str) -> Sequence[Link]:
    """Link this part of a list, the next and the one before."""
    given = dict(request.query_params)
    path = request.url.path
    links = [Link(href=at(request, path, **given), rel="self", type=kind)]
    after, before = page.offset + page.limit, max(page.offset - page.limit, 0)
    for rel, offset, there in (
        ("next", after, after < matched),
        ("prev", before, page.offset > 0),
    ):
        if there:
            told: dict[str, str | int] = {**given, "limit": page.limit, "offset": offset}
            links.append(Link(href=at(request, path, **told), rel=rel, type=kind))
    return links
