"""The log of reviews of a run, and the state that follows from it."""

import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from minerisk.features.errors import InputError
from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.run_folder import RunFolder
from minerisk.pipelines.provenance.signatures import fingerprint, signed_by
from minerisk.pipelines.records.manifest import Manifest
from minerisk.pipelines.records.review import Review, State, Verdict


@dataclass(frozen=True)
class ReviewLog:
    """The reviews of a run, and whether their chain holds.

    Attributes
    ----------
    entries
        One for each decision, oldest first.
    problems, notes
        One line each.
    state
        Of the trail as it is now; ``draft`` where a problem was found.
    champion
        Whether the last decision made the run the champion.
    """

    entries: tuple[Review, ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
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
    name = "reviews.jsonl"
    entries: list[Review] = []
    problems: list[str] = []
    lines = content.split(b"\n")
    if lines.pop() != b"" or not lines:
        problems.append(f"{name} does not end with a whole line")
    for number, line in enumerate(lines, start=1):
        found = _entry(line)
        if found is None:
            problems.append(f"{name}, line {number} is no review: it was written by hand")
            break
        problems += _entry_problems(line, found, number, entries, manifest)
        problems += _signature_problems(found, number, trusted)
        entries.append(found)
    if entries and not problems and entries[-1].head != manifest.head:
        last = entries[-1]
        problems.append(
            f"{name}: the last review ({last.decision}) was of a trail that ends in "
            f"{last.head}; it ends in {manifest.head} now. The run was changed since"
        )
    return _log(entries, problems, trusted)


def _log(
    entries: Sequence[Review], problems: Sequence[str], trusted: Mapping[str, str] | None
) -> ReviewLog:
    last = entries[-1] if entries and not problems else None
    return ReviewLog(
        entries=tuple(entries),
        problems=tuple(problems),
        notes=tuple(_notes(entries, trusted)),
        state=State.DRAFT if last is None else last.decision.state,
        champion=last is not None and last.champion,
    )


def _entry(line: bytes) -> Review | None:
    try:
        return Review.model_validate_json(line)
    except ValueError:
        return None


def _entry_problems(
    line: bytes, entry: Review, number: int, earlier: Sequence[Review], manifest: Manifest
) -> list[str]:
    where = f"reviews.jsonl, line {number}"
    found = []
    if line != line_of(entry).encode() or entry.sha256 != review_sha256(entry):
        found.append(f"{where} is not as it was written")
    if entry.number != number or entry.before != (earlier[-1].sha256 if earlier else None):
        found.append(f"{where} does not follow the line before it")
    if entry.decision is Verdict.APPROVE and made_by(manifest, entry.by):
        found.append(f"{where}: {entry.by} made the run and approved it; two people are needed")
    after = [known for known in earlier if known.head == entry.head]
    if after and after[-1].decision is Verdict.WITHDRAW:
        found.append(f"{where} decides on a run that was withdrawn")
    return found


def _signature_problems(entry: Review, number: int, trusted: Mapping[str, str] | None) -> list[str]:
    where = f"reviews.jsonl, line {number}"
    if entry.key is None or entry.signature is None:
        unsigned = entry.key is None and entry.signature is None
        if unsigned:
            return [] if trusted is None else [f"{where} is not signed"]
        return [f"{where}: its signature is not that of its key"]
    if not signed_by(entry.key, entry.signature, signed_bytes(entry)):
        return [f"{where}: its signature is not that of its key"]
    if trusted is not None and entry.key not in trusted:
        return [f"{where} is signed with key {fingerprint(entry.key)}, which you do not trust"]
    return []


def _notes(entries: Sequence[Review], trusted: Mapping[str, str] | None) -> list[str]:
    notes = []
    for before, entry in zip([None, *entries], entries, strict=False):
        where = f"review {entry.number} ({entry.decision} by {entry.by})"
        if entry.key is None:
            notes.append(f"{where} is not signed: whoever can write the folder could have made it")
        elif trusted is None:
            notes.append(
                f"{where} is signed with key {fingerprint(entry.key)}; whose it is was not "
                "checked (no --trust)"
            )
        if before is not None and entry.at < before.at:
            notes.append(f"{where} is dated before the one before it: a clock was set back")
    return notes


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
