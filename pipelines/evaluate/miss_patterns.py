"""Where a run missed, counted so that a pattern shows."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from scipy.stats import hypergeom

from minerisk.pipelines.evaluate.comparison_lines import region_words
from minerisk.pipelines.evaluate.predicted_land import PredictedLand
from minerisk.pipelines.formats.palette import CLASS_NAMES
from minerisk.pipelines.records.lookback import (
    ClassCount,
    Event,
    FamilyMeans,
    GroupCount,
    Grouping,
    Patterns,
)

GROUP_WORDS: Mapping[Grouping, str] = {
    Grouping.REGION: "region",
    Grouping.KIND: "kind of event",
    Grouping.LINE: "distance from the front line",
    Grouping.COVER: "land cover",
}
BY_CHANCE = 0.05
SHOWN = 3
WORST = 5

Shares = Mapping[Grouping, Mapping[str | int, float]]
"""Share of the study area that is of each value of a grouping."""


def miss_patterns(land: PredictedLand, events: Sequence[Event], shares: Shares) -> Patterns:
    """Count new events and misses, leaving out events that the run was trained on."""
    new = [event for event in events if event.place.new]
    land_shares = land.class_shares()
    return Patterns(
        new=len(new),
        known_before=len(events) - len(new),
        missed=sum(event.missed for event in new),
        cannot_say=sum(_cannot_say(event) for event in new),
        tasked=sum(event.task is not None for event in new),
        classes=tuple(
            ClassCount(
                risk_class=name,
                land_share=land_shares[name],
                events=sum(event.place.risk_class == name for event in new),
            )
            for _, name in sorted(CLASS_NAMES.items(), reverse=True)
        ),
        groups={by: tuple(_counted(new, by, shares.get(by, {}))) for by in Grouping},
        families=tuple(_families(new)),
    )


def _cannot_say(event: Event) -> bool:
    return event.place.risk_class == "cannot_say"


def _counted(
    events: Sequence[Event], by: Grouping, shares: Mapping[str | int, float]
) -> list[GroupCount]:
    missed = sum(event.missed for event in events)
    values = dict.fromkeys(value for event in events if (value := event.group(by)) is not None)
    rows = []
    for value in values:
        here = [event for event in events if event.group(by) == value]
        misses = sum(event.missed for event in here)
        rows.append(
            GroupCount(
                value=value,
                events=len(here),
                missed=misses,
                cannot_say=sum(_cannot_say(event) for event in here),
                land_share=shares.get(value),
                by_chance=float(hypergeom.sf(misses - 1, len(events), missed, len(here))),
            )
        )
    return sorted(rows, key=lambda row: (-row.missed, -row.events, str(row.value)))


def _families(events: Sequence[Event]) -> list[FamilyMeans]:
    """Average the log-odds that each family added at misses and elsewhere; what misled first."""
    names = sorted({reason.family for event in events for reason in event.reasons})
    rows = [
        FamilyMeans(
            family=name,
            at_misses=_mean_added(events, name, missed=True),
            elsewhere=_mean_added(events, name, missed=False),
        )
        for name in names
    ]
    return sorted(rows, key=lambda row: (row.at_misses or 0.0, row.family))


def _mean_added(events: Sequence[Event], family: str, *, missed: bool) -> float | None:
    added = [
        reason.log_odds
        for event in events
        for reason in event.reasons
        if reason.family == family and event.missed is missed
    ]
    return float(np.mean(added)) if added else None


def pattern_lines(patterns: Patterns) -> Iterator[str]:
    """Word where misses lie, what pulled them down, and whether they gather anywhere."""
    for by, name in GROUP_WORDS.items():
        for row in patterns.groups[by][:WORST]:
            if row.missed:
                share = "" if row.land_share is None else f", on {row.land_share:.1%} of the land"
                yield (
                    f"By {name}, {_value(by, row)}: {row.missed} of {row.events} new events "
                    f"missed{share}."
                )
    pulled = [row for row in patterns.families if (row.at_misses or 0.0) < 0][:SHOWN]
    for family in pulled:
        yield (
            f"What pulled the misses down: {family.family} ({family.at_misses:+.2f} log-odds in "
            f"the mean; {family.elsewhere or 0.0:+.2f} at the others)."
        )
    yield from _gathered(patterns)


def _gathered(patterns: Patterns) -> Iterator[str]:
    """Name the groups that hold more misses than chance would, for how many were looked at."""
    rows = [(by, row) for by, found in patterns.groups.items() for row in found]
    gathered = [(by, row) for by, row in rows if row.by_chance * len(rows) <= BY_CHANCE]
    for by, row in gathered:
        yield (
            f"A PATTERN: misses gather in {GROUP_WORDS[by]} {_value(by, row)}; placed at random, "
            f"as many would lie there with a chance of {row.by_chance:.1g}."
        )
    if patterns.missed and not gathered:
        yield "The misses gather nowhere more than chance would have them, in what was counted."


def _value(by: Grouping, row: GroupCount) -> str:
    return region_words(int(row.value)) if by is Grouping.REGION else str(row.value)
