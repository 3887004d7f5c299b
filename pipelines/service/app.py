"""The application: addresses, the guard before them, and what every answer bears."""

import logging
import secrets

from fastapi import Depends, FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from sqlalchemy.exc import OperationalError
from starlette.exceptions import HTTPException
from starlette.middleware.trustedhost import TrustedHostMiddleware

from minerisk.features.errors import MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.errors import PROBLEM_JSON, RETRY_S, RefusedError, problem
from minerisk.pipelines.service.guard import guard, texts_of
from minerisk.pipelines.service.pages import asked, deciding, land, people, shell
from minerisk.pipelines.service.routes import (
    administration,
    areas,
    public,
    requests,
    results,
    reviews,
    runs,
    session,
)
from minerisk.pipelines.service.settings import first_fault
from minerisk.pipelines.service.tiles import router as tiles
from minerisk.pipelines.service.wire import HEADERS, MB, UPLOADS, Wire

log = logging.getLogger(__name__)


def create_app(desk: Desk) -> FastAPI:
    """Make the application of a desk."""
    app = FastAPI(
        title="minerisk request desk",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        dependencies=[Depends(guard)],
    )
    app.state.desk = desk
    for part in (session, runs, areas, requests, results, reviews, administration, public):
        app.include_router(part.router)
    for page in (land, asked, people, deciding, tiles):
        app.include_router(page.router)
    app.add_exception_handler(Exception, _fault)
    app.add_exception_handler(RefusedError, _refused)
    app.add_exception_handler(MineriskError, _refused)
    app.add_exception_handler(RequestValidationError, _body_wrong)
    app.add_exception_handler(OperationalError, _busy)
    app.add_exception_handler(HTTPException, _other)
    app.add_middleware(TrustedHostMiddleware, allowed_hosts=list(desk.settings.names))
    app.add_middleware(Wire, limits=desk.settings.limits)
    return app


def _answer(request: Request, notice: DeskNotice, choices: tuple[str, ...] = ()) -> Response:
    if shell.wants_page(request):
        return shell.refusal(request, notice, choices)
    found = problem(notice, texts_of(request), choices)
    headers = dict(HEADERS)
    if found.status in {429, 503}:
        headers["Retry-After"] = str(RETRY_S)
    if found.status == 401:
        headers["WWW-Authenticate"] = 'Bearer realm="minerisk"'
    return JSONResponse(
        found.model_dump(mode="json"), found.status, headers, media_type=PROBLEM_JSON
    )


async def _refused(request: Request, error: Exception) -> Response:
    if isinstance(error, RefusedError):
        return _answer(request, error.notice, error.choices)
    return _answer(request, desk_notice(DeskCode.ASKED_REFUSED, why=str(error)))


async def _body_wrong(request: Request, error: Exception) -> Response:
    place, why = "", str(error)
    if isinstance(error, RequestValidationError):
        place, why = first_fault(error)
    return _answer(request, desk_notice(DeskCode.BODY_WRONG, place=place, why=why))


async def _busy(request: Request, error: Exception) -> Response:
    log.warning("the database does not answer: %s", str(error).splitlines()[0])
    return _answer(request, desk_notice(DeskCode.BUSY))


async def _other(request: Request, error: Exception) -> Response:
    status = error.status_code if isinstance(error, HTTPException) else 404
    if status == 413:
        limits = request.app.state.desk.settings.limits
        most = (limits.upload_bytes if request.url.path in UPLOADS else limits.body_bytes) / MB
        return _answer(request, desk_notice(DeskCode.BODY_TOO_LARGE, most=most))
    if status in {404, 405}:
        return _answer(request, desk_notice(DeskCode.NOT_FOUND))
    return _answer(request, desk_notice(DeskCode.BODY_WRONG, place="body", why="cannot be read"))


async def _fault(request: Request, error: Exception) -> Response:
    reference = secrets.token_hex(4)
    log.error("fault %s at %s %s", reference, request.method, request.url.path, exc_info=error)
    return _answer(request, desk_notice(DeskCode.FAULT, reference=reference))
