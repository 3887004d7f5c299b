"""Where a program begins, and what of OGC API - Processes and Features is kept."""

from fastapi import APIRouter, Request, Response

from minerisk.pipelines.service.ogc.links import (
    OGC_REL,
    OPENAPI,
    Conformance,
    Landing,
    Link,
    answer,
    at,
)
from minerisk.pipelines.service.ogc.queries import known_only

router = APIRouter(tags=["OGC API"])
PROCESSES = "http://www.opengis.net/spec/ogcapi-processes-1/1.0/conf"
FEATURES = "http://www.opengis.net/spec/ogcapi-features-1/1.0/conf"
KEPT = (
    *(f"{PROCESSES}/{name}" for name in
      ("core", "ogc-process-description", "json", "job-list", "dismiss")),
    *(f"{FEATURES}/{name}" for name in ("core", "geojson")),
)  # fmt: skip
WHAT = (
    "Maps, survey tasks and packs of minerisk, as processes; tasks and districts, as features. "
    "Each is of one source, has its interval, and says by its marks whether it is a DRAFT or of "
    "SIMULATED findings."
)


@router.get("/api/ogc")
def landing(request: Request) -> Response:
    """Tell what there is (OGC API - Common)."""
    known_only(request, "f")
    parts = (
        ("", "self", "this page"),
        ("/conformance", "conformance", "parts of standards that are kept"),
        ("/conformance", f"{OGC_REL}/conformance", "parts of standards that are kept"),
        ("/processes", f"{OGC_REL}/processes", "what can be asked for"),
        ("/jobs", f"{OGC_REL}/job-list", "what was asked for by this account"),
        ("/collections", "data", "survey tasks and districts"),
    )
    links = [Link(href=at(request, f"/api/ogc{path}"), rel=rel, title=title)
             for path, rel, title in parts]  # fmt: skip
    links.append(schema_link(request))
    return answer(Landing(title="minerisk request desk", description=WHAT, links=tuple(links)))


@router.get("/api/ogc/conformance")
def conformance(request: Request) -> Response:
    """List the conformance classes that are kept."""
    known_only(request, "f")
    return answer(Conformance(conforms_to=KEPT))


def schema_link(request: Request) -> Link:
    """Link the description of every address."""
    return Link(href=at(request, "/api/openapi.json"), rel="service-desc", type=OPENAPI)
