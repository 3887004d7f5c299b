"""Jobs in the database: added once, claimed by one worker, done again at most twice."""

from dataclasses import dataclass

from sqlalchemy import ColumnElement, Update, func, select, update
from sqlalchemy.orm import Session

from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.service.accounts.people import new_id
from minerisk.pipelines.service.jobs.orders import JobState, Order, Outcome
from minerisk.pipelines.service.store.models import Job

TRIES = 3
LOST_S = 30.0
"""Seconds without a sign of life after which a worker is given up."""


@dataclass(frozen=True)
class Claim:
    """A job that a worker has taken; nothing it says counts once another has it."""

    id: str
    order: Order
    worker: str
    attempt: int


def add_job(session: Session, order: Order, key: str, *, at: float, priority: int = 0) -> Job:
    """Add a job, or return the one that does the same."""
    known = session.scalars(select(Job).where(Job.live_key == key)).one_or_none()
    if known is not None:
        return known
    job = Job(
        id=new_id(),
        key=key,
        live_key=key,
        kind=order.kind,
        order=order.model_dump_json(),
        state=JobState.WAITING,
        priority=priority,
        created_at=at,
    )
    session.add(job)
    session.flush()
    return job


def is_waiting(session: Session) -> bool:
    """Tell whether a job waits."""
    return session.scalar(select(Job.id).where(Job.state == JobState.WAITING).limit(1)) is not None


def claim(session: Session, worker: str, *, at: float) -> Claim | None:
    """Take the next job that waits; None where there is none, or another was faster."""
    job = session.scalars(
        select(Job)
        .where(Job.state == JobState.WAITING)
        .order_by(Job.priority.desc(), Job.created_at, Job.id)
        .limit(1)
    ).one_or_none()
    if job is None:
        return None
    taken = _changes(
        session,
        update(Job)
        .where(Job.id == job.id, Job.state == JobState.WAITING, Job.attempts == job.attempts)
        .values(
            state=JobState.RUNNING,
            worker=worker,
            attempts=job.attempts + 1,
            heartbeat_at=at,
            started_at=at,
            notice=None,
            outcome=None,
            step=0,
            steps=0,
        ),
    )
    if not taken:
        return None
    return Claim(job.id, Order.model_validate_json(job.order), worker, job.attempts + 1)


def beat(session: Session, claimed: Claim, step: tuple[int, int], *, at: float) -> bool:
    """Show that a worker lives and how far it is; False where it is to stop."""
    return _changes(
        session,
        update(Job)
        .where(*_own(claimed), Job.cancel_asked.is_(False))
        .values(heartbeat_at=at, step=step[0], steps=step[1]),
    )


def show_maps(session: Session, claimed: Claim, found: Outcome, *, at: float) -> None:
    """Write down what can be looked at already, while the rest is being done."""
    _changes(
        session,
        update(Job).where(*_own(claimed)).values(heartbeat_at=at, outcome=found.model_dump_json()),
    )


def finish(session: Session, claimed: Claim, result: Outcome | DeskNotice, *, at: float) -> bool:
    """Write down what came of a job; False where another worker has it by now."""
    well = isinstance(result, Outcome)
    state = JobState.DONE if well else JobState.FAILED
    if isinstance(result, Notice) and result.code is DeskCode.CANCELLED:
        state = JobState.CANCELLED
    values: dict[str, str | None] = {"outcome": result.model_dump_json()}
    if not well:
        values = {"notice": result.model_dump_json(), "live_key": None, "outcome": None}
    return _changes(
        session,
        update(Job)
        .where(*_own(claimed))
        .values(state=state, finished_at=at, worker=None, **values),
    )


def give_back(session: Session, claimed: Claim) -> None:
    """Let another try a job that a worker could not begin, without counting it."""
    session.execute(
        update(Job)
        .where(*_own(claimed))
        .values(state=JobState.WAITING, worker=None, attempts=claimed.attempt - 1)
        .execution_options(synchronize_session=False)
    )


def take_back_lost(session: Session, *, at: float, after: float = LOST_S) -> int:
    """Let jobs of workers that show no life be done again, at most twice; return how many."""
    lost = session.scalars(
        select(Job).where(Job.state == JobState.RUNNING, Job.heartbeat_at < at - after)
    ).all()
    return sum(lose(session, job, at=at) for job in lost)


def lose(session: Session, job: Job, *, at: float) -> bool:
    """Give up one try at a job: it waits again, or has failed."""
    again = job.attempts < TRIES and not job.cancel_asked
    code = DeskCode.WORKER_DIED if again else DeskCode.WORKER_DIED_AGAIN
    said = desk_notice(code) if again else desk_notice(code, times=job.attempts)
    if job.cancel_asked:
        said = desk_notice(DeskCode.CANCELLED)
    over = JobState.CANCELLED if job.cancel_asked else JobState.FAILED
    values = {"state": JobState.WAITING} if again else {"state": over, "finished_at": at}
    return _changes(
        session,
        update(Job)
        .where(
            Job.id == job.id,
            Job.state == JobState.RUNNING,
            Job.attempts == job.attempts,
            Job.heartbeat_at == job.heartbeat_at,
        )
        .values(
            worker=None,
            notice=said.model_dump_json(),
            live_key=job.live_key if again else None,
            **values,
        ),
    )


def cancel(session: Session, job: Job, *, at: float) -> None:
    """Stop a job: one that waits at once, one that is being done at its next sign of life."""
    said = desk_notice(DeskCode.CANCELLED).model_dump_json()
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == JobState.WAITING)
        .values(state=JobState.CANCELLED, finished_at=at, live_key=None, notice=said)
        .execution_options(synchronize_session=False)
    )
    session.execute(
        update(Job)
        .where(Job.id == job.id, Job.state == JobState.RUNNING)
        .values(cancel_asked=True, live_key=None)
        .execution_options(synchronize_session=False)
    )


def place_of(session: Session, job: Job) -> int:
    """Count the jobs that come before one that waits."""
    first = (Job.priority > job.priority) | (
        (Job.priority == job.priority) & (Job.created_at < job.created_at)
    )
    count = session.scalar(
        select(func.count()).select_from(Job).where(Job.state == JobState.WAITING, first)
    )
    return int(count or 0)


def _changes(session: Session, statement: Update) -> bool:
    """Change one row; tell whether there was one to change."""
    found = session.scalar(
        statement.returning(Job.id), execution_options={"synchronize_session": False}
    )
    return found is not None


def _own(claimed: Claim) -> tuple[ColumnElement[bool], ...]:
    return (
        Job.id == claimed.id,
        Job.state == JobState.RUNNING,
        Job.worker == claimed.worker,
        Job.attempts == claimed.attempt,
    )
