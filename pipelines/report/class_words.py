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
    "Lower is not little: of the contaminated cells expected on land that nobody has searched it "
    "holds {share}, and the upper end of a cell there reaches {upper}."
)
INTERVAL_HELD = marked(
    "Contaminated cells are counted as expected on land that nobody has searched, with an interval "
    "of {level}. On {sums:count} sums of a class over a region left out, such an interval held "
    "what was found in {cover}."
)
INTERVAL_UNCHECKED = marked(
    "Contaminated cells are counted as expected on land that nobody has searched, with an interval "
    "of {level}. Held-out land holds too little to check the interval: it is as wide as is ever "
    "taken."
)
HELD_OUT = marked(
    "On regions left out, cut at the same probabilities, lower held {found} of the contaminated "
    "cells; {expected} was expected."
)


def cut_words(known: RiskClasses, texts: Texts) -> str:
    """Say by what the classes are cut."""
    rule = known.rule
    if rule.cuts is not None:
        elevated, higher = (texts.written(cut, "g") for cut in rule.cuts)
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


def interval_words(known: RiskClasses, texts: Texts) -> str:
    """Say of which land expected cells are counted, and how well their interval holds."""
    level, cover = texts.number(known.level, "share"), known.regions.cover
    if cover is None:
        return texts.say(INTERVAL_UNCHECKED, level=level)
    held = texts.number(cover, "share")
    return texts.say(INTERVAL_HELD, level=level, sums=known.regions.sums, cover=held)
