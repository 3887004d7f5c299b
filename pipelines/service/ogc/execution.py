"""Asking by OGC API - Processes, and jobs: each account sees its own, and nobody else's."""

import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Literal, get_args

from fastapi import APIRouter, Header, Request, Response
from pydantic import BaseModel, Field, JsonValue, TypeAdapter, field_validator
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.provenance.files import FOLDER
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.request import Filters
from minerisk.pipelines.service.desk import requests, results
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.areas import Sent, keep_area
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.requests import Asked, RequestView
from minerisk.pipelines.service.errors import RefusedError, Standard
from minerisk.pipelines.service.guard import caller_of, desk_of, texts_of
from minerisk.pipelines.service.jobs.orders import JobState
from minerisk.pipelines.service.ogc.links import OGC_REL, Link, answer, at, page_links
from minerisk.pipelines.service.ogc.processes import (
    EXCEPTIONS,
    PROCESSES,
    Inputs,
    ProcessId,
    find_process,
)
from minerisk.pipelines.service.ogc.queries import (
    Period,
    known_only,
    page_of,
    period_of,
    query_of,
    stamp,
    wrong,
)
from minerisk.pipelines.service.store.models import Job
from minerisk.pipelines.service.store.models import Request as Row

router = APIRouter(tags=["OGC API"])
NO_SUCH_JOB = Standard(404, f"{EXCEPTIONS}/no-such-job")
NOT_READY = Standard(404, f"{EXCEPTIONS}/result-not-ready")
JobStatus = Literal["accepted", "running", "successful", "failed", "dismissed"]
STATUSES: dict[JobState, JobStatus] = {
    JobState.WAITING: "accepted",
    JobState.RUNNING: "running",
    JobState.DONE: "successful",
    JobState.EXPIRED: "successful",
    JobState.FAILED: "failed",
    JobState.CANCELLED: "dismissed",
}
ALL: tuple[JobStatus, ...] = get_args(JobStatus)


class Qualified(BaseModel):
    """A value with what is told of it, such as its media type."""

    value: JsonValue


class OutputAsked(Record):
    """How an output is wanted; it is always handed out by its address."""

    transmission: str = Field("reference", alias="transmissionMode", pattern="^reference$")
    format: dict[str, JsonValue] | None = None


class Execution(Record):
    """The body of an execution."""

    inputs: Inputs
    outputs: dict[str, OutputAsked] | None = None
    response: str = Field("document", pattern="^document$")
    subscriber: JsonValue = None

    @field_validator("subscriber")
    @classmethod
    def _no_call_back(cls, given: JsonValue) -> None:
        if given is not None:
            raise ValueError("the desk calls nobody back; ask for the status of the job instead")

    @field_validator("inputs", mode="before")
    @classmethod
    def _values(cls, given: JsonValue) -> JsonValue:
        if not isinstance(given, dict):
            return given
        return {name: _value(name, value) for name, value in given.items()}


class StatusInfo(Record):
    """How far a job is. `jobID` is of version 1.0 of the standard, `id` of the draft of 2.0."""

    process: str = Field(serialization_alias="processID")
    type: str = "process"
    job: str = Field(serialization_alias="jobID")
    id: str
    entity: str = Field("ogc-api-processes", serialization_alias="processingEntityType")
    status: JobStatus
    message: str
    created: str
    started: str | None = None
    finished: str | None = None
    updated: str
    progress: int
    links: tuple[Link, ...]


class JobList(Record):
    """Jobs of one account."""

    jobs: tuple[StatusInfo, ...]
    links: tuple[Link, ...]
    matched: int = Field(serialization_alias="numberMatched")


RESULTS = TypeAdapter(dict[str, Link])
"""Where the outputs of a job are, by their ids."""


@router.post("/api/ogc/processes/{process}/execution", status_code=201)
def execute(
    request: Request,
    process: str,
    given: Execution,
    prefer: Annotated[str, Header(max_length=200)] = "",
) -> Response:
    """Ask; a job is made, whatever is preferred: every process is worked on by another program."""
    known_only(request)
    name, desk, caller = find_process(process), desk_of(request), caller_of(request)
    outputs = _outputs(name, given)
    with desk.store.write() as session:
        made = requests.ask(desk, session, caller, _asked(desk, session, caller, given.inputs))
        made.process, made.outputs = name, outputs
        session.flush()
        found = _status(request, session, made)
    place = at(request, f"/api/ogc/jobs/{found.job}")
    headers = {"Location": place, "Link": f'<{place}>; rel="monitor"'}
    if "respond-async" in {part.split(";")[0].strip().lower() for part in prefer.split(",")}:
        headers |= {"Preference-Applied": "respond-async"}
    return answer(found, status=201, headers=headers)


@router.get("/api/ogc/jobs")
def list_jobs(request: Request) -> Response:
    """List what this account asked for, the last first."""
    known_only(
        request, "f", "type", "processID", "status", "datetime", "minDuration", "maxDuration",
        "limit", "offset",
    )  # fmt: skip
    desk, caller, page = desk_of(request), caller_of(request), page_of(request)
    with desk.store.read() as session:
        rows = session.execute(
            select(Row, Job)
            .join(Job, Job.id == Row.job_id)
            .where(Row.account_id == caller.id)
            .order_by(Row.created_at.desc(), Row.id)
        )
        found = [row for row, job in _chosen(request, rows, desk.clock())]
        shown = found[page.offset : page.offset + page.limit]
        jobs = tuple(_status(request, session, row) for row in shown)
    links = page_links(request, page, len(found), kind="application/json")
    return answer(JobList(jobs=jobs, links=tuple(links), matched=len(found)))


@router.get("/api/ogc/jobs/{job}")
def show_job(request: Request, job: str) -> Response:
    """Tell how far a job is."""
    known_only(request, "f")
    with desk_of(request).store.read() as session:
        return answer(_status(request, session, _own(session, caller_of(request), job)))


@router.delete("/api/ogc/jobs/{job}")
def dismiss(request: Request, job: str) -> Response:
    """Cancel a job; of one that is done, nothing is handed out any more."""
    known_only(request)
    desk, caller = desk_of(request), caller_of(request)
    with desk.store.write() as session:
        row = _own(session, caller, job)
        requests.dismiss(desk, session, caller, row.id)
        row.dismissed = True
        session.flush()
        return answer(_status(request, session, row))


@router.get("/api/ogc/jobs/{job}/results")
def show_results(request: Request, job: str) -> Response:
    """Tell where the results of a job are; each is fetched by its own address."""
    known_only(request, "f")
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    with desk.store.read() as session:
        row = _own(session, caller, job)
        _refuse_failed(desk, session, caller, row, texts)
        try:
            found = results.find_result(desk, session, caller, row.id, texts)
        except RefusedError as error:
            if error.notice.code is DeskCode.RESULT_NOT_READY:
                error.standard = NOT_READY
            if error.notice.code is DeskCode.CANCELLED:
                error.standard = Standard(410)
            raise
        process, wanted = ProcessId(row.process or ProcessId.PACK), row.outputs
    there, links = results.manifest_of(found).files, dict[str, Link]()
    for key, made in PROCESSES[process].outputs.items():
        file = made.address.removeprefix("files/")
        if (wanted is None or key in wanted) and (file == made.address or file in there):
            href = at(request, f"/api/requests/{row.id}/{made.address}")
            words = " · ".join([made.title, *found.strip.words])
            links[key] = Link(href=href, rel="item", type=made.kind, title=words)
    body = RESULTS.dump_json(links, exclude_none=True)
    told = ", ".join(f'<{link.href}>; rel="item"' for link in links.values())
    return Response(body, headers={"Link": told} if told else None, media_type="application/json")


def _value(name: str, value: JsonValue) -> JsonValue:
    """Take a value out of what qualifies it; nothing is fetched from an address."""
    if not isinstance(value, dict):
        return value
    if "href" in value:
        raise ValueError(f"{name} is an address; the desk fetches nothing. Send the value itself")
    return Qualified.model_validate(value).value if "value" in value else value


def _outputs(name: ProcessId, given: Execution) -> list[str] | None:
    if not given.outputs:
        return None
    there = tuple(PROCESSES[name].outputs)
    for key in given.outputs:
        if key not in there:
            raise RefusedError(
                DeskCode.BODY_WRONG, place=f"outputs.{key[:80]}", why="no output of this process",
                choices=there, standard=Standard(400),
            )  # fmt: skip
    return list(given.outputs)


def _asked(desk: Desk, session: Session, caller: Caller, given: Inputs) -> Asked:
    area = given.area_file
    if given.area is not None:
        if area is not None:
            raise RefusedError(
                DeskCode.BODY_WRONG, place="inputs.area", why="area and area_file go not together",
                standard=Standard(400),
            )  # fmt: skip
        area = _sent(desk, session, caller, given.area.model_dump_json())
    shared = set(Filters.model_fields) & set(Inputs.model_fields)
    return Asked(
        run=given.run,
        filters=Filters(**given.model_dump(include=shared)),
        area=area,
        public=given.public,
        language=given.language,
        note=given.note,
    )


def _sent(desk: Desk, session: Session, caller: Caller, content: str) -> str:
    """Keep polygons as a file that was sent; return its id."""
    uploads = desk.settings.uploads
    uploads.mkdir(mode=FOLDER, parents=True, exist_ok=True)
    folder = Path(tempfile.mkdtemp(prefix=".sent-", dir=uploads))
    try:
        path = folder / "area.geojson"
        path.write_text(content, encoding="utf-8")
        row, _ = keep_area(session, uploads, Sent(path), account=caller.id, at=desk.clock())
        note(session, caller.name, "send area", row.id, name=row.name, sha256=row.sha256)
        return row.id
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _own(session: Session, caller: Caller, name: str) -> Row:
    """Find a job of this account, whoever else may see the request."""
    row = session.get(Row, name) if len(name) <= 64 else None
    if row is None or row.account_id != caller.id:
        raise RefusedError(DeskCode.NOT_FOUND, standard=NO_SUCH_JOB)
    return row


def _status(request: Request, session: Session, row: Row) -> StatusInfo:
    desk, caller, texts = desk_of(request), caller_of(request), texts_of(request)
    view, job = requests.view(desk, session, caller, row, texts), requests.job_of(session, row)
    own = f"/api/ogc/jobs/{row.id}"
    links = [
        Link(href=at(request, own), rel="self"),
        Link(href=at(request, "/api/ogc/jobs"), rel=f"{OGC_REL}/job-list"),
    ]
    if view.state is JobState.DONE:
        links.append(Link(href=at(request, f"{own}/results"), rel=f"{OGC_REL}/results"))
    times = [time for time in (job.created_at, job.started_at, job.heartbeat_at, job.finished_at)
             if time is not None]  # fmt: skip
    return StatusInfo(
        process=row.process or ProcessId.PACK,
        job=row.id,
        id=row.id,
        status=STATUSES[view.state],
        message=_message(view),
        created=stamp(view.created_at),
        started=None if job.started_at is None else stamp(time_of(job.started_at)),
        finished=None if job.finished_at is None else stamp(time_of(job.finished_at)),
        updated=stamp(time_of(max(row.created_at, *times))),
        progress=_progress(view),
        links=tuple(links),
    )


def _message(view: RequestView) -> str:
    why = () if view.why is None else (view.why.words, view.why.next)
    old = tuple(said.words for said in view.outdated)
    return " ".join([*why, *old, " · ".join(view.strip.words)])


def _progress(view: RequestView) -> int:
    if view.state in {JobState.DONE, JobState.EXPIRED}:
        return 100
    return min(99, 100 * view.step // view.steps) if view.steps else 0


def _chosen(
    request: Request, rows: Iterator[tuple[Row, Job]], now: float
) -> Iterator[tuple[Row, Job]]:
    """Choose jobs as a call asks."""
    kinds = _several(request, "type", ("process",))
    processes = _several(request, "processID", tuple(ProcessId))
    statuses = _several(request, "status", ALL)
    period = query_of(request, "datetime", period_of) or Period()
    least = query_of(request, "minDuration", lambda given: _seconds("minDuration", given))
    most = query_of(request, "maxDuration", lambda given: _seconds("maxDuration", given))
    for row, job in rows:
        state = JobState.CANCELLED if row.dismissed else JobState(job.state)
        made = time_of(row.created_at)
        took = None if job.started_at is None else (job.finished_at or now) - job.started_at
        long = (least is None or (took is not None and took >= least)) and (
            most is None or (took is not None and took <= most)
        )
        if (
            (row.process or ProcessId.PACK) in processes
            and STATUSES[state] in statuses
            and period.meets(Period(made, made))
            and kinds
            and long
        ):
            yield row, job


def _several(request: Request, name: str, choices: tuple[str, ...]) -> tuple[str, ...]:
    given = request.query_params.get(name)
    if given is None:
        return choices
    parts = tuple(given.split(","))
    for part in parts:
        if part not in choices:
            raise wrong(name, part, "one of those that there are", choices)
    return parts


def _seconds(name: str, given: str) -> float:
    if not given.isascii() or not given.isdigit() or len(given) > 9:
        raise wrong(name, given, "whole seconds")
    return float(given)


def _refuse_failed(desk: Desk, session: Session, caller: Caller, row: Row, texts: Texts) -> None:
    """Refuse the results of a job that failed by what made it fail."""
    job = requests.job_of(session, row)
    if job.state == JobState.FAILED and job.notice is not None and not row.dismissed:
        notice = DeskNotice.model_validate_json(job.notice)
        raise RefusedError.of(notice)
