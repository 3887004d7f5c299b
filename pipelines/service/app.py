"""The application: addresses, the guard before them, and what every answer bears."""

import logging
import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from anyio.to_thread import current_default_thread_limiter
from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import InterfaceError, OperationalError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.routing import compile_path

from minerisk.features.errors import MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.service.accounts.access import RULES
from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.errors import (
    PROBLEM_JSON,
    RETRY_S,
    STATUS,
    RefusedError,
    Standard,
    notice_of,
    problem,
)
from minerisk.pipelines.service.guard import guard, texts_of
from minerisk.pipelines.service.logs import tell_refusal
from minerisk.pipelines.service.ogc import execution, features, landing, processes, stac
from minerisk.pipelines.service.pages import asked, deciding, elsewhere, land, people, shell
from minerisk.pipelines.service.pages import returned as returned_pages
from minerisk.pipelines.service.routes import (
    administration,
    areas,
    public,
    requests,
    results,
    returned,
    reviews,
    runs,
    session,
)
from minerisk.pipelines.service.settings import first_fault
from minerisk.pipelines.service.store.database import first_line
from minerisk.pipelines.service.tiles import router as tiles
from minerisk.pipelines.service.wire import HEADERS, MB, UPLOADS, Wire

DOORS = ("/api/ogc", "/api/stac")
"""Addresses that keep to standards, by which a call that is not as described is 400."""

THREADS = 12
"""Calls that are answered at a time."""

log = logging.getLogger(__name__)


def create_app(desk: Desk) -> FastAPI:
    """Make the application of a desk."""
    app = FastAPI(
        title="minerisk request desk",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(guard)],
        lifespan=_few_threads,
    )
    app.state.desk = desk
    for part in (
        session, runs, areas, requests, results, returned, reviews, administration, public,
    ):  # fmt: skip
        app.include_router(part.router)
    for door in (landing, processes, execution, features, stac):
        app.include_router(door.router)
    for page in (land, asked, people, elsewhere, deciding, returned_pages, tiles):
        app.include_router(page.router)
    app.add_exception_handler(Exception, _fault)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(MineriskError, _refused)
    app.add_exception_handler(RequestValidationError, _body_wrong)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(InterfaceError, _busy)
    app.add_exception_handler(HTTPException, _other)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(desk.settings.names))
    app.add_middleware(Wire, limits=desk.settings.limits, answers=desk.answers)
    return app


def _answer(
    request: Request,
    notice: DeskNotice,
    choices: tuple[str, ...] = (),
    standard: Standard | None = None,
) -> Response:
    status = STATUS.get(notice.code, 422) if standard is None else standard.status
    tell_refusal(request, status, notice.code)
    if shell.wants_page(request):
        return shell.refusal(request, notice, choices)
    found = problem(notice, texts_of(request), choices, standard)
    headers = dict(HEADERS)
    if found.status in {429, 503}:
        headers |= {"Retry-After": str(RETRY_S)}
    if found.status == 408:
        headers |= {"Connection": "close"}  # the rest of the body is not waited for
    if found.status == 401:
        headers |= {"WWW-Authenticate": 'Bearer realm="minerisk"'}
    if notice.code is DeskCode.METHOD_WRONG:
        headers |= {"Allow": ", ".join(choices)}
    if notice.code is DeskCode.RANGE_WRONG:
        (size,) = notice.values.values()
        headers |= {"Content-Range": f"bytes */{size}"}
    return JSONResponse(
        found.model_dump(mode="json"), found.status, headers, media_type=PROBLEM_JSON
    )


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError):
        return _answer(request, error.notice, error.choices, error.standard)
    return _answer(request, notice_of(error))


async def _body_wrong(request: Request, error: Exception) -> Response:
    place, why = "", str(error)
    if isinstance(error, RequestValidationError):
        place, why = first_fault(error)
    standard = Standard(400) if request.url.path.startswith(DOORS) else None
    notice = desk_notice(DeskCode.BODY_WRONG, place=place, why=why)
    return _answer(request, notice, standard=standard)


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("the database does not answer: %s", first_line(error))
    return _answer(request, desk_notice(DeskCode.BUSY))


async def _other(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 413:
        limits = request.app.state.desk.settings.limits
        most = (
            limits.upload_bytes if UPLOADS.fullmatch(request.url.path) else limits.body_bytes
        ) / MB
        return _answer(request, desk_notice(DeskCode.BODY_TOO_LARGE, most=most))
    if status == 408:
        return _answer(request, desk_notice(DeskCode.BODY_TOO_SLOW))
    if status == 405:
        methods = _methods_at(request.url.path)
        notice = desk_notice(DeskCode.METHOD_WRONG, method=request.method)
        return _answer(request, notice, methods)
    if status == 404:
        return _answer(request, desk_notice(DeskCode.NOT_FOUND))
    return _answer(request, desk_notice(DeskCode.BODY_WRONG, place="body", why="cannot be read"))


@asynccontextmanager
async def _few_threads(_: FastAPI) -> AsyncIterator[None]:
    """Answer few calls at a time, the others wait: each tile being made has several megabytes."""
    current_default_thread_limiter().total_tokens = THREADS
    yield


def _methods_at(path: str) -> tuple[str, ...]:
    """List the methods by which an address may be called."""
    rules = (rule.split() for rule in RULES)
    return tuple(method for method, place in rules if compile_path(place)[0].match(path))


async def _fault(request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.error("fault %s at %s %s", reference, request.method, request.url.path, exc_info=error)
    return _answer(request, desk_notice(DeskCode.FAULT, reference=reference))
