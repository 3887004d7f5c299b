"""The words of survey tasks, in the language asked for."""

from collections.abc import Sequence

from minerisk.features.added_kind import ADDED
from minerisk.features.kinds import FEATURE_KINDS
from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.task_words import EVIDENCE, NEAREST, RULES
from minerisk.pipelines.language.task_words import FAMILIES as FAMILIES
from minerisk.pipelines.records.notice import Notice
from minerisk.pipelines.records.tasks import (
    Capture,
    CaptureCode,
    EvidenceRecord,
    FamilyReason,
    Lack,
    Rule,
    TaskReasons,
)


def why(reasons: TaskReasons, missing: Sequence[Notice[Lack]], texts: Texts) -> str:
    """Write why a task is where it is, how sure that is, and what is missing."""
    parts = [texts.say(notice) for notice in reasons.sureness]
    if reasons.speaks and reasons.raised_by:
        families = families_words(reasons.raised_by, texts)
        parts.append(texts.say("Raised most by {families}.", families=families))
    if reasons.speaks and reasons.lowered_by:
        families = families_words(reasons.lowered_by, texts)
        parts.append(texts.say("Lowered most by {families}.", families=families))
    parts.append(nearest_words(reasons.evidence, texts))
    lacks = list(missing)
    if reasons.gaps:
        lacks.append(Notice[Lack](code=Lack.NO_VALUES, values={"columns": reasons.gaps}))
    if lacks:
        words = "; ".join(texts.say(notice) for notice in lacks)
        parts.append(texts.say("Missing: {parts}.", parts=words))
    return " ".join(parts)


def families_words(families: Sequence[FamilyReason], texts: Texts) -> str:
    """Write which families of features these are, and what each tells."""
    return "; ".join(_family_words(family, texts) for family in families)


def _family_words(reason: FamilyReason, texts: Texts) -> str:
    name = texts.say(reason.family.replace("_", " "))
    if reason.kind == ADDED:  # its package describes it in its own columns
        return name
    if reason.kind in FAMILIES:
        return f"{name}: {texts.say(FAMILIES[reason.kind])}"
    return f"{name}: {texts.say(FEATURE_KINDS[reason.kind].words)}"


def nearest_words(evidence: EvidenceRecord, texts: Texts) -> str:
    """Write which record of evidence is nearest, and how near."""
    return texts.say(
        NEAREST[evidence.code],
        name=record_name(evidence, texts),
        layer=evidence.layer,
        date=texts.day(evidence.date) if evidence.date else texts.say("not recorded"),
        metres=evidence.metres,
    )


def nearest_brief(evidence: EvidenceRecord, texts: Texts) -> str:
    """Name the nearest record of evidence in a few words: kind, id, date, metres."""
    return texts.say(
        "{kind:name} {name}, {date}, {metres:count} m",
        kind=evidence_kind(evidence),
        name=record_name(evidence, texts),
        date=texts.day(evidence.date) if evidence.date else texts.say("date not recorded"),
        metres=evidence.metres,
    )


def record_name(evidence: EvidenceRecord, texts: Texts) -> str:
    """Name a record by its own id, or by its row in the layer."""
    return evidence.identity or texts.say("row {number}", number=str(evidence.row))


def evidence_kind(evidence: EvidenceRecord) -> str:
    """Name the kind of a record, in English."""
    return EVIDENCE[evidence.code]


def verdicts(found: Capture, texts: Texts) -> list[str]:
    """Write against which rules tasks find more, and against which that is not shown."""
    return [_verdict(found, rule, texts) for rule in found.tasks_minus]


def _verdict(found: Capture, rule: Rule, texts: Texts) -> str:
    rows = list(zip(found.shares, found.tasks_minus[rule], strict=True))
    more = [share for share, minus in rows if minus.low is not None and minus.low > 0]
    less = [share for share, minus in rows if minus.high is not None and minus.high < 0]
    even = [share for share in found.shares if share not in {*more, *less}]
    notices = [
        Notice[CaptureCode](code=code, values={"shares": tuple(shares)})
        for code, shares in (
            (CaptureCode.TASKS_FIND_MORE, more),
            (CaptureCode.TASKS_FIND_LESS, less),
            (CaptureCode.NO_DIFFERENCE, even),
        )
        if shares
    ]
    words = "; ".join(texts.say(notice) for notice in notices)
    return texts.say("Against {rule}: {found}.", rule=texts.say(RULES[rule]), found=words)
