"""The log of reviews of a run, and the state that follows from it."""

import json
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minerisk.pipelines.provenance.files import canonical, sha256_text
from minerisk.pipelines.provenance.manifest import read_manifest
from minerisk.pipelines.provenance.signatures import fingerprint, read_trusted, signed_by

REVIEWS = "reviews.jsonl"


BECOMES = {"approve": "approved", "reject": "reviewed", "withdraw": "withdrawn"}


DRAFT = "draft"


FIELDS = {
    *("number", "at", "by", "decision", "champion", "note", "head", "before"),
    *("key", "signature", "sha256"),
}


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
        ``draft``, ``reviewed`` (looked at, not approved), ``approved`` or ``withdrawn``, of the
        trail as it is now. ``draft`` where a problem was found.
    champion
        Whether the last decision made the run the champion.
    """

    entries: tuple[Mapping[str, Any], ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    state: str = DRAFT
    champion: bool = False

    @property
    def end(self) -> str | None:
        """Hash of the last entry; none without entries."""
        return str(self.entries[-1]["sha256"]) if self.entries else None


def review_state(folder: Path) -> str:
    """Say where a run stands: ``draft``, ``reviewed``, ``approved`` or ``withdrawn``.

    What is not provably approved is a draft: also a run whose log was edited, or that changed
    since. `minerisk audit verify` says why.
    """
    return read_reviews(folder).state


def read_reviews(folder: Path, *, trust: Path | None = None) -> ReviewLog:
    """Read and check the reviews of a run.

    Parameters
    ----------
    trust
        Public keys, one of which must have signed each decision (see
        `minerisk.pipelines.provenance.signatures.read_trusted`).
    """
    manifest = read_manifest(folder)
    trusted = None if trust is None else read_trusted(trust)
    path = folder / REVIEWS
    if not path.exists():
        return ReviewLog()
    entries: list[dict[str, Any]] = []
    problems: list[str] = []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")
    except (OSError, ValueError) as error:
        return ReviewLog(problems=(f"{REVIEWS} cannot be read ({error})",))
    if lines.pop() != "" or not lines:
        problems.append(f"{REVIEWS} does not end with a whole line")
    for number, line in enumerate(lines, start=1):
        found = _entry(line)
        if found is None:
            problems.append(f"{REVIEWS}, line {number} is no review: it was written by hand")
            break
        problems += _entry_problems(line, found, number, entries, manifest)
        problems += _signature_problems(found, number, trusted)
        entries.append(found)
    if entries and not problems and entries[-1]["head"] != manifest.get("head"):
        last = entries[-1]
        problems.append(
            f"{REVIEWS}: the last review ({last['decision']}) was of a trail that ends in "
            f"{last['head']}; it ends in {manifest.get('head')} now. The run was changed since"
        )
    return _log(entries, problems, manifest, trusted)


def _log(
    entries: Sequence[dict[str, Any]],
    problems: Sequence[str],
    manifest: Mapping[str, Any],
    trusted: Mapping[str, str] | None,
) -> ReviewLog:
    last = entries[-1] if entries and not problems else None
    return ReviewLog(
        entries=tuple(entries),
        problems=tuple(problems),
        notes=tuple(_notes(entries, trusted)),
        state=DRAFT if last is None else BECOMES[last["decision"]],
        champion=last is not None and last["champion"],
    )


def _entry(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(found, dict) or found.keys() != FIELDS:
        return None
    texts = [found[name] for name in ("at", "by", "note", "head", "sha256")]
    known = isinstance(found["decision"], str) and found["decision"] in BECOMES
    whole = known and all(isinstance(text, str) for text in texts)
    return found if whole and isinstance(found["champion"], bool) else None


def _entry_problems(
    line: str,
    entry: Mapping[str, Any],
    number: int,
    earlier: Sequence[Mapping[str, Any]],
    manifest: Mapping[str, Any],
) -> list[str]:
    where = f"{REVIEWS}, line {number}"
    before = earlier[-1] if earlier else None
    found = []
    if line != canonical(entry) or entry["sha256"] != _sha256(entry):
        found.append(f"{where} is not as it was written")
    if entry["number"] != number or entry["before"] != (before["sha256"] if before else None):
        found.append(f"{where} does not follow the line before it")
    if entry["decision"] == "approve" and _name(entry["by"]) in _trainers(manifest):
        found.append(f"{where}: {entry['by']} made the run and approved it; two people are needed")
    after = [known for known in earlier if known["head"] == entry["head"]]
    if after and after[-1]["decision"] == "withdraw":
        found.append(f"{where} decides on a run that was withdrawn")
    return found


def _signature_problems(
    entry: Mapping[str, Any], number: int, trusted: Mapping[str, str] | None
) -> list[str]:
    where = f"{REVIEWS}, line {number}"
    if entry["key"] is None and entry["signature"] is None:
        return [] if trusted is None else [f"{where} is not signed"]
    if not signed_by(str(entry["key"]), str(entry["signature"]), _signed_bytes(entry)):
        return [f"{where}: its signature is not that of its key"]
    if trusted is not None and entry["key"] not in trusted:
        return [f"{where} is signed with key {fingerprint(entry['key'])}, which you do not trust"]
    return []


def _notes(entries: Sequence[Mapping[str, Any]], trusted: Mapping[str, str] | None) -> list[str]:
    notes = []
    for before, entry in zip([None, *entries], entries, strict=False):
        where = f"review {entry['number']} ({entry['decision']} by {entry['by']})"
        if entry["key"] is None:
            notes.append(f"{where} is not signed: whoever can write the folder could have made it")
        elif trusted is None:
            notes.append(
                f"{where} is signed with key {fingerprint(str(entry['key']))}; whose it is was not "
                "checked (no --trust)"
            )
        if before is not None and str(entry["at"]) < str(before["at"]):
            notes.append(f"{where} is dated before the one before it: a clock was set back")
    return notes


def _trainers(manifest: Mapping[str, Any]) -> set[str]:
    names = manifest.get("trained_by")
    return {_name(str(name)) for name in names} if isinstance(names, list) else set()


def _name(words: str) -> str:
    """Make two spellings of one name equal."""
    return " ".join(unicodedata.normalize("NFKC", words).casefold().split())


def _signed_bytes(entry: Mapping[str, Any]) -> bytes:
    return canonical(
        {name: value for name, value in entry.items() if name not in {"signature", "sha256"}}
    ).encode()


def _sha256(entry: Mapping[str, Any]) -> str:
    return sha256_text(canonical({k: value for k, value in entry.items() if k != "sha256"}))
