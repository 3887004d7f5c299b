"""Misses counted by what the land is like; chances by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from minerisk.pipelines.evaluate.miss_patterns import miss_patterns, pattern_lines
from minerisk.pipelines.predict.risk_classes import class_shares, count_classes
from minerisk.pipelines.records.evaluations import FindPlace, TrainedAs
from minerisk.pipelines.records.lookback import Event

CLASSES = np.array([[3, 2, 1, 1, 0, 255]], dtype=np.uint8)
LAND = SimpleNamespace(class_shares=lambda: class_shares(count_classes(CLASSES)))


def event(
    risk_class: str, region: int, line: str | None = None, trained_as: str = "unlabelled"
) -> Event:
    place = FindPlace(
        find=0, easting=0.0, northing=0.0, risk_class=risk_class, trained_as=TrainedAs(trained_as)
    )
    return Event(place=place, region=region, line=line)


def test_how_likely_a_group_holds_its_misses_by_lot() -> None:
    events = [event("lower", 1), event("lower", 1), event("higher", 2), event("higher", 2)]
    found = miss_patterns(LAND, events, {"region": {1: 0.25}})
    one, two = found.groups["region"]
    assert (one.value, one.missed, one.events, one.land_share) == (1, 2, 2, 0.25)
    # Two misses dealt out among four events: both fall on the two of region 1 in 1 of 6 deals.
    assert one.by_chance == pytest.approx(1 / 6)
    assert two.by_chance == pytest.approx(1.0)
    assert found.groups["line"] == found.groups["cover"] == ()


def test_misses_that_gather_are_called_a_pattern() -> None:
    near = [event("higher", 1, "less than 1 km") for _ in range(12)]
    beyond = [event("lower", 1, "10 km or more") for _ in range(8)]
    words = list(
        pattern_lines(miss_patterns(LAND, near + beyond, {"line": {"10 km or more": 0.3}}))
    )
    assert "By distance from the front line, 10 km or more: 8 of 8 new events missed, on 30.0% of "\
        "the land." in words  # fmt: skip
    (pattern,) = [line for line in words if line.startswith("A PATTERN")]
    # 1 of C(20, 8) = 125,970 deals.
    assert "distance from the front line 10 km or more" in pattern
    assert "8e-06" in pattern


def test_one_miss_is_no_pattern_and_no_miss_is_no_word() -> None:
    words = list(pattern_lines(miss_patterns(LAND, [event("lower", 1), event("higher", 2)], {})))
    assert any("gather nowhere more than chance" in line for line in words)
    assert not list(pattern_lines(miss_patterns(LAND, [event("higher", 2)], {})))


def test_what_the_run_had_learned_from_is_no_miss() -> None:
    found = miss_patterns(LAND, [event("lower", 1, trained_as="positive")], {})
    assert (found.new, found.known_before, found.missed) == (0, 1, 0)
