"""Folders of requests in runs: which of them the desk made, and may therefore delete."""

from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.service.jobs.orders import JobKind, JobState, Order
from minerisk.pipelines.service.store.models import Job

HELD = (JobState.WAITING, JobState.RUNNING, JobState.DONE)


def with_home(session: Session, order: Order, runs: Path, name: str) -> Order:
    """Note in an order the folder that the desk makes for it; none where it was there before.

    It is noted when a request is asked, and not when it is done: a job that is done again finds
    the folder that its first try left, and one that never ends leaves it.
    """
    there = (RunFolder(runs / order.run).requests / name).exists()
    own = not there or any(_others(session, order.model_copy(update={"makes": name})))
    return order.model_copy(update={"makes": name}) if own else order


def home_to_delete(session: Session, job: Job, order: Order, runs: Path) -> Path | None:
    """Return the folder that a job made, unless there is none or another job has results in it."""
    if not order.makes:
        return None
    others = _others(session, order)
    if any(other.id != job.id and other.state in HELD for other in others):
        return None
    home = RunFolder(runs / order.run).requests / order.makes
    return home if home.exists() else None


def _others(session: Session, order: Order) -> list[Job]:
    """List the jobs whose folder the desk made and has not deleted."""
    rows = session.scalars(
        select(Job).where(
            Job.kind == JobKind.REQUEST,
            Job.state != JobState.EXPIRED,
            Job.order.contains(f'"makes":"{order.makes}"', autoescape=True),
        )
    )
    return [row for row in rows if Order.model_validate_json(row.order).run == order.run]
