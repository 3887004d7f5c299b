"""Runs that are made anew from one on the desk: asked by a data scientist, approved by nobody."""

import datetime as dt
import re
from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.provenance.clock import time_of
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.review import State
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.runs import find_run
from minerisk.pipelines.service.errors import RefusedError, Said, said
from minerisk.pipelines.service.jobs.orders import (
    OVER,
    JobKind,
    JobState,
    Order,
    job_key,
)
from minerisk.pipelines.service.jobs.queue import add_job, cancel
from minerisk.pipelines.service.store.models import Job

LATER = -10
"""Requests are answered before a run is made."""
MOST_LISTED = 50
AGAIN = (JobState.FAILED, JobState.CANCELLED)


class Retraining(Record):
    """A run that is made anew.

    Attributes
    ----------
    run, folder
        Folder that it is made from, and its own; it can be offered when it is done.
    """

    id: str
    run: str
    folder: str
    by: str
    state: JobState
    step: int
    steps: int
    created_at: dt.datetime
    why: Said | None = None


def retrain(desk: Desk, session: Session, caller: Caller, name: str) -> Job:
    """Have a run made anew, in a folder of its own, from layers and survey results as they are.

    One that is under way already is returned; one that was stopped is gone on with.

    Raises
    ------
    RefusedError
        If there is no such run, or it does not verify.
    """
    row, known = find_run(desk, session, caller, name)
    if known.run is None or known.state is State.UNVERIFIED:
        raise RefusedError(DeskCode.RUN_UNVERIFIED)
    head = known.run.manifest().head
    before = [(job, order) for job, order in _jobs(session) if order.run == row.folder]
    for job, _ in before:
        if job.state not in OVER:
            return job
    target = _target(desk, row.folder, head, before)
    order = Order(
        kind=JobKind.RETRAIN, run=row.folder, head=head, target=target, by=caller.name or ""
    )
    key = job_key(order, target)
    made = add_job(session, order, key, at=desk.clock(), priority=LATER)
    note(session, caller.name, "retrain", row.id, folder=target)
    return made


def retrainings(session: Session, texts: Texts) -> list[Retraining]:
    """List the runs that were made anew or are to be, the last first."""
    return [view_of(job, texts) for job, _ in _jobs(session)]


def view_of(job: Job, texts: Texts) -> Retraining:
    """Describe a run that is made anew."""
    order = Order.model_validate_json(job.order)
    why = None if job.notice is None else DeskNotice.model_validate_json(job.notice)
    return Retraining(
        id=job.id,
        run=order.run,
        folder=order.target,
        by=order.by,
        state=JobState(job.state),
        step=job.step,
        steps=job.steps,
        created_at=time_of(job.created_at),
        why=None if why is None else said(why, texts),
    )


def stop(desk: Desk, session: Session, caller: Caller, name: str) -> Job:
    """Stop a run that is made anew; what was finished of it stays, and may be gone on with.

    Raises
    ------
    RefusedError
        If there is none.
    """
    job = session.get(Job, name)
    if job is None or job.kind != JobKind.RETRAIN:
        raise RefusedError(DeskCode.NOT_FOUND)
    if job.state not in OVER:
        cancel(session, job, at=desk.clock())
        note(session, caller.name, "stop retraining", name)
    session.refresh(job)
    return job


def _jobs(session: Session) -> list[tuple[Job, Order]]:
    rows = session.scalars(
        select(Job)
        .where(Job.kind == JobKind.RETRAIN)
        .order_by(Job.created_at.desc())
        .limit(MOST_LISTED)
    )
    return [(job, Order.model_validate_json(job.order)) for job in rows]


def _target(desk: Desk, folder: str, head: str, before: Sequence[tuple[Job, Order]]) -> str:
    """Name the folder: that of one which was stopped, or the first number that is not taken."""
    if before:
        job, order = before[0]
        if job.state in AGAIN and order.head == head:
            return order.target
    base = re.sub(r"_\d{1,4}$", "", folder)[:190]
    number = 2
    while desk.run_folder(f"{base}_{number}").exists():
        number += 1
    return f"{base}_{number}"
