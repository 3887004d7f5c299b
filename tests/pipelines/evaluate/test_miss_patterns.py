"""Misses counted by what the land is like; chances by hand."""

from types import SimpleNamespace

import numpy as np
import pytest

from minerisk.pipelines.evaluate.miss_patterns import miss_patterns, pattern_words

LAND = SimpleNamespace(classes=np.array([[3, 2, 1, 1, 0, 255]], dtype=np.uint8))


def place(found: str, region: int, line: str | None = None, **more: object) -> dict:
    known = {"trained_as": "unlabelled", "task": None, "kind": None, "reasons": []}
    return known | {"class": found, "region": region, "line": line} | more


def test_how_likely_a_group_holds_its_misses_by_lot() -> None:
    events = [place("lower", 1), place("lower", 1), place("higher", 2), place("higher", 2)]
    found = miss_patterns(LAND, events, {"region": {1: 0.25}})
    one, two = found["groups"]["region"]
    assert (one["value"], one["missed"], one["events"], one["land_share"]) == (1, 2, 2, 0.25)
    # Two misses dealt out among four events: both fall on the two of region 1 in 1 of 6 deals.
    assert one["by_chance"] == pytest.approx(1 / 6)
    assert two["by_chance"] == pytest.approx(1.0)
    assert found["groups"]["line"] == found["groups"]["cover"] == []


def test_misses_that_gather_are_called_a_pattern() -> None:
    near = [place("higher", 1, "less than 1 km") for _ in range(12)]
    beyond = [place("lower", 1, "10 km or more") for _ in range(8)]
    words = pattern_words(miss_patterns(LAND, near + beyond, {"line": {"10 km or more": 0.3}}))
    assert "By distance from the front line, 10 km or more: 8 of 8 new events missed, on 30.0% of "\
        "the land." in words  # fmt: skip
    (pattern,) = [line for line in words if line.startswith("A PATTERN")]
    # 1 of C(20, 8) = 125,970 deals.
    assert "distance from the front line 10 km or more" in pattern
    assert "8e-06" in pattern


def test_one_miss_is_no_pattern_and_no_miss_is_no_word() -> None:
    words = pattern_words(miss_patterns(LAND, [place("lower", 1), place("higher", 2)], {}))
    assert any("gather nowhere more than chance" in line for line in words)
    assert pattern_words(miss_patterns(LAND, [place("higher", 2)], {})) == []


def test_what_the_run_had_learned_from_is_no_miss() -> None:
    found = miss_patterns(LAND, [place("lower", 1, trained_as="positive")], {})
    assert (found["new"], found["known_before"], found["missed"]) == (0, 1, 0)
