"""How risk classes are cut and what they hold, in words."""

from minerisk.pipelines.language.messages import Texts
from minerisk.pipelines.language.words import marked
from minerisk.pipelines.records.rasters import ClassRow, RiskClasses

BY_SHARE = marked(
    "Classes are cut by share of the land that the model can speak for: the highest {higher} is "
    "higher, the next {elevated} elevated, the rest lower. A class says which land comes first, "
    "not how much it holds."
)
BY_RATE = marked(
    "Classes are cut by agreed rates: from {elevated} expected contaminated cells a km² on land is "
    "elevated, from {higher} on it is higher."
)
LOWER_HOLDS = marked(
    "Lower is not little: it holds {share} of all expected contaminated cells, and the upper end "
    "of a cell there reaches {upper}."
)
HELD_OUT = marked(
    "On regions left out, cut at the same probabilities, lower held {found} of the contaminated "
    "cells; {expected} was expected."
)


def cut_words(known: RiskClasses, texts: Texts) -> str:
    """Say by what the classes are cut."""
    rule = known.rule
    if rule.cuts is not None:
        elevated, higher = (f"{cut:g}" for cut in rule.cuts)
        return texts.say(BY_RATE, elevated=elevated, higher=higher)
    return texts.say(
        BY_SHARE,
        higher=texts.number(rule.higher_share, "share"),
        elevated=texts.number(rule.elevated_share, "share"),
    )


def lower_words(rows: tuple[ClassRow, ...], texts: Texts) -> str:
    """Say what the class of lower holds; empty where no land is in it."""
    lower = next((row for row in rows if row.risk_class == "lower"), None)
    if lower is None or lower.expected is None:
        return ""
    words = texts.say(
        LOWER_HOLDS,
        share=texts.number(lower.share_of_expected, "share"),
        upper=texts.number(lower.highest_upper, "share"),
    )
    if lower.held_out is None:
        return words
    found = lower.held_out.found_share
    span = texts.interval(found.low, found.high, "share")
    held = texts.say(
        HELD_OUT,
        found=texts.number(found.value, "share") + (f" ({span})" if span else ""),
        expected=texts.number(lower.held_out.expected_share, "share"),
    )
    return f"{words} {held}"
