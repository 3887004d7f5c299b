"""What a transfer gave, as lines for people."""

from collections.abc import Iterator, Mapping

from minerisk.models.elsewhere.finds_there import FACTOR, LEAST_BLOCKS, SLOPES
from minerisk.pipelines.language.marks import STANDS, USE, Marks
from minerisk.pipelines.language.numbers import with_interval
from minerisk.pipelines.records.review import State
from minerisk.pipelines.transfer.record import (
    ColumnThere,
    FindsThere,
    Had,
    MatchedBy,
    RanksOnly,
    RanksThere,
    Transfer,
)

HAD_WORDS: Mapping[Had, str] = {
    Had.SILENT: "no layer there: read as land that the layer says nothing of",
    Had.NO_LAYER: "no layer there: averaged over",
    Had.UNIT: "another unit or legend there: averaged over",
    Had.FINDINGS: "past findings are elsewhere: averaged over",
}
BY_WORDS: Mapping[MatchedBy, str] = {
    MatchedBy.GIVEN: "as given",
    MatchedBy.BOUNDARY: "boundary of the study area",
    MatchedBy.ROLE: "read in the same place by a feature of the same kind",
    MatchedBy.NAME: "by its name",
}


def transfer_lines(found: Transfer) -> Iterator[str]:
    """Write a transfer for people."""
    yield from Marks(State.DRAFT, found.simulated).words()
    yield f"A model of {found.run} ({found.run_state.value}) on {found.study_area}."
    yield f"{USE} {STANDS}"
    yield ""
    yield "Layers: of the run, of the new study area, and by what they were matched"
    for match in found.matches:
        yield f"- {match.run}: {match.there} ({BY_WORDS[match.by]})"
    yield ""
    yield from _shift_table(found)
    yield ""
    past = sum(column.weight for column in found.columns if column.had is Had.FINDINGS)
    lacking = sum(column.weight for column in found.lacking) - past
    yield (
        f"Of the model's gain, columns without a layer there brought {lacking:.1%} and past "
        f"findings, which are elsewhere, {past:.1%}: both are averaged over. It can speak "
        f"for {found.spoken:.1%} of {found.cells:,} cells and cannot for {1 - found.spoken:.1%}."
    )
    yield _probability_line(found.finds)
    if found.ranks is not None:
        yield ""
        yield from _rank_lines(found.ranks, simulated=found.simulated_there)


def _shift_table(found: Transfer) -> Iterator[str]:
    yield (
        "Shift: standardised mean difference, Kolmogorov-Smirnov distance, share of the new land "
        "outside the range in training; the weightiest columns first"
    )
    yield "| column | weight | mean trained | mean there | difference | KS | outside | missing |"
    yield "| --- | --- | --- | --- | --- | --- | --- | --- |"
    for column in found.columns:
        yield _shift_row(column)


def _shift_row(column: ColumnThere) -> str:
    named = f"{column.name} ({column.unit})" if column.unit else column.name
    start, shift = f"| {named} | {column.weight:.3f} |", column.shift
    if shift is None:
        return f"{start} {HAD_WORDS.get(column.had, '')} | | | | | |"
    numbers = [
        _number(shift.mean_trained, ".4g"),
        _number(shift.mean_there, ".4g"),
        _number(shift.difference, "+.2f"),
        _number(shift.distance, ".2f"),
        _number(shift.outside, ".1%"),
        _number(shift.missing_there, ".1%"),
    ]
    return f"{start} {' | '.join(numbers)} |"


def _number(value: float | None, form: str) -> str:
    return "–" if value is None else format(value, form)


def _probability_line(found: FindsThere) -> str:
    counted = (
        f"{found.finds:,} cells with a find in {found.blocks:,} blocks, "
        f"{found.searched:,} searched without one"
    )
    needed = (
        f"Needed are finds in {LEAST_BLOCKS} blocks at least: so many independent ones give the "
        f"odds to within a factor of {FACTOR:g} by a 90 % interval"
    )
    if found.ranks_only is None:
        return (
            "Probabilities: the intercept was set by finds there, "
            f"{with_interval(found.intercept)} in log-odds, "
            f"slope {with_interval(found.slope)} ({counted})."
        )
    reasons = {
        RanksOnly.NO_FINDS: f"no find there says how much there is. {needed}.",
        RanksOnly.FEW_FINDS: f"{counted}. {needed}.",
        RanksOnly.WIDE: f"{counted}; the intercept is {with_interval(found.intercept)}. {needed}, "
        "and more where they lie close together.",
        RanksOnly.OTHER_SLOPE: f"{counted}, on which the calibration slope is "
        f"{with_interval(found.slope)}; expected {SLOPES[0]:g} to {SLOPES[1]:g}. "
        "An intercept alone would not make these probabilities right.",
    }
    return f"Ranks only, no probabilities: {reasons[found.ranks_only]}"


def _rank_lines(found: RanksThere, *, simulated: bool) -> Iterator[str]:
    kind = "SIMULATED finds" if simulated else "finds"
    yield (
        f"Held against {kind} there: {found.positive:,} of {found.cells:,} surveyed cells, those "
        f"too of which the model cannot speak; 90 % intervals from blocks of "
        f"{found.block_m / 1_000:g} km"
    )
    yield "| | model | nearest known line | model less line |"
    yield "| --- | --- | --- | --- |"
    sides = (found.model, found.rule, found.difference)
    for words, estimates in (
        ("ROC-AUC", [side.roc_auc for side in sides]),
        ("average precision", [side.average_precision for side in sides]),
        ("found in the first 20 % of land", [side.found_in_top_20 for side in sides]),
    ):
        yield f"| {words} | {' | '.join(with_interval(each) for each in estimates)} |"
    low, high = found.difference.roc_auc.low, found.difference.roc_auc.high
    if high is not None and high < 0:
        yield "The nearest known line alone ranks these finds better (ROC-AUC): go by the line."
    elif low is not None and low <= 0:
        yield "No better than the nearest known line (ROC-AUC), as far as these finds tell."
