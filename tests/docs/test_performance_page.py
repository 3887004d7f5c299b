"""The table and the chart of docs/performance.md are made of what benchmarks recorded."""

from dataclasses import replace
from io import BytesIO
from pathlib import Path

import pytest
from PIL import Image

from docs.build.performance_page import (
    Timing,
    chart_png,
    page_text,
    read_timings,
    table,
    write_page,
)
from docs.build.records import BEGIN, END, write_record
from minerisk.features.errors import InputError

REQUEST = Timing(
    what="A request",
    unit="processor s",
    ours=[2.0, 4.0, 2.0],
    peers={"before": [6.0, 6.0, 5.0]},
    at_most=2.5,
    times=4.0,
    machine="a machine",
    commit="1234567",
    command="make bench",
)
ALONE = replace(REQUEST, what="A refusal", ours=[1.0], peers={}, at_most=0.5, times=None)


def test_ratios_are_of_rounds_and_the_table_has_their_median_and_spread() -> None:
    assert REQUEST.ratios("before") == [3.0, 1.5, 2.5]
    line = table([REQUEST]).splitlines()[2]
    assert "2 (2–4) processor s | before: 6 (5–6) processor s | 2.5 (1.5–3)" in line
    assert "at most 2.5 processor s; 4 times less | met, by 20%; **missed by 38%**" in line


def test_a_cost_without_a_peer_has_a_line_too() -> None:
    assert "| A refusal | 1 processor s |  |  | at most 0.5" in table([ALONE])


def test_records_are_taken_in_and_made_into_table_and_chart(tmp_path: Path) -> None:
    new, kept, page = tmp_path / "new", tmp_path / "kept", tmp_path / "page.md"
    write_record("request", REQUEST, new)
    write_record("refusal", ALONE, kept)
    page.write_text(f"before\n{BEGIN}\nold\n{END}\nafter\n", encoding="utf-8")
    write_page(new, kept, page)
    text = page.read_text(encoding="utf-8")
    assert text == page_text(text, [ALONE, REQUEST])
    assert text.startswith("before\n")
    assert text.endswith("\nafter\n")
    assert "old" not in text
    assert Image.open(BytesIO((kept / "chart.png").read_bytes())).width > 500
    assert read_timings(kept) == {"refusal": ALONE, "request": REQUEST}


def test_the_same_records_make_the_same_chart() -> None:
    assert chart_png([REQUEST, ALONE]) == chart_png([REQUEST, ALONE])


@pytest.mark.parametrize("peers", [{"before": [1.0]}, {"before": [1.0, 0.0, 2.0]}])
def test_turns_that_do_not_match_are_refused(peers: dict[str, list[float]]) -> None:
    with pytest.raises(InputError, match="before"):
        replace(REQUEST, peers=peers)


def test_a_page_without_marks_is_refused() -> None:
    with pytest.raises(InputError, match="marks"):
        page_text("nothing", [ALONE])


def test_the_kept_records_are_what_the_page_shows() -> None:
    kept = list(read_timings(Path(__file__).parents[2] / "docs" / "performance").values())
    page = (Path(__file__).parents[2] / "docs" / "performance.md").read_text(encoding="utf-8")
    assert page_text(page, kept) == page
