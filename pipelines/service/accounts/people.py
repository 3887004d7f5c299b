"""Accounts: made by an administrator, signed in with a password and a second factor."""

import re
import unicodedata
import uuid
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.service.accounts.access import GIVEN, STRONG, Role
from minerisk.pipelines.service.accounts.provider import Person
from minerisk.pipelines.service.accounts.secrets import (
    factor_step,
    hashed,
    is_outdated,
    is_password,
    is_weak,
    new_factor,
)
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.settings import Limits, Settings
from minerisk.pipelines.service.store.models import Account, SignedIn, Token

NAME = re.compile(r"[\w][\w .@+-]{0,98}[\w]", re.UNICODE)


@dataclass(frozen=True)
class Credentials:
    """What somebody signs in with."""

    name: str
    password: str
    code: str | None = None


def new_id() -> str:
    """Return a random name of a row."""
    return uuid.uuid4().hex


def add_account(
    session: Session,
    name: str,
    roles: Collection[Role],
    password: str | None,
    *,
    at: float,
    first_until: float | None = None,
) -> Account:
    """Make an account; without a password it is for sign-in by a proxy only.

    A password with `first_until` lets its owner choose another until then, and do nothing else.

    Raises
    ------
    RefusedError
        If the name is taken or none, or the password is weak.
    """
    if NAME.fullmatch(name) is None or not set(roles) <= GIVEN:
        raise RefusedError(DeskCode.BODY_WRONG, place="name", why="2 to 100 letters and digits")
    if account_named(session, name) is not None:
        raise RefusedError(DeskCode.NAME_TAKEN, name=name)
    account = Account(
        id=new_id(), name=name, folded=folded(name), roles=sorted(roles), created_at=at
    )
    if password is not None:
        set_password(session, account, password, first_until=first_until)
    session.add(account)
    return account


def account_named(session: Session, name: str) -> Account | None:
    """Find an account by its name, in capitals or small letters."""
    return session.scalars(select(Account).where(Account.folded == folded(name))).one_or_none()


def folded(name: str) -> str:
    """Return what is the same for all spellings of a name; databases fold ASCII letters only."""
    plain = unicodedata.normalize("NFKC", name).casefold().replace("i\u0307", "i")
    return unicodedata.normalize("NFKC", plain.replace("\u0131", "i"))  # İ, I, ı and i are alike


def set_password(
    session: Session, account: Account, password: str, *, first_until: float | None = None
) -> None:
    """Set a password, and end whatever was signed in with the one before.

    One that somebody else chose has `first_until`: until then it lets its owner choose another.

    Raises
    ------
    RefusedError
        If it is weak.
    """
    if is_weak(password, account.name):
        raise RefusedError(DeskCode.PASSWORD_WEAK)
    account.password = hashed(password)
    account.first_until = first_until
    end_all(session, account)


def end_all(session: Session, account: Account) -> None:
    """End every session and token of an account."""
    end_sessions(session, account)
    session.execute(delete(Token).where(Token.account_id == account.id))


def end_sessions(session: Session, account: Account) -> None:
    """End every session of an account; its tokens stay."""
    session.execute(delete(SignedIn).where(SignedIn.account_id == account.id))


def prove(account: Account, password: str | None, limits: Limits, *, at: float) -> DeskCode | None:
    """Have somebody who is signed in give their password again; what fails is counted.

    Returns
    -------
    DeskCode or None
        The code tells why not. It is returned, not raised, so that the count is kept.
    """
    if account.password is None:  # who they are is checked elsewhere
        return None
    if account.locked_until > at:
        return DeskCode.LOCKED_OUT
    if is_password(password or "", account.password):
        return None
    _count_failure(account, limits, at)
    return DeskCode.CREDENTIALS_WRONG


def start_factor(account: Account) -> str:
    """Give an account a new second factor, to be confirmed with a code of it."""
    account.totp, account.totp_confirmed, account.totp_step = new_factor(), False, 0
    return account.totp


def confirm_factor(account: Account, code: str, *, at: float) -> None:
    """Confirm a second factor with its first code.

    Raises
    ------
    RefusedError
        If the code is wrong.
    """
    step = None
    if account.totp is not None:
        step = factor_step(account.totp, code, now=at, after=account.totp_step)
    if step is None:
        raise RefusedError(DeskCode.CODE_WRONG)
    account.totp_confirmed, account.totp_step = True, step


def try_sign_in(
    session: Session, given: Credentials, limits: Limits, *, at: float
) -> Account | DeskCode:
    """Check a name, a password and a code; count what fails, and lock after several.

    Returns
    -------
    Account or DeskCode
        The code tells why not. It is returned, not raised, so that the count is kept.
    """
    account = account_named(session, given.name)
    if account is None or not account.active:
        is_password(given.password, None)
        return DeskCode.CREDENTIALS_WRONG
    if account.locked_until > at:
        return DeskCode.LOCKED_OUT
    right = is_password(given.password, account.password)
    if right and account.totp is not None and account.totp_confirmed:
        step = factor_step(account.totp, given.code or "", now=at, after=account.totp_step)
        right = step is not None
        account.totp_step = account.totp_step if step is None else step
    if not right:
        _count_failure(account, limits, at)
        return DeskCode.CREDENTIALS_WRONG
    account.failed = 0
    if is_over(account, at=at):
        return DeskCode.FIRST_PASSWORD_OVER
    if is_outdated(account.password):
        account.password = hashed(given.password)
    return account


def is_over(account: Account, *, at: float) -> bool:
    """Tell whether an account has a first password that was not replaced in time."""
    return account.first_until is not None and account.first_until < at


def welcome(session: Session, person: Person, *, at: float) -> Account | DeskCode:
    """Find or make the account of somebody whom the sign-in service knows; their roles are its.

    An account is found by what the service never gives to somebody else, and not by its name:
    whoever has the name of a local account there does not become its owner.

    Returns
    -------
    Account or DeskCode
        The code tells why not. It is returned, not raised, so that roles that were taken away
        are.

    Raises
    ------
    RefusedError
        If the account would be new, and its name is taken or none.
    """
    found = select(Account).where(
        Account.issuer == person.issuer, Account.subject == person.subject
    )
    account = session.scalars(found).one_or_none()
    if account is None and not person.roles:
        return DeskCode.PROVIDER_ROLE
    if account is None:
        account = add_account(session, person.name, person.roles, None, at=at)
        account.issuer, account.subject = person.issuer, person.subject
        session.flush()
    if not account.active:
        return DeskCode.CREDENTIALS_WRONG
    account.roles = sorted(person.roles)
    if not person.roles:
        end_all(session, account)
        return DeskCode.PROVIDER_ROLE
    return account


def all_roles(account: Account) -> frozenset[Role]:
    """Return the roles of an account, whether they count now or not."""
    return frozenset(Role(name) for name in account.roles)


def waiting_roles(account: Account, settings: Settings) -> frozenset[Role]:
    """Return the roles that count only after a second factor."""
    roles = all_roles(account)
    return roles if settings.second_factor == "everybody" else roles & STRONG


def lacks_factor(account: Account, settings: Settings) -> bool:
    """Tell whether an account has yet to set up a second factor here, and not at a service."""
    elsewhere = account.issuer is not None
    return bool(waiting_roles(account, settings)) and not elsewhere and not account.totp_confirmed


def count_administrators(session: Session) -> int:
    """Count the administrators that can sign in."""
    accounts = session.scalars(select(Account).where(Account.active))
    return sum(Role.ADMINISTRATOR in account.roles for account in accounts)


def _count_failure(account: Account, limits: Limits, at: float) -> None:
    account.failed += 1
    if account.failed >= limits.attempts:
        account.failed, account.locked_until = 0, at + limits.locked_seconds
