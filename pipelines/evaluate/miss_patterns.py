"""Where a run missed, counted so that a pattern shows."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from scipy.stats import hypergeom

from minerisk.pipelines.evaluate.predicted_land import Land
from minerisk.pipelines.evaluate.ranking_shift import region_words
from minerisk.pipelines.formats.palette import CLASS_NAMES, OUTSIDE

GROUPINGS: Mapping[str, str] = {
    "region": "region",
    "kind": "kind of event",
    "line": "distance from the front line",
    "cover": "land cover",
}
"""What events are counted by, and what it is called."""
BY_CHANCE = 0.05
SHOWN = 3
WORST = 5


def miss_patterns(
    land: Land, places: Sequence[Mapping[str, Any]], shares: Mapping[str, Mapping[Any, float]]
) -> dict[str, Any]:
    """Count new events and misses, leaving out events that the run had learned from.

    Parameters
    ----------
    places
        Events in the study area, each with its ``region``, ``kind``, ``line``, ``cover``, where
        it has them.
    shares
        Share of the study area that is of each value of these.

    Returns
    -------
    dict
        Counts; ``classes``; ``groups``: for each of `GROUPINGS` a row a value, most misses first,
        with ``by_chance``: how likely as many misses or more would lie there if they were dealt
        out among the new events by lot (hypergeometric); ``families``.
    """
    new = [place for place in places if place["trained_as"] != "positive"]
    asked = land.classes != OUTSIDE
    classes = []
    for code, name in sorted(CLASS_NAMES.items(), reverse=True):
        share = float((land.classes[asked] == code).mean())
        count = sum(place["class"] == name for place in new)
        classes.append({"class": name, "land_share": share, "events": count})
    return {
        "new": len(new),
        "known_before": len(places) - len(new),
        "missed": sum(map(_missed, new)),
        "cannot_say": sum(place["class"] == "cannot_say" for place in new),
        "tasked": sum(place["task"] is not None for place in new),
        "classes": classes,
        "groups": {by: _counted(new, by, shares.get(by, {})) for by in GROUPINGS},
        "families": _families(new),
    }


def _missed(place: Mapping[str, Any]) -> bool:
    return bool(place["class"] == "lower")


def _counted(
    places: Sequence[Mapping[str, Any]], by: str, shares: Mapping[Any, float]
) -> list[dict[str, Any]]:
    rows = []
    missed = sum(map(_missed, places))
    given = [place.get(by) for place in places]
    for value in dict.fromkeys(value for value in given if value is not None):
        here = [place for place, own in zip(places, given, strict=True) if own == value]
        misses = sum(map(_missed, here))
        rows.append(
            {
                "value": value,
                "events": len(here),
                "missed": misses,
                "cannot_say": sum(place["class"] == "cannot_say" for place in here),
                "land_share": shares.get(value),
                "by_chance": float(hypergeom.sf(misses - 1, len(places), missed, len(here))),
            }
        )
    return sorted(rows, key=lambda row: (-row["missed"], -row["events"], str(row["value"])))


def _families(places: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Give the mean log-odds each family added at misses and elsewhere; what misled comes first."""
    told = [place for place in places if place["reasons"]]
    names = sorted({reason["family"] for place in told for reason in place["reasons"]})
    rows: list[dict[str, Any]] = []
    for name in names:
        added = {
            missed: [
                reason["log_odds"]
                for place in told
                for reason in place["reasons"]
                if reason["family"] == name and _missed(place) is missed
            ]
            for missed in (True, False)
        }
        means = {key: float(np.mean(values)) if values else None for key, values in added.items()}
        rows.append({"family": name, "at_misses": means[True], "elsewhere": means[False]})
    return sorted(rows, key=lambda row: (row["at_misses"] or 0.0, row["family"]))


def pattern_words(patterns: Mapping[str, Any]) -> list[str]:
    """Say where misses lie, what pulled them down, and whether they gather anywhere."""
    lines = []
    for by, name in GROUPINGS.items():
        lines += [
            f"By {name}, {_value(by, row['value'])}: {row['missed']} of {row['events']} new "
            f"events missed{_land(row)}."
            for row in patterns["groups"][by][:WORST]
            if row["missed"]
        ]
    pulled = [row for row in patterns["families"] if (row["at_misses"] or 0.0) < 0][:SHOWN]
    lines += [
        f"What pulled the misses down: {row['family']} ({row['at_misses']:+.2f} log-odds in the "
        f"mean; {row['elsewhere'] or 0.0:+.2f} at the others)."
        for row in pulled
    ]
    return lines + _gathered(patterns)


def _gathered(patterns: Mapping[str, Any]) -> list[str]:
    """Name the groups that hold more misses than chance would, for how many were looked at."""
    rows = [(by, row) for by, found in patterns["groups"].items() for row in found]
    told = [
        f"A PATTERN: misses gather in {GROUPINGS[by]} {_value(by, row['value'])}; dealt out by "
        f"lot, as many would lie there with a chance of {row['by_chance']:.1g}."
        for by, row in rows
        if row["by_chance"] * len(rows) <= BY_CHANCE
    ]
    if told or not patterns["missed"]:
        return told
    return ["The misses gather nowhere more than chance would have them, in what was counted."]


def _value(by: str, value: Any) -> str:
    return region_words(value) if by == "region" else str(value)


def _land(row: Mapping[str, Any]) -> str:
    share = row["land_share"]
    return "" if share is None else f", on {share:.1%} of the land"
