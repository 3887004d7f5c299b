"""Numbers for a monitoring system, in the text form of Prometheus; none of them is a finding."""

import os
import shutil
from collections import Counter
from pathlib import Path

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from minerisk.pipelines.service.desk.desk import Desk
from minerisk.pipelines.service.jobs.orders import JobState
from minerisk.pipelines.service.store.models import Access, Account, Job

TEXT = "text/plain; version=0.0.4; charset=utf-8"
STATES = (JobState.WAITING, JobState.RUNNING, JobState.DONE, JobState.FAILED)


def metrics(desk: Desk, session: Session) -> str:
    """Return them, a line each, with a word on what each is."""
    jobs = Counter(dict(session.execute(select(Job.state, func.count()).group_by(Job.state)).all()))
    oldest = session.scalar(select(func.min(Job.created_at)).where(Job.state == JobState.WAITING))
    waits = 0.0 if oldest is None else max(0.0, desk.clock() - oldest)
    left = shutil.disk_usage(desk.settings.runs).free
    lines = [
        *_head("minerisk_jobs", "gauge", "jobs by what became of them"),
        *(f'minerisk_jobs{{state="{state}"}} {jobs[state]}' for state in STATES),
        *_one("minerisk_job_waits_seconds", "gauge", "how long the first job has waited", waits),
        *_one("minerisk_disk_free_bytes", "gauge", "room where runs are", left),
        *_one("minerisk_disk_least_bytes", "gauge", "room that a job must find",
              desk.settings.limits.disk_bytes),
        *_one("minerisk_accounts", "gauge", "accounts", _count(session, Account)),
        *_one("minerisk_access_lines", "counter", "lines of the access log",
              _count(session, Access)),
        *_one("minerisk_resident_bytes", "gauge", "memory of the server", _resident()),
        *_head("minerisk_answers_total", "counter", "answers of the server by their status"),
        *(
            f'minerisk_answers_total{{status="{status}"}} {count}'
            for status, count in sorted(desk.answers.items())
        ),
    ]  # fmt: skip
    return "\n".join(lines) + "\n"


def _head(name: str, kind: str, words: str) -> list[str]:
    return [f"# HELP {name} {words}", f"# TYPE {name} {kind}"]


def _one(name: str, kind: str, words: str, value: float) -> list[str]:
    return [
        *_head(name, kind, words),
        f"{name} {value:g}" if value < 1e6 else f"{name} {value:.0f}",
    ]


def _count(session: Session, table: type[Access] | type[Account]) -> int:
    return session.scalar(select(func.count()).select_from(table)) or 0


def _resident() -> int:
    try:
        pages = Path("/proc/self/statm").read_text(encoding="ascii").split()[1]
    except (OSError, IndexError):
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
