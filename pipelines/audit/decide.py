"""`minerisk review add`: who looked at a run, what they decided, and of which bytes."""

import unicodedata
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import canonical, write_whole
from minerisk.pipelines.provenance.manifest import locked, read_manifest
from minerisk.pipelines.provenance.reviews import (
    BECOMES,
    REVIEWS,
    ReviewLog,
    _name,
    _sha256,
    _signed_bytes,
    _trainers,
    read_reviews,
)
from minerisk.pipelines.provenance.signatures import public_text, read_key, sign

MAX_WORDS = 4_000


@dataclass(frozen=True)
class Decision:
    """What somebody decided of a run.

    Attributes
    ----------
    decision
        ``approve``, ``reject`` or ``withdraw``.
    by
        Who: a name, a role or a staff number, as they give it. It stays in the run folder.
    note
        Why.
    champion
        Whether the approved run becomes the one to be used (the MLflow alias ``champion``).
    """

    decision: str
    by: str
    note: str
    champion: bool = False


def review_run(
    folder: Path, decision: Decision, *, key: Path | None = None, layers: bool = True
) -> ReviewLog:
    """Add a decision to the reviews of a run, and have MLflow follow.

    Parameters
    ----------
    key
        Ed25519 private key to sign with.
    layers
        Whether the layers are at hand for the audit before an approval.

    Raises
    ------
    FindingError
        If an approval is asked for and the audit, a gate or the four eyes do not pass, or the log
        was edited; or MLflow could not follow (the decision is then on record).
    InputError
        If the decision is not one, or does not fit the state.
    """
    _check_words(decision)
    signer = None if key is None else read_key(key)
    head = str(read_manifest(folder).get("head"))
    if decision.decision == "approve":
        _may_be_approved(folder, decision.by, layers=layers)
    with locked(folder):
        manifest, log = read_manifest(folder), read_reviews(folder)
        if head != manifest.get("head"):
            raise InputError(f"{folder} was changed while it was looked at. Audit it again.")
        _check_state(decision, log, head)
        entry: dict[str, Any] = {
            "number": len(log.entries) + 1,
            "at": now().isoformat(timespec="seconds"),
            "by": decision.by.strip(),
            "decision": decision.decision,
            "champion": decision.champion,
            "note": decision.note.strip(),
            "head": head,
            "before": log.end,
            "key": None if signer is None else public_text(signer),
            "signature": None,
        }
        if signer is not None:
            entry["signature"] = sign(signer, _signed_bytes(entry))
        entry["sha256"] = _sha256(entry)
        lines = [canonical(known) for known in (*log.entries, entry)]
        write_whole(folder / REVIEWS, "\n".join(lines) + "\n")
    follow(folder)
    return read_reviews(folder)


def follow(folder: Path) -> None:
    """Set MLflow's tags and alias as the reviews have them.

    Raises
    ------
    FindingError
        If MLflow cannot be reached. The reviews are what counts, and are on record.
    """
    from minerisk.pipelines.run.folder import Run
    from minerisk.pipelines.tracking.registry import follow_reviews

    run = Run.open(folder)
    try:
        follow_reviews(run, read_manifest(folder), read_reviews(folder))
    except InputError as error:
        raise FindingError(
            f"The review is on record; MLflow did not follow: {error} Then run "
            f"`minerisk review follow {folder}`."
        ) from error


def _may_be_approved(folder: Path, by: str, *, layers: bool) -> None:
    from minerisk.pipelines.audit.verify import audit_run, unfinished

    manifest = read_manifest(folder)
    missing = unfinished(manifest)
    if missing:
        raise InputError(f"{folder} is not finished ({', '.join(missing)}). Go on with it first.")
    if not _trainers(manifest):
        raise InputError(
            f"{folder} does not say who made it, so that two people cannot be told apart. Whoever "
            "did: `minerisk run CONFIG --out RUN --by WHO` (nothing is done again)."
        )
    if _name(by) in _trainers(manifest):
        raise FindingError(f"{by} made this run and cannot approve it. Ask somebody else.")
    found = audit_run(folder, layers=layers)
    # A trail that changed since the last review is what a new review is for.
    problems = [line for line in found.problems if "was of a trail that ends in" not in line]
    if problems:
        raise FindingError(
            f"The audit found {len(problems)} problems, the first: {problems[0]}. It cannot be "
            "approved so; see `minerisk audit verify`."
        )
    failed = [str(gate["name"]) for gate in found.gates if not gate["passed"]]
    if failed or not found.gates:
        raise FindingError(
            f"Gates not passed: {', '.join(failed) or 'none are on record'}. They were agreed "
            "before training; a run that does not pass them can be rejected, not approved."
        )


def _check_state(decision: Decision, log: ReviewLog, head: str) -> None:
    broken = [line for line in log.problems if "was of a trail that ends in" not in line]
    if broken:
        raise FindingError(f"{broken[0]}. Nothing was added; see `minerisk audit verify`.")
    if log.state == "withdrawn":
        raise InputError("The run was withdrawn, which is final. Make a new run.")
    if decision.decision == "withdraw" and log.state != "approved":
        raise InputError(f"The run is {log.state}; only an approved run can be withdrawn.")


def _check_words(decision: Decision) -> None:
    if decision.decision not in BECOMES:
        raise InputError(f"{decision.decision!r} is no decision; expected {', '.join(BECOMES)}.")
    if decision.champion and decision.decision != "approve":
        raise InputError("Only an approved run can be champion: use --decision approve.")
    for name, words in (("--by", decision.by), ("--note", decision.note)):
        control = any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in words)
        if not words.strip() or len(words) > MAX_WORDS or control:
            raise InputError(f"{name} is empty, too long or has control characters; give words.")
