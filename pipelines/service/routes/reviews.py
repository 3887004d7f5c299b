"""Reviews: the same log as the command line's; a key never comes here."""

from typing import Annotated

from fastapi import APIRouter, Path, Request
from fastapi.responses import FileResponse

from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import reviews
from minerisk.pipelines.service.desk.reviews import AuditView, Decided, ReviewsView, ToSign
from minerisk.pipelines.service.desk.runs import path_in
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of

router = APIRouter(tags=["reviews"])
DOSSIER = "sandbox; default-src 'none'; style-src 'unsafe-inline'; img-src 'self' data:"
"""Pages of a dossier have their own style within, and no script."""


@router.get("/api/runs/{run}/reviews")
def list_reviews(request: Request, run: Id) -> ReviewsView:
    """List the decisions on a run, and what is under way."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return reviews.reviews_of(desk, session, caller_of(request), run, texts_of(request))


@router.post("/api/runs/{run}/reviews/to-sign")
def to_sign(request: Request, run: Id, decided: Decided) -> ToSign:
    """Return the bytes of a decision, to be signed where the key is."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return reviews.to_sign(desk, session, caller_of(request), run, decided)


@router.post("/api/runs/{run}/reviews", status_code=202)
def decide(request: Request, run: Id, decided: Decided) -> ReviewsView:
    """Approve (after an audit), reject or withdraw (at once)."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        reviews.decide_on(desk, session, caller, run, decided)
    with desk.store.read() as session:
        return reviews.reviews_of(desk, session, caller, run, texts_of(request))


@router.post("/api/runs/{run}/audits", status_code=202)
def start_audit(request: Request, run: Id) -> AuditView:
    """Have a run verified, and its dossier written, by another process."""
    desk = desk_of(request)
    with desk.store.write() as session:
        return reviews.start_audit(desk, session, caller_of(request), run, texts_of(request))


@router.get("/api/runs/{run}/audits/{audit}")
def show_audit(request: Request, run: Id, audit: Id) -> AuditView:
    """Tell what an audit found."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return reviews.audit_of(desk, session, caller_of(request), run, audit, texts_of(request))


@router.get("/api/runs/{run}/audits/{audit}/dossier/{name:path}")
def show_dossier(
    request: Request, run: Id, audit: Id, name: Annotated[str, Path(max_length=300)]
) -> FileResponse:
    """Return a page or file of the dossier of an audit."""
    desk = desk_of(request)
    with desk.store.read() as session:
        reviews.audit_of(desk, session, caller_of(request), run, audit, texts_of(request))
    path = path_in(desk.settings.dossiers / audit / "dossier", name)
    return FileResponse(path, headers={"Content-Security-Policy": DOSSIER})
