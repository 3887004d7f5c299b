"""What an administrator does: accounts, quotas, room on the disk; findings are not among it."""

import datetime as dt
import shutil
from collections.abc import Collection

from pydantic import Field
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from minerisk.features.errors import InputError
from minerisk.pipelines.language.desk_codes import DeskCode
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.accounts.access import GIVEN, Role
from minerisk.pipelines.service.accounts.people import (
    account_named,
    add_account,
    count_administrators,
    end_all,
    set_password,
)
from minerisk.pipelines.service.desk.access_log import export, first_broken, note
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.errors import RefusedError
from minerisk.pipelines.service.jobs.orders import JobState
from minerisk.pipelines.service.store.models import Account, Job

GB = 1_000_000_000
DAY_S = 86_400.0


class NewAccount(Record):
    """An account to be made."""

    name: str = Field(min_length=2, max_length=100)
    roles: tuple[Role, ...] = Field(min_length=1)
    password: str | None = Field(None, max_length=256)


class AccountChange(Record):
    """What is changed of an account; what is None stays."""

    roles: tuple[Role, ...] | None = None
    active: bool | None = None
    password: str | None = Field(None, max_length=256)
    drop_second_factor: bool = False
    end_sessions: bool = False
    requests_a_day: int | None = Field(None, ge=1, le=100_000)


class AccountView(Record):
    """An account, without any secret."""

    id: str
    name: str
    roles: tuple[Role, ...]
    active: bool
    second_factor: bool
    locked: bool
    first_until: dt.datetime | None = Field(
        description="until when the password that was given can be replaced; null where it was"
    )
    requests_a_day: int | None


class Status(Record):
    """How the desk is doing."""

    waiting: int
    running: int
    failed: int
    disk_left_gb: float
    accounts: int
    access_lines: int
    access_log_holds: bool = Field(description="whether every line follows from those before it")


def make(desk: Desk, session: Session, caller: Caller, given: NewAccount) -> Account:
    """Make an account.

    Raises
    ------
    RefusedError
        If the name is taken, or the password is weak.
    """
    _refuse_roles(given.roles)
    account = add_account(
        session, given.name, given.roles, given.password,
        at=desk.clock(), first_until=first_until(desk),
    )  # fmt: skip
    session.flush()
    note(session, caller.name, "make account", account.id, name=given.name, roles=given.roles)
    return account


def first_until(desk: Desk) -> float:
    """Return until when a password that is given now can be replaced by one of its owner's."""
    return desk.clock() + desk.settings.limits.first_password_days * DAY_S


def change(
    desk: Desk, session: Session, caller: Caller, name: str, given: AccountChange
) -> Account:
    """Change an account.

    Raises
    ------
    RefusedError
        If there is none, or no administrator would be left.
    """
    account = session.get(Account, name)
    if account is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    if given.roles is not None:
        _refuse_roles(given.roles)
        account.roles = sorted(given.roles)
    if given.active is not None:
        account.active = given.active
    if given.requests_a_day is not None:
        account.requests_a_day = given.requests_a_day
    if given.drop_second_factor:
        account.totp, account.totp_confirmed, account.totp_step = None, False, 0
    if given.password is not None:
        _refuse_elsewhere(account)
        set_password(session, account, given.password, first_until=first_until(desk))
    if given.password is not None or given.drop_second_factor or given.active is False:
        account.failed, account.locked_until = 0, 0.0
        end_all(session, account)
    if given.end_sessions:
        end_all(session, account)
    session.flush()
    if count_administrators(session) == 0:
        raise RefusedError(DeskCode.LAST_ADMINISTRATOR)
    note(
        session, caller.name, "change account", account.id,
        what=tuple(sorted(given.model_dump(exclude_defaults=True))),
    )  # fmt: skip
    return account


def known_account(session: Session, name: str) -> Account:
    """Return the account of a name that is given on the command line.

    Raises
    ------
    InputError
        If there is none.
    """
    account = account_named(session, name)
    if account is None:
        raise InputError(f"No account is named {name!r}. Make it with `minerisk desk account`.")
    return account


def give_password(desk: Desk, session: Session, name: str, password: str) -> None:
    """Give an account another password from the command line of the desk's own machine.

    Raises
    ------
    RefusedError
        If the password is weak, or a sign-in service checks the account.
    InputError
        If there is no such account.
    """
    account = known_account(session, name)
    _refuse_elsewhere(account)
    set_password(session, account, password, first_until=first_until(desk))
    account.failed, account.locked_until = 0, 0.0
    note(session, None, "change account", account.id, what=("password",))


def accounts(desk: Desk, session: Session) -> list[AccountView]:
    """List the accounts."""
    found = session.scalars(select(Account).order_by(Account.name))
    return [account_view(desk, account) for account in found]


def account_view(desk: Desk, account: Account) -> AccountView:
    """Describe an account."""
    return AccountView(
        id=account.id,
        name=account.name,
        roles=tuple(Role(name) for name in account.roles),
        active=account.active,
        second_factor=account.totp_confirmed,
        locked=account.locked_until > desk.clock(),
        first_until=None if account.first_until is None else time_of(account.first_until),
        requests_a_day=account.requests_a_day,
    )


def status(desk: Desk, session: Session) -> Status:
    """Tell how the desk is doing."""
    counted = {
        state: session.scalar(select(func.count()).select_from(Job).where(Job.state == state)) or 0
        for state in (JobState.WAITING, JobState.RUNNING, JobState.FAILED)
    }
    lines = list(export(session))
    return Status(
        waiting=counted[JobState.WAITING],
        running=counted[JobState.RUNNING],
        failed=counted[JobState.FAILED],
        disk_left_gb=shutil.disk_usage(desk.settings.runs).free / GB,
        accounts=session.scalar(select(func.count()).select_from(Account)) or 0,
        access_lines=len(lines),
        access_log_holds=first_broken(iter(lines)) is None,
    )


def _refuse_roles(roles: Collection[Role]) -> None:
    if not set(roles) <= GIVEN:
        raise RefusedError(DeskCode.BODY_WRONG, place="roles", why="public is no role of accounts")


def _refuse_elsewhere(account: Account) -> None:
    """Refuse a second way into an account that a sign-in service checks."""
    if account.issuer is not None:
        why = "the sign-in service checks this account"
        raise RefusedError(DeskCode.BODY_WRONG, place="password", why=why)
