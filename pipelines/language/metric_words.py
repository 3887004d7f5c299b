"""The words of what `metrics.json` holds as codes and values, in a reader's language."""

import datetime as dt
from collections.abc import Mapping

from minerisk.models.cautions import Caution, CautionCode
from minerisk.models.evaluation.results import GateName
from minerisk.models.folds.protocol import Splitter
from minerisk.models.survey_bias.facts import PriorEnd, ReadingKind, ReadingScores, Unsurveyed
from minerisk.pipelines.language.messages import ENGLISH, Texts
from minerisk.pipelines.language.words import marked

SPLITTERS: Mapping[Splitter, str] = {
    Splitter.REGIONS: marked(
        "regions left out whole, scores pooled: how the model does on land like none it saw"
    ),
    Splitter.KNNDM: marked(
        "kNNDM folds, as far from training as the unsurveyed land is from the surveyed; a line "
        "that is not known there does not show in them"
    ),
    Splitter.BLOCKS: marked(
        "blocks wider than the autocorrelation range left out: how it does between surveys"
    ),
    Splitter.DATES: marked(
        "blocks left out, trained on finds up to a date and tested on finds after it: how the "
        "model does on what nobody knew yet"
    ),
    Splitter.RANDOM: marked("random folds: optimistic reference, never the quality of the map"),
}
GATES: Mapping[GateName, str] = {
    GateName.POSITIVE_CELLS: marked("enough positive cells"),
    GateName.LEAKAGE: marked(
        "shuffled labels cannot be predicted within blocks (ROC-AUC, distance from 0.5)"
    ),
    GateName.NULL_MODEL: marked(
        "better than prevalence on far land (average precision, low end of the difference)"
    ),
    GateName.CALIBRATION: marked(
        "far calibration slope: its distance from 1 (also passed if its interval holds 1)"
    ),
    GateName.APPLICABILITY: marked("share of the study area inside the area of applicability"),
    GateName.RULE: marked(
        "finds in the first 20 % of far land, more than the distance rule (low end of the "
        "difference)"
    ),
}
READINGS: Mapping[ReadingKind, str] = {
    ReadingKind.RUN_MAP: marked("this run's map"),
    ReadingKind.SEARCH: marked("negative by search"),
    ReadingKind.SEARCH_WEIGHTED: marked("negative by search, weighted"),
    ReadingKind.UNSURVEYED_NEGATIVE: marked("unsurveyed land as negative"),
    ReadingKind.POSITIVE_UNLABELLED: marked("positive-unlabelled, prior {share}"),
}


def splitter_words(splitter: Splitter, until: dt.date | None, texts: Texts = ENGLISH) -> str:
    """Describe a way to hold land out."""
    words = texts.say(SPLITTERS[splitter])
    return (
        words
        if until is None
        else texts.say("{words} (up to {day})", words=words, day=texts.day(until))
    )


def gate_words(name: GateName, texts: Texts = ENGLISH) -> str:
    """Describe a gate."""
    return texts.say(GATES[name])


def reading_words(reading: ReadingScores, texts: Texts = ENGLISH) -> str:
    """Name a reading of the labels."""
    if reading.prior is None:
        return texts.say(READINGS[reading.kind])
    words = texts.say(READINGS[reading.kind], share=texts.number(reading.prior, "share"))
    if reading.end is PriorEnd.LOWER:
        return texts.say("{reading} (lower end)", reading=words)
    if reading.end is PriorEnd.UPPER:
        return texts.say("{reading} (upper end)", reading=words)
    return words


def unsurveyed_words(found: Unsurveyed, texts: Texts = ENGLISH) -> str:
    """Sum up what surveyed land shows of unsurveyed land."""
    return texts.say(
        "A survey like those made would find something in about {share} of the unsurveyed cells "
        "(95 % interval {low} to {high}); {part} of that land is unlike any that was surveyed, "
        "and what is said of it is extrapolation.",
        share=texts.number(found.prevalence.estimate, "share"),
        low=texts.number(found.prevalence.lower, "share"),
        high=texts.number(found.prevalence.upper, "share"),
        part=texts.number(found.overlap.beyond_share, "share"),
    )


def caution_words(caution: Caution, texts: Texts = ENGLISH) -> str:
    """Word what a reader of scores has to know."""
    if caution.feature is not None:
        return _feature_words(caution, caution.feature, texts)
    if caution.code is CautionCode.CALIBRATION_NOT_KNOWN:
        return _slope_words(caution.slope_low, caution.slope_high, texts)
    range_m, reach_m = caution.range_m or 0.0, caution.reach_m or 0.0
    block_m = caution.block_m or 0.0
    if caution.code is CautionCode.RANGE_BEYOND_REACH:
        return texts.say(
            "The semivariance still rises at {reach} m, the greatest distance looked at; the "
            "range of {range} m is drawn out beyond it.",
            reach=texts.written(reach_m, "g"),
            range=texts.written(range_m, ".0f"),
        )
    if caution.code is CautionCode.NO_STRUCTURE:
        return texts.say(
            "Neighbours {reach} m apart are no more alike than any others.",
            reach=texts.written(reach_m, "g"),
        )
    blocks = texts.say(
        "Blocks are {block} km and labels are alike over {range} km: scores on blocks flatter "
        "the model.",
        block=texts.written(block_m / 1_000, ".1f"),
        range=texts.written(range_m / 1_000, ".1f"),
    )
    if caution.code is CautionCode.BLOCKS_TOO_SMALL:
        advice = texts.say("Choose wider blocks.")
    else:
        advice = texts.say("The area is too small for wider blocks.")
    return f"{blocks} {advice}"


def _slope_words(low: float | None, high: float | None, texts: Texts) -> str:
    if low is None or high is None:
        return texts.say(
            "Calibration not known: its slope on regions left out could not be measured. Go by the "
            "order of the land, not by the probabilities."
        )
    return texts.say(
        "Calibration not known: its slope on regions left out is between {low:.1f} and {high:.1f} "
        "(1 is right; under 1: too sure of itself). Go by the order of the land, not by the "
        "probabilities.",
        low=low,
        high=high,
    )


def _feature_words(caution: Caution, column: str, texts: Texts) -> str:
    if caution.code is CautionCode.FEATURE_CONSTANT:
        return texts.say("{column} has one value everywhere, or none: leave it out.", column=column)
    if caution.code is CautionCode.FEATURE_NAMES_REGION:
        return texts.say(
            "{column} is constant within every region, so that it can name the region: leave it "
            "out, or replace it by something that varies within.",
            column=column,
        )
    if caution.code is CautionCode.FEATURE_NEARLY_NAMES_REGION:
        return texts.say(
            "{column} has only {share} of its variance within regions, so that it nearly names "
            "the region: compare the far score without it.",
            column=column,
            share=texts.number(caution.within_share or 0.0, "share"),
        )
    if caution.code is CautionCode.FEATURE_TELLS_COVER:
        return texts.say(
            "{column} tells little but which land the layers speak for: from it a model learns "
            "the edge of a map sheet. Leave it out; what a layer covers is stated as its coverage.",
            column=column,
        )
    return texts.say(
        "{column} stays alike over {range} km, more than the block of {block} km, so that it can "
        "tell blocks apart by place: cap it, use larger blocks, or compare the far score without "
        "it.",
        column=column,
        range=texts.written((caution.range_m or 0.0) / 1_000, ".3g"),
        block=texts.written((caution.block_m or 0.0) / 1_000, ".3g"),
    )


def hazard_words(
    name: str,
    *,
    positive: int,
    negative: int,
    least: int | None,
    error: str | None,
    gates_passed: bool | None,
) -> str:
    """Report whether there is a model of a hazard class, and why not."""
    if least is not None:
        return (
            f"no model for {name}: {positive:,} positive and {negative:,} "
            f"negative cells, expected at least {least} of each (gates.min_positive_cells). Where "
            "the class of findings is not known they count for any hazard only; a hazard_column "
            "in labels.positive tells it."
        )
    if error is not None:
        return f"no model for {name}: {error}"
    words = f"a model for {name} from {positive:,} positive cells"
    return words if gates_passed else f"{words}; it does not pass every gate that was agreed"
