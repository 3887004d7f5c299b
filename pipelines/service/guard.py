"""Stands before every address: who calls, may they, is the call their own, is it too much."""

import base64
from dataclasses import dataclass

from fastapi import Request
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.messages import LANGUAGES, Texts, texts
from minerisk.pipelines.service.accounts.access import RULES, STRONG, Role, Rule, Scope
from minerisk.pipelines.service.accounts.people import account_named, all_roles, waiting_roles
from minerisk.pipelines.service.accounts.secrets import form_word, same
from minerisk.pipelines.service.accounts.sessions import (
    find_session,
    find_token,
    note_use,
    rotate,
)
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.wire import COOKIE

LANGUAGE = "__Host-desk-language"
"""Cookie of the language that a reader chose on a page; it tells nothing else."""
FORM = "x-desk-form"
PROXY, PROXY_USER = "x-desk-proxy", "x-desk-user"
CHANGES = {"POST", "PUT", "PATCH", "DELETE"}
NO_RULE = Rule()
HEALTH, METRICS = "/api/health", "/api/metrics"


@dataclass(frozen=True)
class Identified:
    """Who calls, and by what they are known.

    Attributes
    ----------
    scopes
        Of a token; None where it is a person.
    by_cookie
        Whether the browser sent it by itself, so that the call must prove to be the page's.
    waits
        Roles of theirs that wait for a second factor.
    first
        Whether they have yet to choose a password of their own.
    """

    caller: Caller
    scopes: frozenset[Scope] | None = None
    by_cookie: bool = False
    waits: frozenset[Role] = frozenset()
    first: bool = False


def desk_of(request: Request) -> Desk:
    """Return the desk that a call is for."""
    desk: Desk = request.app.state.desk
    return desk


def caller_of(request: Request) -> Caller:
    """Return who calls; `guard` has let them through."""
    caller: Caller = request.state.caller
    return caller


def texts_of(request: Request) -> Texts:
    """Return the words in the language that a reader chose or a call asks for, or the desk's."""
    chosen = request.cookies.get(LANGUAGE, "")
    if chosen in LANGUAGES:
        return texts(chosen)
    for part in request.headers.get("accept-language", "").lower().split(","):
        code = part.split(";")[0].strip()[:2]
        if code in LANGUAGES:
            return texts(code)
    return texts(desk_of(request).settings.language)


def guard(request: Request) -> None:
    """Let a call through, or refuse it: by the table of rules, and by nothing else.

    Raises
    ------
    RefusedError
        If nobody is signed in, the role or the token does not reach, the call is not the page's
        own, or too many came.
    """
    desk = desk_of(request)
    _refuse_beside_proxy(desk, request)
    address = _address(request)
    if address == METRICS:
        _refuse_metrics(desk, request)
        return
    rule = RULES.get(f"{request.method} {address}", NO_RULE)
    found = identify(desk, request)
    request.state.caller = found.caller
    who = found.caller.account_id or (request.client.host if request.client else "")
    wait = desk.pace.wait_for(who, desk.settings.limits.calls_a_minute)
    if wait:
        raise RefusedError(DeskCode.TOO_MANY)
    _refuse(rule, found)
    if request.method in CHANGES:
        _refuse_foreign(request, found)


def _address(request: Request) -> str:
    """Give the address called, as it is written in the table."""
    return str(request.scope["route"].path)


def _refuse_beside_proxy(desk: Desk, request: Request) -> None:
    """Refuse a call that did not come through the proxy, where it is known by a secret.

    Only the line from the proxy is known to be kept from others; all may ask whether it answers.
    """
    if desk.proxy_secret is None or _address(request) == HEALTH:
        return
    if not same(request.headers.get(PROXY, ""), desk.proxy_secret):
        raise RefusedError(DeskCode.NOT_ALLOWED)


def _refuse_metrics(desk: Desk, request: Request) -> None:
    """Refuse numbers to whoever lacks the secret: to them, there are none."""
    kind, _, word = request.headers.get("authorization", "").partition(" ")
    wait = desk.pace.wait_for("metrics", desk.settings.limits.calls_a_minute)
    secret = desk.metrics_secret
    if wait or secret is None or kind.lower() != "bearer" or not same(word, secret):
        raise RefusedError(DeskCode.NOT_FOUND)


def identify(desk: Desk, request: Request) -> Identified:
    """Find out who calls: by token, by proxy or by session."""
    with desk.store.read() as session:
        found, late = _identify(desk, session, request)
    word = found.caller.word
    if word is not None and late is not None:
        with desk.store.write() as session:
            note_use(session, word, at=desk.clock())
            fresh = rotate(session, word, desk.settings.limits, at=desk.clock()) if late else None
        if fresh is not None:
            request.state.fresh = fresh
    return found


def _identify(desk: Desk, session: Session, request: Request) -> tuple[Identified, bool | None]:
    stated = request.headers.get("authorization", "")
    if stated:
        return _by_token(desk, session, _token_in(stated)), None
    proxy = desk.settings.proxy
    if proxy is not None and proxy.identity:
        return _by_proxy(desk, session, request), None
    cookie = request.cookies.get(COOKIE)
    held = None
    if cookie is not None:
        held = find_session(session, cookie, desk.settings.limits, at=desk.clock())
    if held is None or cookie is None:
        return Identified(_nobody(desk)), None
    account = held.account
    first = account.first_until is not None
    waits = frozenset() if held.strong else waiting_roles(account, desk.settings)
    roles = frozenset() if first else all_roles(account) - waits
    caller = Caller(account.id, account.name, roles, cookie, account.issuer is not None)
    found = Identified(caller, by_cookie=True, waits=waits, first=first)
    return found, held.rotates if held.rotates or held.unseen else None


def _token_in(stated: str) -> str:
    """Return the token that a header states: as such, or as the password of a program.

    The store of QGIS hands names and passwords to GDAL, and no other header; the name is ignored.
    """
    kind, _, word = stated.partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(word, validate=True).decode().partition(":")[2]
        except ValueError:
            return ""
    return word if kind.lower() == "bearer" else ""


def _by_token(desk: Desk, session: Session, word: str) -> Identified:
    held = find_token(session, word, at=desk.clock()) if word else None
    if held is None:
        raise RefusedError(DeskCode.NOT_SIGNED_IN)
    account, scopes = held
    caller = Caller(account.id, account.name, all_roles(account) - STRONG)
    return Identified(caller, scopes)


def _by_proxy(desk: Desk, session: Session, request: Request) -> Identified:
    """Take the account that a trusted proxy names; it has checked a second factor, if any."""
    account = account_named(session, request.headers.get(PROXY_USER, ""))
    if account is None or not account.active:
        return Identified(_nobody(desk))
    caller = Caller(account.id, account.name, all_roles(account))
    return Identified(caller, by_cookie=True)


def _nobody(desk: Desk) -> Caller:
    return Caller(roles=frozenset({Role.PUBLIC}) if desk.settings.public else frozenset())


def _refuse(rule: Rule, found: Identified) -> None:
    caller, scopes = found.caller, found.scopes
    if rule.anyone:
        return
    if found.first and not rule.first:
        raise RefusedError(DeskCode.FIRST_PASSWORD)
    if scopes is not None and (rule.scope is None or rule.scope not in scopes):
        raise RefusedError(DeskCode.NOT_ALLOWED)
    if rule.signed_in and caller.account_id is not None:
        return
    if not rule.roles & caller.roles:
        if caller.account_id is None:
            raise RefusedError(DeskCode.NOT_SIGNED_IN)
        waiting = bool(rule.roles & found.waits)
        needed = DeskCode.PROVIDER_FACTOR if caller.elsewhere else DeskCode.CODE_NEEDED
        raise RefusedError(needed if waiting else DeskCode.NOT_ALLOWED)


def _refuse_foreign(request: Request, found: Identified) -> None:
    """Refuse a change that another page had the browser send."""
    site = request.headers.get("sec-fetch-site", "same-origin")
    if site not in {"same-origin", "none"}:
        raise RefusedError(DeskCode.FORM_STALE)
    if not found.by_cookie:
        return
    word = found.caller.word
    expected = form_word(word) if word is not None else "1"  # by proxy: the header alone
    if not same(request.headers.get(FORM, ""), expected):
        raise RefusedError(DeskCode.FORM_STALE)
