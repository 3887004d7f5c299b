"""Requests: checked, asked, followed, shared, cancelled."""

from fastapi import APIRouter, Request

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk import requests
from minerisk.pipelines.service.desk.checks import Check
from minerisk.pipelines.service.desk.requests import Asked, Changed, RequestView
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of

router = APIRouter(tags=["requests"])


@router.post("/api/runs/{run}/check")
def check(request: Request, run: Id, asked: Asked) -> Check:
    """Tell what an answer would be about, before it is asked for."""
    if asked.run != run:
        raise RefusedError(DeskCode.BODY_WRONG, place="run", why="another run than the address")
    desk = desk_of(request)
    with desk.store.read() as session:
        return requests.check_request(desk, session, caller_of(request), asked, texts_of(request))


@router.post("/api/requests", status_code=202)
def ask(request: Request, asked: Asked) -> RequestView:
    """Ask; the answer is worked on by another process, and the same is done once."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.write() as session:
        made = requests.ask(desk, session, caller, asked)
        return requests.view(desk, session, caller, made, texts)


@router.get("/api/requests")
def list_requests(request: Request) -> list[RequestView]:
    """List own and shared requests, newest first."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        return requests.views(desk, session, caller, texts)


@router.get("/api/requests/{asked}")
def show(request: Request, asked: Id) -> RequestView:
    """Tell how far a request is, and what became of it."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        found = requests.find_request(session, caller, asked)
        return requests.view(desk, session, caller, found, texts)


@router.patch("/api/requests/{asked}")
def change(request: Request, asked: Id, changed: Changed) -> RequestView:
    """Change note or sharing of an own request."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.write() as session:
        found = requests.change(session, caller, asked, changed)
        return requests.view(desk, session, caller, found, texts)


@router.delete("/api/requests/{asked}")
def dismiss(request: Request, asked: Id) -> RequestView:
    """Cancel an own request."""
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.write() as session:
        found = requests.dismiss(desk, session, caller, asked)
        session.flush()
        return requests.view(desk, session, caller, found, texts)
