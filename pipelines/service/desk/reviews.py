"""Reviews of runs: looked at, audited, decided, by the same log that the command line writes."""

import base64

from pydantic import Field
from sqlalchemy import select
from sqlalchemy.orm import Session

from minerisk.features.errors import MineriskError
from minerisk.pipelines.audit.decide import Decision, review_to_sign
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.metric_words import GATES
from minerisk.pipelines.provenance.clock import now, read_time
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.reviews import made_by, signed_bytes
from minerisk.pipelines.records.choices import DecisionName
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.records.review import Review
from minerisk.pipelines.run.folder import Run
from minerisk.pipelines.service.desk.access_log import note
from minerisk.pipelines.service.desk.desk import Caller, Desk
from minerisk.pipelines.service.desk.runs import Strip, find_run, strip_of
from minerisk.pipelines.service.errors import RefusedError, Said, said
from minerisk.pipelines.service.jobs.orders import (
    Deciding,
    JobKind,
    JobState,
    Order,
    Outcome,
    job_key,
)
from minerisk.pipelines.service.jobs.queue import add_job
from minerisk.pipelines.service.jobs.work import decide
from minerisk.pipelines.service.store.models import Job, OfferedRun

FIRST = 10
"""Decisions are carried out before what else waits."""
SIGN_S = 3_600.0


class Decided(Record):
    """A decision, with a signature that was made where the key is."""

    decision: DecisionName
    note: str = Field(min_length=1, max_length=4_000)
    champion: bool = False
    at: str | None = Field(None, max_length=40, description="as in the bytes that were signed")
    key: str | None = Field(None, max_length=100, description="ed25519 public key, base64")
    signature: str | None = Field(None, max_length=200, description="base64")


class ToSign(Record):
    """The bytes that a reviewer signs, where their key is."""

    at: str
    key: str
    content: str = Field(description="base64; sign the bytes that it stands for")
    review: Review


class JobView(Record):
    """How far an audit or a decision is."""

    id: str
    kind: JobKind
    state: JobState
    why: Said | None = None


class Problem(Record):
    """A finding of an audit, or a note."""

    code: str
    words: str


class GateView(Record):
    """What was agreed before training, and what was reached."""

    name: str
    words: str
    threshold: float
    value: float | None
    passed: bool


class AuditView(Record):
    """What an audit found."""

    job: JobView
    strip: Strip
    checked: int | None = None
    problems: tuple[Problem, ...] = ()
    notes: tuple[Problem, ...] = ()
    gates: tuple[GateView, ...] = ()
    head: str | None = None
    dossier: bool = False


class ReviewsView(Record):
    """The decisions on a run, and how it stands."""

    strip: Strip
    champion: bool
    reasons: tuple[Problem, ...]
    notes: tuple[Problem, ...]
    entries: tuple[Review, ...]
    end: str | None
    made_by: tuple[str, ...]
    may_approve: bool = Field(description="whether this caller is none of those who made it")
    jobs: tuple[JobView, ...]


def reviews_of(
    desk: Desk, session: Session, caller: Caller, name: str, texts: Texts
) -> ReviewsView:
    """List the decisions on a run.

    Raises
    ------
    RefusedError
        If there is no such run.
    """
    row, run = _run(desk, session, caller, name)
    known, log, manifest = desk.standings.of(run.folder), run.reviews(), run.manifest()
    return ReviewsView(
        strip=strip_of(known, texts),
        champion=known.standing.champion,
        reasons=tuple(
            Problem(code=each.code, words=texts.say(each)) for each in known.standing.reasons
        ),
        notes=tuple(Problem(code=each.code, words=texts.say(each)) for each in log.notes),
        entries=log.entries,
        end=log.end,
        made_by=tuple(manifest.trained_by),
        may_approve=not _is_own(row, run, caller),
        jobs=tuple(_job_view(job, texts) for job in _jobs(session, row)),
    )


def to_sign(desk: Desk, session: Session, caller: Caller, name: str, decided: Decided) -> ToSign:
    """Return the bytes of a decision for its signature.

    Raises
    ------
    RefusedError
        If it may not be decided so.
    """
    row, run = _run(desk, session, caller, name)
    _refuse_own(row, run, caller, decided)
    if decided.key is None:
        raise RefusedError(DeskCode.BODY_WRONG, place="key", why="the public key is missing")
    try:
        review = review_to_sign(run, _decision(caller, decided), key=decided.key)
    except MineriskError as error:
        raise RefusedError(DeskCode.REVIEW_REFUSED, why=str(error)) from error
    content = base64.b64encode(signed_bytes(review)).decode()
    return ToSign(at=review.at, key=decided.key, content=content, review=review)


def decide_on(desk: Desk, session: Session, caller: Caller, name: str, decided: Decided) -> None:
    """Record a decision: an approval after an audit by a worker, any other at once.

    Raises
    ------
    RefusedError
        If the caller made the run, the signature came late, or the decision does not fit.
    """
    row, run = _run(desk, session, caller, name)
    _refuse_own(row, run, caller, decided)
    _refuse_late(decided)
    deciding = Deciding(by=caller.name or "", **decided.model_dump())
    head, end = run.manifest().head, run.reviews().end
    if decided.decision == "approve":
        order = Order(kind=JobKind.REVIEW, run=row.folder, head=head, deciding=deciding)
        key = sha256_text(canonical([deciding.model_dump(mode="json"), end]))
        add_job(session, order, job_key(order, key), at=desk.clock(), priority=FIRST)
    else:
        try:
            decide(run, deciding, follows=False)
        except MineriskError as error:
            raise RefusedError(DeskCode.REVIEW_REFUSED, why=str(error)) from error
        order = Order(kind=JobKind.FOLLOW, run=row.folder, head=head)
        key = job_key(order, run.reviews().end or "")
        add_job(session, order, key, at=desk.clock(), priority=FIRST)
    note(session, caller.name, decided.decision, row.id, champion=int(decided.champion))


def start_audit(desk: Desk, session: Session, caller: Caller, name: str, texts: Texts) -> AuditView:
    """Have a run verified, and its dossier written.

    Raises
    ------
    RefusedError
        If there is no such run.
    """
    row, run = _run(desk, session, caller, name)
    order = Order(
        kind=JobKind.AUDIT, run=row.folder, head=run.manifest().head, language=texts.language
    )
    key = job_key(order, f"{run.reviews().end} {desk.clock() // 60:.0f}")
    job = add_job(session, order, key, at=desk.clock(), priority=1)
    note(session, caller.name, "audit", row.id)
    return audit_of(desk, session, caller, name, job.id, texts)


def audit_of(
    desk: Desk, session: Session, caller: Caller, name: str, audit: str, texts: Texts
) -> AuditView:
    """Tell what an audit found.

    Raises
    ------
    RefusedError
        If there is no such audit of this run.
    """
    row, run = _run(desk, session, caller, name)
    job = session.get(Job, audit)
    if job is None or job.kind != JobKind.AUDIT or _folder(job) != row.folder:
        raise RefusedError(DeskCode.NOT_FOUND)
    outcome = None if job.outcome is None else Outcome.model_validate_json(job.outcome)
    strip, found = strip_of(desk.standings.of(run.folder), texts), outcome and outcome.audit
    if not found:
        return AuditView(job=_job_view(job, texts), strip=strip)
    return AuditView(
        job=_job_view(job, texts),
        strip=strip,
        checked=found.checked,
        problems=tuple(Problem(code=each.code, words=texts.say(each)) for each in found.problems),
        notes=tuple(Problem(code=each.code, words=texts.say(each)) for each in found.notes),
        gates=tuple(
            GateView(
                name=gate.name,
                words=texts.say(GATES[gate.name]),
                threshold=gate.threshold,
                value=gate.value,
                passed=gate.passed,
            )
            for gate in found.gates
        ),
        head=found.head,
        dossier=True,
    )


def _run(desk: Desk, session: Session, caller: Caller, name: str) -> tuple[OfferedRun, Run]:
    row, known = find_run(desk, session, caller, name)
    if known.run is None:
        raise RefusedError(DeskCode.RUN_GONE)
    return row, known.run


def _is_own(row: OfferedRun, run: Run, caller: Caller) -> bool:
    return row.offered_by == caller.id or made_by(run.manifest(), caller.name or "")


def _refuse_own(row: OfferedRun, run: Run, caller: Caller, decided: Decided) -> None:
    if decided.decision == "approve" and _is_own(row, run, caller):
        raise RefusedError(DeskCode.REVIEW_OF_OWN)


def _refuse_late(decided: Decided) -> None:
    """Refuse a signature of bytes that were fetched long ago, or that lacks a part."""
    parts = (decided.at, decided.key, decided.signature)
    if all(part is None for part in parts):
        return
    if decided.at is None or decided.key is None or decided.signature is None:
        raise RefusedError(DeskCode.SIGNATURE_WRONG)
    try:
        at = read_time(decided.at)
        age = (now() - at).total_seconds()
    except (ValueError, TypeError) as error:
        raise RefusedError(DeskCode.SIGNATURE_LATE) from error
    if not -60 <= age <= SIGN_S:
        raise RefusedError(DeskCode.SIGNATURE_LATE)


def _decision(caller: Caller, decided: Decided) -> Decision:
    return Decision(decided.decision, caller.name or "", decided.note, decided.champion)


def _jobs(session: Session, row: OfferedRun) -> list[Job]:
    kinds = (JobKind.AUDIT, JobKind.REVIEW)
    found = session.scalars(
        select(Job).where(Job.kind.in_(kinds)).order_by(Job.created_at.desc()).limit(100)
    )
    return [job for job in found if _folder(job) == row.folder]


def _folder(job: Job) -> str:
    return Order.model_validate_json(job.order).run


def _job_view(job: Job, texts: Texts) -> JobView:
    why = None if job.notice is None else DeskNotice.model_validate_json(job.notice)
    return JobView(
        id=job.id,
        kind=JobKind(job.kind),
        state=JobState(job.state),
        why=None if why is None else said(why, texts),
    )
