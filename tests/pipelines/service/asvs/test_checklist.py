"""The table of requirements is whole, what it names is there, and the page says what it says."""

import csv
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from docs.build.security_page import PAGE, read_requirements, share_held, table_of
from tests.pipelines.service.asvs.documented import DOCUMENTED
from tests.pipelines.service.asvs.mutations import MUTATIONS
from tests.pipelines.service.asvs.running import places_of_tests

ROOT = Path(__file__).parents[4]
REQUIREMENTS = read_requirements(ROOT / "tests/pipelines/service/asvs/requirements.csv")


def test_every_requirement_of_the_two_levels_is_in_the_table() -> None:
    assert len({each.number for each in REQUIREMENTS}) == len(REQUIREMENTS) == 253
    folder = os.environ.get("MINERISK_STANDARDS")
    if folder is None:
        pytest.skip("MINERISK_STANDARDS names no folder with asvs_5.0.0_en.csv")
    with (Path(folder) / "asvs_5.0.0_en.csv").open(encoding="utf-8", newline="") as stream:
        asked = {row["req_id"][1:]: int(row["L"]) for row in csv.DictReader(stream)}
    known = {each.number: each.level for each in REQUIREMENTS}
    assert known == {number: level for number, level in asked.items() if level <= 2}


def test_a_requirement_is_held_by_tests_or_says_why_not() -> None:
    known = places_of_tests()
    for each in REQUIREMENTS:
        assert each.words, each.number
        if each.state == "held":
            assert each.tests, each.number
            assert [name for name in each.tests if name not in known] == [], each.number
        else:
            assert each.state in {"no subject", "open"}
            assert each.why, each.number
            assert not each.tests


def test_nineteen_of_twenty_are_held() -> None:
    assert share_held(REQUIREMENTS) >= 0.95
    assert Counter(each.state for each in REQUIREMENTS)["no subject"] < 70


def test_the_page_says_what_the_table_says() -> None:
    assert table_of(REQUIREMENTS) in (ROOT / PAGE).read_text(encoding="utf-8")


def test_what_is_taken_out_is_there_and_held() -> None:
    held = {each.number for each in REQUIREMENTS if each.state == "held"}
    assert set(MUTATIONS) <= held
    assert len(MUTATIONS) >= 120
    for number, (path, old, new) in MUTATIONS.items():
        assert old in (ROOT / path).read_text(encoding="utf-8"), number
        assert old != new


def test_the_pages_say_what_is_asked_of_them() -> None:
    text = re.sub(r"\s+", " ", (ROOT / "docs/security.md").read_text(encoding="utf-8"))
    lacking = [number for number, words in DOCUMENTED.items() if words not in text]
    assert lacking == []
    asked = {
        e.number for e in REQUIREMENTS if "test_the_pages_say_what_is_asked_of_them" in e.tests
    }
    assert asked == set(DOCUMENTED)
