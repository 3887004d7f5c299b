"""Signing in and out, the second factor, and tokens of programs."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Request, Response
from pydantic import Field
from sqlalchemy import select

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.language.messages import LANGUAGES
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.accounts.access import Role, Scope
from minerisk.pipelines.service.accounts.people import (
    Credentials,
    confirm_factor,
    end_sessions,
    lacks_factor,
    prove,
    set_password,
    start_factor,
    try_sign_in,
    waiting_roles,
)
from minerisk.pipelines.service.accounts.secrets import digest, factor_address, form_word
from minerisk.pipelines.service.accounts.sessions import (
    MOST_DAYS,
    add_token,
    end_old,
    end_session,
    open_session,
    sessions_of,
)
from minerisk.pipelines.service.addresses import Id
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.guard import caller_of, desk_of
from minerisk.pipelines.service.store.models import Account, Token
from minerisk.pipelines.service.wire import cookie, signed_out

router = APIRouter(tags=["session"])
Words = Annotated[str, Field(max_length=256)]


class SignIn(Record):
    """What somebody signs in with."""

    name: Words
    password: Words
    code: Annotated[str, Field(max_length=6)] | None = None


class SessionView(Record):
    """Who is signed in, and what a page needs to speak for them."""

    name: str | None
    roles: tuple[Role, ...]
    form: str | None = Field(None, description="send it back as X-Desk-Form with each change")
    second_factor: bool = Field(False, description="whether a role waits for a second factor")
    first_password: bool = Field(
        False, description="whether a password has to be chosen before anything else"
    )
    languages: dict[str, str]
    public: bool


class NewPassword(Record):
    """The password now, and the next one."""

    old: Words
    new: Words


class Password(Record):
    """The password once more; accounts that are checked elsewhere have none."""

    password: Words | None = None


class OpenSession(Record):
    """Where an account is signed in."""

    created_at: dt.datetime
    seen_at: dt.datetime
    second_factor: bool
    own: bool = Field(description="whether it is the session that asks")


class Code(Record):
    """A code of the second factor."""

    code: Annotated[str, Field(max_length=6)]


class Factor(Record):
    """A second factor that is being set up."""

    secret: str
    address: str = Field(description="for a QR code")


class NewToken(Record):
    """What a token is for."""

    title: Annotated[str, Field(min_length=1, max_length=200)]
    scopes: tuple[Scope, ...] = Field(min_length=1)
    days: int = Field(30, ge=1, le=MOST_DAYS)


class TokenView(Record):
    """A token; its word is shown once, when it is made."""

    id: str
    title: str
    scopes: tuple[Scope, ...]
    expires_at: dt.datetime
    word: str | None = None


@router.get("/api/session")
def who(request: Request) -> SessionView:
    """Tell who is signed in."""
    desk, caller = desk_of(request), caller_of(request)
    word = getattr(request.state, "fresh", None) or caller.word
    form = None if word is None else form_word(word)
    waits = first = False
    if caller.account_id is not None:
        with desk.store.read() as session:
            account = session.get_one(Account, caller.account_id)
            waits = lacks_factor(account, desk.settings)
            first = account.first_until is not None
    return SessionView(
        name=caller.name,
        roles=tuple(sorted(caller.roles)),
        form=form,
        second_factor=waits,
        first_password=first,
        languages=dict(LANGUAGES),
        public=desk.settings.public,
    )


@router.post("/api/session")
def sign_in(request: Request, response: Response, given: SignIn) -> SessionView:
    """Sign in with name, password and, where one is set up, the code of a second factor."""
    desk, known = desk_of(request), caller_of(request)
    credentials = Credentials(given.name, given.password, given.code)
    if desk.settings.proxy is not None and desk.settings.proxy.identity:
        raise RefusedError(DeskCode.NOT_ALLOWED)
    with desk.store.write() as session:
        end_old(session, desk.settings.limits, at=desk.clock())
        found = try_sign_in(session, credentials, desk.settings.limits, at=desk.clock())
        if isinstance(found, Account):
            if known.word is not None:
                end_session(session, known.word)
            strong = found.totp_confirmed
            word = open_session(session, found, strong=strong, at=desk.clock())
            note(session, found.name, "sign in", found.id)
        else:
            note(session, None, "sign in refused", "", name=given.name[:100])
    if not isinstance(found, Account):
        raise RefusedError(found)
    response.headers["Set-Cookie"] = cookie(word)
    return SessionView(
        name=found.name,
        roles=tuple(sorted(Role(name) for name in found.roles)),
        form=form_word(word),
        second_factor=not strong and bool(waiting_roles(found, desk.settings)),
        first_password=found.first_until is not None,
        languages=dict(LANGUAGES),
        public=desk.settings.public,
    )


@router.delete("/api/session", status_code=204)
def sign_out(request: Request, response: Response) -> None:
    """Sign out."""
    caller = caller_of(request)
    if caller.word is not None:
        with desk_of(request).store.write() as session:
            end_session(session, caller.word)
            note(session, caller.name, "sign out", caller.id)
    signed_out(response.headers)


@router.put("/api/session/password", status_code=204)
def change_password(request: Request, response: Response, given: NewPassword) -> None:
    """Change the own password; every session and token ends."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        account = session.get_one(Account, caller.id)
        if account.password is None:
            raise RefusedError(DeskCode.NOT_ALLOWED)
        wrong = prove(account, given.old, desk.settings.limits, at=desk.clock())
        if wrong is None:
            if given.new == given.old:
                raise RefusedError(DeskCode.PASSWORD_SAME)
            set_password(session, account, given.new)
            note(session, caller.name, "change password", caller.id)
    if wrong is not None:
        raise RefusedError(wrong)
    signed_out(response.headers)


@router.post("/api/session/second-factor")
def begin_factor(request: Request, given: Password) -> Factor:
    """Begin to set up a second factor; one that is set up is only changed by an administrator."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        account = session.get_one(Account, caller.id)
        if account.totp_confirmed or account.issuer is not None:
            raise RefusedError(DeskCode.NOT_ALLOWED)
        wrong = prove(account, given.password, desk.settings.limits, at=desk.clock())
        secret = "" if wrong is not None else start_factor(account)
    if wrong is not None:
        raise RefusedError(wrong)
    return Factor(secret=secret, address=factor_address(secret, caller.name or ""))


@router.put("/api/session/second-factor")
def end_factor(request: Request, response: Response, given: Code) -> SessionView:
    """Confirm a second factor with its first code: the session counts as signed in with it."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        account = session.get_one(Account, caller.id)
        if account.totp_confirmed or account.issuer is not None:
            raise RefusedError(DeskCode.NOT_ALLOWED)
        confirm_factor(account, given.code, at=desk.clock())
        end_sessions(session, account)  # also those that somebody else may have opened
        word = open_session(session, account, strong=True, at=desk.clock())
        note(session, caller.name, "set up second factor", caller.id)
    response.headers["Set-Cookie"] = cookie(word)
    return SessionView(
        name=account.name,
        roles=tuple(sorted(Role(name) for name in account.roles)),
        form=form_word(word),
        languages=dict(LANGUAGES),
        public=desk.settings.public,
    )


@router.get("/api/sessions")
def list_sessions(request: Request) -> list[OpenSession]:
    """List where the own account is signed in."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.read() as session:
        account = session.get_one(Account, caller.id)
        found = sessions_of(session, account, desk.settings.limits, at=desk.clock())
    own = {digest(word) for word in (caller.word, getattr(request.state, "fresh", None)) if word}
    return [
        OpenSession(
            created_at=time_of(row.created_at),
            seen_at=time_of(row.seen_at),
            second_factor=row.strong,
            own=row.digest in own,
        )
        for row in found
    ]


@router.post("/api/sessions/end", status_code=204)
def end_all_sessions(request: Request, response: Response, given: Password) -> None:
    """End every session of the own account, this one too."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        account = session.get_one(Account, caller.id)
        wrong = prove(account, given.password, desk.settings.limits, at=desk.clock())
        if wrong is None:
            end_sessions(session, account)
            note(session, caller.name, "end sessions", caller.id)
    if wrong is not None:
        raise RefusedError(wrong)
    signed_out(response.headers)


@router.get("/api/tokens")
def list_tokens(request: Request) -> list[TokenView]:
    """List the own tokens."""
    with desk_of(request).store.read() as session:
        own = select(Token).where(Token.account_id == caller_of(request).id)
        return [_view(token) for token in session.scalars(own)]


@router.post("/api/tokens", status_code=201)
def make_token(request: Request, given: NewToken) -> TokenView:
    """Make a token for a program; its word is in this answer and nowhere else."""
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        account = session.get_one(Account, caller.id)
        token, word = add_token(
            session, account, given.title, given.scopes, days=given.days, at=desk.clock()
        )
        note(session, caller.name, "make token", token.id, scopes=tuple(given.scopes))
    return _view(token, word)


@router.delete("/api/tokens/{token}", status_code=204)
def end_token(request: Request, token: Id) -> None:
    """End a token."""
    caller = caller_of(request)
    with desk_of(request).store.write() as session:
        row = session.get(Token, token)
        if row is None or row.account_id != caller.id:
            raise RefusedError(DeskCode.NOT_FOUND)
        session.delete(row)
        note(session, caller.name, "end token", token)


def _view(token: Token, word: str | None = None) -> TokenView:
    return TokenView(
        id=token.id,
        title=token.title,
        scopes=tuple(Scope(name) for name in token.scopes),
        expires_at=time_of(token.expires_at),
        word=word,
    )
