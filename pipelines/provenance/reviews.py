"""The log of reviews of a run, and the state that follows from it."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pydantic

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint, signed_by
from minerisk.pipelines.records.feedback import DeliveryEntry
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.notice import Value
from minerisk.pipelines.records.review import (
    Review,
    State,
    TrailCode,
    TrailNotice,
    Verdict,
    trail_notice,
)

REVIEWS = "reviews.jsonl"


@dataclass(frozen=True)
class ReviewLog:
    """The reviews of a run, and whether their chain holds.

    Attributes
    ----------
    entries
        One for each decision, oldest first.
    problems, notes
        What is wrong with them, and what is worth knowing.
    state
        Of the trail as it is now; ``draft`` where a problem was found.
    champion
        Whether the last decision made the run the champion.
    """

    entries: tuple[Review, ...] = ()
    problems: tuple[TrailNotice, ...] = ()
    notes: tuple[TrailNotice, ...] = ()
    state: State = State.DRAFT
    champion: bool = False

    @property
    def end(self) -> str | None:
        """Hash of the last entry; none without entries."""
        return self.entries[-1].sha256 if self.entries else None


def read_reviews(files: RunFolder, manifest: Manifest) -> ReviewLog:
    """Read and check the reviews of a run; see `check_reviews`."""
    return check_reviews(review_lines(files), manifest)


def review_lines(files: RunFolder) -> bytes | None:
    """Read the log of reviews; None where nobody has reviewed the run.

    Raises
    ------
    InputError
        If it is there and cannot be read.
    """
    if not files.reviews.exists():
        return None
    try:
        return files.reviews.read_bytes()
    except OSError as error:
        raise InputError(f"{files.reviews} cannot be read ({error}). Check who may.") from error


def check_reviews(
    content: bytes | None, manifest: Manifest, *, trusted: Mapping[str, str] | None = None
) -> ReviewLog:
    """Check the reviews of a run: every line, every link, every signature.

    Parameters
    ----------
    content
        The log as it is in its file.
    trusted
        Public keys, one of which must have signed each decision (see
        `minerisk.pipelines.provenance.signatures.read_trusted`).
    """
    if content is None:
        return ReviewLog()
    entries: list[Review] = []
    problems: list[TrailNotice] = []
    lines = content.split(b"\n")
    if lines.pop() != b"" or not lines:
        problems.append(trail_notice(TrailCode.LOG_CUT, file=REVIEWS))
    for number, line in enumerate(lines, start=1):
        found = read_line(Review, line, file=REVIEWS, number=number)
        if not isinstance(found, Review):
            problems.append(found)
            break
        problems += _entry_problems(line, found, number, entries, manifest)
        problems += _signature_problems(found, number, trusted)
        entries.append(found)
    if entries and not problems and entries[-1].head != manifest.head:
        problems.append(
            trail_notice(
                TrailCode.REVIEW_OF_OTHER_TRAIL,
                file=REVIEWS,
                decision=entries[-1].decision,
                reviewed=entries[-1].head,
                head=manifest.head,
            )
        )
    return _log(entries, problems, trusted)


def _log(
    entries: Sequence[Review], problems: Sequence[TrailNotice], trusted: Mapping[str, str] | None
) -> ReviewLog:
    last = entries[-1] if entries and not problems else None
    return ReviewLog(
        entries=tuple(entries),
        problems=tuple(problems),
        notes=tuple(_notes(entries, trusted)),
        state=State.DRAFT if last is None else last.decision.state,
        champion=last is not None and last.champion,
    )


class _Versioned(pydantic.BaseModel):
    """What every line of a log states."""

    schema_version: int


Line = TypeVar("Line", Review, DeliveryEntry)


def read_line(kind: type[Line], line: bytes, *, file: str, number: int) -> Line | TrailNotice:
    """Read a line of a log, or report why it cannot be read."""
    try:
        stated = _Versioned.model_validate_json(line).schema_version
        if stated == kind.version:
            return kind.model_validate_json(line)
    except ValueError:
        return trail_notice(TrailCode.LINE_UNREADABLE, file=file, line=number)
    return trail_notice(
        TrailCode.LINE_OTHER_VERSION, file=file, line=number, stated=stated, read=kind.version
    )


def _entry_problems(
    line: bytes, entry: Review, number: int, earlier: Sequence[Review], manifest: Manifest
) -> Iterator[TrailNotice]:
    if line != line_of(entry).encode() or entry.sha256 != review_sha256(entry):
        yield trail_notice(TrailCode.LINE_CHANGED, file=REVIEWS, line=number)
    if entry.number != number or entry.before != (earlier[-1].sha256 if earlier else None):
        yield trail_notice(TrailCode.LINE_UNCHAINED, file=REVIEWS, line=number)
    if entry.decision is Verdict.APPROVE and made_by(manifest, entry.by):
        yield trail_notice(TrailCode.REVIEW_BY_MAKER, file=REVIEWS, line=number, by=entry.by)
    after = [known for known in earlier if known.head == entry.head]
    if after and after[-1].decision is Verdict.WITHDRAW:
        yield trail_notice(TrailCode.REVIEW_AFTER_WITHDRAWAL, file=REVIEWS, line=number)


def _signature_problems(
    entry: Review, number: int, trusted: Mapping[str, str] | None
) -> Iterator[TrailNotice]:
    if entry.key is None and entry.signature is None:
        if trusted is not None:
            yield trail_notice(TrailCode.REVIEW_UNSIGNED, file=REVIEWS, line=number)
        return
    key, signature = entry.key or "", entry.signature or ""
    if not signed_by(key, signature, signed_bytes(entry)):
        yield trail_notice(TrailCode.REVIEW_SIGNATURE_WRONG, file=REVIEWS, line=number)
    elif trusted is not None and key not in trusted:
        yield trail_notice(
            TrailCode.REVIEW_KEY_UNTRUSTED, file=REVIEWS, line=number, key=fingerprint(key)
        )


def _notes(entries: Sequence[Review], trusted: Mapping[str, str] | None) -> Iterator[TrailNotice]:
    for before, entry in zip([None, *entries], entries, strict=False):
        who: dict[str, Value] = {"number": entry.number, "decision": entry.decision, "by": entry.by}
        if entry.key is None:
            yield trail_notice(TrailCode.NOTE_REVIEW_UNSIGNED, **who)
        elif trusted is None:
            yield trail_notice(TrailCode.NOTE_KEY_UNCHECKED, **who, key=fingerprint(entry.key))
        if before is not None and entry.at < before.at:
            yield trail_notice(TrailCode.NOTE_CLOCK, **who)


def made_by(manifest: Manifest, name: str) -> bool:
    """Check whether somebody is among those who made a run, however the name is spelled."""
    return _folded(name) in {_folded(known) for known in manifest.trained_by}


def _folded(name: str) -> str:
    """Make two spellings of one name equal."""
    return " ".join(unicodedata.normalize("NFKC", name).casefold().split())


def line_of(entry: Review) -> str:
    """Write a review as its line of the log."""
    return canonical(entry.model_dump(mode="json"))


def signed_bytes(entry: Review) -> bytes:
    """Collect what a signature is of: everything but itself and the hash of the line."""
    return canonical(entry.model_dump(mode="json", exclude={"signature", "sha256"})).encode()


def review_sha256(entry: Review) -> str:
    """Hash a line of the log."""
    return sha256_text(canonical(entry.model_dump(mode="json", exclude={"sha256"})))
