"""The log of reviews of a run; how the run stands by it is decided in `standing.py`."""

import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import pydantic

from minerisk.features.errors import MineriskError
from minerisk.features.files.plain_files import check_json, read_plain
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint, signed_by
from minerisk.pipelines.records.feedback import DeliveryEntry
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.notice import Value
from minerisk.pipelines.records.review import (
    Review,
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
    """

    entries: tuple[Review, ...] = ()
    problems: tuple[TrailNotice, ...] = ()
    notes: tuple[TrailNotice, ...] = ()

    @property
    def end(self) -> str | None:
        """Hash of the last entry; none without entries."""
        return self.entries[-1].sha256 if self.entries else None


def read_reviews(
    files: RunFolder, manifest: Manifest, *, trusted: Mapping[str, str] | None = None
) -> ReviewLog:
    """Read and check the reviews of a run; see `check_reviews`. Nobody may have reviewed it.

    A log that cannot be read is a problem of its own, as one that was changed is.
    """
    if not files.reviews.exists() and not files.reviews.is_symlink():
        return ReviewLog()
    try:
        content = read_plain(files.reviews)
    except (MineriskError, OSError) as error:
        why = str(error).rstrip(".")
        return ReviewLog(problems=(trail_notice(TrailCode.LOG_UNREADABLE, file=REVIEWS, why=why),))
    return check_reviews(content, manifest, trusted=trusted)


def check_reviews(
    content: bytes, manifest: Manifest, *, trusted: Mapping[str, str] | None = None
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
                by=entries[-1].by,
                at=entries[-1].at,
                reviewed=entries[-1].head,
                head=manifest.head,
            )
        )
    notes = [*_notes(entries, trusted), *_maker_notes(entries, manifest)]
    return ReviewLog(tuple(entries), tuple(problems), tuple(notes))


class _Versioned(pydantic.BaseModel):
    """What every line of a log states."""

    schema_version: int


Line = TypeVar("Line", Review, DeliveryEntry)


def read_line(kind: type[Line], line: bytes, *, file: str, number: int) -> Line | TrailNotice:
    """Read a line of a log, or report why it cannot be read."""
    try:
        check_json(line)
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
    if entry.decision is Verdict.APPROVE:
        yield from _four_eyes_problems(entry, number, manifest)
    after = [known for known in earlier if known.head == entry.head]
    if after and after[-1].decision is Verdict.WITHDRAW:
        yield trail_notice(TrailCode.REVIEW_AFTER_WITHDRAWAL, file=REVIEWS, line=number)


def _four_eyes_problems(entry: Review, number: int, manifest: Manifest) -> Iterator[TrailNotice]:
    """Hold an approval against those who made the run: by key where they gave one, and by name."""
    where: dict[str, Value] = {"file": REVIEWS, "line": number, "by": entry.by}
    if made_by(manifest, entry.by):
        yield trail_notice(TrailCode.REVIEW_BY_MAKER, **where)
    if entry.key is not None and entry.key in manifest.maker_keys:
        yield trail_notice(TrailCode.REVIEW_BY_MAKER_KEY, **where, key=fingerprint(entry.key))
    elif entry.key is None and manifest.maker_keys:
        yield trail_notice(TrailCode.REVIEW_NEEDS_KEY, **where)


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


def _maker_notes(entries: Sequence[Review], manifest: Manifest) -> Iterator[TrailNotice]:
    last = entries[-1] if entries else None
    if last is not None and last.decision is Verdict.APPROVE and not manifest.maker_keys:
        yield trail_notice(TrailCode.NOTE_NAMES_ONLY, by=last.by)


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
