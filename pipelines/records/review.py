"""Reviews of a run: who decided what, of which trail."""

from enum import StrEnum
from typing import ClassVar

import pydantic

from minerisk.pipelines.records.record import Record


class State(StrEnum):
    """What the reviews make of a run.

    ``reviewed`` is looked at and not approved. What is not provably approved is a draft.
    """

    DRAFT = "draft"
    REVIEWED = "reviewed"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"


class Verdict(StrEnum):
    """What somebody decided of a run."""

    APPROVE = "approve"
    REJECT = "reject"
    WITHDRAW = "withdraw"

    @property
    def state(self) -> State:
        """The state that a run has after it."""
        return _STATES[self]


_STATES = {
    Verdict.APPROVE: State.APPROVED,
    Verdict.REJECT: State.REVIEWED,
    Verdict.WITHDRAW: State.WITHDRAWN,
}


class Review(Record):
    """A line of the log of reviews.

    Attributes
    ----------
    number
        Counted from 1.
    at
        Date and time, UTC, ISO 8601.
    by
        A name, a role or a staff number, in their own words.
    champion
        Whether the run becomes the one to be used.
    head
        Head of the trail that was reviewed.
    before
        SHA-256 of the line before; None in the first.
    key, signature
        Ed25519 public key and signature in base64; None where the review is not signed.
    sha256
        Of everything else in the line.
    """

    model_config = pydantic.ConfigDict(strict=True)

    version: ClassVar[int] = 1

    schema_version: int
    number: int
    at: str
    by: str
    decision: Verdict
    champion: bool
    note: str
    head: str
    before: str | None
    key: str | None = None
    signature: str | None = None
    sha256: str = ""
