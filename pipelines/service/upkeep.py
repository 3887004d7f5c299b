"""Keeping a desk: results that are old are deleted, the rest is copied away and put back."""

import logging
import shutil
import sqlite3
import tarfile
from contextlib import closing
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import FOLDER, replacing
from minerisk.pipelines.service.jobs.orders import JobState, Order, Outcome
from minerisk.pipelines.service.settings import Settings
from minerisk.pipelines.service.store.database import Store, upgrade
from minerisk.pipelines.service.store.models import Area, Job

log = logging.getLogger(__name__)

DAY_S = 86_400.0
DATABASE, AREAS = "desk.sqlite", "areas"


def tidy(settings: Settings, store: Store, *, at: float) -> int:
    """Delete results that are older than they are kept, and return how many.

    A folder that was in the run before the desk asked stays; so do runs, reviews and the log.
    """
    before = at - settings.limits.retention_days * DAY_S
    with store.write() as session:
        old = session.scalars(
            select(Job).where(Job.state == JobState.DONE, Job.finished_at < before)
        ).all()
        for job in old:
            _expire(settings, session, job)
        _drop_areas(settings, session, before)
        return len(old)


def back_up(settings: Settings, out: Path) -> Path:
    """Copy database and files of areas into one file, while the desk goes on.

    Raises
    ------
    InputError
        If the database is not a file: PostgreSQL has `pg_dump` for that.
    """
    source = settings.home / DATABASE
    if settings.database is not None or not source.is_file():
        raise InputError(
            "Only a desk on SQLite is copied by this command; of PostgreSQL make a copy with "
            "pg_dump, and copy the folder of areas beside it."
        )
    copy = settings.home / ".backup.sqlite"
    with replacing(out) as partial:
        with closing(sqlite3.connect(source)) as there, closing(sqlite3.connect(copy)) as here:
            there.backup(here)
        try:
            with tarfile.open(partial, "w:gz") as archive:
                archive.add(copy, DATABASE)
                if settings.uploads.is_dir():
                    archive.add(settings.uploads, AREAS, filter=_no_sent)
        finally:
            copy.unlink()
    return out


def restore(settings: Settings, file: Path) -> None:
    """Put a copy of `back_up` in place, in a folder that has no desk yet.

    Raises
    ------
    InputError
        If there is a desk, or the file is none of `back_up`.
    """
    if (settings.home / DATABASE).exists():
        raise InputError(f"{settings.home} has a desk. Move it away, then restore the copy.")
    try:
        with tarfile.open(file, "r:gz") as archive:
            names = [member.name for member in archive.getmembers()]
            if any(name != DATABASE and name.split("/")[0] != AREAS for name in names):
                raise InputError(f"{file} is no copy of a desk: it holds {names[0]}.")
            settings.home.mkdir(mode=FOLDER, parents=True, exist_ok=True)
            archive.extractall(settings.home, filter="data")
    except (OSError, tarfile.TarError) as error:
        raise InputError(f"{file} cannot be read as the copy of a desk ({error}).") from error
    upgrade(settings.database_url)


def _no_sent(entry: tarfile.TarInfo) -> tarfile.TarInfo | None:
    """Leave out what is just being sent."""
    return None if "/.sent-" in entry.name else entry


def _expire(settings: Settings, session: Session, job: Job) -> None:
    order = Order.model_validate_json(job.order)
    outcome = Outcome.model_validate_json(job.outcome or "{}")
    job.state, job.live_key = JobState.EXPIRED, None
    session.flush()
    if outcome.made_home and outcome.home.parts:
        shutil.rmtree(settings.runs / order.run / outcome.home, ignore_errors=True)
    if outcome.dossier:
        shutil.rmtree(settings.dossiers / job.id, ignore_errors=True)
    log.info("the result of job %s is deleted: it is older than it is kept", job.id)


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
