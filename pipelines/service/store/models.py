"""The tables of the desk. Times are seconds since 1970-01-01, UTC."""

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

ID = String(32)
DIGEST = String(64)


class Base(DeclarativeBase):
    """What all tables have in common."""


class Account(Base):
    """Somebody who may sign in; `folded` is the name in which spellings are alike.

    `first_until` is until when a password that somebody else chose lets its owner choose another;
    None where they have. Of an account that a sign-in service checks, `issuer` and `subject` are
    how the service names it.
    """

    __tablename__ = "accounts"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(String(100))
    folded: Mapped[str] = mapped_column(String(400), unique=True)
    roles: Mapped[list[str]] = mapped_column(JSON)
    active: Mapped[bool] = mapped_column(default=True)
    password: Mapped[str | None] = mapped_column(Text, default=None)
    first_until: Mapped[float | None] = mapped_column(default=None)
    totp: Mapped[str | None] = mapped_column(String(64), default=None)
    totp_confirmed: Mapped[bool] = mapped_column(default=False)
    totp_step: Mapped[int] = mapped_column(default=0)
    failed: Mapped[int] = mapped_column(default=0)
    locked_until: Mapped[float] = mapped_column(default=0.0)
    created_at: Mapped[float]
    requests_a_day: Mapped[int | None] = mapped_column(default=None)
    issuer: Mapped[str | None] = mapped_column(String(400), default=None)
    subject: Mapped[str | None] = mapped_column(String(255), default=None)

    __table_args__ = (Index("accounts_by_subject", "issuer", "subject", unique=True),)


class SignedIn(Base):
    """A session: the hash of what the browser holds."""

    __tablename__ = "sessions"

    digest: Mapped[str] = mapped_column(DIGEST, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    strong: Mapped[bool]
    created_at: Mapped[float]
    rotated_at: Mapped[float]
    seen_at: Mapped[float]


class Token(Base):
    """A token of a program: the hash of what the program holds."""

    __tablename__ = "tokens"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    digest: Mapped[str] = mapped_column(DIGEST, unique=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    scopes: Mapped[list[str]] = mapped_column(JSON)
    created_at: Mapped[float]
    expires_at: Mapped[float]


class OfferedRun(Base):
    """A run folder that can be asked."""

    __tablename__ = "offered_runs"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    folder: Mapped[str] = mapped_column(String(200), unique=True)
    offered_by: Mapped[str] = mapped_column(ForeignKey("accounts.id"))
    offered_at: Mapped[float]


class Area(Base):
    """A file of polygons that somebody sent or drew."""

    __tablename__ = "areas"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    name: Mapped[str] = mapped_column(String(200))
    layer: Mapped[str | None] = mapped_column(String(200), default=None)
    sha256: Mapped[str] = mapped_column(DIGEST)
    facts: Mapped[str] = mapped_column(Text)
    created_at: Mapped[float]


class Job(Base):
    """Work that waits, is being done, or was done; ``order`` and ``outcome`` are records."""

    __tablename__ = "jobs"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    key: Mapped[str] = mapped_column(DIGEST)
    live_key: Mapped[str | None] = mapped_column(DIGEST, unique=True, default=None)
    kind: Mapped[str] = mapped_column(String(16))
    order: Mapped[str] = mapped_column(Text)
    state: Mapped[str] = mapped_column(String(16))
    priority: Mapped[int] = mapped_column(default=0)
    attempts: Mapped[int] = mapped_column(default=0)
    worker: Mapped[str | None] = mapped_column(String(64), default=None)
    heartbeat_at: Mapped[float | None] = mapped_column(default=None)
    cancel_asked: Mapped[bool] = mapped_column(default=False)
    step: Mapped[int] = mapped_column(default=0)
    steps: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]
    started_at: Mapped[float | None] = mapped_column(default=None)
    finished_at: Mapped[float | None] = mapped_column(default=None)
    notice: Mapped[str | None] = mapped_column(Text, default=None)
    outcome: Mapped[str | None] = mapped_column(Text, default=None)

    __table_args__ = (Index("jobs_by_state", "state", "priority", "created_at"),)


class Request(Base):
    """What somebody asked of a run; several may be answered by one job.

    `process` and `outputs` are what a program asked for by a standard.
    """

    __tablename__ = "requests"

    id: Mapped[str] = mapped_column(ID, primary_key=True)
    account_id: Mapped[str] = mapped_column(ForeignKey("accounts.id"), index=True)
    run_id: Mapped[str] = mapped_column(ID, index=True)
    job_id: Mapped[str] = mapped_column(ForeignKey("jobs.id"), index=True)
    title: Mapped[str] = mapped_column(String(200))
    note: Mapped[str] = mapped_column(Text, default="")
    shared: Mapped[bool] = mapped_column(default=False)
    dismissed: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[float]
    process: Mapped[str | None] = mapped_column(String(16), default=None)
    outputs: Mapped[list[str] | None] = mapped_column(JSON, default=None)


class Access(Base):
    """A line of the access log; chained, and never changed."""

    __tablename__ = "access_log"

    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    line: Mapped[str] = mapped_column(Text)
    sha256: Mapped[str] = mapped_column(DIGEST)
