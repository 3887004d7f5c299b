"""Who asked for which land, saw and downloaded what: lines that are chained and only added to."""

from collections.abc import Iterator, Mapping
from typing import ClassVar

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.records.notice import Value
from minerisk.pipelines.records.record import Record
from minerisk.pipelines.service.store.models import Access

LOCK = 19_031_990
"""Of PostgreSQL, so that two writers do not take the same number."""


class AccessEntry(Record):
    """A line of the access log.

    Attributes
    ----------
    by
        Name of the account; None where nobody was signed in.
    action
        A word, such as ``download``.
    subject
        Id of the run, request or account that it was about.
    values
        What else there is to know: hectares, a file, a layer.
    before
        SHA-256 of the line before; None in the first.
    """

    version: ClassVar[int] = 1

    schema_version: int
    number: int
    at: str
    by: str | None
    action: str
    subject: str
    values: Mapping[str, Value] = {}
    before: str | None
    sha256: str = ""


def note(session: Session, by: str | None, action: str, subject: str, **values: Value) -> None:
    """Add a line, in the transaction of what it is about."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": LOCK})
    last = session.scalars(select(Access).order_by(Access.number.desc()).limit(1)).one_or_none()
    entry = AccessEntry(
        schema_version=AccessEntry.version,
        number=1 if last is None else last.number + 1,
        at=now().isoformat(timespec="seconds"),
        by=by,
        action=action,
        subject=subject,
        values=values,
        before=None if last is None else last.sha256,
    )
    entry = entry.model_copy(update={"sha256": _hash(entry)})
    session.add(Access(number=entry.number, line=_line(entry), sha256=entry.sha256))
    session.flush()


def export(session: Session) -> Iterator[str]:
    """Yield the lines of the log, oldest first."""
    for row in session.scalars(select(Access).order_by(Access.number)):
        yield row.line + "\n"


def first_broken(lines: Iterator[str]) -> int | None:
    """Return the number of the first line that does not follow from those before it."""
    before, number = None, 0
    for number, line in enumerate(lines, start=1):
        try:
            entry = AccessEntry.model_validate_json(line)
        except ValueError:
            return number
        if (
            line.rstrip("\n") != _line(entry)
            or entry.sha256 != _hash(entry)
            or (entry.number, entry.before) != (number, before)
        ):
            return number
        before = entry.sha256
    return None


def _line(entry: AccessEntry) -> str:
    return canonical(entry.model_dump(mode="json"))


def _hash(entry: AccessEntry) -> str:
    return sha256_text(canonical(entry.model_dump(mode="json", exclude={"sha256"})))
