"""How much harm is done if a sentence is misread: what a native reader is to check first."""

import re
from typing import NamedTuple

from minerisk.pipelines.translate.glossary import NO_WORDS


class Harm(NamedTuple):
    """A step of harm.

    Attributes
    ----------
    words
        What a misreading does.
    english
        Pattern of the sentences that it is of.
    """

    words: str
    english: re.Pattern[str]


def _harm(words: str, pattern: str) -> Harm:
    return Harm(words, re.compile(pattern, re.IGNORECASE))


HARMS = (
    _harm(
        "1: land that nobody can speak for, or a class, is taken for land that needs no survey",
        r"\bcannot say\b|\bhigher\b|\belevated\b|(?<!close, )\blower\b(?! end)|not the same as"
        r"|\bneeds no\b",
    ),
    _harm(
        "2: what nobody approved, or what is simulated or withdrawn, is used",
        r"\bdraft\b|\bsimulated\b|\bwithdraw|\bapprov|\bverif|\bnot for ranking\b|\bindirect\b",
    ),
    _harm(
        "3: the advice is not followed, or its opposite is",
        r"\bnever\b|\bmust\b|\bmay not\b|\bdo(es)? not\b|\bnot to\b|\bsurvey (first|later|too)\b"
        r"|\bbegin with\b|\bchoose\b|\bneither\b|\bregistered\b|\bcontrol\b|\bbands?\b",
    ),
    _harm(
        "4: how likely something is, or how sure the model is, is read wrongly",
        r"\bprobabilit|\binterval|\bcontaminat|\bevidence\b|\bexpected\b|\bapplicab|\bdissimilar"
        r"|\bfinds?\b|\bfindings?\b|\bhazard",
    ),
)
"""The gravest first."""
LITTLE = Harm("5: a word is odd", re.compile(""))
GRAVE = 3
LITTLE_STEP = len(HARMS) + 1
"""Up to this step a misreading changes what is done with land."""


def harm_of(english: str) -> tuple[int, str]:
    """Return the step of harm of a sentence, 1 is the gravest, and what a misreading of it does."""
    plain = NO_WORDS.sub(" ", english)
    steps = enumerate((*HARMS, LITTLE), start=1)
    return next((step, harm.words) for step, harm in steps if harm.english.search(plain))
