"""Keeping a desk: results that are old are deleted."""

import logging
import shutil

from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.pipelines.service.jobs.homes import home_to_delete
from minerisk.pipelines.service.jobs.orders import JobState, Order, Outcome
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import Store
from minerisk.pipelines.service.store.models import Area, Job

log = logging.getLogger(__name__)

DAY_S = 86_400.0
ENDED = (JobState.DONE, JobState.FAILED, JobState.CANCELLED)


def tidy(settings: Settings, store: Store, *, at: float) -> int:
    """Delete results that are older than they are kept, and return how many.

    What a job left that failed or was stopped goes too. A folder that was in the run before the
    desk asked stays; so do runs, reviews and the log.
    """
    before = at - settings.limits.retention_days * DAY_S
    with store.write() as session:
        old = session.scalars(
            select(Job).where(Job.state.in_(ENDED), Job.finished_at < before)
        ).all()
        done = [job for job in old if job.state == JobState.DONE]
        for job in old:
            _expire(settings, session, job)
        _drop_areas(settings, session, before)
        return len(done)


def _expire(settings: Settings, session: Session, job: Job) -> None:
    order = Order.model_validate_json(job.order)
    outcome = Outcome.model_validate_json(job.outcome or "{}")
    if job.state == JobState.DONE:
        job.state, job.live_key = JobState.EXPIRED, None
        session.flush()
    home = home_to_delete(session, job, order, settings.runs)
    if home is not None:
        shutil.rmtree(home, ignore_errors=True)
        log.info("the result of job %s is deleted: it is older than it is kept", job.id)
    if outcome.dossier:
        shutil.rmtree(settings.dossiers / job.id, ignore_errors=True)


def _drop_areas(settings: Settings, session: Session, before: float) -> None:
    used = {
        order.area.parts[0]
        for text in session.scalars(
            select(Job.order).where(Job.state.not_in([JobState.EXPIRED, JobState.CANCELLED]))
        )
        if (order := Order.model_validate_json(text)).area is not None
    }
    for area in session.scalars(select(Area).where(Area.created_at < before)).all():
        if area.id not in used:
            shutil.rmtree(settings.uploads / area.id, ignore_errors=True)
            session.delete(area)
