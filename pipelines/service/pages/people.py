"""Pages of people: signing in, the own account, accounts, the state of the desk."""

from fastapi import APIRouter, Request, Response
from fastapi.responses import RedirectResponse
from sqlalchemy import select

from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.service.accounts.access import GIVEN, Role, Scope
from minerisk.pipelines.service.accounts.people import lacks_factor
from minerisk.pipelines.service.desk import administration, results
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.pages.shell import render
from minerisk.pipelines.service.routes.session import list_sessions
from minerisk.pipelines.service.store.models import Account, Token

router = APIRouter(tags=["pages"], include_in_schema=False)


@router.get("/sign-in")
def sign_in(request: Request) -> Response:
    """Show where to sign in."""
    if caller_of(request).account_id is not None:
        return RedirectResponse("/", 303)
    settings = desk_of(request).settings
    provider = None if settings.oidc is None else settings.oidc.title
    return render(request, "sign_in.html.j2", public=settings.public, provider=provider)


@router.get("/account")
def own_account(request: Request) -> Response:
    """Show the own account: password, second factor, tokens."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.read() as session:
        account = session.get_one(Account, caller.id)
        own = list(session.scalars(select(Token).where(Token.account_id == caller.id)))
    return render(
        request,
        "account.html.j2",
        first=account.first_until is not None,
        waits=lacks_factor(account, desk.settings),
        factor=account.totp_confirmed or account.issuer is not None,
        password=account.password is not None,
        roles=[Role(name) for name in account.roles],
        sessions=list_sessions(request),
        tokens=[(token, time_of(token.expires_at)) for token in own],
        may_have_tokens=bool(caller.roles & {Role.MANAGER, Role.SCIENTIST}),
        scopes=list(Scope),
    )


@router.get("/accounts")
def accounts(request: Request) -> Response:
    """Show the accounts."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = administration.accounts(desk, session)
    limits = desk.settings.limits
    return render(
        request,
        "accounts.html.j2",
        found=found,
        roles=sorted(GIVEN),
        day=limits.requests_a_day,
        first_days=limits.first_password_days,
        now=time_of(desk.clock()),
    )


@router.get("/status")
def status(request: Request) -> Response:
    """Show how the desk is doing."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = administration.status(desk, session)
    return render(request, "status.html.j2", status=found, limits=desk.settings.limits)


@router.get("/public")
def public(request: Request) -> Response:
    """Show the coarsened packs of approved runs."""
    desk = desk_of(request)
    with desk.store.read() as session:
        found = results.public_results(desk, session, texts_of(request))
    return render(request, "public.html.j2", found=found)
