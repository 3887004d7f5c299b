"""Accounts, the access log and the state of the desk: for administrators."""

from fastapi import APIRouter, Request, Response

from minerisk.pipelines.service.addresses import LongId
from minerisk.pipelines.service.desk import administration
from minerisk.pipelines.service.desk.access_log import export, note
from minerisk.pipelines.service.desk.administration import (
    AccountChange,
    AccountView,
    NewAccount,
    Status,
)
from minerisk.pipelines.service.desk.metrics import TEXT, metrics
from minerisk.pipelines.service.guard import caller_of, desk_of

router = APIRouter(tags=["administration"])


@router.get("/api/accounts")
def list_accounts(request: Request) -> list[AccountView]:
    """List the accounts."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return administration.accounts(desk, session)


@router.post("/api/accounts", status_code=201)
def make_account(request: Request, given: NewAccount) -> AccountView:
    """Make an account."""
    desk = desk_of(request)
    with desk.store.write() as session:
        account = administration.make(desk, session, caller_of(request), given)
        return administration.account_view(desk, account)


@router.patch("/api/accounts/{account}")
def change_account(request: Request, account: LongId, given: AccountChange) -> AccountView:
    """Change roles, quota or password of an account, or close it."""
    desk = desk_of(request)
    with desk.store.write() as session:
        row = administration.change(desk, session, caller_of(request), account, given)
        return administration.account_view(desk, row)


@router.get("/api/access-log")
def export_log(request: Request) -> Response:
    """Export the access log: a line a record, each chained to the one before."""
    desk = desk_of(request)
    with desk.store.write() as session:
        note(session, caller_of(request).name, "export access log", "")
        lines = "".join(export(session))
    return Response(lines, media_type="application/x-ndjson")


@router.get("/api/status")
def show_status(request: Request) -> Status:
    """Tell how the desk is doing."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return administration.status(desk, session)


@router.get("/api/metrics", include_in_schema=False)
def show_metrics(request: Request) -> Response:
    """Return numbers for a monitoring system."""
    desk = desk_of(request)
    with desk.store.read() as session:
        return Response(metrics(desk, session), headers={"Content-Type": TEXT})
