"""What the desk refuses: one error, one status for each code, one shape on the wire (RFC 9457)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pydantic import Field

from minerisk.features.errors import MakeAgainError, MineriskError
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
    DeskCode.RUN_NOT_READ: 409,
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
    DeskCode.FIRST_PASSWORD: 403,
    DeskCode.FIRST_PASSWORD_OVER: 401,
    DeskCode.CODE_WRONG: 401,
    DeskCode.CODE_NEEDED: 403,
    DeskCode.PROVIDER_AWAY: 503,
    DeskCode.PROVIDER_REFUSED: 403,
    DeskCode.PROVIDER_WRONG: 502,
    DeskCode.PROVIDER_ROLE: 403,
    DeskCode.PROVIDER_FACTOR: 403,
    DeskCode.SIGN_IN_STALE: 403,
    DeskCode.FORM_STALE: 403,
    DeskCode.NAME_TAKEN: 409,
    DeskCode.LAST_ADMINISTRATOR: 409,
    DeskCode.BODY_TOO_LARGE: 413,
    DeskCode.BODY_TOO_SLOW: 408,
    DeskCode.QUERY_WRONG: 400,
    DeskCode.QUERY_UNKNOWN: 400,
    DeskCode.METHOD_WRONG: 405,
    DeskCode.RANGE_WRONG: 416,
    DeskCode.REVIEW_OF_OWN: 403,
    DeskCode.REVIEW_REFUSED: 409,
    DeskCode.SIGNATURE_LATE: 409,
    DeskCode.BUSY: 503,
    DeskCode.FAULT: 500,
}
"""The status of each code; of every other it is 422: what was asked cannot be answered."""


@dataclass(frozen=True)
class Standard:
    """What a standard asks of a refusal: its status, and its type as an address."""

    status: int
    type: str | None = None


class RefusedError(MineriskError):
    """Something that the desk does not do, as a code with values.

    `standard` is what a standard has for it, where an address keeps to one.
    """

    def __init__(
        self,
        code: DeskCode,
        *,
        choices: Sequence[str] = (),
        standard: "Standard | None" = None,
        **values: Value,
    ) -> None:
        self.notice = desk_notice(code, **values)
        self.choices = tuple(choices)
        self.standard = standard
        super().__init__(ENGLISH.say(self.notice))

    @classmethod
    def of(cls, notice: DeskNotice) -> "RefusedError":
        """Refuse for a reason that was written down before."""
        return cls(notice.code, choices=(), standard=None, **dict(notice.values))


def notice_of(error: Exception) -> DeskNotice:
    """Say what cannot be answered: by no wording of a request if the run itself is not readable."""
    unread = isinstance(error, MakeAgainError)
    code = DeskCode.RUN_NOT_READ if unread else DeskCode.ASKED_REFUSED
    return desk_notice(code, why=str(error))


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


def problem(
    notice: DeskNotice,
    texts: Texts,
    choices: Sequence[str] = (),
    standard: Standard | None = None,
) -> Problem:
    """Put a notice into the body of a refusal."""
    words, status = said(notice, texts), STATUS.get(notice.code, 422)
    standard = standard or Standard(status)
    return Problem(
        type=standard.type or f"urn:minerisk:{notice.code}",
        title=words.words,
        status=standard.status,
        detail=words.next,
        code=notice.code,
        choices=tuple(choices),
    )
