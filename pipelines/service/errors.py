"""What the desk refuses: one error, one status for each code, one shape on the wire (RFC 9457)."""

from collections.abc import Mapping, Sequence

from pydantic import Field

from minerisk.features.errors import MineriskError
from minerisk.pipelines.language.desk_codes import DeskCode, DeskNotice, desk_notice
from minerisk.pipelines.language.desk_words import NEXT_STEPS
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.records.notice import Value
from minerisk.pipelines.records.record import Record

PROBLEM_JSON = "application/problem+json"
RETRY_S = 30

STATUS: Mapping[DeskCode, int] = {
    DeskCode.RUN_GONE: 410,
    DeskCode.RUN_WITHDRAWN: 410,
    DeskCode.RUN_UNVERIFIED: 409,
    DeskCode.RUN_DRAFT: 403,
    DeskCode.RUN_REJECTED: 403,
    DeskCode.NO_RUN_APPROVED: 404,
    DeskCode.AREA_GONE: 410,
    DeskCode.AREA_TOO_LARGE: 422,
    DeskCode.LAYER_GONE: 409,
    DeskCode.DISK_FULL: 503,
    DeskCode.RESULT_EXPIRED: 410,
    DeskCode.RESULT_NOT_READY: 409,
    DeskCode.RESULT_CHANGED: 409,
    DeskCode.TILE_MISSING: 404,
    DeskCode.QUOTA_DAY: 429,
    DeskCode.QUOTA_WAITING: 429,
    DeskCode.TOO_MANY: 429,
    DeskCode.NOT_SIGNED_IN: 401,
    DeskCode.NOT_ALLOWED: 403,
    DeskCode.NOT_FOUND: 404,
    DeskCode.CREDENTIALS_WRONG: 401,
    DeskCode.LOCKED_OUT: 429,
    DeskCode.CODE_WRONG: 401,
    DeskCode.CODE_NEEDED: 403,
    DeskCode.FORM_STALE: 403,
    DeskCode.NAME_TAKEN: 409,
    DeskCode.LAST_ADMINISTRATOR: 409,
    DeskCode.BODY_TOO_LARGE: 413,
    DeskCode.REVIEW_OF_OWN: 403,
    DeskCode.REVIEW_REFUSED: 409,
    DeskCode.SIGNATURE_LATE: 409,
    DeskCode.BUSY: 503,
    DeskCode.FAULT: 500,
}
"""The status of each code; of every other it is 422: what was asked cannot be answered."""


class RefusedError(MineriskError):
    """Something that the desk does not do, as a code with values."""

    def __init__(self, code: DeskCode, *, choices: Sequence[str] = (), **values: Value) -> None:
        self.notice = desk_notice(code, **values)
        self.choices = tuple(choices)
        super().__init__(ENGLISH.say(self.notice))


class Problem(Record):
    """The body of every refusal (RFC 9457), in the language of whoever asked."""

    type: str
    title: str = Field(description="what happened")
    status: int
    detail: str = Field(description="what to do next")
    code: DeskCode
    choices: tuple[str, ...] = Field((), description="what could have been given")


class Said(Record):
    """A code in words, as an answer shows it."""

    code: DeskCode
    words: str = Field(description="what is so")
    next: str = Field(description="what to do next")


def said(notice: DeskNotice, texts: Texts) -> Said:
    """Put a notice into words."""
    return Said(code=notice.code, words=texts.say(notice), next=texts.say(NEXT_STEPS[notice.code]))


def problem(notice: DeskNotice, texts: Texts, choices: Sequence[str] = ()) -> Problem:
    """Put a notice into the body of a refusal."""
    words = said(notice, texts)
    return Problem(
        type=f"urn:minerisk:{notice.code}",
        title=words.words,
        status=STATUS.get(notice.code, 422),
        detail=words.next,
        code=notice.code,
        choices=tuple(choices),
    )
