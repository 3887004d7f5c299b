"""The validity page says what was measured, and hides nothing that was missed."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from docs.build.validity_page import Result, failed_tests, main, read_results, record, write_page
from minerisk.features.errors import InputError

MET = Result(
    name="coverage",
    title="Intervals cover",
    claim="Nine in ten intervals hold the truth.",
    protocol="50 worlds",
    target=0.9,
    measured=np.float64(0.91),  # type: ignore[arg-type]
    passed=True,
    table=[{"world": 1, "cover": 0.9}, {"world": 2, "cover": float("nan")}],
    figure={"x": ["a", "b"], "y": {"m": [1, 2]}, "xlabel": "x", "ylabel": "y", "kind": "bar"},
)
MISSED = Result(
    name="slope",
    title="Slope is right",
    claim="The slope is 1.",
    protocol="50 worlds",
    target="0.85 to 1.15",
    measured=0.7,
    passed=False,
    words="0.15 too low. Tried: isotonic.",
    figure={
        "x": [0, 1],
        "y": [0.0, 0.7],
        "low": [0.0, 0.6],
        "high": [0.1, 0.8],
        "xlabel": "x",
        "ylabel": "y",
        "kind": "line",
        "reference": "diagonal",
    },
)


def test_a_result_survives_its_file(tmp_path: Path) -> None:
    record(MET, tmp_path)
    (read,) = read_results(tmp_path)
    assert read.measured == pytest.approx(0.91)
    assert list(read.table[0]) == ["world", "cover"]
    assert read.table[1]["cover"] is None


def test_the_page_counts_and_names_what_was_missed(tmp_path: Path) -> None:
    for result in (MET, MISSED):
        record(result, tmp_path / "in")
    page = write_page(tmp_path / "in", tmp_path / "validity.md")
    text = page.read_text(encoding="utf-8")
    assert "1 of 2 targets are met. Those missed:" in text
    assert "wanted 0.85 to 1.15, measured 0.7" in text
    assert "0.15 too low. Tried: isotonic." in text
    assert "| 2 | – |" in text
    assert (tmp_path / "validity" / "coverage.png").read_bytes()[:4] == b"\x89PNG"


def test_the_same_results_give_the_same_bytes_and_old_figures_go(tmp_path: Path) -> None:
    for result in (MET, MISSED):
        record(result, tmp_path / "in")
    page = tmp_path / "validity.md"
    write_page(tmp_path / "in", page)
    figure = tmp_path / "validity" / "slope.png"
    first = page.read_bytes(), figure.read_bytes()
    write_page(tmp_path / "in", page)
    assert first == (page.read_bytes(), figure.read_bytes())
    (tmp_path / "in" / "slope.json").unlink()
    write_page(tmp_path / "in", page)
    assert not figure.exists()


def test_what_is_asked_of_a_run_goes_into_another_page_too(tmp_path: Path) -> None:
    other = tmp_path / "results.md"
    other.write_text("Before\n<!-- table: begin -->\nold\n<!-- table: end -->\nafter\n")
    for result in (MET, replace(MISSED, name="choice")):
        record(result, tmp_path / "in")
    given = ["--results", str(tmp_path / "in"), "--page", str(tmp_path / "validity.md")]
    main([*given, "--targets", str(other)])
    lines = other.read_text(encoding="utf-8").splitlines()
    row = "| [Slope is right](validity.md#slope-is-right) | 0.85 to 1.15 | 0.7 | **missed** |"
    assert (lines[0], lines[-1]) == ("Before", "after")
    assert row in lines
    assert len(lines) == 7  # of what is not asked for there is no row
    assert "old" not in lines


def test_no_results_and_foreign_files_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no results"):
        write_page(tmp_path, tmp_path / "page.md")
    (tmp_path / "other.json").write_text(json.dumps({"a": 1}), encoding="utf-8")
    with pytest.raises(InputError, match=r"other\.json is not a result"):
        read_results(tmp_path)


def test_a_figure_without_axis_words_is_refused() -> None:
    with pytest.raises(InputError, match="lacks"):
        Result("a", "A", "c", "p", 1, 1, True, figure={"x": [], "y": [], "kind": "line"})


def test_a_test_that_failed_marks_the_page_and_the_command_fails(tmp_path: Path) -> None:
    record(MET, tmp_path / "in")
    case = '<testcase classname="tests.validity.a" name="{}">{}</testcase>'
    cases = case.format("good", "") + case.format("bad", "<failure>no</failure>")
    cases += case.format("broken", "<error>no</error>") + case.format("left", "<skipped/>")
    tests = tmp_path / "tests.xml"
    tests.write_text(f"<testsuites><testsuite>{cases}</testsuite></testsuites>", encoding="utf-8")
    assert failed_tests(tests) == ["tests.validity.a::bad", "tests.validity.a::broken"]
    page = tmp_path / "page.md"
    given = ["--results", str(tmp_path / "in"), "--page", str(page), "--tests", str(tests)]
    with pytest.raises(SystemExit) as left:
        main(given)
    assert left.value.code == 1
    assert "not to be relied on" in page.read_text(encoding="utf-8")
    assert "tests.validity.a::bad" in page.read_text(encoding="utf-8")
    tests.write_text(f"<testsuite>{case.format('good', '')}</testsuite>", encoding="utf-8")
    main(given)
    assert "not to be relied on" not in page.read_text(encoding="utf-8")
    tests.unlink()
    with pytest.raises(SystemExit) as left:
        main(given)
    assert left.value.code == 2
