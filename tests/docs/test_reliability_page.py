"""The reliability page says what the records say; a new record replaces the line of its name."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from docs.build.reliability_page import (
    KEPT,
    PAGE,
    Trial,
    added,
    last_seed,
    page_text,
    read_trials,
    record,
    recorded,
    table,
    write_page,
)
from minerisk.features.errors import InputError

ROOT = Path(__file__).resolve().parents[2]
QUIET = Trial("Killed | continued", 200, [], 1800.0, "abc1234", "make kills")
LOUD = Trial("Bytes changed", 5500, ["2 crashed (mended)"], 31.0, "abc1234", "make fuzz")


def test_the_table_holds_every_record_in_the_order_of_names(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("# Head\n<!-- table: begin -->old<!-- table: end -->\ntail\n")
    record("kills", QUIET, tmp_path / "new")
    record("bytes", LOUD, tmp_path / "new")
    text = write_page(tmp_path / "new", tmp_path / "kept", page).read_text()
    assert text.startswith("# Head\n")
    assert text.endswith("\ntail\n")
    assert "old" not in text
    rows = [line for line in text.splitlines() if line.startswith("|")][2:]
    assert rows == [
        "| Bytes changed | 5,500 |  | 2 crashed (mended) | 31 s | `abc1234` | `make fuzz` |",
        "| Killed \\| continued | 200 |  | nothing | 30 min | `abc1234` | `make kills` |",
    ]


def test_a_target_that_was_stopped_goes_on_and_its_record_adds_up(tmp_path: Path) -> None:
    assert last_seed("bytes", tmp_path) == -1
    first = replace(LOUD, asked=9000, outcomes={"read": 500, "refused": 5000}, seeds=[[0, 5499]])
    record("bytes", added(recorded("bytes", tmp_path), first), tmp_path)
    assert last_seed("bytes", tmp_path) == 5499
    then = replace(
        first, tried=500, found=[], outcomes={"read": 500}, seeds=[[5500, 5999]], commit="def5678"
    )
    record("bytes", added(recorded("bytes", tmp_path), then), tmp_path)
    whole = recorded("bytes", tmp_path)
    assert whole is not None
    assert (whole.tried, whole.seconds, whole.seeds) == (6000, 62.0, [[0, 5999]])
    assert table([whole]).splitlines()[2] == (
        "| Bytes changed | 6,000 of 9,000 asked for | read: 1,000, refused: 5,000 "
        "| 2 crashed (mended) | 62 s | `abc1234`, `def5678` | `make fuzz` |"
    )


def test_a_new_record_replaces_the_one_of_its_name_and_keeps_the_others(tmp_path: Path) -> None:
    page = tmp_path / "page.md"
    page.write_text("<!-- table: begin --><!-- table: end -->")
    for name, trial in (("kills", LOUD), ("bytes", LOUD)):
        record(name, trial, tmp_path / "kept")
    record("kills", QUIET, tmp_path / "new")
    write_page(tmp_path / "new", tmp_path / "kept", page)
    assert read_trials(tmp_path / "kept") == {"bytes": LOUD, "kills": QUIET}


@pytest.mark.parametrize("wrong", [{"found": "nothing"}, {"tried": 0}, {"extra": 1}])
def test_a_file_that_is_no_record_is_named(tmp_path: Path, wrong: dict[str, object]) -> None:
    whole = {"what": "x", "tried": 1, "found": [], "seconds": 1.0, "commit": "a", "command": "b"}
    (tmp_path / "odd.json").write_text(json.dumps(whole | wrong))
    with pytest.raises(InputError, match=r"odd\.json is no record of a trial"):
        read_trials(tmp_path)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(InputError, match="lacks the marks"):
        page_text("# Head", [QUIET])


def test_the_page_of_the_project_is_made_from_its_records() -> None:
    text = (ROOT / PAGE).read_text(encoding="utf-8")
    assert page_text(text, list(read_trials(ROOT / KEPT).values())) == text
