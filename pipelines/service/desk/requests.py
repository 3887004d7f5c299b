"""Requests: asked, listed, cancelled, shared; each is answered by a job that others may share."""

import datetime as dt
import shlex

from pydantic import Field
from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.predict.window import LEAST_SHARE
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.records.choices import Language
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.records.review import State
from minerisk.pipelines.request.titles import request_title
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.accounts.access import Role
from minerisk.pipelines.service.accounts.people import new_id
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.areas import area_path
from minerisk.pipelines.service.desk.checks import (
    Check,
    Given,
    check,
    measure,
    name_of,
    refuse_filters,
    seconds_of,
    with_area,
)
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.runs import Strip, strip_of, usable_run
from minerisk.pipelines.service.desk.staleness import Look, look_once, outdated
from minerisk.pipelines.service.errors import RefusedError, Said, said
from minerisk.pipelines.service.jobs.homes import with_home
from minerisk.pipelines.service.jobs.orders import (
    OVER,
    JobKind,
    JobState,
    Order,
    Outcome,
    job_key,
)
from minerisk.pipelines.service.jobs.queue import add_job, cancel, place_of
from minerisk.pipelines.service.store.models import Account, Area, Job, OfferedRun, Request

DAY_S = 86_400.0
MOST_LISTED = 500


class Asked(Record):
    """What a request asks: of which run, which land and filters, and which copy.

    Attributes
    ----------
    filters
        The record of the house, that the command line and ``request.json`` have too; its ``aoi``
        and ``layer`` stay empty here, since the file is on the desk: see `area`.
    """

    run: str = Field(description="id of a run on the desk")
    filters: Filters = Filters()
    area: str | None = Field(None, description="id of a file of polygons that was sent before")
    public: bool = Field(False, description="also a coarsened copy without findings")
    language: Language = Field("en", description="of report, legends and README")
    note: str = Field("", max_length=2_000)
    shared: bool = Field(False, description="whether every manager of the desk sees it")


class Changed(Record):
    """What may be changed of a request afterwards."""

    note: str | None = Field(None, max_length=2_000)
    shared: bool | None = None


class RequestView(Record):
    """A request, how far it is, and what became of it."""

    id: str
    run: str
    title: str
    note: str
    by: str
    own: bool
    shared: bool
    created_at: dt.datetime
    filters: Filters
    area: str | None
    public: bool
    language: Language
    state: JobState
    place: int | None = Field(None, description="requests before it, while it waits")
    step: int = 0
    steps: int = 0
    seconds: float | None = Field(None, description="that such answers took")
    finished_at: dt.datetime | None = None
    why: Said | None = Field(None, description="why it failed, was cancelled, or is done again")
    strip: Strip
    usable: bool = Field(description="whether its result may be looked at now")
    drawn: bool = Field(
        False, description="whether its maps may be looked at, while the rest is being done"
    )
    outdated: tuple[Said, ...] = Field((), description="what has changed since")
    record: str | None = Field(None, description="id in request.json")
    cells: int | None = None
    hectares: float | None = None
    command: str = Field(description="the same on the command line")


def ask(desk: Desk, session: Session, caller: Caller, asked: Asked) -> Request:
    """Write down a request, and have it answered.

    Raises
    ------
    RefusedError
        If the run may not be asked, the land is not one, or the account has asked enough.
    """
    row, run = usable_run(desk, session, caller, asked.run)
    given = given_area(desk, session, caller, asked)
    filters = with_area(asked.filters, given)
    refuse_filters(run, filters)
    land = measure(run, filters, desk.settings.limits)
    if not filters.clip and land.outside > 1 - LEAST_SHARE:
        raise RefusedError(DeskCode.AREA_PARTLY_OUTSIDE, share=land.outside)
    _refuse_more(desk, session, caller)
    order, name = order_of(session, asked, row, run), name_of(run, filters, given)
    made = with_home(session, order, desk.settings.runs, name)
    job = add_job(session, made, job_key(order, name), at=desk.clock())
    request = Request(
        id=new_id(), account_id=caller.id, run_id=row.id, job_id=job.id, title=filters.title,
        note=asked.note, shared=asked.shared, created_at=desk.clock(),
    )  # fmt: skip
    session.add(request)
    session.flush()
    note(
        session, caller.name, "ask", request.id, run=row.id, land=filters.title,
        area=None if given is None else given.sha256, public=int(asked.public),
    )  # fmt: skip
    return request


def check_request(
    desk: Desk, session: Session, caller: Caller, asked: Asked, texts: Texts
) -> Check:
    """Tell what an answer would be about, how long it may take, and whether there is one.

    Raises
    ------
    RefusedError
        If it could not be given.
    """
    row, run = usable_run(desk, session, caller, asked.run)
    given = given_area(desk, session, caller, asked)
    filters = with_area(asked.filters, given)
    strip = strip_of(desk.standings.of(run.folder), texts, day=filters.as_of)
    found = check(run, filters, desk.settings.limits, strip=strip, texts=texts)
    key = job_key(order_of(session, asked, row, run), name_of(run, filters, given))
    earlier = session.scalars(
        select(Request.id)
        .join(Job, Job.id == Request.job_id)
        .where(Job.live_key == key, _visible(caller))
        .limit(1)
    ).one_or_none()
    return found.model_copy(update={"seconds": seconds_of(session, row.folder), "earlier": earlier})


def given_area(desk: Desk, session: Session, caller: Caller, asked: Asked) -> Given | None:
    """Find the file of polygons of a request.

    Raises
    ------
    RefusedError
        If a path is given in its place, or it is not this caller's, or gone.
    """
    if asked.filters.aoi is not None or asked.filters.layer is not None:
        raise RefusedError(
            DeskCode.BODY_WRONG, place="filters.aoi", why="send the file first, and give its id"
        )
    if asked.area is None:
        return None
    area = session.get(Area, asked.area)
    if area is None or area.account_id != caller.id:
        raise RefusedError(DeskCode.AREA_GONE)
    path = desk.settings.uploads / area_path(area)
    if not path.is_file():
        raise RefusedError(DeskCode.AREA_GONE)
    return Given(path, area.layer, area.sha256, area.name)


def order_of(session: Session, asked: Asked, row: OfferedRun, run: Run) -> Order:
    """Make the order for a worker."""
    area = None if asked.area is None else session.get(Area, asked.area)
    layer = None if area is None else area.layer
    return Order(
        kind=JobKind.REQUEST,
        run=row.folder,
        head=run.manifest().head,
        filters=asked.filters.model_copy(update={"layer": layer}),
        area=None if area is None else area_path(area),
        public=asked.public,
        language=asked.language,
    )


def find_request(session: Session, caller: Caller, name: str) -> Request:
    """Find a request of this caller's, or a shared one.

    Raises
    ------
    RefusedError
        If there is none.
    """
    found = session.scalars(
        select(Request).where(Request.id == name, _visible(caller))
    ).one_or_none()
    if found is None:
        raise RefusedError(DeskCode.NOT_FOUND)
    return found


def list_requests(session: Session, caller: Caller) -> list[Request]:
    """List a caller's requests and shared ones, newest first."""
    return list(
        session.scalars(
            select(Request)
            .where(_visible(caller))
            .order_by(Request.created_at.desc())
            .limit(MOST_LISTED)
        )
    )


def change(session: Session, caller: Caller, name: str, changed: Changed) -> Request:
    """Change note or sharing of an own request.

    Raises
    ------
    RefusedError
        If it is none of this caller's.
    """
    request = _own(session, caller, name)
    if changed.note is not None:
        request.note = changed.note
    if changed.shared is not None:
        request.shared = changed.shared
        note(session, caller.name, "share", request.id, shared=int(changed.shared))
    return request


def dismiss(desk: Desk, session: Session, caller: Caller, name: str) -> Request:
    """Cancel an own request; its job goes on where others wait for it.

    Raises
    ------
    RefusedError
        If it is none of this caller's.
    """
    request = _own(session, caller, name)
    job = job_of(session, request)
    request.dismissed = job.state not in OVER or request.dismissed
    session.flush()
    others = session.scalar(
        select(func.count())
        .select_from(Request)
        .where(Request.job_id == job.id, Request.dismissed.is_(False))
    )
    if job.state not in OVER and not others:
        cancel(session, job, at=desk.clock())
    note(session, caller.name, "cancel", request.id)
    return request


def job_of(session: Session, request: Request) -> Job:
    """Return the job that answers a request."""
    return session.get_one(Job, request.job_id, populate_existing=True)


def views(desk: Desk, session: Session, caller: Caller, texts: Texts) -> list[RequestView]:
    """Describe a caller's requests and shared ones, newest first."""
    look = look_once(desk)
    found = list_requests(session, caller)
    return [view(desk, session, caller, request, texts, look) for request in found]


def view(
    desk: Desk,
    session: Session,
    caller: Caller,
    request: Request,
    texts: Texts,
    look: Look | None = None,
) -> RequestView:
    """Describe a request to a caller."""
    look = look or look_once(desk)
    job = job_of(session, request)
    order, state = Order.model_validate_json(job.order), JobState(job.state)
    why = None if job.notice is None else DeskNotice.model_validate_json(job.notice)
    if request.dismissed:  # whatever became of a job that others waited for
        state, why = JobState.CANCELLED, desk_notice(DeskCode.CANCELLED)
    known = look(order.run)
    outcome = None if job.outcome is None else Outcome.model_validate_json(job.outcome)
    account = session.get_one(Account, request.account_id)
    allowed = known.state is State.APPROVED or (
        caller.sees_drafts and known.state in {State.DRAFT, State.REJECTED}
    )
    day = order.filters.as_of or (None if outcome is None else outcome.evidence_day)
    return RequestView(
        id=request.id,
        run=request.run_id,
        title=request_title(order.asked, texts),
        note=request.note,
        by=account.name,
        own=request.account_id == caller.id,
        shared=request.shared,
        created_at=time_of(request.created_at),
        filters=order.filters,
        area=None if order.area is None else order.area.parts[0],
        public=order.public,
        language=order.language,
        state=state,
        place=place_of(session, job) if state is JobState.WAITING else None,
        step=job.step,
        steps=job.steps,
        seconds=None if state in OVER else seconds_of(session, order.run),
        finished_at=None if job.finished_at is None else time_of(job.finished_at),
        why=None if why is None else said(why, texts),
        strip=strip_of(known, texts, day=day),
        usable=allowed and state is JobState.DONE,
        drawn=allowed and state is JobState.RUNNING and outcome is not None,
        outdated=tuple(
            said(each, texts) for each in outdated(session, look, order, request.created_at)
        ),
        record=None if outcome is None else outcome.request,
        cells=None if outcome is None else outcome.cells,
        hectares=None if outcome is None else outcome.hectares,
        command=command_of(order),
    )


def command_of(order: Order) -> str:
    """Write the command that asks the same."""
    filters, words = order.filters, ["minerisk", "request", order.run]
    if order.area is not None:
        words += ["--aoi", order.area.name]
    if filters.layer is not None:
        words += ["--layer", filters.layer]
    words += ["--clip"] if filters.clip else []
    for name in filters.near:
        words += ["--near", name]
    if filters.within_m is not None:
        words += ["--within", f"{filters.within_m:.12g}"]
    for name in filters.districts:
        words += ["--district", name]
    if filters.hazard is not None:
        words += ["--hazard", filters.hazard]
    if filters.as_of is not None:
        words += ["--as-of", filters.as_of.isoformat()]
    if filters.budget_ha is not None:
        words += ["--budget", f"{filters.budget_ha:.12g}"]
    for name, weight in filters.weights.items():
        words += ["--weight", f"{name}={weight:.12g}"]
    words += ["--public"] if order.public else []
    words += ["--language", order.language] if order.language != "en" else []
    return shlex.join(words)


def _refuse_more(desk: Desk, session: Session, caller: Caller) -> None:
    account, limits = session.get_one(Account, caller.id), desk.settings.limits
    most = account.requests_a_day or limits.requests_a_day
    own = select(func.count()).select_from(Request).where(Request.account_id == caller.id)
    today = session.scalar(own.where(Request.created_at > desk.clock() - DAY_S))
    if (today or 0) >= most:
        raise RefusedError(DeskCode.QUOTA_DAY, most=most)
    waiting = session.scalar(
        own.join(Job, Job.id == Request.job_id).where(
            Job.state.in_([JobState.WAITING, JobState.RUNNING]), Request.dismissed.is_(False)
        )
    )
    if (waiting or 0) >= limits.waiting:
        raise RefusedError(DeskCode.QUOTA_WAITING, most=limits.waiting)


def _own(session: Session, caller: Caller, name: str) -> Request:
    request = find_request(session, caller, name)
    if request.account_id != caller.id:
        raise RefusedError(DeskCode.NOT_ALLOWED)
    return request


def _visible(caller: Caller) -> ColumnElement[bool]:
    mine = Request.account_id == caller.id
    if Role.SCIENTIST in caller.roles:
        return Request.id.is_not(None)
    return mine | Request.shared.is_(True)
