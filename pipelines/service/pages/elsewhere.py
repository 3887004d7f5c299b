"""Signing in with a sign-in service, and out of it: a browser goes there, and comes back."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import RedirectResponse

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.accounts.people import welcome
from minerisk.pipelines.service.accounts.provider import Flow, Person, Provider, Returned, plain
from minerisk.pipelines.service.accounts.secrets import new_word, same
from minerisk.pipelines.service.accounts.sessions import end_old, end_session, open_session
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of
from minerisk.pipelines.service.pages.shell import SIGN_IN, render
from minerisk.pipelines.service.store.models import Account
from minerisk.pipelines.service.wire import FLOW_COOKIE, cookie, flow_cookie

router = APIRouter(tags=["pages"], include_in_schema=False)
Words = Annotated[str | None, Query(max_length=4_096)]


@router.get("/sign-in/provider")
def begin(request: Request) -> Response:
    """Send a browser to the sign-in service."""
    word = new_word()
    answer = RedirectResponse(_provider(request).begin(word), 303)
    answer.headers.append("Set-Cookie", flow_cookie(word))
    return answer


@router.get("/sign-in/provider/back")
def back(
    request: Request,
    state: Words = None,
    code: Words = None,
    iss: Words = None,
    error: Words = None,
) -> Response:
    """Take a browser that comes back, and open a session for whom the service tells of."""
    provider, word = _provider(request), request.cookies.get(FLOW_COOKIE, "")
    if not word or not same(state or "", Flow.of(word).state):
        raise RefusedError(DeskCode.SIGN_IN_STALE)
    if error is not None or code is None:
        raise RefusedError(DeskCode.PROVIDER_REFUSED, why=plain(error))
    person = provider.person(word, Returned(code, iss), at=desk_of(request).clock())
    opened = _open(request, person)
    # A page, and no redirect: of a redirect that began elsewhere the Strict cookie is left out.
    answer = render(request, "signed_in.html.j2")
    answer.headers.append("Set-Cookie", cookie(opened))
    answer.headers.append("Set-Cookie", flow_cookie(""))
    return answer


@router.get("/sign-out/provider")
def end(request: Request) -> Response:
    """Send a browser that has signed out here to sign out of the service too."""
    return RedirectResponse(_provider(request).end() or SIGN_IN, 303)


def _open(request: Request, person: Person) -> str:
    """Open a session; return its word."""
    desk, known, opened = desk_of(request), caller_of(request), ""
    with desk.store.write() as session:
        end_old(session, desk.settings.limits, at=desk.clock())
        found = welcome(session, person, at=desk.clock())
        if isinstance(found, Account):
            if known.word is not None:
                end_session(session, known.word)
            opened = open_session(session, found, strong=person.strong, at=desk.clock())
            note(session, found.name, "sign in", found.id, roles=tuple(found.roles))
        else:
            note(session, None, "sign in refused", "", name=person.name[:100])
    if not isinstance(found, Account):
        raise RefusedError(found)
    return opened


def _provider(request: Request) -> Provider:
    provider = desk_of(request).provider
    if provider is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    return provider
