"""The table of areas says what their tests found, and that of an area left out is kept."""

from pathlib import Path

import pytest

from docs.build.areas_page import KEPT, PAGE, Held, read_tests, table
from docs.build.records import read_records, with_table
from minerisk.features.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
CASE = '<testcase name="test_the_point_holds_of_the_area[{}-{}]" time="30">{}</testcase>'


def test_each_point_is_told_of_each_area_and_what_was_skipped_is_not(tmp_path: Path) -> None:
    cases = CASE.format(1, "demo", "") + CASE.format(2, "demo", "<failure>no</failure>")
    cases += CASE.format("demo", 3, "") + CASE.format(1, "bosnia", "<skipped/>")
    path = tmp_path / "tests.xml"
    path.write_text(
        f'<testsuites><testsuite timestamp="2026-01-31T09:00:00">{cases}</testsuite></testsuites>'
    )
    found = read_tests(path, at="abc1234")
    assert found == {"demo": Held("2026-01-31", "abc1234", 90.0, [1, 3], [2])}
    lines = table(found).splitlines()
    assert [line.split("|")[4:6] for line in lines[2:5]] == [
        [" holds ", " not run "], [" **missed** ", " not run "], [" holds ", " not run "]
    ]  # fmt: skip
    assert "Demo: 2 of 3 hold, last run on 2026-01-31 at `abc1234`, 2 min." in lines
    assert "Bosnia: not run yet." in lines


def test_a_file_that_tells_of_no_tests_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="make areas"):
        read_tests(tmp_path / "tests.xml", at="abc1234")


def test_the_page_of_the_project_is_made_from_its_records() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert with_table(text, table(read_records(ROOT / KEPT, Held, what="an area"))) == text
