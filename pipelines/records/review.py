"""Reviews of a run, and what an audit of its trail finds, as codes with values."""

from enum import StrEnum
from typing import ClassVar

import pydantic

from minerisk.models.evaluation.results import Gate
from minerisk.pipelines.records.notice import Notice, Value
from minerisk.pipelines.records.record import Document, Record


class State(StrEnum):
    """How a run stands.

    A run that nobody decided on, or that was changed after the decision, is a draft. What does not
    verify is neither: nothing may be handed out from it.
    """

    DRAFT = "draft"
    REJECTED = "rejected"
    APPROVED = "approved"
    WITHDRAWN = "withdrawn"
    UNVERIFIED = "does not verify"


class FourEyes(StrEnum):
    """By what it is known that whoever approved a run is not among those who made it."""

    KEYS = "keys"
    NAMES = "names"


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
    Verdict.REJECT: State.REJECTED,
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


class TrailCode(StrEnum):
    """A finding of an audit, of the reviews or of the deliveries of a run."""

    MANIFEST_UNREADABLE = "trail_manifest_unreadable"
    OUTSIDE = "trail_outside"
    MISSING = "trail_missing"
    CHANGED = "trail_changed"
    LISTING_CHANGED = "trail_listing_changed"
    FILE_MISSING = "trail_file_missing"
    FILE_ADDED = "trail_file_added"
    FILE_CHANGED = "trail_file_changed"
    MODEL_UNUSABLE = "trail_model_unusable"
    LINK_BROKEN = "trail_link_broken"
    LAYER_CHANGED = "trail_layer_changed"
    ENTRY_UNCHAINED = "trail_entry_unchained"
    ENVIRONMENT_CHANGED = "trail_environment_changed"
    KEY_WRONG = "trail_key_wrong"
    HEAD_WRONG = "trail_head_wrong"
    PIN_UNKNOWN = "trail_pin_unknown"
    CONFIG_UNREADABLE = "trail_config_unreadable"
    SIMULATED_DISAGREES = "trail_simulated_disagrees"
    HALF_MADE = "trail_half_made"
    STRANGE_FILE = "trail_strange_file"
    STRANGE_LINK = "trail_strange_link"
    NO_FILE = "trail_no_file"

    GATES_UNREADABLE = "trail_gates_unreadable"
    GATE_MISSING = "trail_gate_missing"
    GATE_OTHER_THRESHOLD = "trail_gate_other_threshold"

    LOG_CUT = "trail_log_cut"
    LOG_SHORTER = "trail_log_shorter"
    LOG_UNREADABLE = "trail_log_unreadable"
    LINE_UNREADABLE = "trail_line_unreadable"
    LINE_OTHER_VERSION = "trail_line_other_version"
    LINE_CHANGED = "trail_line_changed"
    LINE_UNCHAINED = "trail_line_unchained"

    MAKER_UNSIGNED = "trail_maker_unsigned"
    MAKER_SIGNATURE_WRONG = "trail_maker_signature_wrong"

    REVIEW_BY_MAKER = "trail_review_by_maker"
    REVIEW_BY_MAKER_KEY = "trail_review_by_maker_key"
    REVIEW_NEEDS_KEY = "trail_review_needs_key"
    REVIEW_AFTER_WITHDRAWAL = "trail_review_after_withdrawal"
    REVIEW_UNSIGNED = "trail_review_unsigned"
    REVIEW_SIGNATURE_WRONG = "trail_review_signature_wrong"
    REVIEW_KEY_UNTRUSTED = "trail_review_key_untrusted"
    REVIEW_OF_OTHER_TRAIL = "trail_review_of_other_trail"
    NOTE_REVIEW_UNSIGNED = "trail_note_review_unsigned"
    NOTE_KEY_UNCHECKED = "trail_note_key_unchecked"
    NOTE_CLOCK = "trail_note_clock"
    NOTE_NAMES_ONLY = "trail_note_names_only"

    RESULTS_CHANGED = "trail_results_changed"

    STORE_UNREADABLE = "trail_store_unreadable"
    STORE_NO_VERSION = "trail_store_no_version"
    STORE_TAG = "trail_store_tag"
    STORE_CHAMPION = "trail_store_champion"
    STORE_OTHER_CHAMPION = "trail_store_other_champion"
    STORE_NO_CHAMPION = "trail_store_no_champion"
    STORE_MODEL = "trail_store_model"
    NOTE_STORE_ELSEWHERE = "trail_note_store_elsewhere"
    NOTE_STORE_ABSENT = "trail_note_store_absent"
    NOTE_STORE_BEHIND = "trail_note_store_behind"

    NOTE_UNFINISHED = "trail_note_unfinished"
    NOTE_NO_LAYERS = "trail_note_no_layers"
    NOTE_LAYERS_ABSENT = "trail_note_layers_absent"
    NOTE_NO_MAKER = "trail_note_no_maker"
    NOTE_CODE_DIRTY = "trail_note_code_dirty"
    NOTE_OTHER_CODE = "trail_note_other_code"
    NOTE_OTHER_LOCK = "trail_note_other_lock"
    NOTE_REQUESTS = "trail_note_requests"
    NOTE_TRANSLATION = "trail_note_translation"


TrailNotice = Notice[TrailCode]


def trail_notice(code: TrailCode, **values: Value) -> TrailNotice:
    """Make a notice, such as ``trail_notice(TrailCode.FILE_ADDED, name="model/x")``."""
    return TrailNotice(code=code, values=values)


class Standing(Record):
    """How a run stands, by what verifies of it: chain, outputs, reviews, keys.

    Attributes
    ----------
    champion
        Whether the last decision made the run the one to be used.
    reasons
        Why it does not verify, or is a draft again; empty otherwise.
    four_eyes
        By what maker and reviewer of an approved run are told apart; None where it is not approved.
    """

    state: State = State.DRAFT
    champion: bool = False
    reasons: tuple[TrailNotice, ...] = ()
    four_eyes: FourEyes | None = None


class Audit(Document):
    """What an audit of a run found.

    Attributes
    ----------
    checked
        How many files and layers were hashed and compared.
    problems
        Empty where everything is as recorded.
    notes
        What could not be checked, or is worth knowing and no finding.
    gates
        What was agreed before training, with the value reached.
    head
        Hash of the last entry of the trail: pins everything before it.
    standing
        How the run stands, by all that was checked.
    """

    version: ClassVar[int] = 2
    made_by: ClassVar[str] = "minerisk audit verify"

    checked: int
    problems: tuple[TrailNotice, ...]
    notes: tuple[TrailNotice, ...] = ()
    gates: tuple[Gate, ...] = ()
    head: str = ""
    standing: Standing = Standing()
