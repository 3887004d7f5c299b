"""`minerisk review add`: who looked at a run, what they decided, and of which bytes."""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from minerisk.features.errors import FindingError, InputError
from minerisk.pipelines.audit.verify import audit_run, unfinished
from minerisk.pipelines.language.messages import ENGLISH
from minerisk.pipelines.provenance.clock import now
from minerisk.pipelines.provenance.files import write_whole
from minerisk.pipelines.provenance.manifest import locked
from minerisk.pipelines.provenance.reviews import (
    ReviewLog,
    line_of,
    made_by,
    review_sha256,
    signed_bytes,
)
from minerisk.pipelines.provenance.signatures import (
    fingerprint,
    public_text,
    read_key,
    sign,
    signed_by,
)
from minerisk.pipelines.provenance.standing import stand
from minerisk.pipelines.records.review import (
    Review,
    Standing,
    State,
    TrailCode,
    TrailNotice,
    Verdict,
)
from minerisk.pipelines.run.folder import Run, refuse_unverified
from minerisk.pipelines.tracking.registry import follow_reviews
from minerisk.plain_text import plain_message, plain_text

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

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


@dataclass(frozen=True)
class SignedElsewhere:
    """A signature that was made where the key is: of the bytes of `review_to_sign`.

    Attributes
    ----------
    at
        Date and time in those bytes.
    key, signature
        In base64.
    """

    at: str
    key: str
    signature: str


def review_to_sign(run: Run, decision: Decision, *, key: str, at: str | None = None) -> Review:
    """Return the review that the holder of a key is to sign; nothing is added yet.

    Parameters
    ----------
    key
        Ed25519 public key in base64.
    at
        Date and time of an earlier call; none is now.

    Raises
    ------
    InputError
        If the decision is not one, or does not fit the state.
    """
    verdict, log = _verdict(decision), run.reviews()
    _check_state(verdict, stand(run.manifest(), log))
    entry = _entry(run, log, decision, at or now().isoformat(timespec="seconds"))
    return entry.model_copy(update={"key": key})


def review_run(
    run: Run,
    decision: Decision,
    *,
    key: Path | None = None,
    signed: SignedElsewhere | None = None,
    layers: bool = True,
) -> Standing:
    """Add a decision to the reviews of a run, and have MLflow follow.

    Parameters
    ----------
    key
        Ed25519 private key to sign with.
    signed
        In its place, a signature that was made elsewhere.
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
    add_review(run, decision, key=key, signed=signed, layers=layers)
    return follow(run)


def add_review(
    run: Run,
    decision: Decision,
    *,
    key: Path | None = None,
    signed: SignedElsewhere | None = None,
    layers: bool = True,
) -> Review:
    """Add a decision to the reviews of a run; MLflow is told by `follow`.

    Parameters and errors as for `review_run`.
    """
    verdict = _verdict(decision)
    signer = None if key is None else read_key(key)
    head = run.manifest().head
    if verdict is Verdict.APPROVE:
        public = None if signer is None else public_text(signer)
        public = public if signed is None else signed.key
        _may_be_approved(run, decision.by, public, layers=layers)
    with locked(run.folder):
        log = run.reviews()
        if head != run.manifest().head:
            raise InputError(f"{run.folder} was changed while it was looked at. Audit it again.")
        _check_state(verdict, stand(run.manifest(), log))
        if signed is not None:
            entry = _signed_elsewhere(_entry(run, log, decision, signed.at), signed)
        else:
            at = now().isoformat(timespec="seconds")
            entry = _signed(_entry(run, log, decision, at), signer)
        lines = [line_of(known) for known in (*log.entries, entry)]
        write_whole(run.files.reviews, "\n".join(lines) + "\n")
    return entry


def _entry(run: Run, log: ReviewLog, decision: Decision, at: str) -> Review:
    return Review(
        schema_version=Review.version,
        number=len(log.entries) + 1,
        at=at,
        by=plain_text(decision.by).strip(),
        decision=Verdict(decision.decision),
        champion=decision.champion,
        note=plain_message(decision.note).strip(),
        head=run.manifest().head,
        before=log.end,
    )


def _signed(entry: Review, key: "Ed25519PrivateKey | None") -> Review:
    """Sign a review where there is a key to sign with, and hash its line."""
    if key is not None:
        entry = entry.model_copy(update={"key": public_text(key)})
        entry = entry.model_copy(update={"signature": sign(key, signed_bytes(entry))})
    return entry.model_copy(update={"sha256": review_sha256(entry)})


def _signed_elsewhere(entry: Review, signed: SignedElsewhere) -> Review:
    """Take a signature if it is of these very bytes."""
    entry = entry.model_copy(update={"key": signed.key})
    if not signed_by(signed.key, signed.signature, signed_bytes(entry)):
        raise FindingError(
            "The signature is not of this decision by this key: the run, its reviews or the "
            "decision have changed since the bytes were fetched, or another key signed. Fetch the "
            "bytes again, and sign them."
        )
    entry = entry.model_copy(update={"signature": signed.signature})
    return entry.model_copy(update={"sha256": review_sha256(entry)})


def follow(run: Run) -> Standing:
    """Set MLflow's tags and alias as the run stands.

    Raises
    ------
    FindingError
        If the run does not verify, or MLflow cannot be reached. The reviews are what counts, and
        are on record.
    """
    standing = run.standing()
    refuse_unverified(run.folder, standing, "MLflow was not told")
    try:
        follow_reviews(run, run.manifest(), run.reviews(), standing)
    except InputError as error:
        raise FindingError(
            f"The review is on record; MLflow did not follow: {error} Then run "
            f"`minerisk review follow {run.folder}`."
        ) from error
    return standing


def _may_be_approved(run: Run, by: str, key: str | None, *, layers: bool) -> None:
    manifest = run.manifest()
    missing = unfinished(manifest)
    if missing:
        raise InputError(
            f"{run.folder} is not finished ({', '.join(missing)}). Go on with it first."
        )
    if not manifest.trained_by:
        raise InputError(
            f"{run.folder} does not say who made it, so two people cannot be distinguished. "
            "Whoever did: `minerisk run CONFIG --out RUN --by WHO` (nothing is done again)."
        )
    if made_by(manifest, by):
        raise FindingError(f"{by} made this run and cannot approve it. Ask somebody else.")
    if manifest.maker_keys and key is None:
        raise FindingError(
            f"{run.folder} is signed by whoever made it; it is approved with the key of somebody "
            "else. Give --key."
        )
    if key is not None and key in manifest.maker_keys:
        raise FindingError(
            f"Key {fingerprint(key)} made this run and cannot approve it, whatever "
            "name goes with it. Ask somebody else."
        )
    found = audit_run(run.files, layers=layers)
    absent = [note for note in found.notes if note.code is TrailCode.NOTE_LAYERS_ABSENT]
    if absent:
        raise InputError(
            f"{ENGLISH.say(absent[0])}. To approve the run by their hashes alone, give "
            "--without-layers."
        )
    problems = _standing(found.problems)
    if problems:
        count = "a problem" if len(problems) == 1 else f"{len(problems)} problems, the first"
        raise FindingError(
            f"The audit found {count}: {ENGLISH.say(problems[0])}. It cannot be approved so; see "
            "`minerisk audit verify`."
        )
    failed = [gate.name for gate in found.gates if not gate.passed]
    if failed or not found.gates:
        raise FindingError(
            f"Gates not passed: {', '.join(failed) or 'none are on record'}. They were agreed "
            "before training; a run that does not pass them can be rejected, not approved."
        )


def _check_state(verdict: Verdict, standing: Standing) -> None:
    """Hold a decision against the state by the reviews; a run may be rejected whatever else."""
    if standing.state is State.UNVERIFIED:
        raise FindingError(
            f"{ENGLISH.say(standing.reasons[0])}. Nothing was added; see `minerisk audit verify`."
        )
    if standing.state is State.WITHDRAWN:
        raise InputError("The run was withdrawn, which is final. Make a new run.")
    if verdict is Verdict.WITHDRAW and standing.state is not State.APPROVED:
        raise InputError(f"The run is {standing.state}; only an approved run can be withdrawn.")


def _standing(problems: Iterable[TrailNotice]) -> list[TrailNotice]:
    """Leave out that the trail changed since the last review: that is what a new one is for."""
    return [found for found in problems if found.code is not TrailCode.REVIEW_OF_OTHER_TRAIL]


def _verdict(decision: Decision) -> Verdict:
    """Check a decision's words.

    Raises
    ------
    InputError
        If it is none, or something is missing.
    """
    try:
        verdict = Verdict(decision.decision)
    except ValueError as error:
        raise InputError(
            f"{decision.decision!r} is no decision; expected {', '.join(Verdict)}."
        ) from error
    if decision.champion and verdict is not Verdict.APPROVE:
        raise InputError("Only an approved run can be champion: use --decision approve.")
    for name, words in (("--by", decision.by), ("--note", decision.note)):
        control = any(unicodedata.category(letter) in {"Cc", "Cs"} for letter in words)
        if not words.strip() or len(words) > MAX_WORDS or control:
            raise InputError(f"{name} is empty, too long or has control characters; give words.")
    return verdict
